// SPDX-License-Identifier: BSD-2-Clause
/*
 * install.c - zoneadm install, uninstall
 *
 * DOC: Begin and End
 *
 * What is done to the zone's disks happens here, between two calls: Begin makes the zone
 * incomplete, End makes it what it shall be. Should this program die in between, the
 * connection ends with it and the zone stays incomplete, which uninstall cures.
 */
#include "cli/zoneadm/disk.h"
#include "cli/zoneadm/zoneadm.h"

#include "common/zone/keys.h"

#include <string.h>

int zoneadm_begin(struct zoneadm *z, enum verb verb, json_t **ret_reply)
{
	struct client_error e;
	int r;

	if (zoneadm_connect(z) != EXIT_DONE)
		return EXIT_FAILED;
	r = client_call(&z->client, KZ_BEGIN,
			json_pack("{s:s, s:s}", "zone", z->zone, "operation",
				  verb_name(verb)),
			ret_reply, &e);
	return r < 0 ? zoneadm_failed(z, verb, r, &e) : EXIT_DONE;
}

int zoneadm_end(struct zoneadm *z, enum verb verb, bool success)
{
	struct client_error e;
	int r = client_call(&z->client, KZ_END,
			    json_pack("{s:s, s:b}", "zone", z->zone, "success", success),
			    NULL, &e);

	return r < 0 ? zoneadm_failed(z, verb, r, &e) : EXIT_DONE;
}

/* "install-size=SIZE" of -x. An exit status. */
static int read_extended(const char *extended, uint64_t *ret_bytes)
{
	static const char key[] = "install-size=";
	struct errmsg e = { "" };

	if (!extended)
		return EXIT_DONE;
	if (strncmp(extended, key, strlen(key)) != 0)
		errmsg_set(&e, -EINVAL, "-x %s: known is install-size=SIZE", extended);
	else if (size_parse(extended + strlen(key), ret_bytes, &e) == 0)
		return EXIT_DONE;
	fprintf(stderr, "zoneadm: install: %s\n", e.text);
	return EXIT_USAGE;
}

static void report_disk(void *arg, const char *path, bool made)
{
	printf("%s disk %s.\n", made ? "Created" : "Using existing", path);
	fflush(stdout);
}

/* Everything between the calls. An exit status. */
static int install(struct zoneadm *z, const struct zconf *c, uint64_t bytes)
{
	struct errmsg e = { "" };
	json_t *reply = NULL;
	int r;

	if (zoneadm_begin(z, VERB_INSTALL, &reply) != EXIT_DONE)
		return EXIT_FAILED;
	printf("Installing zone %s.\n", z->zone);
	r = zone_key_ensure(&z->paths, z->zone, &e);
	if (r == 0)
		r = disks_create(&z->paths, c, bytes, report_disk, NULL, &e);
	if (r < 0)
		zoneadm_error(z, "install failed: %s", e.text);
	if (zoneadm_end(z, VERB_INSTALL, r == 0) != EXIT_DONE)
		r = -EIO;
	if (r == 0)
		printf("Zone %s is installed, uuid %s.\n", z->zone,
		       json_string_value(json_object_get(reply, "uuid")));
	json_decref(reply);
	return r < 0 ? EXIT_FAILED : EXIT_DONE;
}

/**
 * zoneadm_install() - install [-x install-size=SIZE]
 */
int zoneadm_install(struct zoneadm *z, int argc, char **argv)
{
	const char *extended = NULL;
	const struct opt opts[] = {
		{ 'x', OPT_TEXT, &extended, "name=value",
		  "install-size=SIZE of a default disk" },
	};
	cleanup(zconf_freep) struct zconf *c = NULL;
	uint64_t bytes = DISK_DEFAULT_BYTES;
	int status;

	if (zoneadm_options(opts, ARRAY_SIZE(opts), 0, argc, argv, &status) < 0)
		return status;
	status = read_extended(extended, &bytes);
	if (status != EXIT_DONE)
		return status;
	c = zoneadm_load(z);
	return c ? install(z, c, bytes) : EXIT_FAILED;
}

/* Asks the person at the terminal; false also when there is none. */
static bool confirmed(const struct zoneadm *z)
{
	char answer[16] = "";

	if (!isatty(STDIN_FILENO)) {
		zoneadm_error(z,
			      "uninstall: input not from terminal and -F not specified");
		return false;
	}
	printf("Are you sure you want to uninstall zone %s (y/[n])? ", z->zone);
	fflush(stdout);
	return fgets(answer, sizeof(answer), stdin) &&
	       (answer[0] == 'y' || answer[0] == 'Y');
}

/**
 * zoneadm_uninstall() - uninstall [-F]
 */
int zoneadm_uninstall(struct zoneadm *z, int argc, char **argv)
{
	bool force = false;
	const struct opt opts[] = {
		{ 'F', OPT_FLAG, &force, NULL, "do not ask" },
	};
	struct errmsg e = { "" };
	int status, r;

	if (zoneadm_options(opts, ARRAY_SIZE(opts), 0, argc, argv, &status) < 0)
		return status;
	if (!force && !confirmed(z))
		return EXIT_FAILED;
	if (zoneadm_begin(z, VERB_UNINSTALL, NULL) != EXIT_DONE)
		return EXIT_FAILED;
	r = disks_remove(&z->paths, z->zone, &e);
	if (r < 0)
		zoneadm_error(z, "uninstall failed: %s", e.text);
	status = zoneadm_end(z, VERB_UNINSTALL, r == 0);
	return r < 0 ? EXIT_FAILED : status;
}
