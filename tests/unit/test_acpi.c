/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_acpi.c - AML encoding, and that every table is found, whole and sums to zero
 */
#include "common/base/le.h"
#include "kzhost/vm/acpi.h"
#include "kzhost/vm/aml.h"
#include "kzhost/vm/dsdt.h"
#include "kzhost/vm/layout.h"
#include "tests/harness/harness.h"

#include <stdio.h>

#define HIGH 0x400000000ull

/* What was appended is these bytes. */
#define EXPECT(b, ...) \
	do { \
		static const uint8_t want_[] = { __VA_ARGS__ }; \
		T_OK(buf_error(b)); \
		T_EQ((b)->len, sizeof(want_)); \
		T_MEMEQ((b)->p, want_, sizeof(want_)); \
		buf_consume((b), (b)->len); \
	} while (0)

TEST(aml, integers_take_the_shortest_form)
{
	cleanup(buf_fini) struct buf b = { 0 };

	aml_int(&b, 0);
	aml_int(&b, 1);
	EXPECT(&b, 0, 1);
	aml_int(&b, 2);
	aml_int(&b, 0xff);
	EXPECT(&b, 0x0a, 2, 0x0a, 0xff);
	aml_int(&b, 0x100);
	EXPECT(&b, 0x0b, 0, 1);
	aml_int(&b, 0x10000);
	EXPECT(&b, 0x0c, 0, 0, 1, 0);
	aml_int(&b, 0x100000000);
	EXPECT(&b, 0x0e, 0, 0, 0, 0, 1, 0, 0, 0);
}

TEST(aml, names_and_ids)
{
	cleanup(buf_fini) struct buf b = { 0 };

	aml_path(&b, "\\_SB_.PWRB");
	EXPECT(&b, '\\', 0x2e, '_', 'S', 'B', '_', 'P', 'W', 'R', 'B');
	aml_name(&b, "_HID");
	aml_eisa_id(&b, "PNP0C0C");
	EXPECT(&b, 8, '_', 'H', 'I', 'D', 0x0c, 0x41, 0xd0, 0x0c, 0x0c);
	aml_string(&b, "A");
	EXPECT(&b, 0x0d, 'A', 0);
}

TEST(aml, block_lengths_count_themselves)
{
	static const struct {
		size_t content, n;
	} cases[] = { { 4, 1 },    { 62, 1 },   { 63, 2 },   { 64, 2 },
		      { 4093, 2 }, { 4094, 3 }, { 70000, 3 } };

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup(buf_fini) struct buf b = { 0 };
		size_t block = aml_scope(&b, "ABCD"), len;
		const uint8_t *p;

		while (b.len - block < cases[i].content)
			aml_op(&b, 0x55);
		aml_end(&b, block);
		T_OK(buf_error(&b));
		p = (const uint8_t *)b.p + 1;
		T_EQ(p[0] >> 6, cases[i].n - 1);
		len = cases[i].n == 1 ? p[0] : p[0] & 15u;
		for (size_t k = 1; k < cases[i].n; k++)
			len |= (size_t)p[k] << (8 * k - 4);
		T_EQ(len, cases[i].content + cases[i].n);
		T_EQ(b.len, len + 1);
		T_MEMEQ(p + cases[i].n, "ABCD", 4);
	}
}

TEST(aml, windows_of_a_bridge)
{
	cleanup(buf_fini) struct buf b = { 0 };

	aml_bus_range(&b, 0, 7);
	EXPECT(&b, 0x88, 13, 0, 2, 0x0c, 0, 0, 0, 0, 0, 7, 0, 0, 0, 8, 0);
	aml_window32(&b, 0xd0000000, 0x2ec00000);
	EXPECT(&b, 0x87, 23, 0, 0, 0x0c, 1, 0, 0, 0, 0, 0, 0, 0, 0xd0, 0xff, 0xff, 0xbf,
	       0xfe, 0, 0, 0, 0, 0, 0, 0xc0, 0x2e);
	aml_window64(&b, 0x400000000, 0x400000000);
	EXPECT(&b, 0x8a, 43, 0, 0, 0x0c, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0,
	       0, 0xff, 0xff, 0xff, 0xff, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	       4, 0, 0, 0);
	aml_memory32(&b, 0xc0000000, 0x100000);
	EXPECT(&b, 0x86, 9, 0, 1, 0, 0, 0, 0xc0, 0, 0, 0x10, 0);
}

static uint8_t sum(const uint8_t *p, size_t len)
{
	uint8_t s = 0;

	while (len-- > 0)
		s = (uint8_t)(s + *p++);
	return s;
}

static uint64_t get(const uint8_t *p, unsigned n)
{
	uint64_t v = 0;

	memcpy(&v, p, n);
	return v;
}

