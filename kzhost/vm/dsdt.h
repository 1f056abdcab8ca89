/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dsdt.h - the machine's devices in ACPI machine language
 */
#ifndef KZ_VM_DSDT_H
#define KZ_VM_DSDT_H

#include "kzhost/vm/acpi.h"

/* Appends the body of the DSDT, what follows its header. */
void dsdt_add(struct buf *b, const struct acpi_machine *m);

#endif
