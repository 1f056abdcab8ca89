/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vrng.h - entropy for the guest (VIRTIO 1.2, 5.4)
 *
 * Buffers are filled from the host's getrandom(2). A turn fills VRNG_TURN_MAX bytes at
 * most, of a large request only its beginning (the driver asks again when it wants more),
 * so a guest that asks without end holds up neither other devices nor the kernel.
 */
#ifndef KZ_DEV_VRNG_H
#define KZ_DEV_VRNG_H

#include "kzhost/io/slow.h"

#define VRNG_TURN_MAX (64 * KIB)

extern const struct dev_class vrng_class;
extern const struct slow_ops vrng_ops; /* of its one queue */

/* 0, -ENOMEM or what eventfd(2) gave. */
int vrng_new(const struct vdev_env *env, struct vdev **ret_vdev);

/* Its queue has stopped. */
void vrng_free(struct vdev *v);

#endif