/* The table at this address, checked. */
static const uint8_t *table(const struct ram *ram, uint64_t gpa, const char *signature)
{
	const uint8_t *t = ram_slice(ram, gpa, 36);
	uint64_t len;

	T_NOT_NULL(t);
	T_MEMEQ(t, signature, 4);
	len = get(t + 4, 4);
	T_TRUE(gpa >= LAYOUT_ACPI && gpa + len <= LAYOUT_ACPI + LAYOUT_ACPI_SIZE);
	T_EQ(sum(t, len), 0);
	return t;
}

/* Unique ids of processor devices, in the order of the table, are 0 to n - 1. */
static void check_processors(const uint8_t *dsdt, unsigned n)
{
	static const char device[] = "\x08_HID\x0d"
				     "ACPI0007\0\x08_UID";
	const uint8_t *p = dsdt, *end = dsdt + get(dsdt + 4, 4);
	unsigned found = 0;

	for (; (p = memmem(p, (size_t)(end - p), device, sizeof(device) - 1)); found++) {
		char name[8];

		snprintf(name, sizeof(name), "CP%02X", found);
		T_MEMEQ(p - 4, name, 4);
		p += sizeof(device) - 1;
		T_EQ(*p == 0x0a ? p[1] : *p, found);
	}
	T_EQ(found, n);
}

TEST(acpi, all_tables_are_found_from_the_rsdp)
{
	static const unsigned counts[] = { 1, 2, KZ_VCPUS_MAX };

	for (unsigned i = 0; i < ARRAY_SIZE(counts); i++) {
		const uint8_t *rsdp, *xsdt, *fadt, *madt, *mcfg, *dsdt;
		unsigned n = counts[i], found[5] = { 0 };
		const struct acpi_machine m = { n, HIGH, LAYOUT_VMGENID, false };
		struct errmsg e = { 0 };
		struct ram ram;

		T_OK(ram_init(&ram, 4 * MIB, &e));
		T_OK(acpi_write(&ram, &m));
		rsdp = ram_slice(&ram, LAYOUT_ACPI, 36);
		T_MEMEQ(rsdp, "RSD PTR ", 8);
		T_EQ(sum(rsdp, 20), 0);
		T_EQ(sum(rsdp, 36), 0);
		xsdt = table(&ram, get(rsdp + 24, 8), "XSDT");
		T_EQ(get(xsdt + 4, 4), 36 + 3 * 8);
		fadt = table(&ram, get(xsdt + 36, 8), "FACP");
		madt = table(&ram, get(xsdt + 44, 8), "APIC");
		mcfg = table(&ram, get(xsdt + 52, 8), "MCFG");
		T_EQ(get(mcfg + 44, 8), KZ_GPA_ECAM);
		T_EQ(get(mcfg + 52, 4), 0); /* segment 0, buses 0 to 0 */
		dsdt = table(&ram, get(fadt + 140, 8), "DSDT");
		T_EQ(get(fadt + 40, 4), get(fadt + 140, 8));
		T_TRUE(get(fadt + 112, 4) & 1 << 20); /* hardware-reduced */
		T_EQ(get(fadt + 244 + 4, 8), KZ_SLEEP_CONTROL_PORT);
		T_EQ(get(fadt + 116 + 4, 8), KZ_I8042_CMD);
		T_NOT_NULL(memmem(dsdt, get(dsdt + 4, 4), "ACPI0013", 8));
		for (uint64_t at = 44; at < get(madt + 4, 4); at += madt[at + 1]) {
			T_TRUE(madt[at] <= 4 && madt[at + 1] > 0);
			if (madt[at] == 0) {
				T_EQ(madt[at + 2], found[0]); /* as in the DSDT */
				T_EQ(madt[at + 3], found[0]); /* its APIC */
				T_EQ(get(madt + at + 4, 4), 1);
			}
			if (madt[at] == 1)
				T_EQ(madt[at + 2], n); /* no processor's id */
			found[madt[at]]++;
		}
		check_processors(dsdt, n);
		T_EQ(found[0], n);
		T_EQ(found[1], 1);
		T_EQ(found[4], 1);
		ram_fini(&ram);
	}
}

/* What firmware does with them: other addresses, new checksums. */
static void put_elsewhere(const struct acpi_machine *m, unsigned n_pointers)
{
	cleanup(acpi_fini) struct acpi_tables a, b;
	const uint64_t base = 0x7ffe0000;

	T_OK(acpi_build(&a, 0, m));
	T_OK(acpi_build(&b, base, m));
	T_EQ(a.tables.len, b.tables.len);
	T_EQ(a.n, 5);
	T_EQ(a.n_pointers, n_pointers);
	for (unsigned i = 0; i < a.n_pointers; i++) {
		uint8_t *p = (uint8_t *)a.tables.p + a.pointer[i].offset;
		uint64_t v = get(p, a.pointer[i].size) + base;

		memcpy(p, &v, a.pointer[i].size);
	}
	for (unsigned i = 0; i < a.n; i++) {
		uint8_t *t = (uint8_t *)a.tables.p + a.table[i].offset;

		T_EQ(get(t + 4, 4), a.table[i].size);
		t[9] = (uint8_t)(t[9] - sum(t, a.table[i].size));
	}
	T_MEMEQ(a.tables.p, b.tables.p, b.tables.len);
	T_EQ(get(b.rsdp + ACPI_RSDP_XSDT, 8) - base, get(a.rsdp + ACPI_RSDP_XSDT, 8));
}

