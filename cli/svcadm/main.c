// SPDX-License-Identifier: BSD-2-Clause
/*
 * main.c - svcadm: ask svc.zones to change the zones' service instances
 */
#include "cli/fmri.h"
#include "cli/svcadm/svcadm.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Subcommands: their options, and what is called for each instance. */
struct verb {
	const char *name;
	const char *flags; /* letters of the options it takes */
	enum kz_method method;
	const char *done; /* what -v says, with the FMRI */
	const char *help;
};

static const struct verb verbs[] = {
	{ "clear", "", KZ_CLEAR, "Action maint_off set for %s.\n",
	  "take out of maintenance; degraded: it is well again" },
	{ "disable", "st", KZ_DISABLE, "%s disabled.\n",
	  "stop the zone and keep it stopped" },
	{ "enable", "rst", KZ_ENABLE, "%s enabled.\n",
	  "boot the zone, now and at each boot of the host" },
	{ "mark", "It", KZ_MARK_INSTANCE, "Action mark set for %s.\n",
	  "maintenance or degraded: an administrator says so" },
	{ "refresh", "", KZ_REFRESH, "Action refresh set for %s.\n",
	  "read the zone's configuration again" },
	{ "restart", "", KZ_SHUTDOWN, "Action restart set for %s.\n",
	  "shut the zone down and boot it again" },
};

int svcadm_failed(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "svcadm: ");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\n");
	return EXIT_FAILED;
}

static json_t *params_of(const struct svcadm *s, const struct verb *v, const char *zone,
			 const char *mark)
{
	switch (v->method) {
	case KZ_ENABLE:
	case KZ_DISABLE:
		return json_pack("{s:s, s:b}", "zone", zone, "temporary", s->temporary);
	case KZ_SHUTDOWN:
		return json_pack("{s:s, s:b}", "zone", zone, "reboot", 1);
	case KZ_MARK_INSTANCE:
		return json_pack("{s:s, s:s, s:b, s:b}", "zone", zone, "state", mark,
				 "immediate", s->immediate, "temporary", s->temporary);
	default:
		return json_pack("{s:s}", "zone", zone);
	}
}

/* One instance. An exit status. */
static int act(struct svcadm *s, const struct verb *v, const struct instance *i,
	       const char *mark)
{
	struct client_error e = { 0 };
	int r;

	if (v->method == KZ_SHUTDOWN && !instance_runs(i))
		return svcadm_failed("Instance \"%s\" is not in a state that can be "
				     "restarted: %s",
				     i->fmri, i->state);
	r = client_call(&s->client, v->method, params_of(s, v, i->zone, mark), NULL, &e);
	if (r < 0)
		return svcadm_failed("%s: %s", i->fmri, e.msg.text);
	if (s->verbose)
		printf(v->done, i->fmri);
	return EXIT_DONE;
}

/* The restarter's own properties take effect. An exit status. */
static int refresh_restarter(struct svcadm *s, const struct verb *v)
{
	struct client_error e = { 0 };

	if (client_call(&s->client, KZ_REFRESH, json_object(), NULL, &e) < 0)
		return svcadm_failed("%s: %s", RESTARTER_FMRI, e.msg.text);
	if (s->verbose)
		printf(v->done, RESTARTER_FMRI);
	return EXIT_DONE;
}

static int ambiguous(const struct svcadm *s, const char *word)
{
	(void)svcadm_failed("Pattern '%s' matches multiple instances:", word);
	for (unsigned i = 0; i < s->list.n; i++)
		if (fmri_matches(word, s->list.v[i].fmri))
			fprintf(stderr, "        %s\n", s->list.v[i].fmri);
	return EXIT_FAILED;
}

/* Chooses what a word means: one instance, or all that a pattern fits. */
static int choose(struct svcadm *s, const struct verb *v, const char *word)
{
	bool restarter = v->method == KZ_REFRESH && fmri_matches(word, RESTARTER_FMRI);
	unsigned n = 0;

	for (unsigned i = 0; i < s->list.n; i++)
		n += fmri_matches(word, s->list.v[i].fmri);
	if (n > 1 && !strpbrk(word, "*?["))
		return ambiguous(s, word);
	for (unsigned i = 0; i < s->list.n; i++)
		s->chosen[i] |= fmri_matches(word, s->list.v[i].fmri);
	if (restarter)
		return refresh_restarter(s, v);
	if (!n)
		return svcadm_failed("Pattern '%s' doesn't match any instances", word);
	return EXIT_DONE;
}

static int act_on_words(struct svcadm *s, const struct verb *v, char **words, int n,
			const char *mark)
{
	int status = EXIT_DONE, r;

	for (int i = 0; i < n; i++)
		if (choose(s, v, words[i]) != EXIT_DONE)
			status = EXIT_FAILED;
	if (s->recursive && recurse_choose(s) != EXIT_DONE)
		return EXIT_FAILED;
	for (unsigned i = 0; i < s->list.n; i++) {
		if (!s->chosen[i] || act(s, v, &s->list.v[i], mark) == EXIT_DONE)
			continue;
		s->chosen[i] = false;
		status = EXIT_FAILED;
	}
	if (!s->synchronous)
		return status;
	r = wait_chosen(s, v->method == KZ_ENABLE);
	return MAX(status, r);
}

