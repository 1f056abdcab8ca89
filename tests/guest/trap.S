/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trap.S - what runs in ring 0 after entry: interrupts, the gate, faults
 *
 * Interrupt handlers set one bit, or count, and acknowledge; ring 3 does the work when it next looks
 * (event.c). A fault leaves ring 0 at once: its registers are pushed and trap_panic() is
 * entered in ring 3 with a pointer to them.
 */
#include "tests/guest/layout.h"

	.text
	.code64

/* One stub a vector, VEC_STUB_BYTES apart; those without error code push a zero. */
	.align	VEC_STUB_BYTES
	.globl	trap_stubs
trap_stubs:
	.set	vector, 0
	.rept	256
	.align	VEC_STUB_BYTES
	.if	!(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || \
		  vector == 21 || vector == 29 || vector == 30)
	pushq	$0
	.endif
	pushq	$vector
	jmp	trap_common
	.set	vector, vector + 1
	.endr

/* Pushes what struct trap_frame (trap.h) names, last field first. */
trap_common:
	pushq	%rax
	pushq	%rcx
	pushq	%rdx
	pushq	%rbx
	pushq	%rbp
	pushq	%rsi
	pushq	%rdi
	pushq	%r8
	pushq	%r9
	pushq	%r10
	pushq	%r11
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	%cr2, %rax
	pushq	%rax
	movq	%rsp, %rdi
	pushq	$SEL_UDATA
	pushq	$trap_stack_end - 8
	pushq	$0x2
	pushq	$SEL_UCODE
	pushq	$trap_panic
	iretq

/* #GP: an MSR that the gate was asked for does not exist, or a fault like any other. */
	.globl	trap_gp
trap_gp:
	cmpq	$msr_read, 8(%rsp)
	je	1f
	cmpq	$msr_write, 8(%rsp)
	je	1f
	pushq	$VEC_GP
	jmp	trap_common
1:	addq	$8, %rsp
	movq	$msr_absent, (%rsp)
	iretq

/* int3 from ring 3, interrupts off: eax = GATE_*, arguments where gate.h puts them. */
	.globl	trap_gate
trap_gate:
	cmpl	$GATE_N, %eax
	jae	1f
	jmp	*gate_table(, %rax, 8)
1:	pushq	$0
	pushq	$VEC_BREAKPOINT
	jmp	trap_common

gate_wait:
	cmpq	$0, irq_pending
	jne	1f
	sti
	hlt
1:	iretq

gate_sti:
	orl	$RFLAGS_IF, 16(%rsp)
	iretq

gate_rdmsr:
msr_read:
	rdmsr
	movl	$0, %esi
	iretq

gate_wrmsr:
	movl	%edi, %eax
msr_write:
	wrmsr
	movl	$0, %esi
	iretq

msr_absent:
	movl	$1, %esi
	iretq

gate_outsb:
	rep outsb
	iretq

gate_no_idt:
	lidt	no_idt
	iretq

gate_stop:
	cli
	hlt
	jmp	gate_stop

/* Handlers of VEC_IRQ + n; irq_table lists them for trap.c. */
.macro irq_handler n
irq_\n:
	orl	$1 << \n, irq_pending
	jmp	irq_eoi
.endm
	irq_handler 0
	irq_handler 1
	irq_handler 2

/* Handlers of VEC_MSIX + n; msix_table lists them. */
.macro msix_handler n
msix_\n:
	incb	irq_pending + 1 + \n
	jmp	irq_eoi
.endm
	msix_handler 0
	msix_handler 1
	msix_handler 2
	msix_handler 3
	msix_handler 4
	msix_handler 5
	msix_handler 6

irq_eoi:
	pushq	%rax
	cmpb	$0, apic_is_x2
	je	1f
	pushq	%rcx
	pushq	%rdx
	movl	$MSR_X2_EOI, %ecx
	xorl	%eax, %eax
	xorl	%edx, %edx
	wrmsr
	popq	%rdx
	popq	%rcx
	popq	%rax
	iretq
1:	movl	$APIC_EOI, %eax
	movl	$0, (%rax)
	popq	%rax
	iretq

	.globl	irq_spurious
irq_spurious:
	iretq

	.section .rodata
	.align	8
gate_table:
	.quad	gate_wait, gate_sti, gate_rdmsr, gate_wrmsr, gate_outsb, gate_no_idt
	.quad	gate_stop
	.globl	irq_table
irq_table:
	.quad	irq_0, irq_1, irq_2
	.globl	msix_table
msix_table:
	.quad	msix_0, msix_1, msix_2, msix_3, msix_4, msix_5, msix_6

	.data
	.align	8
no_idt:
	.word	0
	.quad	0

	.section .noinit, "aw", @nobits
	.align	16
	.fill	8192, 1, 0
trap_stack_end:

	.section .note.GNU-stack, "", @progbits
