// SPDX-License-Identifier: BSD-2-Clause
/*
 * goals.c - find a text in a stream that comes in pieces
 */
#include "kzhost/io/goals.h"

#include <string.h>

/* How much matches after one more byte. */
static uint8_t advance(const struct goals *g, uint8_t matched, uint8_t byte)
{
	while (matched && g->text[matched] != byte)
		matched = g->back[matched - 1];
	return (uint8_t)(matched + (g->text[matched] == byte));
}

void goals_init(struct goals *g, const char *text)
{
	size_t len = strlen(text);

	ASSERT(len <= GOALS_TEXT_MAX);
	*g = (struct goals){ .len = (uint8_t)len };
	memcpy(g->text, text, len);
	for (size_t i = 1; i < len; i++)
		g->back[i] = advance(g, g->back[i - 1], g->text[i]);
}

bool goals_feed(struct goals *g, const void *data, size_t len)
{
	const uint8_t *p = data;

	if (!g->len || g->found)
		return false;
	for (size_t i = 0; i < len; i++) {
		g->matched = advance(g, g->matched, p[i]);
		if (g->matched == g->len) {
			g->found = true;
			return true;
		}
	}
	return false;
}
