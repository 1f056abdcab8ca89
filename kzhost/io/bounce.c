// SPDX-License-Identifier: BSD-2-Clause
/*
 * bounce.c - aligned buffers for requests whose own memory O_DIRECT does not take
 */
#include "kzhost/io/bounce.h"

#include <string.h>
#include <sys/mman.h>

int bounce_init(struct bounce *b)
{
	void *mem = mmap(NULL, BOUNCE_N * BOUNCE_BYTES, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mem == MAP_FAILED)
		return -ENOMEM;
	*b = (struct bounce){ .mem = mem };
	b->last = &b->first;
	return 0;
}

void bounce_fini(struct bounce *b)
{
	if (b->mem)
		munmap(b->mem, BOUNCE_N * BOUNCE_BYTES);
	b->mem = NULL;
}

/* Copies the first @len bytes of a request's own memory to a buffer, or back. */
static void copy(const struct blkio_req *r, uint8_t *buffer, size_t len, bool back)
{
	for (const struct iovec *v = r->own_iov; len > 0; v++) {
		size_t part = MIN(v->iov_len, len);

		memcpy(back ? v->iov_base : buffer, back ? buffer : v->iov_base, part);
		buffer += part;
		len -= part;
	}
}

bool bounce_take(struct bounce *b, struct blkio_req *r)
{
	unsigned n = (unsigned)__builtin_ctz(~b->used);

	r->next = NULL;
	if (n >= BOUNCE_N) {
		*b->last = r;
		b->last = &r->next;
		return false;
	}
	b->used |= 1u << n;
	r->own_iov = r->iov;
	r->own_n_iov = r->n_iov;
	r->piece.iov_base = b->mem + n * BOUNCE_BYTES;
	r->piece.iov_len = MIN(r->bytes - r->done, BOUNCE_BYTES);
	r->iov = &r->piece;
	r->n_iov = 1;
	if (r->op != BLKIO_READ)
		copy(r, r->piece.iov_base, r->piece.iov_len, false);
	return true;
}

bool bounce_give(struct bounce *b, struct blkio_req *r)
{
	if (!r->own_iov)
		return false;
	if (r->op == BLKIO_READ && r->result > 0)
		copy(r, r->piece.iov_base, (size_t)r->result, true);
	b->used &= ~(1u << ((uint8_t *)r->piece.iov_base - b->mem) / BOUNCE_BYTES);
	r->iov = r->own_iov;
	r->n_iov = r->own_n_iov;
	r->own_iov = NULL;
	return true;
}

struct blkio_req *bounce_next(struct bounce *b)
{
	struct blkio_req *r = b->first;

	if (!r)
		return NULL;
	b->first = r->next;
	if (!b->first)
		b->last = &b->first;
	return r;
}
