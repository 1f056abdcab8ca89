// SPDX-License-Identifier: BSD-2-Clause
/*
 * looked_vrng.c - vrng.c, watched by guest.c
 */
#include "kzhost/dev/vrng.h"
#include "tests/fuzz/guest.h"

#define virtq_next guest_next
#define virtq_done guest_done

#include "kzhost/dev/vrng.c"
