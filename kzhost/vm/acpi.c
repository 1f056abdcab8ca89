/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * acpi.c - RSDP, XSDT, FADT, FACS, MADT, MCFG
 *
 * DOC: What a kernel learns here
 *
 * MADT: processors, the IOAPIC, NMI on LINT1. FADT: reset by the keyboard controller's
 * port; sleep by the registers of machine.h. MCFG: where ECAM is. The devices are in the
 * DSDT (dsdt.c). (ACPI 6.4, chapters 4.1, 5.2, 5.6.9.)
 *
 * DOC: Reduced or not
 *
 * A kernel that is booted directly is told "hardware-reduced": no legacy power hardware,
 * and it uses neither PIC nor PIT, and leaves them as it finds them. Firmware and boot
 * loaders do use both, and leave the timer running: such a kernel would get its interrupt
 * as if it were a double fault. So after firmware it is a PC with PM1 registers and PICs,
 * which a kernel takes over before it lets interrupts in.
 */
#include "kzhost/vm/acpi.h"
#include "common/base/le.h"
#include "kzhost/vm/dsdt.h"
#include "kzhost/vm/layout.h"

#include <string.h>

#define FADT_REVISION     6
#define MADT_REVISION     5
#define PM_SERVER         4
#define BOOT_LEGACY_PARTS 0x01 /* there is a serial port */
#define BOOT_NO_VGA       0x04
#define FADT_WBINVD       (1u << 0)
#define FADT_NO_FIXED_PWR (1u << 4)
#define FADT_NO_FIXED_SLP (1u << 5)
#define FADT_NO_FIXED_RTC (1u << 6)
#define FADT_RESET_REG    (1u << 10)
#define FADT_HEADLESS     (1u << 12)
#define FADT_HW_REDUCED   (1u << 20)
#define FADT_NO_STATE     0xfff /* latency of a state that is not there */
#define FADT_CENTURY      0x32
#define MADT_PICS         1

struct acpi_rsdp {
	char signature[8]; /* "RSD PTR " */
	uint8_t checksum;  /* of the first 20 bytes */
	char oem[6];
	uint8_t revision; /* 2 */
	le32 rsdt_gpa;    /* 0: none */
	le32 length;
	le64 xsdt_gpa;
	uint8_t checksum_all;
	uint8_t reserved[3];
};
static_assert(sizeof(struct acpi_rsdp) == ACPI_RSDP_SIZE &&
		      offsetof(struct acpi_rsdp, checksum) == ACPI_RSDP_SUM &&
		      offsetof(struct acpi_rsdp, checksum_all) == ACPI_RSDP_SUM_ALL &&
		      offsetof(struct acpi_rsdp, xsdt_gpa) == ACPI_RSDP_XSDT,
	      "ACPI");

struct acpi_header {
	char signature[4];
	le32 length;
	uint8_t revision;
	uint8_t checksum;
	char oem[6];
	char table[8];
	le32 oem_revision;
	char creator[4];
	le32 creator_revision;
};
static_assert(sizeof(struct acpi_header) == 36 &&
		      offsetof(struct acpi_header, checksum) == ACPI_TABLE_SUM,
	      "ACPI");

/* Generic address structure. */
struct acpi_gas {
	uint8_t space; /* 1: ports */
	uint8_t bits;
	uint8_t offset;
	uint8_t access; /* 1: bytes */
	le64 addr;
};
static_assert(sizeof(struct acpi_gas) == 12, "ACPI");

