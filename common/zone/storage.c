// SPDX-License-Identifier: BSD-2-Clause
/*
 * storage.c - the disks of a zone: where they are, and what may be one
 */
#include "common/zone/storage.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

static unsigned id_of(const struct zconf *c, const struct zres *dev)
{
	return (unsigned)zres_number(c, dev, PROP_DEVICE_ID);
}

bool zone_disk_is_default(const struct zres *dev)
{
	return !zres_is_set(dev, PROP_MATCH) && !zres_is_set(dev, PROP_STORAGE);
}

int zone_disk_path(const struct paths *p, const struct zconf *c, const struct zres *dev,
		   char **ret_path)
{
	cleanup(freep) char *text = NULL;
	cleanup(freep) char *dir = NULL;
	char *path = NULL;

	if (zone_disk_is_default(dev)) {
		dir = paths_get(p, PATH_ZONE_VAR, c->name);
		if (!dir || asprintf(&path, "%s/disk%u", dir, id_of(c, dev)) < 0)
			return -ENOMEM;
	} else if (zres_is_set(dev, PROP_MATCH)) {
		path = zres_get(c, dev, PROP_MATCH);
	} else {
		text = zres_get(c, dev, PROP_STORAGE);
		path = text ? strdup(strchr(text, ':') + 1) : NULL;
	}
	if (!path)
		return -ENOMEM;
	*ret_path = path;
	return 0;
}

/* The disk that a partition is on: the directory above it in sysfs. */
static void whole_disk(const char *sysfs_dir, char *out, size_t size)
{
	char real[PATH_MAX];
	char *slash;

	snprintf(out, size, "its disk");
	if (!realpath(sysfs_dir, real))
		return;
	slash = strrchr(real, '/');
	*slash = '\0';
	slash = strrchr(real, '/');
	if (slash && slash[1])
		snprintf(out, size, "/dev/%.60s", slash + 1);
}

int storage_check(const char *path, const struct stat *st, const char *sysfs,
		  struct errmsg *e)
{
	char dir[PATH_MAX], file[PATH_MAX + 16], disk[80];

	if (S_ISREG(st->st_mode))
		return 0;
	if (!S_ISBLK(st->st_mode))
		return errmsg_set(e, -EINVAL, "%s: neither a block device nor a file",
				  path);
	snprintf(dir, sizeof(dir), "%s/dev/block/%u:%u", sysfs, major(st->st_rdev),
		 minor(st->st_rdev));
	snprintf(file, sizeof(file), "%s/partition", dir);
	if (access(file, F_OK) < 0)
		return 0;
	whole_disk(dir, disk, sizeof(disk));
	return errmsg_set(e, -EINVAL, "%s: a partition: give the zone a whole disk (%s)",
			  path, disk);
}

