/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_vblk.c - the block device: each request type, each refusal, with every engine
 */
#include "common/base/le.h"
#include "kzhost/dev/vblk.h"
#include "tests/harness/harness.h"
#include "tests/virtio/vring.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define MEM     (8u << 20)
#define RING    0x10000u
#define SIZE    128
#define HEADER  0x30000u /* 16 bytes a head */
#define STATUS  0x38000u /* a byte a head */
#define TABLE   0x50000u /* of indirect descriptors */
#define DATA    0x100000u
#define SECTORS 2048u

#define SEG_MAX_AT 12 /* in device configuration (VIRTIO 1.2, 5.2.4) */

enum { IN = 0, OUT = 1, FLUSH = 4, GET_ID = 8, DISCARD = 11, ZERO = 13 };
enum { OK, IOERR, UNSUPP, NOTHING = 0xaa };

#define ALL_FEATURES \
	(VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT_DESC | 1ull << 2 | \
	 1ull << 6 | 1ull << 9 | 1ull << 10 | 1ull << 13 | 1ull << 14)

struct bed {
	struct vmem mem;
	struct vdev *disk;
	struct vring ring;
	int fd;
	int interrupt; /* eventfd */
	unsigned problems;
	char text[160];
	unsigned used[SIZE]; /* used entries by head */
	uint32_t len[SIZE];
};

static void on_interrupt(void *arg, unsigned vector)
{
	struct bed *b = arg;
	uint64_t one = 1;

	T_EQ(write(b->interrupt, &one, sizeof(one)), (ssize_t)sizeof(one));
}

static void on_problem(void *arg, const char *dev, const char *text)
{
	struct bed *b = arg;

	__atomic_add_fetch(&b->problems, 1, __ATOMIC_SEQ_CST);
	snprintf(b->text, sizeof(b->text), "%s: %s", dev, text);
}

static void set(struct bed *b, enum vdev_reg reg, uint64_t value)
{
	vdev_write(b->disk, reg, ~0ull, value);
}

static void drive(struct bed *b, uint64_t features)
{
	set(b, VDEV_STATUS, 3);
	for (unsigned half = 0; half < 2; half++) {
		set(b, VDEV_ACCEPT_SELECT, half);
		set(b, VDEV_ACCEPTED,
		    (uint32_t)((features & b->disk->offered) >> 32 * half));
	}
	set(b, VDEV_STATUS, 11);
	T_EQ(vdev_read(b->disk, VDEV_STATUS), 11);
	memset(vmem_at(&b->mem, RING), 0, 3 * 4096);
	vring_init(&b->ring, &b->mem, RING, SIZE);
	set(b, VDEV_QUEUE_DESC, b->ring.layout.desc_gpa);
	set(b, VDEV_QUEUE_DRIVER, b->ring.layout.avail_gpa);
	set(b, VDEV_QUEUE_DEVICE, b->ring.layout.used_gpa);
	set(b, VDEV_QUEUE_VECTOR, 0);
	set(b, VDEV_QUEUE_ENABLE, 1);
	set(b, VDEV_STATUS, 15);
	T_EQ(vdev_read(b->disk, VDEV_STATUS), 15);
}

static struct bed *bed_new(const struct vblk_config *change,
			   const struct blkio_engine *engine)
{
	struct bed *b = calloc(1, sizeof(*b));
	struct vdev_env env = { .interrupt = on_interrupt, .problem = on_problem };
	struct vblk_config c = {
		.id = 3,
		.bytes = SECTORS * 512,
		.can_discard = true,
		.can_zero = true,
		.block_bytes = 4096,
		.serial = "zone-disk-3",
		.n_queues = 1,
	};
	struct errmsg e = { "" };

	T_NOT_NULL(b);
	if (change)
		c = *change;
	vmem_init(&b->mem, MEM);
	b->fd = memfd_create("disk", MFD_CLOEXEC);
	T_OK(ftruncate(b->fd, SECTORS * 512));
	b->interrupt = eventfd(0, EFD_CLOEXEC);
	env.ram = &b->mem.ram;
	env.arg = b;
	c.engine = engine;
	c.take_backing = (struct blkio_backing){ -1, dup(b->fd), 512, 512 };
	T_OK(vblk_new(&c, &env, &b->disk, &e));
	T_OK(vblk_start(b->disk));
	drive(b, ALL_FEATURES);
	return b;
}

