/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pvh.c - hvm_start_info: what a PVH kernel is told, in the layout of Xen's start_info.h
 */
#include "common/base/le.h"
#include "kzhost/vm/image.h"
#include "kzhost/vm/layout.h"
#include "kzhost/vm/memmap.h"

#define START_MAGIC 0x336ec578u

struct hvm_start_info {
	le32 magic;
	le32 version; /* 1: with a memory map */
	le32 flags;   /* 0 */
	le32 nr_modules;
	le64 modlist_gpa;
	le64 cmdline_gpa;
	le64 rsdp_gpa; /* 0: none */
	le64 memmap_gpa;
	le32 memmap_entries;
	le32 reserved; /* 0 */
};
static_assert(sizeof(struct hvm_start_info) == 56, "PVH ABI");

struct hvm_module {
	le64 gpa;
	le64 size;
	le64 cmdline_gpa; /* 0: none */
	le64 reserved;    /* 0 */
};
static_assert(sizeof(struct hvm_module) == 32, "PVH ABI");

struct hvm_memmap_entry {
	le64 addr;
	le64 size;
	le32 type;
	le32 reserved; /* 0 */
};
static_assert(sizeof(struct hvm_memmap_entry) == 24, "PVH ABI");

int pvh_write_info(const struct ram *ram, const struct image *image, const char *cmdline,
		   struct errmsg *e)
{
	struct hvm_memmap_entry map[MEMMAP_MAX] = { 0 };
	struct memmap_entry entries[MEMMAP_MAX];
	unsigned n = memmap_build(ram, entries);
	struct hvm_module module = {
		.gpa = le64_of(image->initrd_gpa),
		.size = le64_of(image->initrd_size),
	};
	struct hvm_start_info info = {
		.magic = le32_of(START_MAGIC),
		.version = le32_of(1),
		.nr_modules = le32_of(image->initrd_size > 0),
		.modlist_gpa = le64_of(image->initrd_size > 0 ? LAYOUT_PVH_MODULES : 0),
		.cmdline_gpa = le64_of(LAYOUT_CMDLINE),
		.rsdp_gpa = le64_of(LAYOUT_ACPI),
		.memmap_gpa = le64_of(LAYOUT_PVH_MEMMAP),
		.memmap_entries = le32_of(n),
	};
	int r;

	for (unsigned i = 0; i < n; i++) {
		map[i].addr = le64_of(entries[i].gpa);
		map[i].size = le64_of(entries[i].size);
		map[i].type = le32_of(entries[i].type);
	}
	r = ram_write(ram, LAYOUT_PVH_INFO, &info, sizeof(info));
	if (r == 0)
		r = ram_write(ram, LAYOUT_PVH_MODULES, &module, sizeof(module));
	if (r == 0)
		r = ram_write(ram, LAYOUT_PVH_MEMMAP, map, n * sizeof(map[0]));
	return r;
}
