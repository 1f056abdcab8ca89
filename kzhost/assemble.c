// SPDX-License-Identifier: BSD-2-Clause
/*
 * assemble.c - the zone's machine, made of what the restarter's messages say
 */
#include "kzhost/assemble.h"

#include "common/proto/machine.h"
#include "kzhost/dev/vblk.h"
#include "kzhost/io/linger.h"
#include "kzhost/sandbox/sandbox.h"
#include "kzhost/vm/vm.h"

#include <stdio.h>
#include <string.h>

/* A disk has a queue a vCPU, each with a thread and a ring, up to these. */
#define DISK_QUEUES 4u

static int init_vcpu_thread(void)
{
	return sandbox_thread(SANDBOX_VCPU);
}

static int init_slow_thread(void)
{
	return sandbox_thread(SANDBOX_SLOW);
}

static int init_fill_thread(void)
{
	return sandbox_thread(SANDBOX_FILL);
}

static int init_disk_thread(void)
{
	return sandbox_thread(SANDBOX_DISK);
}

static void close_vm(void *arg, int fd)
{
	struct assembly *a = arg;

	linger_close(take_fd(&a->linger), fd);
}

void assembly_init(struct assembly *a)
{
	*a = (struct assembly){ .linger = linger_open() };
	for (unsigned i = 0; i < CTL_DISK_IDS; i++)
		a->disk_lock[i] = -1;
}

int assembly_create(struct assembly *a, const struct ctl_create *msg, const int *fd,
		    struct errmsg *e)
{
	const struct vm_config config = {
		.ram_bytes = le64_get(msg->ram_bytes),
		.n_vcpus = le32_get(msg->n_vcpus),
		.cmdline = msg->cmdline,
		.tod_offset_s = (int64_t)le64_get(msg->tod_offset_s),
		.kvm_fd = fd[CTL_FD_KVM],
		.kernel_fd = fd[CTL_FD_KERNEL],
		.initrd_fd = fd[CTL_FD_INITRD],
		.firmware_fd = fd[CTL_FD_FIRMWARE],
		.thread_init = init_vcpu_thread,
		.slow_init = init_slow_thread,
		.fill_init = init_fill_thread,
		.close_vm = close_vm,
		.close_arg = a,
	};
	int r = vm_create(&config, &a->vm, e);

	if (r < 0)
		return r;
	a->n_vcpus = config.n_vcpus;
	a->firmware = config.firmware_fd >= 0;
	return 0;
}

/* What a message says of a disk, in the device's words. */
static struct vblk_config disk_config(const struct assembly *a,
				      const struct ctl_disk *msg, int *fds)
{
	uint32_t flags = le32_get(msg->flags);
	struct vblk_config c = {
		.id = le32_get(msg->id),
		.bytes = le64_get(msg->bytes),
		.read_only = flags & CTL_DISK_READ_ONLY,
		.bootable = flags & CTL_DISK_BOOTABLE,
		.can_discard = flags & CTL_DISK_DISCARD,
		.can_zero = flags & CTL_DISK_ZERO,
		.block_bytes = le32_get(msg->block_bytes),
		.take_backing = { .direct_fd = take_fd(&fds[CTL_DISK_FD_DIRECT]),
				  .buffered_fd = take_fd(&fds[CTL_DISK_FD_BUFFERED]),
				  .mem_align = le32_get(msg->mem_align),
				  .offset_align = le32_get(msg->offset_align) },
		.n_queues = MIN(a->n_vcpus, DISK_QUEUES),
		.thread_init = init_disk_thread,
	};

	snprintf(c.serial, sizeof(c.serial), "%.*s", VBLK_ID_SIZE, msg->serial);
	return c;
}

/* The one with the lowest bootpri is tried first, then that with the lowest id. */
static void add_boot_disk(struct assembly *a, unsigned id, uint32_t pri)
{
	unsigned at = a->n_boot++;

	for (; at > 0; at--) {
		const struct boot_disk *before = &a->boot[at - 1];

		if (before->pri < pri || (before->pri == pri && before->id < id))
			break;
		a->boot[at] = *before;
	}
	a->boot[at] = (struct boot_disk){ .id = id, .pri = pri };
}

int assembly_add_disk(struct assembly *a, const struct ctl_disk *msg, int *fds,
		      struct errmsg *e)
{
	struct vblk_config config = disk_config(a, msg, fds);
	int *lock = &a->disk_lock[config.id];
	int r;

	closep(lock);
	*lock = take_fd(&fds[CTL_DISK_FD_LOCK]);
	r = vm_add_disk(a->vm, &config, e);
	if (r == 0 && config.bootable)
		add_boot_disk(a, config.id, le32_get(msg->bootpri));
	return r;
}

int assembly_start(struct assembly *a, struct errmsg *e)
{
	unsigned slot[CTL_DISK_IDS];
	int r = 0;

	for (unsigned i = 0; i < a->n_boot; i++)
		slot[i] = KZ_PCI_SLOT_DISK + a->boot[i].id;
	if (a->firmware)
		r = vm_boot_order(a->vm, slot, a->n_boot);
	if (r < 0)
		return errmsg_set(e, r, "boot order: %s", strerror(-r));
	return vm_start(a->vm, e);
}

void assembly_free(struct assembly *a)
{
	vm_free(a->vm);
	a->vm = NULL;
}
