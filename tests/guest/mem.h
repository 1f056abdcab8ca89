/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mem.h - fill and check all free memory
 */
#ifndef GUEST_MEM_H
#define GUEST_MEM_H

#include <stdint.h>

/* Writes the pattern of @seed to all free memory; prints size, checksum and rate. */
void mem_fill(uint64_t seed);

/* Compares all free memory with the pattern of @seed; prints the same and "ok" or where
 * it first differs. */
void mem_check(uint64_t seed);

#endif
