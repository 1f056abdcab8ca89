// SPDX-License-Identifier: BSD-2-Clause
/*
 * main.c - svcadm: enable, disable, restart and clear the zones' service instances
 */
#include "cli/fmri.h"
#include "cli/instances.h"
#include "cli/opts.h"

#include <stdio.h>
#include <string.h>

struct svcadm {
	struct paths paths;
	struct client client;
	struct instances list;
	bool temporary;
};

struct verb {
	const char *name;
	enum kz_method method;
	bool has_temporary;
	const char *help;
};

static const struct verb verbs[] = {
	{ "clear", KZ_CLEAR, false, "take out of maintenance" },
	{ "disable", KZ_DISABLE, true, "stop the zone and keep it stopped" },
	{ "enable", KZ_ENABLE, true, "boot the zone, now and at each boot of the host" },
	{ "refresh", KZ_REFRESH, false, "read the zone's configuration again" },
	{ "restart", KZ_SHUTDOWN, false, "shut the zone down and boot it again" },
};

static int usage(const struct opt *opts, unsigned n, FILE *to, int status)
{
	fprintf(to, "usage: svcadm [-R root] subcommand [-t] fmri | pattern ...\n");
	opts_print(opts, n, to);
	fprintf(to, "subcommands:\n");
	for (unsigned i = 0; i < ARRAY_SIZE(verbs); i++)
		fprintf(to, "\t%-18s %s\n", verbs[i].name, verbs[i].help);
	return status;
}

static int failed(const char *text)
{
	fprintf(stderr, "svcadm: %s\n", text);
	return EXIT_FAILED;
}

static json_t *params_of(const struct svcadm *s, const struct verb *v,
			 const struct instance *i)
{
	if (v->has_temporary)
		return json_pack("{s:s, s:b}", "zone", i->zone, "temporary",
				 s->temporary);
	if (v->method == KZ_SHUTDOWN)
		return json_pack("{s:s, s:b}", "zone", i->zone, "reboot", 1);
	return json_pack("{s:s}", "zone", i->zone);
}

/* One instance. An exit status. */
static int act(struct svcadm *s, const struct verb *v, const struct instance *i)
{
	struct client_error e;

	if (v->method == KZ_SHUTDOWN && !instance_runs(i)) {
		fprintf(stderr,
			"svcadm: Instance \"%s\" is not in a state that can be restarted: %s\n",
			i->fmri, i->state);
		return EXIT_FAILED;
	}
	if (client_call(&s->client, v->method, params_of(s, v, i), NULL, &e) == 0)
		return EXIT_DONE;
	fprintf(stderr, "svcadm: %s: %s\n", i->fmri, e.msg.text);
	return EXIT_FAILED;
}

/* The restarter's own properties take effect. An exit status. */
static int refresh_restarter(struct svcadm *s)
{
	struct client_error e;

	if (client_call(&s->client, KZ_REFRESH, json_object(), NULL, &e) == 0)
		return EXIT_DONE;
	fprintf(stderr, "svcadm: %s: %s\n", RESTARTER_FMRI, e.msg.text);
	return EXIT_FAILED;
}

/* Every instance that a word means. An exit status. */
static int act_on_word(struct svcadm *s, const struct verb *v, const char *word)
{
	int status = EXIT_DONE;
	bool found = false;

	if (v->method == KZ_REFRESH && fmri_matches(word, RESTARTER_FMRI)) {
		found = true;
		status = refresh_restarter(s);
	}
	for (unsigned i = 0; i < s->list.n; i++) {
		if (!fmri_matches(word, s->list.v[i].fmri))
			continue;
		found = true;
		if (act(s, v, &s->list.v[i]) != EXIT_DONE)
			status = EXIT_FAILED;
	}
	if (found)
		return status;
	fprintf(stderr, "svcadm: Pattern '%s' doesn't match any instances\n", word);
	return EXIT_FAILED;
}

static int run(struct svcadm *s, const struct verb *v, const char *root, char **words,
	       int n)
{
	struct client_error e;
	int status = EXIT_DONE, r;

	if (paths_init(&s->paths, root, &e.msg) < 0)
		return failed(e.msg.text);
	r = client_open(&s->client, &s->paths, &e);
	if (r == 0)
		r = instances_get(&s->client, &s->list, &e);
	if (r < 0)
		status = failed(e.msg.text);
	for (int i = 0; r == 0 && i < n; i++)
		if (act_on_word(s, v, words[i]) != EXIT_DONE)
			status = EXIT_FAILED;
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

int main(int argc, char **argv)
{
	struct svcadm s = { .client.fd = -1 };
	const char *root = NULL;
	const struct opt opts[] = {
		{ 'R', OPT_TEXT, &root, "root", "all paths are below this directory" },
	};
	const struct opt verb_opts[] = {
		{ 't', OPT_FLAG, &s.temporary, NULL,
		  "enable and disable: until the next boot of the host" },
	};
	struct errmsg e = { "" };
	const struct verb *v = NULL;
	int at = opts_parse(opts, ARRAY_SIZE(opts), argc, argv, &e), words = -1;

	if (at == -ECANCELED) {
		usage(opts, ARRAY_SIZE(opts), stdout, EXIT_DONE);
		opts_print(verb_opts, ARRAY_SIZE(verb_opts), stdout);
		return EXIT_DONE;
	}
	if (at >= 0 && at < argc)
		v = find_verb(argv[at]);
	if (v)
		words = opts_parse(verb_opts, ARRAY_SIZE(verb_opts), argc - at, argv + at,
				   &e);
	if (words >= 0 && s.temporary && !v->has_temporary)
		words = errmsg_set(&e, -EINVAL, "illegal option -- t");
	if (words < 0 || at + words == argc) {
		if (e.text[0])
			failed(e.text);
		return usage(opts, ARRAY_SIZE(opts), stderr, EXIT_USAGE);
	}
	return run(&s, v, root, argv + at + words, argc - at - words);
}
