/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * disk.c - the command `disk`: what is there, and reading and writing it
 *
 * DOC: What is written
 *
 * Each sector of 512 bytes holds its own number, the seed, and 62 words made of both. So
 * `disk verify` tells a sector that was lost (it holds an older seed), one that went to
 * the wrong place (it holds another number) and one that is torn or damaged.
 */
#include "tests/guest/disk.h"
#include "tests/guest/print.h"
#include "tests/guest/serial.h"
#include "tests/guest/string.h"

#define CHUNK_SECTORS 256 /* 128 KiB a request */
#define SECTOR_WORDS  (BLK_SECTOR / 8)
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

struct range {
	uint64_t sector, count, seed;
	bool has_seed;
};

static uint64_t pattern(uint64_t sector, uint64_t seed, unsigned word)
{
	uint64_t v = (sector * SECTOR_WORDS + word + seed * 0x9e3779b97f4a7c15ul) *
		     0xd6e8feb86659fd93ul;

	return v ^ v >> 32;
}

static void fill(uint64_t *p, uint64_t sector, uint64_t seed)
{
	p[0] = sector;
	p[1] = seed;
	for (unsigned i = 2; i < SECTOR_WORDS; i++)
		p[i] = pattern(sector, seed, i);
}

static bool is_whole(const uint64_t *p)
{
	for (unsigned i = 2; i < SECTOR_WORDS; i++) {
		if (p[i] != pattern(p[0], p[1], i))
			return false;
	}
	return true;
}

static bool is_zero(const uint64_t *p)
{
	for (unsigned i = 0; i < SECTOR_WORDS; i++) {
		if (p[i])
			return false;
	}
	return true;
}

/* Says what is wrong with a sector. */
static void tell_bad(const uint64_t *p, const struct range *g, uint64_t sector)
{
	if (is_zero(p))
		print("sector %lu is all zeros\n", sector);
	else if (!is_whole(p))
		print("sector %lu is damaged\n", sector);
	else if (p[0] != sector)
		print("sector %lu holds sector %lu\n", sector, p[0]);
	else
		print("sector %lu holds seed %lu instead of %lu\n", sector, p[1],
		      g->seed);
}

static void disk_info(struct blk *b, unsigned n)
{
	struct virtio_dev *d = b->dev;
	uint64_t f = d->features;

	print("disk %u: slot %u, %lu sectors, block size %u, %u queues of %u, features "
	      "%lx%s%s%s%s\n",
	      n, d->pci->slot, b->capacity, b->blk_size, b->n_queues, d->queue[0]->size,
	      f, f & BLK_F_RO ? " read-only" : "", f & BLK_F_FLUSH ? " flush" : "",
	      f & BLK_F_DISCARD ? " discard" : "", f & BLK_F_ZEROES ? " zero" : "");
}

static void disk_list(void)
{
	struct blk *b;
	unsigned n = 0;

	for (; virtio_find(VIRTIO_BLOCK, n); n++) {
		if ((b = blk_open(n, false)))
			disk_info(b, n);
	}
	print("disk list: %u disks\n", n);
}

static void disk_info_args(struct blk *b, char *args, unsigned n)
{
	disk_info(b, n);
}

/* Reads SECTOR COUNT [SEED]. Return: false, and said so, when they are not there */
static bool read_range(char *args, struct range *ret)
{
	char *rest = args;
	const char *sector = str_word(&rest), *count = str_word(&rest);

	ret->seed = 1;
	ret->has_seed = *rest;
	if (str_to_u64(sector, &ret->sector) && str_to_u64(count, &ret->count) &&
	    str_u64(&rest, &ret->seed))
		return true;
	print("disk: SECTOR COUNT [SEED] must be numbers\n");
	return false;
}

/* Return: sectors to do in the next request */
static uint32_t chunk(const struct range *g, uint64_t done)
{
	uint64_t left = g->count - done;

	return (uint32_t)(left < CHUNK_SECTORS ? left : CHUNK_SECTORS);
}

/* One request of @n sectors at @sector. Return: false, and said so, when it failed */
static bool transfer(struct blk *b, const char *verb, enum blk_type type, uint64_t sector,
		     uint32_t n)
{
	unsigned status = blk_do(b, type, sector, blk_dma(), n * BLK_SECTOR);

	if (status == BLK_OK && !serial_interrupted())
		return true;
	print("disk %s: %s at sector %lu\n", verb, blk_status_name(status), sector);
	return false;
}

