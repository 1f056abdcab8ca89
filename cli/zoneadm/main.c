// SPDX-License-Identifier: BSD-2-Clause
/*
 * main.c - zoneadm: global options, the table of subcommands, help
 */
#include "cli/zoneadm/zoneadm.h"

#include <stdarg.h>
#include <string.h>
#include <strings.h>

static subcommand_fn zoneadm_help;

static const struct subcommand subcommands[] = {
	{ "attach", "", "take over a zone whose storage is there", true, zoneadm_attach },
	{ "boot", "[-- bootargs]", "boot the zone", true, zoneadm_boot },
	{ "detach", "", "let the zone go, its storage stays as it is", true,
	  zoneadm_detach },
	{ "halt", "", "stop the zone without asking its guest", true, zoneadm_halt },
	{ "help", "[subcommand]", "say how a subcommand is used", false, zoneadm_help },
	{ "install", "", "give the zone its identity and its disks", true,
	  zoneadm_install },
	{ "list", "", "list zones", false, zoneadm_list },
	{ "mark", "incomplete | unavailable",
	  "say that what is installed is of no use, or not there", true, zoneadm_mark },
	{ "reboot", "[-- bootargs]", "halt the zone and boot it", true, zoneadm_reboot },
	{ "shutdown", "", "ask the guest to shut down", true, zoneadm_shutdown },
	{ "uninstall", "", "take the zone's identity and default disks away", true,
	  zoneadm_uninstall },
	{ "verify", "", "check the zone's configuration and what it names", true,
	  zoneadm_verify },
};

static const struct subcommand *find_subcommand(const char *name)
{
	for (unsigned i = 0; i < ARRAY_SIZE(subcommands); i++)
		if (strcmp(subcommands[i].name, name) == 0)
			return &subcommands[i];
	return NULL;
}

static int usage(const struct opt *opts, unsigned n, FILE *to, int status)
{
	fprintf(to, "usage: zoneadm [options] [-z zonename] subcommand [options]\n");
	opts_print(opts, n, to);
	fprintf(to, "subcommands:\n");
	for (unsigned i = 0; i < ARRAY_SIZE(subcommands); i++)
		fprintf(to, "\t%-18s %s\n", subcommands[i].name, subcommands[i].help);
	return status;
}

void zoneadm_error(const struct zoneadm *z, const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fprintf(stderr, "zoneadm: ");
	if (z->zone)
		fprintf(stderr, "zone '%s': ", z->zone);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\n");
}

int zoneadm_options(const struct opt *opts, unsigned n, int max_operands, int argc,
		    char **argv, int *ret_status)
{
	const struct subcommand *s = find_subcommand(argv[0]);
	struct errmsg e = { "" };
	int first = opts_parse(opts, n, argc, argv, &e);
	FILE *to = first == -ECANCELED ? stdout : stderr;

	if (first >= 0 && argc - first <= max_operands)
		return first;
	if (first >= 0)
		errmsg_set(&e, -EINVAL, "unexpected argument: %s",
			   argv[first + max_operands]);
	if (first != -ECANCELED)
		fprintf(stderr, "zoneadm: %s: %s\n", s->name, e.text);
	fprintf(to, "usage: zoneadm%s %s%s%s%s\n", s->wants_zone ? " -z zonename" : "",
		s->name, n ? " [options]" : "", *s->operands ? " " : "", s->operands);
	opts_print(opts, n, to);
	*ret_status = first == -ECANCELED ? EXIT_DONE : EXIT_USAGE;
	return -1;
}

int zoneadm_connect(struct zoneadm *z)
{
	const struct zoneadm nobody = { .zone = NULL };
	struct client_error e;

	if (z->client.fd >= 0 || client_open(&z->client, &z->paths, &e) == 0)
		return EXIT_DONE;
	zoneadm_error(&nobody, "%s", e.msg.text);
	return EXIT_FAILED;
}

/* The text without "zone 'z': ", which is printed anyway. */
static const char *without_zone(const struct zoneadm *z, const char *text)
{
	size_t len = z->zone ? strlen(z->zone) : 0;

	if (!z->zone || strncmp(text, "zone '", 6) != 0 ||
	    strncmp(text + 6, z->zone, len) != 0 ||
	    strncmp(text + 6 + len, "': ", 3) != 0)
		return text;
	return text + 6 + len + 3;
}

