/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * event.c - interrupts as ring 3 sees them: bits that the handlers in trap.S set
 */
#include <stdint.h>

#include "common/proto/machine.h"
#include "tests/guest/apic.h"
#include "tests/guest/event.h"
#include "tests/guest/gate.h"
#include "tests/guest/power.h"
#include "tests/guest/serial.h"

extern volatile uint32_t irq_pending; /* 1 << IRQ_*; set in trap.S */
volatile uint32_t irq_pending;

static bool timer_ended;

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
	uint32_t pending;

	if (!irq_pending)
		return;
	pending = __atomic_exchange_n(&irq_pending, 0, __ATOMIC_SEQ_CST);
	if (pending & 1u << IRQ_TIMER)
		timer_ended = true;
	if (pending & 1u << IRQ_SERIAL)
		serial_receive();
	if (pending & 1u << IRQ_GED)
		power_button();
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
