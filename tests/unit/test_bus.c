/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_bus.c - lookup, overlap, and the checks that devices rely on
 */
#include "tests/harness/harness.h"
#include "tests/unit/probe.h"

static const struct bus_ops any = { BUS_W_ANY, probe_read, probe_write };
static const struct bus_ops bytes = { BUS_W1, probe_read, probe_write };
static const struct bus_ops read_only = { .widths = BUS_W_ANY, .read = probe_read };

TEST(bus, ranges_are_disjoint_and_do_not_wrap)
{
	struct bus bus = { 0 };
	struct probe p = { 0 };

	T_OK(bus_add(&bus, 0x100, 0x10, &any, &p));
	T_OK(bus_add(&bus, 0x80, 0x80, &any, &p));
	T_OK(bus_add(&bus, 0x110, 1, &any, &p));
	T_EQ(bus_add(&bus, 0x10f, 1, &any, &p), -EINVAL);
	T_EQ(bus_add(&bus, 0x7f, 2, &any, &p), -EINVAL);
	T_EQ(bus_add(&bus, 0, 0x1000, &any, &p), -EINVAL);
	T_EQ(bus_add(&bus, 0x200, 0, &any, &p), -EINVAL);
	T_EQ(bus_add(&bus, UINT64_MAX, 2, &any, &p), -EINVAL);
	T_OK(bus_add(&bus, UINT64_MAX, 1, &any, &p));
	T_EQ(bus.n, 4);
	for (unsigned i = 1; i < bus.n; i++)
		T_TRUE(bus.range[i - 1].base < bus.range[i].base);
}

TEST(bus, a_full_bus_refuses)
{
	struct bus bus = { 0 };

	for (unsigned i = 0; i < BUS_RANGES; i++)
		T_OK(bus_add(&bus, (BUS_RANGES - i) * 8, 8, &any, NULL));
	T_EQ(bus_add(&bus, 0x10000, 8, &any, NULL), -ENOSPC);
}

TEST(bus, dispatch_finds_the_device_and_the_offset)
{
	struct probe a = { 0 }, b = { 0 };
	struct bus bus = { 0 };
	uint64_t v;

	T_OK(bus_add(&bus, 0x3f8, 8, &any, &a));
	T_OK(bus_add(&bus, 0x400, 0x1000, &any, &b));
	T_TRUE(bus_read(&bus, 0x3ff, 1, &v));
	T_EQ(a.offset, 7);
	T_EQ(v, PROBE_VALUE & 0xff);
	T_TRUE(bus_write(&bus, 0x408, 4, 0xaabbccdd11223344));
	T_EQ(b.offset, 8);
	T_EQ(b.value, 0x11223344);
	T_TRUE(bus_read(&bus, 0x408, 8, &v));
	T_EQ(v, PROBE_VALUE);
	T_EQ(a.reads + b.reads + a.writes + b.writes, 3);
}

TEST(bus, what_nobody_takes_reads_all_ones)
{
	struct probe p = { 0 };
	struct bus bus = { 0 };
	uint64_t v;

	T_FALSE(bus_read(&bus, 0x10, 4, &v));
	T_EQ(v, 0xffffffff);
	T_OK(bus_add(&bus, 0x10, 8, &any, &p));
	T_FALSE(bus_read(&bus, 0xf, 1, &v));
	T_EQ(v, 0xff);
	T_FALSE(bus_read(&bus, 0x18, 2, &v));
	T_EQ(v, 0xffff);
	T_FALSE(bus_read(&bus, UINT64_MAX, 8, &v));
	T_EQ(v, -1);
	T_FALSE(bus_write(&bus, 0x18, 1, 1));
	T_EQ(p.reads + p.writes, 0);
}

TEST(bus, odd_sizes_and_ends_never_reach_a_device)
{
	struct probe p = { 0 };
	struct bus bus = { 0 };
	uint64_t v;

	T_OK(bus_add(&bus, 0x10, 8, &any, &p));
	for (unsigned size = 0; size <= 16; size++) {
		bool natural = size == 1 || size == 2 || size == 4 || size == 8;

		T_EQ(bus_read(&bus, 0x10, size, &v), natural);
		T_EQ(bus_write(&bus, 0x10, size, 0), natural);
		if (size > 1)
			T_FALSE(bus_read(&bus, 0x17, size, &v));
	}
	T_EQ(p.reads, 4);
}

TEST(bus, a_device_sees_only_its_widths)
{
	struct probe p = { 0 };
	struct bus bus = { 0 };
	uint64_t v;

	T_OK(bus_add(&bus, 0x10, 8, &bytes, &p));
	T_OK(bus_add(&bus, 0x20, 8, &read_only, &p));
	T_FALSE(bus_read(&bus, 0x10, 2, &v));
	T_EQ(v, 0xffff);
	T_FALSE(bus_write(&bus, 0x10, 4, 0));
	T_TRUE(bus_write(&bus, 0x10, 1, 0x1ff));
	T_EQ(p.value, 0xff);
	T_FALSE(bus_write(&bus, 0x20, 1, 0));
}
