/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * disk.h - the command `disk`
 */
#ifndef GUEST_DISK_H
#define GUEST_DISK_H

#include "tests/guest/blk.h"

/* Runs `disk ARGS`. */
void disk_command(char *args);

/* `disk bench`, behind the disk's number: KIND BS DEPTH MS [QUEUES [POLL_US]] */
void disk_bench(struct blk *b, char *args);

#endif
