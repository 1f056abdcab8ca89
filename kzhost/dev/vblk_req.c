// SPDX-License-Identifier: BSD-2-Clause
/*
 * vblk_req.c - one request to a disk: read, checked, begun, given back
 * (VIRTIO 1.2, 5.2.6)
 */
#include "kzhost/dev/vblk_internal.h"

#include <stdio.h>
#include <string.h>

enum { S_OK, S_IOERR, S_UNSUPP };

#define ZERO_UNMAP 1u

struct blk_header {
	le32 type, reserved;
	le64 sector;
};
static_assert(sizeof(struct blk_header) == 16, "VIRTIO 1.2, 5.2.6");

/* One range to discard or to zero. */
struct blk_range {
	le64 sector;
	le32 n_sectors, flags;
};
static_assert(sizeof(struct blk_range) == 16, "VIRTIO 1.2, 5.2.6");

/* Gives a request back: @written bytes of data, and its status behind them. */
static void give_back(struct lane *l, struct request *r, uint8_t status, uint32_t written)
{
	*r->status = status;
	virtq_done(&l->q->vq, r->chain.head, written + 1);
	l->free[l->n_free++] = (uint16_t)(r - l->request);
}

static void answer(struct lane *l, struct request *r, uint8_t status)
{
	give_back(l, r, status, 0);
}

/* Cuts @front bytes from the beginning and @back from the end of buffers; returns how
 * many are left of them, from *iov on. The buffers have as many bytes. */
static unsigned trim(struct iovec **iov, unsigned n, size_t front, size_t back)
{
	struct iovec *v = *iov;

	while (n > 0 && front >= v->iov_len) {
		front -= v->iov_len;
		v++;
		n--;
	}
	if (n > 0) {
		v->iov_base = (uint8_t *)v->iov_base + front;
		v->iov_len -= front;
	}
	while (n > 0 && back >= v[n - 1].iov_len) {
		back -= v[n - 1].iov_len;
		n--;
	}
	if (n > 0)
		v[n - 1].iov_len -= back;
	*iov = v;
	return n;
}

static bool in_range(const struct vblk *d, uint64_t sector, uint64_t n)
{
	return n <= d->sectors && sector <= d->sectors - n;
}

/*
 * DOC: A backing that was shrunk
 *
 * A file that somebody made shorter while the zone runs ends a read before its time; what
 * is written behind its end makes it grow again, with zeroes for all that was lost in
 * between. So the first read that finds the end looks where it is, and from then on what
 * lies behind it fails, without asking the host, also when the file has grown again: what
 * was there is gone. Only the boot of the zone takes the size anew.
 */

/* Does any of it lie behind what is left? The place of a flush is 0. */
static bool is_lost(const struct vblk *d, const struct blkio_req *io)
{
	return io->offset + (io->bytes - io->done) >
	       atomic_load_explicit(&d->end, memory_order_relaxed);
}

static const char *const op_names[BLKIO_OP_N] = {
	[BLKIO_READ] = "read",       [BLKIO_WRITE] = "write",
	[BLKIO_FLUSH] = "flush",     [BLKIO_WRITE_THROUGH] = "write",
	[BLKIO_DISCARD] = "discard", [BLKIO_ZERO] = "write of zeroes",
};

static void report(struct lane *l, const struct request *r)
{
	struct vdev *v = &l->disk->v;
	const char *why = strerror(-r->io.error);
	unsigned long long left = r->io.bytes - r->io.done;
	char text[224];

	vblk_count(&l->errors, 1);
	if (r->io.op == BLKIO_FLUSH)
		snprintf(text, sizeof(text),
			 "flush: %s: what was written may be lost; no flush succeeds "
			 "until the zone has booted again",
			 why);
	else if (is_lost(l->disk, &r->io))
		snprintf(text, sizeof(text),
			 "%s of %llu bytes at byte %llu: the backing was shrunk to %llu "
			 "of %llu bytes: what lay behind that is lost, and fails until "
			 "the zone has booted again",
			 op_names[r->io.op], left, (unsigned long long)r->io.offset,
			 (unsigned long long)l->disk->end,
			 (unsigned long long)l->disk->config.bytes);
	else
		snprintf(text, sizeof(text), "%s of %llu bytes at byte %llu: %s",
			 op_names[r->io.op], left, (unsigned long long)r->io.offset, why);
	v->env.problem(v->env.arg, v->name, text);
}

