/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vtoy.h - a virtio device of memory; the test is the owner of its queues
 */
#ifndef KZ_TESTS_VIRTIO_VTOY_H
#define KZ_TESTS_VIRTIO_VTOY_H

#include "kzhost/dev/virtio.h"

#define VTOY_CONFIG 12u
#define VTOY_QUEUE  64u /* its queues' size */

struct vtoy {
	struct vdev v;
	uint8_t config[VTOY_CONFIG]; /* saved */
	unsigned resets;
};

extern const struct dev_class vtoy_class;

/* Carries out the order to stop of every queue that has one. */
void vtoy_obey(struct vdev *v);

#endif
