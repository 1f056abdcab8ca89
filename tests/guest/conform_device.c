/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * conform_device.c - checks of block, console and entropy devices (VIRTIO 1.2, 5.2
 * to 5.4)
 */
#include "tests/guest/con.h"
#include "tests/guest/conform.h"
#include "tests/guest/string.h"

#define TRIED      8 /* sectors at the disk's end, put back afterwards */
#define SAVED      0x8000
#define BUF        (CONFORM_DATA + 0x2000)
#define EMERGENCY  (1ul << 2)
#define CFG_EMERG  8
#define RNG_BYTES  64
#define FLAG_UNMAP 1

/* The disk by its driver, started with these features at most. */
static struct blk *disk(struct conform *c, uint64_t features)
{
	struct blk *b = blk_open(c->number, true);

	return b && blk_start(b, features, 1) ? b : NULL;
}

static enum conform_result flush_offered(struct conform *c)
{
	CONFORM(c, c->offered & BLK_F_FLUSH);
	return CONFORM_OK;
}

static enum conform_result wce_writethrough(struct conform *c)
{
	if (!(c->offered & BLK_F_WCE))
		return CONFORM_NA;
	CONFORM(c, virtio_negotiate(c->d, VIRTIO_F_VERSION_1 | BLK_F_WCE));
	CONFORM(c, virtio_config8(c->d, BLK_CFG_WRITEBACK) == 0);
	return CONFORM_OK;
}

static enum conform_result padding(struct conform *c)
{
	uint32_t len = c->d->region[VIRTIO_CAP_DEVICE].len;

	CONFORM(c, virtio_config8(c->d, BLK_CFG_WRITEBACK + 1) == 0);
	for (unsigned i = 1; i <= 3 && BLK_CFG_ZEROES_UNMAP + i < len; i++)
		CONFORM(c, virtio_config8(c->d, BLK_CFG_ZEROES_UNMAP + i) == 0);
	return CONFORM_OK;
}

static enum conform_result queues(struct conform *c)
{
	if (!(c->offered & BLK_F_MQ))
		return CONFORM_NA;
	CONFORM(c, virtio_config16(c->d, BLK_CFG_NUM_QUEUES) >= 1);
	CONFORM(c, virtio_config16(c->d, BLK_CFG_NUM_QUEUES) <= c->d->n_queues);
	return CONFORM_OK;
}

static enum conform_result read_only(struct conform *c)
{
	struct blk *b = disk(c, BLK_FEATURES);
	uint8_t *now = c->mem + BUF, *before = c->mem + SAVED;

	CONFORM(c, b);
	if (!(c->offered & BLK_F_RO))
		return CONFORM_NA;
	CONFORM(c, blk_do(b, BLK_IN, 0, before, BLK_SECTOR) == BLK_OK);
	for (unsigned i = 0; i < BLK_SECTOR; i++)
		now[i] = (uint8_t)~before[i];
	CONFORM(c, blk_do(b, BLK_OUT, 0, now, BLK_SECTOR) == BLK_IOERR);
	CONFORM(c, blk_do(b, BLK_IN, 0, now, BLK_SECTOR) == BLK_OK);
	CONFORM(c, memcmp(now, before, BLK_SECTOR) == 0);
	return CONFORM_OK;
}

/* A discard or write-zeroes command with @flags on the last sectors. */
static enum conform_result range_is(struct conform *c, uint64_t feature,
				    enum blk_type type, uint32_t flags, unsigned expected)
{
	struct blk *b = disk(c, BLK_FEATURES);
	struct blk_range *r = (void *)(c->mem + BUF);

	CONFORM(c, b);
	if (!(c->offered & feature) || b->capacity < TRIED || c->offered & BLK_F_RO)
		return CONFORM_NA;
	*r = (struct blk_range){ b->capacity - TRIED, TRIED, flags };
	CONFORM(c, blk_do(b, type, 0, r, sizeof(*r)) == expected);
	return CONFORM_OK;
}

