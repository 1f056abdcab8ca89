/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_blkio.c - both engines over disks that fail as a script has it
 *
 * Random requests, many at once, no two in flight over the same sectors; a model knows
 * what the disk must hold. Content is unknown only where a write said that it failed.
 */
#include "kzhost/io/blkio_fault.h"
#include "tests/harness/harness.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define SECTOR  512u
#define DEPTH   32u
#define AREA    64u /* sectors of each request's own */
#define SECTORS (DEPTH * AREA)
#define PIECES  6u

static const struct blkio_engine *const engines[] = { &blkio_uring, &blkio_sync };

/* One request at a time, in its own area of disk and memory. */
struct slot {
	struct blkio_req req;
	struct iovec iov[PIECES];
	unsigned first, n; /* sectors of the area */
	bool busy;
	uint8_t *mem;  /* 2 * AREA sectors */
	uint8_t *data; /* in it, where the request's data lies */
	uint8_t model[AREA * SECTOR];
	bool known[AREA];
};

struct bed {
	struct blkio *io;
	int fd, direct, kick;
	uint64_t random;
	unsigned started, failed;
	struct slot slot[DEPTH];
};

static unsigned any(struct bed *b, unsigned below)
{
	b->random = b->random * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned)(b->random >> 33) % below;
}

static void bed_init(struct bed *b, const struct blkio_engine *engine, int fd, int direct)
{
	struct blkio_backing backing = { direct, fd, SECTOR, SECTOR };

	memset(b, 0, sizeof(*b));
	b->random = 42;
	b->fd = fd;
	b->direct = direct;
	b->kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	T_OK(blkio_new(engine, &backing, b->kick, DEPTH, &b->io));
	T_OK(blkio_attach(b->io));
	for (unsigned i = 0; i < DEPTH; i++) {
		b->slot[i].mem = aligned_alloc(4096, 2 * AREA * SECTOR);
		memset(b->slot[i].known, true, AREA);
	}
}

static void bed_fini(struct bed *b)
{
	blkio_free(b->io);
	for (unsigned i = 0; i < DEPTH; i++)
		free(b->slot[i].mem);
	close(b->kick);
	close(b->fd);
	if (b->direct >= 0)
		close(b->direct);
}

static int disk(void)
{
	int fd = memfd_create("disk", MFD_CLOEXEC);

	T_OK(ftruncate(fd, SECTORS * SECTOR));
	return fd;
}

/* The area in pieces; with @odd the memory is not aligned as O_DIRECT wants it. */
static void cut(struct bed *b, struct slot *s, bool odd)
{
	uint8_t *at = s->mem + (odd ? 4 * (1 + any(b, 100)) : 0);
	unsigned left = s->n, n = 0;

	s->data = at;
	while (left > 0) {
		unsigned part = n == PIECES - 1 ? left : 1 + any(b, left);

		s->iov[n++] = (struct iovec){ at, part * SECTOR };
		at += part * SECTOR;
		left -= part;
	}
	s->req.iov = s->iov;
	s->req.n_iov = n;
}

static bool writes(enum blkio_op op)
{
	return op == BLKIO_WRITE || op == BLKIO_WRITE_THROUGH;
}

static void start(struct bed *b, unsigned i)
{
	struct slot *s = &b->slot[i];

	s->req = (struct blkio_req){ .op = any(b, BLKIO_OP_N) };
	s->first = any(b, AREA);
	s->n = 1 + any(b, AREA - s->first);
	s->busy = true;
	s->req.offset = (uint64_t)(i * AREA + s->first) * SECTOR;
	s->req.bytes = s->n * SECTOR;
	if (s->req.op <= BLKIO_WRITE_THROUGH)
		cut(b, s, any(b, 2));
	for (size_t k = 0; writes(s->req.op) && k < s->req.bytes; k++)
		s->data[k] = (uint8_t)any(b, 256);
	if (s->req.op == BLKIO_READ)
		memset(s->mem, 0xee, 2 * AREA * SECTOR);
	if (s->req.op == BLKIO_FLUSH)
		s->req.offset = s->req.bytes = 0;
	blkio_start(b->io, &s->req);
	b->started++;
}

static void check_read(const struct slot *s)
{
	for (unsigned k = 0; k < s->n; k++) {
		if (s->known[s->first + k])
			T_MEMEQ(s->data + k * SECTOR, s->model + (s->first + k) * SECTOR,
				SECTOR);
	}
}

