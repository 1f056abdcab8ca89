// SPDX-License-Identifier: BSD-2-Clause
/*
 * looked_virtio.c - virtio.c, watched by guest.c; resets do not wait for another thread
 */
#include "tests/fuzz/guest.h"

#undef VDEV_RESET_WAIT_MS
#define VDEV_RESET_WAIT_MS 0
#define virtq_publish      guest_publish

#include "kzhost/dev/virtio.c"
