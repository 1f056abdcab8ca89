// SPDX-License-Identifier: BSD-2-Clause
/*
 * blkio_uring.c - reads and writes through io_uring
 *
 * DOC: What the ring may do
 *
 * seccomp does not see what a ring carries out. So the ring is made disabled, told the
 * few operations it shall know and that it works on registered files only, and enabled by
 * the thread that owns it: then it can do nothing else any more, and no other thread can
 * use it. Registered are the backing (twice when it is also open with O_DIRECT) and the
 * kick descriptor. The kernel's worker threads are limited in number.
 *
 * DOC: One wait
 *
 * A multishot poll of the kick descriptor stays in the ring: each kick is a completion,
 * so one io_uring_enter(2) waits for the guest and for the disk. Nobody reads the
 * descriptor, a poll tells of each write anew. Completions are put into the ring when the
 * owner enters the kernel (DEFER_TASKRUN), and a flag says when there are some, so that
 * the owner is never interrupted and may look without a system call.
 *
 * DOC: Guest memory is not registered
 *
 * Registered buffers save looking up and pinning the pages of each request: 37 % of the
 * processor time of a read of 128 KiB where pages have 4 KiB. Guest memory is made of
 * huge pages (vm/ram.c), and there it was 1 %, while every ring would hold 16 bytes for
 * each page and pin them all, those that the guest never touched, too.
 */
#include "kzhost/io/blkio.h"

#include <fcntl.h>
#include <liburing.h>
#include <poll.h>
#include <sys/syscall.h>

enum { FILE_DIRECT, FILE_BUFFERED, FILE_KICK, FILE_N };

#define EXTRA_SQES  2 /* the poll and a cancel */
#define MAX_WORKERS 8

/* user_data of what is not a request. */
#define DATA_KICK   1
#define DATA_CANCEL 2

struct uring {
	struct io_uring ring;
	bool polling; /* the multishot poll is in the ring */
};

static const uint8_t allowed_ops[] = {
	IORING_OP_READ,  IORING_OP_READV,     IORING_OP_WRITE,    IORING_OP_WRITEV,
	IORING_OP_FSYNC, IORING_OP_FALLOCATE, IORING_OP_POLL_ADD, IORING_OP_ASYNC_CANCEL,
};

/* Debian's liburing 2.3 declares functions for these two and does not export them. */
static int ring_register(const struct io_uring *ring, unsigned opcode, const void *arg,
			 unsigned n)
{
	return syscall(SYS_io_uring_register, ring->ring_fd, opcode, arg, n) < 0 ? -errno
										 : 0;
}

static int restrict_ring(struct io_uring *ring)
{
	struct io_uring_restriction r[ARRAY_SIZE(allowed_ops) + 2] = { 0 };
	unsigned n = 0;

	for (; n < ARRAY_SIZE(allowed_ops); n++) {
		r[n].opcode = IORING_RESTRICTION_SQE_OP;
		r[n].sqe_op = allowed_ops[n];
	}
	r[n].opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED;
	r[n++].sqe_flags = IOSQE_FIXED_FILE;
	r[n].opcode = IORING_RESTRICTION_SQE_FLAGS_REQUIRED;
	r[n++].sqe_flags = IOSQE_FIXED_FILE;
	return ring_register(ring, IORING_REGISTER_RESTRICTIONS, r, n);
}

static int set_up(struct blkio *b, struct io_uring *ring)
{
	int direct = b->backing.direct_fd;
	int files[FILE_N] = {
		[FILE_DIRECT] = direct >= 0 ? direct : b->backing.buffered_fd,
		[FILE_BUFFERED] = b->backing.buffered_fd,
		[FILE_KICK] = b->kick_fd,
	};
	unsigned workers[2] = { MAX_WORKERS, MAX_WORKERS };
	int r = io_uring_register_files(ring, files, FILE_N);

	if (r == 0)
		r = io_uring_register_iowq_max_workers(ring, workers);
	return r < 0 ? r : restrict_ring(ring);
}

static int uring_open(struct blkio *b)
{
	struct io_uring_params params = {
		.flags = IORING_SETUP_R_DISABLED | IORING_SETUP_SINGLE_ISSUER |
			 IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG |
			 IORING_SETUP_SUBMIT_ALL,
	};
	struct uring *u = calloc(1, sizeof(*u));
	int r;

	if (!u)
		return -ENOMEM;
	r = io_uring_queue_init_params(b->depth + EXTRA_SQES, &u->ring, &params);
	if (r == 0) {
		r = set_up(b, &u->ring);
		if (r < 0)
			io_uring_queue_exit(&u->ring);
	}
	if (r < 0) {
		free(u);
		return r;
	}
	b->state = u;
	return 0;
}

static int uring_attach(struct blkio *b)
{
	struct uring *u = b->state;

	return ring_register(&u->ring, IORING_REGISTER_ENABLE_RINGS, NULL, 0);
}

/* There is room: the ring has an entry for each request, the poll and a cancel; when one
 * was left over by an interrupted submission, it is handed in first. */
static struct io_uring_sqe *get_sqe(struct uring *u)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&u->ring);

	if (!sqe) {
		io_uring_submit(&u->ring);
		sqe = io_uring_get_sqe(&u->ring);
	}
	ASSERT(sqe);
	return sqe;
}