static void finish(struct bed *b, struct slot *s)
{
	enum blkio_op op = s->req.op;
	bool ok = s->req.error == 0;

	T_TRUE(s->busy);
	s->busy = false;
	b->failed += !ok && s->req.error != -EOPNOTSUPP; /* a tmpfs zeroes no ranges */
	if (op == BLKIO_FLUSH)
		return;
	if (op == BLKIO_READ) {
		if (ok)
			check_read(s);
		return;
	}
	for (unsigned k = 0; k < s->n; k++)
		s->known[s->first + k] = ok || (s->known[s->first + k] && !writes(op) &&
						s->req.error == -EOPNOTSUPP);
	if (ok && writes(op))
		memcpy(s->model + s->first * SECTOR, s->data, s->n * SECTOR);
	else if (ok)
		memset(s->model + s->first * SECTOR, 0, s->n * SECTOR);
}

/* What comes back within 30 s; the test fails when nothing does. */
static void reap_some(struct bed *b)
{
	struct blkio_req *r;
	unsigned n = 0;

	while (n == 0) {
		T_OK(blkio_wait(b->io));
		while ((r = blkio_reap(b->io))) {
			finish(b, container_of(r, struct slot, req));
			n++;
		}
	}
}

static void storm(struct bed *b, unsigned requests)
{
	while (b->started < requests) {
		unsigned i = any(b, DEPTH);

		if (!b->slot[i].busy)
			start(b, i);
		else
			reap_some(b);
		if (any(b, 4) == 0)
			T_OK(blkio_submit(b->io));
	}
	while (b->io->in_flight > 0)
		reap_some(b);
}

/* The file holds what the model knows. */
static void check_file(const struct bed *b)
{
	for (unsigned i = 0; i < DEPTH; i++) {
		const struct slot *s = &b->slot[i];
		uint8_t file[AREA * SECTOR];

		T_EQ(pread(b->fd, file, sizeof(file), (off_t)i * sizeof(file)),
		     (ssize_t)sizeof(file));
		for (unsigned k = 0; k < AREA; k++) {
			if (s->known[k])
				T_MEMEQ(file + k * SECTOR, s->model + k * SECTOR, SECTOR);
		}
	}
}

static void storm_with(const char *script, bool may_fail)
{
	for (unsigned i = 0; i < ARRAY_SIZE(engines); i++) {
		struct blkio_fault f;
		struct bed b;

		blkio_fault_init(&f, engines[i], 7 + i);
		T_OK(blkio_fault_parse(&f, script));
		bed_init(&b, &f.engine, disk(), -1);
		storm(&b, 1500);
		check_file(&b);
		for (unsigned k = 0; !may_fail && k < DEPTH; k++) {
			for (unsigned n = 0; n < AREA; n++)
				T_TRUE(b.slot[k].known[n]);
		}
		T_EQ(b.failed > 0, may_fail);
		bed_fini(&b);
	}
}

TEST(blkio, short_transfers_go_on_where_they_ended)
{
	uint64_t before = blkio_fault_count(BLKIO_FAULT_SHORT);

	storm_with("short=600", false);
	T_TRUE(blkio_fault_count(BLKIO_FAULT_SHORT) > before + 1000);
}

TEST(blkio, what_may_be_tried_again_is_tried_again)
{
	storm_with("eagain=400 eintr=400", false);
}

TEST(blkio, slow_and_reordered_completions_lose_nothing)
{
	storm_with("slow=500 reorder=500", false);
}

TEST(blkio, errors_are_told_and_spare_other_sectors)
{
	storm_with("eio=50 enospc=50", true);
}

TEST(blkio, all_faults_at_once_corrupt_nothing)
{
	storm_with("short=200 eagain=100 eintr=100 eio=20 enospc=20 slow=200 reorder=300",
		   true);
}

TEST(blkio, endless_refusal_is_an_error_in_the_end)
{
	static const char *const scripts[] = { "eagain=1000", "eintr=1000" };

	for (unsigned i = 0; i < 2 * ARRAY_SIZE(scripts); i++) {
		struct blkio_fault f;
		struct bed b;

		blkio_fault_init(&f, engines[i % 2], 1);
		T_OK(blkio_fault_parse(&f, scripts[i / 2]));
		bed_init(&b, &f.engine, disk(), -1);
		storm(&b, 10);
		T_EQ(b.failed, 10);
		bed_fini(&b);
	}
}

