// SPDX-License-Identifier: BSD-2-Clause
/*
 * fifo.c - a byte queue of fixed size
 */
#include "kzhost/io/fifo.h"

#include <string.h>

int fifo_init(struct fifo *fifo, size_t size)
{
	uint8_t *bytes = malloc(size);

	if (!bytes)
		return -ENOMEM;
	*fifo = (struct fifo){ .bytes = bytes, .size = size };
	return 0;
}

void fifo_fini(struct fifo *fifo)
{
	free(fifo->bytes);
	*fifo = (struct fifo){ 0 };
}

size_t fifo_put(struct fifo *fifo, const void *data, size_t len)
{
	size_t end, first;

	len = MIN(len, fifo_room(fifo));
	if (len == 0)
		return 0;
	end = (fifo->start + fifo->len) % fifo->size;
	first = MIN(len, fifo->size - end);
	memcpy(fifo->bytes + end, data, first);
	memcpy(fifo->bytes, (const uint8_t *)data + first, len - first);
	fifo->len += len;
	return len;
}

void fifo_put_over(struct fifo *fifo, const void *data, size_t len)
{
	size_t skip = len > fifo->size ? len - fifo->size : 0;

	len -= skip;
	if (len > fifo_room(fifo))
		fifo_drop(fifo, len - fifo_room(fifo));
	fifo_put(fifo, (const uint8_t *)data + skip, len);
}

size_t fifo_peek(const struct fifo *fifo, const uint8_t **ret_data)
{
	*ret_data = fifo->bytes + fifo->start;
	return MIN(fifo->len, fifo->size - fifo->start);
}

void fifo_drop(struct fifo *fifo, size_t len)
{
	ASSERT(len <= fifo->len);
	fifo->start = (fifo->start + len) % fifo->size;
	fifo->len -= len;
}
