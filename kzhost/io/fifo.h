/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fifo.h - a byte queue of fixed size
 */
#ifndef KZ_IO_FIFO_H
#define KZ_IO_FIFO_H

#include "common/base/base.h"

struct fifo {
	uint8_t *bytes; /* owned */
	size_t size;
	size_t start; /* of the oldest byte */
	size_t len;
};

/* 0 or -ENOMEM. */
int fifo_init(struct fifo *fifo, size_t size);
void fifo_fini(struct fifo *fifo);

/* Appends what fits; returns how much that was. */
size_t fifo_put(struct fifo *fifo, const void *data, size_t len);

/* Appends all of it (the last size bytes of it), dropping the oldest bytes. */
void fifo_put_over(struct fifo *fifo, const void *data, size_t len);

/* The oldest bytes that lie together: their length, 0 when the queue is empty. */
size_t fifo_peek(const struct fifo *fifo, const uint8_t **ret_data);

/* Drops the oldest bytes; len is at most what the queue holds. */
void fifo_drop(struct fifo *fifo, size_t len);

static inline size_t fifo_room(const struct fifo *fifo)
{
	return fifo->size - fifo->len;
}

#endif