static void start(struct lane *l, struct request *r, enum blkio_op op, uint64_t sector,
		  uint64_t bytes)
{
	r->io.op = op;
	r->io.offset = sector * VBLK_SECTOR;
	r->io.bytes = bytes;
	r->io.done = 0;
	if (is_lost(l->disk, &r->io)) {
		r->io.error = -EIO;
		report(l, r);
		answer(l, r, S_IOERR);
		return;
	}
	blkio_start(l->io, &r->io);
}

/* The chain's own buffers, cut to the data, become the request's. */
static void take_in(struct lane *l, struct request *r, uint64_t sector)
{
	struct virtq_chain *c = &r->chain;
	uint64_t bytes = c->in_bytes - 1;

	if (bytes % VBLK_SECTOR || !in_range(l->disk, sector, bytes / VBLK_SECTOR) ||
	    c->out_bytes != sizeof(struct blk_header)) {
		answer(l, r, S_IOERR);
		return;
	}
	r->io.iov = c->iov + c->n_out;
	r->io.n_iov = trim(&r->io.iov, c->n_in, 0, 1);
	vblk_count(&l->read_bytes, bytes);
	start(l, r, BLKIO_READ, sector, bytes);
}

static void take_out(struct lane *l, struct request *r, uint64_t sector)
{
	struct virtq_chain *c = &r->chain;
	uint64_t bytes = c->out_bytes - sizeof(struct blk_header);
	bool cached = l->disk->v.features & F_FLUSH;

	if (bytes % VBLK_SECTOR || !in_range(l->disk, sector, bytes / VBLK_SECTOR) ||
	    c->in_bytes != 1 || l->disk->config.read_only) {
		answer(l, r, S_IOERR);
		return;
	}
	r->io.iov = c->iov;
	r->io.n_iov = trim(&r->io.iov, c->n_out, sizeof(struct blk_header), 0);
	vblk_count(&l->written_bytes, bytes);
	start(l, r, cached ? BLKIO_WRITE : BLKIO_WRITE_THROUGH, sector, bytes);
}

static void take_flush(struct lane *l, struct request *r, uint64_t sector)
{
	r->io.n_iov = 0;
	start(l, r, BLKIO_FLUSH, 0, 0);
}

static void take_id(struct lane *l, struct request *r, uint64_t sector)
{
	size_t len = MIN(r->chain.in_bytes - 1u, VBLK_ID_SIZE);

	virtq_copy_in(&r->chain, 0, l->disk->config.serial, len);
	give_back(l, r, S_OK, (uint32_t)len);
}

static void take_range(struct lane *l, struct request *r, uint32_t allowed_flags,
		       enum blkio_op op)
{
	struct vblk *d = l->disk;
	struct blk_range range;
	uint64_t sector, n;

	if (r->chain.out_bytes != sizeof(struct blk_header) + sizeof(range)) {
		answer(l, r, S_IOERR);
		return;
	}
	virtq_copy_out(&r->chain, sizeof(struct blk_header), &range, sizeof(range));
	sector = le64_get(range.sector);
	n = le32_get(range.n_sectors);
	if (le32_get(range.flags) & ~allowed_flags) {
		answer(l, r, S_UNSUPP);
	} else if (n > RANGE_SECTORS || !in_range(d, sector, n) || d->config.read_only) {
		answer(l, r, S_IOERR);
	} else if (n == 0) {
		answer(l, r, S_OK);
	} else {
		r->io.n_iov = 0;
		if (op == BLKIO_ZERO && le32_get(range.flags) & ZERO_UNMAP &&
		    d->config.can_discard)
			op = BLKIO_DISCARD; /* reads as zeroes afterwards */
		start(l, r, op, sector, n * VBLK_SECTOR);
	}
}

