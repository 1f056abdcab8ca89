/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * acpi.h - the ACPI tables of a directly booted machine
 */
#ifndef KZ_VM_ACPI_H
#define KZ_VM_ACPI_H

#include "kzhost/vm/ram.h"

/* Writes RSDP (at LAYOUT_ACPI) and all tables behind it. 0, -ENOMEM or -EFAULT. */
int acpi_write(const struct ram *ram, unsigned n_vcpus);

#endif
