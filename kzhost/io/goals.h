/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * goals.h - find a text in a stream that comes in pieces
 *
 * What a guest writes to its console is watched for the text that says "I am up". The
 * search keeps no output: each byte moves one place in a table made from the text
 * (Knuth, Morris, Pratt), so a match may lie across any number of pieces, and the cost
 * of a byte is bounded whatever the guest writes.
 */
#ifndef KZ_IO_GOALS_H
#define KZ_IO_GOALS_H

#include "common/base/base.h"

#define GOALS_TEXT_MAX 127

struct goals {
	uint8_t text[GOALS_TEXT_MAX];
	uint8_t back[GOALS_TEXT_MAX]; /* how much still matches when the next does not */
	uint8_t len;                  /* 0: nothing is looked for */
	uint8_t matched;
	bool found;
};

/* @text: at most GOALS_TEXT_MAX bytes, "" looks for nothing; borrowed for the call. */
void goals_init(struct goals *g, const char *text);

/* The next piece of output. True once: when the text is complete. */
bool goals_feed(struct goals *g, const void *data, size_t len);

#endif
