// SPDX-License-Identifier: BSD-2-Clause
/*
 * disk.c - the disks that a zone has by default: sparse files in its own directory
 */
#include "cli/zoneadm/disk.h"
#include "common/sys/file.h"
#include "common/zone/storage.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>

int size_parse(const char *text, uint64_t *ret_bytes, struct errmsg *e)
{
	static const char units[] = "kmgt";
	unsigned long long n;
	const char *unit;
	uint64_t bytes;
	char *end;

	errno = 0;
	n = strtoull(text, &end, 10);
	if (errno || end == text || *text < '0' || *text > '9')
		return errmsg_set(e, -EINVAL, "%s: not a size", text);
	bytes = n;
	if (*end) {
		unit = strchr(units, *end | 0x20);
		if (!unit || end[1])
			return errmsg_set(e, -EINVAL,
					  "%s: not a size: units are k, m, g, t", text);
		if (__builtin_mul_overflow(n, 1ull << 10 * (unit - units + 1), &bytes))
			return errmsg_set(e, -EINVAL, "%s: too large", text);
	}
	if (bytes < DISK_MIN_BYTES || bytes > INT64_MAX)
		return errmsg_set(e, -EINVAL, "%s: a disk has at least 2m", text);
	*ret_bytes = bytes;
	return 0;
}

/* One sparse file; *ret_made says whether it is new. */
static int create_one(const char *path, uint64_t bytes, bool *ret_made, struct errmsg *e)
{
	cleanup(closep) int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	uint64_t rounded = (bytes + MIB - 1) / MIB * MIB;
	int r;

	*ret_made = fd >= 0;
	if (fd < 0 && errno == EEXIST)
		return 0;
	if (fd < 0)
		return errmsg_set(e, -errno, "%s: %s", path, strerror(errno));
	if (ftruncate(fd, (off_t)rounded) == 0 && fsync(fd) == 0)
		return 0;
	r = -errno;
	unlink(path);
	return errmsg_set(e, r, "%s: cannot make a disk of %llu bytes: %s", path,
			  (unsigned long long)rounded, strerror(-r));
}

/* Goes through the devices that have no disk of their own. */
static int create_all(const struct paths *p, const struct zconf *c, uint64_t bytes,
		      disk_report *report, void *arg, struct errmsg *e)
{
	const struct zres *device = NULL;
	bool made;
	int r;

	while ((device = zconf_next(c, RES_DEVICE, device))) {
		cleanup(freep) char *path = NULL;

		if (!zone_disk_is_default(device))
			continue;
		if (zone_disk_path(p, c, device, &path) < 0)
			return errmsg_no_memory(e);
		r = create_one(path, bytes, &made, e);
		if (r < 0)
			return r;
		report(arg, path, made);
	}
	return 0;
}

int disks_create(const struct paths *p, const struct zconf *c, uint64_t bytes,
		 disk_report *report, void *arg, struct errmsg *e)
{
	cleanup(freep) char *dir = paths_get(p, PATH_ZONE_VAR, c->name);
	int r;

	if (!dir)
		return errmsg_no_memory(e);
	r = dir_make(dir, 0755);
	if (r < 0)
		return errmsg_set(e, r, "%s: %s", dir, strerror(-r));
	return create_all(p, c, bytes, report, arg, e);
}

static int remove_entry(const char *path, const struct stat *st, int type,
			struct FTW *ftw)
{
	return remove(path) < 0 ? -1 : 0;
}

int disks_remove(const struct paths *p, const char *zone, struct errmsg *e)
{
	cleanup(freep) char *dir = paths_get(p, PATH_ZONE_VAR, zone);

	if (!dir)
		return errmsg_no_memory(e);
	if (nftw(dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) < 0 &&
	    errno != ENOENT)
		return errmsg_set(e, -errno, "%s: %s", dir, strerror(errno));
	return 0;
}
