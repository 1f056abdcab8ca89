// SPDX-License-Identifier: BSD-2-Clause
/*
 * verify.c - zoneadm verify: does the configuration make sense, is what it names there?
 */
#include "cli/zoneadm/zoneadm.h"
#include "common/zone/storage.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

struct zconf *zoneadm_load(const struct zoneadm *z)
{
	struct zconf *c = NULL;
	struct errmsg e = { "" };
	int r = zconf_load(&z->paths, z->zone, &c, &e);

	if (r == -ENOENT) {
		fprintf(stderr, "zoneadm: %s: No such zone configured\n", z->zone);
		return NULL;
	}
	if (r == 0)
		r = zconf_verify(&z->paths, c, &e);
	if (r == 0)
		return c;
	zoneadm_error(z, "%s", e.text);
	zconf_free(c);
	return NULL;
}

/* One file that the configuration names. An exit status. */
static int check_file(const struct zoneadm *z, const char *what, const char *path,
		      mode_t kind)
{
	cleanup(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		zoneadm_error(z, "%s: %s: %s", what, path, strerror(errno));
	else if ((st.st_mode & S_IFMT) != kind)
		zoneadm_error(z, "%s: %s: not a %s", what, path,
			      kind == S_IFBLK ? "block device" : "file");
	else
		return EXIT_DONE;
	return EXIT_FAILED;
}

/* The disk of one device: match, "file:PATH" or "dev:PATH". What can be a disk at all
 * zconf_verify() has checked. */
static int check_disk(const struct zoneadm *z, const struct zconf *c,
		      const struct zres *device)
{
	cleanup(freep) char *path = NULL;
	const char *uri = zres_text(device, PROP_STORAGE);
	const char *property = uri ? "storage" : "match";
	struct stat st;
	char what[64];

	if (zone_disk_is_default(device)) /* which install makes */
		return EXIT_DONE;
	if (zone_disk_path(&z->paths, c, device, &path) < 0) {
		zoneadm_error(z, "out of memory");
		return EXIT_FAILED;
	}
	snprintf(what, sizeof(what), "device %llu: %s",
		 (unsigned long long)zres_number(c, device, PROP_DEVICE_ID), property);
	if (uri)
		return check_file(z, what, path,
				  strncmp(uri, "dev:", 4) == 0 ? S_IFBLK : S_IFREG);
	return check_file(z, what, path,
			  stat(path, &st) == 0 && S_ISBLK(st.st_mode) ? S_IFBLK
								      : S_IFREG);
}

static int check_direct_boot(const struct zoneadm *z, const struct zconf *c)
{
	static const enum prop_id files[] = { PROP_KERNEL, PROP_INITRD };
	const struct zres *direct = zconf_next(c, RES_DIRECT_BOOT, NULL);
	int status = EXIT_DONE;
	char what[64];

	for (unsigned i = 0; direct && i < ARRAY_SIZE(files); i++) {
		cleanup(freep) char *path = zres_get(c, direct, files[i]);

		snprintf(what, sizeof(what), "direct-boot: %s", prop_def(files[i])->name);
		if (path && check_file(z, what, path, S_IFREG) != EXIT_DONE)
			status = EXIT_FAILED;
	}
	return status;
}

/**
 * zoneadm_verify() - verify
 *
 * Everything that is missing is named, not only the first.
 */
int zoneadm_verify(struct zoneadm *z, int argc, char **argv)
{
	cleanup(zconf_freep) struct zconf *c = NULL;
	const struct zres *device = NULL;
	int status;

	if (zoneadm_options(NULL, 0, 0, argc, argv, &status) < 0)
		return status;
	c = zoneadm_load(z);
	if (!c)
		return EXIT_FAILED;
	status = check_direct_boot(z, c);
	while ((device = zconf_next(c, RES_DEVICE, device)))
		if (check_disk(z, c, device) != EXIT_DONE)
			status = EXIT_FAILED;
	return status;
}
