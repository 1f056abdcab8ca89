/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * firmware.h - a PC BIOS in the machine, and what it is told by fw_cfg
 */
#ifndef KZ_VM_FIRMWARE_H
#define KZ_VM_FIRMWARE_H

#include "kzhost/dev/fwcfg.h"
#include "kzhost/vm/acpi.h"
#include "kzhost/vm/kvm.h"

/* Zeroed: none. */
struct firmware {
	uint8_t *image; /* a copy: what becomes of the file does not matter any more */
	uint64_t size;
};

/**
 * firmware_load() - Put an image where the first vCPU begins
 * @fw:		Zeroed; firmware_fini() may follow in every case
 * @fd:		Regular file, borrowed for the call
 *
 * The image ends at 4 GiB, where the guest cannot write it; its end stands below 1 MiB
 * too, where it can (layout.h).
 *
 * Return: 0, -EINVAL (not a regular file, no multiple of 64 KiB, larger than 16 MiB),
 * -ENOEXEC (empty), -EOPNOTSUPP (KVM cannot do read-only memory), -ENOMEM, or what
 * reading or KVM gave
 */
int firmware_load(struct firmware *fw, int fd, const struct ram *ram,
		  const struct kvm *kvm, struct errmsg *e);

/* KVM's machine is closed. */
void firmware_fini(struct firmware *fw);

/* Where a machine with firmware has its generation id: in the last of low RAM. */
uint64_t firmware_generation_gpa(const struct ram *ram);

/**
 * firmware_tell() - Make the items of fw_cfg, all but the boot order
 *
 * Return: 0 or -ENOMEM
 */
int firmware_tell(const struct firmware *fw, struct fwcfg *f, const struct ram *ram,
		  const struct acpi_machine *m);

/**
 * firmware_boot_order() - Say which disks are tried, and in which order
 * @slot:	PCI slots of virtio disks
 *
 * Return: 0 or -ENOMEM
 */
int firmware_boot_order(struct fwcfg *f, const unsigned *slot, unsigned n);

#endif
