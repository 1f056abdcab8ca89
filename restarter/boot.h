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

struct boot {
	struct ctl_create create; /* complete but for its header */
	int fds[CTL_FD_N];        /* owned; -1 = absent */
	struct disks disks;       /* owned */
	char *kernel, *initrd;    /* owned; their paths, which kzhost is not told */
	int messages_fd;          /* owned; kzhost's standard error */
	int listen_fd;            /* owned; the ctl socket it will listen on */
	struct zconf *conf;       /* owned; what the zone is booted with */
};

void boot_free(struct boot *b);
DEFINE_FREEP(struct boot, boot_free)

/**
 * boot_prepare() - Read the configuration, check memory, open every descriptor
 * @z:		boot_args replaces the property bootargs; ram_bytes is set
 *
 * Return: 0 or -errno; the text names the step, what it needed and what it found, and,
 * where there is one, the way out
 */
int boot_prepare(struct shell *sh, struct zone *z, struct boot **ret_boot,
		 struct errmsg *e);

#endif
