/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dsdt.c - the machine's devices in ACPI machine language
 *
 * Processors; serial port, clock, pvpanic; the Generic Event Device with the buttons and
 * the generation id that it reports; fw_cfg where there is firmware; the PCI root with
 * its windows, and the memory that ECAM takes, which is what kernels ask for before they
 * believe MCFG.
 */
#include "kzhost/vm/dsdt.h"
#include "common/proto/machine.h"
#include "kzhost/vm/aml.h"

#include <stdio.h>
#include <string.h>

#define NOTIFY_PRESSED 0x80
#define NOTIFY_CHANGED 0x80

/* Begins a device; ends with aml_end(). Ids of PNP are numbers, all others texts. */
static size_t device(struct buf *b, const char *name, const char *id)
{
	size_t dev = aml_device(b, name);

	aml_name(b, "_HID");
	if (strncmp(id, "PNP", 3) == 0)
		aml_eisa_id(b, id);
	else
		aml_string(b, id);
	return dev;
}

static void named_int(struct buf *b, const char *name, uint64_t value)
{
	aml_name(b, name);
	aml_int(b, value);
}

static void named_string(struct buf *b, const char *name, const char *value)
{
	aml_name(b, name);
	aml_string(b, value);
}

/* Its ports, and its ISA interrupt unless that is negative. */
static void port_device(struct buf *b, const char *name, const char *id, uint16_t port,
			uint8_t n_ports, int irq)
{
	size_t dev = device(b, name, id), crs = aml_resources(b);

	aml_io(b, port, n_ports);
	if (irq >= 0)
		aml_isa_irq(b, (unsigned)irq);
	aml_resources_end(b, crs);
	aml_end(b, dev);
}

/* If the bit is among the events: Notify (path, value). */
static void event(struct buf *b, unsigned bit, const char *path, uint8_t value)
{
	size_t cond = aml_if(b);

	aml_op(b, AML_AND);
	aml_op(b, AML_LOCAL0);
	aml_int(b, bit);
	aml_int(b, 0);
	aml_op(b, AML_NOTIFY);
	aml_path(b, path);
	aml_int(b, value);
	aml_end(b, cond);
}

/* Reads the event register on every interrupt and tells the devices that it names. */
static void event_device(struct buf *b)
{
	size_t dev = device(b, "GED_", "ACPI0013"), block = aml_resources(b);

	aml_edge_interrupt(b, KZ_GED_GSI);
	aml_resources_end(b, block);
	aml_port_field(b, "GEDR", "ESEL", KZ_GED_PORT);
	block = aml_method(b, "_EVT", 1);
	aml_op(b, AML_STORE);
	aml_path(b, "ESEL");
	aml_op(b, AML_LOCAL0);
	event(b, KZ_GED_POWER, "\\_SB_.PWRB", NOTIFY_PRESSED);
	event(b, KZ_GED_SLEEP, "\\_SB_.SLPB", NOTIFY_PRESSED);
	event(b, KZ_GED_VMGEN, "\\_SB_.VGEN", NOTIFY_CHANGED);
	aml_end(b, block);
	aml_end(b, dev);
}

/* One root bridge and its windows. */
static void pci_root(struct buf *b, uint64_t high)
{
	size_t dev = device(b, "PCI0", "PNP0A08"), block;

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
}

static void ecam(struct buf *b)
{
	size_t dev = device(b, "ECAM", "PNP0C02"), block = aml_resources(b);

	aml_memory32(b, KZ_GPA_ECAM, KZ_ECAM_SIZE);
	aml_resources_end(b, block);
	aml_end(b, dev);
}

/* One for each entry of the MADT, found by its unique id (ACPI 6.4, 5.2.12.2). */
static void processors(struct buf *b, unsigned n_vcpus)
{
	for (unsigned i = 0; i < n_vcpus; i++) {
		char name[8];
		size_t dev;

		snprintf(name, sizeof(name), "CP%02X", i & 0xff);
		dev = device(b, name, "ACPI0007");
		named_int(b, "_UID", i);
		aml_end(b, dev);
	}
}

/* Virtual Machine Generation ID: 16 bytes that are others whenever time went back. */
static void generation(struct buf *b, uint64_t gpa)
{
	size_t dev = device(b, "VGEN", "KZON0001"), block;

	named_string(b, "_CID", "VM_Gen_Counter");
	named_string(b, "_DDN", "VM_Gen_Counter");
	aml_name(b, "ADDR");
	block = aml_package(b, 2);
	aml_int(b, gpa & UINT32_MAX);
	aml_int(b, gpa >> 32);
	aml_end(b, block);
	aml_end(b, dev);
}

void dsdt_add(struct buf *b, const struct acpi_machine *m)
{
	size_t scope = aml_scope(b, "\\_SB_"), block;

	processors(b, m->n_vcpus);
	port_device(b, "COM1", "PNP0501", KZ_COM1_PORT, 8, KZ_COM1_IRQ);
	port_device(b, "RTC_", "PNP0B00", KZ_CMOS_PORT, 2, -1);
	port_device(b, "PEVT", "QEMU0001", KZ_PVPANIC_PORT, 1, -1);
	if (m->firmware)
		port_device(b, "FWCF", "QEMU0002", KZ_FWCFG_PORT, 12, -1);
	aml_end(b, device(b, "PWRB", "PNP0C0C"));
	aml_end(b, device(b, "SLPB", "PNP0C0E"));
	generation(b, m->generation_gpa);
	event_device(b);
	pci_root(b, m->pci_high);
	ecam(b);
	aml_end(b, scope);
	aml_name(b, "\\_S5_");
	block = aml_package(b, 4);
	aml_int(b, KZ_SLEEP_S5 >> 2 & 7);
	for (unsigned i = 0; i < 3; i++)
		aml_int(b, 0);
	aml_end(b, block);
}
