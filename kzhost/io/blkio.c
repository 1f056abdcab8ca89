// SPDX-License-Identifier: BSD-2-Clause
/*
 * blkio.c - what all engines share: choice, alignment, and requests that go on
 */
#include "kzhost/io/blkio.h"

#ifdef KZ_FAULT
#include "kzhost/io/blkio_fault.h"
#endif

/* Attempts in a row that are refused for the moment before that is the request's error.
 */
#define REFUSED_MAX 10000

static int open_with(const struct blkio_engine *engine, struct blkio *b)
{
	b->engine = engine;
	return engine->open(b);
}

/* Disabled, forbidden, or without what it needs: the other engine has to do. */
static bool no_uring(int r)
{
	return r == -ENOSYS || r == -EPERM || r == -EACCES || r == -EINVAL;
}

int blkio_new(const struct blkio_engine *engine, const struct blkio_backing *backing,
	      int kick_fd, unsigned depth, struct blkio **ret_blkio)
{
	struct blkio *b = calloc(1, sizeof(*b));
	int r;

	if (!b)
		return -ENOMEM;
#ifdef KZ_FAULT
	if (!engine)
		engine = blkio_fault_from_env();
#endif
	b->backing = *backing;
	b->kick_fd = kick_fd;
	b->depth = depth;
	r = open_with(engine ? engine : &blkio_uring, b);
	if (!engine && no_uring(r))
		r = open_with(&blkio_sync, b);
	if (r < 0) {
		free(b);
		return r;
	}
	*ret_blkio = b;
	return 0;
}

void blkio_free(struct blkio *b)
{
	if (!b)
		return;
	b->engine->close(b);
	free(b);
}

int blkio_attach(struct blkio *b)
{
	return b->engine->attach(b);
}

bool blkio_is_direct(const struct blkio *b, const struct blkio_req *r)
{
	uint64_t mem = b->backing.mem_align - 1, range = b->backing.offset_align - 1;

	if (b->backing.direct_fd < 0 || r->offset & range)
		return false;
	for (unsigned i = 0; i < r->n_iov; i++) {
		if ((uintptr_t)r->iov[i].iov_base & mem || r->iov[i].iov_len & range)
			return false;
	}
	return true;
}

void blkio_start(struct blkio *b, struct blkio_req *r)
{
	ASSERT(b->in_flight < b->depth);
	b->in_flight++;
	r->done = 0;
	r->error = 0;
	r->refused = 0;
	b->engine->start(b, r);
}

int blkio_submit(struct blkio *b)
{
	return b->engine->submit(b);
}

bool blkio_ready(struct blkio *b)
{
	return b->engine->ready(b);
}

/* Leaves out the first @len bytes of what is still to be moved. */
static void advance(struct blkio_req *r, size_t len)
{
	while (r->n_iov > 0 && len >= r->iov->iov_len) {
		len -= r->iov->iov_len;
		r->iov++;
		r->n_iov--;
	}
	if (r->n_iov > 0) {
		r->iov->iov_base = (uint8_t *)r->iov->iov_base + len;
		r->iov->iov_len -= len;
	}
}

static bool moves_data(const struct blkio_req *r)
{
	return r->op <= BLKIO_WRITE_THROUGH;
}

/* True: what was tried is over and may be tried again, whole or from where it ended. */
static bool may_go_on(struct blkio_req *r)
{
	if (r->result == -EINTR || r->result == -EAGAIN)
		return ++r->refused < REFUSED_MAX;
	if (r->result < 0 || !moves_data(r))
		return false;
	r->refused = 0;
	r->done += (unsigned)r->result;
	r->offset += (unsigned)r->result;
	advance(r, (size_t)r->result);
	return r->done < r->bytes && r->result > 0;
}

/* True: the request is over. False: it shall be started again, for what is left. */
static bool is_over(const struct blkio *b, struct blkio_req *r)
{
	if (may_go_on(r)) {
		r->error = b->cancelled ? -ECANCELED : 0;
		return b->cancelled;
	}
	if (r->result < 0)
		r->error = r->result;
	else if (moves_data(r) && r->done < r->bytes)
		r->error = -EIO; /* the backing ends before its size */
	return true;
}

struct blkio_req *blkio_reap(struct blkio *b)
{
	struct blkio_req *r;

	while ((r = b->engine->reap(b))) {
		if (is_over(b, r)) {
			b->in_flight--;
			b->cancelled = b->cancelled && b->in_flight > 0;
			return r;
		}
		b->engine->start(b, r);
		b->engine->submit(b);
	}
	return NULL;
}

int blkio_wait(struct blkio *b)
{
	return b->engine->wait(b);
}

void blkio_cancel(struct blkio *b)
{
	b->cancelled = b->in_flight > 0;
	b->engine->cancel(b);
}
