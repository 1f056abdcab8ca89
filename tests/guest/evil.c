/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * evil.c - the command `evil`: misdeeds of a driver, and what became of them
 *
 * DOC: What is looked at
 *
 * Each misdeed begins with the disk started anew. Its outcome is compared with what the
 * specification demands or, where that is silent about drivers that break the rules, with
 * what kzhost promises (DESIGN part 6: the device sets NEEDS_RESET and goes on). Then
 * another disk, where there is one, has to answer a read, and the disk itself, after a
 * reset. One line a misdeed:
 *
 *	evil NAME OUTCOME other OTHER recovery RECOVERY: ok|FAIL
 *
 * Where nothing is an outcome that is right, it is what a short time without any other
 * makes; everything else is waited for. Who knows better says how long.
 */
#include "tests/guest/boot.h"
#include "tests/guest/clock.h"
#include "tests/guest/evil.h"
#include "tests/guest/gate.h"
#include "tests/guest/print.h"
#include "tests/guest/serial.h"
#include "tests/guest/string.h"

#define QUIET_MS      300 /* after that nothing has come of it */
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static const struct evil *const tables[] = { evil_rings, evil_regs, evil_accesses,
					     evil_others };

static const char *outcome_name(enum evil_outcome o)
{
	switch (o) {
	case EVIL_OK:
		return "ok";
	case EVIL_ERROR:
		return "error";
	case EVIL_RESET:
		return "needs-reset";
	case EVIL_NOTHING:
		return "nothing";
	case EVIL_REFUSED:
		return "refused";
	case EVIL_TAKEN:
		return "taken";
	default:
		return "bad";
	}
}

uint64_t evil_nowhere(void)
{
	return 0x7f0000000000ul;
}

void evil_read(struct evil_ctx *c)
{
	volatile struct vring_desc *d = c->r->desc;
	struct blk *b = c->b;

	b->header[0] = (struct blk_header){ .type = BLK_IN };
	b->status[0] = BLK_NO_STATUS;
	d[0] = (struct vring_desc){ (uintptr_t)b->header, sizeof(*b->header),
				    VRING_DESC_NEXT, 1 };
	d[1] = (struct vring_desc){ (uintptr_t)blk_dma(), BLK_SECTOR,
				    VRING_DESC_NEXT | VRING_DESC_WRITE, 2 };
	d[2] = (struct vring_desc){ (uintptr_t)b->status, 1, VRING_DESC_WRITE, 0 };
}

void evil_go(struct evil_ctx *c, uint16_t head)
{
	vring_offer(c->r, head);
	vring_publish(c->r);
	vring_ring_bell(c->r);
}

enum evil_outcome evil_see(struct evil_ctx *c)
{
	uint64_t end = rdtsc() + c->ms * clock_ticks_per_ms();
	uint64_t cookie;
	uint32_t len;

	while (rdtsc() < end) {
		if (virtio_status(c->b->dev) & VIRTIO_S_NEEDS_RESET)
			return EVIL_RESET;
		if (vring_take(c->r, &cookie, &len))
			return c->b->status[0] == BLK_OK ? EVIL_OK : EVIL_ERROR;
	}
	return EVIL_NOTHING;
}

enum evil_outcome evil_see_all(struct evil_ctx *c)
{
	enum evil_outcome o = evil_see(c);

	while (o == EVIL_OK && c->r->used_idx != c->r->avail_idx)
		o = evil_see(c);
	return o;
}

enum evil_outcome evil_try(struct evil_ctx *c, uint16_t head)
{
	evil_go(c, head);
	return evil_see(c);
}

enum evil_outcome evil_works(struct evil_ctx *c)
{
	unsigned status = blk_do(c->b, BLK_IN, 0, blk_dma(), BLK_SECTOR);

	if (status != BLK_OK)
		print("evil: the disk reads no more: %s\n", blk_status_name(status));
	return status == BLK_OK ? EVIL_OK : EVIL_BAD;
}

/* Return: NULL without other disk, else whether it reads */
static const char *other_disk(unsigned disk)
{
	unsigned n = disk ? 0 : 1;
	struct blk *b;

	if (!virtio_find(VIRTIO_BLOCK, n))
		return NULL;
	b = blk_open(n, false);
	return b && blk_do(b, BLK_IN, 0, blk_dma(), BLK_SECTOR) == BLK_OK ? "ok" : "BAD";
}

/* Return: true when everything was as it has to be. @ms: see above; 0: as is right for it */
static bool run_one(const struct evil *e, unsigned disk, unsigned ms)
{
	struct evil_ctx c = { .b = blk_open(disk, true), .disk = disk };
	enum evil_outcome outcome;
	const char *other, *recovery;
	bool right;

	if (!c.b || !blk_dma())
		return false;
	c.r = c.b->dev->queue[0];
	c.ms = e->expected & EVIL_NOTHING ? QUIET_MS : VIRTIO_ANSWER_MS;
	if (ms)
		c.ms = c.b->answer_ms = ms;
	vring_interrupts_off(c.r);
	outcome = e->run(&c);
	other = other_disk(disk);
	c.b = blk_open(disk, true);
	recovery = c.b && evil_works(&c) == EVIL_OK ? "ok" : "BAD";
	right = outcome & e->expected && recovery[0] == 'o' &&
		(!other || other[0] == 'o');
	print("evil %s %s other %s recovery %s: %s\n", e->name, outcome_name(outcome),
	      other ? other : "none", recovery, right ? "ok" : "FAIL");
	return right;
}

static void list(void)
{
	for (size_t t = 0; t < ARRAY_SIZE(tables); t++) {
		for (const struct evil *e = tables[t]; e->name; e++)
			print("evil %s: %s\n", e->name, e->what);
	}
}

void evil_command(char *args)
{
	const char *name = str_word(&args);
	bool all = str_cmp(name, "all") == 0;
	unsigned n = 0, n_bad = 0;
	uint64_t disk = 0, ms = 0;

	if (!*name || str_cmp(name, "list") == 0) {
		list();
		return;
	}
	if (!str_u64(&args, &disk) || !str_u64(&args, &ms)) {
		print("evil: N must be a number\n");
		return;
	}
	for (size_t t = 0; t < ARRAY_SIZE(tables); t++) {
		for (const struct evil *e = tables[t]; e->name; e++) {
			if (!all && str_cmp(name, e->name) != 0)
				continue;
			n++;
			n_bad += !run_one(e, (unsigned)disk, (unsigned)ms);
			if (serial_interrupted())
				return;
		}
	}
	print("evil: %u misdeeds, %u not as expected\n", n, n_bad);
}
