/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ring.h - bytes first in, first out, in storage of the owner's
 */
#ifndef KZ_DEV_RING_H
#define KZ_DEV_RING_H

#include "common/base/base.h"

struct ring {
	uint8_t *data; /* borrowed */
	unsigned size; /* a power of two */
	unsigned head; /* next to take; counts on without bound */
	unsigned tail; /* next free */
};

static inline unsigned ring_used(const struct ring *r)
{
	return r->tail - r->head;
}

static inline unsigned ring_room(const struct ring *r)
{
	return r->size - ring_used(r);
}

/* Needs room. */
static inline void ring_put(struct ring *r, uint8_t byte)
{
	r->data[r->tail++ & (r->size - 1)] = byte;
}

/* Needs at least one byte. */
static inline uint8_t ring_get(struct ring *r)
{
	return r->data[r->head++ & (r->size - 1)];
}

/* Copy in and out as much as there is; the number of bytes. */
size_t ring_write(struct ring *r, const void *data, size_t len);
size_t ring_read(struct ring *r, void *data, size_t size);

#endif
