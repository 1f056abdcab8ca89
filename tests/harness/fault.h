/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fault.h - an allocator that fails on the n-th call and counts live blocks
 *
 * Every test program is linked with the allocator wrapped (malloc and friends, strdup,
 * asprintf; jansson allocates through it too). Unarmed it only passes on.
 */
#ifndef KZ_TESTS_HARNESS_FAULT_H
#define KZ_TESTS_HARNESS_FAULT_H

#include <stdbool.h>

struct fault {
	bool fired; /* the allocation that was to fail has been asked for */
	long live;  /* blocks allocated since fault_arm() and not freed */
};
extern struct fault fault;

/**
 * fault_arm() - Let one allocation fail, and count blocks from now on
 * @n:	The n-th allocation from now on fails, once, counted from 0; negative: none does
 */
void fault_arm(long n);

/* No allocation fails, none is counted. The harness does it after every test. */
void fault_disarm(void);

#endif
