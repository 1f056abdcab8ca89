/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memmap.c - base memory, the BIOS area, RAM up to the hole, ECAM, KVM's pages, RAM from
 * 4 GiB
 */
#include "kzhost/vm/memmap.h"
#include "kzhost/vm/layout.h"

unsigned memmap_build(const struct ram *ram, struct memmap_entry *entries)
{
	const struct ram_region *low = &ram->region[0], *high = &ram->region[1];
	unsigned n = 0;

	entries[n++] = (struct memmap_entry){ 0, LAYOUT_BASE_END, MEMMAP_RAM };
	entries[n++] =
		(struct memmap_entry){ LAYOUT_BASE_END, LAYOUT_VGA - LAYOUT_BASE_END,
				       MEMMAP_RESERVED };
	entries[n++] =
		(struct memmap_entry){ LAYOUT_ACPI, LAYOUT_KERNEL_MIN - LAYOUT_ACPI,
				       MEMMAP_RESERVED };
	entries[n++] = (struct memmap_entry){ LAYOUT_KERNEL_MIN,
					      low->size - LAYOUT_KERNEL_MIN, MEMMAP_RAM };
	entries[n++] =
		(struct memmap_entry){ KZ_GPA_ECAM, KZ_ECAM_SIZE, MEMMAP_RESERVED };
	entries[n++] = (struct memmap_entry){ LAYOUT_KVM_IDENTITY, LAYOUT_KVM_SIZE,
					      MEMMAP_RESERVED };
	if (high->size > 0)
		entries[n++] = (struct memmap_entry){ high->gpa, high->size, MEMMAP_RAM };
	return n;
}
