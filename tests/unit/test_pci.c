/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_pci.c - configuration space by ports and ECAM, where BARs answer, dispatch
 */
#include "common/proto/machine.h"
#include "kzhost/dev/pci.h"
#include "tests/harness/harness.h"
#include "tests/unit/probe.h"

#include <stdio.h>
#include <stdlib.h>

#define HIGH     0x400000000ull
#define BAR_SIZE 0x8000u
#define CAP_ID   0x09

/* A function with two BARs that remembers what reached it. */
struct toy {
	struct probe probe;
	struct pci_function fn;
	unsigned config_writes;
	char moves[256]; /* "0@d0000000 " for each */
	struct pci_target target;
	bool has_target;
};

struct bed {
	struct pci pci;
	struct bus pio, mmio;
	struct toy toy[3]; /* in slots 3, 4 and 31 */
};

static const unsigned toy_slots[] = { 3, 4, 31 };

static const struct bus_ops toy_ops = { BUS_W_ANY, probe_read, probe_write };
static const struct bus_ops word_ops = { BUS_W4, probe_read, probe_write };

static void toy_config_written(void *dev, unsigned offset, unsigned len)
{
	struct toy *t = dev;

	t->config_writes++;
}

static void toy_moved(void *dev, unsigned bar, uint64_t gpa)
{
	struct toy *t = dev;
	size_t n = strlen(t->moves);

	snprintf(t->moves + n, sizeof(t->moves) - n, "%u@%llx ", bar,
		 (unsigned long long)gpa);
}

static bool toy_window(void *dev, struct pci_target *ret_target)
{
	struct toy *t = dev;

	*ret_target = t->target;
	return t->has_target;
}

static void add_toy(struct bed *b, unsigned i)
{
	static const struct pci_id id = { 0x1234, 0x5678, 0x9abc, 0xdef0, 7, 0x010203 };
	struct toy *t = &b->toy[i];

	pci_function_init(&t->fn, &id, t);
	pci_add_bar(&t->fn, 0, BAR_SIZE, true, &toy_ops);
	pci_add_bar(&t->fn, 2, 4096, false, &word_ops);
	t->fn.config_written = toy_config_written;
	t->fn.bar_moved = toy_moved;
	t->fn.window_at = toy_window;
	T_OK(pci_add(&b->pci, toy_slots[i], &t->fn));
}

static struct bed *bed_new(void)
{
	struct bed *b = calloc(1, sizeof(*b));

	T_NOT_NULL(b);
	pci_init(&b->pci, HIGH);
	for (unsigned i = 0; i < ARRAY_SIZE(b->toy); i++)
		add_toy(b, i);
	T_OK(bus_add(&b->pio, KZ_PCI_CONFIG_PORT, 8, &pci_port_ops, &b->pci));
	T_OK(bus_add(&b->mmio, KZ_GPA_ECAM, KZ_ECAM_SIZE, &pci_ecam_ops, &b->pci));
	T_OK(bus_add(&b->mmio, KZ_GPA_PCI_LOW, KZ_GPA_PCI_LOW_END - KZ_GPA_PCI_LOW,
		     &pci_low_ops, &b->pci));
	T_OK(bus_add(&b->mmio, HIGH, KZ_PCI_HIGH_SIZE, &pci_high_ops, &b->pci));
	return b;
}

static void bed_free(struct bed **b)
{
	pci_fini(&(*b)->pci);
	free(*b);
}
#define BED(b) cleanup(bed_free) struct bed *b = bed_new()

/* The two ways to a register. */
static uint64_t ecam_addr(unsigned slot, unsigned reg)
{
	return KZ_GPA_ECAM + slot * 32768ull + reg;
}

static uint64_t get_ecam(struct bed *b, unsigned slot, unsigned reg, unsigned size)
{
	uint64_t v;

	T_TRUE(bus_read(&b->mmio, ecam_addr(slot, reg), size, &v));
	return v;
}

