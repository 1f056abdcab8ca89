/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zonecfg_complete.h - what may stand at a place of a line of zonecfg; no I/O
 *
 * DOC: Where candidates come from
 *
 * The syntax texts of ZCFG_COMMANDS say what each subcommand takes (its options, and the
 * words TYPE, PROPERTY, PROPERTY=VALUE, SUBCOMMAND, TEMPLATE), and the property table
 * says which types, properties and values there are. A new subcommand or property is
 * therefore completed from the day it is in its table. Resources that the configuration
 * has give the values of select, remove and info.
 */
#ifndef KZ_CLI_ZONECFG_COMPLETE_H
#define KZ_CLI_ZONECFG_COMPLETE_H

#include "cli/zonecfg_cmd.h"

struct zcfg_candidates {
	char **text; /* owned, sorted; with the blank or '=' that has to follow */
	unsigned n;
	size_t stem; /* so many bytes before the cursor each of them begins with */
};
void zcfg_candidates_fini(struct zcfg_candidates *c);

/**
 * zcfg_complete() - The words that can stand at the cursor
 * @line:	One line, which the session has not seen yet
 * @cursor:	Bytes of it before the cursor; what is behind is not looked at
 * @ret:	Free it with zcfg_candidates_fini(); none inside of comments and quotes
 *
 * Return: 0 or -ENOMEM
 */
int zcfg_complete(const struct zcfg *s, const char *line, size_t cursor,
		  struct zcfg_candidates *ret);

/* How many bytes all candidates have in common. */
size_t zcfg_candidates_common(const struct zcfg_candidates *c);

#endif
