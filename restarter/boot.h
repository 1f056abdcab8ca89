/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * boot.h - everything that one boot of a zone needs, opened and checked before kzhost
 * runs
 */
#ifndef KZ_RESTARTER_BOOT_H
#define KZ_RESTARTER_BOOT_H

#include "common/proto/ctl.h"
#include "restarter/disks.h"
#include "restarter/shell.h"

/*
 * DOC: Three steps
 *
 * boot_begin() and boot_end() run in the event loop; boot_open(), between them, is all
 * that can hang for what an operator has named, and runs on a thread of its own
 * (launch.h). It touches nothing but the boot, which has its own copy of what it needs.
 */
struct boot {
	struct ctl_create create; /* complete but for its header */
	int fds[CTL_FD_N];        /* owned; -1 = absent */
	struct disks disks;       /* owned */
	char *kernel, *initrd;    /* owned; their paths, which kzhost is not told */
	int messages_fd;          /* owned; kzhost's standard error */
	int listen_fd;            /* owned; the ctl socket it will listen on */
	struct zconf *conf;       /* owned; what the zone is booted with, expanded */
	struct paths paths;       /* owned */
};

void boot_free(struct boot *b);
DEFINE_FREEP(struct boot, boot_free)

/**
 * boot_begin() - Read the configuration, check memory, open /dev/kvm
 * @z:		boot_args replaces the property bootargs; ram_bytes is set
 *
 * What the zone is about to be booted with is written down (booted.h): whoever finds one
 * of its disks in use finds the zone there.
 *
 * Return: 0 or -errno, -ENOMEDIUM when it is for want of the zone's storage; the text
 * names the step, what it needed and what it found, and, where there is one, the way out
 */
int boot_begin(struct shell *sh, struct zone *z, struct boot **ret_boot,
	       struct errmsg *e);

/**
 * boot_open() - Open disks, and kernel and initrd or firmware
 * @slow:	The thread that this runs on: it is told of every path before it is touched
 *
 * Return: as boot_begin(), or -ECANCELED (the thread's work was given up)
 */
int boot_open(struct boot *b, struct slow *slow, struct errmsg *e);

/**
 * boot_end() - Open what is our own: logs and sockets
 * @r:		What boot_open() returned, and its text: they are passed on, once what
 *		the zone's messages are to say of its disks is written
 *
 * Return: as boot_begin()
 */
int boot_end(struct shell *sh, struct zone *z, struct boot *b, int r, struct errmsg *e);

#endif