static void bed_free(struct bed **bp)
{
	struct bed *b = *bp;

	vblk_free(b->disk);
	vmem_fini(&b->mem);
	close(b->fd);
	close(b->interrupt);
	free(b);
}
#define BED(b, engine) cleanup(bed_free) struct bed *b = bed_new(NULL, engine)

static const struct blkio_engine *const engines[] = { &blkio_uring, &blkio_sync };

/* Writes header, data descriptor and status descriptor of a request, at descriptors
 * 3 * slot; posts it. */
static void post(struct bed *b, unsigned slot, uint32_t type, uint64_t sector,
		 uint64_t data, uint32_t len)
{
	struct {
		le32 type, reserved;
		le64 sector;
	} header = { le32_of(type), le32_of(0), le64_of(sector) };
	unsigned d = 3 * slot, in = type == IN || type == GET_ID ? VRING_WRITE : 0;

	memcpy(vmem_at(&b->mem, HEADER + 16 * slot), &header, sizeof(header));
	*(uint8_t *)vmem_at(&b->mem, STATUS + slot) = NOTHING;
	vring_desc(&b->ring, d, HEADER + 16 * slot, 16, VRING_NEXT, len ? d + 1 : d + 2);
	vring_desc(&b->ring, d + 1, data, len, VRING_NEXT | in, d + 2);
	vring_desc(&b->ring, d + 2, STATUS + slot, 1, VRING_WRITE, 0);
	vring_set_used_event(&b->ring, b->ring.used_seen);
	vring_post(&b->ring, (uint16_t)d);
}

static void wait_used(struct bed *b)
{
	uint32_t id, len;

	while (!vring_take(&b->ring, &id, &len)) {
		struct pollfd p = { .fd = b->interrupt, .events = POLLIN };
		uint64_t n;

		vring_set_used_event(&b->ring, b->ring.used_seen);
		if (vring_used_idx(&b->ring) != b->ring.used_seen)
			continue;
		if (poll(&p, 1, 90000) != 1)
			T_FAIL("no interrupt");
		T_EQ(read(b->interrupt, &n, sizeof(n)), (ssize_t)sizeof(n));
	}
	b->used[id / 3]++;
	b->len[id / 3] = len;
}

static unsigned status_of(struct bed *b, unsigned slot)
{
	return *(uint8_t *)vmem_at(&b->mem, STATUS + slot);
}

/* One request, from posting to its status. */
static unsigned request(struct bed *b, uint32_t type, uint64_t sector, uint64_t data,
			uint32_t len)
{
	post(b, 0, type, sector, data, len);
	vdev_kick(b->disk, 0);
	wait_used(b);
	return status_of(b, 0);
}

/* Zeroes over sectors 8 to 15; @flags: 1 = unmap. */
static unsigned zero(struct bed *b, uint32_t flags)
{
	struct {
		le64 sector;
		le32 n, flags;
	} range = { le64_of(8), le32_of(8), le32_of(flags) };

	memcpy(vmem_at(&b->mem, DATA), &range, sizeof(range));
	return request(b, ZERO, 0, DATA, sizeof(range));
}

static void fill(struct bed *b, uint64_t gpa, size_t len, unsigned seed)
{
	uint8_t *p = vmem_at(&b->mem, gpa);

	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)((i * 7 + seed) ^ i >> 8);
}

TEST(vblk, what_is_written_is_read_again_and_is_in_the_file)
{
	for (unsigned i = 0; i < ARRAY_SIZE(engines); i++) {
		BED(b, engines[i]);
		uint8_t file[4096];

		T_STREQ(vblk_engine(b->disk), engines[i]->name);
		fill(b, DATA, 4096, 1);
		T_EQ(request(b, OUT, 8, DATA, 4096), OK);
		T_EQ(b->len[0], 1);
		T_EQ(pread(b->fd, file, 4096, 4096), 4096);
		T_MEMEQ(file, vmem_at(&b->mem, DATA), 4096);
		T_EQ(request(b, IN, 8, DATA + 8192, 4096), OK);
		T_EQ(b->len[0], 4097);
		T_MEMEQ(vmem_at(&b->mem, DATA + 8192), file, 4096);
		T_EQ(request(b, FLUSH, 0, 0, 0), OK);
		T_EQ(b->problems, 0);
		T_EQ(b->disk->guest_errors, 0);
	}
}

