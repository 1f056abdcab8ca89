/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zlogin_escape.h - the escape sequences in what is typed: ~. at the start of a line
 */
#ifndef KZ_CLI_ZLOGIN_ESCAPE_H
#define KZ_CLI_ZLOGIN_ESCAPE_H

#include "common/base/base.h"

struct escape {
	int character; /* -1: none */
	bool in_line;  /* something was typed since the line began */
	bool escaped;  /* the last byte was the escape character at a line's start */
};

/* Room that escape_filter() needs for len bytes of input. */
#define ESCAPE_ROOM(len) ((len) + 1)

/**
 * escape_filter() - Find escape sequences in input
 * @out:	What is to be passed on; room for ESCAPE_ROOM(len) bytes
 * @ret_len:	How many bytes that is
 *
 * The escape character followed by "." disconnects, doubled it is passed on once, and
 * with anything else both are passed on.
 *
 * Return: true when the user wants to disconnect; what came before is in @out
 */
bool escape_filter(struct escape *esc, const char *in, size_t len, char *out,
		   size_t *ret_len);

#endif