static void set_ecam(struct bed *b, unsigned slot, unsigned reg, unsigned size,
		     uint64_t v)
{
	T_TRUE(bus_write(&b->mmio, ecam_addr(slot, reg), size, v));
}

static void select_port(struct bed *b, unsigned slot, unsigned reg)
{
	T_TRUE(bus_write(&b->pio, KZ_PCI_CONFIG_PORT, 4,
			 0x80000000u | slot << 11 | (reg & 0xfc)));
}

static uint64_t get_port(struct bed *b, unsigned slot, unsigned reg, unsigned size)
{
	uint64_t v;

	select_port(b, slot, reg);
	bus_read(&b->pio, KZ_PCI_CONFIG_PORT + 4 + (reg & 3), size, &v);
	return v;
}

static void set_port(struct bed *b, unsigned slot, unsigned reg, unsigned size,
		     uint64_t v)
{
	select_port(b, slot, reg);
	bus_write(&b->pio, KZ_PCI_CONFIG_PORT + 4 + (reg & 3), size, v);
}

static uint64_t ones(unsigned size)
{
	return size == 8 ? UINT64_MAX : (1ull << size * 8) - 1;
}

static const unsigned widths[] = { 1, 2, 4, 8 };

/* What a read must give: bytes as they stand, and all ones across a dword. */
static uint64_t expected(const struct pci_function *f, unsigned reg, unsigned size)
{
	uint64_t v = 0;

	if (!f || reg % 4 + size > 4)
		return ones(size);
	for (unsigned i = 0; i < size; i++)
		v |= (uint64_t)f->config[reg + i] << i * 8;
	return v;
}

TEST(pci, every_width_and_offset_reads_what_stands_there)
{
	static const unsigned slots[] = { 0, 1, 3, 4, 31 };
	BED(b);

	for (unsigned s = 0; s < ARRAY_SIZE(slots); s++) {
		const struct pci_function *f = b->pci.slot[slots[s]];

		for (unsigned reg = 0; reg < PCI_CONFIG; reg++) {
			for (unsigned w = 0; w < ARRAY_SIZE(widths); w++) {
				unsigned size = widths[w];
				uint64_t v = expected(f, reg, size);

				T_EQ(get_ecam(b, slots[s], reg, size), v);
				T_EQ(get_port(b, slots[s], reg, size), v);
			}
		}
	}
}

/* Garbage at every offset: only what may change has changed. */
static void scribble(struct bed *b, bool by_port, uint64_t pattern)
{
	for (unsigned reg = 0; reg < PCI_CONFIG; reg++) {
		for (unsigned w = 0; w < ARRAY_SIZE(widths); w++) {
			if (by_port)
				set_port(b, 3, reg, widths[w], pattern);
			else
				set_ecam(b, 3, reg, widths[w], pattern);
		}
	}
}

TEST(pci, every_width_and_offset_writes_only_what_is_writable)
{
	static const uint64_t patterns[] = { UINT64_MAX, 0, 0xa5a5a5a5a5a5a5a5 };
	BED(b);
	struct pci_function *f = &b->toy[0].fn, before = *f;

	for (unsigned i = 0; i < 2 * ARRAY_SIZE(patterns); i++) {
		scribble(b, i % 2, patterns[i / 2]);
		for (unsigned reg = 0; reg < PCI_CONFIG; reg++)
			T_EQ((f->config[reg] ^ before.config[reg]) & ~f->writable[reg],
			     0);
	}
	T_EQ(f->config[0x3c], 0xa5);
	/* Each write that reached a register was told. */
	T_TRUE(b->toy[0].config_writes > 0);
	T_EQ(b->toy[1].config_writes, 0);
}

TEST(pci, what_crosses_a_dword_is_not_written)
{
	BED(b);

	set_ecam(b, 3, 0x3b, 2, 0xffff);
	set_ecam(b, 3, 0x3c, 8, UINT64_MAX);
	set_port(b, 3, 0x3b, 2, 0xffff);
	T_EQ(get_ecam(b, 3, 0x3c, 1), 0);
	set_port(b, 3, 0x3c, 1, 0x12);
	T_EQ(get_ecam(b, 3, 0x3c, 4), 0x12);
}