TEST(acpi, tables_can_be_put_elsewhere)
{
	static const unsigned counts[] = { 3, KZ_VCPUS_MAX };

	for (unsigned i = 0; i < ARRAY_SIZE(counts); i++) {
		struct acpi_machine m = { counts[i], HIGH, LAYOUT_VMGENID, false };

		put_elsewhere(&m, 2 + 3);
		m.firmware = true;
		put_elsewhere(&m, 3 + 3); /* and the FACS */
	}
}

TEST(acpi, after_firmware_it_is_a_pc_with_pics)
{
	const struct acpi_machine m = { 2, HIGH, 0x7fff000, true };
	cleanup(acpi_fini) struct acpi_tables t;
	const uint8_t *fadt, *madt, *dsdt, *facs;

	T_OK(acpi_build(&t, 0, &m));
	dsdt = (uint8_t *)t.tables.p + t.table[0].offset;
	fadt = (uint8_t *)t.tables.p + t.table[1].offset;
	madt = (uint8_t *)t.tables.p + t.table[2].offset;
	T_MEMEQ(fadt, "FACP", 4);
	T_FALSE(get(fadt + 112, 4) & 1 << 20);
	T_EQ(get(fadt + 46, 2), KZ_SCI_GSI);
	T_EQ(get(fadt + 56, 4), KZ_PM1_EVENT_PORT);
	T_EQ(get(fadt + 64, 4), KZ_PM1_CONTROL_PORT);
	T_EQ(get(fadt + 148 + 4, 8), KZ_PM1_EVENT_PORT);
	T_EQ(get(fadt + 172 + 4, 8), KZ_PM1_CONTROL_PORT);
	facs = (uint8_t *)t.tables.p + get(fadt + 36, 4);
	T_MEMEQ(facs, "FACS", 4);
	T_EQ((facs - (uint8_t *)t.tables.p) % 64, 0);
	T_MEMEQ(madt, "APIC", 4);
	T_EQ(get(madt + 40, 4), 1);
	T_NOT_NULL(memmem(dsdt, get(dsdt + 4, 4), "QEMU0002", 8));
	T_NOT_NULL(memmem(dsdt, get(dsdt + 4, 4), "VM_Gen_Counter", 14));
	T_NOT_NULL(memmem(dsdt, get(dsdt + 4, 4), "\x0c\x00\xf0\xff\x07", 5));
}

/* Each event that the machine can raise reaches the device that it is about. */
TEST(acpi, events_are_told_to_their_devices)
{
	static const struct {
		uint8_t event;
		const char *id, *name;
	} told[] = { { KZ_GED_POWER, "\x0c\x41\xd0\x0c\x0c", "PWRB" },
		     { KZ_GED_SLEEP, "\x0c\x41\xd0\x0c\x0e", "SLPB" },
		     { KZ_GED_VMGEN, "\x0dKZON0001", "VGEN" } };
	const struct acpi_machine m = { 1, HIGH, LAYOUT_VMGENID, false };
	cleanup(buf_fini) struct buf dsdt = { 0 };

	dsdt_add(&dsdt, &m);
	T_OK(buf_error(&dsdt));
	for (unsigned i = 0; i < ARRAY_SIZE(told); i++) {
		char notify[] = "\xa0\x13\x7b\x60\x0a_\0\x86\\\x2e_SB_NAME\x0a\x80";
		char device[24];

		notify[5] = (char)told[i].event;
		memcpy(notify + 14, told[i].name, 4);
		T_NOT_NULL(memmem(dsdt.p, dsdt.len, notify, sizeof(notify) - 1));
		snprintf(device, sizeof(device), "%s\x08_HID%s", told[i].name,
			 told[i].id);
		T_NOT_NULL(memmem(dsdt.p, dsdt.len, device, strlen(device)));
	}
}

TEST(acpi, every_oom_is_an_error)
{
	const struct acpi_machine m = { 2, HIGH, LAYOUT_VMGENID, false };
	struct errmsg e = { 0 };
	struct ram ram;
	int r = -ENOMEM;

	T_OK(ram_init(&ram, 4 * MIB, &e));
	for (long n = 0; r == -ENOMEM; n++) {
		fault_arm(n);
		r = acpi_write(&ram, &m);
		T_EQ(r, fault.fired ? -ENOMEM : 0);
		T_EQ(fault.live, 0);
	}
	fault_disarm();
	ram_fini(&ram);
}
