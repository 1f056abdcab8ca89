/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * storage.h - the disks of a zone: where they are, and what may be one
 *
 * DOC: What may be a disk
 *
 * A regular file, or a block device that is a whole one: a disk, a volume of LVM or ZFS,
 * a loop device. A partition is none: the zone would find another partition table inside,
 * and the host's tools would see its file systems. sysfs knows: a partition has a file
 * "partition" in /sys/dev/block/MAJOR:MINOR.
 */
#ifndef KZ_ZONE_STORAGE_H
#define KZ_ZONE_STORAGE_H

#include "common/zone/conf.h"

#include <sys/stat.h>

#define SYSFS_DEFAULT "/sys"

#define ZONE_SECTOR    512u /* the least that a disk has */
#define ZONE_HOST_DATA MIB  /* of a bootable disk, at its end: not the guest's */

/**
 * zone_disk_path() - Where the disk of a device resource is
 * @ret_path:	New string: match, or storage without its scheme, or the default file in
 *		the zone's directory (the only one below the root)
 *
 * Return: 0 or -ENOMEM
 */
int zone_disk_path(const struct paths *p, const struct zconf *c, const struct zres *dev,
		   char **ret_path);

/* Whether the disk is the default one, which install makes and uninstall removes. */
bool zone_disk_is_default(const struct zres *dev);

/**
 * storage_check() - Can this be a disk?
 * @path:	For the text
 * @st:		What stat(2) says of it
 * @sysfs:	SYSFS_DEFAULT; another one in tests
 *
 * Return: 0 or -EINVAL with the reason
 */
int storage_check(const char *path, const struct stat *st, const char *sysfs,
		  struct errmsg *e);

/* Is what two stat(2)s describe one disk, whatever names led there? */
bool storage_same(const struct stat *a, const struct stat *b);

/**
 * storage_check_size() - Is there enough of it for a disk?
 * @path:	For the text
 * @bytes:	Of the backing
 * @bootable:	ZONE_HOST_DATA bytes at its end are the host's
 *
 * Return: 0 or -EINVAL with what to do
 */
int storage_check_size(const char *path, uint64_t bytes, bool bootable, struct errmsg *e);

/* Has the zone something to boot from: direct-boot, or a device with bootpri? 0 or
 * -EINVAL with the command that gives it one. */
int zone_boot_check(const struct zconf *c, struct errmsg *e);

/* Checks all disks of the zone that are there, and that no two are the same; one that is
 * missing may come before the zone boots. 0, -EINVAL, -ENOMEM. */
int zone_disks_check(const struct paths *p, const struct zconf *c, struct errmsg *e);

/* Told of every path before a call about it that may hang. 0, or what ends the work. */
typedef int storage_at_fn(void *arg, const char *path);

/* Checks that all disks of the zone are there, can be disks as far as stat(2) tells, and
 * are not locked, and that the files of direct-boot are there: what attach asks. 0,
 * -ENOMEM, -EINVAL, -EBUSY, what stat(2) gave, or what @at (may be NULL) did; the text
 * names the first that is not there, is no disk, or is in use. */
int zone_storage_present(const struct paths *p, const struct zconf *c, storage_at_fn *at,
			 void *arg, struct errmsg *e);

#endif