int zoneadm_failed(const struct zoneadm *z, enum verb verb, int err,
		   const struct client_error *e)
{
	cleanup(buf_fini) struct buf text = { 0 };
	enum zone_state state;

	if (err == -ENOENT) {
		fprintf(stderr, "zoneadm: %s: No such zone configured\n", z->zone);
		return EXIT_FAILED;
	}
	if (err == -EBUSY && verb < VERB_N && zone_state_find(e->state, &state))
		verb_refusal(verb, state, &text);
	zoneadm_error(z, "%s", text.len ? text.p : without_zone(z, e->msg.text));
	return EXIT_FAILED;
}

static int zoneadm_help(struct zoneadm *z, int argc, char **argv)
{
	static char minus_h[] = "-h";
	int status, first = zoneadm_options(NULL, 0, 1, argc, argv, &status);
	const struct subcommand *s;
	char *args[] = { NULL, minus_h, NULL };

	if (first < 0)
		return status;
	if (first == argc)
		return usage(NULL, 0, stdout, EXIT_DONE);
	s = find_subcommand(argv[first]);
	if (!s) {
		fprintf(stderr, "zoneadm: %s: unknown subcommand\n", argv[first]);
		return EXIT_USAGE;
	}
	args[0] = argv[first];
	return s->run(z, 2, args);
}

/* The name of the zone with that uuid, or of its beginning; as -z else. */
static int find_by_uuid(struct zoneadm *z, const char *uuid, json_t **ret_reply)
{
	struct client_error e;
	size_t i;
	json_t *zone;
	const char *have;
	int r;

	if (zoneadm_connect(z) != EXIT_DONE)
		return EXIT_FAILED;
	r = client_call(&z->client, KZ_ZONES, json_object(), ret_reply, &e);
	if (r < 0)
		return zoneadm_failed(z, VERB_N, r, &e);
	json_array_foreach (json_object_get(*ret_reply, "zones"), i, zone) {
		have = json_string_value(json_object_get(zone, "uuid"));
		if (have && *uuid && strncasecmp(have, uuid, strlen(uuid)) == 0)
			z->zone = json_string_value(json_object_get(zone, "name"));
	}
	if (z->zone)
		return EXIT_DONE;
	fprintf(stderr, "zoneadm: no zone has uuid %s\n", uuid);
	return EXIT_FAILED;
}

static int run(struct zoneadm *z, const char *uuid, int argc, char **argv)
{
	const struct subcommand *s = find_subcommand(argv[0]);
	const char *given = z->zone;
	json_t *reply = NULL; /* holds the name that a uuid gave */
	int status = EXIT_DONE;

	if (!s) {
		fprintf(stderr, "zoneadm: %s: unknown subcommand; try zoneadm help\n",
			argv[0]);
		return EXIT_USAGE;
	}
	if (s->wants_zone && !z->zone && !uuid &&
	    !(argc > 1 && strcmp(argv[1], "-h") == 0)) {
		fprintf(stderr, "zoneadm: %s: a zone is needed: -z zonename\n", s->name);
		return EXIT_USAGE;
	}
	if (s->wants_zone && z->zone && strcmp(z->zone, "global") == 0) {
		zoneadm_error(z, "%s operation is invalid for the global zone.", s->name);
		return EXIT_FAILED;
	}
	if (uuid)
		status = find_by_uuid(z, uuid, &reply);
	if (status == EXIT_DONE)
		status = s->run(z, argc, argv);
	z->zone = given;
	json_decref(reply);
	return status;
}

int main(int argc, char **argv)
{
	struct zoneadm z = { .client.fd = -1 };
	const char *root = NULL, *uuid = NULL;
	const struct opt opts[] = {
		{ 'R', OPT_TEXT, &root, "root", "all paths are below this directory" },
		{ 'u', OPT_TEXT, &uuid, "uuid",
		  "the zone that has this uuid, else that of -z" },
		{ 'z', OPT_TEXT, &z.zone, "zonename", "the zone" },
	};
	struct errmsg e = { "" };
	int first = opts_parse(opts, ARRAY_SIZE(opts), argc, argv, &e);
	int status;

	if (first == -ECANCELED)
		return usage(opts, ARRAY_SIZE(opts), stdout, EXIT_DONE);
	if (first < 0 || first == argc) {
		if (first < 0)
			fprintf(stderr, "zoneadm: %s\n", e.text);
		return usage(opts, ARRAY_SIZE(opts), stderr, EXIT_USAGE);
	}
	if (paths_init(&z.paths, root, &e) < 0) {
		fprintf(stderr, "zoneadm: %s\n", e.text);
		return EXIT_FAILED;
	}
	status = run(&z, uuid, argc - first, argv + first);
	client_close(&z.client);
	paths_fini(&z.paths);
	if (fflush(stdout) != 0) {
		fprintf(stderr, "zoneadm: standard output: %s\n", strerror(errno));
		status = EXIT_FAILED;
	}
	return status;
}
