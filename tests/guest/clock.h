/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * clock.h - time: TSC, APIC timer and CMOS clock
 */
#ifndef GUEST_CLOCK_H
#define GUEST_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct clock_date {
	unsigned year, month, day, hour, minute, second;
};

/* Notes when the guest started. */
void clock_init(void);

/* Return: TSC ticks a millisecond; the first call measures them, which takes 5 ms */
uint64_t clock_ticks_per_ms(void);

/* Return: microseconds since clock_init() */
uint64_t clock_uptime_us(void);

/* Burns @ms milliseconds without looking at events. */
void clock_delay_ms(uint64_t ms);

/* Halts for @ms milliseconds; events are served. Return: false when ^C came first */
bool clock_sleep_ms(uint64_t ms);

/* Return: false when the machine has no CMOS clock */
bool clock_read_cmos(struct clock_date *ret);

#endif