static void prep_read(struct io_uring_sqe *sqe, int file, const struct blkio_req *r)
{
	if (r->n_iov == 1)
		io_uring_prep_read(sqe, file, r->iov->iov_base,
				   (unsigned)MIN(r->iov->iov_len, 1u << 30), r->offset);
	else
		io_uring_prep_readv(sqe, file, r->iov, r->n_iov, r->offset);
}

static void prep_write(struct io_uring_sqe *sqe, int file, const struct blkio_req *r)
{
	if (r->n_iov == 1)
		io_uring_prep_write(sqe, file, r->iov->iov_base,
				    (unsigned)MIN(r->iov->iov_len, 1u << 30), r->offset);
	else
		io_uring_prep_writev(sqe, file, r->iov, r->n_iov, r->offset);
}

static void prep_write_through(struct io_uring_sqe *sqe, int file,
			       const struct blkio_req *r)
{
	prep_write(sqe, file, r);
	sqe->rw_flags = RWF_DSYNC;
}

static void prep_flush(struct io_uring_sqe *sqe, int file, const struct blkio_req *r)
{
	io_uring_prep_fsync(sqe, file, IORING_FSYNC_DATASYNC);
}

static void prep_discard(struct io_uring_sqe *sqe, int file, const struct blkio_req *r)
{
	io_uring_prep_fallocate(sqe, file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				(off_t)r->offset, (off_t)r->bytes);
}

static void prep_zero(struct io_uring_sqe *sqe, int file, const struct blkio_req *r)
{
	io_uring_prep_fallocate(sqe, file, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
				(off_t)r->offset, (off_t)r->bytes);
}

static void (*const preps[BLKIO_OP_N])(struct io_uring_sqe *sqe, int file,
				       const struct blkio_req *r) = {
	[BLKIO_READ] = prep_read,       [BLKIO_WRITE] = prep_write,
	[BLKIO_FLUSH] = prep_flush,     [BLKIO_WRITE_THROUGH] = prep_write_through,
	[BLKIO_DISCARD] = prep_discard, [BLKIO_ZERO] = prep_zero,
};

static void uring_start(struct blkio *b, struct blkio_req *r)
{
	struct io_uring_sqe *sqe = get_sqe(b->state);

	preps[r->op](sqe, blkio_is_direct(b, r) ? FILE_DIRECT : FILE_BUFFERED, r);
	sqe->flags |= IOSQE_FIXED_FILE;
	io_uring_sqe_set_data(sqe, r);
}

static void poll_kicks(struct uring *u)
{
	struct io_uring_sqe *sqe;

	if (u->polling)
		return;
	sqe = get_sqe(u);
	io_uring_prep_poll_multishot(sqe, FILE_KICK, POLLIN);
	sqe->flags |= IOSQE_FIXED_FILE;
	sqe->user_data = DATA_KICK;
	u->polling = true;
}

/* What passes by itself is no failure: what was not handed in now is next time. */
static int judge(int r)
{
	return r >= 0 || r == -EINTR || r == -EAGAIN || r == -EBUSY ? 0 : r;
}

static int uring_submit(struct blkio *b)
{
	struct uring *u = b->state;

	poll_kicks(u);
	return judge(io_uring_submit(&u->ring));
}

static bool must_enter(const struct uring *u)
{
	unsigned flags = __atomic_load_n(u->ring.sq.kflags, __ATOMIC_RELAXED);

	return flags & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW);
}

static bool uring_ready(struct blkio *b)
{
	struct uring *u = b->state;

	return io_uring_cq_ready(&u->ring) > 0 || must_enter(u);
}

static struct blkio_req *uring_reap(struct blkio *b)
{
	struct uring *u = b->state;
	struct io_uring_cqe *cqe;

	for (;;) {
		struct blkio_req *r;

		if (io_uring_cq_ready(&u->ring) == 0 && must_enter(u))
			io_uring_get_events(&u->ring);
		if (io_uring_cq_ready(&u->ring) == 0 ||
		    io_uring_peek_cqe(&u->ring, &cqe) < 0)
			return NULL;
		r = cqe->user_data > DATA_CANCEL ? io_uring_cqe_get_data(cqe) : NULL;
		if (r)
			r->result = cqe->res;
		if (cqe->user_data == DATA_KICK && !(cqe->flags & IORING_CQE_F_MORE))
			u->polling = false;
		io_uring_cqe_seen(&u->ring, cqe);
		if (r)
			return r;
	}
}

static int uring_wait(struct blkio *b)
{
	struct uring *u = b->state;

	poll_kicks(u);
	return judge(io_uring_submit_and_wait(&u->ring, 1));
}

static void uring_cancel(struct blkio *b)
{
	struct uring *u = b->state;
	struct io_uring_sqe *sqe = get_sqe(u);

	io_uring_prep_cancel64(sqe, 0, IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL);
	sqe->flags |= IOSQE_FIXED_FILE;
	sqe->user_data = DATA_CANCEL;
	judge(io_uring_submit(&u->ring));
}

static void uring_close(struct blkio *b)
{
	struct uring *u = b->state;

	io_uring_queue_exit(&u->ring);
	free(u);
}

const struct blkio_engine blkio_uring = {
	.name = "io_uring",
	.open = uring_open,
	.attach = uring_attach,
	.start = uring_start,
	.submit = uring_submit,
	.ready = uring_ready,
	.reap = uring_reap,
	.wait = uring_wait,
	.cancel = uring_cancel,
	.close = uring_close,
};
