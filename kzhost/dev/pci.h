/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pci.h - one PCI bus: configuration space by ports and by ECAM, BARs that move
 *
 * DOC: Shape
 *
 * 32 slots, one function each. A function is configuration space in bytes with a mask of
 * the bits that software may write, and up to six BARs with a table of handlers
 * (struct bus_ops: only naturally sized accesses inside the BAR arrive there, as from
 * bus.h). Slot 0 is the host bridge 8086:1237 with its PAM registers, which are memory
 * and nothing else here. Slots are fixed: console 1, entropy 2, disk N at 3 + N, network
 * N at 19 + N (KZ_PCI_SLOT_*).
 *
 * One lock for the bus: configuration accesses, BAR moves, and the search for the
 * function that answers at an address. It is released before a BAR's handler runs;
 * functions live as long as the bus. Any width and offset is safe: what crosses a dword
 * or is not there reads all ones and is not written.
 *
 * DOC: Where a BAR answers
 *
 * A BAR answers while memory decoding is on and it lies wholly inside one of the two
 * windows: what is written over RAM, ECAM or an interrupt controller answers nowhere.
 * Where two would overlap, that of the lower slot answers (in one slot: the lower BAR),
 * and the other one answers nowhere at all until it is moved or the first one goes. So no
 * two functions ever ask KVM for the same address.
 *
 * (PCI Local Bus 3.0, 6.1 to 6.2; PCI Express Base, 7.2.2 ECAM.)
 */
#ifndef KZ_DEV_PCI_H
#define KZ_DEV_PCI_H

#include "kzhost/dev/devstate.h"
#include "kzhost/vm/bus.h"

#include <pthread.h>

#define PCI_SLOTS  32
#define PCI_BARS   6
#define PCI_CONFIG 256

/* Standard registers. */
#define PCI_REG_COMMAND    0x04
#define PCI_REG_STATUS     0x06
#define PCI_REG_CAPS       0x34
#define PCI_COMMAND_MEM    0x0002
#define PCI_COMMAND_BUSM   0x0004
#define PCI_COMMAND_NOINTX 0x0400
#define PCI_STATUS_INTX    0x0008
#define PCI_STATUS_CAPS    0x0010
#define PCI_REG_BAR        0x10

struct pci_id {
	uint16_t vendor, device, subvendor, subdevice;
	uint8_t revision;
	uint32_t class; /* class, subclass, programming interface */
};

struct pci_bar {
	uint64_t size; /* a power of two from 4 KiB; 0: there is none */
	bool wide;     /* 64 bits: takes the next register too */
	const struct bus_ops *ops;
	uint64_t gpa; /* where it answers; 0: nowhere (memory decoding is off) */
};

struct pci_target {
	unsigned bar;
	uint64_t offset;
	unsigned size; /* 1, 2 or 4 */
};

struct pci_function {
	uint8_t config[PCI_CONFIG];
	uint8_t writable[PCI_CONFIG]; /* bits */
	uint8_t clears[PCI_CONFIG];   /* bits that writing a 1 clears */
	unsigned caps_end;            /* first free byte for a capability */
	uint8_t last_cap;
	struct pci_bar bar[PCI_BARS];
	void *dev; /* of the handlers; borrowed */

	/* After a write to [offset, offset + len), the bus locked; may be NULL. */
	void (*config_written)(void *dev, unsigned offset, unsigned len);
	/* Does the function's interrupt status bit read 1? The bus locked; NULL: never.
	 */
	bool (*intx_pending)(void *dev);
	/* A BAR answers at another address now (0: nowhere), the bus locked; may be NULL.
	 */
	void (*bar_moved)(void *dev, unsigned bar, uint64_t gpa);

	/*
	 * Four bytes of configuration space that are a window onto a BAR: a read of them
	 * reads there first, a write writes there afterwards, the bus not locked.
	 * Decoding need not be on. window_at, called with the bus locked, says where;
	 * false: nowhere.
	 */
	unsigned window; /* offset; 0: there is none */
	bool (*window_at)(void *dev, struct pci_target *ret_target);
};

struct pci {
	pthread_mutex_t lock;
	uint64_t high;    /* base of the window above RAM, KZ_PCI_HIGH_SIZE long */
	uint32_t address; /* port 0xcf8 */
	struct pci_function bridge;
	struct pci_function *slot[PCI_SLOTS]; /* borrowed; NULL: empty */
};

/*
 * Puts the host bridge into slot 0. @high: where the window above RAM begins.
 * pci_fini() when no vCPU runs any more.
 */
void pci_init(struct pci *pci, uint64_t high);
void pci_fini(struct pci *pci);

/* Sets up an empty function: header type 0, no BARs, no capabilities. */
void pci_function_init(struct pci_function *f, const struct pci_id *id, void *dev);

/* Adds a BAR, unassigned; a wide one with an even number. */
void pci_add_bar(struct pci_function *f, unsigned bar, uint64_t size, bool wide,
		 const struct bus_ops *ops);

/**
 * pci_add_capability() - Append to the list of capabilities
 * @id:		Capability id
 * @body:	What follows id and next
 *
 * Return: offset of the capability in configuration space; there is room for what the
 * devices here need, so it cannot fail
 */
unsigned pci_add_capability(struct pci_function *f, uint8_t id, const void *body,
			    unsigned len);

/* -EBUSY: the slot is taken; -ENOSPC: there is no such slot */
int pci_add(struct pci *pci, unsigned slot, struct pci_function *f);

/*
 * Gives every BAR an address in the window below 4 GiB, as firmware would have done, and
 * switches memory decoding on: for kernels that are booted directly, and not for those
 * whose registers were loaded.
 */
void pci_assign(struct pci *pci);

/*
 * Saving and loading, devstate.h; no vCPU runs. All of configuration space is saved: what
 * software cannot write tells whether it is the same function.
 */

extern const struct state_table pci_table, pci_function_table;

void pci_function_save(const struct pci_function *f, struct buf *out);

/**
 * pci_function_load() - Set a function's registers from a record
 *
 * Its BARs answer nowhere until pci_place(); who loads looks at the other registers.
 *
 * Return: 0, or -EINVAL and a text: the record ends, or registers that software cannot
 * write are other than this function's (another device, a BAR that is not aligned); then
 * nothing has changed
 */
int pci_function_load(struct pci_function *f, struct state_reader *r, struct errmsg *e);

/* The bridge with its PAM registers, and the address port; as pci_function_load(). */
void pci_save(const struct pci *pci, struct buf *out);
int pci_load(struct pci *pci, struct state_reader *r, struct errmsg *e);

/* All functions were loaded: BARs answer where their registers say. */
void pci_place(struct pci *pci);

/* For the busses of the machine; dev is the struct pci. */
extern const struct bus_ops pci_port_ops; /* KZ_PCI_CONFIG_PORT, 8 bytes */
extern const struct bus_ops pci_ecam_ops; /* KZ_GPA_ECAM, KZ_ECAM_SIZE */
extern const struct bus_ops pci_low_ops;  /* KZ_GPA_PCI_LOW … KZ_GPA_PCI_LOW_END */
extern const struct bus_ops pci_high_ops; /* pci->high, KZ_PCI_HIGH_SIZE */

#endif
