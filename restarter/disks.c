// SPDX-License-Identifier: BSD-2-Clause
/*
 * disks.c - a zone's disks, opened, locked and described for its kzhost
 */
#include "restarter/disks.h"
#include "common/zone/loops.h"
#include "common/zone/storage.h"
#include "restarter/booted.h"
#include "restarter/logs.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#define BLOCK_MAX 65536u

static_assert(ZONE_DISKS_MAX == CTL_DISK_IDS, "every id that can be configured has room");

/* What is found out about one backing. */
struct facts {
	const struct disks_ask *ask;
	struct disks *all; /* those before it, and itself */
	const char *path;  /* borrowed */
	const char *said;  /* for texts */
	unsigned id;
	struct stat st;
	bool read_only;
	uint64_t bytes;
	uint32_t block_bytes;
	uint32_t mem_align, offset_align; /* of O_DIRECT */
};

static int fail(const struct facts *f, int r, struct errmsg *e, const char *what)
{
	return errmsg_set(e, r, "device %u: %s: %s", f->id, f->said, what);
}

/* Has the zone this disk? What it was booted with says so. */
static bool has_disk(const struct facts *f, const char *zone)
{
	cleanup(zconf_freep) struct zconf *c = NULL;
	const struct zres *dev = NULL;

	if (booted_load(f->ask->paths, zone, &c, NULL) < 0)
		return false;
	while ((dev = zconf_next(c, RES_DEVICE, dev))) {
		cleanup(freep) char *path = NULL;
		struct stat st;

		if (zone_disk_path(f->ask->paths, c, dev, &path) == 0 &&
		    slow_at(f->ask->slow, path) == 0 && stat(path, &st) == 0 &&
		    storage_same(&st, &f->st))
			return true;
	}
	return false;
}

/* Another zone that has it, or is about to: each that has a machine says below /run what
 * it was booted with. False: none. */
static bool find_holder(const struct facts *f)
{
	cleanup(freep) char *run = paths_get(f->ask->paths, PATH_RUN, NULL);
	DIR *dir = run ? opendir(run) : NULL;
	bool found = false;

	for (struct dirent *de; !found && dir && (de = readdir(dir));) {
		if (zone_name_check(de->d_name, NULL) < 0 ||
		    strcmp(de->d_name, f->ask->conf->name) == 0 ||
		    !has_disk(f, de->d_name))
			continue;
		strcpy(f->all->holder,
		       de->d_name); /* zone_name_check() knows the length */
		found = true;
	}
	if (dir)
		closedir(dir);
	return found;
}

/* Another device of the zone, by hand or by a link: zonecfg lets none in. -1: none. */
static int twin(const struct facts *f)
{
	for (unsigned i = 0; i + 1 < f->all->n; i++) {
		const struct disk *d = &f->all->disk[i];
		struct stat st;

		if (fstat(d->fd[CTL_DISK_FD_LOCK], &st) == 0 && storage_same(&st, &f->st))
			return (int)le32_get(d->msg.id);
	}
	return -1;
}

/* Somebody has it: a device of this zone (-ENOTUNIQ), another zone, or else @who. */
static int in_use(const struct facts *f, const char *who, struct errmsg *e)
{
	const int id = twin(f);

	if (id >= 0)
		return errmsg_set(e, -ENOTUNIQ,
				  "device %u: %s: device %d is the same disk", f->id,
				  f->said, id);
	if (find_holder(f))
		return errmsg_set(e, -EBUSY, "device %u: %s", f->id, f->said);
	return errmsg_set(e, -EBUSY, "device %u: %s: in use by %s", f->id, f->said, who);
}

/* A file that nobody may write is a disk that nobody may write, root included. What is
 * opened by its path, a block device exclusively, is the descriptor that is only kept:
 * the kernel's claim on a block device lives as long as this one. */
