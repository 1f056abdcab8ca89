/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mem.c - fill and check all free memory
 *
 * Every 8-byte word gets a value made of seed and address, so that a page which ends up
 * in the wrong place is found as well as one that is lost. The checksum is the sum of all
 * words as read (check) or written (fill).
 */
#include <stdbool.h>
#include <stddef.h>

#include "tests/guest/boot.h"
#include "tests/guest/clock.h"
#include "tests/guest/event.h"
#include "tests/guest/mem.h"
#include "tests/guest/paging.h"
#include "tests/guest/print.h"
#include "tests/guest/serial.h"

#define MIB         0x100000ul
#define CHUNK_BYTES (4 * MIB)
#define PROGRESS_US 2000000

extern char image_start[]; /* guest.ld */

/* One pass over memory. */
struct pass {
	const char *name;
	uint64_t seed;
	bool writes;
	uint64_t done_bytes, sum;
	uint64_t start_us, told_us;
	uint64_t n_bad, bad_gpa, bad_found, bad_expected; /* of the first one */
};

static inline uint64_t pattern(uint64_t seed, uint64_t gpa)
{
	uint64_t v = (gpa + seed * 0x9e3779b97f4a7c15ul) * 0xd6e8feb86659fd93ul;

	return v ^ v >> 32;
}

static void fill_words(struct pass *p, uint64_t start, uint64_t end)
{
	uint64_t sum = 0;

	for (uint64_t gpa = start; gpa < end; gpa += 8) {
		uint64_t v = pattern(p->seed, gpa);

		*(uint64_t *)gpa = v;
		sum += v;
	}
	p->sum += sum;
}

static void check_words(struct pass *p, uint64_t start, uint64_t end)
{
	uint64_t sum = 0;

	for (uint64_t gpa = start; gpa < end; gpa += 8) {
		uint64_t v = *(const volatile uint64_t *)gpa;

		sum += v;
		if (v == pattern(p->seed, gpa))
			continue;
		if (!p->n_bad++) {
			p->bad_gpa = gpa;
			p->bad_found = v;
			p->bad_expected = pattern(p->seed, gpa);
		}
	}
	p->sum += sum;
}

static void tell_progress(struct pass *p)
{
	uint64_t now = clock_uptime_us();

	if (now - p->told_us < PROGRESS_US)
		return;
	p->told_us = now;
	print("mem %s: %lu of %lu MiB\n", p->name, p->done_bytes / MIB,
	      boot_info.ram_bytes / MIB);
}

/* Return: false when ^C stopped it */
static bool pass_range(struct pass *p, uint64_t start, uint64_t end)
{
	while (start < end) {
		uint64_t n = end - start < CHUNK_BYTES ? end - start : CHUNK_BYTES;

		if (!paging_is_mapped(start))
			return true;
		if (p->writes)
			fill_words(p, start, start + n);
		else
			check_words(p, start, start + n);
		start += n;
		p->done_bytes += n;
		event_poll();
		if (serial_interrupted())
			return false;
		tell_progress(p);
	}
	return true;
}

/* Free memory: RAM from 1 MiB on without the image and its tables, whole pages. */
static bool pass_all(struct pass *p)
{
	uint64_t used_start = (uintptr_t)image_start, used_end = paging_image_end();

	for (size_t i = 0; i < boot_info.n_ranges; i++) {
		uint64_t start = (boot_info.ranges[i].start + 4095) & ~4095ul;
		uint64_t end = boot_info.ranges[i].end & ~4095ul;

		if (start < MIB)
			start = MIB;
		if (start < used_end && end > used_start) {
			if (start < used_start && !pass_range(p, start, used_start))
				return false;
			start = used_end;
		}
		if (start < end && !pass_range(p, start, end))
			return false;
	}
	return true;
}

static void run(struct pass *p)
{
	uint64_t us;

	p->start_us = p->told_us = clock_uptime_us();
	if (!pass_all(p)) {
		print("mem %s: interrupted\n", p->name);
		return;
	}
	us = clock_uptime_us() - p->start_us;
	print("mem %s: %lu MiB, checksum %016lx, %lu MiB/s", p->name, p->done_bytes / MIB,
	      p->sum, p->done_bytes / MIB * 1000000 / (us ? us : 1));
	if (p->n_bad)
		print(", BAD: %lu words, first at %lx: %016lx instead of %016lx\n",
		      p->n_bad, p->bad_gpa, p->bad_found, p->bad_expected);
	else
		print(p->writes ? "\n" : ", ok\n");
}

void mem_fill(uint64_t seed)
{
	run(&(struct pass){ .name = "fill", .seed = seed, .writes = true });
}

void mem_check(uint64_t seed)
{
	run(&(struct pass){ .name = "check", .seed = seed });
}
