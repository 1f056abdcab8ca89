/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * platform.h - the devices of a machine that are not on its PCI bus
 *
 * DOC: Saving and loading
 *
 * One table has them all; what of each is saved is said beside its code (devstate.h).
 * Virtio devices and the bus are saved slot by slot (virtio_pci.h, pci.h), what KVM
 * holds by KVM. Its interrupt controllers are loaded after these: a line that is up is
 * raised here, and they know whether the guest has seen it.
 */
#ifndef KZ_VM_PLATFORM_H
#define KZ_VM_PLATFORM_H

#include "kzhost/dev/dev.h"
#include "kzhost/dev/devstate.h"

/**
 * platform_init() - Make the devices and put them on the bus of ports
 * @vm:		Zeroed but for its RAM and the number of its vCPUs
 * @env:	Copied
 * @tod_offset_s: Guest clock minus host clock
 * @firmware:	With the registers that only firmware's tables show
 *
 * Return: 0 or -ENOMEM; platform_fini() may follow in every case, and also without
 */
int platform_init(struct vm *vm, const struct dev_env *env, int64_t tod_offset_s,
		  bool firmware);
void platform_fini(struct vm *vm);

/* Of a struct vm: what belongs to no device. */
extern const struct state_table vm_table;

/**
 * platform_save() - Append all of these devices to a record
 *
 * No vCPU runs; on the main thread, as loading.
 *
 * Return: 0 or -ENOMEM
 */
int platform_save(struct vm *vm, struct buf *out);

/**
 * platform_load() - Make these devices what a record says
 * @vm:		Just made
 *
 * Return: 0, -EINVAL and a text that names the device (a value that no guest could have
 * brought about, or the record ends), or -ENOMEM; then that device is as it was, those
 * before it in the table are loaded, and the machine can only be freed
 */
int platform_load(struct vm *vm, struct state_reader *r, struct errmsg *e);

/**
 * platform_device() - Go through the table
 * @i:		From 0 on
 * @ret_dev:	The device in @vm
 *
 * Return: its fields, NULL: there are no more
 */
const struct state_table *platform_device(struct vm *vm, unsigned i, void **ret_dev);

#endif
