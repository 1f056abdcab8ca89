/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * opts.h - options as a table, and the one loop that reads them
 */
#ifndef KZ_CLI_OPTS_H
#define KZ_CLI_OPTS_H

#include "common/base/err.h"

#include <stdio.h>

enum opt_type {
	OPT_FLAG, /* dest: bool *, set to true */
	OPT_TEXT, /* dest: const char **, the last one counts */
	OPT_EACH, /* dest: struct opt_each *, all of them count */
};

#define OPT_EACH_MAX 32

/* In the order in which they were given; several letters may share one. */
struct opt_each {
	unsigned n;
	struct {
		char letter;
		const char *text; /* borrowed */
	} v[OPT_EACH_MAX];
};

struct opt {
	char letter;
	enum opt_type type;
	void *dest;
	const char *arg;  /* what the argument is called; NULL for a flag */
	const char *help; /* NULL: not shown */
	const char *name; /* of a flag that has no letter (0): --name; else NULL */
};

/* Exit statuses of every program, as on Solaris. */
enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/**
 * opts_parse() - Read the options at the beginning of argv
 * @argv:	argv[0] is skipped; arguments are borrowed into the destinations
 *
 * Options end at "--", which is skipped, or at the first operand. Flags may be joined.
 *
 * Return: index of the first operand, -ECANCELED (-h or -? was given: print the usage),
 * or -EINVAL with the text of the mistake
 */
int opts_parse(const struct opt *opts, unsigned n, int argc, char **argv,
	       struct errmsg *e);

/* Prints one line an option: "\t-x arg  help". */
void opts_print(const struct opt *opts, unsigned n, FILE *to);

#endif
