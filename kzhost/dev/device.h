/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * device.h - all kinds of virtio devices, in one list
 */
#ifndef KZ_DEV_DEVICE_H
#define KZ_DEV_DEVICE_H

#include "kzhost/dev/virtio.h"

/* Its order is the order of saving: new kinds are appended. */
extern const struct dev_class *const dev_classes[];
extern const unsigned n_dev_classes;

#endif
