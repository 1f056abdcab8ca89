/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vdevs.h - virtio devices of a machine: their slots, their owners, their lives
 *
 * A device of any kind is put into a machine by two calls before vm_start():
 *
 *	struct vdev_env env;
 *	struct vdev *v;
 *
 *	vm_slot_env(vm, slot, &env);
 *	vblk_new(&config, &env, &v, e);
 *	vm_add_vdev(vm, slot, v, &owner);
 */
#ifndef KZ_VM_VDEVS_H
#define KZ_VM_VDEVS_H

#include "kzhost/io/slow.h"

struct vm;

/* Who serves a kind of device, and how it ends. Constant. */
struct vdev_owner {
	const struct slow_ops *slow; /* the thread of slow devices does; or NULL */
	/* Threads of its own, started by vm_start(): 0 or -errno; or NULL. */
	int (*start)(struct vdev *v);
	/* Waits for what is in flight, joins them; also when start was not called. Goes
	 * with start. */
	void (*stop)(struct vdev *v);
	void (*free)(struct vdev *v);
};

/**
 * vm_slot_env() - Reserve a slot and get what its device is to be made with
 * @slot:	1 to 31: KZ_PCI_SLOT_*
 *
 * Return: 0, -EBUSY (taken), -ENOSPC (there is no such slot), -ENOMEM
 */
int vm_slot_env(struct vm *vm, unsigned slot, struct vdev_env *ret_env);

/**
 * vm_add_vdev() - Put a device into the slot that was reserved for it
 * @take_vdev:	Made with the slot's env; the machine's from here on, also on failure
 *
 * Return: 0, -ENOSPC (too many queues for the thread of slow devices), or what
 * eventfd(2) gave
 */
int vm_add_vdev(struct vm *vm, unsigned slot, struct vdev *take_vdev,
		const struct vdev_owner *owner);

/* For vm.c: the bus and the devices that every machine has; 0 or -errno. The others may
 * follow in every case, vdevs_stop() more than once. */
int vdevs_init(struct vm *vm);
int vdevs_start(struct vm *vm);
void vdevs_stop(struct vm *vm);
/* KVM's machine is closed. */
void vdevs_fini(struct vm *vm);

/* Adds what the devices count to the machine's figures. */
struct vm_stats;
void vdevs_stats(const struct vm *vm, struct vm_stats *stats);

#endif
