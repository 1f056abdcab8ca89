/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * blk.c - virtio block driver
 *
 * A request is header, data and status (5.2.6), each a buffer of its own. Headers and
 * status bytes of a disk are two arrays by request slot; data is where the caller says.
 */
#include "tests/guest/blk.h"
#include "tests/guest/paging.h"
#include "tests/guest/print.h"

#define DISKS_MAX 24
#define SLOTS     VRING_SIZE_MAX

static struct blk disks[DISKS_MAX];

const char *blk_status_name(unsigned status)
{
	switch (status) {
	case BLK_OK:
		return "ok";
	case BLK_IOERR:
		return "I/O error";
	case BLK_UNSUPP:
		return "unsupported";
	case BLK_NO_STATUS:
		return "no status";
	case BLK_NO_ANSWER:
		return "no answer";
	default:
		return "unknown status";
	}
}

uint8_t *blk_dma(void)
{
	static uint8_t *area;

	if (!area)
		area = paging_alloc(BLK_DMA_BYTES);
	if (!area)
		print("disk: no memory for data\n");
	return area;
}

bool blk_start(struct blk *b, uint64_t features, unsigned n_queues)
{
	struct virtio_dev *d = b->dev;

	if (!virtio_start(d, features, n_queues))
		return false;
	b->n_queues = n_queues;
	b->answer_ms = VIRTIO_ANSWER_MS;
	b->capacity = virtio_config64(d, BLK_CFG_CAPACITY);
	b->blk_size = d->features & BLK_F_BLK_SIZE ? virtio_config32(d, BLK_CFG_BLK_SIZE)
						   : BLK_SECTOR;
	return true;
}

struct blk *blk_open(unsigned n, bool fresh)
{
	struct virtio_dev *d = virtio_find(VIRTIO_BLOCK, n);
	struct blk *b = &disks[n % DISKS_MAX];
	unsigned n_queues;

	if (!d || n >= DISKS_MAX) {
		print("disk: there is no disk %u\n", n);
		return NULL;
	}
	b->dev = d;
	if (!b->header)
		b->header = paging_alloc(SLOTS * (sizeof(*b->header) + 1));
	if (!b->header) {
		print("disk: no memory for requests\n");
		return NULL;
	}
	b->status = (uint8_t *)(b->header + SLOTS);
	if (!fresh && virtio_status(d) & VIRTIO_S_DRIVER_OK &&
	    !(virtio_status(d) & VIRTIO_S_NEEDS_RESET) && b->n_queues)
		return b;
	n_queues = d->n_queues < BLK_QUEUES_MAX ? d->n_queues : BLK_QUEUES_MAX;
	return blk_start(b, BLK_FEATURES, n_queues) ? b : NULL;
}

unsigned blk_do(struct blk *b, enum blk_type type, uint64_t sector, void *data,
		uint32_t bytes)
{
	struct vring *r = b->dev->queue[0];
	bool out = type == BLK_OUT || type == BLK_DISCARD || type == BLK_ZEROES;
	struct vring_seg seg[3] = { { (uintptr_t)b->header, sizeof(*b->header) } };
	unsigned n = 1;
	uint64_t cookie;
	uint32_t len;

	b->header[0] = (struct blk_header){ .type = type, .sector = sector };
	b->status[0] = BLK_NO_STATUS;
	if (data)
		seg[n++] = (struct vring_seg){ (uintptr_t)data, bytes };
	seg[n++] = (struct vring_seg){ (uintptr_t)b->status, 1 };
	vring_interrupts_off(r);
	if (!vring_add(r, seg, data && out ? 2 : 1, data && !out ? 2 : 1, 1))
		return BLK_NO_ANSWER;
	vring_kick(r);
	if (!virtio_wait(r, b->answer_ms) || !vring_take(r, &cookie, &len))
		return BLK_NO_ANSWER;
	return b->status[0];
}
