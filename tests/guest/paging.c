/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * paging.c - page tables beyond the 4 GiB that entry.S brings
 *
 * Runs in ring 3: the tables are mapped for user like everything else. A table is filled
 * before it is linked, so that nothing needs a flush.
 */
#include <stdbool.h>
#include <stddef.h>

#include "common/proto/machine.h"
#include "tests/guest/boot.h"
#include "tests/guest/paging.h"

#define PAGE_BYTES  0x1000ul
#define LARGE_BYTES 0x200000ul
#define GIB         0x40000000ul
#define TABLE_N     512
#define PTE_TABLE   0x67ul /* present, write, user, accessed, dirty */
#define PTE_LARGE   0xe7ul

extern uint64_t pdpt[TABLE_N]; /* entry.S */
extern char image_end[];       /* guest.ld */

static uint64_t tables_bytes;

uint64_t paging_image_end(void)
{
	return (uintptr_t)image_end + tables_bytes;
}

_Bool paging_is_mapped(uint64_t gpa)
{
	return gpa < TABLE_N * GIB && pdpt[gpa / GIB];
}

/* Return: a page behind the image, or NULL when RAM ends there */
static uint64_t *table_new(void)
{
	uint64_t page = paging_image_end();

	for (size_t i = 0; i < boot_info.n_ranges; i++) {
		if (page < boot_info.ranges[i].start ||
		    page + PAGE_BYTES > boot_info.ranges[i].end)
			continue;
		tables_bytes += PAGE_BYTES;
		return (uint64_t *)page;
	}
	return NULL;
}

static bool map_gib(uint64_t gib)
{
	uint64_t *dir = table_new();

	if (!dir)
		return false;
	for (size_t i = 0; i < TABLE_N; i++)
		dir[i] = (gib * GIB + i * LARGE_BYTES) | PTE_LARGE;
	pdpt[gib] = (uintptr_t)dir | PTE_TABLE;
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
			if (!pdpt[g] && !map_gib(g))
				return;
		}
	}
}