static void take_discard(struct lane *l, struct request *r, uint64_t sector)
{
	take_range(l, r, 0, BLKIO_DISCARD);
}

static void take_zero(struct lane *l, struct request *r, uint64_t sector)
{
	take_range(l, r, ZERO_UNMAP, BLKIO_ZERO);
}

/* What a type needs to have been accepted, 0 = nothing, and who carries it out. */
static const struct {
	void (*take)(struct lane *l, struct request *r, uint64_t sector);
	uint64_t feature;
} types[T_ZERO + 1] = {
	[T_IN] = { take_in, 0 },
	[T_OUT] = { take_out, 0 },
	[T_FLUSH] = { take_flush, 0 },
	[T_GET_ID] = { take_id, 0 },
	[T_DISCARD] = { take_discard, F_DISCARD },
	[T_ZERO] = { take_zero, F_WRITE_ZEROES },
};

bool vblk_take(struct lane *l, struct request *r)
{
	const struct virtq_chain *c = &r->chain;
	const struct iovec *last = &c->iov[c->n_out + c->n_in - 1];
	struct blk_header header;

	if (c->n_in == 0 ||
	    virtq_copy_out(c, 0, &header, sizeof(header)) != sizeof(header))
		return false;
	r->status = (uint8_t *)last->iov_base + last->iov_len - 1;
	r->type = le32_get(header.type);
	if (r->type >= ARRAY_SIZE(types) || !types[r->type].take ||
	    types[r->type].feature & ~l->disk->v.features) {
		answer(l, r, S_UNSUPP);
		return true;
	}
	vblk_count(&l->count[r->type], 1);
	types[r->type].take(l, r, le64_get(header.sector));
	return true;
}

/* The kernel says once that it lost what was to be written, to whoever flushes first, and
 * forgets it. So this disk remembers: a driver that tries again is not told that all is
 * well. */
static void judge_flush(struct vblk *d, struct blkio_req *io)
{
	if (io->error)
		atomic_store_explicit(&d->lossy, true, memory_order_relaxed);
	else if (atomic_load_explicit(&d->lossy, memory_order_relaxed))
		io->error = -EIO;
}

/* The read that found the end tells it to all that follow, on every queue. */
static void note_end(struct lane *l, const struct blkio_req *io)
{
	uint64_t end = blkio_end(l->io, io->done ? io->offset : 0, io->offset);

	if (end < atomic_load_explicit(&l->disk->end, memory_order_relaxed))
		atomic_store_explicit(&l->disk->end, end, memory_order_relaxed);
}

/* A request for zeroes may take two steps more: writing them where the backing cannot
 * forget, and making them stable for a driver that does not flush. True: one is begun. */
static bool zero_goes_on(struct lane *l, struct request *r)
{
	enum blkio_op next;

	if (r->io.op == BLKIO_DISCARD && r->io.error == -EOPNOTSUPP)
		next = BLKIO_ZERO;
	else if (r->io.op != BLKIO_FLUSH && r->io.error == 0 &&
		 !(l->disk->v.features & F_FLUSH))
		next = BLKIO_FLUSH;
	else
		return false;
	r->io.op = next;
	blkio_start(l->io, &r->io);
	return true;
}

/* Not possible with this backing, or not with this range of it. */
static bool is_unsupported(const struct blkio_req *io)
{
	bool range = io->op == BLKIO_DISCARD || io->op == BLKIO_ZERO;

	return io->error == -EOPNOTSUPP || (range && io->error == -EINVAL);
}

void vblk_complete(struct lane *l, struct request *r)
{
	bool in = r->io.op == BLKIO_READ;

	if (r->io.op == BLKIO_FLUSH)
		judge_flush(l->disk, &r->io);
	if (r->type == T_ZERO && zero_goes_on(l, r))
		return;
	if (r->io.ended)
		note_end(l, &r->io);
	if (r->io.error == 0) {
		give_back(l, r, S_OK, in ? (uint32_t)r->io.bytes : 0);
	} else if (is_unsupported(&r->io)) {
		answer(l, r, S_UNSUPP);
	} else {
		report(l, r);
		answer(l, r, S_IOERR);
	}
}
