// SPDX-License-Identifier: BSD-2-Clause
/*
 * zlogin.c - zlogin(1): options, and what can be said without a connection
 */
#include "cli/opts.h"
#include "cli/zlogin_console.h"
#include "common/sys/paths.h"
#include "common/zone/conf.h"

#include <stdio.h>
#include <string.h>

struct options {
	struct console_options console;
	const char *root, *escape, *user;
	const char *zone;
	bool want_console, no_escape;
	bool interactive, no_input, plain; /* of a login, as is user */
};

static int usage(const struct opt *opts, unsigned n, FILE *to, int status)
{
	fprintf(to, "usage: zlogin [-R root] [-dEQ] [-e character] -C zone\n"
		    "       zlogin [-R root] [-inEQS] [-e character] [-l user] zone "
		    "[utility [argument...]]\n");
	opts_print(opts, n, to);
	return status;
}

/* Do the options go together? 0 or -EINVAL with a text. */
static int check_options(struct options *opt, int argc, char **argv, struct errmsg *e)
{
	if (opt->escape && strlen(opt->escape) != 1)
		return errmsg_set(e, -EINVAL, "-e %s: the escape is one character",
				  opt->escape);
	if (opt->escape)
		opt->console.escape = (unsigned char)*opt->escape;
	if (opt->no_escape)
		opt->console.escape = -1;
	if (!argc)
		return errmsg_set(e, -EINVAL, "which zone?");
	opt->zone = argv[0];
	if (opt->want_console &&
	    (opt->user || opt->interactive || opt->no_input || opt->plain))
		return errmsg_set(e, -EINVAL, "-i, -l, -n and -S do not go with -C");
	if (opt->want_console && argc > 1)
		return errmsg_set(e, -EINVAL, "%s: no utility is run with -C", argv[1]);
	if (!opt->want_console && opt->console.until_halt)
		return errmsg_set(e, -EINVAL, "-d goes with -C only");
	return 0;
}

/* The zone is configured on this host. */
static int check_zone(const struct paths *paths, const char *zone, struct errmsg *e)
{
	cleanup(freep) char *path = NULL;

	if (zone_name_check(zone, NULL) < 0)
		return errmsg_set(e, -ENOENT, "zone '%s' unknown", zone);
	path = paths_get(paths, PATH_ZONE_CONFIG, zone);
	if (!path)
		return errmsg_no_memory(e);
	if (access(path, F_OK) < 0 && errno == ENOENT)
		return errmsg_set(e, -ENOENT, "zone '%s' unknown", zone);
	return 0;
}

static int run(struct options *opt, struct errmsg *e)
{
	cleanup(paths_fini) struct paths paths = { 0 };
	cleanup(freep) char *path = NULL;
	int r;

	r = paths_init(&paths, opt->root, e);
	if (r == 0)
		r = check_zone(&paths, opt->zone, e);
	if (r < 0)
		return r;
	if (!opt->want_console)
		return errmsg_set(e, -ENOTSUP,
				  "zone '%s': logging in from here is not there yet; "
				  "'zlogin -C %s' is its console",
				  opt->zone, opt->zone);
	path = paths_get(&paths, PATH_ZONE_CONSOLE, opt->zone);
	if (!path)
		return errmsg_no_memory(e);
	opt->console.zone = opt->zone;
	opt->console.path = path;
	return console_session(&opt->console, e);
}

int main(int argc, char **argv)
{
	struct options o = { .console.escape = '~' };
	const struct opt opts[] = {
		{ 'C', OPT_FLAG, &o.want_console, NULL, "the zone's console" },
		{ 'd', OPT_FLAG, &o.console.until_halt, NULL,
		  "with -C: disconnect when the zone halts" },
		{ 'E', OPT_FLAG, &o.no_escape, NULL, "no escape character" },
		{ 'e', OPT_TEXT, &o.escape, "character", "escape character (~)" },
		{ 'i', OPT_FLAG, &o.interactive, NULL, "login: with a terminal" },
		{ 'l', OPT_TEXT, &o.user, "user", "login: as this user" },
		{ 'n', OPT_FLAG, &o.no_input, NULL, "login: without input" },
		{ 'Q', OPT_FLAG, &o.console.quiet, NULL, "do not tell of connections" },
		{ 'R', OPT_TEXT, &o.root, "root", "the zone is below this directory" },
		{ 'S', OPT_FLAG, &o.plain, NULL, "login: a plain shell" },
	};
	struct errmsg e = { "" };
	int first = opts_parse(opts, ARRAY_SIZE(opts), argc, argv, &e);

	if (first == -ECANCELED)
		return usage(opts, ARRAY_SIZE(opts), stdout, EXIT_DONE);
	if (first >= 0 && check_options(&o, argc - first, argv + first, &e) < 0)
		first = -EINVAL;
	if (first < 0) {
		fprintf(stderr, "zlogin: %s\n", e.text);
		return usage(opts, ARRAY_SIZE(opts), stderr, EXIT_FAILED);
	}
	if (run(&o, &e) < 0) {
		fprintf(stderr, "zlogin: %s\n", e.text);
		return EXIT_FAILED;
	}
	return EXIT_DONE;
}
