/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * acpi.c - RSDP, XSDT, FADT, MADT, MCFG, DSDT of a hardware-reduced machine
 *
 * DOC: What a kernel learns here
 *
 * MADT: processors, the IOAPIC, NMI on LINT1. FADT: no legacy power hardware; reset by
 * the keyboard controller's port; sleep by the registers of machine.h. DSDT: serial port,
 * clock, pvpanic, the Generic Event Device and the power button that it reports; the PCI
 * root with its windows, and the memory that ECAM takes, which is what kernels ask for
 * before they believe MCFG. "Hardware-reduced" also means that the kernel uses neither
 * PIC nor PIT, and leaves them as it finds them. (ACPI 6.4, chapters 4.1, 5.2, 5.6.9.)
 */
#include "kzhost/vm/acpi.h"
#include "common/base/le.h"
#include "kzhost/vm/aml.h"
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
static_assert(sizeof(struct acpi_header) == 36, "ACPI");

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
	uint8_t legacy_power[63]; /* 46 to 108: registers of what is reduced away */
	le16 boot_arch;
	uint8_t reserved1;
	le32 flags;
	struct acpi_gas reset_reg;
	uint8_t reset_value;
	le16 arm_boot;
	uint8_t minor;
	le64 x_facs_gpa;
	le64 x_dsdt_gpa;
	struct acpi_gas x_legacy_power[8];
	struct acpi_gas sleep_control;
	struct acpi_gas sleep_status;
	char hypervisor[8];
};
static_assert(offsetof(struct acpi_fadt, boot_arch) == 109, "ACPI");
static_assert(offsetof(struct acpi_fadt, reset_reg) == 116, "ACPI");
static_assert(offsetof(struct acpi_fadt, sleep_control) == 244, "ACPI");
static_assert(sizeof(struct acpi_fadt) == 276, "ACPI");