TEST(pci, other_functions_and_extended_registers_are_not_there)
{
	BED(b);

	for (unsigned reg = 256; reg < 32768; reg += 4)
		T_EQ(get_ecam(b, 3, reg, 4), 0xffffffff);
	set_ecam(b, 3, 4096 + 0x3c, 1, 0x55);
	set_ecam(b, 3, 256 + 0x3c, 1, 0x55);
	T_EQ(get_ecam(b, 3, 0x3c, 1), 0);
}

TEST(pci, the_address_port_is_a_dword)
{
	BED(b);
	uint64_t v;

	T_TRUE(bus_write(&b->pio, 0xcf8, 4, 0xffffffff));
	T_TRUE(bus_read(&b->pio, 0xcf8, 4, &v));
	T_EQ(v, 0x80fffffc);
	/* How Linux looks for this mechanism. */
	T_TRUE(bus_write(&b->pio, 0xcfb, 1, 1));
	T_TRUE(bus_write(&b->pio, 0xcf8, 4, 0x80000000));
	T_TRUE(bus_read(&b->pio, 0xcf8, 4, &v));
	T_EQ(v, 0x80000000);
	bus_read(&b->pio, 0xcf8, 2, &v);
	T_EQ(v, 0xffff);
	bus_read(&b->pio, 0xcfc, 4, &v);
	T_EQ(v, 0x12378086);
	/* Another bus, and not enabled. */
	T_TRUE(bus_write(&b->pio, 0xcf8, 4, 0x80010000));
	bus_read(&b->pio, 0xcfc, 4, &v);
	T_EQ(v, 0xffffffff);
	T_TRUE(bus_write(&b->pio, 0xcf8, 4, 0x00000000));
	bus_read(&b->pio, 0xcfc, 4, &v);
	T_EQ(v, 0xffffffff);
}

TEST(pci, the_bridge_has_its_shadow_registers)
{
	BED(b);

	T_EQ(get_port(b, 0, 0, 4), 0x12378086);
	T_EQ(get_port(b, 0, 0x08, 4), 0x06000002);
	T_EQ(get_port(b, 0, 0x2c, 4), 0x11001af4);
	for (unsigned i = 0; i < 7; i++) {
		set_port(b, 0, 0x59 + i, 1, 0x30 + i);
		T_EQ(get_port(b, 0, 0x59 + i, 1), 0x30 + i);
	}
	set_port(b, 0, 0x58, 1, 0xff);
	set_port(b, 0, 0x60, 1, 0xff);
	T_EQ(get_port(b, 0, 0x58, 1), 0);
	T_EQ(get_port(b, 0, 0x60, 1), 0);
	/* It has no BARs to size. */
	set_port(b, 0, 0x10, 4, 0xffffffff);
	T_EQ(get_port(b, 0, 0x10, 4), 0);
}

TEST(pci, status_bits_are_cleared_by_writing_ones)
{
	BED(b);

	b->toy[0].fn.config[7] = 0xf9;
	set_ecam(b, 3, PCI_REG_STATUS, 2, 0);
	T_EQ(get_ecam(b, 3, PCI_REG_STATUS, 2), 0xf900);
	set_ecam(b, 3, PCI_REG_STATUS, 2, 0x8110);
	T_EQ(get_ecam(b, 3, PCI_REG_STATUS, 2), 0x7800);
	set_port(b, 3, PCI_REG_COMMAND, 4, 0x08000400);
	T_EQ(get_ecam(b, 3, PCI_REG_COMMAND, 4), 0x70000400);
}

