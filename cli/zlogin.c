// SPDX-License-Identifier: BSD-2-Clause
/*
 * zlogin.c - zlogin(1): options, and what can be said without a connection
 */
#include "cli/zlogin_console.h"
#include "common/sys/paths.h"
#include "common/zone/conf.h"

#include <stdio.h>
#include <string.h>

static const char usage[] =
	"usage: zlogin [-R root] [-dEQ] [-e character] -C zone\n"
	"       zlogin [-R root] [-inEQS] [-e character] [-l user] zone [utility [argument...]]\n";

struct options {
	struct console_options console;
	const char *root;
	const char *zone;
	bool want_console;
	bool session_only; /* an option that goes with a login, not with the console */
	bool help;
};

static int parse_escape(const char *arg, struct options *opt, struct errmsg *e)
{
	if (strlen(arg) != 1)
		return errmsg_set(e, -EINVAL, "-e %s: the escape is one character", arg);
	opt->console.escape = (unsigned char)*arg;
	return 0;
}

static int parse_option(int c, struct options *opt, struct errmsg *e)
{
	switch (c) {
	case 'C':
		opt->want_console = true;
		return 0;
	case 'd':
		opt->console.until_halt = true;
		return 0;
	case 'E':
		opt->console.escape = -1;
		return 0;
	case 'e':
		return parse_escape(optarg, opt, e);
	case 'Q':
		opt->console.quiet = true;
		return 0;
	case 'R':
		opt->root = optarg;
		return 0;
	case 'h':
		opt->help = true;
		return 0;
	case 'i':
	case 'n':
	case 'l':
	case 'S':
		opt->session_only = true;
		return 0;
	default:
		return errmsg_set(e, -EINVAL, "-%c: unknown option or missing argument",
				  optopt);
	}
}

/* 0 or -EINVAL with a text. */
static int parse_options(int argc, char **argv, struct options *opt, struct errmsg *e)
{
	int c, r = 0;

	opterr = 0;
	while (r == 0 && (c = getopt(argc, argv, "+CdEe:hil:nQR:S")) >= 0)
		r = parse_option(c, opt, e);
	if (r < 0 || opt->help)
		return r;
	if (optind == argc)
		return errmsg_set(e, -EINVAL, "which zone?");
	opt->zone = argv[optind];
	if (opt->want_console && opt->session_only)
		return errmsg_set(e, -EINVAL, "-i, -l, -n and -S do not go with -C");
	if (opt->want_console && optind + 1 < argc)
		return errmsg_set(e, -EINVAL, "%s: no utility is run with -C",
				  argv[optind + 1]);
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
		return errmsg_set(e, -ENOMEM, "no memory");
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
		return errmsg_set(
			e, -ENOTSUP,
			"zone '%s': no agent runs in the guest, so there is no login "
			"from here; 'zlogin -C %s' is its console",
			opt->zone, opt->zone);
	path = paths_get(&paths, PATH_ZONE_CONSOLE, opt->zone);
	if (!path)
		return errmsg_set(e, -ENOMEM, "no memory");
	opt->console.zone = opt->zone;
	opt->console.path = path;
	return console_session(&opt->console, e);
}

int main(int argc, char **argv)
{
	struct options opt = { .console.escape = '~' };
	struct errmsg e = { "" };

	if (parse_options(argc, argv, &opt, &e) < 0) {
		fprintf(stderr, "zlogin: %s\n%s", e.text, usage);
		return EXIT_FAILURE;
	}
	if (opt.help) {
		fputs(usage, stdout);
		return EXIT_SUCCESS;
	}
	if (run(&opt, &e) < 0) {
		fprintf(stderr, "zlogin: %s\n", e.text);
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
