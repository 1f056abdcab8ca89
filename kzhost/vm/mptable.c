/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mptable.c - processors, the ISA bus, the IOAPIC and who is wired to it
 *
 * KVM's default routing is told as it is: ISA interrupt n is pin n of the IOAPIC, the
 * timer's 0 included; pin 2 has the PIC's cascade and no source. All are edges, as
 * on ISA, and so is line 9 of the Generic Event Device.
 */
#include "kzhost/vm/mptable.h"
#include "common/base/buf.h"
#include "common/base/le.h"
#include "kzhost/vm/layout.h"

#include <string.h>

#define APIC_VERSION   0x14
#define IOAPIC_VERSION 0x11
#define SPEC_1_4       4
#define ISA_IRQS       16
#define CASCADE        2
#define ALL_APICS      0xff

enum mp_type { MP_CPU, MP_BUS, MP_IOAPIC, MP_INT, MP_LINT };
enum mp_int { MP_INT_VECTORED, MP_INT_NMI, MP_INT_SMI, MP_INT_EXT };

struct mp_pointer {
	char signature[4]; /* "_MP_" */
	le32 table_gpa;
	uint8_t length; /* 1: sixteen bytes */
	uint8_t version;
	uint8_t checksum;
	uint8_t features[5]; /* 0: there is a table, and no IMCR */
};
static_assert(sizeof(struct mp_pointer) == 16, "MP specification");

struct mp_header {
	char signature[4]; /* "PCMP" */
	le16 length;
	uint8_t version;
	uint8_t checksum;
	char oem[8];
	char product[12];
	le32 oem_gpa;
	le16 oem_length;
	le16 entries;
	le32 lapic_gpa;
	le16 ext_length;
	uint8_t ext_checksum;
	uint8_t reserved;
};
static_assert(sizeof(struct mp_header) == 44, "MP specification");

struct mp_cpu {
	uint8_t type;
	uint8_t apic_id;
	uint8_t apic_version;
	uint8_t flags; /* 1: enabled, 2: boots */
	le32 signature;
	le32 features;
	le64 reserved;
};
static_assert(sizeof(struct mp_cpu) == 20, "MP specification");

struct mp_bus {
	uint8_t type;
	uint8_t id;
	char name[6];
};
static_assert(sizeof(struct mp_bus) == 8, "MP specification");

struct mp_ioapic {
	uint8_t type;
	uint8_t id;
	uint8_t version;
	uint8_t flags; /* 1: enabled */
	le32 gpa;
};
static_assert(sizeof(struct mp_ioapic) == 8, "MP specification");

/* An interrupt source, of the IOAPIC or of the local APICs. */
struct mp_source {
	uint8_t type;
	uint8_t kind; /* enum mp_int */
	le16 flags;   /* 0: as the bus has it */
	uint8_t bus;
	uint8_t irq;
	uint8_t dest; /* APIC id */
	uint8_t pin;
};
static_assert(sizeof(struct mp_source) == 8, "MP specification");

static uint8_t checksum(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint8_t sum = 0;

	while (len-- > 0)
		sum = (uint8_t)(sum + *p++);
	return (uint8_t)-sum;
}

static void add_cpus(struct buf *b, unsigned n_vcpus)
{
	for (unsigned i = 0; i < n_vcpus; i++) {
		struct mp_cpu cpu = {
			.type = MP_CPU,
			.apic_id = (uint8_t)i,
			.apic_version = APIC_VERSION,
			.flags = i == 0 ? 3 : 1,
			.signature = le32_of(0x600),
			.features = le32_of(0x201), /* FPU, APIC */
		};

		buf_add(b, &cpu, sizeof(cpu));
	}
}

static void add_source(struct buf *b, enum mp_type type, enum mp_int kind, unsigned irq,
		       unsigned dest, unsigned pin)
{
	struct mp_source s = { .type = (uint8_t)type,
			       .kind = (uint8_t)kind,
			       .irq = (uint8_t)irq,
			       .dest = (uint8_t)dest,
			       .pin = (uint8_t)pin };

	buf_add(b, &s, sizeof(s));
}

/* The entries, in the order that the specification asks for; returns how many. */
static unsigned add_entries(struct buf *b, unsigned n_vcpus)
{
	struct mp_bus isa = { .type = MP_BUS, .name = { 'I', 'S', 'A', ' ', ' ', ' ' } };
	struct mp_ioapic ioapic = {
		.type = MP_IOAPIC,
		.id = (uint8_t)n_vcpus,
		.version = IOAPIC_VERSION,
		.flags = 1,
		.gpa = le32_of(KZ_GPA_IOAPIC),
	};
	unsigned n = n_vcpus + 2;

	add_cpus(b, n_vcpus);
	buf_add(b, &isa, sizeof(isa));
	buf_add(b, &ioapic, sizeof(ioapic));
	for (unsigned i = 0; i < ISA_IRQS; i++) {
		if (i == CASCADE)
			continue;
		add_source(b, MP_INT, MP_INT_VECTORED, i, ioapic.id, i);
		n++;
	}
	add_source(b, MP_LINT, MP_INT_EXT, 0, 0, 0);
	add_source(b, MP_LINT, MP_INT_NMI, 0, ALL_APICS, 1);
	return n + 2;
}

int mptable_write(const struct ram *ram, unsigned n_vcpus)
{
	cleanup(buf_fini) struct buf b = { 0 };
	struct mp_pointer ptr = {
		.signature = { '_', 'M', 'P', '_' },
		.table_gpa = le32_of(LAYOUT_BIOS + sizeof(ptr)),
		.length = 1,
		.version = SPEC_1_4,
	};
	struct mp_header hdr = {
		.signature = { 'P', 'C', 'M', 'P' },
		.version = SPEC_1_4,
		.oem = { 'K', 'Z', 'O', 'N', 'E', 'S', ' ', ' ' },
		.product = { 'Z', 'O', 'N', 'E', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ' },
		.lapic_gpa = le32_of(KZ_GPA_LAPIC),
	};
	unsigned n;

	buf_add(&b, &ptr, sizeof(ptr));
	buf_add(&b, &hdr, sizeof(hdr));
	n = add_entries(&b, n_vcpus);
	if (buf_error(&b) < 0)
		return buf_error(&b);
	hdr.entries = le16_of((uint16_t)n);
	hdr.length = le16_of((uint16_t)(b.len - sizeof(ptr)));
	memcpy(b.p + sizeof(ptr), &hdr, sizeof(hdr));
	hdr.checksum = checksum(b.p + sizeof(ptr), b.len - sizeof(ptr));
	ptr.checksum = checksum(&ptr, sizeof(ptr));
	memcpy(b.p, &ptr, sizeof(ptr));
	memcpy(b.p + sizeof(ptr), &hdr, sizeof(hdr));
	return ram_write(ram, LAYOUT_BIOS, b.p, b.len);
}
