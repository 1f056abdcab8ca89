/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * disks.h - a zone's disks, opened, locked and described for its kzhost
 *
 * DOC: One owner
 *
 * The lock of open file description (fcntl(2), F_OFD_SETLK) on the whole backing is taken
 * here, on a descriptor that kzhost is given and does nothing with: it lives until the
 * zone's process has ended, whatever becomes of svc.zones. (Descriptors that do I/O are
 * registered with io_uring, which lets go of them some time after that.) It keeps other
 * zones, and programs that ask for such locks (QEMU does), from the same disk on this
 * host. The same descriptor has a block device exclusively: one that is mounted, part of
 * a volume group, or another zone's, by whatever name, is refused by the kernel.
 *
 * A loop device locks nothing: a file that one can write to is refused, and a loop device
 * whose file is locked (zone/loops.h).
 */
#ifndef KZ_RESTARTER_DISKS_H
#define KZ_RESTARTER_DISKS_H

#include "common/proto/ctl.h"
#include "common/zone/conf.h"
#include "restarter/slow.h"

struct disk {
	struct ctl_disk msg;   /* complete but for its header */
	int fd[CTL_DISK_FD_N]; /* owned; -1 = absent */
	char *path;            /* owned; set when all of it is there */
};

struct disks {
	unsigned n;
	struct disk disk[CTL_DISK_IDS];
	char holder[ZONE_NAME_MAX + 1]; /* the zone that has the one that failed, or "" */
};

/* All that is borrowed for the call. */
struct disks_ask {
	const struct paths *paths;
	const struct zconf *conf;
	const uint8_t *uuid; /* the zone's: part of each disk's serial */
	struct slow *slow;   /* the thread, which is told of every path before it */
};

/**
 * disks_open() - Open every disk that a configuration names
 * @ret_disks:	Set up in every case, so that disks_close() may follow
 *
 * Runs on a thread: it touches nothing of the restarter but files (slow.h).
 *
 * Return: 0, or the first that fails; the text names device, path, and what to do:
 * -ENOMEDIUM (the storage is not there, cannot be opened, is no disk, or is somebody
 * else's; when a zone has it, holder is set and the text leaves that to the caller),
 * -EINVAL or -ENOTUNIQ (the configuration: too many, one id or one disk twice),
 * -ECANCELED (the thread's work was given up), -ENOMEM, -EMFILE or -ENFILE
 */
int disks_open(const struct disks_ask *ask, struct disks *ret_disks, struct errmsg *e);

/* Writes to the zone's messages by which paths it has its disks: kzhost knows none. */
void disks_note(const struct disks *d, const struct paths *p, const char *zone);

void disks_close(struct disks *d);

#endif
