/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio.h - virtio devices on PCI: registers, negotiation, queues
 *
 * VIRTIO 1.2, 3.1 and 4.1; modern devices only.
 */
#ifndef GUEST_VIRTIO_H
#define GUEST_VIRTIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/guest/gate.h"
#include "tests/guest/pci.h"
#include "tests/guest/vring.h"

#define VIRTIO_QUEUES_MAX 64
#define VIRTIO_NO_VECTOR  0xffff
#define VIRTIO_ANSWER_MS  40000 /* a device that has not answered by then hangs */

/* Device types (5). */
#define VIRTIO_BLOCK   2
#define VIRTIO_CONSOLE 3
#define VIRTIO_ENTROPY 4

/* Status bits (2.1). */
#define VIRTIO_S_ACKNOWLEDGE 0x01
#define VIRTIO_S_DRIVER      0x02
#define VIRTIO_S_DRIVER_OK   0x04
#define VIRTIO_S_FEATURES_OK 0x08
#define VIRTIO_S_NEEDS_RESET 0x40
#define VIRTIO_S_FAILED      0x80

/* Feature bits (6). */
#define VIRTIO_F_INDIRECT   (1ul << 28)
#define VIRTIO_F_EVENT_IDX  (1ul << 29)
#define VIRTIO_F_VERSION_1  (1ul << 32)
#define VIRTIO_F_PACKED     (1ul << 34)
#define VIRTIO_F_NOTIF_DATA (1ul << 38)
#define VIRTIO_F_RING_RESET (1ul << 40)
#define VIRTIO_F_RINGS      (VIRTIO_F_INDIRECT | VIRTIO_F_EVENT_IDX | VIRTIO_F_VERSION_1)

/* Common configuration (4.1.4.3): offset and width; 64-bit fields as two halves. */
#define CC_DEVICE_FEATURE_SELECT 0
#define CC_DEVICE_FEATURE        4
#define CC_DRIVER_FEATURE_SELECT 8
#define CC_DRIVER_FEATURE        12
#define CC_CONFIG_VECTOR         16 /* 16 bits */
#define CC_NUM_QUEUES            18 /* 16 bits */
#define CC_STATUS                20 /* 8 bits */
#define CC_GENERATION            21 /* 8 bits */
#define CC_QUEUE_SELECT          22 /* 16 bits, as the next four */
#define CC_QUEUE_SIZE            24
#define CC_QUEUE_VECTOR          26
#define CC_QUEUE_ENABLE          28
#define CC_QUEUE_NOTIFY_OFF      30
#define CC_QUEUE_DESC            32 /* 64 bits, as the next two */
#define CC_QUEUE_DRIVER          40
#define CC_QUEUE_DEVICE          48
#define CC_BYTES                 56

/* Kinds of structures that capabilities name (4.1.4). */
enum virtio_cap {
	VIRTIO_CAP_COMMON = 1,
	VIRTIO_CAP_NOTIFY,
	VIRTIO_CAP_ISR,
	VIRTIO_CAP_DEVICE,
	VIRTIO_CAP_PCI,
	VIRTIO_CAP_N
};

struct virtio_region {
	uint8_t cap; /* offset of the capability; 0: none */
	uint8_t bar;
	uint32_t offset, len;
	uintptr_t gpa;
};

struct virtio_dev {
	struct pci_dev *pci;
	unsigned type;
	struct virtio_region region[VIRTIO_CAP_N];
	uint32_t notify_mult;
	uint64_t features; /* accepted */
	unsigned n_queues; /* that the device has */
	struct vring *queue[VIRTIO_QUEUES_MAX];
};

/**
 * virtio_find() - The @n-th device of a type, by slot
 *
 * Return: the device, usable, in no particular state; NULL when there is none (nothing is
 * printed)
 */
struct virtio_dev *virtio_find(unsigned type, unsigned n);

/* Every access at its natural width. */
static inline uintptr_t virtio_common(const struct virtio_dev *d)
{
	return d->region[VIRTIO_CAP_COMMON].gpa;
}

static inline uint32_t cc_read32(const struct virtio_dev *d, unsigned field)
{
	return mmio_read32(virtio_common(d) + field);
}

static inline uint16_t cc_read16(const struct virtio_dev *d, unsigned field)
{
	return mmio_read16(virtio_common(d) + field);
}

static inline void cc_write32(const struct virtio_dev *d, unsigned field, uint32_t v)
{
	mmio_write32(virtio_common(d) + field, v);
}

static inline void cc_write16(const struct virtio_dev *d, unsigned field, uint16_t v)
{
	mmio_write16(virtio_common(d) + field, v);
}

static inline void cc_write64(const struct virtio_dev *d, unsigned field, uint64_t v)
{
	cc_write32(d, field, (uint32_t)v);
	cc_write32(d, field + 4, (uint32_t)(v >> 32));
}

uint8_t virtio_status(const struct virtio_dev *d);
void virtio_set_status(const struct virtio_dev *d, uint8_t status);

/* Device configuration; 64 bits as two halves. */
uint8_t virtio_config8(const struct virtio_dev *d, unsigned offset);
uint16_t virtio_config16(const struct virtio_dev *d, unsigned offset);
uint32_t virtio_config32(const struct virtio_dev *d, unsigned offset);
uint64_t virtio_config64(const struct virtio_dev *d, unsigned offset);

/* Writes 0 to the status, waits until it reads 0. Return: false after a second */
bool virtio_reset(struct virtio_dev *d);

uint64_t virtio_offered(const struct virtio_dev *d);
void virtio_accept(struct virtio_dev *d, uint64_t features);

/**
 * virtio_negotiate() - Reset, then everything up to FEATURES_OK
 * @wanted:	Features; those that are not offered are left out
 *
 * Return: false when the device does not keep FEATURES_OK
 */
bool virtio_negotiate(struct virtio_dev *d, uint64_t wanted);

/**
 * virtio_queue() - Set up a queue and enable it, with the MSI-X entry 1 + @index
 * @index:	Its number; entries are shared when the table is short
 *
 * Return: the ring, d->queue[index]; NULL when the device has no such queue, or without
 * memory
 */
struct vring *virtio_queue(struct virtio_dev *d, unsigned index);

/* Points queue registers at a ring and enables the queue, with no more thought. */
void virtio_queue_program(struct virtio_dev *d, struct vring *r, unsigned entry);

/**
 * virtio_start() - All of the above: negotiate, @n_queues queues, DRIVER_OK
 *
 * Says what is wrong with the device if it is not possible.
 *
 * Return: false then
 */
bool virtio_start(struct virtio_dev *d, uint64_t wanted, unsigned n_queues);

/* The MSI-X entry of a queue: 1 + @index, or less when the table is short. */
unsigned virtio_entry(const struct virtio_dev *d, unsigned index);

/**
 * virtio_wait() - Wait until a ring has something used
 * @ms:		How long at most; polls a little, then halts
 *
 * Return: true when there is something; false on timeout or ^C
 */
bool virtio_wait(struct vring *r, unsigned ms);

const char *virtio_type_name(unsigned type);

#endif
