/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * con.h - virtio console driver with ports, and the command `con`
 */
#ifndef GUEST_CON_H
#define GUEST_CON_H

#include <stdbool.h>

/* Runs `con ARGS`. */
void con_command(char *args);

/**
 * con_count_ports() - Start the first console anew and count what it announces
 * @ret_ports:	Ports that it added
 * @ret_wrong:	Messages that added a port twice or one that cannot be
 *
 * Return: false when it does not start
 */
bool con_count_ports(unsigned *ret_ports, unsigned *ret_wrong);

#endif
