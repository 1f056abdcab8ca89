/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * evil_rings.c - misdeeds with descriptors, rings and requests
 *
 * VIRTIO 1.2, 2.7.5 (descriptors), 2.7.6 (available ring), 5.2.6 (block requests).
 */
#include "tests/guest/boot.h"
#include "tests/guest/evil.h"
#include "tests/guest/pci.h"
#include "tests/guest/string.h"

#define LONG_CHAIN 1024 /* more than any queue here has */

static enum evil_outcome head_range(struct evil_ctx *c)
{
	evil_read(c);
	return evil_try(c, (uint16_t)c->r->size);
}

static enum evil_outcome head_huge(struct evil_ctx *c)
{
	evil_read(c);
	return evil_try(c, 0xffff);
}

static enum evil_outcome next_range(struct evil_ctx *c)
{
	evil_read(c);
	c->r->desc[0].next = (uint16_t)c->r->size;
	return evil_try(c, 0);
}

static enum evil_outcome data_at(struct evil_ctx *c, uint64_t addr, uint32_t len)
{
	evil_read(c);
	c->r->desc[1].addr = addr;
	c->r->desc[1].len = len;
	return evil_try(c, 0);
}

static enum evil_outcome addr_nowhere(struct evil_ctx *c)
{
	return data_at(c, evil_nowhere(), BLK_SECTOR);
}

static enum evil_outcome addr_device(struct evil_ctx *c)
{
	return data_at(c, virtio_common(c->b->dev), BLK_SECTOR);
}

static enum evil_outcome addr_wrap(struct evil_ctx *c)
{
	return data_at(c, -(uint64_t)BLK_SECTOR, 2 * BLK_SECTOR);
}

static enum evil_outcome addr_edge(struct evil_ctx *c)
{
	uint64_t end = 0;

	for (size_t i = 0; i < boot_info.n_ranges; i++) {
		if (boot_info.ranges[i].end > end)
			end = boot_info.ranges[i].end;
	}
	/* Firmware may keep RAM for itself at the end of what it tells us. */
	return data_at(c, end - BLK_SECTOR, 0x10000000);
}

static enum evil_outcome header_nowhere(struct evil_ctx *c)
{
	evil_read(c);
	c->r->desc[0].addr = evil_nowhere();
	return evil_try(c, 0);
}

static enum evil_outcome status_nowhere(struct evil_ctx *c)
{
	evil_read(c);
	c->r->desc[2].addr = evil_nowhere();
	return evil_try(c, 0);
}

static enum evil_outcome len_zero(struct evil_ctx *c)
{
	return data_at(c, (uintptr_t)blk_dma(), 0);
}

static enum evil_outcome len_huge(struct evil_ctx *c)
{
	return data_at(c, (uintptr_t)blk_dma(), 0xfffffe00);
}

static enum evil_outcome len_odd(struct evil_ctx *c)
{
	return data_at(c, (uintptr_t)blk_dma(), BLK_SECTOR + 1);
}

static enum evil_outcome loop(struct evil_ctx *c)
{
	evil_read(c);
	c->r->desc[2].flags |= VRING_DESC_NEXT;
	c->r->desc[2].next = 1;
	return evil_try(c, 0);
}

static enum evil_outcome loop_self(struct evil_ctx *c)
{
	evil_read(c);
	c->r->desc[0].next = 0;
	return evil_try(c, 0);
}

/* An indirect table in the DMA area: header, @n - 2 writable buffers, status. */
static struct vring_desc *table(struct evil_ctx *c, unsigned n, uint32_t len)
{
	struct vring_desc *t = (void *)(blk_dma() + 0x100000);

	evil_read(c);
	for (unsigned i = 0; i < n; i++)
		t[i] = (struct vring_desc){ (uintptr_t)blk_dma(), len,
					    VRING_DESC_NEXT | VRING_DESC_WRITE,
					    (uint16_t)(i + 1) };
	t[0] = c->r->desc[0];
	t[n - 1] = c->r->desc[2];
	c->r->desc[0] = (struct vring_desc){ (uintptr_t)t, n * (uint32_t)sizeof(*t),
					     VRING_DESC_INDIRECT, 0 };
	return t;
}

static enum evil_outcome chain_long(struct evil_ctx *c)
{
	table(c, LONG_CHAIN, 1);
	return evil_try(c, 0);
}

static enum evil_outcome indirect_nested(struct evil_ctx *c)
{
	struct vring_desc *t = table(c, 3, BLK_SECTOR);

	t[3] = t[2];
	t[2] = (struct vring_desc){ (uintptr_t)&t[3], sizeof(*t), VRING_DESC_INDIRECT,
				    0 };
	return evil_try(c, 0);
}

