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

struct shell;
struct zone;

struct disk {
	struct ctl_disk msg;   /* complete but for its header */
	int fd[CTL_DISK_FD_N]; /* owned; -1 = absent */
};

struct disks {
	unsigned n;
	struct disk disk[CTL_DISK_IDS];
};

/**
 * disks_open() - Open every disk that a configuration names
 * @z:		The zone; its uuid becomes part of each disk's serial
 * @ret_disks:	Set up in every case, so that disks_close() may follow
 *
 * Return: 0, or the first that fails; the text names device, path, and what to do:
 * -EBUSY (locked or in use), -EINVAL (partition, directory, empty, id out of range), or
 * what open(2) gave
 */
int disks_open(const struct shell *sh, const struct zone *z, const struct zconf *c,
	       struct disks *ret_disks, struct errmsg *e);

void disks_close(struct disks *d);

#endif
