/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * boot.h - what the loader says: memory map, command line, firmware tables
 */
#ifndef GUEST_BOOT_H
#define GUEST_BOOT_H

#include <stddef.h>
#include <stdint.h>

#define BOOT_RANGES_MAX  64
#define BOOT_CMDLINE_MAX 2048
#define BOOT_ZONE_MAX    64

struct boot_range {
	uint64_t start, end; /* guest physical */
};

/* Copied from where the loader put it, so that all free memory may be overwritten. */
struct boot_info {
	uint64_t rsdp_gpa;  /* 0: not told */
	uint64_t ram_bytes; /* as configured, legacy hole included */
	size_t n_ranges;
	struct boot_range ranges[BOOT_RANGES_MAX]; /* RAM, in the loader's order */
	char cmdline[BOOT_CMDLINE_MAX];
	char zone[BOOT_ZONE_MAX];
};

extern struct boot_info boot_info;

/**
 * boot_read() - Copy the PVH start info into boot_info
 *
 * A start info that is absent or of version 0 leaves it without memory ranges.
 */
void boot_read(void);

/**
 * boot_option() - Find an option on the command line
 * @name:	Name with its '=', or a whole word
 * @buf:	Receives the value, without quotes, cut to @n - 1 bytes; untouched if
 * absent
 * @n:		Size of @buf, at least 1
 *
 * Values are "quoted", 'quoted' or end at a space. The last one counts.
 *
 * Return: true when the option is there
 */
_Bool boot_option(const char *name, char *buf, size_t n);

#endif
