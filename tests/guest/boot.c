/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * boot.c - the PVH start info, read once and kept
 */
#include <stdbool.h>

#include "common/proto/machine.h"
#include "tests/guest/boot.h"
#include "tests/guest/string.h"

#define PVH_MAGIC   0x336ec578
#define PVH_RAM     1
#define LOW_MIB_END 0x100000

struct pvh_start_info {
	uint32_t magic, version, flags, n_modules;
	uint64_t modules_gpa, cmdline_gpa, rsdp_gpa;
	uint64_t memmap_gpa; /* this and the next since version 1 */
	uint32_t n_memmap, reserved;
};

struct pvh_range {
	uint64_t addr, size;
	uint32_t type, reserved;
};

/* Set by entry.S. */
extern uint64_t boot_info_gpa;

struct boot_info boot_info;

static void read_ranges(const struct pvh_range *map, size_t n)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < n && boot_info.n_ranges < BOOT_RANGES_MAX; i++) {
		if (map[i].type != PVH_RAM || !map[i].size)
			continue;
		boot_info.ranges[boot_info.n_ranges++] = (struct boot_range){
			.start = map[i].addr,
			.end = map[i].addr + map[i].size,
		};
		/* The first MiB counts whole: its hole is part of the RAM configured. */
		if (map[i].addr >= LOW_MIB_END)
			bytes += map[i].size;
		else if (map[i].addr + map[i].size > LOW_MIB_END)
			bytes += map[i].addr + map[i].size - LOW_MIB_END;
	}
	if (boot_info.n_ranges)
		boot_info.ram_bytes = bytes + LOW_MIB_END;
}

void boot_read(void)
{
	const struct pvh_start_info *si = (const void *)boot_info_gpa;

	str_copy(boot_info.zone, "unnamed", sizeof(boot_info.zone));
	if (!si || si->magic != PVH_MAGIC)
		return;
	boot_info.rsdp_gpa = si->rsdp_gpa;
	if (si->version >= 1)
		read_ranges((const void *)si->memmap_gpa, si->n_memmap);
	if (si->cmdline_gpa)
		str_copy(boot_info.cmdline, (const char *)si->cmdline_gpa,
			 sizeof(boot_info.cmdline));
	boot_option(KZ_CMDLINE_ZONE, boot_info.zone, sizeof(boot_info.zone));
}

/* Return: the end of the word at @s, in which quotes protect spaces */
static const char *word_end(const char *s)
{
	char quote = 0;

	for (; *s && (quote || *s != ' '); s++) {
		if (quote)
			quote = *s == quote ? 0 : quote;
		else if (*s == '"' || *s == '\'')
			quote = *s;
	}
	return s;
}

_Bool boot_option(const char *name, char *buf, size_t n)
{
	size_t len = str_len(name);
	bool found = false;
	const char *end;

	for (const char *s = boot_info.cmdline; *s; s = end) {
		size_t k = 0;

		while (*s == ' ')
			s++;
		end = word_end(s);
		if ((size_t)(end - s) < len || memcmp(s, name, len) != 0)
			continue;
		if (name[len - 1] != '=' && (size_t)(end - s) != len)
			continue;
		for (s += len; s < end && k < n - 1; s++) {
			if (*s != '"' && *s != '\'')
				buf[k++] = *s;
		}
		buf[k] = '\0';
		found = true;
	}
	return found;
}
