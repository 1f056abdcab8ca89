/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * layout.h - where things lie in guest physical memory before the first instruction
 *
 * DOC: Low memory
 *
 * Everything that a directly booted kernel is given lies below 640 KiB, except ACPI
 * and MP tables: they lie where a BIOS would have them, and where kernels look. The
 * kernel itself is never loaded below 1 MiB, so the two cannot overlap.
 *
 *	00006000	hvm_start_info, module list, memory map (PVH) or GDT (bzImage)
 *	00007000	boot_params, the "zero page" (bzImage)
 *	00009000	page tables: PML4, PDPT, four page directories (bzImage)
 *	00020000	command line
 *	0009fc00	end of base memory, as the memory map says
 *	000e0000	ACPI: RSDP and tables, below 60 KiB
 *	000ef000	generation id (VMGENID)
 *	000f0000	MP floating pointer and MP table, up to 64 KiB
 *	000ffff0	BIOS entry: a few instructions that reset the machine
 *	00100000	kernel segments
 *	...		initrd: as high as it may lie, page aligned
 *	c0000000	end of low RAM at most (KZ_GPA_RAM_LOW_END); PCI: ECAM
 *	d0000000	PCI: BARs below 4 GiB
 *	fec00000	IOAPIC
 *	fee00000	LAPIC
 *	feffc000	one page for KVM's identity map, then three for its TSS
 *	ff000000	firmware, 16 MiB at most: it ends at 4 GiB
 *	100000000	RAM continues (KZ_GPA_RAM_HIGH)
 *	...		PCI: BARs above RAM, from a multiple of KZ_PCI_HIGH_SIZE
 *
 * DOC: With firmware
 *
 * Low memory is the firmware's: the last 128 KiB of its image stand at 000e0000 too, in
 * RAM that it may write, as a PC shadows it. It gets memory map, ACPI tables and the rest
 * by fw_cfg. The generation id lies in the last LAYOUT_FIRMWARE_KEEPS bytes of low RAM,
 * which the clock's memory sizes leave out: firmware takes what it needs from below.
 */
#ifndef KZ_VM_LAYOUT_H
#define KZ_VM_LAYOUT_H

#include "common/proto/machine.h"

#define LAYOUT_PVH_INFO     0x6000u
#define LAYOUT_PVH_MODULES  0x6100u
#define LAYOUT_PVH_MEMMAP   0x6200u
#define LAYOUT_GDT          0x6000u
#define LAYOUT_BOOT_PARAMS  0x7000u
#define LAYOUT_PAGE_TABLES  0x9000u /* six pages */
#define LAYOUT_CMDLINE      0x20000u
#define LAYOUT_CMDLINE_SIZE 0x10000u /* with the NUL */
#define LAYOUT_BASE_END     0x9fc00u
#define LAYOUT_VGA          0xa0000u
#define LAYOUT_ACPI         0xe0000u /* RSDP; the tables follow */
#define LAYOUT_ACPI_SIZE    0xf000u
#define LAYOUT_VMGENID      0xef000u
#define LAYOUT_BIOS         0xf0000u /* MP floating pointer; the table follows */
#define LAYOUT_BIOS_SIZE    0x10000u
#define LAYOUT_BIOS_ENTRY   0xffff0u
#define LAYOUT_KERNEL_MIN   0x100000u
#define LAYOUT_KVM_IDENTITY 0xfeffc000ul
#define LAYOUT_KVM_TSS      0xfeffd000u
#define LAYOUT_KVM_SIZE     0x4000u /* identity map and TSS */

#define LAYOUT_FIRMWARE_MAX    0x1000000u
#define LAYOUT_FIRMWARE_UNIT   0x10000u
#define LAYOUT_FIRMWARE_SHADOW 0xe0000u
#define LAYOUT_FIRMWARE_KEEPS  0x10000u

/* x86 page size; everything that is placed is aligned to it. */
#define LAYOUT_PAGE 4096u

#endif
