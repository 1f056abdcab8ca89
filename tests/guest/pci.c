/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pci.c - PCI bus 0: configuration space, capabilities, BARs, MSI-X
 *
 * PCI Local Bus 3.0, 6.1 to 6.8; PCI Express Base 4.0, 7.2.2 (ECAM). Firmware has usually
 * placed the BARs; what it left at 0 gets a place in kzhost's windows (machine.h), which
 * on QEMU's machines lie in the hole below 4 GiB as well.
 */
#include "common/proto/machine.h"
#include "tests/guest/apic.h"
#include "tests/guest/boot.h"
#include "tests/guest/firmware.h"
#include "tests/guest/gate.h"
#include "tests/guest/paging.h"
#include "tests/guest/pci.h"
#include "tests/guest/print.h"

#define DEVS_MAX      40
#define SLOTS         32
#define CAPS_FIRST    0x40
#define CAPS_MAX      48
#define HEADER_MULTI  0x80
#define HEADER_TYPE   0x7f
#define CONFIG_ENABLE 0x80000000u
#define CONFIG_DATA   (KZ_PCI_CONFIG_PORT + 4)
#define BAR_PORT      0x01
#define BAR_WIDE      0x04
#define BAR_FLAGS     0x0fu
#define BAR_UNKNOWN   0x100000 /* size of BARs that nobody has asked yet */
#define MSI_ADDRESS   KZ_GPA_LAPIC

static struct {
	size_t n;
	struct pci_dev *dev; /* DEVS_MAX of them; NULL: not looked for yet */
	unsigned slots_used; /* of interrupts, free running */
} pci;

static uint32_t read_port(unsigned bdf, unsigned offset, unsigned width)
{
	uint16_t port = (uint16_t)(CONFIG_DATA + (offset & 3));

	port_out32(KZ_PCI_CONFIG_PORT, CONFIG_ENABLE | bdf << 8 | (offset & 0xfc));
	switch (width) {
	case 1:
		return port_in8(port);
	case 2:
		return port_in16(port);
	default:
		return port_in32(port);
	}
}

static uint32_t read_ecam(unsigned bdf, unsigned offset, unsigned width)
{
	uintptr_t gpa = firmware.ecam_gpa + (bdf << 12) + offset;

	switch (width) {
	case 1:
		return mmio_read8(gpa);
	case 2:
		return mmio_read16(gpa);
	default:
		return mmio_read32(gpa);
	}
}

static unsigned bdf_of(const struct pci_dev *d)
{
	return d->slot << 3u | d->function;
}

uint32_t pci_read_by(bool by_ecam, const struct pci_dev *d, unsigned offset,
		     unsigned width)
{
	return by_ecam ? read_ecam(bdf_of(d), offset, width)
		       : read_port(bdf_of(d), offset, width);
}

uint32_t pci_read(const struct pci_dev *d, unsigned offset, unsigned width)
{
	return pci_read_by(firmware.ecam_gpa != 0, d, offset, width);
}

static void write_port(unsigned bdf, unsigned offset, unsigned width, uint32_t v)
{
	uint16_t port = (uint16_t)(CONFIG_DATA + (offset & 3));

	port_out32(KZ_PCI_CONFIG_PORT, CONFIG_ENABLE | bdf << 8 | (offset & 0xfc));
	if (width == 1)
		port_out8(port, (uint8_t)v);
	else if (width == 2)
		port_out16(port, (uint16_t)v);
	else
		port_out32(port, v);
}

void pci_write(const struct pci_dev *d, unsigned offset, unsigned width, uint32_t v)
{
	uintptr_t gpa = firmware.ecam_gpa + (bdf_of(d) << 12) + offset;

	if (!firmware.ecam_gpa)
		write_port(bdf_of(d), offset, width, v);
	else if (width == 1)
		mmio_write8(gpa, (uint8_t)v);
	else if (width == 2)
		mmio_write16(gpa, (uint16_t)v);
	else
		mmio_write32(gpa, v);
}

const char *pci_access_name(void)
{
	return firmware.ecam_gpa ? "ECAM" : "ports";
}

/* Return: the header type byte, 0xff when there is no such function */
static unsigned scan_function(uint8_t slot, uint8_t function)
{
	struct pci_dev d = { .slot = slot, .function = function };
	uint32_t id = pci_read(&d, PCI_VENDOR, 4);

	d.vendor = (uint16_t)id;
	d.device = (uint16_t)(id >> 16);
	if (d.vendor == 0xffff)
		return 0xff;
	d.class = (uint16_t)pci_read(&d, PCI_CLASS, 2);
	if (pci.n < DEVS_MAX)
		pci.dev[pci.n++] = d;
	return pci_read(&d, PCI_HEADER, 1);
}

