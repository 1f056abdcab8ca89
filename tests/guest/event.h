/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * event.h - interrupts as ring 3 sees them
 */
#ifndef GUEST_EVENT_H
#define GUEST_EVENT_H

#include <stdbool.h>
#include <stdint.h>

/* Routes the interrupts of serial line and power button, and lets them in. */
void event_init(void);

/* Does what pending interrupts ask for; long work calls it now and then. */
void event_poll(void);

/* event_poll(), halting before it until there is something. */
void event_wait(void);

/* Return: interrupts taken so far on MSI-X slot @slot, which is vector VEC_MSIX + @slot
 */
uint64_t event_msix_count(unsigned slot);

/* Return: interrupts taken so far on all MSI-X slots */
uint64_t event_msix_total(void);

/* Return: true, once, when the timer has ended since the last call */
bool event_timer_ended(void);

#endif
