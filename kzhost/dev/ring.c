/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ring.c - copying in and out of a byte ring, at most two pieces each
 */
#include "kzhost/dev/ring.h"

#include <string.h>

size_t ring_write(struct ring *r, const void *data, size_t len)
{
	const uint8_t *from = data;
	size_t n = MIN(len, ring_room(r));
	size_t at = r->tail & (r->size - 1);
	size_t first = MIN(n, r->size - at);

	memcpy(r->data + at, from, first);
	memcpy(r->data, from + first, n - first);
	r->tail += (unsigned)n;
	return n;
}

size_t ring_read(struct ring *r, void *data, size_t size)
{
	uint8_t *to = data;
	size_t n = MIN(size, ring_used(r));
	size_t at = r->head & (r->size - 1);
	size_t first = MIN(n, r->size - at);

	memcpy(to, r->data + at, first);
	memcpy(to + first, r->data, n - first);
	r->head += (unsigned)n;
	return n;
}
