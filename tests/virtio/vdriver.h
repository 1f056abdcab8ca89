/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vdriver.h - a virtio-pci driver in a test: programs a device through the bus, no vCPU
 *
 * struct vbed is a machine without KVM: memory, busses, a PCI bus, and in KVM's place a
 * list of what was bound where. The driver itself needs only a bus, so it drives a device
 * of a real struct vm as well.
 */
#ifndef KZ_TESTS_VIRTIO_VDRIVER_H
#define KZ_TESTS_VIRTIO_VDRIVER_H

#include "kzhost/dev/virtio_pci.h"
#include "tests/virtio/vring.h"

#define VBED_HIGH   0x400000000ull /* the window above 4 GiB */
#define VBED_ROUTES (PCI_SLOTS * MSIX_VECTORS_MAX)
#define VBED_KICKS  128

struct vbed {
	struct vmem mem;
	struct pci pci;
	struct bus pio, mmio;
	struct virtio_pci_ops ops;

	/* What KVM would know. */
	struct vbed_route {
		bool bound;
		int fd;
		uint64_t address;
		uint32_t data;
		unsigned binds, unbinds;
		unsigned injected; /* what was pending when it was bound */
	} route[VBED_ROUTES];
	struct vbed_kick {
		uint64_t gpa;
		int fd;
	} kick[VBED_KICKS];
	unsigned n_kicks;
	int refuse; /* not 0: what KVM answers to everything */

	unsigned problems; /* told by devices */
	char problem[96];
};

/* @mem_bytes: guest memory from address 0, whole pages. */
void vbed_init(struct vbed *b, size_t mem_bytes);
/* Devices first. */
void vbed_fini(struct vbed *b);

/* What a device behind @p is given by the machine. */
struct vdev_env vbed_env(struct vbed *b, struct virtio_pci *p);

/* Puts a device into a slot, its vectors from slot * MSIX_VECTORS_MAX, BARs assigned. */
void vbed_add(struct vbed *b, unsigned slot, struct virtio_pci *p, struct vdev *v);

/* Waits until the device has raised a vector that is bound, and takes it. */
void vbed_wait_irq(struct vbed *b, unsigned slot, unsigned vector);
/* Takes an interrupt that is there; false: there is none. */
bool vbed_take_irq(struct vbed *b, unsigned slot, unsigned vector);

struct vdriver {
	const struct bus *mmio;
	unsigned slot;
	uint64_t common, isr, device, notify, table, pba; /* guest physical; 0: none */
	uint32_t notify_step, device_len;
	unsigned n_vectors, window, msix; /* offsets of capabilities */
};

/* Finds the device's registers by its capabilities; the test fails without them. */
void vdriver_find(struct vdriver *d, const struct bus *mmio, unsigned slot);

/* Any address, and configuration space; an access that nobody takes reads all ones. */
uint64_t vdriver_read(const struct vdriver *d, uint64_t gpa, unsigned size);
void vdriver_write(const struct vdriver *d, uint64_t gpa, unsigned size, uint64_t value);
uint64_t vdriver_config_read(const struct vdriver *d, unsigned reg, unsigned size);
void vdriver_config_write(const struct vdriver *d, unsigned reg, unsigned size,
			  uint64_t value);

/* Offsets in the common configuration. */
enum vdriver_reg {
	VD_FEATURE_SELECT = 0,
	VD_FEATURES = 4,
	VD_ACCEPT_SELECT = 8,
	VD_ACCEPTED = 12,
	VD_CONFIG_VECTOR = 16,
	VD_N_QUEUES = 18,
	VD_STATUS = 20,
	VD_GENERATION = 21,
	VD_QUEUE_SELECT = 22,
	VD_QUEUE_SIZE = 24,
	VD_QUEUE_VECTOR = 26,
	VD_QUEUE_ENABLE = 28,
	VD_QUEUE_NOTIFY = 30,
	VD_QUEUE_DESC = 32,
	VD_QUEUE_DRIVER = 40,
	VD_QUEUE_DEVICE = 48,
	VD_END = 56,
};

/* Everything the device offers. */
uint64_t vdriver_offered(const struct vdriver *d);

/* Resets, and waits until the status reads 0. */
void vdriver_reset(const struct vdriver *d);

/* From reset to FEATURES_OK with these features, which must stick; MSI-X on, each vector
 * unmasked with address 0xfee00000 and its number as data. */
void vdriver_negotiate(const struct vdriver *d, uint64_t features);

/* One entry of the MSI-X table. */
void vdriver_vector(const struct vdriver *d, unsigned vector, uint64_t address,
		    uint32_t data, bool masked);

/* Sets a queue up with this ring and vector, and enables it. */
void vdriver_queue(const struct vdriver *d, unsigned queue, const struct vring *ring,
		   unsigned vector);

void vdriver_ok(const struct vdriver *d);
void vdriver_kick(const struct vdriver *d, unsigned queue);
uint8_t vdriver_status(const struct vdriver *d);

/* Waits, looking, until the ring has a used entry, and takes it. */
void vdriver_wait_used(struct vring *ring, uint32_t *ret_id, uint32_t *ret_len);

#endif
