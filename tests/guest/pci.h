/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pci.h - PCI bus 0: configuration space, capabilities, BARs, MSI-X
 */
#ifndef GUEST_PCI_H
#define GUEST_PCI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PCI_BARS 6

/* Configuration registers, header type 0. */
#define PCI_VENDOR    0x00
#define PCI_DEVICE    0x02
#define PCI_COMMAND   0x04
#define PCI_STATUS    0x06
#define PCI_REVISION  0x08
#define PCI_CLASS     0x0a
#define PCI_HEADER    0x0e
#define PCI_BAR       0x10
#define PCI_SUBVENDOR 0x2c
#define PCI_SUBDEVICE 0x2e
#define PCI_CAPS      0x34

#define PCI_COMMAND_IO     0x0001
#define PCI_COMMAND_MEM    0x0002
#define PCI_COMMAND_MASTER 0x0004
#define PCI_STATUS_CAPS    0x0010

#define PCI_CAP_VENDOR 0x09
#define PCI_CAP_MSIX   0x11

/* MSI-X: message control and a table entry. */
#define MSIX_CONTROL        2
#define MSIX_TABLE          4
#define MSIX_PBA            8
#define MSIX_CONTROL_ENABLE 0x8000
#define MSIX_CONTROL_MASK   0x4000
#define MSIX_CONTROL_SIZE   0x07ff
#define MSIX_ENTRY_BYTES    16
#define MSIX_ENTRY_DATA     8
#define MSIX_ENTRY_CONTROL  12
#define MSIX_ENTRY_MASKED   0x01

struct pci_bar {
	uint64_t gpa, bytes; /* 0 bytes: there is none */
	bool is_port, is_wide;
};

struct pci_dev {
	uint8_t slot, function;
	uint16_t vendor, device, class;
	bool is_open; /* pci_open() has been there */
	struct pci_bar bar[PCI_BARS];
	uint8_t msix_cap;    /* 0: none */
	unsigned n_vectors;  /* entries of the MSI-X table */
	uintptr_t msix_gpa;  /* of the table */
	uintptr_t msix_pba;  /* of the pending bits */
	unsigned first_slot; /* entry e interrupts by slot (first_slot + e) % MSIX_N */
};

/* Who finds the devices: once, when first asked. Sets *ret_n. */
struct pci_dev *pci_devices(size_t *ret_n);

/* How configuration space is reached: by ECAM where there is one, else by ports. */
const char *pci_access_name(void);

/* One access of @width bytes (1, 2 or 4) at any offset, aligned or not. */
uint32_t pci_read(const struct pci_dev *d, unsigned offset, unsigned width);
void pci_write(const struct pci_dev *d, unsigned offset, unsigned width, uint32_t v);

/* The same by the way named. @by_ecam: only where firmware.ecam_gpa is set. */
uint32_t pci_read_by(bool by_ecam, const struct pci_dev *d, unsigned offset,
		     unsigned width);

/**
 * pci_capability() - Find a capability
 * @after:	0, or the offset of the one found before
 *
 * A list with a loop ends after 48 elements.
 *
 * Return: offset in configuration space, or 0
 */
unsigned pci_capability(const struct pci_dev *d, unsigned after, uint8_t id);

/**
 * pci_open() - Make a device usable
 *
 * Sizes its BARs, places those without address, switches memory decoding and bus
 * mastering on, and MSI-X with all vectors masked. Again: does nothing.
 *
 * Return: false when a BAR has no place or cannot be mapped
 */
bool pci_open(struct pci_dev *d);

/* Moves a memory BAR; 0 gives it a new place. Return: false as in pci_open() */
bool pci_move_bar(struct pci_dev *d, unsigned bar, uint64_t gpa);

/* Free space in the window below 4 GiB, or, when @high, above RAM; 0: none. */
uint64_t pci_place(uint64_t bytes, bool high);

/* Lets MSI-X entry @entry interrupt, or masks it. */
void pci_msix_unmask(struct pci_dev *d, unsigned entry);
void pci_msix_mask(struct pci_dev *d, unsigned entry);

/* Return: the slot of event_msix_count() on which @entry interrupts */
unsigned pci_msix_slot(const struct pci_dev *d, unsigned entry);

/* `pci`: lists the bus. */
void pci_list(void);

#endif
