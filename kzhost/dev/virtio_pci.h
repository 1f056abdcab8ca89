/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio_pci.h - virtio over PCI, modern and MSI-X only (VIRTIO 1.2, 4.1)
 *
 * DOC: BAR 0
 *
 *	0000	common configuration (4.1.4.3)
 *	1000	ISR status (4.1.4.5): read to clear, never set: there are no line
 *interrupts 2000	device configuration (4.1.4.6)
 *	3000	notifications (4.1.4.4): queue N at 4 * N, an ioeventfd each
 *	4000	MSI-X table
 *	5000	MSI-X pending bits
 *
 * and VIRTIO_PCI_CAP_PCI_CFG (4.1.4.9), the window through configuration space.
 */
#ifndef KZ_DEV_VIRTIO_PCI_H
#define KZ_DEV_VIRTIO_PCI_H

#include "kzhost/dev/msix.h"
#include "kzhost/dev/virtio.h"

#define VIRTIO_PCI_BAR_SIZE 0x8000u

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
	uint64_t notify_gpa; /* where the ioeventfds are; 0: nowhere */
};

/**
 * virtio_pci_init() - Put a device behind a PCI function
 * @p:		Zeroed
 * @vdev:	Set up by vdev_init(), whose env.interrupt is virtio_pci_interrupt() and
 *whose env.arg is @p; borrowed
 * @gsi:	First of the device's interrupt numbers: MSIX_VECTORS_MAX of them
 *
 * Return: 0 or what eventfd(2) gave; virtio_pci_fini() may follow in every case
 */
int virtio_pci_init(struct virtio_pci *p, struct vdev *vdev,
		    const struct virtio_pci_ops *ops, unsigned gsi);
void virtio_pci_fini(struct virtio_pci *p);

/* env.interrupt of the device. */
void virtio_pci_interrupt(void *arg, unsigned vector);

#endif
