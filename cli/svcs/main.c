// SPDX-License-Identifier: BSD-2-Clause
/*
 * main.c - svcs: the states of the zones' service instances
 */
#include "cli/fmri.h"
#include "cli/opts.h"
#include "cli/svcs/svcs.h"

#include <stdio.h>
#include <string.h>

struct flags {
	bool all, no_header, processes, lengthy, explain, verbose;
	const char *columns, *restarter;
};

static int usage(const struct opt *opts, unsigned n, FILE *to, int status)
{
	fprintf(to,
		"usage: svcs [-aHpv] [-o column,...] [-R fmri|root] [fmri | pattern ...]\n"
		"       svcs -l [fmri | pattern ...]\n"
		"       svcs -x [-v] [fmri | pattern ...]\n");
	opts_print(opts, n, to);
	fprintf(to, "columns:\n");
	cells_print_help(to);
	return status;
}

static int failed(const char *text)
{
	fflush(stdout);
	fprintf(stderr, "svcs: %s\n", text);
	return EXIT_FAILED;
}

/* Without words: what is enabled, or is only temporarily not. */
static bool by_default(const struct flags *f, const struct svcs *s,
		       const struct instance *i)
{
	if (f->explain)
		return explain_wanted(s, i);
	return f->all || f->lengthy || i->enabled || i->enabled_temporary;
}

/* Marks what the operands mean. An exit status: a word that means nothing is a failure.
 */
static int choose(struct svcs *s, const struct flags *f)
{
	int status = EXIT_DONE;

	s->chosen = calloc(s->list.n + 1, sizeof(*s->chosen));
	if (!s->chosen)
		return failed("out of memory");
	for (unsigned i = 0; !s->n_words && i < s->list.n; i++)
		s->chosen[i] = by_default(f, s, &s->list.v[i]);
	for (unsigned w = 0; w < s->n_words; w++) {
		bool found = false;

		for (unsigned i = 0; i < s->list.n; i++) {
			if (!fmri_matches(s->words[w], s->list.v[i].fmri))
				continue;
			s->chosen[i] = found = true;
		}
		if (found)
			continue;
		fprintf(stderr, "svcs: Pattern '%s' doesn't match any instances\n",
			s->words[w]);
		status = EXIT_FAILED;
	}
	return status;
}

/* The table. An exit status. */
static int add_table(struct buf *out, const struct svcs *s, const struct flags *f,
		     const enum cell *cells, unsigned n)
{
	if (!f->no_header)
		cells_header(out, cells, n);
	for (unsigned i = 0; i < s->list.n; i++) {
		if (!s->chosen[i])
			continue;
		cells_row(out, cells, n, &s->list.v[i]);
		if (f->processes)
			add_processes(out, &s->list.v[i]);
	}
	return EXIT_DONE;
}

/* The blocks of -l and -x, with an empty line between them. */
static void add_blocks(struct buf *out, const struct svcs *s, const struct flags *f)
{
	for (unsigned i = 0; i < s->list.n; i++) {
		if (!s->chosen[i])
			continue;
		if (out->len)
			buf_adds(out, "\n");
		if (f->explain)
			explain_add(out, s, &s->list.v[i], f->verbose);
		else
			detail_add(out, s, &s->list.v[i]);
	}
}

static int show(struct svcs *s, const struct flags *f, const enum cell *cells, unsigned n)
{
	cleanup(buf_fini) struct buf out = { 0 };
	int status = choose(s, f);
	bool any = false;

	if (!s->chosen)
		return status;
	for (unsigned i = 0; i < s->list.n; i++)
		any |= s->chosen[i];
	if (f->explain || f->lengthy)
		add_blocks(&out, s, f);
	else if (any || !s->n_words)
		add_table(&out, s, f, cells, n);
	if (buf_error(&out))
		return failed("out of memory");
	fwrite(out.p ? out.p : "", 1, out.len, stdout);
	return fflush(stdout) ? failed(strerror(errno)) : status;
}

/* Asks svc.zones. An exit status. */
static int fetch(struct svcs *s)
{
	struct client c;
	struct client_error e;
	int r = client_open(&c, &s->paths, &e);

	if (r == 0)
		r = instances_get(&c, &s->list, &e);
	client_close(&c);
	return r < 0 ? failed(e.msg.text) : EXIT_DONE;
}

static int run(struct svcs *s, const struct flags *f)
{
	const char *columns = f->columns   ? f->columns
			      : f->verbose ? "STATE,NSTATE,STIME,CTID,FMRI"
					   : "STATE,STIME,FMRI";
	enum cell cells[CELLS_MAX];
	struct errmsg e = { "" };
	int n = cells_parse(columns, cells, &e);
	bool moved = f->restarter && f->restarter[0] == '/';
	int status;

	if (n < 0) {
		failed(e.text);
		return EXIT_USAGE;
	}
	if (paths_init(&s->paths, moved ? f->restarter : NULL, &e) < 0)
		return failed(e.text);
	status = fetch(s);
	/* All instances are this restarter's. */
	if (f->restarter && !moved && !fmri_matches(f->restarter, RESTARTER_FMRI))
		s->list.n = 0;
	if (status == EXIT_DONE && f->explain && explain_prepare(s) < 0)
		status = failed("out of memory");
	if (status == EXIT_DONE)
		status = show(s, f, cells, (unsigned)n);
	free(s->chosen);
	needs_fini(&s->needs);
	instances_fini(&s->list);
	paths_fini(&s->paths);
	return status;
}

int main(int argc, char **argv)
{
	struct flags f = { 0 };
	struct svcs s = { 0 };
	const struct opt opts[] = {
		{ 'a', OPT_FLAG, &f.all, NULL, "disabled instances too" },
		{ 'H', OPT_FLAG, &f.no_header, NULL, "no header line" },
		{ 'l', OPT_FLAG, &f.lengthy, NULL, "everything about each instance" },
		{ 'o', OPT_TEXT, &f.columns, "column,...", "these columns" },
		{ 'p', OPT_FLAG, &f.processes, NULL,
		  "with the processes of each instance" },
		{ 'R', OPT_TEXT, &f.restarter, "fmri|root",
		  "instances of this restarter; a path: all paths are below it" },
		{ 'v', OPT_FLAG, &f.verbose, NULL,
		  "more columns; with -x, a list of dependents" },
		{ 'x', OPT_FLAG, &f.explain, NULL,
		  "why instances do not run, what to do next" },
	};
	struct errmsg e = { "" };
	int first = opts_parse(opts, ARRAY_SIZE(opts), argc, argv, &e);

	if (first == -ECANCELED)
		return usage(opts, ARRAY_SIZE(opts), stdout, EXIT_DONE);
	if (first >= 0 && f.explain && f.lengthy)
		first = errmsg_set(&e, -EINVAL, "-l and -x exclude each other");
	if (first < 0) {
		failed(e.text);
		return usage(opts, ARRAY_SIZE(opts), stderr, EXIT_USAGE);
	}
	s.words = argv + first;
	s.n_words = (unsigned)(argc - first);
	return run(&s, &f);
}