TEST(vblk, discarded_and_zeroed_ranges_read_as_zeroes)
{
	static const uint8_t zeroes[4096];
	const struct {
		le64 sector;
		le32 n, flags;
	} ranges[] = { { le64_of(8), le32_of(8), le32_of(0) },
		       { le64_of(16), le32_of(8), le32_of(1) } };

	for (unsigned i = 0; i < ARRAY_SIZE(engines); i++) {
		BED(b, engines[i]);

		fill(b, DATA, 16384, 1);
		T_EQ(request(b, OUT, 0, DATA, 16384), OK);
		memcpy(vmem_at(&b->mem, DATA + 65536), ranges, sizeof(ranges));
		T_EQ(request(b, DISCARD, 0, DATA + 65536, 16), OK);
		T_EQ(request(b, ZERO, 0, DATA + 65536 + 16, 16), OK);
		T_EQ(request(b, IN, 0, DATA + 32768, 16384), OK);
		T_MEMEQ(vmem_at(&b->mem, DATA + 32768), vmem_at(&b->mem, DATA), 4096);
		T_MEMEQ(vmem_at(&b->mem, DATA + 32768 + 4096), zeroes, 4096);
		T_MEMEQ(vmem_at(&b->mem, DATA + 32768 + 8192), zeroes, 4096);
		T_MEMEQ(vmem_at(&b->mem, DATA + 32768 + 12288),
			vmem_at(&b->mem, DATA + 12288), 4096);
	}
}

/* As many segments as the device offers, in one indirect table: Linux does that. */
TEST(vblk, a_request_of_the_most_segments_is_served)
{
	BED(b, NULL);
	le32 seg_max;
	unsigned n;

	vdev_config_read(b->disk, SEG_MAX_AT, &seg_max, sizeof(seg_max));
	n = le32_get(seg_max);
	T_TRUE(n >= 32);
	fill(b, DATA, 512 * n, 1);
	memcpy(vmem_at(&b->mem, HEADER), (uint8_t[16]){ OUT }, 16);
	vring_desc_at(&b->mem, TABLE, 0, HEADER, 16, VRING_NEXT, 1);
	for (unsigned i = 1; i <= n; i++)
		vring_desc_at(&b->mem, TABLE, i, DATA + 512 * (i - 1), 512, VRING_NEXT,
			      i + 1);
	vring_desc_at(&b->mem, TABLE, n + 1, STATUS, 1, VRING_WRITE, 0);
	vring_desc(&b->ring, 0, TABLE, 16 * (n + 2), VRING_INDIRECT, 0);
	vring_post(&b->ring, 0);
	vdev_kick(b->disk, 0);
	wait_used(b);
	T_EQ(status_of(b, 0), OK);
	T_EQ(vdev_read(b->disk, VDEV_STATUS), 15);
}

TEST(vblk, id_is_the_serial)
{
	BED(b, NULL);

	memset(vmem_at(&b->mem, DATA), 0xff, 32);
	T_EQ(request(b, GET_ID, 0, DATA, 20), OK);
	T_MEMEQ(vmem_at(&b->mem, DATA), "zone-disk-3\0\0\0\0\0\0\0\0\0\xff", 21);
	T_EQ(request(b, GET_ID, 0, DATA, 4), OK);
	T_EQ(b->len[0], 5);
}

