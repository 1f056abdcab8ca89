// SPDX-License-Identifier: BSD-2-Clause
/*
 * opts.c - options as a table, and the one loop that reads them
 */
#include "cli/opts.h"

#include <string.h>

static const struct opt *find(const struct opt *opts, unsigned n, char letter)
{
	for (unsigned i = 0; i < n; i++)
		if (opts[i].letter == letter)
			return &opts[i];
	return NULL;
}

/* "--name" of a flag. */
static const struct opt *find_name(const struct opt *opts, unsigned n, const char *name)
{
	for (unsigned i = 0; i < n; i++)
		if (opts[i].name && strcmp(opts[i].name, name) == 0)
			return &opts[i];
	return NULL;
}

/* What an option with an argument was given. */
static int take_text(const struct opt *o, const char *text, struct errmsg *e)
{
	struct opt_each *each = o->dest;

	if (o->type == OPT_TEXT) {
		*(const char **)o->dest = text;
		return 0;
	}
	if (each->n == OPT_EACH_MAX)
		return errmsg_set(e, -EINVAL, "too many options -- %c", o->letter);
	each->v[each->n].letter = o->letter;
	each->v[each->n++].text = text;
	return 0;
}

/* One argument that begins with '-'; *at is its index and moves on to an argument's. */
static int parse_word(const struct opt *opts, unsigned n, int argc, char **argv, int *at,
		      struct errmsg *e)
{
	const struct opt *named = NULL;

	if (argv[*at][1] == '-')
		named = find_name(opts, n, argv[*at] + 2);
	if (named) {
		*(bool *)named->dest = true;
		return 0;
	}
	if (strcmp(argv[*at], "--help") == 0)
		return -ECANCELED;
	if (argv[*at][1] == '-')
		return errmsg_set(e, -EINVAL, "illegal option %s", argv[*at]);
	for (const char *c = argv[*at] + 1; *c; c++) {
		const struct opt *o = find(opts, n, *c);

		if (!o && (*c == 'h' || *c == '?'))
			return -ECANCELED;
		if (!o)
			return errmsg_set(e, -EINVAL, "illegal option -- %c", *c);
		if (o->type == OPT_FLAG) {
			*(bool *)o->dest = true;
			continue;
		}
		if (!c[1] && *at + 1 >= argc)
			return errmsg_set(e, -EINVAL, "option requires an argument -- %c",
					  *c);
		return take_text(o, c[1] ? c + 1 : argv[++*at], e);
	}
	return 0;
}

int opts_parse(const struct opt *opts, unsigned n, int argc, char **argv,
	       struct errmsg *e)
{
	int at, r;

	for (at = 1; at < argc; at++) {
		if (argv[at][0] != '-' || !argv[at][1])
			break;
		if (strcmp(argv[at], "--") == 0)
			return at + 1;
		r = parse_word(opts, n, argc, argv, &at, e);
		if (r < 0)
			return r;
	}
	return at;
}

void opts_print(const struct opt *opts, unsigned n, FILE *to)
{
	char left[32];

	for (unsigned i = 0; i < n; i++) {
		if (!opts[i].help)
			continue;
		if (opts[i].name)
			snprintf(left, sizeof(left), "--%s", opts[i].name);
		else
			snprintf(left, sizeof(left), "-%c%s%s", opts[i].letter,
				 opts[i].arg ? " " : "", opts[i].arg ? opts[i].arg : "");
		fprintf(to, "\t%-18s %s\n", left, opts[i].help);
	}
}