static enum evil_outcome indirect_odd(struct evil_ctx *c)
{
	table(c, 3, BLK_SECTOR);
	c->r->desc[0].len += 8;
	return evil_try(c, 0);
}

static enum evil_outcome indirect_empty(struct evil_ctx *c)
{
	table(c, 3, BLK_SECTOR);
	c->r->desc[0].len = 0;
	return evil_try(c, 0);
}

static enum evil_outcome indirect_next(struct evil_ctx *c)
{
	table(c, 3, BLK_SECTOR);
	c->r->desc[0].flags |= VRING_DESC_NEXT;
	c->r->desc[0].next = 1;
	return evil_try(c, 0);
}

static enum evil_outcome indirect_range(struct evil_ctx *c)
{
	table(c, 3, BLK_SECTOR)[1].next = 3;
	return evil_try(c, 0);
}

static enum evil_outcome indirect_nowhere(struct evil_ctx *c)
{
	table(c, 3, BLK_SECTOR);
	c->r->desc[0].addr = evil_nowhere();
	return evil_try(c, 0);
}

static enum evil_outcome indirect_unasked(struct evil_ctx *c)
{
	if (!blk_start(c->b, BLK_FEATURES & ~VIRTIO_F_INDIRECT, 1))
		return EVIL_BAD;
	table(c, 3, BLK_SECTOR);
	return evil_try(c, 0);
}

static enum evil_outcome header_writable(struct evil_ctx *c)
{
	evil_read(c);
	c->r->desc[0].flags |= VRING_DESC_WRITE;
	return evil_try(c, 0);
}

static enum evil_outcome status_readable(struct evil_ctx *c)
{
	evil_read(c);
	c->r->desc[2].flags = 0;
	return evil_try(c, 0);
}

static enum evil_outcome data_readable(struct evil_ctx *c)
{
	evil_read(c);
	c->r->desc[1].flags = VRING_DESC_NEXT;
	return evil_try(c, 0);
}

static enum evil_outcome no_status(struct evil_ctx *c)
{
	evil_read(c);
	c->r->desc[0].flags = 0;
	return evil_try(c, 0);
}

static enum evil_outcome header_short(struct evil_ctx *c)
{
	evil_read(c);
	c->r->desc[0].len = 8;
	return evil_try(c, 0);
}

static enum evil_outcome avail_jump(struct evil_ctx *c)
{
	evil_read(c);
	c->r->avail_idx = (uint16_t)(c->r->avail_idx + c->r->size);
	evil_go(c, 0);
	return evil_see_all(c);
}

static enum evil_outcome avail_back(struct evil_ctx *c)
{
	evil_read(c);
	if (evil_try(c, 0) != EVIL_OK)
		return EVIL_BAD;
	c->r->avail_idx = 0;
	vring_publish(c->r);
	vring_ring_bell(c->r);
	return evil_see_all(c);
}

/* Many times in one batch, so that some are in flight together however fast the disk. */
static enum evil_outcome head_twice(struct evil_ctx *c)
{
	evil_read(c);
	c->r->desc[1].len = 0x100000;
	for (unsigned i = 0; i < 16; i++)
		vring_offer(c->r, 0);
	vring_publish(c->r);
	vring_ring_bell(c->r);
	return evil_see_all(c);
}

static enum evil_outcome request(struct evil_ctx *c, uint32_t type, uint64_t sector)
{
	evil_read(c);
	c->b->header[0].type = type;
	c->b->header[0].sector = sector;
	return evil_try(c, 0);
}

static enum evil_outcome sector_end(struct evil_ctx *c)
{
	return request(c, BLK_IN, c->b->capacity);
}

static enum evil_outcome sector_wrap(struct evil_ctx *c)
{
	return request(c, BLK_IN, ~0ul);
}

static enum evil_outcome sector_shift(struct evil_ctx *c)
{
	return request(c, BLK_IN, 1ul << 55); /* times 512 is 0 */
}

static enum evil_outcome type_unknown(struct evil_ctx *c)
{
	return request(c, 0x12345678, 0);
}

/* A range command whose one segment is @range. */
static enum evil_outcome range(struct evil_ctx *c, enum blk_type type,
			       struct blk_range range, uint32_t len)
{
	evil_read(c);
	memcpy(blk_dma(), &range, sizeof(range));
	c->b->header[0].type = type;
	c->r->desc[1].flags = VRING_DESC_NEXT;
	c->r->desc[1].len = len;
	return evil_try(c, 0);
}

static enum evil_outcome zeroes_huge(struct evil_ctx *c)
{
	return range(c, BLK_ZEROES, (struct blk_range){ 0, 0xffffffff, 0 }, 16);
}