static void disk_write(struct blk *b, char *args, unsigned disk)
{
	struct range g;
	uint32_t n;

	if (!read_range(args, &g) || !blk_dma())
		return;
	for (uint64_t done = 0; done < g.count; done += n) {
		n = chunk(&g, done);
		for (uint32_t i = 0; i < n; i++)
			fill((uint64_t *)(blk_dma() + i * BLK_SECTOR),
			     g.sector + done + i, g.seed);
		if (!transfer(b, "write", BLK_OUT, g.sector + done, n))
			return;
	}
	print("disk write: %lu sectors, ok\n", g.count);
}

static void disk_read(struct blk *b, char *args, unsigned disk)
{
	struct range g;
	uint64_t sum = 0;
	uint32_t n;

	if (!read_range(args, &g) || !blk_dma())
		return;
	for (uint64_t done = 0; done < g.count; done += n) {
		n = chunk(&g, done);
		if (!transfer(b, "read", BLK_IN, g.sector + done, n))
			return;
		for (uint32_t i = 0; i < n * SECTOR_WORDS; i++)
			sum += ((uint64_t *)blk_dma())[i];
	}
	print("disk read: %lu sectors, checksum %016lx\n", g.count, sum);
}

static void disk_verify(struct blk *b, char *args, unsigned disk)
{
	uint64_t n_bad = 0;
	struct range g;
	uint32_t n;

	if (!read_range(args, &g) || !blk_dma())
		return;
	for (uint64_t done = 0; done < g.count; done += n) {
		n = chunk(&g, done);
		memset(blk_dma(), 0xee, n * BLK_SECTOR);
		if (!transfer(b, "verify", BLK_IN, g.sector + done, n))
			return;
		for (uint32_t i = 0; i < n; i++) {
			const uint64_t *p = (uint64_t *)(blk_dma() + i * BLK_SECTOR);
			uint64_t sector = g.sector + done + i;

			if (p[0] == sector && is_whole(p) &&
			    (!g.has_seed || p[1] == g.seed))
				continue;
			if (!n_bad++) {
				print("disk verify: ");
				tell_bad(p, &g, sector);
			}
		}
	}
	print("disk verify: %lu sectors, %lu bad%s\n", g.count, n_bad,
	      n_bad ? "" : ", ok");
}

static void disk_flush(struct blk *b, char *args, unsigned disk)
{
	print("disk flush: %s\n", blk_status_name(blk_do(b, BLK_FLUSH, 0, NULL, 0)));
}

static void deallocate(struct blk *b, char *args, const char *verb, enum blk_type type)
{
	struct blk_range *r = (void *)blk_dma();
	struct range g;
	unsigned status;

	if (!r || !read_range(args, &g))
		return;
	*r = (struct blk_range){ g.sector, (uint32_t)g.count, 0 };
	status = blk_do(b, type, 0, r, sizeof(*r));
	print("disk %s: %s\n", verb, blk_status_name(status));
}

static void disk_discard(struct blk *b, char *args, unsigned disk)
{
	deallocate(b, args, "discard", BLK_DISCARD);
}

static void disk_zero(struct blk *b, char *args, unsigned disk)
{
	deallocate(b, args, "zero", BLK_ZEROES);
}

static void disk_id(struct blk *b, char *args, unsigned disk)
{
	char *id = (char *)blk_dma();
	unsigned status;

	if (!id)
		return;
	memset(id, 0, BLK_ID_BYTES + 1);
	status = blk_do(b, BLK_GET_ID, 0, id, BLK_ID_BYTES);
	print("disk id: %s '%s'\n", blk_status_name(status), id);
}

static void disk_bench_args(struct blk *b, char *args, unsigned disk)
{
	disk_bench(b, args);
}

static void disk_reset(struct blk *b, char *args, unsigned disk)
{
	if (blk_open(disk, true))
		print("disk reset: ok\n");
}

static const struct {
	const char *verb;
	void (*run)(struct blk *b, char *args, unsigned disk);
} verbs[] = {
	{ "info", disk_info_args }, { "read", disk_read },   { "write", disk_write },
	{ "verify", disk_verify },  { "flush", disk_flush }, { "discard", disk_discard },
	{ "zero", disk_zero },      { "id", disk_id },       { "bench", disk_bench_args },
	{ "reset", disk_reset },
};

void disk_command(char *args)
{
	const char *verb = str_word(&args);
	uint64_t n = 0;
	struct blk *b;

	if (str_cmp(verb, "list") == 0) {
		disk_list();
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		if (str_cmp(verb, verbs[i].verb) != 0)
			continue;
		if (!str_u64(&args, &n))
			print("disk: N must be a number\n");
		else if ((b = blk_open((unsigned)n, false)))
			verbs[i].run(b, args, (unsigned)n);
		return;
	}
	print("disk: list, info, read, write, verify, flush, discard, zero, id, bench or "
	      "reset, not '%s'\n",
	      verb);
}