TEST(vblk, bad_requests_are_answered_and_change_nothing)
{
	const struct {
		uint32_t type;
		uint64_t sector;
		uint32_t len;
		unsigned status;
	} bad[] = {
		{ IN, SECTORS, 512, IOERR },     { IN, SECTORS - 1, 1024, IOERR },
		{ IN, ~0ull, 512, IOERR },       { IN, ~0ull / 512, 512, IOERR },
		{ IN, 0, 511, IOERR },           { IN, 0, 513, IOERR },
		{ OUT, SECTORS, 512, IOERR },    { OUT, 0, 100, IOERR },
		{ OUT, ~0ull - 7, 4096, IOERR }, { 2, 0, 512, UNSUPP },
		{ 7, 0, 512, UNSUPP },           { 12, 0, 512, UNSUPP },
		{ 0xffffffff, 0, 512, UNSUPP },  { DISCARD, 0, 8, IOERR },
		{ DISCARD, 0, 32, IOERR },       { ZERO, 0, 17, IOERR },
	};
	BED(b, NULL);

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		unsigned got = request(b, bad[i].type, bad[i].sector, DATA, bad[i].len);

		if (got != bad[i].status)
			T_FAIL("request %zu: status %u", i, got);
		T_EQ(b->len[0], 1);
	}
	T_EQ(vdev_read(b->disk, VDEV_STATUS), 15);
	T_EQ(b->problems, 0);
}

TEST(vblk, data_in_the_wrong_direction_is_answered)
{
	static const uint32_t types[] = { IN, OUT };
	BED(b, NULL);

	for (unsigned i = 0; i < ARRAY_SIZE(types); i++) {
		unsigned wrong = types[i] == IN ? 0 : VRING_WRITE;

		memcpy(vmem_at(&b->mem, HEADER), (uint8_t[16]){ (uint8_t)types[i] }, 16);
		vring_desc(&b->ring, 0, HEADER, 16, VRING_NEXT, 1);
		vring_desc(&b->ring, 1, DATA, 512, VRING_NEXT | wrong, 2);
		vring_desc(&b->ring, 2, STATUS, 1, VRING_WRITE, 0);
		vring_post(&b->ring, 0);
		vdev_kick(b->disk, 0);
		wait_used(b);
		T_EQ(status_of(b, 0), IOERR);
	}
}

TEST(vblk, bad_ranges_are_answered)
{
	const struct {
		uint64_t sector;
		uint32_t n, flags;
		unsigned status;
	} bad[] = {
		{ SECTORS, 1, 0, IOERR },     { SECTORS - 1, 2, 0, IOERR },
		{ ~0ull, 1, 0, IOERR },       { 0, 0xffffffff, 0, IOERR },
		{ ~0ull - 3, 4, 0, IOERR },   { 0, 8, 2, UNSUPP },
		{ 0, 8, 0x80000000, UNSUPP }, { 0, 0, 0, OK },
	};
	BED(b, NULL);

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct {
			le64 sector;
			le32 n, flags;
		} range = { le64_of(bad[i].sector), le32_of(bad[i].n),
			    le32_of(bad[i].flags) };

		memcpy(vmem_at(&b->mem, DATA), &range, sizeof(range));
		T_EQ(request(b, DISCARD, 0, DATA, sizeof(range)), bad[i].status);
	}
}

TEST(vblk, request_without_header_or_status_needs_a_reset)
{
	for (unsigned i = 0; i < 2; i++) {
		BED(b, NULL);

		vring_desc(&b->ring, 0, HEADER, i ? 8 : 16, i ? VRING_NEXT : 0, 1);
		vring_desc(&b->ring, 1, STATUS, 1, VRING_WRITE, 0);
		vring_post(&b->ring, 0);
		vdev_kick(b->disk, 0);
		while (!(vdev_read(b->disk, VDEV_STATUS) & VIRTIO_S_NEEDS_RESET))
			sched_yield();
		T_EQ(b->disk->guest_errors, 1);
		T_HAS(b->text, "queue 0: a request that is malformed");
		set(b, VDEV_STATUS, 0);
		T_EQ(vdev_read(b->disk, VDEV_STATUS), 0);
		drive(b, ALL_FEATURES);
		fill(b, DATA, 512, 3);
		T_EQ(request(b, OUT, 0, DATA, 512), OK);
	}
}

