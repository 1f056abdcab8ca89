/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mptable.h - the MultiProcessor table (Intel MP specification 1.4)
 */
#ifndef KZ_VM_MPTABLE_H
#define KZ_VM_MPTABLE_H

#include "kzhost/vm/ram.h"

/* Writes the floating pointer and the table at LAYOUT_BIOS. 0 or -EFAULT. */
int mptable_write(const struct ram *ram, unsigned n_vcpus);

#endif
