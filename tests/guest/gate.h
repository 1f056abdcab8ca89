/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gate.h - what ring 3 asks of ring 0, and port and memory access
 *
 * `int3` with a GATE_* number in eax; the handlers are in trap.S. Ports and device memory
 * need no gate: the I/O bitmap is open and everything is mapped for user.
 */
#ifndef GUEST_GATE_H
#define GUEST_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/guest/layout.h"

/* Returns when an interrupt is, or already was, pending in irq_pending. */
static inline void gate_wait(void)
{
	__asm__ volatile("int3" : : "a"(GATE_WAIT) : "memory");
}

static inline void gate_sti(void)
{
	__asm__ volatile("int3" : : "a"(GATE_STI) : "memory");
}

/* Interrupts off and halt, for ever. */
static inline _Noreturn void gate_stop(void)
{
	__asm__ volatile("int3" : : "a"(GATE_STOP) : "memory");
	__builtin_unreachable();
}

/* The next fault is a triple fault, which resets the machine. */
static inline _Noreturn void gate_triple_fault(void)
{
	__asm__ volatile("int3; ud2" : : "a"(GATE_NO_IDT) : "memory");
	__builtin_unreachable();
}

/* Return: false, and *ret_value untouched, when there is no such MSR. */
static inline bool gate_rdmsr(uint32_t msr, uint64_t *ret_value)
{
	uint32_t lo = GATE_RDMSR, hi, failed;

	__asm__ volatile("int3" : "+a"(lo), "=d"(hi), "=S"(failed) : "c"(msr) : "memory");
	if (failed)
		return false;
	*ret_value = (uint64_t)hi << 32 | lo;
	return true;
}

/* Return: false when there is no such MSR or it refuses the value. */
static inline bool gate_wrmsr(uint32_t msr, uint64_t value)
{
	uint32_t op = GATE_WRMSR, failed;

	__asm__ volatile("int3"
			 : "+a"(op), "=S"(failed)
			 : "c"(msr), "d"((uint32_t)(value >> 32)), "D"((uint32_t)value)
			 : "memory");
	return !failed;
}

/* `rep outsb` in ring 0, where an exit is a quarter of the price of one from ring 3. */
static inline void gate_outsb(uint16_t port, const void *buf, size_t n)
{
	__asm__ volatile("int3"
			 : "+S"(buf), "+c"(n)
			 : "a"(GATE_OUTSB), "d"(port)
			 : "memory");
}

static inline void port_out8(uint16_t port, uint8_t v)
{
	__asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port));
}

static inline uint8_t port_in8(uint16_t port)
{
	uint8_t v;

	__asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline uint32_t port_in32(uint16_t port)
{
	uint32_t v;

	__asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline void mmio_write32(uintptr_t gpa, uint32_t v)
{
	__asm__ volatile("movl %0, (%1)" : : "r"(v), "r"(gpa) : "memory");
}

static inline uint32_t mmio_read32(uintptr_t gpa)
{
	uint32_t v;

	__asm__ volatile("movl (%1), %0" : "=r"(v) : "r"(gpa) : "memory");
	return v;
}

static inline void mmio_write8(uintptr_t gpa, uint8_t v)
{
	__asm__ volatile("movb %0, (%1)" : : "q"(v), "r"(gpa) : "memory");
}

static inline uint64_t rdtsc(void)
{
	uint32_t lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return (uint64_t)hi << 32 | lo;
}

#endif
