/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * con.h - virtio console driver with ports, and the command `con`
 */
#ifndef GUEST_CON_H
#define GUEST_CON_H

#include <stdbool.h>
#include <stdint.h>

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

/* Sends anything on the control queue of the console that was started, at most 2 KiB.
 * Return: false when the device does not take it */
bool con_send_control(const void *message, uint32_t n);

#endif