static int open_backing(struct facts *f, int *ret_fd, struct errmsg *e)
{
	int flags = O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
	cleanup(closep) int fd = -1;

	if (slow_at(f->ask->slow, f->path) < 0)
		return -ECANCELED;
	if (stat(f->path, &f->st) < 0)
		return fail(f, -errno, e,
			    errno == ENOENT
				    ? "does not exist: see where it is, or make it "
				      "(truncate -s 16G)"
				    : strerror(errno));
	if (storage_check(f->said, &f->st, SYSFS_DEFAULT, e) < 0)
		return errmsg_prefix(e, -EINVAL, "device %u", f->id);
	if (S_ISBLK(f->st.st_mode))
		flags |= O_EXCL;
	f->read_only = !(f->st.st_mode & 0222);
	if (!f->read_only) {
		fd = open(f->path, O_RDWR | flags);
		f->read_only = fd < 0 && (errno == EACCES || errno == EROFS);
	}
	if (f->read_only)
		fd = open(f->path, O_RDONLY | flags);
	if (fd < 0 && errno == EBUSY)
		return in_use(f, "this host: mounted, or part of a volume group", e);
	if (fd < 0)
		return fail(f, -errno, e, strerror(errno));
	if (fstat(fd, &f->st) < 0)
		return fail(f, -errno, e, strerror(errno));
	*ret_fd = take_fd(&fd);
	return 0;
}