struct acpi_madt {
	struct acpi_header hdr;
	le32 lapic_gpa;
	le32 flags; /* 0 */
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

/* A device with a name, an id and ports; more may follow before aml_resources_end(). */
static void simple_device(struct buf *b, const char *name, const char *id, uint16_t port,
			  uint8_t n_ports, int irq)
{
	size_t dev = aml_device(b, name), crs;

	aml_name(b, "_HID");
	if (strncmp(id, "PNP", 3) == 0)
		aml_eisa_id(b, id);
	else
		aml_string(b, id);
	crs = aml_resources(b);
	aml_io(b, port, n_ports);
	if (irq >= 0)
		aml_isa_irq(b, (unsigned)irq);
	aml_resources_end(b, crs);
	aml_end(b, dev);
}

/* Reads the event register on every interrupt and tells the button. */
static void event_device(struct buf *b)
{
	size_t dev = aml_device(b, "GED_"), block, cond;

	aml_name(b, "_HID");
	aml_string(b, "ACPI0013");
	block = aml_resources(b);
	aml_edge_interrupt(b, KZ_GED_GSI);
	aml_resources_end(b, block);
	aml_port_field(b, "GEDR", "ESEL", KZ_GED_PORT);
	block = aml_method(b, "_EVT", 1);
	aml_op(b, AML_STORE);
	aml_path(b, "ESEL");
	aml_op(b, AML_LOCAL0);
	cond = aml_if(b);
	aml_op(b, AML_AND);
	aml_op(b, AML_LOCAL0);
	aml_int(b, KZ_GED_POWER);
	aml_int(b, 0);
	aml_op(b, AML_NOTIFY);
	aml_path(b, "\\_SB_.PWRB");
	aml_int(b, 0x80);
	aml_end(b, cond);
	aml_end(b, block);
	aml_end(b, dev);
}

static void named_int(struct buf *b, const char *name, uint64_t value)
{
	aml_name(b, name);
	aml_int(b, value);
}

/* One root bridge: its windows, and the device that has ECAM. */
static void pci_root(struct buf *b, uint64_t high)
{
	size_t dev = aml_device(b, "PCI0"), block;

	aml_name(b, "_HID");
	aml_eisa_id(b, "PNP0A08");
	aml_name(b, "_CID");
	aml_eisa_id(b, "PNP0A03");
	named_int(b, "_SEG", 0);
	named_int(b, "_BBN", 0);
	named_int(b, "_UID", 0);
	block = aml_resources(b);
	aml_bus_range(b, 0, 0);
	aml_io(b, KZ_PCI_CONFIG_PORT, 8);
	aml_window32(b, KZ_GPA_PCI_LOW, (uint32_t)(KZ_GPA_PCI_LOW_END - KZ_GPA_PCI_LOW));
	aml_window64(b, high, KZ_PCI_HIGH_SIZE);
	aml_resources_end(b, block);
	aml_end(b, dev);
	dev = aml_device(b, "ECAM");
	aml_name(b, "_HID");
	aml_eisa_id(b, "PNP0C02");
	block = aml_resources(b);
	aml_memory32(b, KZ_GPA_ECAM, KZ_ECAM_SIZE);
	aml_resources_end(b, block);
	aml_end(b, dev);
}

static uint64_t add_dsdt(struct acpi_tables *t, uint64_t pci_high)
{
	struct buf *b = &t->tables;
	struct acpi_header h = header("DSDT", 2);
	size_t at = b->len, scope, block;

	buf_add(b, &h, sizeof(h));
	scope = aml_scope(b, "\\_SB_");
	simple_device(b, "COM1", "PNP0501", KZ_COM1_PORT, 8, KZ_COM1_IRQ);
	simple_device(b, "RTC_", "PNP0B00", KZ_CMOS_PORT, 2, -1);
	simple_device(b, "PEVT", "QEMU0001", KZ_PVPANIC_PORT, 1, -1);
	block = aml_device(b, "PWRB");
	aml_name(b, "_HID");
	aml_eisa_id(b, "PNP0C0C");
	aml_end(b, block);
	event_device(b);
	pci_root(b, pci_high);
	aml_end(b, scope);
	aml_name(b, "\\_S5_");
	block = aml_package(b, 4);
	aml_int(b, KZ_SLEEP_S5 >> 2 & 7);
	for (unsigned i = 0; i < 3; i++)
		aml_int(b, 0);
	aml_end(b, block);
	return finish(t, at);
}

static uint64_t add_fadt(struct acpi_tables *t, uint64_t dsdt_gpa)
{
	struct acpi_gas port = { .space = 1, .bits = 8, .access = 1 };
	struct acpi_fadt fadt = {
		.hdr = header("FACP", FADT_REVISION),
		.dsdt_gpa = le32_of((uint32_t)dsdt_gpa),
		.pm_profile = PM_SERVER,
		.boot_arch = le16_of(BOOT_LEGACY_PARTS | BOOT_NO_VGA),
		.flags = le32_of(FADT_WBINVD | FADT_NO_FIXED_PWR | FADT_NO_FIXED_SLP |
				 FADT_NO_FIXED_RTC | FADT_RESET_REG | FADT_HEADLESS |
				 FADT_HW_REDUCED),
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
	buf_add(&t->tables, &fadt, sizeof(fadt));
	note_pointer(t, at + offsetof(struct acpi_fadt, dsdt_gpa), 4);
	note_pointer(t, at + offsetof(struct acpi_fadt, x_dsdt_gpa), 8);
	return finish(t, at);
}

static uint64_t add_madt(struct acpi_tables *t, unsigned n_vcpus)
{
	struct buf *b = &t->tables;
	struct acpi_madt madt = { .hdr = header("APIC", MADT_REVISION),
				  .lapic_gpa = le32_of(KZ_GPA_LAPIC) };
	struct acpi_madt_ioapic ioapic = { .type = 1,
					   .length = sizeof(ioapic),
					   .id = (uint8_t)n_vcpus,
					   .gpa = le32_of(KZ_GPA_IOAPIC) };
	struct acpi_madt_nmi nmi = {
		.type = 4, .length = sizeof(nmi), .uid = 0xff, .lint = 1
	};
	size_t at = b->len;

	buf_add(b, &madt, sizeof(madt));
	for (unsigned i = 0; i < n_vcpus; i++) {
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

int acpi_build(struct acpi_tables *t, uint64_t base, unsigned n_vcpus, uint64_t pci_high)
{
	uint64_t gpa[3];

	*t = (struct acpi_tables){ .base = base };
	gpa[0] = add_fadt(t, add_dsdt(t, pci_high));
	gpa[1] = add_madt(t, n_vcpus);
	gpa[2] = add_mcfg(t);
	make_rsdp(t, add_xsdt(t, gpa, ARRAY_SIZE(gpa)));
	return buf_error(&t->tables);
}

void acpi_fini(struct acpi_tables *t)
{
	buf_fini(&t->tables);
}

int acpi_write(const struct ram *ram, unsigned n_vcpus, uint64_t pci_high)
{
	cleanup(acpi_fini) struct acpi_tables t;
	int r = acpi_build(&t, LAYOUT_ACPI + ACPI_RSDP_SIZE, n_vcpus, pci_high);

	if (r < 0)
		return r;
	if (t.tables.len > LAYOUT_ACPI_SIZE - ACPI_RSDP_SIZE)
		return -EFAULT;
	r = ram_write(ram, LAYOUT_ACPI, t.rsdp, sizeof(t.rsdp));
	return r < 0 ? r : ram_write(ram, t.base, t.tables.p, t.tables.len);
}