TEST(pci, capabilities_are_a_list)
{
	static const uint8_t body[] = { 1, 2, 3, 4, 5 };
	BED(b);
	struct pci_function *f = &b->toy[0].fn;

	T_EQ(get_ecam(b, 3, PCI_REG_STATUS, 2), 0);
	T_EQ(pci_add_capability(f, CAP_ID, body, 5), 0x40);
	T_EQ(pci_add_capability(f, CAP_ID + 1, body, 2), 0x48);
	T_EQ(pci_add_capability(f, CAP_ID + 2, body, 1), 0x4c);
	T_EQ(get_ecam(b, 3, PCI_REG_STATUS, 2), 0x10);
	T_EQ(get_ecam(b, 3, PCI_REG_CAPS, 1), 0x40);
	T_EQ(get_ecam(b, 3, 0x40, 4), 0x02014809);
	T_EQ(get_ecam(b, 3, 0x44, 4), 0x00050403);
	T_EQ(get_ecam(b, 3, 0x48, 4), 0x02014c0a);
	T_EQ(get_ecam(b, 3, 0x4c, 4), 0x0001000b);
}

TEST(pci, slots_are_taken_once)
{
	struct pci_function f = { 0 };
	BED(b);

	T_EQ(pci_add(&b->pci, 0, &f), -EBUSY);
	T_EQ(pci_add(&b->pci, 3, &f), -EBUSY);
	T_EQ(pci_add(&b->pci, 32, &f), -ENOSPC);
}

/* BARs. */

static void set_bar(struct bed *b, unsigned slot, uint64_t gpa)
{
	set_ecam(b, slot, 0x10, 4, (uint32_t)gpa);
	set_ecam(b, slot, 0x14, 4, gpa >> 32);
}

static void decode(struct bed *b, unsigned slot, bool on)
{
	set_ecam(b, slot, PCI_REG_COMMAND, 2, on ? PCI_COMMAND_MEM : 0);
}

/* Does the wide BAR of this toy answer there? */
static bool answers(struct bed *b, unsigned i, uint64_t gpa)
{
	unsigned reads = b->toy[i].probe.reads;
	uint64_t v;

	bus_read(&b->mmio, gpa, 4, &v);
	if (b->toy[i].probe.reads == reads)
		return false;
	T_EQ(v, 0x44332211);
	return true;
}

TEST(pci, bars_are_sized_with_and_without_decoding)
{
	BED(b);

	for (unsigned on = 0; on < 2; on++) {
		decode(b, 3, on);
		set_bar(b, 3, UINT64_MAX);
		T_EQ(get_ecam(b, 3, 0x10, 4), 0xffff8004);
		T_EQ(get_ecam(b, 3, 0x14, 4), 0xffffffff);
		set_ecam(b, 3, 0x18, 4, 0xffffffff);
		T_EQ(get_ecam(b, 3, 0x18, 4), 0xfffff000);
		set_ecam(b, 3, 0x1c, 4, 0xffffffff);
		T_EQ(get_ecam(b, 3, 0x1c, 4), 0);
		T_EQ(b->toy[0].fn.bar[0].gpa, 0);
		T_EQ(b->toy[0].fn.bar[2].gpa, 0);
	}
	T_STREQ(b->toy[0].moves, "");
}

TEST(pci, assigning_gives_every_bar_an_address_of_its_own)
{
	BED(b);
	uint64_t gpa[6];
	unsigned n = 0;

	pci_assign(&b->pci);
	for (unsigned i = 0; i < 3; i++) {
		gpa[n++] = b->toy[i].fn.bar[0].gpa;
		gpa[n++] = b->toy[i].fn.bar[2].gpa;
		T_EQ(get_ecam(b, toy_slots[i], 0x10, 4), b->toy[i].fn.bar[0].gpa | 4);
		T_EQ(get_ecam(b, toy_slots[i], PCI_REG_COMMAND, 2), PCI_COMMAND_MEM);
		T_TRUE(answers(b, i, b->toy[i].fn.bar[0].gpa + 8));
		T_EQ(b->toy[i].probe.offset, 8);
		T_TRUE(answers(b, i, b->toy[i].fn.bar[2].gpa));
	}
	for (unsigned i = 0; i < n; i++) {
		T_TRUE(gpa[i] >= KZ_GPA_PCI_LOW && gpa[i] < KZ_GPA_PCI_LOW_END);
		T_EQ(gpa[i] % (i % 2 ? 4096 : BAR_SIZE), 0);
		for (unsigned k = 0; k < i; k++)
			T_NE(gpa[i], gpa[k]);
	}
}

