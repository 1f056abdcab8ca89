/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_bounce.c - requests whose memory O_DIRECT does not take, beside such that it takes
 *
 * On a real file system: these tests use the folder that they run in, the build's.
 */
#include "kzhost/io/blkio_fault.h"
#include "kzhost/io/bounce.h"
#include "tests/harness/harness.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/eventfd.h>

#define SECTOR 512u
#define PAGE   4096u
#define PAGES  16u
#define DEPTH  32u
#define LARGE  (5 * BOUNCE_BYTES + 3 * SECTOR)
#define BYTES  (1u << 20)

static const struct blkio_engine *const engines[] = { &blkio_uring, &blkio_sync };

struct bed {
	struct blkio *io;
	int fd, direct, kick;
	uint8_t *mem; /* BYTES and a page: the disk as its owner knows it */
};

static void bed_fini(struct bed *b)
{
	blkio_free(b->io);
	free(b->mem);
	close(b->fd);
	close(b->direct);
	close(b->kick);
}

/* A file of 1 MiB that is allocated and written, so that writing to it is quick. */
static void bed_init(struct bed *b, const struct blkio_engine *engine)
{
	struct blkio_backing backing = { .mem_align = SECTOR, .offset_align = SECTOR };
	char path[] = "bounce-XXXXXX";

	b->fd = mkostemp(path, O_CLOEXEC);
	T_TRUE(b->fd >= 0);
	b->direct = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);
	unlink(path);
	b->mem = aligned_alloc(PAGE, BYTES + PAGE);
	memset(b->mem, 0, BYTES + PAGE);
	if (b->direct < 0 || pwrite(b->direct, b->mem, SECTOR, SECTOR) != SECTOR)
		T_SKIP("no O_DIRECT with sectors of 512 bytes here");
	T_EQ(pwrite(b->fd, b->mem, BYTES, 0), BYTES);
	T_OK(fsync(b->fd));
	b->kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	backing.direct_fd = b->direct;
	backing.buffered_fd = b->fd;
	T_OK(blkio_new(engine, &backing, b->kick, DEPTH, &b->io));
	T_OK(blkio_attach(b->io));
}

/* A request with one piece of memory. */
struct one {
	struct blkio_req req;
	struct iovec iov;
};

static void start(struct bed *b, struct one *o, enum blkio_op op, uint64_t offset,
		  void *mem, size_t len)
{
	o->iov = (struct iovec){ mem, len };
	o->req = (struct blkio_req){
		.op = op, .offset = offset, .bytes = len, .iov = &o->iov, .n_iov = 1
	};
	blkio_start(b->io, &o->req);
}

/* All that are in flight; how many of them failed. */
static unsigned finish(struct bed *b)
{
	struct blkio_req *r;
	unsigned failed = 0;

	T_OK(blkio_submit(b->io));
	while (b->io->in_flight > 0) {
		r = blkio_reap(b->io);
		if (!r)
			T_OK(blkio_wait(b->io));
		failed += r && r->error != 0;
	}
	return failed;
}

static unsigned run(struct bed *b, enum blkio_op op, uint64_t offset, void *mem,
		    size_t len)
{
	struct one o;

	start(b, &o, op, offset, mem, len);
	return finish(b);
}

static void fill(uint8_t *p, size_t len, unsigned seed)
{
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)((i * 7 + seed) ^ i >> 8);
}

/* The first half of each page is written from aligned memory, the second from odd memory,
 * all at once: no half may come back with what it held before. */
TEST(bounce, writes_to_one_page_do_not_undo_each_other)
{
	for (unsigned i = 0; i < ARRAY_SIZE(engines); i++) {
		struct one half[PAGES][2];
		uint8_t *odd, file[PAGES * PAGE];
		struct bed b;

		bed_init(&b, engines[i]);
		odd = aligned_alloc(PAGE, 2 * PAGES * PAGE);
		for (unsigned n = 0; n < 400; n++) {
			fill(b.mem, PAGES * PAGE, n);
			memcpy(odd + 4, b.mem, PAGES * PAGE);
			for (unsigned k = 0; k < PAGES; k++) {
				uint64_t at = k * PAGE, behind = at + PAGE / 2;

				start(&b, &half[k][n % 2], BLKIO_WRITE, at, b.mem + at,
				      PAGE / 2);
				start(&b, &half[k][1 - n % 2], BLKIO_WRITE, behind,
				      odd + 4 + behind, PAGE / 2);
			}
			T_EQ(finish(&b), 0);
			T_EQ(pread(b.direct, odd, sizeof(file), 0), sizeof(file));
			T_MEMEQ(odd, b.mem, sizeof(file));
		}
		T_OK(fsync(b.fd));
		T_EQ(pread(b.fd, file, sizeof(file), 0), sizeof(file));
		T_MEMEQ(file, b.mem, sizeof(file));
		free(odd);
		bed_fini(&b);
	}
}