static enum conform_result discard_flags(struct conform *c)
{
	return range_is(c, BLK_F_DISCARD, BLK_DISCARD, 0x80, BLK_UNSUPP);
}

static enum conform_result discard_unmap(struct conform *c)
{
	return range_is(c, BLK_F_DISCARD, BLK_DISCARD, FLAG_UNMAP, BLK_UNSUPP);
}

static enum conform_result zeroes_flags(struct conform *c)
{
	return range_is(c, BLK_F_ZEROES, BLK_ZEROES, 0x80000000, BLK_UNSUPP);
}

/* Writes a pattern, then zeros, and reads; the old content comes back. */
static enum conform_result zeroes_read(struct conform *c, uint32_t flags)
{
	struct blk *b = disk(c, BLK_FEATURES);
	struct blk_range *r = (void *)(c->mem + CONFORM_DATA);
	uint8_t *now = c->mem + BUF, *saved = c->mem + SAVED;
	uint32_t bytes = TRIED * BLK_SECTOR;
	unsigned n_set = 0;
	uint64_t at;

	CONFORM(c, b);
	if (!(c->offered & BLK_F_ZEROES) || b->capacity < TRIED || c->offered & BLK_F_RO)
		return CONFORM_NA;
	at = b->capacity - TRIED;
	CONFORM(c, blk_do(b, BLK_IN, at, saved, bytes) == BLK_OK);
	memset(now, 0x77, bytes);
	CONFORM(c, blk_do(b, BLK_OUT, at, now, bytes) == BLK_OK);
	*r = (struct blk_range){ at, TRIED, flags };
	CONFORM(c, blk_do(b, BLK_ZEROES, 0, r, sizeof(*r)) == BLK_OK);
	CONFORM(c, blk_do(b, BLK_IN, at, now, bytes) == BLK_OK);
	for (unsigned i = 0; i < bytes; i++)
		n_set += now[i] != 0;
	CONFORM(c, blk_do(b, BLK_OUT, at, saved, bytes) == BLK_OK);
	CONFORM(c, n_set == 0);
	return CONFORM_OK;
}

static enum conform_result zeroes(struct conform *c)
{
	return zeroes_read(c, 0);
}

static enum conform_result zeroes_unmapped(struct conform *c)
{
	return zeroes_read(c, FLAG_UNMAP);
}

static enum conform_result written(struct conform *c)
{
	struct blk *b = disk(c, BLK_FEATURES);
	uint8_t *now = c->mem + BUF, *saved = c->mem + SAVED;
	uint32_t bytes = TRIED * BLK_SECTOR;
	unsigned n_wrong = 0;
	uint64_t at;

	CONFORM(c, b);
	if (c->offered & BLK_F_RO || b->capacity < TRIED)
		return CONFORM_NA;
	at = b->capacity - TRIED;
	CONFORM(c, blk_do(b, BLK_IN, at, saved, bytes) == BLK_OK);
	memset(now, 0x33, bytes);
	CONFORM(c, blk_do(b, BLK_OUT, at, now, bytes) == BLK_OK);
	CONFORM(c, blk_do(b, BLK_FLUSH, 0, NULL, 0) == BLK_OK);
	CONFORM(c, (b = disk(c, BLK_FEATURES)));
	memset(now, 0, bytes);
	CONFORM(c, blk_do(b, BLK_IN, at, now, bytes) == BLK_OK);
	for (unsigned i = 0; i < bytes; i++)
		n_wrong += now[i] != 0x33;
	CONFORM(c, blk_do(b, BLK_OUT, at, saved, bytes) == BLK_OK);
	CONFORM(c, n_wrong == 0);
	return CONFORM_OK;
}

static enum conform_result unsupported(struct conform *c)
{
	struct blk *b = disk(c, BLK_FEATURES);

