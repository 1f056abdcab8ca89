/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * con.h - virtio console driver with ports, and the command `con`
 */
#ifndef GUEST_CON_H
#define GUEST_CON_H

/* Runs `con ARGS`. */
void con_command(char *args);

#endif