TEST(vblk, header_data_and_status_may_be_split_anywhere)
{
	BED(b, NULL);
	uint8_t file[1024];

	fill(b, DATA, 1024, 9);
	T_EQ(request(b, IN, 4, DATA + 4096, 1024), OK); /* writes a header */
	memcpy(vmem_at(&b->mem, HEADER), "\1\0\0\0\0\0\0\0\4\0\0\0\0\0\0\0", 16);
	memcpy(vmem_at(&b->mem, DATA + 8192), vmem_at(&b->mem, HEADER), 16);
	memcpy(vmem_at(&b->mem, DATA + 8192 + 16), vmem_at(&b->mem, DATA), 100);
	vring_desc(&b->ring, 0, DATA + 8192, 7, VRING_NEXT, 1);
	vring_desc(&b->ring, 1, DATA + 8192 + 7, 109, VRING_NEXT, 2);
	vring_desc(&b->ring, 2, DATA + 100, 924, VRING_NEXT, 3);
	vring_desc(&b->ring, 3, STATUS, 1, VRING_WRITE, 0);
	vring_post(&b->ring, 0);
	vdev_kick(b->disk, 0);
	wait_used(b);
	T_EQ(status_of(b, 0), OK);
	T_EQ(pread(b->fd, file, 1024, 2048), 1024);
	T_MEMEQ(file, vmem_at(&b->mem, DATA), 1024);
	/* Read into two buffers, the status behind the data in the second. */
	memcpy(vmem_at(&b->mem, HEADER), "\0\0\0\0", 4);
	vring_desc(&b->ring, 0, HEADER, 16, VRING_NEXT, 1);
	vring_desc(&b->ring, 1, DATA + 16384, 1000, VRING_NEXT | VRING_WRITE, 2);
	vring_desc(&b->ring, 2, DATA + 16384 + 1000, 25, VRING_WRITE, 0);
	vring_post(&b->ring, 0);
	vdev_kick(b->disk, 0);
	wait_used(b);
	T_MEMEQ(vmem_at(&b->mem, DATA + 16384), file, 1024);
	T_EQ(*(uint8_t *)vmem_at(&b->mem, DATA + 16384 + 1024), OK);
	T_EQ(b->len[0], 1025);
}

TEST(vblk, read_only_disk_is_never_written)
{
	struct vblk_config c = { .bytes = SECTORS * 512,
				 .read_only = true,
				 .can_discard = true,
				 .block_bytes = 512,
				 .n_queues = 1 };
	cleanup(bed_free) struct bed *b = bed_new(&c, NULL);
	uint8_t file[512], zero[512] = { 0 };

	T_TRUE(b->disk->offered & 1 << 5);
	T_FALSE(b->disk->offered & 1 << 13);
	fill(b, DATA, 512, 1);
	T_EQ(request(b, OUT, 0, DATA, 512), IOERR);
	T_EQ(request(b, DISCARD, 0, DATA, 16), UNSUPP);
	T_EQ(request(b, IN, 0, DATA, 512), OK);
	T_EQ(pread(b->fd, file, 512, 0), 512);
	T_MEMEQ(file, zero, 512);
}

TEST(vblk, bootable_disk_keeps_its_last_megabyte)
{
	struct vblk_config c = { .bytes = SECTORS * 512 + 4096,
				 .bootable = true,
				 .block_bytes = 512,
				 .n_queues = 1 };
	struct vdev_env env = { 0 };
	struct errmsg e = { "" };
	struct vdev *v = NULL;
	le64 capacity;

	c.take_backing = (struct blkio_backing){ -1, -1, 0, 0 };

	{
		cleanup(bed_free) struct bed *b = bed_new(&c, NULL);

		vdev_config_read(b->disk, 0, &capacity, 8);
		T_EQ(le64_get(capacity), 8);
		T_EQ(request(b, IN, 7, DATA, 512), OK);
		T_EQ(request(b, IN, 8, DATA, 512), IOERR);
	}
	c.bytes = VBLK_HOST_DATA;
	T_EQ(vblk_new(&c, &env, &v, &e), -EINVAL);
	T_HAS(e.text, "1048576 bytes are too few");
}

TEST(vblk, backing_that_shrank_fails_reads_and_is_reported)
{
	for (unsigned i = 0; i < ARRAY_SIZE(engines); i++) {
		BED(b, engines[i]);
		struct vblk_stats s;

		T_OK(ftruncate(b->fd, 4096));
		T_EQ(request(b, IN, 8, DATA, 4096), IOERR);
		T_EQ(request(b, IN, 7, DATA, 1024), IOERR);
		T_EQ(request(b, IN, 0, DATA, 4096), OK);
		T_EQ(b->problems, 2);
		T_HAS(b->text, "shrunk to 4096 of 1048576 bytes");
		vblk_stats(b->disk, &s);
		T_EQ(s.errors, 2);
		T_EQ(s.reads, 3);
	}
}

