/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vtoy.h - a virtio device of memory; the test is the owner of its queues
 */
#ifndef KZ_TESTS_VIRTIO_VTOY_H
#define KZ_TESTS_VIRTIO_VTOY_H

#include "tests/virtio/vdriver.h"

#define VTOY_CONFIG 12u
#define VTOY_QUEUE  64u /* its queues' size */

struct vtoy {
	struct vdev v;
	uint8_t config[VTOY_CONFIG]; /* saved */
	unsigned resets;
};

extern const struct dev_class vtoy_class;

#define VTOY_SLOT     5
#define VTOY_MEM      (1u << 20)
#define VTOY_N_QUEUES 3u

/* A machine with one in it, and its driver. */
struct vtoy_bed {
	struct vbed m;
	struct virtio_pci p;
	struct vtoy toy;
	struct vdriver d;
	struct vring ring; /* these two are the test's */
	struct errmsg e;
};

/* The driver has found the device. */
struct vtoy_bed *vtoy_bed_new(void);
/* Nothing stays bound. */
void vtoy_bed_free(struct vtoy_bed **b);

/* Carries out the order to stop of every queue that has one. */
void vtoy_obey(struct vdev *v);

#endif