TEST(bounce, request_larger_than_a_buffer_is_carried_out_piece_by_piece)
{
	for (unsigned i = 0; i < ARRAY_SIZE(engines); i++) {
		uint8_t *odd = aligned_alloc(PAGE, BYTES);
		struct bed b;

		bed_init(&b, engines[i]);
		fill(odd + 4, LARGE, i);
		T_EQ(run(&b, BLKIO_WRITE, SECTOR, odd + 4, LARGE), 0);
		T_EQ(run(&b, BLKIO_WRITE_THROUGH, SECTOR, odd + 4, SECTOR), 0);
		T_EQ(pread(b.fd, b.mem, LARGE, SECTOR), LARGE);
		T_MEMEQ(b.mem, odd + 4, LARGE);
		memset(odd, 0xee, BYTES);
		T_EQ(run(&b, BLKIO_READ, SECTOR, odd + 12, LARGE), 0);
		T_MEMEQ(b.mem, odd + 12, LARGE);
		T_EQ(odd[11], 0xee);
		T_EQ(odd[12 + LARGE], 0xee);
		free(odd);
		bed_fini(&b);
	}
}

TEST(bounce, memory_in_pieces_of_any_length)
{
	struct bed b;
	uint8_t got[2 * SECTOR] = { 0 };
	struct iovec v[] = {
		{ got, 1 }, { got + 1, 600 }, { got + 601, 0 }, { got + 601, 423 }
	};
	struct blkio_req r = { .op = BLKIO_READ,
			       .offset = SECTOR,
			       .bytes = sizeof(got),
			       .iov = v,
			       .n_iov = 4 };

	bed_init(&b, NULL);
	fill(b.mem, PAGE, 3);
	T_EQ(pwrite(b.fd, b.mem, PAGE, 0), PAGE);
	blkio_start(b.io, &r);
	T_EQ(finish(&b), 0);
	T_MEMEQ(got, b.mem + SECTOR, sizeof(got));
	bed_fini(&b);
}

TEST(bounce, more_requests_than_buffers_all_come_back)
{
	static const char *const scripts[] = {
		"", "short=500 eagain=200 slow=300 reorder=300"
	};

	for (unsigned i = 0; i < 2 * ARRAY_SIZE(scripts); i++) {
		uint8_t *odd = aligned_alloc(PAGE, BYTES + PAGE);
		struct one o[DEPTH];
		struct blkio_fault f;
		struct bed b;

		blkio_fault_init(&f, engines[i % 2], 3);
		T_OK(blkio_fault_parse(&f, scripts[i / 2]));
		bed_init(&b, &f.engine);
		fill(odd + 4, BYTES, 9);
		for (unsigned k = 0; k < DEPTH; k++)
			start(&b, &o[k], BLKIO_WRITE, k * (BYTES / DEPTH),
			      odd + 4 + k * (BYTES / DEPTH), BYTES / DEPTH);
		T_EQ(finish(&b), 0);
		T_EQ(pread(b.fd, b.mem, BYTES, 0), BYTES);
		T_MEMEQ(b.mem, odd + 4, BYTES);
		T_EQ(b.io->bounce->used, 0);
		free(odd);
		bed_fini(&b);
	}
}

TEST(bounce, those_who_wait_are_cancelled_too)
{
	for (unsigned i = 0; i < ARRAY_SIZE(engines); i++) {
		uint8_t *odd = aligned_alloc(PAGE, BYTES);
		struct one o[DEPTH];
		struct bed b;

		bed_init(&b, engines[i]);
		fill(odd, BYTES, 1);
		for (unsigned k = 0; k < DEPTH; k++)
			start(&b, &o[k], BLKIO_READ, 0, odd + 4, LARGE);
		T_OK(blkio_submit(b.io));
		blkio_cancel(b.io);
		T_TRUE(blkio_ready(b.io));
		T_TRUE(finish(&b) >= DEPTH - BOUNCE_N);
		T_EQ(b.io->bounce->used, 0);
		/* Then all is as before. */
		T_EQ(run(&b, BLKIO_WRITE, 0, odd + 4, LARGE), 0);
		T_EQ(pread(b.fd, b.mem, LARGE, 0), LARGE);
		T_MEMEQ(b.mem, odd + 4, LARGE);
		free(odd);
		bed_fini(&b);
	}
}

/* Ranges within a block of the backing go through the page cache, whole blocks do not. */
TEST(bounce, only_ranges_within_a_block_go_through_the_page_cache)
{
	struct blkio_backing backing = { 0, 1, 512, PAGE };
	struct blkio b = { .backing = backing };
	struct iovec v = { NULL, PAGE };
	struct blkio_req r = { .op = BLKIO_WRITE, .bytes = PAGE, .iov = &v, .n_iov = 1 };

	T_TRUE(blkio_is_direct(&b, &r));
	r.offset = SECTOR;
	T_FALSE(blkio_is_direct(&b, &r));
	r.offset = 0;
	v.iov_len = SECTOR;
	T_FALSE(blkio_is_direct(&b, &r));
}