/* A write would make the file grow again: zeroes for all that was lost, and no word. */
TEST(vblk, backing_that_shrank_is_not_made_to_grow_again)
{
	for (unsigned i = 0; i < ARRAY_SIZE(engines); i++) {
		BED(b, engines[i]);
		struct vblk_stats s;
		struct stat st;

		T_OK(ftruncate(b->fd, 5000));
		T_EQ(request(b, OUT, 0, DATA, 4096), OK);
		T_EQ(request(b, IN, SECTORS - 8, DATA, 4096), IOERR);
		T_HAS(b->text, "read of 4096 bytes at byte");
		T_HAS(b->text, "the backing was shrunk to 5000 of 1048576 bytes");
		T_EQ(request(b, OUT, 16, DATA, 4096), IOERR);
		T_HAS(b->text,
		      "write of 4096 bytes at byte 8192: the backing was shrunk");
		T_EQ(request(b, OUT, 8, DATA, 1024), IOERR);
		T_EQ(zero(b, 0), IOERR);
		T_EQ(zero(b, 1), IOERR);
		T_EQ(request(b, OUT, 8, DATA, 512), OK);
		T_EQ(request(b, FLUSH, 0, 0, 0), OK);
		T_OK(fstat(b->fd, &st));
		T_EQ(st.st_size, 5000);
		/* Even when it has its size again: what was there is gone. */
		T_OK(ftruncate(b->fd, SECTORS * 512));
		T_EQ(request(b, IN, 16, DATA, 4096), IOERR);
		T_EQ(request(b, IN, 8, DATA, 512), OK);
		vblk_stats(b->disk, &s);
		T_EQ(s.errors, 6);
	}
}

TEST(vblk, many_requests_in_flight_all_come_back_once)
{
	for (unsigned i = 0; i < ARRAY_SIZE(engines); i++) {
		BED(b, engines[i]);

		fill(b, DATA, 42 * 4096, 5);
		for (unsigned s = 0; s < 42; s++)
			post(b, s, OUT, 8 * s, DATA + 4096 * s, 4096);
		vdev_kick(b->disk, 0);
		for (unsigned s = 0; s < 42; s++)
			wait_used(b);
		for (unsigned s = 0; s < 42; s++) {
			T_EQ(b->used[s], 1);
			T_EQ(status_of(b, s), OK);
		}
		T_EQ(request(b, IN, 0, DATA + 0x100000, 42 * 4096), OK);
		T_MEMEQ(vmem_at(&b->mem, DATA + 0x100000), vmem_at(&b->mem, DATA),
			42 * 4096);
	}
}

TEST(vblk, reset_with_requests_in_flight_loses_nobody)
{
	for (unsigned i = 0; i < 200; i++) {
		static struct bed *b;

		if (i == 0)
			b = bed_new(NULL, NULL);
		for (unsigned s = 0; s < 42; s++)
			post(b, s, i % 2 ? IN : OUT, 8 * s, DATA + 4096 * s, 4096);
		vdev_kick(b->disk, 0);
		set(b, VDEV_STATUS, 0);
		while (vdev_read(b->disk, VDEV_STATUS) != 0)
			sched_yield();
		drive(b, ALL_FEATURES);
		T_EQ(request(b, IN, 0, DATA, 4096), OK);
		if (i == 199)
			bed_free(&b);
	}
}

TEST(vblk, machine_may_end_with_requests_in_flight)
{
	for (unsigned i = 0; i < 50; i++) {
		BED(b, engines[i % ARRAY_SIZE(engines)]);

		for (unsigned s = 0; s < 42; s++)
			post(b, s, OUT, 8 * s, DATA + 4096 * s, 4096);
		vdev_kick(b->disk, 0);
	}
}

TEST(vblk, driver_without_event_index_or_flush_is_served)
{
	for (unsigned i = 0; i < ARRAY_SIZE(engines); i++) {
		BED(b, engines[i]);

		set(b, VDEV_STATUS, 0);
		drive(b, VIRTIO_F_VERSION_1);
		fill(b, DATA, 4096, 2);
		T_EQ(request(b, OUT, 0, DATA, 4096), OK);
		T_EQ(request(b, IN, 0, DATA + 8192, 4096), OK);
		T_MEMEQ(vmem_at(&b->mem, DATA), vmem_at(&b->mem, DATA + 8192), 4096);
		T_EQ(request(b, DISCARD, 0, DATA, 16), UNSUPP);
	}
}

