// SPDX-License-Identifier: BSD-2-Clause
/*
 * boot.c - zoneadm boot, halt, mark, reboot, shutdown: one call each, waited for
 */
#include "cli/zoneadm/zoneadm.h"

#include <string.h>

static void on_progress(void *arg, const char *text)
{
	zoneadm_error(arg, "%s", text);
}

/* Calls and waits; an exit status. */
static int act(struct zoneadm *z, enum kz_method method, enum verb verb,
	       json_t *take_params)
{
	struct client_error e;
	int r;

	if (zoneadm_connect(z) != EXIT_DONE) {
		json_decref(take_params);
		return EXIT_FAILED;
	}
	r = client_wait(&z->client, method, take_params, on_progress, z, &e);
	if (r == 0)
		return EXIT_DONE;
	if (r == -EINTR && strcmp(e.msg.text, "interrupted") == 0) {
		zoneadm_error(z, "no longer waiting; svc.zones goes on with the %s",
			      verb_name(verb));
		return EXIT_FAILED;
	}
	return zoneadm_failed(z, verb, r, &e);
}

/* The operands joined by blanks, as JSON; NULL when there are none. */
static int join_args(int argc, char **argv, json_t **ret_args)
{
	cleanup(buf_fini) struct buf b = { 0 };

	*ret_args = NULL;
	for (int i = 0; i < argc; i++)
		buf_addf(&b, "%s%s", i ? " " : "", argv[i]);
	if (argc > 0)
		*ret_args = b.p ? json_string(b.p) : NULL;
	return argc > 0 && !*ret_args ? -EINVAL : 0;
}

/* boot and reboot: the zone, and arguments after "--". */
static int with_args(struct zoneadm *z, enum kz_method method, enum verb verb, int argc,
		     char **argv)
{
	int status, first = zoneadm_options(NULL, 0, 256, argc, argv, &status);
	json_t *args;

	if (first < 0)
		return status;
	if (join_args(argc - first, argv + first, &args) < 0) {
		zoneadm_error(z, "boot arguments must be UTF-8 text");
		return EXIT_FAILED;
	}
	/* "o*" takes args over; NULL leaves the member out. */
	return act(z, method, verb,
		   json_pack("{s:s, s:o*}", "zone", z->zone, "args", args));
}

/**
 * zoneadm_boot() - boot [-- bootargs]
 */
int zoneadm_boot(struct zoneadm *z, int argc, char **argv)
{
	return with_args(z, KZ_BOOT, VERB_BOOT, argc, argv);
}

/**
 * zoneadm_reboot() - reboot [-- bootargs]
 */
int zoneadm_reboot(struct zoneadm *z, int argc, char **argv)
{
	return with_args(z, KZ_REBOOT, VERB_REBOOT, argc, argv);
}

/**
 * zoneadm_halt() - halt
 */
int zoneadm_halt(struct zoneadm *z, int argc, char **argv)
{
	int status;

	if (zoneadm_options(NULL, 0, 0, argc, argv, &status) < 0)
		return status;
	return act(z, KZ_HALT, VERB_HALT, json_pack("{s:s}", "zone", z->zone));
}

/**
 * zoneadm_mark() - mark incomplete | unavailable
 */
int zoneadm_mark(struct zoneadm *z, int argc, char **argv)
{
	int status, first = zoneadm_options(NULL, 0, 1, argc, argv, &status);
	enum zone_state state;

	if (first < 0)
		return status;
	if (first == argc || !zone_state_find(argv[first], &state) ||
	    (state != ZONE_INCOMPLETE && state != ZONE_UNAVAILABLE)) {
		fprintf(stderr, "zoneadm: mark: incomplete or unavailable is expected\n");
		return EXIT_USAGE;
	}
	return act(z, KZ_MARK, VERB_MARK,
		   json_pack("{s:s, s:s}", "zone", z->zone, "state", argv[first]));
}

/**
 * zoneadm_shutdown() - shutdown [-r]
 */
int zoneadm_shutdown(struct zoneadm *z, int argc, char **argv)
{
	bool reboot = false;
	const struct opt opts[] = {
		{ 'r', OPT_FLAG, &reboot, NULL, "boot the zone again afterwards" },
	};
	int status;

	if (zoneadm_options(opts, ARRAY_SIZE(opts), 0, argc, argv, &status) < 0)
		return status;
	return act(z, KZ_SHUTDOWN, VERB_SHUTDOWN,
		   json_pack("{s:s, s:b}", "zone", z->zone, "reboot", reboot));
}
