/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * turns.h - two devices, one console: neither breaks into the other's line
 *
 * DOC: When the other one has to wait
 *
 * Output comes in pieces as small as the driver's FIFO, and between two pieces of one
 * line the other device may have something to say. It waits until the line has ended, but
 * never longer than TURNS_MS from when the line was first found unfinished: a prompt is
 * a line that does not end, and a guest that never ends one is to gain nothing by it.
 */
#ifndef KZ_IO_TURNS_H
#define KZ_IO_TURNS_H

#include "common/base/base.h"

#define TURNS_MS 250

struct turns { /* zeroed: at the start of a line */
	bool mid_line;
	unsigned speaker;  /* whose line it is */
	uint64_t since_ms; /* when it was first found unfinished */
};

/* May @who say something at @now_ms (of any clock that does not go back)? */
bool turns_may(const struct turns *t, unsigned who, uint64_t now_ms);

/* @who said something, and this was its @last byte. */
void turns_said(struct turns *t, unsigned who, char last, uint64_t now_ms);

/* Milliseconds until everybody may speak; 0: now. */
uint64_t turns_left(const struct turns *t, uint64_t now_ms);

#endif
