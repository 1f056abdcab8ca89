/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * disk.h - the disks that a zone has by default: sparse files in its own directory
 */
#ifndef KZ_CLI_ZONEADM_DISK_H
#define KZ_CLI_ZONEADM_DISK_H

#include "common/sys/paths.h"
#include "common/zone/conf.h"

#define DISK_DEFAULT_BYTES (16 * GIB)
#define DISK_MIN_BYTES     (2 * MIB) /* the last one may be the host's */

/**
 * size_parse() - Read a size: a number with an optional k, m, g or t
 *
 * Return: 0, -EINVAL (not a size, or less than 2 MiB)
 */
int size_parse(const char *text, uint64_t *ret_bytes, struct errmsg *e);

/* Called for each disk: made is false when the file was there already. */
typedef void disk_report(void *arg, const char *path, bool made);

/**
 * disks_create() - Make the files of the devices that have no storage of their own
 * @bytes:	Size of each
 *
 * A file that is there is left as it is. What was made before a failure stays for the
 * uninstall that has to follow.
 *
 * Return: 0, -ENOMEM, or what the system gave; text names the file
 */
int disks_create(const struct paths *p, const struct zconf *c, uint64_t bytes,
		 disk_report *report, void *arg, struct errmsg *e);

/**
 * disks_remove() - Remove the zone's own directory with all that is in it
 *
 * Return: 0 (also when there is none), -ENOMEM, or what the system gave; text names the
 * file
 */
int disks_remove(const struct paths *p, const char *zone, struct errmsg *e);

#endif
