// SPDX-License-Identifier: BSD-2-Clause
/*
 * looked_vcon.c - vcon.c, watched by guest.c
 */
#include "kzhost/dev/vcon.h"
#include "tests/fuzz/guest.h"

#define virtq_next guest_next
#define virtq_done guest_done

#include "kzhost/dev/vcon.c"
