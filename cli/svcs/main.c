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
	bool dependencies, dependents;
	const char *columns, *restarter;
	struct opt_each sort; /* -s and -S */
	struct sort_keys keys;
	enum relation relation;
};

static int usage(const struct opt *opts, unsigned n, FILE *to, int status)
{
	fprintf(to,
		"usage: svcs [-aHpv] [-o column,...] [-s column] [-S column] [-z zone]\n"
		"            [-R fmri|root] [fmri | pattern ...]\n"
		"       svcs -d | -D [-Hpv] [-o column,...] [-s column] [-S column] [-z "
		"zone]\n"
		"            [fmri | pattern ...]\n"
		"       svcs -l [-p] [-z zone] [fmri | pattern ...]\n"
		"       svcs -x [-v] [-z zone] [fmri | pattern ...]\n");
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

/* -z: the instance of that zone. An exit status. */
static int choose_zone(struct svcs *s)
{
	for (unsigned i = 0; i < s->list.n; i++) {
		if (strcmp(s->list.v[i].zone, s->zone) != 0)
			continue;
		s->chosen[i] = !s->n_words;
		for (unsigned w = 0; w < s->n_words; w++)
			s->chosen[i] |= fmri_matches(s->words[w], s->list.v[i].fmri);
		return EXIT_DONE;
	}
	fprintf(stderr, "svcs: zone '%s' has no instance: it is not installed\n",
		s->zone);
	return EXIT_FAILED;
}

/* Marks what the operands mean. An exit status: a word that means nothing is a failure.
 */
static int choose(struct svcs *s, const struct flags *f)
{
	int status = EXIT_DONE;

	s->chosen = calloc(s->list.n + 1, sizeof(*s->chosen));
	if (!s->chosen)
		return failed("out of memory");
	if (s->zone)
		return choose_zone(s);
	for (unsigned i = 0; !s->n_words && i < s->list.n; i++)
		s->chosen[i] = by_default(f, s, &s->list.v[i]);
	for (unsigned w = 0; w < s->n_words; w++) {
		bool found = false;

		for (unsigned i = 0; i < s->list.n; i++) {
			if (!fmri_matches(s->words[w], s->list.v[i].fmri))
				continue;
			s->chosen[i] = found = true;
		}
		if (found || (f->dependents && related_names(s, s->words[w])))
			continue;
		fprintf(stderr, "svcs: Pattern '%s' doesn't match any instances\n",
			s->words[w]);
		status = EXIT_FAILED;
	}
	return status;
}

static void add_table(struct buf *out, struct svcs *s, const struct flags *f,
		      const enum cell *cells, unsigned n)
{
	if (!f->no_header)
		cells_header(out, cells, n);
	cells_sort(s->rows, s->n_rows, &f->keys);
	for (unsigned i = 0; i < s->n_rows; i++) {
		cells_row(out, cells, n, &s->rows[i]);
		if (f->processes)
			add_processes(out, &s->rows[i]);
	}
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
			detail_add(out, s, &s->list.v[i], f->processes);
	}
}

static int show(struct svcs *s, const struct flags *f, const enum cell *cells, unsigned n)
{
	cleanup(buf_fini) struct buf out = { 0 };
	int status = choose(s, f);

	if (!s->chosen)
		return status;
	if (f->explain || f->lengthy) {
		add_blocks(&out, s, f);
	} else {
		if (related_rows(s, f->relation) < 0)
			return failed("out of memory");
		if (s->n_rows || !s->n_words)
			add_table(&out, s, f, cells, n);
	}
	if (buf_error(&out))
		return failed("out of memory");
	fwrite(out.p ? out.p : "", 1, out.len, stdout);
	return fflush(stdout) ? failed(strerror(errno)) : status;
}

/* Asks svc.zones. An exit status. */
static int fetch(struct svcs *s, const struct flags *f)
{
	const bool brief = !f->explain && !f->lengthy;
	const bool all = !f->restarter || f->restarter[0] == '/';
	const unsigned want = (brief ? INSTANCES_BRIEF : 0u) | (all ? INSTANCES_ALL : 0u);
	struct client c;
	struct client_error e;
	int r = client_open(&c, &s->paths, &e);

	if (r == 0)
		r = instances_get(&c, want, &s->list, &e);
	client_close(&c);
	return r < 0 ? failed(e.msg.text) : EXIT_DONE;
}

/* What has to be known before instances are chosen. An exit status. */
static int prepare(struct svcs *s, const struct flags *f)
{
	int r = 0;

	/* All instances are this restarter's. */
	if (f->restarter && f->restarter[0] != '/' &&
	    !fmri_matches(f->restarter, RESTARTER_FMRI))
		s->list.n = 0;
	if (f->explain)
		r = explain_prepare(s);
	else if (f->relation == RELATION_DEPENDENTS)
		r = related_prepare(s);
	return r < 0 ? failed("out of memory") : EXIT_DONE;
}

