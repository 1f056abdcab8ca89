/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench.c - `disk bench`: requests a second, and how long they take
 *
 * DOC: The loop
 *
 * DEPTH requests are kept in flight, one slot each, spread over the queues. Finished ones
 * are taken in a batch and replaced at once, each for the device to see as soon as it is
 * in the ring, as Linux's driver does it; a queue is kicked once a batch, and only if the
 * device wants it. While there is something to take no interrupt is wanted. When
 * there is nothing, the used rings are polled for POLL_US, then interrupts are switched
 * on and the processor halts. Everything is ring 3 but the halt and the interrupt
 * handler. What the loop costs is the same on every machine that runs it, kicks and
 * interrupts are told.
 *
 * A latency is from before the request enters the ring until it is taken out.
 */
#include "tests/guest/clock.h"
#include "tests/guest/disk.h"
#include "tests/guest/event.h"
#include "tests/guest/gate.h"
#include "tests/guest/paging.h"
#include "tests/guest/print.h"
#include "tests/guest/serial.h"
#include "tests/guest/string.h"

#define DEPTH_MAX    128
#define SUB_BITS     5 /* buckets a power of two: 32, so 3 % */
#define BUCKETS      (64 << SUB_BITS)
#define DEFAULT_POLL 50

struct bench {
	struct blk *blk;
	const char *kind;
	bool writes, is_random;
	uint32_t bs;
	unsigned depth, n_queues;
	uint64_t poll_ticks, end;
	uint64_t n_blocks, cursor, seed; /* position of the next request */
	uint64_t start[DEPTH_MAX];
	unsigned in_flight;
	uint64_t done, errors, sum_ticks, kicks, interrupts;
	uint32_t bucket[BUCKETS];
};

static unsigned bucket_of(uint64_t ticks)
{
	unsigned msb = 63 - (unsigned)__builtin_clzl(ticks | 1);

	if (msb < SUB_BITS)
		return (unsigned)ticks;
	return ((msb - SUB_BITS + 1) << SUB_BITS) +
	       (unsigned)((ticks >> (msb - SUB_BITS)) & ((1u << SUB_BITS) - 1));
}

/* The upper end of a bucket. */
static uint64_t bucket_end(unsigned i)
{
	unsigned shift = i >> SUB_BITS;

	if (!shift)
		return i + 1;
	return ((1ul << SUB_BITS) + (i & ((1u << SUB_BITS) - 1)) + 1) << (shift - 1);
}

static uint64_t next_block(struct bench *n)
{
	if (!n->is_random) {
		n->cursor = n->cursor + 1 < n->n_blocks ? n->cursor + 1 : 0;
		return n->cursor;
	}
	/* Marsaglia's xorshift64, scaled by the high half of a product */
	n->seed ^= n->seed << 13;
	n->seed ^= n->seed >> 7;
	n->seed ^= n->seed << 17;
	return (uint64_t)(((unsigned __int128)n->seed * n->n_blocks) >> 64);
}

static void submit(struct bench *n, unsigned slot)
{
	struct blk *b = n->blk;
	struct vring *r = b->dev->queue[slot % n->n_queues];
	struct vring_seg seg[3] = {
		{ (uintptr_t)&b->header[slot], sizeof(*b->header) },
		{ (uintptr_t)blk_dma() + (uint64_t)slot * n->bs, n->bs },
		{ (uintptr_t)&b->status[slot], 1 },
	};

	b->header[slot].type = n->writes ? BLK_OUT : BLK_IN;
	b->header[slot].sector = next_block(n) * (n->bs / BLK_SECTOR);
	b->status[slot] = BLK_NO_STATUS;
	n->start[slot] = rdtsc();
	if (!vring_add(r, seg, n->writes ? 2 : 1, n->writes ? 1 : 2, slot + 1))
		return;
	vring_publish(r);
	n->in_flight++;
}

/* Takes what is finished on a queue, and replaces it. Return: how many */
static unsigned reap(struct bench *n, struct vring *r)
{
	uint64_t cookie, now;
	unsigned count = 0;
	uint32_t len;

	if (!vring_has_used(r))
		return 0;
	now = rdtsc();
	for (; vring_take(r, &cookie, &len) && cookie; count++) {
		unsigned slot = (unsigned)cookie - 1;
		uint64_t ticks = now - n->start[slot];

		n->in_flight--;
		n->done++;
		n->errors += n->blk->status[slot] != BLK_OK;
		n->sum_ticks += ticks;
		n->bucket[bucket_of(ticks)]++;
		if (now < n->end)
			submit(n, slot);
	}
	vring_kick(r);
	return count;
}

static unsigned reap_all(struct bench *n)
{
	unsigned count = 0;

	for (unsigned q = 0; q < n->n_queues; q++)
		count += reap(n, n->blk->dev->queue[q]);
	return count;
}