static enum evil_outcome zeroes_wrap(struct evil_ctx *c)
{
	return range(c, BLK_ZEROES, (struct blk_range){ ~0ul, 8, 0 }, 16);
}

static enum evil_outcome discard_short(struct evil_ctx *c)
{
	return range(c, BLK_DISCARD, (struct blk_range){ 0, 8, 0 }, 7);
}

/* 4 GiB and more in one write, all of it in RAM: a chain that uses the whole queue. */
static enum evil_outcome four_gib(struct evil_ctx *c)
{
	uint32_t n = c->r->size < 128 ? c->r->size : 128;

	evil_read(c);
	c->b->header[0].type = BLK_OUT;
	c->r->desc[n - 1] = c->r->desc[2];
	for (uint32_t i = 1; i < n - 1; i++)
		c->r->desc[i] = (struct vring_desc){ 0x100000, 0x2100000, VRING_DESC_NEXT,
						     (uint16_t)(i + 1) };
	return evil_try(c, 0);
}

const struct evil evil_rings[] = {
	{ "head-range", "a head equal to the queue's size", EVIL_RESET, head_range },
	{ "head-huge", "head 65535", EVIL_RESET, head_huge },
	{ "next-range", "a next equal to the queue's size", EVIL_RESET, next_range },
	{ "addr-nowhere", "data where there is no RAM", EVIL_RESET, addr_nowhere },
	{ "addr-device", "data in the device's own registers", EVIL_RESET, addr_device },
	{ "addr-wrap", "data around the end of the address space", EVIL_RESET,
	  addr_wrap },
	{ "addr-edge", "data that leaves RAM at its end", EVIL_RESET, addr_edge },
	{ "header-nowhere", "a header where there is no RAM", EVIL_RESET,
	  header_nowhere },
	{ "status-nowhere", "a status where there is no RAM", EVIL_RESET,
	  status_nowhere },
	{ "len-zero", "a buffer without bytes", EVIL_RESET, len_zero },
	{ "len-huge", "4 GiB in one buffer", EVIL_RESET, len_huge },
	{ "len-odd", "513 bytes of data", EVIL_RESET | EVIL_ERROR, len_odd },
	{ "loop", "a chain with a loop", EVIL_RESET, loop },
	{ "loop-self", "a descriptor that is its own next", EVIL_RESET, loop_self },
	{ "chain-long", "an indirect chain of 1024", EVIL_RESET, chain_long },
	{ "indirect-nested", "an indirect table in one", EVIL_RESET, indirect_nested },
	{ "indirect-odd", "a table of three and a half descriptors", EVIL_RESET,
	  indirect_odd },
	{ "indirect-empty", "a table without descriptors", EVIL_RESET, indirect_empty },
	{ "indirect-next", "INDIRECT and NEXT at once", EVIL_RESET, indirect_next },
	{ "indirect-range", "a next outside its table", EVIL_RESET, indirect_range },
	{ "indirect-nowhere", "a table where there is no RAM", EVIL_RESET,
	  indirect_nowhere },
	{ "indirect-unasked", "INDIRECT without the feature", EVIL_RESET,
	  indirect_unasked },
	{ "header-writable", "a header for the device to write", EVIL_RESET,
	  header_writable },
	{ "status-readable", "a status for the device to read", EVIL_RESET,
	  status_readable },
	{ "data-readable", "a read into a buffer to be read", EVIL_RESET | EVIL_ERROR,
	  data_readable },
	{ "no-status", "a header and nothing else", EVIL_RESET, no_status },
	{ "header-short", "a header of 8 bytes", EVIL_RESET | EVIL_ERROR, header_short },
	{ "avail-jump", "avail.idx more than a queue ahead", EVIL_RESET, avail_jump },
	{ "avail-back", "avail.idx goes back", EVIL_RESET, avail_back },
	{ "head-twice", "a head that is in flight", EVIL_RESET, head_twice },
	{ "sector-end", "a read behind the end", EVIL_ERROR, sector_end },
	{ "sector-wrap", "a read at the last sector there could be", EVIL_ERROR,
	  sector_wrap },
	{ "sector-shift", "a sector whose byte offset is 2^64", EVIL_ERROR,
	  sector_shift },
	{ "type-unknown", "a request of no known type", EVIL_ERROR, type_unknown },
	{ "zeroes-huge", "zeros over 2 TiB", EVIL_ERROR, zeroes_huge },
	{ "zeroes-wrap", "zeros around the last sector", EVIL_ERROR, zeroes_wrap },
	{ "discard-short", "a discard of 7 bytes", EVIL_RESET | EVIL_ERROR,
	  discard_short },
	{ "four-gib", "more than 4 GiB in one chain", EVIL_RESET | EVIL_ERROR, four_gib },
	{ NULL, NULL, 0, NULL },
};