static void scan(void)
{
	for (uint8_t slot = 0; slot < SLOTS; slot++) {
		unsigned header = scan_function(slot, 0);

		for (uint8_t f = 1; header != 0xff && header & HEADER_MULTI && f < 8; f++)
			scan_function(slot, f);
	}
}

struct pci_dev *pci_devices(size_t *ret_n)
{
	if (!pci.dev && (pci.dev = paging_alloc(DEVS_MAX * sizeof(*pci.dev))))
		scan();
	*ret_n = pci.n;
	return pci.dev;
}

unsigned pci_capability(const struct pci_dev *d, unsigned after, uint8_t id)
{
	unsigned at = after ? after + 1 : PCI_CAPS;

	if (!(pci_read(d, PCI_STATUS, 2) & PCI_STATUS_CAPS))
		return 0;
	for (unsigned i = 0; i < CAPS_MAX; i++) {
		unsigned cap = pci_read(d, at, 1) & 0xfc;

		if (cap < CAPS_FIRST)
			return 0;
		if (pci_read(d, cap, 1) == id)
			return cap;
		at = cap + 1;
	}
	return 0;
}

/* Reads a BAR and its size. Memory decoding is off. Return: registers it takes */
static unsigned size_bar(struct pci_dev *d, unsigned n)
{
	unsigned at = PCI_BAR + 4 * n;
	struct pci_bar *b = &d->bar[n];
	uint32_t low = pci_read(d, at, 4), high = 0, mask;
	uint64_t wide_mask = 0xffffffff00000000ul;

	b->is_port = low & BAR_PORT;
	b->is_wide = !b->is_port && low & BAR_WIDE && n + 1 < PCI_BARS;
	pci_write(d, at, 4, 0xffffffff);
	mask = pci_read(d, at, 4) & ~(b->is_port ? 3u : BAR_FLAGS);
	pci_write(d, at, 4, low);
	if (b->is_wide) {
		high = pci_read(d, at + 4, 4);
		pci_write(d, at + 4, 4, 0xffffffff);
		wide_mask = (uint64_t)pci_read(d, at + 4, 4) << 32;
		pci_write(d, at + 4, 4, high);
	}
	b->bytes = mask ? -(wide_mask | mask) : 0;
	if (b->is_port)
		b->bytes = (uint16_t)b->bytes;
	b->gpa = (uint64_t)high << 32 | (low & ~(b->is_port ? 3u : BAR_FLAGS));
	return b->is_wide ? 2 : 1;
}

/* Where a BAR is, as its registers say; 0: nowhere, or in port space. */
static uint64_t bar_base(const struct pci_dev *d, unsigned n)
{
	uint32_t low = pci_read(d, PCI_BAR + 4 * n, 4);
	uint64_t high = 0;

	if (low & BAR_PORT)
		return 0;
	if (low & BAR_WIDE && n + 1 < PCI_BARS)
		high = pci_read(d, PCI_BAR + 4 * n + 4, 4);
	return high << 32 | (low & ~BAR_FLAGS);
}

/* Return: the end of a BAR that overlaps the range, or 0 */
static uint64_t taken_until(uint64_t at, uint64_t bytes)
{
	for (size_t i = 0; i < pci.n; i++) {
		const struct pci_dev *d = &pci.dev[i];

		if (pci_read(d, PCI_HEADER, 1) & HEADER_TYPE)
			continue;
		for (unsigned n = 0; n < PCI_BARS; n++) {
			uint64_t base = bar_base(d, n);
			uint64_t size = d->is_open ? d->bar[n].bytes : BAR_UNKNOWN;

			/* The upper half of a wide one is taken for one: no harm. */
			if (base && base < at + bytes && at < base + size)
				return base + size;
			n += base && d->bar[n].is_wide;
		}
	}
	return 0;
}

uint64_t pci_place(uint64_t bytes, bool high)
{
	uint64_t at = KZ_GPA_PCI_LOW, end = KZ_GPA_PCI_LOW_END, taken;

	if (high) {
		at = KZ_GPA_RAM_HIGH;
		for (size_t i = 0; i < boot_info.n_ranges; i++) {
			if (boot_info.ranges[i].end > at)
				at = boot_info.ranges[i].end;
		}
		at = (at + KZ_PCI_HIGH_SIZE - 1) & ~(KZ_PCI_HIGH_SIZE - 1);
		end = at + KZ_PCI_HIGH_SIZE;
	}
	while (at < end && bytes <= end - at) {
		taken = taken_until(at, bytes);
		if (!taken)
			return at;
		at = (taken + bytes - 1) & ~(bytes - 1);
	}
	return 0;
}

