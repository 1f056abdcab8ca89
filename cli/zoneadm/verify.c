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

/* One file that the configuration names; its size on success. An exit status. */
static int check_file(const struct zoneadm *z, const char *what, const char *path,
		      mode_t kind, uint64_t *ret_bytes)
{
	cleanup(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		zoneadm_error(z, "%s: %s: %s", what, path, strerror(errno));
	else if ((st.st_mode & S_IFMT) != kind)
		zoneadm_error(z, "%s: %s: not a %s", what, path,
			      kind == S_IFBLK ? "block device" : "file");
	else {
		*ret_bytes = (uint64_t)lseek(fd, 0, SEEK_END);
		return EXIT_DONE;
	}
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
	struct errmsg e = { "" };
	uint64_t bytes = 0;
	struct stat st;
	bool block;
	char what[64];

	if (zone_disk_is_default(device)) /* which install makes */
		return EXIT_DONE;
	if (zone_disk_path(&z->paths, c, device, &path) < 0) {
		zoneadm_error(z, "out of memory");
		return EXIT_FAILED;
	}
	snprintf(what, sizeof(what), "device %llu: %s",
		 (unsigned long long)zres_number(c, device, PROP_DEVICE_ID), property);
	block = uri ? strncmp(uri, "dev:", 4) == 0
		    : stat(path, &st) == 0 && S_ISBLK(st.st_mode);
	if (check_file(z, what, path, block ? S_IFBLK : S_IFREG, &bytes) != EXIT_DONE)
		return EXIT_FAILED;
	if (storage_check_size(path, bytes, zres_is_set(device, PROP_BOOTPRI), &e) == 0)
		return EXIT_DONE;
	zoneadm_error(z, "%s: %s", what, e.text);
	return EXIT_FAILED;
}

static int check_direct_boot(const struct zoneadm *z, const struct zconf *c)
{
	static const enum prop_id files[] = { PROP_KERNEL, PROP_INITRD };
	const struct zres *direct = zconf_next(c, RES_DIRECT_BOOT, NULL);
	int status = EXIT_DONE;
	uint64_t bytes;
	char what[64];

	for (unsigned i = 0; direct && i < ARRAY_SIZE(files); i++) {
		cleanup(freep) char *path = zres_get(c, direct, files[i]);

		snprintf(what, sizeof(what), "direct-boot: %s", prop_def(files[i])->name);
		if (path && check_file(z, what, path, S_IFREG, &bytes) != EXIT_DONE)
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
	struct errmsg e = { "" };
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
	if (zone_boot_check(c, &e) == 0)
		return status;
	zoneadm_error(z, "%s", e.text);
	return EXIT_FAILED;
}