TEST(pci, a_bar_follows_its_register_and_the_decode_bit)
{
	BED(b);
	const uint64_t low = KZ_GPA_PCI_LOW + 0x100000, high = HIGH + 0x12340000;

	set_bar(b, 3, low);
	T_FALSE(answers(b, 0, low));
	decode(b, 3, true);
	T_TRUE(answers(b, 0, low));
	set_bar(b, 3, high);
	T_FALSE(answers(b, 0, low));
	T_TRUE(answers(b, 0, high));
	T_TRUE(answers(b, 0, high + BAR_SIZE - 4));
	T_FALSE(answers(b, 0, high + BAR_SIZE));
	decode(b, 3, false);
	T_FALSE(answers(b, 0, high));
	decode(b, 3, true);
	T_TRUE(answers(b, 0, high));
	T_STREQ(b->toy[0].moves, "0@d0100000 0@0 0@412340000 0@0 0@412340000 ");
}

TEST(pci, a_bar_answers_in_the_windows_only)
{
	static const uint64_t nowhere[] = {
		0x8000,
		KZ_GPA_RAM_LOW_END - BAR_SIZE,
		KZ_GPA_ECAM,
		KZ_GPA_PCI_LOW - BAR_SIZE,
		KZ_GPA_PCI_LOW_END,
		KZ_GPA_LAPIC,
		KZ_GPA_RAM_HIGH,
		HIGH - BAR_SIZE,
		HIGH + KZ_PCI_HIGH_SIZE,
		UINT64_MAX - BAR_SIZE + 1,
	};
	static const uint64_t ends[] = { KZ_GPA_PCI_LOW, KZ_GPA_PCI_LOW_END - BAR_SIZE,
					 HIGH, HIGH + KZ_PCI_HIGH_SIZE - BAR_SIZE };
	BED(b);

	decode(b, 3, true);
	for (unsigned i = 0; i < ARRAY_SIZE(nowhere); i++) {
		set_bar(b, 3, nowhere[i]);
		T_EQ(b->toy[0].fn.bar[0].gpa, 0);
		T_FALSE(answers(b, 0, nowhere[i]));
	}
	T_EQ(get_ecam(b, 3, 0, 4), 0x56781234); /* ECAM itself goes on */
	for (unsigned i = 0; i < ARRAY_SIZE(ends); i++) {
		set_bar(b, 3, ends[i]);
		T_TRUE(answers(b, 0, ends[i]));
		T_TRUE(answers(b, 0, ends[i] + BAR_SIZE - 4));
	}
}

TEST(pci, of_two_that_overlap_the_lower_slot_answers)
{
	BED(b);
	const uint64_t at = KZ_GPA_PCI_LOW;

	decode(b, 3, true);
	decode(b, 4, true);
	set_bar(b, 4, at);
	T_TRUE(answers(b, 1, at));
	set_bar(b, 3, at);
	T_TRUE(answers(b, 0, at));
	T_FALSE(answers(b, 1, at));
	/* The one leaves before the other comes, and comes back. */
	T_STREQ(b->toy[1].moves, "0@d0000000 0@0 ");
	set_bar(b, 3, at + BAR_SIZE);
	T_TRUE(answers(b, 0, at + BAR_SIZE));
	T_TRUE(answers(b, 1, at));
	/* Inside one function the lower BAR answers. */
	set_ecam(b, 3, 0x18, 4, at + BAR_SIZE + 4096);
	T_EQ(b->toy[0].fn.bar[2].gpa, 0);
	set_ecam(b, 3, 0x18, 4, at + 2 * BAR_SIZE);
	T_EQ(b->toy[0].fn.bar[2].gpa, at + 2 * BAR_SIZE);
	/* And with another function's, whatever the number of the BAR. */
	set_bar(b, 4, at + 2 * BAR_SIZE);
	T_EQ(b->toy[1].fn.bar[0].gpa, 0);
}

