/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_cmos.c - the clock: encodings, offset, setting it; memory sizes
 */
#include "kzhost/dev/cmos.h"
#include "tests/harness/harness.h"

static uint8_t get(struct cmos *c, uint8_t reg)
{
	cmos_ops.write(c, 0, 1, reg);
	return (uint8_t)cmos_ops.read(c, 1, 1);
}

static void set(struct cmos *c, uint8_t reg, uint8_t value)
{
	cmos_ops.write(c, 0, 1, reg);
	cmos_ops.write(c, 1, 1, value);
}

static int bcd(uint8_t v)
{
	return (v >> 4) * 10 + (v & 15);
}

/* Reads the whole clock as a driver does: the same second before and after. */
static time_t read_clock(struct cmos *c)
{
	struct tm tm = { 0 };

	do {
		tm.tm_sec = bcd(get(c, 0));
		tm.tm_min = bcd(get(c, 2));
		tm.tm_hour = bcd(get(c, 4));
		tm.tm_mday = bcd(get(c, 7));
		tm.tm_mon = bcd(get(c, 8)) - 1;
		tm.tm_year = bcd(get(c, 0x32)) * 100 + bcd(get(c, 9)) - 1900;
	} while (bcd(get(c, 0)) != tm.tm_sec);
	return timegm(&tm);
}

/* True when the clock shows host time plus offset. */
static bool shows(struct cmos *c, int64_t offset)
{
	time_t before = time(NULL), shown = read_clock(c), after = time(NULL);

	return shown - offset >= before - 1 && shown - offset <= after + 1;
}

TEST(cmos, shows_host_time_plus_offset)
{
	static const int64_t offsets[] = { 0, 3600, -86400, 400 * 86400, -7000000 };

	for (unsigned i = 0; i < ARRAY_SIZE(offsets); i++) {
		struct cmos c = { 0 };

		cmos_init(&c, offsets[i], 64 * MIB, 0, 1);
		T_TRUE(shows(&c, offsets[i]));
		cmos_fini(&c);
	}
}

TEST(cmos, absurd_offsets_are_survived)
{
	static const int64_t offsets[] = { INT64_MAX, INT64_MIN, -100000000000 };

	for (unsigned i = 0; i < ARRAY_SIZE(offsets); i++) {
		struct cmos c = { 0 };

		cmos_init(&c, offsets[i], 64 * MIB, 0, 1);
		for (unsigned reg = 0; reg < 128; reg++)
			get(&c, (uint8_t)reg);
		for (unsigned reg = 0; reg < 128; reg++)
			set(&c, (uint8_t)reg, (uint8_t)(reg * 37));
		for (unsigned reg = 0; reg < 128; reg++)
			get(&c, (uint8_t)reg);
		cmos_fini(&c);
	}
}

TEST(cmos, registers_a_to_d)
{
	struct cmos c = { 0 };

	cmos_init(&c, 0, 64 * MIB, 0, 1);
	T_EQ(get(&c, 0x0a) & 0x7f, 0x26);
	T_EQ(get(&c, 0x0b), 0x02);
	T_EQ(get(&c, 0x0c), 0);
	T_EQ(get(&c, 0x0d), 0x80);
	set(&c, 0x0d, 0);
	T_EQ(get(&c, 0x0d), 0x80);
	set(&c, 0x40, 0x99); /* ordinary memory */
	T_EQ(get(&c, 0x40), 0x99);
	T_EQ(cmos_ops.read(&c, 0, 1), 0xff);
	cmos_fini(&c);
}

TEST(cmos, twelve_hours_and_binary)
{
	struct cmos c = { 0 };
	uint8_t hour24, hour12;

	for (int h = 0; h < 24; h++) {
		cmos_init(&c, 0, 64 * MIB, 0, 1);
		set(&c, 0x0b, 0x82);
		set(&c, 4, (uint8_t)(h / 10 << 4 | h % 10));
		hour24 = get(&c, 4);
		set(&c, 0x0b, 0x84); /* SET, binary, 12 hours */
		hour12 = get(&c, 4);
		T_EQ(bcd(hour24), h);
		T_EQ(hour12 & 0x7f, h % 12 ? h % 12 : 12);
		T_EQ(hour12 >> 7, h >= 12);
		set(&c, 4, hour12);
		set(&c, 0x0b, 0x82);
		T_EQ(bcd(get(&c, 4)), h);
		memset(&c, 0, sizeof(c));
	}
}

TEST(cmos, setting_the_clock_changes_the_offset)
{
	struct cmos c = { 0 };
	struct tm tm = { .tm_year = 131, .tm_mon = 4, .tm_mday = 17, .tm_hour = 13 };
	int64_t want = timegm(&tm) - time(NULL);

	cmos_init(&c, 0, 64 * MIB, 0, 1);
	set(&c, 0x0b, 0x82);
	set(&c, 0, 0);
	set(&c, 2, 0);
	set(&c, 4, 0x13);
	set(&c, 7, 0x17);
	set(&c, 8, 0x05);
	set(&c, 9, 0x31);
	set(&c, 0x32, 0x20);
	T_EQ(cmos_offset(&c), 0);
	T_EQ(get(&c, 4), 0x13);
	set(&c, 0x0b, 0x02);
	T_TRUE(llabs(cmos_offset(&c) - want) <= 2);
	T_TRUE(shows(&c, want));
	/* One field without SET. */
	set(&c, 4, 0x14);
	T_TRUE(llabs(cmos_offset(&c) - want - 3600) <= 2);
	cmos_fini(&c);
}

TEST(cmos, writes_without_end_never_leave_what_a_clock_can_show)
{
	static const uint8_t regs[] = { 0, 2, 4, 7, 8, 9, 0x32 };
	static const uint8_t modes[] = { 0x02, 0x00, 0x06, 0x82, 0x86 };

	for (unsigned m = 0; m < ARRAY_SIZE(modes); m++) {
		struct cmos c = { 0 };

		cmos_init(&c, 0, 64 * MIB, 0, 1);
		set(&c, 0x0b, modes[m]);
		for (unsigned i = 0; i < ARRAY_SIZE(regs) * 10000; i++)
			set(&c, regs[i / 10000], 0xff);
		T_TRUE(c.stopped.tm_year < 26000); /* century 255 */
		set(&c, 0x0b, 0x02);
		T_TRUE(llabs(cmos_offset(&c)) <= INT64_C(250000000000));
		cmos_fini(&c);
	}
}

TEST(cmos, memory_sizes_for_firmware)
{
	struct cmos c = { 0 };

	cmos_init(&c, 0, 3 * GIB, 5 * GIB, 7);
	T_EQ(get(&c, 0x15) | get(&c, 0x16) << 8, 640);
	T_EQ(get(&c, 0x17) | get(&c, 0x18) << 8, 0xffff);
	T_EQ(get(&c, 0x30) | get(&c, 0x31) << 8, 0xffff);
	T_EQ(get(&c, 0x34) | get(&c, 0x35) << 8, (3 * GIB - 16 * MIB) / 65536);
	T_EQ(get(&c, 0x5b) | get(&c, 0x5c) << 8 | get(&c, 0x5d) << 16, 5 * GIB / 65536);
	T_EQ(get(&c, 0x5f), 6);
	cmos_fini(&c);
	memset(&c, 0, sizeof(c));
	cmos_init(&c, 0, 8 * MIB, 0, 1);
	T_EQ(get(&c, 0x17) | get(&c, 0x18) << 8, 7 * 1024);
	T_EQ(get(&c, 0x34) | get(&c, 0x35) << 8, 0);
	cmos_fini(&c);
}