static int run(struct svcadm *s, const struct verb *v, const char *root, char **words,
	       int n)
{
	const char *mark = v && v->method == KZ_MARK_INSTANCE ? words[0] : NULL;
	struct client_error e = { 0 };
	int status, r;

	if (paths_init(&s->paths, root, &e.msg) < 0)
		return svcadm_failed("%s", e.msg.text);
	r = client_open(&s->client, &s->paths, &e);
	if (r == 0 && v)
		r = instances_get(&s->client, INSTANCES_BRIEF, &s->list, &e);
	s->chosen = calloc(s->list.n + 1, sizeof(*s->chosen));
	if (r < 0)
		status = svcadm_failed("%s", e.msg.text);
	else if (!s->chosen)
		status = svcadm_failed("out of memory");
	else if (!v)
		status = plan_show(s);
	else
		status = act_on_words(s, v, words + (mark != NULL), n - (mark != NULL),
				      mark);
	free(s->chosen);
	instances_fini(&s->list);
	client_close(&s->client);
	paths_fini(&s->paths);
	return status;
}

static const struct verb *find_verb(const char *name)
{
	for (unsigned i = 0; i < ARRAY_SIZE(verbs); i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}

static int usage(const struct opt *opts, unsigned n, const struct opt *verb_opts,
		 unsigned n_verb_opts, FILE *to)
{
	fprintf(to,
		"usage: svcadm [-v] [-R root] subcommand [options] fmri | pattern ...\n"
		"       svcadm [-v] [-R root] mark [-It] maintenance|degraded "
		"fmri | pattern ...\n"
		"       svcadm [-R root] --plan\n");
	opts_print(opts, n, to);
	fprintf(to, "subcommands:\n");
	for (unsigned i = 0; i < ARRAY_SIZE(verbs); i++)
		fprintf(to, "\t%-18s %s\n", verbs[i].name, verbs[i].help);
	fprintf(to, "options of subcommands:\n");
	opts_print(verb_opts, n_verb_opts, to);
	return to == stdout ? EXIT_DONE : EXIT_USAGE;
}

/* Options that were given, though the subcommand does not take them. */
static int check_flags(const struct opt *opts, unsigned n, const struct verb *v,
		       struct errmsg *e)
{
	for (unsigned i = 0; i < n; i++)
		if (*(bool *)opts[i].dest && !strchr(v->flags, opts[i].letter))
			return errmsg_set(e, -EINVAL, "illegal option -- %c",
					  opts[i].letter);
	return 0;
}

/* mark maintenance|degraded, and which options go with which. */
static int check_mark(const struct svcadm *s, char **words, int n, struct errmsg *e)
{
	bool degraded = n > 0 && strcmp(words[0], "degraded") == 0;

	if (!degraded && (n == 0 || strcmp(words[0], "maintenance") != 0))
		return errmsg_set(e, -EINVAL, "mark maintenance or degraded");
	if (degraded && (s->immediate || s->temporary))
		return errmsg_set(e, -EINVAL, "-I and -t go with maintenance");
	return 0;
}

int main(int argc, char **argv)
{
	struct svcadm s = { .client.fd = -1 };
	bool plan = false;
	const char *root = NULL;
	const struct opt opts[] = {
		{ 'R', OPT_TEXT, &root, "root", "all paths are below this directory" },
		{ 'v', OPT_FLAG, &s.verbose, NULL, "say what was asked of which" },
		{ 0, OPT_FLAG, &plan, NULL, "print the order of a boot of the host",
		  "plan" },
	};
	const struct opt verb_opts[] = {
		{ 'I', OPT_FLAG, &s.immediate, NULL,
		  "at once, without asking the guest" },
		{ 'r', OPT_FLAG, &s.recursive, NULL, "what it requires, too" },
		{ 's', OPT_FLAG, &s.synchronous, NULL, "wait until it is so" },
		{ 't', OPT_FLAG, &s.temporary, NULL, "until the next boot of the host" },
	};
	const unsigned n_opts = ARRAY_SIZE(opts), n_verb_opts = ARRAY_SIZE(verb_opts);
	struct errmsg e = { "" };
	const struct verb *v = NULL;
	int at = opts_parse(opts, n_opts, argc, argv, &e), words = -1, n;

	if (at == -ECANCELED)
		return usage(opts, n_opts, verb_opts, n_verb_opts, stdout);
	if (plan && at == argc)
		return run(&s, NULL, root, NULL, 0);
	if (at >= 0 && at < argc && !plan) {
		v = find_verb(argv[at]);
		if (!v)
			errmsg_set(&e, -EINVAL, "%.64s: unknown subcommand", argv[at]);
	}
	if (v)
		words = opts_parse(verb_opts, n_verb_opts, argc - at, argv + at, &e);
	n = argc - at - words;
	if (words >= 0 && check_flags(verb_opts, n_verb_opts, v, &e) < 0)
		words = -1;
	if (words >= 0 && v->method == KZ_MARK_INSTANCE &&
	    check_mark(&s, argv + at + words, n--, &e) < 0)
		words = -1;
	if (words < 0 || n <= 0) {
		if (e.text[0])
			(void)svcadm_failed("%s", e.text);
		return usage(opts, n_opts, verb_opts, n_verb_opts, stderr);
	}
	return run(&s, v, root, argv + at + words, argc - at - words);
}