/* Halts until there is something to take or another interrupt. */
static void wait(struct bench *n)
{
	struct virtio_dev *d = n->blk->dev;
	bool has_used = false;

	for (unsigned q = 0; q < n->n_queues; q++)
		vring_interrupts_on(d->queue[q]);
	for (unsigned q = 0; q < n->n_queues; q++)
		has_used |= vring_has_used(d->queue[q]);
	if (!has_used)
		event_wait();
	for (unsigned q = 0; q < n->n_queues; q++)
		vring_interrupts_off(d->queue[q]);
}

/* Return: false when ^C ended it, with requests in flight */
static bool run(struct bench *n)
{
	uint64_t idle_since = rdtsc();

	for (unsigned q = 0; q < n->n_queues; q++)
		vring_interrupts_off(n->blk->dev->queue[q]);
	for (unsigned i = 0; i < n->depth; i++)
		submit(n, i);
	for (unsigned q = 0; q < n->n_queues; q++)
		vring_kick(n->blk->dev->queue[q]);
	while (n->in_flight) {
		if (reap_all(n)) {
			idle_since = rdtsc();
		} else if (rdtsc() - idle_since < n->poll_ticks) {
			__builtin_ia32_pause();
		} else {
			wait(n);
			if (serial_interrupted())
				return false;
		}
	}
	return true;
}

static uint64_t total_kicks(const struct bench *n)
{
	uint64_t kicks = 0;

	for (unsigned q = 0; q < n->n_queues; q++)
		kicks += n->blk->dev->queue[q]->kicks;
	return kicks;
}

static uint64_t percentile_ticks(const struct bench *n, unsigned percent)
{
	uint64_t seen = 0;

	for (unsigned i = 0; i < BUCKETS; i++) {
		seen += n->bucket[i];
		if (seen * 100 >= n->done * percent)
			return bucket_end(i);
	}
	return 0;
}

static void report(const struct bench *n, uint64_t ticks)
{
	uint64_t per_us = clock_ticks_per_ms() / 1000, us = ticks / per_us;
	uint64_t mean10 = n->done ? n->sum_ticks * 10 / n->done / per_us : 0;

	us += !us;
	print("disk bench: %s bs %u depth %u queues %u: %lu iops, %lu MB/s, mean %lu.%lu "
	      "us, p99 %lu us, %lu requests, %lu kicks, %lu interrupts, %lu errors\n",
	      n->kind, n->bs, n->depth, n->n_queues, n->done * 1000000 / us,
	      n->done * n->bs / us, mean10 / 10, mean10 % 10,
	      percentile_ticks(n, 99) / per_us, n->done, n->kicks, n->interrupts,
	      n->errors);
}

/* Reads KIND BS DEPTH MS [QUEUES [POLL_US]]. Return: NULL, or what is wrong */
static const char *read_args(struct bench *n, char *args, uint64_t *ret_ms)
{
	uint64_t bs = 4096, depth = 1, ms = 1000, queues = 1, poll_us = DEFAULT_POLL;

	n->kind = str_word(&args);
	n->writes =
		str_cmp(n->kind, "randwrite") == 0 || str_cmp(n->kind, "seqwrite") == 0;
	n->is_random = n->kind[0] == 'r';
	if (!n->writes && str_cmp(n->kind, "randread") != 0 &&
	    str_cmp(n->kind, "seqread") != 0)
		return "KIND is randread, randwrite, seqread or seqwrite";
	if (!str_u64(&args, &bs) || !str_u64(&args, &depth) || !str_u64(&args, &ms) ||
	    !str_u64(&args, &queues) || !str_u64(&args, &poll_us))
		return "BS DEPTH MS [QUEUES [POLL_US]] must be numbers";
	if (!depth || depth > DEPTH_MAX || !queues || queues > n->blk->n_queues)
		return "no such depth or number of queues";
	if (!bs || bs % BLK_SECTOR || bs > BLK_DMA_BYTES / depth ||
	    bs / BLK_SECTOR > n->blk->capacity)
		return "no such block size";
	n->bs = (uint32_t)bs;
	n->depth = (unsigned)depth;
	n->n_queues = (unsigned)queues;
	n->n_blocks = n->blk->capacity / (bs / BLK_SECTOR);
	n->poll_ticks = poll_us * clock_ticks_per_ms() / 1000;
	*ret_ms = ms;
	return NULL;
}

void disk_bench(struct blk *b, char *args)
{
	static struct bench *n;
	uint64_t ms, kicks, interrupts, start;
	const char *wrong;

	if ((!n && !(n = paging_alloc(sizeof(*n)))) || !blk_dma()) {
		print("disk bench: no memory\n");
		return;
	}
	memset(n, 0, sizeof(*n));
	n->blk = b;
	n->seed = 0x2545f4914f6cdd1dul;
	wrong = read_args(n, args, &ms);
	if (wrong) {
		print("disk bench: %s\n", wrong);
		return;
	}
	kicks = total_kicks(n);
	interrupts = event_msix_total();
	start = rdtsc();
	n->end = start + ms * clock_ticks_per_ms();
	if (!run(n)) {
		print("disk bench: interrupted\n");
		b->n_queues = 0; /* started anew before it is used again */
		return;
	}
	n->kicks = total_kicks(n) - kicks;
	n->interrupts = event_msix_total() - interrupts;
	report(n, rdtsc() - start);
}
