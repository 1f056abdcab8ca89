/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zlogin_console.h - a session at a zone's console
 */
#ifndef KZ_CLI_ZLOGIN_CONSOLE_H
#define KZ_CLI_ZLOGIN_CONSOLE_H

#include "common/base/err.h"

struct console_options {
	const char *zone;
	const char *path; /* of the console's socket */
	int escape;       /* character, -1: none */
	bool until_halt;  /* disconnect when the zone halts */
	bool quiet;       /* no banners */
};

/**
 * console_session() - Connect standard input and output with a zone's console
 *
 * Stays over reboots of the zone. Returns when the user disconnects, when the zone halts
 * (until_halt), or when the console cannot be had any more. The terminal is as before.
 *
 * Return: 0, -ENOENT, -ECONNREFUSED, -EACCES, -EBUSY (somebody else has it), -EINTR
 * (ended by a signal), -EPIPE (nobody reads the output), -ENOMEM; with a text
 */
int console_session(const struct console_options *opt, struct errmsg *e);

#endif
