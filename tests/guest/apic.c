/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * apic.c - local APIC by MSR (x2APIC) or by memory (xAPIC), I/O APIC
 *
 * CPUID alone does not decide: it may show the processor's features rather than the
 * machine's, so x2APIC is in use when switching it on succeeded.
 */
#include <cpuid.h>
#include <stdbool.h>

#include "common/proto/machine.h"
#include "tests/guest/apic.h"
#include "tests/guest/gate.h"

#define MSR_APIC_BASE 0x1b
#define APIC_BASE_X2  (1u << 10)
#define MSR_X2APIC    0x800
#define CPUID1_ECX_X2 (1u << 21)

/* Registers by their number in x2APIC; in memory they are 16 bytes apart. */
#define REG_ID         0x02
#define REG_SPURIOUS   0x0f
#define REG_LVT_TIMER  0x32
#define REG_LVT_LINT0  0x35
#define REG_TIMER_INIT 0x38
#define REG_TIMER_NOW  0x39
#define REG_TIMER_DIV  0x3e

#define SPURIOUS_ENABLE 0x100
#define LVT_MASKED      0x10000
#define TIMER_DIV_1     0x0b

#define PIC1_MASK 0x21
#define PIC2_MASK 0xa1

#define IOAPIC_INDEX (KZ_GPA_IOAPIC + 0x00)
#define IOAPIC_DATA  (KZ_GPA_IOAPIC + 0x10)
#define IOAPIC_PIN   0x10 /* low word of pin 0 */

/* Read by the interrupt handlers in trap.S. */
bool apic_is_x2;

static uint32_t apic_read(unsigned reg)
{
	uint64_t v = 0;

	if (!apic_is_x2)
		return mmio_read32(KZ_GPA_LAPIC + reg * 16ul);
	gate_rdmsr(MSR_X2APIC + reg, &v);
	return (uint32_t)v;
}

static void apic_write(unsigned reg, uint32_t v)
{
	if (apic_is_x2)
		gate_wrmsr(MSR_X2APIC + reg, v);
	else
		mmio_write32(KZ_GPA_LAPIC + reg * 16ul, v);
}

static bool enable_x2apic(void)
{
	uint32_t eax, ebx, ecx, edx;
	uint64_t base;

	__cpuid(1, eax, ebx, ecx, edx);
	return ecx & CPUID1_ECX_X2 && gate_rdmsr(MSR_APIC_BASE, &base) &&
	       gate_wrmsr(MSR_APIC_BASE, base | APIC_BASE_X2);
}

void apic_init(void)
{
	/* First the PIC, so that no interrupt of its is under way when LINT0 closes. */
	port_out8(PIC1_MASK, 0xff);
	port_out8(PIC2_MASK, 0xff);
	apic_is_x2 = enable_x2apic();
	apic_write(REG_SPURIOUS, SPURIOUS_ENABLE | VEC_SPURIOUS);
	apic_write(REG_LVT_LINT0, LVT_MASKED);
	apic_write(REG_LVT_TIMER, VEC_IRQ + IRQ_TIMER);
	apic_write(REG_TIMER_DIV, TIMER_DIV_1);
}

uint32_t apic_id(void)
{
	uint32_t id = apic_read(REG_ID);

	return apic_is_x2 ? id : id >> 24;
}

void apic_route(unsigned gsi, unsigned vector)
{
	uint32_t id = apic_id();

	mmio_write32(IOAPIC_INDEX, IOAPIC_PIN + 2 * gsi + 1);
	mmio_write32(IOAPIC_DATA, id << 24);
	mmio_write32(IOAPIC_INDEX, IOAPIC_PIN + 2 * gsi);
	mmio_write32(IOAPIC_DATA, vector);
}

void apic_timer_start(uint32_t ns)
{
	apic_write(REG_TIMER_INIT, ns);
}

uint32_t apic_timer_left(void)
{
	return apic_read(REG_TIMER_NOW);
}

const char *apic_name(void)
{
	return apic_is_x2 ? "x2APIC" : "xAPIC";
}
