// SPDX-License-Identifier: BSD-2-Clause
/*
 * blkio.c - what all engines share: choice, alignment, and requests that go on
 */
#include "kzhost/io/bounce.h"

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

static int open_bounce(struct blkio *b)
{
	if (b->backing.direct_fd < 0)
		return 0;
	b->bounce = calloc(1, sizeof(*b->bounce));
	return b->bounce ? bounce_init(b->bounce) : -ENOMEM;
}

static int open_engine(struct blkio *b, const struct blkio_engine *engine)
{
	int r;

#ifdef KZ_FAULT
	if (!engine)
		engine = blkio_fault_from_env();
#endif
	r = open_with(engine ? engine : &blkio_uring, b);
	if (!engine && no_uring(r))
		r = open_with(&blkio_sync, b);
	return r;
}

int blkio_new(const struct blkio_engine *engine, const struct blkio_backing *backing,
	      int kick_fd, unsigned depth, struct blkio **ret_blkio)
{
	cleanup(blkio_freep) struct blkio *b = calloc(1, sizeof(*b));
	int r;

	if (!b)
		return -ENOMEM;
	b->backing = *backing;
	b->kick_fd = kick_fd;
	b->depth = depth;
	r = open_bounce(b);
	if (r == 0)
		r = open_engine(b, engine);
	if (r < 0)
		return r;
	*ret_blkio = take_ptr(&b);
	return 0;
}

void blkio_free(struct blkio *b)
{
	if (!b)
		return;
	if (b->state)
		b->engine->close(b);
	if (b->bounce)
		bounce_fini(b->bounce);
	free(b->bounce);
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

static bool moves_data(const struct blkio_req *r)
{
	return r->op <= BLKIO_WRITE_THROUGH;
}

/* Its range is aligned for O_DIRECT, its memory is not. */
static bool needs_bounce(const struct blkio *b, const struct blkio_req *r)
{
	uint64_t range = b->backing.offset_align - 1;

	return b->bounce && moves_data(r) && !blkio_is_direct(b, r) &&
	       !((r->offset | (r->bytes - r->done)) & range);
}

/* An attempt at what is left of a request. */
static void begin(struct blkio *b, struct blkio_req *r)
{
	if (!needs_bounce(b, r) || bounce_take(b->bounce, r))
		b->engine->start(b, r);
}

void blkio_start(struct blkio *b, struct blkio_req *r)
{
	ASSERT(b->in_flight < b->depth);
	b->in_flight++;
	r->done = 0;
	r->error = 0;
	r->ended = false;
	r->refused = 0;
	r->own_iov = NULL;
	begin(b, r);
}

int blkio_submit(struct blkio *b)
{
	return b->engine->submit(b);
}

static bool waits_in_vain(const struct blkio *b)
{
	return b->cancelled && b->bounce && b->bounce->first;
}

bool blkio_ready(struct blkio *b)
{
	return b->engine->ready(b) || waits_in_vain(b);
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
		r->error = -EIO;
	/* It ends before its size. */
	r->ended = r->op == BLKIO_READ && r->result == 0 && r->error == -EIO;
	return true;
}

static struct blkio_req *end(struct blkio *b, struct blkio_req *r)
{
	b->in_flight--;
	b->cancelled = b->cancelled && b->in_flight > 0;
	return r;
}

/* An attempt came back; its buffer is for the request that has waited longest. */
static bool pass_bounce(struct blkio *b, struct blkio_req *r)
{
	struct blkio_req *next = NULL;

	if (b->bounce && bounce_give(b->bounce, r) && !b->cancelled)
		next = bounce_next(b->bounce);
	if (next)
		begin(b, next);
	return next;
}

struct blkio_req *blkio_reap(struct blkio *b)
{
	struct blkio_req *r;

	if (waits_in_vain(b)) {
		r = bounce_next(b->bounce);
		r->error = -ECANCELED;
		return end(b, r);
	}
	while ((r = b->engine->reap(b))) {
		bool passed = pass_bounce(b, r), over = is_over(b, r);

		if (!over)
			begin(b, r);
		if (passed || !over)
			b->engine->submit(b);
		if (over)
			return end(b, r);
	}
	return NULL;
}

int blkio_wait(struct blkio *b)
{
	return b->engine->wait(b);
}

uint64_t blkio_end(const struct blkio *b, uint64_t readable, uint64_t unreadable)
{
	while (readable < unreadable) {
		uint64_t at = readable + (unreadable - readable) / 2;
		uint8_t byte;
		struct iovec iov = { &byte, 1 };

		if (preadv(b->backing.buffered_fd, &iov, 1, (off_t)at) == 0)
			unreadable = at;
		else
			readable = at + 1;
	}
	return readable;
}

void blkio_cancel(struct blkio *b)
{
	b->cancelled = b->in_flight > 0;
	b->engine->cancel(b);
}
