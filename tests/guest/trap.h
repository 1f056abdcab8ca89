/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trap.h - interrupt table and faults
 */
#ifndef GUEST_TRAP_H
#define GUEST_TRAP_H

#include <stdint.h>

/* What trap.S pushes, lowest address first. */
struct trap_frame {
	uint64_t cr2;
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
	uint64_t vector, error, rip, cs, rflags, rsp, ss;
};

/* Fills the interrupt table. Interrupts are still off: gate_sti(). */
void trap_init(void);

#endif
