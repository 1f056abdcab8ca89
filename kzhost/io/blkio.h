/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * blkio.h - a queue of reads and writes to one backing file or block device
 *
 * DOC: Life of a request
 *
 *	blkio_start()   is taken; a cheap step that asks the kernel for nothing yet
 *	blkio_submit()  all that were started are on their way, by one system call
 *	blkio_reap()    one that is complete, with its result
 *
 * Short transfers, interrupted and refused attempts are tried again here, within bounds:
 * a request comes back once, whole or with an error. blkio_wait() sleeps until something
 * completes or the kick descriptor is written to: one place to wait for both.
 *
 * DOC: Engines
 *
 * io_uring is the engine (blkio_uring.c says how its ring is confined); preadv(2) and
 * pwritev(2) take over where the host has io_uring disabled (blkio_sync.c). Both
 * follow struct blkio_engine, and so does the one that tests use to make disks fail.
 *
 * DOC: Direct and buffered
 *
 * A backing comes as one descriptor, or two of the same file: the first with O_DIRECT,
 * the other without. Requests whose memory is not aligned as O_DIRECT wants it (a BIOS
 * reads to odd addresses) take the detour of bounce.h; those whose range is not aligned
 * go through the page cache.
 *
 * One thread uses a struct blkio, its owner; blkio_new() and blkio_free() may be called
 * by another one before and after.
 */
#ifndef KZ_IO_BLKIO_H
#define KZ_IO_BLKIO_H

#include "common/base/err.h"

#include <sys/uio.h>

enum blkio_op {
	BLKIO_READ,
	BLKIO_WRITE,
	BLKIO_WRITE_THROUGH, /* stable when it is complete */
	BLKIO_FLUSH,         /* all that was completed before is stable */
	BLKIO_DISCARD,       /* content becomes anything, zeroes here */
	BLKIO_ZERO,
	BLKIO_OP_N
};

struct blkio_backing {
	int direct_fd;                    /* borrowed; -1 = none */
	int buffered_fd;                  /* borrowed */
	uint32_t mem_align, offset_align; /* of direct_fd, bytes; powers of two */
};

struct blkio_req {
	enum blkio_op op;
	uint64_t offset;   /* bytes */
	uint64_t bytes;    /* in all; as many as iov has, for reads and writes */
	struct iovec *iov; /* owned by the caller until it is reaped; changed */
	unsigned n_iov;
	int error;  /* when it was reaped: 0 or a negative errno */
	bool ended; /* -EIO of a read: the backing ended at @offset, or before */

	/* The engine's. */
	uint64_t done;
	int result;
	unsigned refused; /* attempts in a row with EINTR or EAGAIN */
	struct blkio_req *next;

	/* While it uses a buffer (bounce.h), its own memory, NULL otherwise; the buffer.
	 */
	struct iovec *own_iov;
	unsigned own_n_iov;
	struct iovec piece;
};

struct blkio;

struct blkio_engine {
	const char *name;
	/* Each returns 0 or -errno. start cannot fail: there is room for depth requests.
	 */
	int (*open)(struct blkio *b);
	int (*attach)(struct blkio *b);
	void (*start)(struct blkio *b, struct blkio_req *r);
	int (*submit)(struct blkio *b);
	bool (*ready)(struct blkio *b);
	struct blkio_req *(*reap)(struct blkio *b);
	int (*wait)(struct blkio *b);
	void (*cancel)(struct blkio *b);
	void (*close)(struct blkio *b);
};

struct blkio {
	const struct blkio_engine *engine;
	struct blkio_backing backing;
	int kick_fd; /* borrowed */
	unsigned depth;
	unsigned in_flight;
	bool cancelled;        /* what is in flight is not begun again */
	struct bounce *bounce; /* NULL: there is no direct_fd */
	void *state;           /* the engine's */
};

extern const struct blkio_engine blkio_uring, blkio_sync;

/**
 * blkio_new() - Prepare a queue
 * @engine:	NULL: io_uring, or the other one where that is disabled
 * @kick_fd:	Eventfd that ends blkio_wait(); borrowed
 * @depth:	Requests at once
 *
 * Return: 0, -ENOMEM, or what the engine asked of gave
 */
int blkio_new(const struct blkio_engine *engine, const struct blkio_backing *backing,
	      int kick_fd, unsigned depth, struct blkio **ret_blkio);

/* No request may be in flight. NULL is fine. */
void blkio_free(struct blkio *b);
DEFINE_FREEP(struct blkio, blkio_free)

/* The calling thread is the owner from now on. 0 or -errno. */
int blkio_attach(struct blkio *b);

/* Takes a request; there must be fewer than depth in flight. */
void blkio_start(struct blkio *b, struct blkio_req *r);

/* 0 or -errno: then the engine is of no more use. */
int blkio_submit(struct blkio *b);

/* Is there perhaps something to reap? Asks the kernel for nothing. */
bool blkio_ready(struct blkio *b);

/* A complete request, or NULL. */
struct blkio_req *blkio_reap(struct blkio *b);

/* Submits, then sleeps until blkio_ready() or a kick. 0 or -errno. */
int blkio_wait(struct blkio *b);

/**
 * blkio_end() - Where the backing ends, now
 * @readable:	Bytes that are known to be there
 * @unreadable:	Where a read found nothing
 *
 * Reads single bytes, until it knows: for the rare case, as nothing else is done
 * meanwhile. What cannot be read for another reason is there.
 *
 * Return: its size, bytes
 */
uint64_t blkio_end(const struct blkio *b, uint64_t readable, uint64_t unreadable);

/* Asks for all requests in flight to end early; they are reaped all the same, with
 * -ECANCELED when something of them was still to be done. */
void blkio_cancel(struct blkio *b);

/* Which descriptor a request may use. */
static inline int blkio_fd(const struct blkio *b, bool direct)
{
	return direct ? b->backing.direct_fd : b->backing.buffered_fd;
}

/* True: aligned for O_DIRECT, and there is such a descriptor. */
bool blkio_is_direct(const struct blkio *b, const struct blkio_req *r);

#endif
