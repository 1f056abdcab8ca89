// SPDX-License-Identifier: BSD-2-Clause
/*
 * turns.c - two devices, one console: neither breaks into the other's line
 */
#include "kzhost/io/turns.h"

bool turns_may(const struct turns *t, unsigned who, uint64_t now_ms)
{
	return who == t->speaker || turns_left(t, now_ms) == 0;
}

void turns_said(struct turns *t, unsigned who, char last, uint64_t now_ms)
{
	bool mid_line = last != '\n';

	if (mid_line && (!t->mid_line || who != t->speaker))
		t->since_ms = now_ms;
	t->mid_line = mid_line;
	t->speaker = who;
}

uint64_t turns_left(const struct turns *t, uint64_t now_ms)
{
	uint64_t passed = now_ms - t->since_ms;

	return t->mid_line && passed < TURNS_MS ? TURNS_MS - passed : 0;
}
