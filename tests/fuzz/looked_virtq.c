// SPDX-License-Identifier: BSD-2-Clause
/*
 * looked_virtq.c - virtq.c, with a guest that may change things before each look
 */
#include "tests/fuzz/guest.h"

#define VIRTQ_LOOK(p, len) guest_look(p, len)

#include "kzhost/dev/virtq.c"
