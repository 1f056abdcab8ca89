/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * firmware.c - processors from MADT or MP table, sleep register from the FADT, PCI
 * configuration space from the MCFG
 *
 * DOC: Two machines
 *
 * On kzhost's machine sleep control and event register are at the ports of machine.h.
 * QEMU's microvm has them in memory, and its FADT says where sleep control is; its event
 * register lies 0x200 below. So the same image powers off, and obeys the power button,
 * on both.
 */
#include <stddef.h>

#include "common/proto/machine.h"
#include "tests/guest/boot.h"
#include "tests/guest/firmware.h"
#include "tests/guest/gate.h"
#include "tests/guest/string.h"

#define TABLE_MAX        0x10000
#define ACPI_HEADER      36
#define RSDP_REVISION    15
#define RSDP_RSDT        16
#define RSDP_XSDT        24
#define FADT_SLEEP_CTL   244 /* generic address: space, width, offset, size, le64 */
#define FADT_MIN         256
#define GAS_MEMORY       0
#define GAS_PORT         1
#define QEMU_GED_TO_REGS 0x200

#define MADT_ENTRIES 44
#define MADT_LAPIC   0
#define MADT_X2APIC  9
#define MADT_ENABLED 0x01
#define MADT_CAPABLE 0x02

#define MCFG_ENTRIES     44
#define MCFG_ENTRY_BYTES 16 /* le64 base, le16 segment, first and last bus */

#define MP_EBDA_SEGMENT 0x40e
#define MP_BASE_MEM_END 0xa0000
#define MP_BIOS_START   0xf0000
#define MP_BIOS_END     0x100000
#define MP_PTR_TABLE    4
#define MP_ENTRY_COUNT  34
#define MP_ENTRIES      44
#define MP_PROCESSOR    0
#define MP_ENABLED      0x01

struct firmware firmware = {
	.n_cpus = 1,
	.sleep_control = { .addr = KZ_SLEEP_CONTROL_PORT },
	.ged_event = { .addr = KZ_GED_PORT },
};

static uint64_t read_le(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	memcpy(&v, p, n);
	return v;
}

/* Return: the table's length, or 0 when it is implausible */
static size_t table_length(const uint8_t *t)
{
	uint64_t n = read_le(t + 4, 4);

	return n >= ACPI_HEADER && n <= TABLE_MAX ? n : 0;
}

static void read_fadt(const uint8_t *t, size_t n)
{
	const uint8_t *gas = t + FADT_SLEEP_CTL;
	uint64_t addr;

	if (n < FADT_MIN)
		return;
	addr = read_le(gas + 4, 8);
	if (!addr || addr >= KZ_GPA_RAM_HIGH || gas[0] > GAS_PORT)
		return;
	firmware.sleep_control.is_mmio = gas[0] == GAS_MEMORY;
	firmware.sleep_control.addr = addr;
	if (gas[0] == GAS_MEMORY) {
		firmware.ged_event.is_mmio = true;
		firmware.ged_event.addr = addr - QEMU_GED_TO_REGS;
	}
}

static void read_madt(const uint8_t *t, size_t n)
{
	unsigned n_cpus = 0;

	for (size_t i = MADT_ENTRIES; i + 12 <= n + 4 && t[i + 1] >= 2; i += t[i + 1]) {
		if ((t[i] == MADT_LAPIC && t[i + 4] & (MADT_ENABLED | MADT_CAPABLE)) ||
		    (t[i] == MADT_X2APIC && t[i + 8] & (MADT_ENABLED | MADT_CAPABLE)))
			n_cpus++;
	}
	if (n_cpus)
		firmware.n_cpus = n_cpus;
}

static void read_mcfg(const uint8_t *t, size_t n)
{
	for (size_t i = MCFG_ENTRIES; i + MCFG_ENTRY_BYTES <= n; i += MCFG_ENTRY_BYTES) {
		if (!read_le(t + i + 8, 2) && !t[i + 10])
			firmware.ecam_gpa = read_le(t + i, 8);
	}
}

static void read_table(const uint8_t *t)
{
	if (!t || (uintptr_t)t >= KZ_GPA_RAM_HIGH)
		return;
	if (memcmp(t, "FACP", 4) == 0)
		read_fadt(t, table_length(t));
	else if (memcmp(t, "APIC", 4) == 0)
		read_madt(t, table_length(t));
	else if (memcmp(t, "MCFG", 4) == 0)
		read_mcfg(t, table_length(t));
}

/* Return: true when there is a root table, XSDT or, from ACPI 1.0, RSDT */
static bool read_acpi(uint64_t rsdp_gpa)
{
	const uint8_t *rsdp = (const void *)rsdp_gpa, *root;
	size_t n, entry;

	if (!rsdp_gpa || rsdp_gpa >= KZ_GPA_RAM_HIGH || memcmp(rsdp, "RSD PTR ", 8) != 0)
		return false;
	entry = rsdp[RSDP_REVISION] >= 2 ? 8 : 4;
	root = (const void *)read_le(rsdp + (entry == 8 ? RSDP_XSDT : RSDP_RSDT), entry);
	if (!root || (uintptr_t)root >= KZ_GPA_RAM_HIGH ||
	    memcmp(root, entry == 8 ? "XSDT" : "RSDT", 4) != 0)
		return false;
	n = table_length(root);
	for (size_t i = ACPI_HEADER; i + entry <= n; i += entry)
		read_table((const void *)read_le(root + i, entry));
	return true;
}

static const uint8_t *mp_find(uintptr_t start, uintptr_t end)
{
	for (uintptr_t a = start; a + 16 <= end; a += 16) {
		const uint8_t *p = (const void *)a;

		if (*(const uint32_t *)a == 0x5f504d5f &&
		    p[8] == 1) /* "_MP_", 16 bytes */
			return p;
	}
	return NULL;
}

static void read_mp_table(const uint8_t *floating)
{
	const uint8_t *t = (const void *)read_le(floating + MP_PTR_TABLE, 4), *e;
	unsigned n_cpus = 0;

	if (!t || memcmp(t, "PCMP", 4) != 0)
		return;
	e = t + MP_ENTRIES;
	for (uint64_t n = read_le(t + MP_ENTRY_COUNT, 2); n > 0; n--) {
		if (e[0] == MP_PROCESSOR && e[3] & MP_ENABLED)
			n_cpus++;
		e += e[0] == MP_PROCESSOR ? 20 : 8;
	}
	if (n_cpus)
		firmware.n_cpus = n_cpus;
}

void firmware_read(void)
{
	uintptr_t ebda = (mmio_read32(MP_EBDA_SEGMENT) & 0xffff) * 16ul;
	const uint8_t *mp = NULL;

	if (read_acpi(boot_info.rsdp_gpa))
		return;
	if (ebda >= 0x400 && ebda < MP_BASE_MEM_END)
		mp = mp_find(ebda, ebda + 1024);
	if (!mp)
		mp = mp_find(MP_BASE_MEM_END - 1024, MP_BASE_MEM_END);
	if (!mp)
		mp = mp_find(MP_BIOS_START, MP_BIOS_END);
	if (mp)
		read_mp_table(mp);
}