TEST(blkio, cancelled_requests_are_not_begun_again)
{
	for (unsigned i = 0; i < ARRAY_SIZE(engines); i++) {
		struct blkio_fault f;
		struct bed b;
		struct blkio_req *r;

		blkio_fault_init(&f, engines[i], 1);
		T_OK(blkio_fault_parse(&f, "short=1000"));
		bed_init(&b, &f.engine, disk(), -1);
		for (unsigned n = 0; n < 8; n++)
			start(&b, n);
		T_OK(blkio_submit(b.io));
		blkio_cancel(b.io);
		for (unsigned n = 0; n < 8;) {
			r = blkio_reap(b.io);
			if (!r)
				T_OK(blkio_wait(b.io));
			n += r != NULL;
			if (r && r->op <= BLKIO_WRITE_THROUGH && r->bytes > 1)
				T_EQ(r->error, -ECANCELED);
		}
		/* Then all is as before. */
		memset(f.per_mille, 0, sizeof(f.per_mille));
		for (unsigned n = 0; n < DEPTH; n++) {
			b.slot[n].busy = false;
			memset(b.slot[n].known, n >= 8, AREA);
		}
		storm(&b, 300);
		check_file(&b);
		T_EQ(b.failed, 0);
		bed_fini(&b);
	}
}

TEST(blkio, script_of_unknown_words_is_refused)
{
	static const char *const bad[] = { "eiox=1", "eio", "eio=",         "eio=1001",
					   "eio=1x", "=1",  "eio=5,short=1" };
	struct blkio_fault f;

	blkio_fault_init(&f, &blkio_uring, 1);
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
		T_EQ(blkio_fault_parse(&f, bad[i]), -EINVAL);
	T_OK(blkio_fault_parse(&f, " seed=9  eio=1000 pread "));
	T_EQ(f.seed, 9);
	T_EQ(f.per_mille[BLKIO_FAULT_EIO], 1000);
	T_TRUE(f.inner == &blkio_sync);
}

/* The directory must take O_DIRECT: the build's, where the tests' own may be a tmpfs. */
TEST(blkio, direct_and_buffered_requests_see_one_file)
{
	char path[] = "blkio-XXXXXX";
	int fd = mkostemp(path, O_CLOEXEC), direct;

	T_TRUE(fd >= 0);
	direct = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);
	unlink(path);
	T_OK(ftruncate(fd, SECTORS * SECTOR));
	if (direct < 0) {
		close(fd);
		T_SKIP("this file system knows no O_DIRECT");
	}
	for (unsigned i = 0; i < ARRAY_SIZE(engines); i++) {
		struct bed b;

		T_OK(ftruncate(fd, 0));
		T_OK(ftruncate(fd, SECTORS * SECTOR));
		bed_init(&b, engines[i], dup(fd), dup(direct));
		storm(&b, 1500);
		check_file(&b);
		T_EQ(b.failed, 0);
		bed_fini(&b);
	}
	close(fd);
	close(direct);
}

/* A tmpfs of 256 KiB, gone when the descriptor is closed; the disk in it is four times as
 * large. */
static int small_disk(void)
{
	const char *dir = t_path("small");
	int fd;

	T_OK(mkdir(dir, 0700));
	if (mount("small", dir, "tmpfs", 0, "size=256k") < 0)
		T_SKIP("cannot mount a small tmpfs: %s", strerror(errno));
	fd = open(t_path("small/disk"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	T_OK(umount2(dir, MNT_DETACH));
	T_TRUE(fd >= 0);
	T_OK(ftruncate(fd, SECTORS * SECTOR));
	return fd;
}

TEST(blkio, full_host_fails_writes_and_loses_nothing)
{
	for (unsigned i = 0; i < ARRAY_SIZE(engines); i++) {
		struct bed b;
		int fd;

		if (geteuid() != 0)
			T_SKIP("needs root to mount a small tmpfs");
		rmdir(t_path("small"));
		fd = small_disk();
		bed_init(&b, engines[i], fd, -1);
		storm(&b, 1500);
		T_TRUE(b.failed > 0);
		check_file(&b);
		bed_fini(&b);
	}
}

TEST(blkio, hammered_kick_ends_every_wait_and_loses_no_request)
{
	for (unsigned i = 0; i < ARRAY_SIZE(engines); i++) {
		uint64_t one = 1;
		struct bed b;

		bed_init(&b, engines[i], disk(), -1);
		for (unsigned n = 0; n < 20; n++) {
			for (unsigned k = 0; k < 3000; k++)
				T_EQ(write(b.kick, &one, sizeof(one)),
				     (ssize_t)sizeof(one));
			T_OK(blkio_wait(b.io));
			storm(&b, 20 * (n + 1));
		}
		check_file(&b);
		bed_fini(&b);
	}
}
