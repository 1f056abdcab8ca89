/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trap.c - interrupt table and faults, in ring 3
 */
#include "tests/guest/layout.h"
#include "tests/guest/power.h"
#include "tests/guest/print.h"
#include "tests/guest/trap.h"

#define GATE_KERNEL 0x8e /* interrupt gate, for hardware and faults */
#define GATE_USER   0xee /* the same, callable from ring 3 */
#define VEC_N       256

struct idt_entry {
	uint16_t offset_0, selector;
	uint8_t ist, type;
	uint16_t offset_16;
	uint32_t offset_32, reserved;
};

/* In trap.S; idt is used by entry.S. */
extern const char trap_stubs[], trap_gate[], trap_gp[], irq_spurious[];
extern const char *const irq_table[IRQ_N], *const msix_table[MSIX_N];
extern struct idt_entry idt[VEC_N];
_Noreturn void trap_panic(const struct trap_frame *frame);

struct idt_entry idt[VEC_N];

static void idt_set(unsigned vector, const char *handler, uint8_t type)
{
	uint64_t a = (uintptr_t)handler;

	idt[vector] = (struct idt_entry){
		.offset_0 = (uint16_t)a,
		.selector = SEL_KCODE,
		.type = type,
		.offset_16 = (uint16_t)(a >> 16),
		.offset_32 = (uint32_t)(a >> 32),
	};
}

void trap_init(void)
{
	for (unsigned v = 0; v < VEC_N; v++)
		idt_set(v, trap_stubs + v * VEC_STUB_BYTES, GATE_KERNEL);
	idt_set(VEC_BREAKPOINT, trap_gate, GATE_USER);
	idt_set(VEC_GP, trap_gp, GATE_KERNEL);
	for (unsigned i = 0; i < IRQ_N; i++)
		idt_set(VEC_IRQ + i, irq_table[i], GATE_KERNEL);
	for (unsigned i = 0; i < MSIX_N; i++)
		idt_set(VEC_MSIX + i, msix_table[i], GATE_KERNEL);
	idt_set(VEC_SPURIOUS, irq_spurious, GATE_KERNEL);
}

/* Entered by trap_common; @frame is on the ring-0 stack, which the next gate reuses. */
_Noreturn void trap_panic(const struct trap_frame *frame)
{
	static const char *const names[] = { "divide error",
					     "debug",
					     "NMI",
					     "breakpoint",
					     "overflow",
					     "bound",
					     "invalid opcode",
					     "no FPU",
					     "double fault",
					     "",
					     "invalid TSS",
					     "no segment",
					     "stack fault",
					     "general protection",
					     "page fault" };
	struct trap_frame f = *frame;
	const char *name =
		f.vector < sizeof(names) / sizeof(names[0]) ? names[f.vector] : "";

	print("\nkzones guest: trap %lu %s, error %lx, cr2 %lx\n", f.vector, name,
	      f.error, f.cr2);
	print("cs:rip %02lx:%016lx ss:rsp %02lx:%016lx flags %lx\n", f.cs, f.rip, f.ss,
	      f.rsp, f.rflags);
	print("rax %016lx rbx %016lx rcx %016lx rdx %016lx\n", f.rax, f.rbx, f.rcx,
	      f.rdx);
	print("rsi %016lx rdi %016lx rbp %016lx r8  %016lx\n", f.rsi, f.rdi, f.rbp, f.r8);
	print("r9  %016lx r10 %016lx r11 %016lx r12 %016lx\n", f.r9, f.r10, f.r11, f.r12);
	print("r13 %016lx r14 %016lx r15 %016lx\n", f.r13, f.r14, f.r15);
	power_panic("unexpected trap");
}
