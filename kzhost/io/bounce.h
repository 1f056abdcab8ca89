/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bounce.h - aligned buffers for requests whose own memory O_DIRECT does not take
 *
 * DOC: Why not through the page cache
 *
 * The kernel keeps page cache and disk coherent for who waits for the one before he
 * begins the other. A guest need not wait between requests to different sectors, yet they
 * may share a page: one that is read into the page cache and made dirty there while a
 * direct write to its other sectors is under way is written back later, with what these
 * held before. So a request goes through O_DIRECT whenever its range is aligned; when its
 * memory is not, its data takes a detour through one of a few buffers, a piece after the
 * other. What is left for the page cache are ranges within a block of the backing; no
 * direct request shares a block with them.
 */
#ifndef KZ_IO_BOUNCE_H
#define KZ_IO_BOUNCE_H

#include "kzhost/io/blkio.h"

#define BOUNCE_N     4
#define BOUNCE_BYTES (64u * 1024)

struct bounce {
	uint8_t *mem;                    /* BOUNCE_N buffers */
	unsigned used;                   /* a bit each */
	struct blkio_req *first, **last; /* who wait for one, in order */
};

/* 0 or -ENOMEM; a buffer takes memory when it is used. */
int bounce_init(struct bounce *b);
void bounce_fini(struct bounce *b);

/**
 * bounce_take() - Give a request a buffer instead of its own memory
 * @r:	What is left of it, as far as it fits, becomes the next attempt; data to be
 *	written is copied
 *
 * Return: true, or false: none is free, the request waits for bounce_next()
 */
bool bounce_take(struct bounce *b, struct blkio_req *r);

/* The attempt is over: what was read is copied to where it belongs, the request has its
 * own memory again. True: it had a buffer, which is free now. */
bool bounce_give(struct bounce *b, struct blkio_req *r);

/* Takes the request that has waited longest out of the queue; NULL: none waits. */
struct blkio_req *bounce_next(struct bounce *b);

#endif