/* The same file again, with a description of its own. */
static int open_again(const struct facts *f, int fd, int flags)
{
	char self[32];

	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	return open(self, (f->read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | flags);
}

/* The kernel names the process of a lock only when a process, not a file, has it. */
static int locked(const struct facts *f, int fd, struct errmsg *e)
{
	struct flock lk = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char who[80];

	if (fcntl(fd, F_OFD_GETLK, &lk) == 0 && lk.l_type != F_UNLCK && lk.l_pid > 0)
		snprintf(who, sizeof(who), "process %d, which has locked it", lk.l_pid);
	else
		snprintf(who, sizeof(who),
			 "a program that has locked it (fuser -v tells which)");
	return in_use(f, who, e);
}

/* What was opened late, for a boot that was given up, is left to those who want it. */
static int lock(const struct facts *f, int fd, struct errmsg *e)
{
	struct flock lk = { .l_type = f->read_only ? F_RDLCK : F_WRLCK,
			    .l_whence = SEEK_SET };

	if (slow_at(f->ask->slow, f->path) < 0)
		return -ECANCELED;
	if (fcntl(fd, F_OFD_SETLK, &lk) == 0)
		return 0;
	if (errno == EAGAIN || errno == EACCES)
		return locked(f, fd, e);
	return fail(f, -errno, e, strerror(errno));
}

/* Has somebody a lock on the file at @path that @type would not go with? */
static bool is_locked(const struct facts *f, const char *path, short type)
{
	struct flock lk = { .l_type = type, .l_whence = SEEK_SET };
	cleanup(closep) int fd = -1;

	if (slow_at(f->ask->slow, path) == 0)
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	return fd >= 0 && fcntl(fd, F_OFD_GETLK, &lk) == 0 && lk.l_type != F_UNLCK;
}

/* A loop device and the file behind it are one disk. */
static int check_loops(const struct facts *f, struct errmsg *e)
{
	char name[LOOP_NAME_SIZE], path[LOOP_PATH_SIZE], room[PATH_SAID + 4];

	if (S_ISREG(f->st.st_mode) && !f->read_only &&
	    loop_of(&f->st, SYSFS_DEFAULT, name))
		return errmsg_set(e, -EBUSY,
				  "device %u: %s: in use by /dev/%s: unmount that, then "
				  "losetup -d /dev/%s",
				  f->id, f->said, name, name);
	if (S_ISBLK(f->st.st_mode) && loop_file(&f->st, SYSFS_DEFAULT, path) &&
	    is_locked(f, path, f->read_only ? F_RDLCK : F_WRLCK))
		return errmsg_set(e, -EBUSY,
				  "device %u: %s: %s, which is behind it, is in use by "
				  "another zone or program",
				  f->id, f->said, path_said(path, room));
	return 0;
}

static int find_size(struct facts *f, int fd, bool bootable, struct errmsg *e)
{
	unsigned block = 0;
	int r;

	if (S_ISREG(f->st.st_mode)) {
		f->bytes = (uint64_t)f->st.st_size;
		block = (unsigned)f->st.st_blksize;
	} else if (ioctl(fd, BLKGETSIZE64, &f->bytes) < 0 ||
		   ioctl(fd, BLKPBSZGET, &block) < 0) {
		return fail(f, -errno, e, strerror(errno));
	}
	f->block_bytes = MIN(MAX(block, ZONE_SECTOR), BLOCK_MAX);
	if (f->block_bytes & (f->block_bytes - 1))
		f->block_bytes = ZONE_SECTOR;
	r = storage_check_size(f->said, f->bytes, bootable, e);
	return r < 0 ? errmsg_prefix(e, r, "device %u", f->id) : 0;
}

/* STATX_DIOALIGN (Linux 6.1), whose fields the C library of Debian 12 does not know. */
static bool ask_dio_align(struct facts *f, int fd)
{
	enum { DIOALIGN = 0x2000, MASK = 0, MEM = 0x98 / 4, OFFSET = 0x9c / 4 };
	uint32_t statx[64] = { 0 };

	if (syscall(SYS_statx, fd, "", AT_EMPTY_PATH, DIOALIGN, statx) < 0 ||
	    !(statx[MASK] & DIOALIGN) || statx[MEM] == 0)
		return false;
	f->mem_align = statx[MEM];
	f->offset_align = statx[OFFSET];
	return true;
}

/* Past the page cache; -1 where that cannot be. A block device is then not read ahead
 * through @buffered_fd: what comes into the page cache while direct writes are under way
 * may be older than they are, and the kernel leaves it there (it does not for files). */
static int open_direct(struct facts *f, int buffered_fd)
{
	int fd = open_again(f, buffered_fd, O_DIRECT);
	int logical = 0;

	if (fd >= 0 && S_ISBLK(f->st.st_mode))
		posix_fadvise(buffered_fd, 0, 0, POSIX_FADV_RANDOM);
	if (fd < 0 || ask_dio_align(f, fd))
		return fd;
	/* The whole block is always right; a block device knows its smaller one. */
	f->mem_align = f->offset_align = MAX(f->block_bytes, 4096u);
	if (S_ISBLK(f->st.st_mode) && ioctl(fd, BLKSSZGET, &logical) == 0 && logical > 0)
		f->mem_align = f->offset_align = (uint32_t)logical;
	return fd;
}

/* Tried with a block behind the end of a file, where there is nothing to lose; a host
 * that is full knows how all the same. A block device says so when it is asked. */
static bool can(const struct facts *f, int fd, int mode)
{
	off_t end = (off_t)((f->bytes + BLOCK_MAX) & ~(uint64_t)(BLOCK_MAX - 1));

	return S_ISBLK(f->st.st_mode) ||
	       fallocate(fd, mode | FALLOC_FL_KEEP_SIZE, end, f->block_bytes) == 0 ||
	       errno == ENOSPC || errno == EDQUOT;
}

static uint32_t flags_of(const struct facts *f, int fd, bool bootable)
{
	uint32_t flags = bootable ? CTL_DISK_BOOTABLE : 0;

	if (f->read_only)
		return flags | CTL_DISK_READ_ONLY;
	if (can(f, fd, FALLOC_FL_PUNCH_HOLE))
		flags |= CTL_DISK_DISCARD;
	if (can(f, fd, FALLOC_FL_ZERO_RANGE))
		flags |= CTL_DISK_ZERO;
	return flags;
}

static void describe(const struct facts *f, const struct zconf *c, const struct zres *dev,
		     const uint8_t uuid[16], struct disk *d)
{
	bool bootable = zres_is_set(dev, PROP_BOOTPRI);
	bool direct = d->fd[CTL_DISK_FD_DIRECT] >= 0;

	d->msg = (struct ctl_disk){
		.id = le32_of(f->id),
		.flags = le32_of(flags_of(f, d->fd[CTL_DISK_FD_BUFFERED], bootable)),
		.block_bytes = le32_of(f->block_bytes),
		.bytes = le64_of(f->bytes),
		.mem_align = le32_of(direct ? f->mem_align : 0),
		.offset_align = le32_of(direct ? f->offset_align : 0),
	};
	if (bootable)
		d->msg.bootpri = le32_of((uint32_t)zres_number(c, dev, PROP_BOOTPRI));
	snprintf(d->msg.serial, sizeof(d->msg.serial), "kz%02x%02x%02x%02x%02x%02x-%u",
		 uuid[0], uuid[1], uuid[2], uuid[3], uuid[4], uuid[5], f->id);
}

/* The configuration may have been written by hand. */
static int check_id(const struct disks *all, unsigned id, struct errmsg *e)
{
	for (unsigned i = 0; i + 1 < all->n; i++) {
		if (le32_get(all->disk[i].msg.id) == id)
			return errmsg_set(e, -EINVAL,
					  "device %u: another device has this id", id);
	}
	return 0;
}

static int open_and_lock(struct facts *f, bool bootable, struct disk *d, struct errmsg *e)
{
	int *lock_fd = &d->fd[CTL_DISK_FD_LOCK];
	int r = open_backing(f, lock_fd, e);

	if (r == 0)
		r = lock(f, *lock_fd, e);
	if (r == 0)
		r = check_loops(f, e);
	if (r == 0)
		r = find_size(f, *lock_fd, bootable, e);
	if (r < 0)
		return r;
	d->fd[CTL_DISK_FD_BUFFERED] = open_again(f, *lock_fd, 0);
	if (d->fd[CTL_DISK_FD_BUFFERED] < 0)
		return fail(f, -errno, e, strerror(errno));
	d->fd[CTL_DISK_FD_DIRECT] = open_direct(f, d->fd[CTL_DISK_FD_BUFFERED]);
	return 0;
}

/* What is no fault of the configuration or the host is one of the storage. */
static int class_of(int r)
{
	switch (-r) {
	case 0:
	case ENOTUNIQ:
	case ECANCELED:
	case ENOMEM:
	case EMFILE:
	case ENFILE:
		return r;
	default:
		return -ENOMEDIUM;
	}
}

/* The last of all. */
static int open_one(const struct disks_ask *ask, const struct zres *dev,
		    struct disks *all, struct errmsg *e)
{
	struct disk *d = &all->disk[all->n - 1];
	cleanup(freep) char *path = NULL;
	char room[PATH_SAID + 4];
	struct facts f = { .ask = ask,
			   .all = all,
			   .id = (unsigned)zres_number(ask->conf, dev, PROP_DEVICE_ID) };
	int r = zone_disk_path(ask->paths, ask->conf, dev, &path);

	if (r < 0)
		return errmsg_no_memory(e);
	f.path = path;
	f.said = path_said(path, room);
	d->msg.id = le32_of(f.id);
	r = check_id(all, f.id, e);
	if (r == 0)
		r = class_of(open_and_lock(&f, zres_is_set(dev, PROP_BOOTPRI), d, e));
	if (r < 0)
		return r;
	describe(&f, ask->conf, dev, ask->uuid, d);
	d->path = take_ptr(&path);
	return 0;
}

int disks_open(const struct disks_ask *ask, struct disks *ret_disks, struct errmsg *e)
{
	const struct zres *dev = NULL;
	int r = 0;

	*ret_disks = (struct disks){ 0 };
	while (r == 0 && (dev = zconf_next(ask->conf, RES_DEVICE, dev))) {
		struct disk *d = &ret_disks->disk[ret_disks->n];

		if (ret_disks->n == CTL_DISK_IDS)
			return errmsg_set(e, -EINVAL, "more than %u devices",
					  CTL_DISK_IDS);
		ret_disks->n++;
		for (unsigned i = 0; i < CTL_DISK_FD_N; i++)
			d->fd[i] = -1;
		r = open_one(ask, dev, ret_disks, e);
	}
	return r;
}

/* What kzhost will complain about as vblkN, by its path. */
static void note(const struct disk *d, const struct paths *p, const char *zone)
{
	(void)log_message(p, zone, "vblk%u: %s, %llu bytes%s%s", le32_get(d->msg.id),
			  d->path, (unsigned long long)le64_get(d->msg.bytes),
			  le32_get(d->msg.flags) & CTL_DISK_READ_ONLY
				  ? ", read-only: nobody may write it"
				  : "",
			  d->fd[CTL_DISK_FD_DIRECT] < 0
				  ? ", through the page cache: it has no O_DIRECT"
				  : "");
}

void disks_note(const struct disks *d, const struct paths *p, const char *zone)
{
	for (unsigned i = 0; i < d->n; i++)
		if (d->disk[i].path)
			note(&d->disk[i], p, zone);
}

void disks_close(struct disks *d)
{
	while (d->n > 0) {
		struct disk *one = &d->disk[--d->n];

		for (unsigned i = 0; i < CTL_DISK_FD_N; i++)
			closep(&one->fd[i]);
		free(one->path);
	}
}
