/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memmap.h - the memory map that the guest is told, whatever the boot protocol
 */
#ifndef KZ_VM_MEMMAP_H
#define KZ_VM_MEMMAP_H

#include "kzhost/vm/ram.h"

/* Types as in E820 and in hvm_start_info. */
#define MEMMAP_RAM      1
#define MEMMAP_RESERVED 2

#define MEMMAP_MAX 9

struct memmap_entry {
	uint64_t gpa;
	uint64_t size;
	uint32_t type;
};

/* Sorted, disjoint. Returns the number of entries. */
unsigned memmap_build(const struct ram *ram, struct memmap_entry *entries);

#endif