	CONFORM(c, b);
	CONFORM(c, blk_do(b, (enum blk_type)0x7777, 0, c->mem + BUF, BLK_SECTOR) ==
			   BLK_UNSUPP);
	return CONFORM_OK;
}

static enum conform_result behind_the_end(struct conform *c)
{
	struct blk *b = disk(c, BLK_FEATURES);

	CONFORM(c, b);
	CONFORM(c, blk_do(b, BLK_IN, b->capacity, c->mem + BUF, BLK_SECTOR) == BLK_IOERR);
	CONFORM(c, blk_do(b, BLK_IN, b->capacity - 1, c->mem + BUF, 2 * BLK_SECTOR) ==
			   BLK_IOERR);
	CONFORM(c,
		blk_do(b, BLK_IN, b->capacity - 1, c->mem + BUF, BLK_SECTOR) == BLK_OK);
	return CONFORM_OK;
}

static enum conform_result id(struct conform *c)
{
	struct blk *b = disk(c, BLK_FEATURES);
	uint8_t *buf = c->mem + BUF;

	CONFORM(c, b);
	memset(buf, 0xee, BLK_ID_BYTES + 1);
	CONFORM(c, blk_do(b, BLK_GET_ID, 0, buf, BLK_ID_BYTES) == BLK_OK);
	CONFORM(c, buf[BLK_ID_BYTES] == 0xee);
	for (unsigned i = 0; i < BLK_ID_BYTES && buf[i]; i++)
		CONFORM(c, buf[i] >= ' ' && buf[i] <= '~');
	return CONFORM_OK;
}

/* As many segments as are offered, in one table, as Linux has it. */
static enum conform_result segments(struct conform *c)
{
	struct vring_desc *t = (void *)(c->mem + CONFORM_TABLE);
	uint32_t n = virtio_config32(c->d, BLK_CFG_SEG_MAX);

	if (!(c->offered & BLK_F_SEG_MAX) || !(c->offered & VIRTIO_F_INDIRECT))
		return CONFORM_NA;
	CONFORM(c, conform_start(c, VIRTIO_F_INDIRECT | BLK_F_SEG_MAX));
	CONFORM(c, n >= 1 && n + 2 <= c->r->size);
	conform_fill(c, 0); /* its header and status are used again */
	t[0] = c->r->desc[0];
	for (uint16_t i = 1; i <= n; i++)
		t[i] = (struct vring_desc){ (uintptr_t)c->mem + BUF, BLK_SECTOR,
					    VRING_DESC_NEXT | VRING_DESC_WRITE,
					    (uint16_t)(i + 1) };
	t[n + 1] = (struct vring_desc){ (uintptr_t)c->mem + CONFORM_STATUS, 1,
					VRING_DESC_WRITE, 0 };
	c->r->desc[0] =
		(struct vring_desc){ (uintptr_t)t, (uint32_t)((n + 2) * sizeof(*t)),
				     VRING_DESC_INDIRECT, 0 };
	conform_offer(c, 0);
	CONFORM(c, conform_used(c, CONFORM_MS));
	CONFORM(c, c->mem[CONFORM_STATUS] == BLK_OK);
	CONFORM(c, c->used_len == n * BLK_SECTOR + 1);
	return CONFORM_OK;
}

static enum conform_result emergency(struct conform *c)
{
	if (!(c->offered & EMERGENCY))
		return CONFORM_NA;
	CONFORM(c, virtio_reset(c->d));
	mmio_write32(c->d->region[VIRTIO_CAP_DEVICE].gpa + CFG_EMERG, '!');
	CONFORM(c, virtio_status(c->d) == 0);
	CONFORM(c, conform_start(c, 0) && conform_request(c));
	return CONFORM_OK;
}

static enum conform_result ports(struct conform *c)
{
	unsigned n_ports, n_wrong;

