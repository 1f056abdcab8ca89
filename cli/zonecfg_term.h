/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zonecfg_term.h - lines from a person at a terminal: editing, history, completion
 *
 * ^C gives up the line that is being typed and nothing else: while lines are read it is a
 * key like any other, and in between SIGINT is ignored, so that no command is cut short.
 */
#ifndef KZ_CLI_ZONECFG_TERM_H
#define KZ_CLI_ZONECFG_TERM_H

#include "cli/zonecfg_cmd.h"

struct term;

/**
 * term_open() - Take the terminal of standard input and output
 * @s:		What completion looks at, borrowed until term_close()
 *
 * Return: 0 or -ENOMEM
 */
int term_open(const struct zcfg *s, struct term **ret_term);
/* Gives the terminal and SIGINT back. NULL is allowed. */
void term_close(struct term *t);

/**
 * term_read() - One line
 * @prompt:	Borrowed for the call
 * @command:	Complete it, and keep it in the history
 * @ret_line:	New string without the newline, owned by the caller
 *
 * Return: 1, 0 (end of file), -ECANCELED (^C), -ENOMEM, -EIO
 */
int term_read(struct term *t, const char *prompt, bool command, char **ret_line);

#endif