struct acpi_fadt {
	struct acpi_header hdr;
	le32 facs_gpa;
	le32 dsdt_gpa;
	uint8_t reserved0;
	uint8_t pm_profile;
	le16 sci_gsi;   /* from here to the century: 0 when hardware is reduced */
	uint8_t smi[8]; /* none: ACPI is always on */
	le32 pm1a_event;
	le32 pm1b_event;
	le32 pm1a_control;
	uint8_t pm_rest[20];
	uint8_t pm1_event_len;
	uint8_t pm1_control_len;
	uint8_t len_rest[6];
	le16 c2_latency;
	le16 c3_latency;
	uint8_t flush[8];
	uint8_t century; /* its register in the clock */
	le16 boot_arch;
	uint8_t reserved1;
	le32 flags;
	struct acpi_gas reset_reg;
	uint8_t reset_value;
	le16 arm_boot;
	uint8_t minor;
	le64 x_facs_gpa;
	le64 x_dsdt_gpa;
	struct acpi_gas x_pm1a_event;
	struct acpi_gas x_pm1b_event;
	struct acpi_gas x_pm1a_control;
	struct acpi_gas x_pm_rest[5];
	struct acpi_gas sleep_control;
	struct acpi_gas sleep_status;
	char hypervisor[8];
};
static_assert(offsetof(struct acpi_fadt, pm1a_event) == 56, "ACPI");
static_assert(offsetof(struct acpi_fadt, pm1_event_len) == 88, "ACPI");
static_assert(offsetof(struct acpi_fadt, c2_latency) == 96, "ACPI");
static_assert(offsetof(struct acpi_fadt, boot_arch) == 109, "ACPI");
static_assert(offsetof(struct acpi_fadt, reset_reg) == 116, "ACPI");
static_assert(offsetof(struct acpi_fadt, sleep_control) == 244, "ACPI");
static_assert(sizeof(struct acpi_fadt) == 276, "ACPI");

struct acpi_facs {
	char signature[4];
	le32 length;
	uint8_t hardware[4], vector[4], lock[4], flags[4], x_vector[8];
	uint8_t version;
	uint8_t reserved[31];
};
static_assert(sizeof(struct acpi_facs) == 64, "ACPI");

struct acpi_madt {
	struct acpi_header hdr;
	le32 lapic_gpa;
	le32 flags; /* 1: there are PICs to be masked */
};

struct acpi_madt_lapic {
	uint8_t type; /* 0 */
	uint8_t length;
	uint8_t uid;
	uint8_t apic_id;
	le32 flags; /* 1: enabled */
};

struct acpi_madt_ioapic {
	uint8_t type; /* 1 */
	uint8_t length;
	uint8_t id;
	uint8_t reserved;
	le32 gpa;
	le32 gsi_base;
};

struct acpi_madt_nmi {
	uint8_t type; /* 4 */
	uint8_t length;
	uint8_t uid; /* 0xff: every processor */
	le16 flags;
	uint8_t lint;
};
static_assert(sizeof(struct acpi_madt_lapic) == 8 &&
		      sizeof(struct acpi_madt_ioapic) == 12 &&
		      sizeof(struct acpi_madt_nmi) == 6,
	      "ACPI");

struct acpi_mcfg {
	struct acpi_header hdr;
	uint8_t reserved[8];
	le64 gpa;
	le16 segment;
	uint8_t first_bus, last_bus;
	uint8_t reserved2[4];
};
static_assert(sizeof(struct acpi_mcfg) == 60, "PCI Firmware 3.0, 4.1.2");

static uint8_t checksum(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint8_t sum = 0;

	while (len-- > 0)
		sum = (uint8_t)(sum + *p++);
	return (uint8_t)-sum;
}

static struct acpi_header header(const char *signature, uint8_t revision)
{
	struct acpi_header h = {
		.revision = revision,
		.oem = { 'K', 'Z', 'O', 'N', 'E', 'S' },
		.table = { 'Z', 'O', 'N', 'E', ' ', ' ', ' ', ' ' },
		.oem_revision = le32_of(1),
		.creator = { 'K', 'Z', ' ', ' ' },
		.creator_revision = le32_of(1),
	};

	memcpy(h.signature, signature, sizeof(h.signature));
	return h;
}

/* Completes the table that begins at this offset and runs to the end; its address. */
static uint64_t finish(struct acpi_tables *t, size_t at)
{
	struct buf *b = &t->tables;
	struct acpi_header h;

	if (buf_error(b) < 0)
		return 0;
	memcpy(&h, b->p + at, sizeof(h));
	h.length = le32_of((uint32_t)(b->len - at));
	memcpy(b->p + at, &h, sizeof(h));
	h.checksum = checksum(b->p + at, b->len - at);
	memcpy(b->p + at, &h, sizeof(h));
	ASSERT(t->n < ACPI_TABLES_MAX);
	t->table[t->n++] = (struct acpi_place){ (uint32_t)at, (uint32_t)(b->len - at) };
	return t->base + at;
}

