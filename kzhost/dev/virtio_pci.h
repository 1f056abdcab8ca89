/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio_pci.h - virtio over PCI, modern and MSI-X only (VIRTIO 1.2, 4.1)
 *
 * DOC: BAR 0
 *
 *	0000	common configuration (4.1.4.3)
 *	1000	ISR status (4.1.4.5): read to clear; there are no line interrupts
 *	2000	device configuration (4.1.4.6)
 *	3000	notifications (4.1.4.4): queue N at 4 * N, an ioeventfd each
 *	4000	MSI-X table
 *	5000	MSI-X pending bits
 *
 * and VIRTIO_PCI_CAP_PCI_CFG (4.1.4.9), the window through configuration space.
 *
 * DOC: Kicks
 *
 * A queue's ioeventfd is its kick_fd. All are bound when the driver first says DRIVER_OK,
 * and stay until the BAR moves: machines whose guest has no driver pay nothing. A kick
 * that comes meanwhile, or that KVM has no room for, is an exit and vdev_kick().
 *
 * DOC: Bus mastering
 *
 * A driver that switches it off while the device is at work, as Linux does before it
 * jumps into another kernel, must find memory left alone from then on: the device halts
 * until it is reset (PCI 3.0, 6.2.2). That it is on is not asked for: some firmware never
 * does.
 *
 * Locks: the bus's, then @lock, then the device's or the MSI-X table's.
 */
#ifndef KZ_DEV_VIRTIO_PCI_H
#define KZ_DEV_VIRTIO_PCI_H

#include "kzhost/dev/msix.h"
#include "kzhost/dev/virtio.h"

#define VIRTIO_PCI_BAR_SIZE 0x8000u

/* Parts of the BAR. */
#define VIRTIO_PCI_COMMON 0x0000u
#define VIRTIO_PCI_ISR    0x1000u
#define VIRTIO_PCI_DEVICE 0x2000u
#define VIRTIO_PCI_NOTIFY 0x3000u
#define VIRTIO_PCI_MSIX   0x4000u
#define VIRTIO_PCI_PBA    0x5000u
#define VIRTIO_PCI_PART   0x1000u /* size of each */

#define VIRTIO_PCI_NOTIFY_STEP 4u /* notify_off_multiplier */

/* Binds an eventfd to writes at a guest physical address, or takes it away again; on any
 * thread. 0 or -errno. */
struct virtio_pci_ops {
	int (*ioeventfd)(void *arg, uint64_t gpa, int fd, bool on);
	struct msix_ops msix;
	void *arg;
};

struct virtio_pci {
	struct pci_function fn;
	struct msix msix;
	struct vdev *vdev; /* borrowed */
	const struct virtio_pci_ops *ops;
	unsigned msix_cap, window_cap; /* offsets in configuration space */
	atomic_uint isr;               /* VIRTIO_ISR_* */
	bool master;                   /* the command register had it; the bus's lock */

	pthread_mutex_t lock; /* of all below */
	uint64_t bar_gpa;     /* where the BAR answers; 0: nowhere */
	bool driven;          /* there was a DRIVER_OK */
	uint64_t notify_gpa;  /* where the ioeventfds are; 0: nowhere */
};

/**
 * virtio_pci_init() - Put a device behind a PCI function
 * @p:		Zeroed
 * @vdev:	Set up by vdev_init(), whose env.interrupt is virtio_pci_interrupt(),
 *		whose env.isr is virtio_pci_isr() and whose env.arg is @p; borrowed
 * @gsi:	First of the device's interrupt numbers: MSIX_VECTORS_MAX of them
 *
 * Return: 0 or what eventfd(2) gave; virtio_pci_fini() may follow in every case
 */
int virtio_pci_init(struct virtio_pci *p, struct vdev *vdev,
		    const struct virtio_pci_ops *ops, unsigned gsi);
void virtio_pci_fini(struct virtio_pci *p);

extern const struct state_table virtio_pci_table;

/**
 * virtio_pci_save() - Append all of a function and its device to a record
 *
 * Return: what vdev_save() gave
 */
int virtio_pci_save(struct virtio_pci *p, struct buf *out);

/**
 * virtio_pci_load() - Make a function and its device what a record says
 * @p:		Just made, as the device; pci_place() follows when all are loaded
 *
 * Return: 0, -ENOMEM, or -EINVAL and a text; then both can only be freed
 */
int virtio_pci_load(struct virtio_pci *p, struct state_reader *r, struct errmsg *e);

/* env.interrupt of the device. */
void virtio_pci_interrupt(void *arg, unsigned vector);

/* env.isr of the device: queues only while MSI-X is off (4.1.4.5.1). */
void virtio_pci_isr(void *arg, unsigned bit);

#endif
