/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * device.c - the list of all kinds of virtio devices
 */
#include "kzhost/dev/device.h"

#include "kzhost/dev/vblk.h"
#include "kzhost/dev/vcon.h"
#include "kzhost/dev/vrng.h"

const struct dev_class *const dev_classes[] = {
	&vrng_class,
	&vblk_class,
	&vcon_class,
};
const unsigned n_dev_classes = ARRAY_SIZE(dev_classes);
