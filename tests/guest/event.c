/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * event.c - interrupts as ring 3 sees them: what the handlers in trap.S leave
 *
 * One word tells all, so that the gate needs one comparison before it halts: the first
 * byte has a bit for each of timer, serial line and power button, the others count the
 * interrupts of an MSI-X slot each. 256 of one slot between two looks count as none.
 */
#include <stdint.h>

#include "common/proto/machine.h"
#include "tests/guest/apic.h"
#include "tests/guest/event.h"
#include "tests/guest/gate.h"
#include "tests/guest/power.h"
#include "tests/guest/serial.h"

extern volatile uint64_t irq_pending; /* set in trap.S */
volatile uint64_t irq_pending;

static bool timer_ended;
static uint64_t msix_counts[MSIX_N];

void event_init(void)
{
	apic_route(KZ_COM1_IRQ, VEC_IRQ + IRQ_SERIAL);
	apic_route(KZ_GED_GSI, VEC_IRQ + IRQ_GED);
	/* A button pressed before its interrupt had a way here would never be seen. */
	irq_pending = 1u << IRQ_GED;
	gate_sti();
}

void event_poll(void)
{
	uint64_t pending;

	if (!irq_pending)
		return;
	pending = __atomic_exchange_n(&irq_pending, 0, __ATOMIC_SEQ_CST);
	if (pending & 1u << IRQ_TIMER)
		timer_ended = true;
	if (pending & 1u << IRQ_SERIAL)
		serial_receive();
	if (pending & 1u << IRQ_GED)
		power_button();
	for (unsigned i = 0; pending >>= 8; i++)
		msix_counts[i] += pending & 0xff;
}

uint64_t event_msix_count(unsigned slot)
{
	event_poll();
	return msix_counts[slot];
}

uint64_t event_msix_total(void)
{
	uint64_t n = 0;

	event_poll();
	for (unsigned i = 0; i < MSIX_N; i++)
		n += msix_counts[i];
	return n;
}

void event_wait(void)
{
	gate_wait();
	event_poll();
}

bool event_timer_ended(void)
{
	bool was = timer_ended;

	timer_ended = false;
	return was;
}
