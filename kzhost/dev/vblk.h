/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vblk.h - virtio block device (VIRTIO 1.2, 5.2)
 *
 * DOC: The way of a request
 *
 * Each queue has an owner thread with an engine of its own (io/blkio.h). In a round it
 * gives back what is complete, interrupts the guest at most once, and takes the chains
 * that are in its ring, which it submits a few at a time. When there is nothing to do it
 * first looks again for a short while (the time grows when looking pays and falls to
 * nothing when it does not; the guest and the disk have a time each), then tells the
 * driver to kick, looks once more, and sleeps.
 *
 * Requests in flight lie in a table as large as the queue; virtq_next() lets no head in
 * twice. A reset stops taking chains, asks for what is in flight to end early, and waits
 * until it has: guest memory is not touched after the status register reads 0.
 *
 * Sectors are 512 bytes here, whatever the backing has: its block size is told as
 * topology, and what is not aligned to it goes through the host's page cache.
 */
#ifndef KZ_DEV_VBLK_H
#define KZ_DEV_VBLK_H

#include "kzhost/dev/virtio.h"
#include "kzhost/io/blkio.h"

#define VBLK_SECTOR     512u
#define VBLK_QUEUES_MAX 8
#define VBLK_ID_SIZE    20
#define VBLK_HOST_DATA \
	(1024 * 1024) /* bytes at the end of a bootable disk, not the guest's */

struct vblk_config {
	unsigned id;    /* of the device resource */
	uint64_t bytes; /* of the backing */
	bool read_only;
	bool bootable; /* the last VBLK_HOST_DATA bytes are not the guest's */
	bool can_discard, can_zero;
	uint32_t block_bytes; /* physical block of the backing; a power of two from 512 */
	struct blkio_backing take_backing; /* descriptors: closed with the disk */
	char serial[VBLK_ID_SIZE + 1];
	unsigned n_queues;                 /* 1 to VBLK_QUEUES_MAX */
	const struct blkio_engine *engine; /* NULL: the best there is */
	int (*thread_init)(void);          /* first on each owner thread; may be NULL */
};

struct vblk_stats {
	uint64_t reads, writes, flushes, discards;
	uint64_t read_bytes, written_bytes;
	uint64_t errors; /* requests that failed for the host's reasons */
	bool page_cache; /* the backing has no O_DIRECT: nothing goes past the cache */
	bool read_only;
};

/**
 * vblk_new() - Make a disk
 * @config:	Copied; its descriptors are the disk's from here on, also on failure
 *
 * Return: 0, -EINVAL (no sector would be left; the text has the figures), -ENOMEM, or
 * what the engine gave
 */
int vblk_new(const struct vblk_config *config, const struct vdev_env *env,
	     struct vdev **ret_vdev, struct errmsg *e);

/* Starts the owner threads. 0 or what pthread_create(3) gave, negative. */
int vblk_start(struct vdev *v);

/* Stops all queues, waits for what is in flight, and joins the threads. */
void vblk_stop(struct vdev *v);

void vblk_free(struct vdev *v);

/* Since the start; on any thread. */
void vblk_stats(const struct vdev *v, struct vblk_stats *ret_stats);

/* What the engine is called, for the status. */
const char *vblk_engine(const struct vdev *v);

extern const struct dev_class vblk_class;

#endif