/* An address of a table stands at this offset. */
static void note_pointer(struct acpi_tables *t, size_t at, unsigned size)
{
	ASSERT(t->n_pointers < ACPI_POINTERS_MAX);
	t->pointer[t->n_pointers++] = (struct acpi_place){ (uint32_t)at, size };
}

static uint64_t add_dsdt(struct acpi_tables *t, const struct acpi_machine *m)
{
	struct acpi_header h = header("DSDT", 2);
	size_t at = t->tables.len;

	buf_add(&t->tables, &h, sizeof(h));
	dsdt_add(&t->tables, m);
	return finish(t, at);
}

/* Firmware and kernel share a lock in it; its own alignment is that of all tables. */
static uint64_t add_facs(struct acpi_tables *t)
{
	struct acpi_facs facs = { .signature = { 'F', 'A', 'C', 'S' },
				  .length = le32_of(sizeof(facs)),
				  .version = 2 };
	size_t at = t->tables.len;

	ASSERT(at % ACPI_ALIGN == 0);
	buf_add(&t->tables, &facs, sizeof(facs));
	return t->base + at;
}

/* What stands in the place of hardware that is reduced away. */
static void add_pm1(struct acpi_fadt *fadt)
{
	struct acpi_gas event = { .space = 1, .bits = 32, .access = 2 };
	struct acpi_gas control = { .space = 1, .bits = 16, .access = 2 };

	event.addr = le64_of(KZ_PM1_EVENT_PORT);
	control.addr = le64_of(KZ_PM1_CONTROL_PORT);
	fadt->sci_gsi = le16_of(KZ_SCI_GSI);
	fadt->pm1a_event = le32_of(KZ_PM1_EVENT_PORT);
	fadt->pm1a_control = le32_of(KZ_PM1_CONTROL_PORT);
	fadt->pm1_event_len = 4;
	fadt->pm1_control_len = 2;
	fadt->c2_latency = fadt->c3_latency = le16_of(FADT_NO_STATE);
	fadt->century = FADT_CENTURY;
	fadt->x_pm1a_event = event;
	fadt->x_pm1a_control = control;
}

static uint64_t add_fadt(struct acpi_tables *t, const struct acpi_machine *m,
			 uint64_t facs_gpa, uint64_t dsdt_gpa)
{
	struct acpi_gas port = { .space = 1, .bits = 8, .access = 1 };
	struct acpi_fadt fadt = {
		.hdr = header("FACP", FADT_REVISION),
		.dsdt_gpa = le32_of((uint32_t)dsdt_gpa),
		.pm_profile = PM_SERVER,
		.boot_arch = le16_of(BOOT_LEGACY_PARTS | BOOT_NO_VGA),
		.flags = le32_of(FADT_WBINVD | FADT_NO_FIXED_PWR | FADT_NO_FIXED_SLP |
				 FADT_NO_FIXED_RTC | FADT_RESET_REG | FADT_HEADLESS |
				 (m->firmware ? 0 : FADT_HW_REDUCED)),
		.reset_reg = port,
		.reset_value = KZ_I8042_RESET,
		.minor = 4,
		.x_dsdt_gpa = le64_of(dsdt_gpa),
		.sleep_control = port,
		.sleep_status = port,
		.hypervisor = { 'K', 'Z', 'O', 'N', 'E', 'S', ' ', ' ' },
	};
	size_t at = t->tables.len;

	fadt.reset_reg.addr = le64_of(KZ_I8042_CMD);
	fadt.sleep_control.addr = le64_of(KZ_SLEEP_CONTROL_PORT);
	fadt.sleep_status.addr = le64_of(KZ_SLEEP_STATUS_PORT);
	if (m->firmware) {
		add_pm1(&fadt);
		fadt.facs_gpa = le32_of((uint32_t)facs_gpa);
		note_pointer(t, at + offsetof(struct acpi_fadt, facs_gpa), 4);
	}
	buf_add(&t->tables, &fadt, sizeof(fadt));
	note_pointer(t, at + offsetof(struct acpi_fadt, dsdt_gpa), 4);
	note_pointer(t, at + offsetof(struct acpi_fadt, x_dsdt_gpa), 8);
	return finish(t, at);
}

