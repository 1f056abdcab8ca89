/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * assemble.h - the zone's machine, made of what the restarter's messages say
 *
 * The restarter speaks in messages (common/proto/ctl.h), the machine takes configurations
 * (vm/vm.h, dev/vblk.h). Between them stand the filters of the machine's threads, the
 * order in which its disks are booted from, and the descriptors that hold disks' locks.
 */
#ifndef KZHOST_ASSEMBLE_H
#define KZHOST_ASSEMBLE_H

#include "common/base/err.h"
#include "common/proto/ctl.h"

struct vm;

struct boot_disk {
	unsigned id;
	uint32_t pri;
};

struct assembly {
	struct vm *vm; /* owned; NULL: not made yet, or gone */
	unsigned n_vcpus;
	bool firmware;   /* what boots, not a kernel */
	unsigned n_boot; /* disks to boot from, in the order in which they are tried */
	struct boot_disk boot[CTL_DISK_IDS];
	int disk_lock[CTL_DISK_IDS]; /* kept open for their locks; -1 = none */
	int linger; /* ring to let go of KVM's machine with; negative = none */
};

/* Before the process is confined: the ring is made here. */
void assembly_init(struct assembly *a);

/**
 * assembly_create() - Make the machine
 * @msg:	Checked by ctl_check_request()
 * @fd:		CTL_FD_N of them, -1 when it was not sent; borrowed for the call
 *
 * Return: 0 or what vm_create() gave, with its text; then there is no machine
 */
int assembly_create(struct assembly *a, const struct ctl_create *msg, const int *fd,
		    struct errmsg *e);

/**
 * assembly_add_disk() - Give the machine a disk, before it is started
 * @msg:	Checked by ctl_check_request()
 * @fds:	CTL_DISK_FD_N of them, of the right kinds, -1 when it was not sent; all
 * are taken, also on failure
 *
 * Return: 0 or what vm_add_disk() gave, with its text
 */
int assembly_add_disk(struct assembly *a, const struct ctl_disk *msg, int *fds,
		      struct errmsg *e);

/* Tells firmware what to boot from, and starts the machine. As vm_start(), or -ENOMEM. */
int assembly_start(struct assembly *a, struct errmsg *e);

/* The machine goes; what the kernel does to it goes on without us. The locks are kept
 * until the process ends. */
void assembly_free(struct assembly *a);

#endif