TEST(pci, handlers_see_natural_accesses_of_their_widths_only)
{
	BED(b);
	struct toy *t = &b->toy[0];
	uint64_t wide, narrow, v;

	pci_assign(&b->pci);
	wide = t->fn.bar[0].gpa;
	narrow = t->fn.bar[2].gpa;
	for (unsigned w = 0; w < ARRAY_SIZE(widths); w++) {
		for (unsigned off = 0; off < 16; off++) {
			unsigned size = widths[w], reads = t->probe.reads,
				 writes = t->probe.writes;
			bool natural = off % size == 0;

			bus_read(&b->mmio, wide + off, size, &v);
			T_EQ(t->probe.reads - reads, natural);
			T_EQ(v, natural ? PROBE_VALUE & ones(size) : ones(size));
			bus_write(&b->mmio, wide + off, size, off);
			T_EQ(t->probe.writes - writes, natural);
			bus_read(&b->mmio, narrow + off, size, &v);
			T_EQ(t->probe.reads - reads, natural + (natural && size == 4));
		}
	}
	/* The last bytes, and across the end. */
	bus_read(&b->mmio, wide + BAR_SIZE - 8, 8, &v);
	T_EQ(t->probe.offset, BAR_SIZE - 8);
	T_EQ(t->probe.size, 8);
	t->probe.reads = 0;
	bus_read(&b->mmio, wide + BAR_SIZE - 4, 8, &v);
	T_EQ(t->probe.reads, 0);
}

/* The window from configuration space onto a BAR. */

TEST(pci, a_window_reads_and_writes_its_bar)
{
	BED(b);
	struct toy *t = &b->toy[0];

	t->fn.window = 0x50;
	memset(t->fn.writable + 0x50, 0xff, 4);
	t->has_target = true;
	t->target = (struct pci_target){ 0, 0x10, 4 };
	T_EQ(get_ecam(b, 3, 0x50, 4), 0x44332211);
	T_EQ(get_port(b, 3, 0x52, 1), 0x33);
	T_EQ(t->probe.reads, 2);
	set_ecam(b, 3, 0x50, 4, 0xcafe0123);
	T_EQ(t->probe.writes, 1);
	T_EQ(t->probe.offset, 0x10);
	T_EQ(t->probe.size, 4);
	T_EQ(t->probe.value, 0xcafe0123);
	/* Next to it nothing happens. */
	get_ecam(b, 3, 0x4c, 4);
	get_ecam(b, 3, 0x54, 4);
	set_ecam(b, 3, 0x54, 4, 1);
	T_EQ(t->probe.reads + t->probe.writes, 3);
}

TEST(pci, a_window_onto_nothing_is_memory)
{
	static const struct pci_target bad[] = {
		{ 1, 0, 4 }, /* half of a wide BAR */
		{ 5, 0, 4 }, { 6, 0, 4 },        { 255, 0, 4 },
		{ 0, 2, 4 }, { 0, BAR_SIZE, 4 }, { 0, UINT32_MAX - 3, 4 },
		{ 2, 0, 2 },
	};
	BED(b);
	struct toy *t = &b->toy[0];

	t->fn.window = 0x50;
	memset(t->fn.writable + 0x50, 0xff, 4);
	set_ecam(b, 3, 0x50, 4, 0x12345678);
	T_EQ(get_ecam(b, 3, 0x50, 4), 0x12345678);
	t->has_target = true;
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		t->target = bad[i];
		get_ecam(b, 3, 0x50, 4);
		set_ecam(b, 3, 0x50, 4, 1);
	}
	T_EQ(t->probe.reads + t->probe.writes, 0);
}