bool pci_move_bar(struct pci_dev *d, unsigned bar, uint64_t gpa)
{
	struct pci_bar *b = &d->bar[bar];

	if (!gpa)
		gpa = pci_place(b->bytes, false);
	if (!gpa || !paging_map_device(gpa, b->bytes))
		return false;
	pci_write(d, PCI_BAR + 4 * bar, 4, (uint32_t)gpa);
	if (b->is_wide)
		pci_write(d, PCI_BAR + 4 * bar + 4, 4, (uint32_t)(gpa >> 32));
	b->gpa = gpa;
	if (d->msix_cap) {
		uint32_t table = pci_read(d, d->msix_cap + MSIX_TABLE, 4);
		uint32_t pba = pci_read(d, d->msix_cap + MSIX_PBA, 4);

		d->msix_gpa = d->bar[(table & 7) % PCI_BARS].gpa + (table & ~7u);
		d->msix_pba = d->bar[(pba & 7) % PCI_BARS].gpa + (pba & ~7u);
	}
	return true;
}

static void msix_open(struct pci_dev *d)
{
	uint32_t control = pci_read(d, d->msix_cap + MSIX_CONTROL, 2);

	d->n_vectors = (control & MSIX_CONTROL_SIZE) + 1;
	d->first_slot = pci.slots_used;
	pci.slots_used += d->n_vectors;
	pci_write(d, d->msix_cap + MSIX_CONTROL, 2,
		  (control | MSIX_CONTROL_ENABLE) & ~(uint32_t)MSIX_CONTROL_MASK);
}

bool pci_open(struct pci_dev *d)
{
	uint32_t command = pci_read(d, PCI_COMMAND, 2);

	if (d->is_open)
		return true;
	if (pci_read(d, PCI_HEADER, 1) & HEADER_TYPE)
		return false;
	d->msix_cap = (uint8_t)pci_capability(d, 0, PCI_CAP_MSIX);
	pci_write(d, PCI_COMMAND, 2, command & ~(uint32_t)(PCI_COMMAND_MEM));
	for (unsigned i = 0; i < PCI_BARS;)
		i += size_bar(d, i);
	for (unsigned i = 0; i < PCI_BARS; i++) {
		if (d->bar[i].bytes && !d->bar[i].is_port &&
		    !pci_move_bar(d, i, d->bar[i].gpa))
			return false;
	}
	pci_write(d, PCI_COMMAND, 2, command | PCI_COMMAND_MEM | PCI_COMMAND_MASTER);
	if (d->msix_cap)
		msix_open(d);
	d->is_open = true;
	return true;
}

unsigned pci_msix_slot(const struct pci_dev *d, unsigned entry)
{
	return (d->first_slot + entry) % MSIX_N;
}

void pci_msix_unmask(struct pci_dev *d, unsigned entry)
{
	uintptr_t e = d->msix_gpa + entry * MSIX_ENTRY_BYTES;

	mmio_write32(e, (uint32_t)(MSI_ADDRESS | apic_id() << 12));
	mmio_write32(e + 4, 0);
	mmio_write32(e + MSIX_ENTRY_DATA, VEC_MSIX + pci_msix_slot(d, entry));
	mmio_write32(e + MSIX_ENTRY_CONTROL, 0);
}

void pci_msix_mask(struct pci_dev *d, unsigned entry)
{
	uintptr_t e = d->msix_gpa + entry * MSIX_ENTRY_BYTES;

	mmio_write32(e + MSIX_ENTRY_CONTROL, MSIX_ENTRY_MASKED);
}

void pci_list(void)
{
	size_t n;
	struct pci_dev *devs = pci_devices(&n);

	for (size_t i = 0; i < n; i++) {
		struct pci_dev *d = &devs[i];

		print("pci 00:%02x.%u: %04x:%04x class %04x", d->slot, d->function,
		      d->vendor, d->device, d->class);
		for (unsigned b = 0; d->is_open && b < PCI_BARS; b++) {
			if (d->bar[b].bytes)
				print(", bar %u %lx+%lx%s", b, d->bar[b].gpa,
				      d->bar[b].bytes, d->bar[b].is_port ? " port" : "");
		}
		if (d->n_vectors)
			print(", msix %u", d->n_vectors);
		print("\n");
	}
	print("pci: %lu functions, by %s\n", n, pci_access_name());
}