static uint64_t add_madt(struct acpi_tables *t, const struct acpi_machine *m)
{
	struct buf *b = &t->tables;
	struct acpi_madt madt = { .hdr = header("APIC", MADT_REVISION),
				  .lapic_gpa = le32_of(KZ_GPA_LAPIC),
				  .flags = le32_of(m->firmware ? MADT_PICS : 0) };
	struct acpi_madt_ioapic ioapic = { .type = 1,
					   .length = sizeof(ioapic),
					   .id = (uint8_t)m->n_vcpus,
					   .gpa = le32_of(KZ_GPA_IOAPIC) };
	struct acpi_madt_nmi nmi = {
		.type = 4, .length = sizeof(nmi), .uid = 0xff, .lint = 1
	};
	size_t at = b->len;

	buf_add(b, &madt, sizeof(madt));
	for (unsigned i = 0; i < m->n_vcpus; i++) {
		struct acpi_madt_lapic lapic = { .length = sizeof(lapic),
						 .uid = (uint8_t)i,
						 .apic_id = (uint8_t)i,
						 .flags = le32_of(1) };

		buf_add(b, &lapic, sizeof(lapic));
	}
	buf_add(b, &ioapic, sizeof(ioapic));
	buf_add(b, &nmi, sizeof(nmi));
	return finish(t, at);
}

static uint64_t add_mcfg(struct acpi_tables *t)
{
	struct acpi_mcfg mcfg = { .hdr = header("MCFG", 1), .gpa = le64_of(KZ_GPA_ECAM) };
	size_t at = t->tables.len;

	buf_add(&t->tables, &mcfg, sizeof(mcfg));
	return finish(t, at);
}

static uint64_t add_xsdt(struct acpi_tables *t, const uint64_t *gpa, unsigned n)
{
	struct acpi_header h = header("XSDT", 1);
	size_t at = t->tables.len;

	buf_add(&t->tables, &h, sizeof(h));
	for (unsigned i = 0; i < n; i++) {
		le64 entry = le64_of(gpa[i]);

		note_pointer(t, t->tables.len, sizeof(entry));
		buf_add(&t->tables, &entry, sizeof(entry));
	}
	return finish(t, at);
}

static void make_rsdp(struct acpi_tables *t, uint64_t xsdt_gpa)
{
	struct acpi_rsdp rsdp = {
		.signature = { 'R', 'S', 'D', ' ', 'P', 'T', 'R', ' ' },
		.oem = { 'K', 'Z', 'O', 'N', 'E', 'S' },
		.revision = 2,
		.length = le32_of(sizeof(rsdp)),
		.xsdt_gpa = le64_of(xsdt_gpa),
	};

	rsdp.checksum = checksum(&rsdp, ACPI_RSDP_SUMMED);
	rsdp.checksum_all = checksum(&rsdp, sizeof(rsdp));
	memcpy(t->rsdp, &rsdp, sizeof(rsdp));
}

int acpi_build(struct acpi_tables *t, uint64_t base, const struct acpi_machine *m)
{
	uint64_t facs = 0, gpa[3];

	*t = (struct acpi_tables){ .base = base };
	if (m->firmware)
		facs = add_facs(t);
	gpa[0] = add_fadt(t, m, facs, add_dsdt(t, m));
	gpa[1] = add_madt(t, m);
	gpa[2] = add_mcfg(t);
	make_rsdp(t, add_xsdt(t, gpa, ARRAY_SIZE(gpa)));
	return buf_error(&t->tables);
}

void acpi_fini(struct acpi_tables *t)
{
	buf_fini(&t->tables);
}

int acpi_write(const struct ram *ram, const struct acpi_machine *m)
{
	cleanup(acpi_fini) struct acpi_tables t;
	int r = acpi_build(&t, LAYOUT_ACPI + ACPI_RSDP_SIZE, m);

	if (r < 0)
		return r;
	if (t.tables.len > LAYOUT_ACPI_SIZE - ACPI_RSDP_SIZE)
		return -EFAULT;
	r = ram_write(ram, LAYOUT_ACPI, t.rsdp, sizeof(t.rsdp));
	return r < 0 ? r : ram_write(ram, t.base, t.tables.p, t.tables.len);
}
