/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * paging.c - page tables beyond the 4 GiB that entry.S brings, memory taken for good
 *
 * Runs in ring 3: the tables are mapped for user like everything else. A table is filled
 * before it is linked, so that nothing needs a flush.
 */
#include <stdbool.h>
#include <stddef.h>

#include "common/proto/machine.h"
#include "tests/guest/boot.h"
#include "tests/guest/paging.h"
#include "tests/guest/string.h"

#define PAGE_BYTES   0x1000ul
#define LARGE_BYTES  0x200000ul
#define GIB          0x40000000ul
#define TABLE_N      512
#define PTE_TABLE    0x67ul /* present, write, user, accessed, dirty */
#define PTE_LARGE    0xe7ul
#define PTE_UNCACHED 0x10ul

extern uint64_t pdpt[TABLE_N]; /* entry.S */
extern char image_end[];       /* guest.ld */

static uint64_t taken_bytes;

uint64_t paging_image_end(void)
{
	return (uintptr_t)image_end + taken_bytes;
}

_Bool paging_is_mapped(uint64_t gpa)
{
	return gpa < TABLE_N * GIB && pdpt[gpa / GIB];
}

void *paging_alloc(uint64_t bytes)
{
	uint64_t start = paging_image_end();

	bytes = (bytes + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
	for (size_t i = 0; i < boot_info.n_ranges; i++) {
		if (start < boot_info.ranges[i].start ||
		    start >= boot_info.ranges[i].end ||
		    bytes > boot_info.ranges[i].end - start)
			continue;
		taken_bytes += bytes;
		return memset((void *)start, 0, bytes);
	}
	return NULL;
}

static bool map_gib(uint64_t gib, uint64_t flags)
{
	uint64_t *dir = paging_alloc(PAGE_BYTES);

	if (!dir)
		return false;
	for (size_t i = 0; i < TABLE_N; i++)
		dir[i] = (gib * GIB + i * LARGE_BYTES) | flags;
	pdpt[gib] = (uintptr_t)dir | PTE_TABLE;
	return true;
}

_Bool paging_map_device(uint64_t gpa, uint64_t bytes)
{
	uint64_t end;

	if (__builtin_add_overflow(gpa, bytes, &end) || end > TABLE_N * GIB)
		return false;
	for (uint64_t g = gpa / GIB; g * GIB < end; g++) {
		if (!pdpt[g] && !map_gib(g, PTE_LARGE | PTE_UNCACHED))
			return false;
	}
	return true;
}

void paging_map_high(void)
{
	for (size_t i = 0; i < boot_info.n_ranges; i++) {
		const struct boot_range *r = &boot_info.ranges[i];
		uint64_t first = r->start / GIB, end = (r->end + GIB - 1) / GIB;

		if (r->end <= KZ_GPA_RAM_HIGH)
			continue;
		for (uint64_t g = first; g < end && g < TABLE_N; g++) {
			if (!pdpt[g] && !map_gib(g, PTE_LARGE))
				return;
		}
	}
}
