/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * clock.c - time: TSC, measured against the APIC timer when first asked for, CMOS clock
 */
#include "common/proto/machine.h"
#include "tests/guest/apic.h"
#include "tests/guest/clock.h"
#include "tests/guest/event.h"
#include "tests/guest/gate.h"
#include "tests/guest/serial.h"

#define NS_PER_MS       1000000u
#define CALIBRATE_NS    (5 * NS_PER_MS)
#define CALIBRATE_TRIES 5
#define SLEEP_SLICE_MS  4000 /* less than APIC_TIMER_MAX_NS */

#define CMOS_STATUS_A 0x0a
#define CMOS_STATUS_B 0x0b
#define CMOS_CENTURY  0x32
#define CMOS_UPDATING 0x80
#define CMOS_BINARY   0x04
#define CMOS_24H      0x02
#define CMOS_PM       0x80
#define CMOS_TRIES    100000

static struct {
	uint64_t start_tsc, ticks_per_ms;
} the_clock;

void clock_init(void)
{
	the_clock.start_tsc = rdtsc();
}

/*
 * A reading of both clocks: the TSC in the middle of reading the timer. Of several, the
 * one that took least time, since this processor may be taken away in between.
 */
static uint32_t read_pair(uint64_t *ret_tsc)
{
	uint64_t least = ~0ul;
	uint32_t left = 0;

	for (unsigned i = 0; i < CALIBRATE_TRIES; i++) {
		uint64_t before = rdtsc();
		uint32_t now = apic_timer_left();
		uint64_t took = rdtsc() - before;

		if (took >= least)
			continue;
		least = took;
		left = now;
		*ret_tsc = before + took / 2;
	}
	return left;
}

uint64_t clock_ticks_per_ms(void)
{
	uint64_t tsc = 0, start_tsc = 0;
	uint32_t left, start_left;

	if (the_clock.ticks_per_ms)
		return the_clock.ticks_per_ms;
	apic_timer_start(APIC_TIMER_MAX_NS);
	start_left = read_pair(&start_tsc);
	while (start_left - apic_timer_left() < CALIBRATE_NS)
		__builtin_ia32_pause();
	left = read_pair(&tsc);
	apic_timer_start(0);
	the_clock.ticks_per_ms = (tsc - start_tsc) * NS_PER_MS / (start_left - left);
	return the_clock.ticks_per_ms;
}

uint64_t clock_uptime_us(void)
{
	uint64_t per_ms = clock_ticks_per_ms(), ticks = rdtsc() - the_clock.start_tsc;

	return ticks / per_ms * 1000 + ticks % per_ms * 1000 / per_ms;
}

void clock_delay_ms(uint64_t ms)
{
	uint64_t end = clock_uptime_us() + ms * 1000;

	while (clock_uptime_us() < end)
		__builtin_ia32_pause();
}

bool clock_sleep_ms(uint64_t ms)
{
	while (ms > 0) {
		uint64_t slice = ms < SLEEP_SLICE_MS ? ms : SLEEP_SLICE_MS;

		event_timer_ended();
		apic_timer_start((uint32_t)slice * NS_PER_MS);
		do {
			event_wait();
			if (serial_interrupted()) {
				apic_timer_start(0);
				return false;
			}
		} while (!event_timer_ended());
		ms -= slice;
	}
	return true;
}

static unsigned cmos_read(unsigned index)
{
	port_out8(KZ_CMOS_PORT, (uint8_t)index);
	return port_in8(KZ_CMOS_PORT + 1);
}

static unsigned cmos_number(unsigned raw, unsigned status_b)
{
	return status_b & CMOS_BINARY ? raw : (raw >> 4) * 10 + (raw & 15);
}

bool clock_read_cmos(struct clock_date *ret)
{
	unsigned b = cmos_read(CMOS_STATUS_B), hour;

	if (b == 0xff)
		return false;
	/* The registers hold still for 244 us after this, by the chip's promise. */
	for (unsigned i = 0; i < CMOS_TRIES && cmos_read(CMOS_STATUS_A) & CMOS_UPDATING;
	     i++)
		__builtin_ia32_pause();
	ret->second = cmos_number(cmos_read(0), b);
	ret->minute = cmos_number(cmos_read(2), b);
	hour = cmos_read(4);
	ret->hour = cmos_number(b & CMOS_24H ? hour : hour & ~CMOS_PM, b);
	if (!(b & CMOS_24H))
		ret->hour = ret->hour % 12 + (hour & CMOS_PM ? 12 : 0);
	ret->day = cmos_number(cmos_read(7), b);
	ret->month = cmos_number(cmos_read(8), b);
	ret->year = cmos_number(cmos_read(9), b) +
		    cmos_number(cmos_read(CMOS_CENTURY), b) * 100;
	return true;
}