/* -s and -S. An exit status. */
static int read_keys(struct flags *f, struct errmsg *e)
{
	enum cell cells[CELLS_MAX];

	for (unsigned i = 0; i < f->sort.n; i++) {
		int n = cells_parse(f->sort.v[i].text, cells, e);

		if (n > 1)
			n = errmsg_set(e, -EINVAL, "one column to an option -%c",
				       f->sort.v[i].letter);
		if (n < 0)
			return n;
		f->keys.v[i].cell = cells[0];
		f->keys.v[i].descending = f->sort.v[i].letter == 'S';
	}
	f->keys.n = f->sort.n;
	/* The list comes in this order; what is related comes in none. */
	if (!f->keys.n && f->relation != RELATION_NONE) {
		f->keys.v[f->keys.n++].cell = CELL_STATE;
		f->keys.v[f->keys.n++].cell = CELL_STIME;
	}
	return 0;
}

static int run(struct svcs *s, struct flags *f)
{
	const char *columns = f->columns   ? f->columns
			      : f->verbose ? "STATE,NSTATE,STIME,CTID,FMRI"
					   : "STATE,STIME,FMRI";
	bool moved = f->restarter && f->restarter[0] == '/';
	enum cell cells[CELLS_MAX];
	struct errmsg e = { "" };
	int n = cells_parse(columns, cells, &e), status;

	if (n < 0 || read_keys(f, &e) < 0) {
		failed(e.text);
		return EXIT_USAGE;
	}
	if (paths_init(&s->paths, moved ? f->restarter : NULL, &e) < 0)
		return failed(e.text);
	status = fetch(s, f);
	if (status == EXIT_DONE)
		status = prepare(s, f);
	if (status == EXIT_DONE)
		status = show(s, f, cells, (unsigned)n);
	free(s->chosen);
	free(s->rows);
	deps_fini(&s->deps);
	instances_fini(&s->list);
	paths_fini(&s->paths);
	return status;
}

/* Which options exclude each other. */
static int check_flags(struct flags *f, struct errmsg *e)
{
	if (f->explain + f->lengthy + f->dependencies + f->dependents > 1)
		return errmsg_set(e, -EINVAL, "-d, -D, -l and -x exclude each other");
	if ((f->explain || f->lengthy) && (f->sort.n || f->columns))
		return errmsg_set(e, -EINVAL, "-o, -s and -S go with a table");
	f->relation = f->dependencies ? RELATION_DEPENDENCIES
		      : f->dependents ? RELATION_DEPENDENTS
				      : RELATION_NONE;
	return 0;
}

int main(int argc, char **argv)
{
	struct flags f = { 0 };
	struct svcs s = { 0 };
	const struct opt opts[] = {
		{ 'a', OPT_FLAG, &f.all, NULL, "disabled instances too" },
		{ 'D', OPT_FLAG, &f.dependents, NULL, "what depends on the instances" },
		{ 'd', OPT_FLAG, &f.dependencies, NULL, "what the instances depend on" },
		{ 'H', OPT_FLAG, &f.no_header, NULL, "no header line" },
		{ 'l', OPT_FLAG, &f.lengthy, NULL, "everything about each instance" },
		{ 'o', OPT_TEXT, &f.columns, "column,...", "these columns" },
		{ 'p', OPT_FLAG, &f.processes, NULL,
		  "with the processes of each instance" },
		{ 'R', OPT_TEXT, &f.restarter, "fmri|root",
		  "instances of this restarter; a path: all paths are below it" },
		{ 'S', OPT_EACH, &f.sort, "column", "sort by it, the largest first" },
		{ 's', OPT_EACH, &f.sort, "column", "sort by it; further ones: by them" },
		{ 'v', OPT_FLAG, &f.verbose, NULL,
		  "more columns; with -x, paths and dependents" },
		{ 'x', OPT_FLAG, &f.explain, NULL,
		  "why instances do not run, what to do next" },
		{ 'z', OPT_TEXT, &s.zone, "zonename", "the instance of this zone" },
	};
	struct errmsg e = { "" };
	int first = opts_parse(opts, ARRAY_SIZE(opts), argc, argv, &e);

	if (first == -ECANCELED)
		return usage(opts, ARRAY_SIZE(opts), stdout, EXIT_DONE);
	if (first >= 0 && check_flags(&f, &e) < 0)
		first = -EINVAL;
	if (first < 0) {
		failed(e.text);
		return usage(opts, ARRAY_SIZE(opts), stderr, EXIT_USAGE);
	}
	s.words = argv + first;
	s.n_words = (unsigned)(argc - first);
	return run(&s, &f);
}