bool storage_same(const struct stat *a, const struct stat *b)
{
	if (S_ISBLK(a->st_mode))
		return S_ISBLK(b->st_mode) && a->st_rdev == b->st_rdev;
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

int storage_check_size(const char *path, uint64_t bytes, bool bootable, struct errmsg *e)
{
	if (bytes < ZONE_SECTOR)
		return errmsg_set(e, -EINVAL,
				  "%s: is %s: give it a size (truncate -s 16G), or an "
				  "image",
				  path, bytes ? "smaller than a sector" : "empty");
	if (bootable && bytes < ZONE_HOST_DATA + ZONE_SECTOR)
		return errmsg_set(
			e, -EINVAL,
			"%s: %llu bytes are too few for a disk that a zone boots "
			"from: the last 1 MiB is the host's",
			path, (unsigned long long)bytes);
	return 0;
}

int zone_boot_check(const struct zconf *c, struct errmsg *e)
{
	const struct zres *first = zconf_next(c, RES_DEVICE, NULL), *dev = NULL;

	if (zconf_next(c, RES_DIRECT_BOOT, NULL))
		return 0;
	while ((dev = zconf_next(c, RES_DEVICE, dev)))
		if (zres_is_set(dev, PROP_BOOTPRI))
			return 0;
	if (!first)
		return errmsg_set(e, -EINVAL,
				  "nothing to boot from: there is neither a device nor a "
				  "direct-boot resource: zonecfg -z %s \"add device; set "
				  "storage=file:IMAGE; set bootpri=0; end\"",
				  c->name);
	return errmsg_set(e, -EINVAL,
			  "nothing to boot from: no device has bootpri, and there is no "
			  "direct-boot resource: zonecfg -z %s \"select device id=%u; "
			  "set bootpri=0; end\"",
			  c->name, id_of(c, first));
}

/* One that is the same as an earlier one, however it is written. */
static int check_one(const struct paths *p, const struct zconf *c, const struct zres *dev,
		     struct errmsg *e)
{
	cleanup(freep) char *path = NULL;
	const struct zres *o = NULL;
	struct stat st, other_st;
	int r = zone_disk_path(p, c, dev, &path);
	bool there;

	if (r < 0)
		return errmsg_no_memory(e);
	there = stat(path, &st) == 0;
	r = there ? storage_check(path, &st, SYSFS_DEFAULT, e) : 0;
	if (r < 0)
		return errmsg_prefix(e, r, "device %u", id_of(c, dev));
	while ((o = zconf_next(c, RES_DEVICE, o)) != dev) {
		cleanup(freep) char *other = NULL;
		bool same;

		if (zone_disk_path(p, c, o, &other) < 0)
			return errmsg_no_memory(e);
		same = strcmp(path, other) == 0;
		if (there && !same && stat(other, &other_st) == 0)
			same = storage_same(&st, &other_st);
		if (same)
			return errmsg_set(e, -EINVAL,
					  "device %u: %s: device %u is the same disk",
					  id_of(c, dev), path, id_of(c, o));
	}
	return 0;
}

/* The suspend image has its disk for itself. */
static int check_suspend(const struct paths *p, const struct zconf *c, struct errmsg *e)
{
	const struct zres *r = zconf_next(c, RES_SUSPEND, NULL);
	cleanup(freep) char *text = NULL;
	const struct zres *o = NULL;
	const char *path;
	struct stat st;
	int err = 0;

	if (!r || !zres_is_set(r, PROP_SUSPEND_STORAGE))
		return 0;
	text = zres_get(c, r, PROP_SUSPEND_STORAGE);
	if (!text)
		return errmsg_no_memory(e);
	path = strchr(text, ':') + 1;
	if (stat(path, &st) == 0)
		err = storage_check(path, &st, SYSFS_DEFAULT, e);
	if (err < 0)
		return errmsg_prefix(e, err, "suspend");
	while ((o = zconf_next(c, RES_DEVICE, o))) {
		cleanup(freep) char *other = NULL;

		if (zone_disk_path(p, c, o, &other) < 0)
			return errmsg_no_memory(e);
		if (strcmp(path, other) == 0)
			return errmsg_set(e, -EINVAL,
					  "suspend: storage: \"%s\": a device has it",
					  text);
	}
	return 0;
}

int zone_disks_check(const struct paths *p, const struct zconf *c, struct errmsg *e)
{
	const struct zres *dev = NULL;
	int r = 0;

	while (r == 0 && (dev = zconf_next(c, RES_DEVICE, dev)))
		r = check_one(p, c, dev, e);
	return r == 0 ? check_suspend(p, c, e) : r;
}

/* Who is told of paths. */
struct watcher {
	storage_at_fn *at;
	void *arg;
};

static int check_present(const struct watcher *w, const char *what, const char *path,
			 struct stat *ret_st, struct errmsg *e)
{
	int r = w->at ? w->at(w->arg, path) : 0;

	if (r < 0)
		return errmsg_set(e, r, "%s: %s: given up", what, path);
	if (stat(path, ret_st) < 0)
		return errmsg_set(e, -errno, "%s: %s: %s", what, path, strerror(errno));
	return 0;
}

/* That nobody has locked it, as far as one may look. */
static int check_unlocked(const char *path, const struct stat *st, struct errmsg *e)
{
	struct flock lk = { .l_type = st->st_mode & 0222 ? F_WRLCK : F_RDLCK,
			    .l_whence = SEEK_SET };
	cleanup(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0 || fcntl(fd, F_OFD_GETLK, &lk) < 0 || lk.l_type == F_UNLCK)
		return 0;
	if (lk.l_pid > 0)
		return errmsg_set(e, -EBUSY,
				  "%s: in use by process %d, which has locked it", path,
				  lk.l_pid);
	return errmsg_set(e, -EBUSY,
			  "%s: in use by a program, or a zone, that has locked it (fuser "
			  "-v tells which)",
			  path);
}

/* Also that it can be a disk, as far as stat(2) tells, and is nobody else's. */
static int check_disk_present(const struct watcher *w, const struct paths *p,
			      const struct zconf *c, const struct zres *dev,
			      struct errmsg *e)
{
	cleanup(freep) char *path = NULL;
	char what[32];
	struct stat st;
	int r = zone_disk_path(p, c, dev, &path);

	if (r < 0)
		return errmsg_no_memory(e);
	snprintf(what, sizeof(what), "device %u", id_of(c, dev));
	r = check_present(w, what, path, &st, e);
	if (r < 0)
		return r;
	r = storage_check(path, &st, SYSFS_DEFAULT, e);
	if (r == 0 && S_ISREG(st.st_mode))
		r = storage_check_size(path, (uint64_t)st.st_size,
				       zres_is_set(dev, PROP_BOOTPRI), e);
	if (r == 0)
		r = check_unlocked(path, &st, e);
	return r < 0 ? errmsg_prefix(e, r, "%s", what) : 0;
}

int zone_storage_present(const struct paths *p, const struct zconf *c, storage_at_fn *at,
			 void *arg, struct errmsg *e)
{
	const struct watcher w = { .at = at, .arg = arg };
	static const enum prop_id files[] = { PROP_KERNEL, PROP_INITRD };
	const struct zres *direct = zconf_next(c, RES_DIRECT_BOOT, NULL);
	const struct zres *dev = NULL;
	struct stat st;
	int r = 0;

	while (r == 0 && (dev = zconf_next(c, RES_DEVICE, dev)))
		r = check_disk_present(&w, p, c, dev, e);
	for (unsigned i = 0; r == 0 && direct && i < ARRAY_SIZE(files); i++) {
		cleanup(freep) char *path = zres_get(c, direct, files[i]);

		if (path)
			r = check_present(&w, "direct-boot", path, &st, e);
	}
	return r;
}
