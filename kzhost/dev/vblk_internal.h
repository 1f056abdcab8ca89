/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vblk_internal.h - a disk, its queues and their requests: for vblk.c and vblk_req.c
 */
#ifndef KZ_DEV_VBLK_INTERNAL_H
#define KZ_DEV_VBLK_INTERNAL_H

#include "common/base/le.h"
#include "kzhost/dev/vblk.h"

#define QUEUE_SIZE    128
#define RANGE_SECTORS (1u << 22) /* 2 GiB at most in one discard or zeroing */

/* Feature bits (5.2.3). */
#define F_SEG_MAX      (1ull << 2)
#define F_RO           (1ull << 5)
#define F_BLK_SIZE     (1ull << 6)
#define F_FLUSH        (1ull << 9)
#define F_TOPOLOGY     (1ull << 10)
#define F_MQ           (1ull << 12)
#define F_DISCARD      (1ull << 13)
#define F_WRITE_ZEROES (1ull << 14)

/* Request types (5.2.6). */
enum { T_IN = 0, T_OUT = 1, T_FLUSH = 4, T_GET_ID = 8, T_DISCARD = 11, T_ZERO = 13 };

/* Device configuration (5.2.4). */
struct blk_config {
	le64 capacity; /* sectors */
	le32 size_max, seg_max;
	le16 cylinders;
	uint8_t heads, sectors;
	le32 blk_size;
	uint8_t physical_exp, alignment_offset;
	le16 min_io;
	le32 opt_io;
	uint8_t writeback, unused0;
	le16 n_queues;
	le32 discard_sectors, discard_segs, discard_align;
	le32 zero_sectors, zero_segs;
	uint8_t zero_may_unmap, unused1[3];
};
static_assert(sizeof(struct blk_config) == 60, "VIRTIO 1.2, 5.2.4");

struct request {
	struct blkio_req io;
	uint8_t *status; /* last writable byte of the chain, in guest memory */
	uint32_t type;
	struct virtq_chain chain;
};

/* One queue and the thread that owns it. */
struct lane {
	struct vblk *disk;
	struct vqueue *q;
	struct blkio *io;
	pthread_t thread;
	bool running; /* the thread is to be joined; main thread only */
	bool serving; /* the ring is ours; request and free are set up */
	bool broken;  /* vdev_broken() was called */
	unsigned
		look_ns[2]; /* how long to look before a sleep: for the guest, the disk */
	unsigned owed;      /* requests given back that the guest has not replaced */
	struct request *request; /* QUEUE_SIZE of them; touched as they are needed */
	unsigned n_free;
	uint16_t free[QUEUE_SIZE];       /* indices into request, the last used on top */
	atomic_ullong count[T_ZERO + 1]; /* by type of request */
	atomic_ullong read_bytes, written_bytes, errors;
};

struct vblk {
	struct vdev v;
	struct vblk_config config;
	struct blk_config space;
	uint64_t sectors;
	atomic_bool quit;
	atomic_bool lossy; /* a flush failed */
	atomic_ullong end; /* of what is left of a backing that was shrunk, bytes */
	struct lane lane[VBLK_QUEUES_MAX];
};

static inline void vblk_count(atomic_ullong *n, uint64_t add)
{
	/* Only the owner adds: no need for a locked instruction. */
	atomic_store_explicit(n, atomic_load_explicit(n, memory_order_relaxed) + add,
			      memory_order_relaxed);
}

/**
 * vblk_take() - Begin what a chain asks for
 * @r:	With its chain; given back when there is nothing to wait for
 *
 * Return: false: it is no request at all, and was not given back
 */
bool vblk_take(struct lane *l, struct request *r);

/* Gives a request back that the engine has carried out. */
void vblk_complete(struct lane *l, struct request *r);

#endif
