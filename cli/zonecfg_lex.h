/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zonecfg_lex.h - a line of zonecfg's command language into commands and words; no I/O
 *
 * DOC: Words
 *
 * Commands are separated by ';' or the end of the line; '#' at the beginning of a word
 * starts a comment. Words are separated by blanks. The first '=' that is not quoted ends
 * a word and is a word of its own; what follows it is a value, in which '=' is like any
 * other character: set bootargs=console=ttyS0. So it is in a word that begins with '(':
 * add value (priv=privileged,limit=20,action=none). Single quotes keep everything, double
 * quotes everything but \" and \\. A quoted part does not go over the end of a line.
 */
#ifndef KZ_CLI_ZONECFG_LEX_H
#define KZ_CLI_ZONECFG_LEX_H

#include "common/base/err.h"

#define ZLEX_WORDS_MAX 64 /* of one command */

struct zlex_word {
	char *text;  /* owned */
	bool equals; /* the separator '=', not a word that was written as '=' in quotes */
};

struct zlex_cmd {
	struct zlex_word word[ZLEX_WORDS_MAX];
	unsigned n;
};

void zlex_cmd_fini(struct zlex_cmd *c);

/**
 * zlex_next() - Take the next command off a line
 * @pos:	Where to go on; moved behind the command
 * @ret_cmd:	Free it with zlex_cmd_fini(); without words when there is an empty command
 *
 * Return: 1, 0 (the line has ended), -ENOMEM, -EINVAL (quote not ended, control
 * characters or invalid UTF-8, too many words)
 */
int zlex_next(const char **pos, struct zlex_cmd *ret_cmd, struct errmsg *e);

#endif
