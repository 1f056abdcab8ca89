// SPDX-License-Identifier: BSD-2-Clause
/*
 * blkio_sync.c - the engine for hosts without io_uring: each request is a system call
 *
 * blkio_submit() carries out what was started, in order; it blocks the queue's owner and
 * nobody else.
 */
#include "kzhost/io/blkio.h"

#include <fcntl.h>
#include <poll.h>

struct sync {
	struct blkio_req *started, **last; /* in order */
	struct blkio_req *complete, **last_complete;
};

static int sync_open(struct blkio *b)
{
	struct sync *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->last = &s->started;
	s->last_complete = &s->complete;
	b->state = s;
	return 0;
}

static int sync_attach(struct blkio *b)
{
	return 0;
}

static void sync_start(struct blkio *b, struct blkio_req *r)
{
	struct sync *s = b->state;

	r->next = NULL;
	*s->last = r;
	s->last = &r->next;
}

static ssize_t do_read(int fd, const struct blkio_req *r)
{
	return preadv(fd, r->iov, (int)r->n_iov, (off_t)r->offset);
}

static ssize_t do_write(int fd, const struct blkio_req *r)
{
	return pwritev(fd, r->iov, (int)r->n_iov, (off_t)r->offset);
}

static ssize_t do_write_through(int fd, const struct blkio_req *r)
{
	return pwritev2(fd, r->iov, (int)r->n_iov, (off_t)r->offset, RWF_DSYNC);
}

static ssize_t do_flush(int fd, const struct blkio_req *r)
{
	return fdatasync(fd);
}

static ssize_t do_discard(int fd, const struct blkio_req *r)
{
	return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)r->offset,
			 (off_t)r->bytes);
}

static ssize_t do_zero(int fd, const struct blkio_req *r)
{
	return fallocate(fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, (off_t)r->offset,
			 (off_t)r->bytes);
}

static ssize_t (*const calls[BLKIO_OP_N])(int fd, const struct blkio_req *r) = {
	[BLKIO_READ] = do_read,       [BLKIO_WRITE] = do_write,
	[BLKIO_FLUSH] = do_flush,     [BLKIO_WRITE_THROUGH] = do_write_through,
	[BLKIO_DISCARD] = do_discard, [BLKIO_ZERO] = do_zero,
};

static int sync_submit(struct blkio *b)
{
	struct sync *s = b->state;
	struct blkio_req *r;

	while ((r = s->started)) {
		ssize_t n = calls[r->op](blkio_fd(b, blkio_is_direct(b, r)), r);

		s->started = r->next;
		r->result = n < 0 ? -errno : (int)n;
		r->next = NULL;
		*s->last_complete = r;
		s->last_complete = &r->next;
	}
	s->last = &s->started;
	return 0;
}

static bool sync_ready(struct blkio *b)
{
	const struct sync *s = b->state;

	return s->complete;
}

static struct blkio_req *sync_reap(struct blkio *b)
{
	struct sync *s = b->state;
	struct blkio_req *r = s->complete;

	if (!r)
		return NULL;
	s->complete = r->next;
	if (!s->complete)
		s->last_complete = &s->complete;
	return r;
}

static int sync_wait(struct blkio *b)
{
	struct sync *s = b->state;
	struct pollfd p = { .fd = b->kick_fd, .events = POLLIN };
	uint64_t kicks;

	sync_submit(b);
	if (s->complete)
		return 0;
	if (poll(&p, 1, -1) < 0)
		return errno == EINTR ? 0 : -errno;
	if (read(b->kick_fd, &kicks, sizeof(kicks)) < 0 && errno != EAGAIN)
		return -errno;
	return 0;
}

/* What has not been carried out yet comes back as cancelled. */
static void sync_cancel(struct blkio *b)
{
	struct sync *s = b->state;
	struct blkio_req *r;

	while ((r = s->started)) {
		s->started = r->next;
		r->result = -ECANCELED;
		r->next = NULL;
		*s->last_complete = r;
		s->last_complete = &r->next;
	}
	s->last = &s->started;
}

static void sync_close(struct blkio *b)
{
	free(b->state);
}

const struct blkio_engine blkio_sync = {
	.name = "pread",
	.open = sync_open,
	.attach = sync_attach,
	.start = sync_start,
	.submit = sync_submit,
	.ready = sync_ready,
	.reap = sync_reap,
	.wait = sync_wait,
	.cancel = sync_cancel,
	.close = sync_close,
};
