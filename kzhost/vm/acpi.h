/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * acpi.h - the ACPI tables: written into memory for a kernel, or handed to firmware
 */
#ifndef KZ_VM_ACPI_H
#define KZ_VM_ACPI_H

#include "common/base/buf.h"
#include "kzhost/vm/ram.h"

#define ACPI_ALIGN        64 /* of the tables */
#define ACPI_TABLE_SUM    9  /* offset of a table's checksum */
#define ACPI_RSDP_SIZE    36
#define ACPI_RSDP_ALIGN   16
#define ACPI_RSDP_SUM     8  /* offset of the first checksum, */
#define ACPI_RSDP_SUM_ALL 32 /* and of the one of all of it */
#define ACPI_RSDP_SUMMED  20 /* bytes that its first checksum, at 8, covers */
#define ACPI_RSDP_XSDT    24 /* offset of the XSDT's address, 8 bytes */
#define ACPI_TABLES_MAX   8
#define ACPI_POINTERS_MAX 16

/* What the tables say. */
struct acpi_machine {
	unsigned n_vcpus;
	uint64_t pci_high;       /* base of the PCI window above RAM */
	uint64_t generation_gpa; /* 16 bytes in memory that no kernel uses */
	bool firmware;           /* boots by it, see acpi.c */
};

struct acpi_place {
	uint32_t offset; /* in the tables */
	uint32_t size;
};

/* Tables, and what must be known to put them elsewhere: the checksum of a table is its
 * byte 9, an address of another table stands at each pointer. */
struct acpi_tables {
	uint64_t base; /* of the tables, guest physical */
	struct buf tables;
	uint8_t rsdp[ACPI_RSDP_SIZE];
	unsigned n, n_pointers;
	struct acpi_place table[ACPI_TABLES_MAX];
	struct acpi_place pointer[ACPI_POINTERS_MAX];
};

/**
 * acpi_build() - Make all tables
 * @t:		Set up in every case, so that acpi_fini() may follow
 * @base:	Where the tables will lie; 0: addresses are offsets. A multiple of 64 with
 *		firmware
 *
 * Return: 0 or -ENOMEM
 */
int acpi_build(struct acpi_tables *t, uint64_t base, const struct acpi_machine *m);
void acpi_fini(struct acpi_tables *t);

/* Writes RSDP (at LAYOUT_ACPI) and all tables behind it. 0, -ENOMEM or -EFAULT. */
int acpi_write(const struct ram *ram, const struct acpi_machine *m);

#endif
