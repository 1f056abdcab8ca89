/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * entry.S - from the PVH entry point to C in ring 3
 *
 * DOC: Why ring 0 is so short
 *
 * Where KVM runs guests without hardware help, every ring-0 instruction is emulated and
 * costs most of a microsecond. So the page tables, the GDT and the TSS are data of the
 * ELF file, ring 0 only loads the registers that point to them (about 40 instructions),
 * and everything else, the IDT included, is done by C in ring 3: all memory is mapped for
 * user, the I/O bitmap is open, and `int3` is the gate for what is privileged (gate.h).
 */
#include "tests/guest/layout.h"

#define XEN_ELFNOTE_PHYS32_ENTRY 18
#define MSR_EFER		0xc0000080
#define EFER_LME		0x100
#define CR4_BITS		0x620		/* PAE, OSFXSR, OSXMMEXCPT */
#define CR0_BITS		0x80010033	/* PG, WP, NE, ET, MP, PE */
#define PTE_TABLE		0x67		/* present, write, user, accessed, dirty */
#define PTE_LARGE		0xe7		/* the same, 2 MiB */
#define PTE_UNCACHED		0x10

	.section .note.Xen, "a", @note
	.align	4
	.long	4, 8, XEN_ELFNOTE_PHYS32_ENTRY
	.asciz	"Xen"
	.quad	guest_start

/* PVH: 32-bit protected mode, flat segments, no paging, ebx = struct hvm_start_info. */
	.text
	.code32
	.globl	guest_start
guest_start:
	movl	%ebx, boot_info_gpa
	movl	$pml4, %eax
	movl	%eax, %cr3
	movl	$CR4_BITS, %eax
	movl	%eax, %cr4
	movl	$MSR_EFER, %ecx
	movl	$EFER_LME, %eax
	xorl	%edx, %edx
	wrmsr
	movl	$CR0_BITS, %eax
	movl	%eax, %cr0
	lgdt	gdt_pointer
	ljmp	$SEL_KCODE, $start64

	.code64
start64:
	movl	$stack0_end, %esp
	movl	$tss, %eax		/* the descriptor's base is in three pieces */
	movw	%ax, gdt_tss + 2
	shrl	$16, %eax
	movb	%al, gdt_tss + 4
	movb	%ah, gdt_tss + 7
	lidt	idt_pointer
	movl	$SEL_TSS, %eax
	ltr	%ax
	pushq	$SEL_UDATA
	pushq	$stack3_end - 8		/* as if called */
	pushq	$0x2			/* interrupts off until C has filled the IDT */
	pushq	$SEL_UCODE
	pushq	$guest_main
	iretq

	.data
	.globl	boot_info_gpa
	.align	8
boot_info_gpa:
	.quad	0

	.align	16
gdt:
	.quad	0
	.quad	0x00af9b000000ffff	/* SEL_KCODE */
	.quad	0x00cf93000000ffff
	.quad	0x00cff3000000ffff	/* SEL_UDATA */
	.quad	0x00affb000000ffff	/* SEL_UCODE */
gdt_tss:
	.quad	(tss_end - tss - 1) | 0x0000890000000000
	.quad	0
gdt_end:

gdt_pointer:
	.word	gdt_end - gdt - 1
	.quad	gdt

	.globl	idt_pointer
	.align	16
idt_pointer:
	.word	256 * 16 - 1
	.quad	idt

/* 64-bit TSS with every I/O port open. */
	.align	16
tss:
	.long	0
	.quad	stack0_end		/* rsp0 */
	.fill	0x66 - 12, 1, 0
	.word	io_bitmap - tss
io_bitmap:
	.fill	8192, 1, 0
	.byte	0xff
tss_end:

/* The first 4 GiB, identity, for user; uncached from 3 GiB on, where only devices are. */
	.section .data.pages, "aw", @progbits
	.align	4096
	.globl	pml4
pml4:
	.quad	pdpt + PTE_TABLE
	.fill	511, 8, 0
	.globl	pdpt
pdpt:
	.quad	page_dirs + PTE_TABLE
	.quad	page_dirs + 0x1000 + PTE_TABLE
	.quad	page_dirs + 0x2000 + PTE_TABLE
	.quad	page_dirs + 0x3000 + PTE_TABLE
	.fill	508, 8, 0
page_dirs:
	.set	page, 0
	.rept	3 * 512
	.quad	page + PTE_LARGE
	.set	page, page + 0x200000
	.endr
	.rept	512
	.quad	page + PTE_LARGE + PTE_UNCACHED
	.set	page, page + 0x200000
	.endr

	.section .noinit, "aw", @nobits
	.align	4096
	.fill	4096, 1, 0
stack0_end:
	.fill	32768, 1, 0
stack3_end:

	.section .note.GNU-stack, "", @progbits
