/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtq.h - a split virtqueue, and the only code that reads its rings
 *
 * DOC: A ring, and who writes what (VIRTIO 1.2, 2.7)
 *
 *	driver writes                                   device writes
 *	 desc[size]   avail { flags, idx, ring[size],    used { flags, idx, ring[size],
 *	               used_event }                              avail_event }
 *
 * The driver puts the number of a chain's first descriptor (its head) into avail.ring and
 * counts avail.idx up; the device puts {head, bytes written} into used.ring and counts
 * used.idx up. used_event and avail_event are the index that the other side wants to be
 * told of next (EVENT_IDX).
 *
 * DOC: Hostile rings
 *
 * Everything the driver writes may change at any moment. virtq_next() copies each index
 * and descriptor once, checks the copy, and hands out host addresses that came from
 * ram_slice(): nobody else follows a guest address. Its work is bounded by the size of
 * the queue. A head that is in flight may not come again. What a driver does wrong is an
 * enum virtq_error; the queue then gives nothing any more until it is set up anew.
 *
 * DOC: Threads
 *
 * A virtq belongs to one thread, its owner. The layout is a private copy that nothing
 * changes while the queue lives (CVE-2026-5747 was a size changed later).
 */
#ifndef KZ_DEV_VIRTQ_H
#define KZ_DEV_VIRTQ_H

#include "kzhost/vm/ram.h"

#include <sys/uio.h>

#define VIRTQ_SIZE_MAX  256 /* descriptors; a power of two */
#define VIRTQ_CHAIN_MAX 130 /* buffers in one chain: 128 pages, a header, a status */

/* What can be wrong with a ring, and with a device's request in it. */
#define VIRTQ_ERRORS(X) \
	X(LAYOUT, "a ring is misaligned or not in RAM") \
	X(AVAIL_JUMP, "avail.idx is more than a queue ahead") \
	X(HEAD_RANGE, "a head is no descriptor of the queue") \
	X(HEAD_BUSY, "a head is in flight already") \
	X(NEXT_RANGE, "next is no descriptor of the table") \
	X(LOOP, "a chain is longer than its table") \
	X(TOO_LONG, "a chain has more buffers than allowed") \
	X(TOO_LARGE, "a chain has 4 GiB or more") \
	X(ADDRESS, "a buffer is not in RAM") \
	X(EMPTY, "a buffer has no bytes") \
	X(ORDER, "a readable buffer after a writable one") \
	X(INDIRECT, "an indirect table that is not allowed here") \
	X(INDIRECT_SIZE, "an indirect table of no whole number of descriptors") \
	X(REQUEST, "a request that is malformed for this device") \
	X(HALTED, "the device may not access memory")

enum virtq_error {
	VIRTQ_OK,
#define X(id, text) VIRTQ_ERR_##id,
	VIRTQ_ERRORS(X)
#undef X
		VIRTQ_ERROR_N
};

/* What the driver said about a queue before it enabled it. */
struct virtq_layout {
	uint16_t size;
	uint64_t desc_gpa;  /* 16-aligned */
	uint64_t avail_gpa; /* 2-aligned */
	uint64_t used_gpa;  /* 4-aligned */
};

struct virtq {
	const struct ram *ram; /* borrowed */
	struct virtq_layout layout;
	const uint8_t *desc, *avail; /* in guest memory */
	uint8_t *used;
	bool event_idx;
	bool indirect;
	enum virtq_error error;
	uint16_t next_avail; /* of the next chain to take */
	uint16_t next_used; /* of the next to give back; ahead of used.idx until published
			     */
	uint16_t published; /* used.idx as the driver sees it */
	unsigned in_flight;
	uint64_t busy[VIRTQ_SIZE_MAX / 64]; /* heads in flight */
};

/* Buffers of one request: first those the device reads, then those it writes. */
struct virtq_chain {
	uint16_t head;
	uint16_t n_out, n_in;
	uint32_t out_bytes, in_bytes;
	struct iovec iov[VIRTQ_CHAIN_MAX];
};

extern const char *const virtq_error_texts[VIRTQ_ERROR_N];

/**
 * virtq_init() - Take a queue over from its driver
 * @ram:	Borrowed until the queue is not used any more
 * @layout:	Copied
 * @features:	Those that were accepted (VIRTIO_F_*)
 *
 * Starts at index 0, as after a reset.
 *
 * Return: VIRTQ_OK, or VIRTQ_ERR_LAYOUT (size not a power of two up to VIRTQ_SIZE_MAX,
 * misaligned, not wholly in RAM); then virtq_next() gives nothing
 */
enum virtq_error virtq_init(struct virtq *q, const struct ram *ram,
			    const struct virtq_layout *layout, uint64_t features);

/**
 * virtq_next() - Take the next chain
 * @ret_chain:	The head and its buffers, in guest memory; their content may change
 *
 * The chain is in flight until virtq_done() with its head.
 *
 * Return: true, or false: there is none, or q->error says what the driver did wrong
 */
bool virtq_next(struct virtq *q, struct virtq_chain *ret_chain);

/* Is there a chain to take? One look at avail.idx; false once q->error is set. */
bool virtq_pending(const struct virtq *q);

/* Gives a chain back: @written bytes were stored in its writable buffers. Not seen by the
 * driver before virtq_publish(). */
void virtq_done(struct virtq *q, uint16_t head, uint32_t written);

/**
 * virtq_publish() - Show the driver all that was given back since the last time
 *
 * Return: true when the driver wants an interrupt for it
 */
bool virtq_publish(struct virtq *q);

/* The driver need not kick: the owner looks by itself. */
void virtq_kicks_off(struct virtq *q);

/* The driver shall kick. True: something came in between; look before waiting. */
bool virtq_kicks_on(struct virtq *q);

/**
 * virtq_copy_out() - Copy from a chain's readable buffers, once
 * @skip:	Bytes of them to leave out
 *
 * Return: bytes copied: @len, or fewer when the buffers end before
 */
size_t virtq_copy_out(const struct virtq_chain *c, size_t skip, void *data, size_t len);

/* The same into its writable buffers. */
size_t virtq_copy_in(const struct virtq_chain *c, size_t skip, const void *data,
		     size_t len);

#endif
