/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * firmware.h - what ACPI and MP tables tell: processors, sleep, PCI
 */
#ifndef GUEST_FIRMWARE_H
#define GUEST_FIRMWARE_H

#include <stdbool.h>
#include <stdint.h>

struct firmware_reg {
	bool is_mmio; /* else a port */
	uint64_t addr;
};

struct firmware {
	unsigned n_cpus;                   /* usable ones */
	struct firmware_reg sleep_control; /* 8 bits */
	struct firmware_reg ged_event;     /* 32 bits */
	uint64_t ecam_gpa;                 /* of PCI bus 0; 0: none */
};

/* kzhost's machine until firmware_read() has found something else. */
extern struct firmware firmware;

/* Reads the tables, where there are any; boot_read() came before. */
void firmware_read(void);

#endif