/* The driver of choice @i: each bit of it takes or leaves one that is offered. */
static uint64_t choice(const struct bed *b, unsigned i)
{
	uint64_t features = VIRTIO_F_VERSION_1, left = b->disk->offered & ~features;

	for (; left; left &= left - 1, i >>= 1)
		features |= i & 1 ? left & -left : 0;
	return features;
}

TEST(vblk, any_choice_of_features_is_served)
{
	BED(b, NULL);
	unsigned n = 1u << (__builtin_popcountll(b->disk->offered) - 1);

	T_EQ(n >= 256, true);
	for (unsigned i = 0; i < n; i++) {
		uint64_t features;

		set(b, VDEV_STATUS, 0);
		features = choice(b, i);
		drive(b, features);
		fill(b, DATA, 4096, i);
		T_EQ(request(b, OUT, i % 16, DATA, 4096), OK);
		T_EQ(request(b, IN, i % 16, DATA + 8192, 4096), OK);
		T_MEMEQ(vmem_at(&b->mem, DATA), vmem_at(&b->mem, DATA + 8192), 4096);
		T_EQ(request(b, FLUSH, 0, 0, 0), OK);
		memset(vmem_at(&b->mem, DATA), 0, 16);
		*(uint8_t *)vmem_at(&b->mem, DATA + 8) = 8; /* sectors */
		T_EQ(request(b, DISCARD, 0, DATA, 16),
		     features & 1ull << 13 ? OK : UNSUPP);
		*(uint8_t *)vmem_at(&b->mem, DATA + 12) = 1; /* may be unmapped */
		T_EQ(request(b, ZERO, 0, DATA, 16), features & 1ull << 14 ? OK : UNSUPP);
	}
	T_EQ(b->problems, 0);
}

/* The plain engine, less what it says: results by operation, and how many there were. */
static struct {
	atomic_int result[BLKIO_OP_N]; /* 0: as it is */
	atomic_uint seen[BLKIO_OP_N];
} made_up;

static struct blkio_req *reap_made_up(struct blkio *b)
{
	struct blkio_req *r = blkio_sync.reap(b);

	if (!r)
		return NULL;
	atomic_fetch_add(&made_up.seen[r->op], 1);
	if (made_up.result[r->op])
		r->result = made_up.result[r->op];
	return r;
}

/* As it begins: nothing made up, no operation seen. */
static struct blkio_engine made_up_engine(void)
{
	struct blkio_engine e = blkio_sync;

	for (unsigned op = 0; op < BLKIO_OP_N; op++) {
		atomic_store(&made_up.result[op], 0);
		atomic_store(&made_up.seen[op], 0);
	}
	e.reap = reap_made_up;
	return e;
}

/* What the kernel could not write it forgets once it has said so. */
TEST(vblk, no_flush_works_after_one_that_failed)
{
	struct blkio_engine engine = made_up_engine();
	struct vblk_stats s;
	BED(b, &engine);

	T_EQ(request(b, FLUSH, 0, 0, 0), OK);
	atomic_store(&made_up.result[BLKIO_FLUSH], -EIO);
	T_EQ(request(b, FLUSH, 0, 0, 0), IOERR);
	T_HAS(b->text, "flush: Input/output error: ");
	atomic_store(&made_up.result[BLKIO_FLUSH], 0);
	T_EQ(request(b, FLUSH, 0, 0, 0), IOERR);
	T_HAS(b->text, "until the zone has booted again");
	T_EQ(request(b, OUT, 0, DATA, 512), OK);
	set(b, VDEV_STATUS, 0);
	drive(b, ALL_FEATURES);
	T_EQ(request(b, FLUSH, 0, 0, 0), IOERR);
	T_EQ(request(b, IN, 0, DATA, 512), OK);
	vblk_stats(b->disk, &s);
	T_EQ(s.errors, 3);
	T_EQ(b->problems, 3);
}

