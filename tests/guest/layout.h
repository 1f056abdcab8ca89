/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * layout.h - numbers that the guest's assembly and C share
 *
 * Selectors, interrupt vectors and gate operations; constants only, so that the
 * assembler can include it.
 */
#ifndef GUEST_LAYOUT_H
#define GUEST_LAYOUT_H

/* GDT selectors. */
#define SEL_KCODE 0x08
#define SEL_UDATA 0x1b /* 0x18, ring 3 */
#define SEL_UCODE 0x23 /* 0x20, ring 3 */
#define SEL_TSS   0x28

/*
 * Vectors. Those from VEC_IRQ on set a bit in the first byte of irq_pending, those from
 * VEC_MSIX on count in one of its other bytes.
 */
#define VEC_BREAKPOINT 3
#define VEC_GP         13
#define VEC_IRQ        0x30
#define IRQ_TIMER      0
#define IRQ_SERIAL     1
#define IRQ_GED        2
#define IRQ_N          3
#define VEC_MSIX       0x40
#define MSIX_N         7
#define VEC_SPURIOUS   0xff
#define VEC_STUB_BYTES 16 /* distance of the trap stubs */

/* What ring 3 asks of ring 0 by `int3`, number in eax; see gate.h. */
#define GATE_WAIT   0
#define GATE_STI    1
#define GATE_RDMSR  2
#define GATE_WRMSR  3
#define GATE_OUTSB  4
#define GATE_NO_IDT 5
#define GATE_STOP   6
#define GATE_N      7

#define RFLAGS_IF  0x200
#define APIC_EOI   0xfee000b0
#define MSR_X2_EOI 0x80b

#endif