	CONFORM(c, virtio_reset(c->d));
	CONFORM(c, con_count_ports(&n_ports, &n_wrong));
	CONFORM(c, n_wrong == 0);
	CONFORM(c, n_ports >= 1);
	return CONFORM_OK;
}

static enum conform_result random_bytes(struct conform *c)
{
	CONFORM(c, conform_start(c, 0));
	CONFORM(c, conform_request(c));
	CONFORM(c, c->used_len >= 1);
	CONFORM(c, c->used_len <= RNG_BYTES);
	return CONFORM_OK;
}

static enum conform_result random_differs(struct conform *c)
{
	uint8_t *data = c->mem + CONFORM_DATA, *before = c->mem + SAVED;
	uint32_t n;

	CONFORM(c, conform_start(c, 0));
	CONFORM(c, conform_request(c));
	memcpy(before, data, RNG_BYTES);
	n = c->used_len;
	CONFORM(c, conform_request(c));
	if (c->used_len < n)
		n = c->used_len;
	CONFORM(c, n < 8 || memcmp(before, data, n) != 0);
	return CONFORM_OK;
}

static enum conform_result random_queued(struct conform *c)
{
	CONFORM(c, conform_start(c, 0));
	for (uint16_t i = 0; i < 4; i++) {
		conform_fill(c, i);
		vring_offer(c->r, i);
	}
	vring_publish(c->r);
	vring_ring_bell(c->r);
	for (unsigned i = 0; i < 4; i++) {
		CONFORM(c, conform_used(c, CONFORM_MS));
		CONFORM(c, c->used_len >= 1);
	}
	return CONFORM_OK;
}

const struct conform_check conform_device[] = {
	{ "5.2.5.2", "FLUSH is offered (SHOULD)", CONFORM_BLOCK, flush_offered },
	{ "5.2.5.2", "CONFIG_WCE without FLUSH is writethrough", CONFORM_BLOCK,
	  wce_writethrough },
	{ "5.2.5.2", "padding is 0", CONFORM_BLOCK, padding },
	{ "5.2.5", "num_queues are there", CONFORM_BLOCK, queues },
	{ "5.2.4", "seg_max segments fit a queue, and are served", CONFORM_BLOCK,
	  segments },
	{ "5.2.6.2", "a write to a read-only disk fails and writes nothing",
	  CONFORM_BLOCK, read_only },
	{ "5.2.6.2", "a discard with unknown flags is unsupported", CONFORM_BLOCK,
	  discard_flags },
	{ "5.2.6.2", "a discard with the unmap flag is unsupported", CONFORM_BLOCK,
	  discard_unmap },
	{ "5.2.6.2", "zeros with unknown flags are unsupported", CONFORM_BLOCK,
	  zeroes_flags },
	{ "5.2.6.2", "zeros are read where zeros were written", CONFORM_BLOCK, zeroes },
	{ "5.2.6.2", "the same with the unmap flag", CONFORM_BLOCK, zeroes_unmapped },
	{ "5.2.6.2", "what was written and flushed is there after a reset", CONFORM_BLOCK,
	  written },
	{ "5.2.6", "a request of an unknown type is unsupported", CONFORM_BLOCK,
	  unsupported },
	{ "5.2.6", "a read behind the end fails", CONFORM_BLOCK, behind_the_end },
	{ "5.2.6", "the id is text of up to 20 bytes", CONFORM_BLOCK, id },
	{ "5.3.5.1", "emerg_wr may be written before anything else", CONFORM_CONSOLE,
	  emergency },
	{ "5.3.6.2.1", "ports are added once, and below max_nr_ports", CONFORM_CONSOLE,
	  ports },
	{ "5.4.6.2", "at least one random byte a buffer", CONFORM_ENTROPY, random_bytes },
	{ "5.4.6.2", "not the same bytes again", CONFORM_ENTROPY, random_differs },
	{ "5.4.6.2", "several buffers at once", CONFORM_ENTROPY, random_queued },
	{ NULL, NULL, 0, NULL },
};