TEST(vblk, zeroes_are_written_where_the_backing_cannot_forget)
{
	struct blkio_engine engine = made_up_engine();
	BED(b, &engine);

	atomic_store(&made_up.result[BLKIO_DISCARD], -EOPNOTSUPP);
	atomic_store(&made_up.result[BLKIO_ZERO], INT_MAX); /* a tmpfs cannot */
	T_EQ(zero(b, 1), OK);
	T_EQ(made_up.seen[BLKIO_DISCARD], 1);
	T_EQ(made_up.seen[BLKIO_ZERO], 1);
	T_EQ(zero(b, 0), OK);
	T_EQ(made_up.seen[BLKIO_DISCARD], 1);
	T_EQ(made_up.seen[BLKIO_ZERO], 2);
	T_EQ(made_up.seen[BLKIO_FLUSH], 0);
	/* Neither, or not here: the driver has to write them itself. */
	atomic_store(&made_up.result[BLKIO_ZERO], -EOPNOTSUPP);
	T_EQ(zero(b, 1), UNSUPP);
	atomic_store(&made_up.result[BLKIO_ZERO], -EINVAL); /* within a block of 4096 */
	T_EQ(zero(b, 0), UNSUPP);
	atomic_store(&made_up.result[BLKIO_ZERO], -EIO);
	T_EQ(zero(b, 0), IOERR);
	T_EQ(b->problems, 1);
}

TEST(vblk, what_a_driver_without_flush_wrote_is_stable_when_it_is_told)
{
	struct blkio_engine engine = made_up_engine();
	BED(b, &engine);

	set(b, VDEV_STATUS, 0);
	drive(b, ALL_FEATURES & ~(1ull << 9));
	T_EQ(request(b, OUT, 0, DATA, 512), OK);
	T_EQ(made_up.seen[BLKIO_WRITE_THROUGH], 1);
	T_EQ(made_up.seen[BLKIO_WRITE], 0);
	T_EQ(zero(b, 1), OK);
	T_EQ(made_up.seen[BLKIO_FLUSH], 1);
	atomic_store(&made_up.result[BLKIO_FLUSH], -EIO);
	T_EQ(zero(b, 1), IOERR);
}

TEST(vblk, driver_that_never_looks_at_what_is_used_hurts_nobody)
{
	for (unsigned i = 0; i < ARRAY_SIZE(engines); i++) {
		BED(b, engines[i]);
		uint16_t want = 0;

		for (unsigned round = 0; round < 2000; round++) {
			for (unsigned s = 0; s < 40; s++, want++)
				post(b, s, round % 2 ? IN : OUT, 8 * s, DATA + 4096 * s,
				     4096);
			vdev_kick(b->disk, 0);
			while (vring_used_idx(&b->ring) != want)
				sched_yield();
		}
		T_EQ(b->disk->guest_errors, 0);
		set(b, VDEV_STATUS, 0);
		drive(b, ALL_FEATURES);
		T_EQ(request(b, IN, 0, DATA, 4096), OK);
	}
}

/* A disk of 8 sectors and a megabyte that is not the guest's. */
TEST(vblk, no_request_reaches_the_hosts_megabyte)
{
	struct vblk_config c = { .bytes = VBLK_HOST_DATA + 8 * 512,
				 .bootable = true,
				 .can_discard = true,
				 .can_zero = true,
				 .block_bytes = 512,
				 .n_queues = 1 };
	const struct {
		le64 sector;
		le32 n, flags;
	} range = { le64_of(7), le32_of(2), le32_of(0) };
	cleanup(bed_free) struct bed *b = bed_new(&c, NULL);
	char text[4];

	T_OK(ftruncate(b->fd, (off_t)c.bytes));
	T_EQ(pwrite(b->fd, "host", 4, 8 * 512), 4);
	T_EQ(request(b, OUT, 8, DATA, 512), IOERR);
	T_EQ(request(b, OUT, 7, DATA, 1024), IOERR);
	memcpy(vmem_at(&b->mem, DATA), &range, sizeof(range));
	T_EQ(request(b, DISCARD, 0, DATA, sizeof(range)), IOERR);
	T_EQ(request(b, ZERO, 0, DATA, sizeof(range)), IOERR);
	T_EQ(pread(b->fd, text, 4, 8 * 512), 4);
	T_MEMEQ(text, "host", 4);
}
