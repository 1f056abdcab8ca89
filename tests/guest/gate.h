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

/* port_in8/16/32(), port_out8/16/32(): one access of that width */
#define GATE_PORT(bits, suffix) \
	static inline uint##bits##_t port_in##bits(uint16_t port) \
	{ \
		uint##bits##_t v; \
\
		__asm__ volatile("in" suffix " %1, %0" : "=a"(v) : "Nd"(port)); \
		return v; \
	} \
	static inline void port_out##bits(uint16_t port, uint##bits##_t v) \
	{ \
		__asm__ volatile("out" suffix " %0, %1" : : "a"(v), "Nd"(port)); \
	}

GATE_PORT(8, "b")
GATE_PORT(16, "w")
GATE_PORT(32, "l")
#undef GATE_PORT

/* mmio_read8/16/32/64(), mmio_write8/16/32/64(): one access of that width */
#define GATE_MMIO(bits, suffix, modifier) \
	static inline uint##bits##_t mmio_read##bits(uintptr_t gpa) \
	{ \
		uint##bits##_t v; \
\
		__asm__ volatile("mov" suffix " (%1), %" modifier "0" \
				 : "=r"(v) \
				 : "r"(gpa) \
				 : "memory"); \
		return v; \
	} \
	static inline void mmio_write##bits(uintptr_t gpa, uint##bits##_t v) \
	{ \
		__asm__ volatile("mov" suffix " %" modifier "0, (%1)" \
				 : \
				 : "r"(v), "r"(gpa) \
				 : "memory"); \
	}

GATE_MMIO(8, "b", "b")
GATE_MMIO(16, "w", "w")
GATE_MMIO(32, "l", "k")
GATE_MMIO(64, "q", "q")
#undef GATE_MMIO

static inline uint64_t rdtsc(void)
{
	uint32_t lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return (uint64_t)hi << 32 | lo;
}

#endif
