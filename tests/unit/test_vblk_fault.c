/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_vblk_fault.c - disks whose backing fails, and orders that come at bad moments
 *
 * A driver with several queues, each with requests to sectors of its own. KZ_STRESS in
 * the environment repeats the storms as often as it says (scripts/nightly).
 */
#include "common/base/le.h"
#include "kzhost/dev/vblk.h"
#include "kzhost/io/blkio_fault.h"
#include "tests/harness/harness.h"
#include "tests/virtio/vring.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define QUEUES    4u
#define SLOTS     16u /* requests of a queue */
#define AREA      16u /* sectors of a request's own */
#define SECTORS   (QUEUES * SLOTS * AREA)
#define RING_SIZE 128u
#define TIMEOUT_S 90

/* Where a queue has its things. */
#define RING(q)      (0x10000u + 0x4000u * (q))
#define HEADER(q, s) (0x40000u + 0x1000u * (q) + 32u * (s))
#define STATUS(q, s) (HEADER(q, s) + 16)
#define DATA(q, s)   (0x100000u + 0x2000u * (SLOTS * (q) + (s)))
#define MEM          0x200000u

enum { IN = 0, OUT = 1, FLUSH = 4, N_TYPES = 3 };
enum { OK, IOERR, NOTHING = 0xaa };

struct slot {
	uint32_t type;
	bool busy, known;
	uint8_t model[AREA * 512];
};

struct bed {
	struct vmem mem;
	struct vdev *disk;
	struct vring ring[QUEUES];
	unsigned n_queues;
	int fd;
	atomic_uint problems, interrupts;
	unsigned failed, finished;
	uint64_t random;
	struct slot slot[QUEUES][SLOTS];
};

static void on_interrupt(void *arg, unsigned vector)
{
	struct bed *b = arg;

	atomic_fetch_add(&b->interrupts, 1);
}

static void on_problem(void *arg, const char *dev, const char *text)
{
	struct bed *b = arg;

	atomic_fetch_add(&b->problems, 1);
}

static void bed_init(struct bed *b, const struct blkio_engine *engine, unsigned n_queues)
{
	struct vdev_env env = { &b->mem.ram, on_interrupt, on_problem, b };
	struct vblk_config c = { .bytes = SECTORS * 512,
				 .block_bytes = 512,
				 .n_queues = n_queues,
				 .engine = engine };
	struct errmsg e = { "" };

	memset(b, 0, sizeof(*b));
	b->n_queues = n_queues;
	b->random = 11;
	vmem_init(&b->mem, MEM);
	b->fd = memfd_create("disk", MFD_CLOEXEC);
	T_OK(ftruncate(b->fd, SECTORS * 512));
	c.take_backing = (struct blkio_backing){ -1, dup(b->fd), 512, 512 };
	T_OK(vblk_new(&c, &env, &b->disk, &e));
	T_OK(vblk_start(b->disk));
	for (unsigned q = 0; q < QUEUES; q++) {
		for (unsigned s = 0; s < SLOTS; s++)
			b->slot[q][s].known = true;
	}
}

static void bed_fini(struct bed *b)
{
	vblk_free(b->disk);
	vmem_fini(&b->mem);
	close(b->fd);
}

static unsigned any(struct bed *b, unsigned below)
{
	b->random = b->random * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned)(b->random >> 33) % below;
}

static time_t now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

static void set(struct bed *b, enum vdev_reg reg, uint64_t value)
{
	vdev_write(b->disk, reg, ~0ull, value);
}

static uint64_t get(struct bed *b, enum vdev_reg reg)
{
	return vdev_read(b->disk, reg);
}

/* From reset to DRIVER_OK; another thread's reset may come in between. */
static void drive(struct bed *b)
{
	set(b, VDEV_STATUS, 3);
	for (unsigned half = 0; half < 2; half++) {
		set(b, VDEV_ACCEPT_SELECT, half);
		set(b, VDEV_ACCEPTED, (uint32_t)(b->disk->offered >> 32 * half));
	}
	set(b, VDEV_STATUS, 11);
	for (unsigned q = 0; q < b->n_queues; q++) {
		memset(vmem_at(&b->mem, RING(q)), 0, 3 * 4096);
		vring_init(&b->ring[q], &b->mem, RING(q), RING_SIZE);
		set(b, VDEV_QUEUE_SELECT, q);
		set(b, VDEV_QUEUE_SIZE, RING_SIZE);
		set(b, VDEV_QUEUE_DESC, b->ring[q].layout.desc_gpa);
		set(b, VDEV_QUEUE_DRIVER, b->ring[q].layout.avail_gpa);
		set(b, VDEV_QUEUE_DEVICE, b->ring[q].layout.used_gpa);
		set(b, VDEV_QUEUE_VECTOR, q);
		set(b, VDEV_QUEUE_ENABLE, 1);
	}
	set(b, VDEV_STATUS, 15);
}

static void wait_reset(struct bed *b)
{
	time_t deadline = now_s() + TIMEOUT_S;

	while (get(b, VDEV_STATUS) != 0) {
		if (now_s() > deadline)
			T_FAIL("the status is %02x, long after a reset",
			       (unsigned)get(b, VDEV_STATUS));
		sched_yield();
	}
}

static void post(struct bed *b, unsigned q, unsigned s)
{
	static const uint32_t types[N_TYPES] = { IN, OUT, FLUSH };
	struct slot *slot = &b->slot[q][s];
	uint8_t *data = vmem_at(&b->mem, DATA(q, s));
	uint32_t type = types[any(b, N_TYPES)], in = type == IN ? VRING_WRITE : 0;
	struct {
		le32 type, reserved;
		le64 sector;
	} header = { le32_of(type), le32_of(0), le64_of((q * SLOTS + s) * AREA) };
	unsigned seed = any(b, 256);

	memcpy(vmem_at(&b->mem, HEADER(q, s)), &header, sizeof(header));
	*(uint8_t *)vmem_at(&b->mem, STATUS(q, s)) = NOTHING;
	for (size_t i = 0; i < AREA * 512; i++)
		data[i] = (uint8_t)(seed + i * 5 + i / 256);
	vring_desc(&b->ring[q], 3 * s, HEADER(q, s), 16, VRING_NEXT,
		   type == FLUSH ? 3 * s + 2 : 3 * s + 1);
	vring_desc(&b->ring[q], 3 * s + 1, DATA(q, s), AREA * 512, VRING_NEXT | in,
		   3 * s + 2);
	vring_desc(&b->ring[q], 3 * s + 2, STATUS(q, s), 1, VRING_WRITE, 0);
	slot->type = type;
	slot->busy = true;
	vring_post(&b->ring[q], (uint16_t)(3 * s));
	vdev_kick(b->disk, q);
}

static void finish(struct bed *b, unsigned q, unsigned s, uint32_t len)
{
	struct slot *slot = &b->slot[q][s];
	const uint8_t *data = vmem_at(&b->mem, DATA(q, s));
	unsigned status = *(uint8_t *)vmem_at(&b->mem, STATUS(q, s));

	T_TRUE(slot->busy);
	slot->busy = false;
	b->finished++;
	T_TRUE(status == OK || status == IOERR);
	T_EQ(len, status == OK && slot->type == IN ? AREA * 512 + 1 : 1);
	if (status == IOERR) {
		b->failed++;
		slot->known = slot->known && slot->type != OUT;
	} else if (slot->type == OUT) {
		memcpy(slot->model, data, AREA * 512);
		slot->known = true;
	} else if (slot->type == IN && slot->known) {
		T_MEMEQ(data, slot->model, AREA * 512);
	}
}

/* Takes what was used in a queue; how many. */
static unsigned take(struct bed *b, unsigned q)
{
	uint32_t id, len;
	unsigned n = 0;

	for (; vring_take(&b->ring[q], &id, &len); n++) {
		T_TRUE(id % 3 == 0 && id / 3 < SLOTS);
		finish(b, q, id / 3, len);
	}
	return n;
}

static void wait_idle(struct bed *b)
{
	time_t deadline = now_s() + TIMEOUT_S;

	for (unsigned q = 0; q < b->n_queues; q++) {
		for (unsigned s = 0; s < SLOTS; s++) {
			while (b->slot[q][s].busy && take(b, q) == 0) {
				if (now_s() > deadline)
					T_FAIL("queue %u: request %u is lost", q, s);
				sched_yield();
			}
			s -= b->slot[q][s].busy;
		}
	}
}

/* Posts a request if the slot that chance chooses is free. */
static bool try_post(struct bed *b)
{
	unsigned q = any(b, b->n_queues), s = any(b, SLOTS);

	take(b, q);
	if (b->slot[q][s].busy)
		return false;
	post(b, q, s);
	return true;
}

/* @requests at random, many at once. */
static void storm(struct bed *b, unsigned requests)
{
	time_t deadline = now_s() + TIMEOUT_S;

	while (requests > 0) {
		if (try_post(b))
			requests--;
		else if (now_s() > deadline)
			T_FAIL("no request comes back");
		else
			sched_yield();
	}
}

static void check_file(struct bed *b)
{
	for (unsigned q = 0; q < b->n_queues; q++) {
		for (unsigned s = 0; s < SLOTS; s++) {
			uint8_t file[AREA * 512];

			T_EQ(pread(b->fd, file, sizeof(file),
				   (off_t)(q * SLOTS + s) * AREA * 512),
			     (ssize_t)sizeof(file));
			if (b->slot[q][s].known)
				T_MEMEQ(file, b->slot[q][s].model, sizeof(file));
		}
	}
}

static unsigned repeat(void)
{
	const char *text = getenv("KZ_STRESS");

	return text ? (unsigned)atoi(text) : 1;
}

static const struct blkio_engine *const engines[] = { &blkio_uring, &blkio_sync };

TEST(vblk_fault, status_and_counts_are_right_whatever_the_backing_does)
{
	static const struct {
		const char *script;
		bool fails;
	} cases[] = {
		{ "short=500 eagain=200 eintr=200", false },
		{ "slow=500 reorder=500", false },
		{ "eio=100", true },
		{ "enospc=100 slow=200 reorder=200", true },
		{ "short=200 eagain=100 eintr=100 eio=20 enospc=20 slow=200 reorder=300",
		  true },
	};

	for (unsigned i = 0; i < 2 * ARRAY_SIZE(cases); i++) {
		struct blkio_fault f;
		struct vblk_stats stats;
		struct bed b;

		blkio_fault_init(&f, engines[i % 2], i);
		T_OK(blkio_fault_parse(&f, cases[i / 2].script));
		bed_init(&b, &f.engine, 2);
		drive(&b);
		storm(&b, 600);
		wait_idle(&b);
		vblk_stats(b.disk, &stats);
		T_EQ(b.failed > 0, cases[i / 2].fails);
		T_EQ(stats.errors, b.failed);
		T_EQ(b.problems, b.failed);
		T_EQ(stats.reads + stats.writes + stats.flushes, b.finished);
		T_EQ(b.disk->guest_errors, 0);
		T_EQ(get(&b, VDEV_STATUS), 15);
		check_file(&b);
		bed_fini(&b);
	}
}

/* A reset in the middle: what was in flight may have happened or not. */
static void forget(struct bed *b)
{
	for (unsigned q = 0; q < b->n_queues; q++) {
		for (unsigned s = 0; s < SLOTS; s++) {
			struct slot *slot = &b->slot[q][s];

			if (slot->busy && slot->type == OUT)
				slot->known = false;
			slot->busy = false;
		}
	}
}

TEST(vblk_fault, resets_under_faults_end_and_spare_other_sectors)
{
	for (unsigned i = 0; i < ARRAY_SIZE(engines); i++) {
		struct blkio_fault f;
		struct bed b;

		blkio_fault_init(&f, engines[i], i);
		T_OK(blkio_fault_parse(&f, "short=300 eagain=300 eio=20 slow=400 "
					   "reorder=300"));
		bed_init(&b, &f.engine, QUEUES);
		for (unsigned n = 0; n < 60 * repeat(); n++) {
			drive(&b);
			T_EQ(get(&b, VDEV_STATUS), 15);
			storm(&b, 40);
			set(&b, VDEV_STATUS, 0);
			wait_reset(&b);
			forget(&b);
			check_file(&b);
		}
		bed_fini(&b);
	}
}

/* An engine that is asked for completions, has none, and by then has taken the kick that
 * came with an order to stop. It sleeps so long that its owner does not look around
 * first. */
static struct vdev *stop_in_reap;

static struct blkio_req *reap_and_stop(struct blkio *b)
{
	struct blkio_req *r = blkio_uring.reap(b);
	struct vdev *v = __atomic_load_n(&stop_in_reap, __ATOMIC_ACQUIRE);

	if (r || !v)
		return r;
	__atomic_store_n(&stop_in_reap, NULL, __ATOMIC_RELEASE);
	vdev_stop(v);
	return blkio_uring.reap(b);
}

static int wait_long(struct blkio *b)
{
	int r = blkio_uring.wait(b);

	nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	return r;
}

TEST(vblk_fault, order_to_stop_is_not_slept_over)
{
	struct blkio_engine engine = blkio_uring;
	struct bed b;

	engine.reap = reap_and_stop;
	engine.wait = wait_long;
	bed_init(&b, &engine, 1);
	drive(&b);
	storm(&b, 20);
	wait_idle(&b);
	__atomic_store_n(&stop_in_reap, b.disk, __ATOMIC_RELEASE);
	vdev_kick(b.disk, 0);
	T_TRUE(vdev_wait_stopped(b.disk, 90000));
	bed_fini(&b);
}

/* Threads of a guest that does what it likes to a disk that another one drives. */
struct rioter {
	struct bed *b;
	pthread_t thread;
	bool resets;
	atomic_bool quit;
};

static void *riot(void *arg)
{
	struct rioter *r = arg;
	unsigned seed = 5;

	while (!atomic_load(&r->quit)) {
		unsigned n = (unsigned)rand_r(&seed);

		if (!r->resets)
			vdev_kick(r->b->disk, n % (QUEUES + 1));
		else if (n % 64 == 0)
			vdev_write(r->b->disk, VDEV_STATUS, ~0ull, 0);
		else
			vdev_write(r->b->disk, n % VDEV_STATUS, ~0ull, 0);
		sched_yield();
	}
	return NULL;
}

/* As storm(), until the device is reset by somebody else or @requests are done. */
static void storm_until_reset(struct bed *b, unsigned requests)
{
	for (unsigned i = 0; i < requests && get(b, VDEV_STATUS) == 15; i++)
		try_post(b);
}

TEST(vblk_fault, resets_and_kicks_from_other_threads_leave_a_working_disk)
{
	for (unsigned i = 0; i < ARRAY_SIZE(engines); i++) {
		struct rioter r[2] = { { .resets = true }, { .resets = false } };
		struct bed b;

		bed_init(&b, engines[i], QUEUES);
		for (unsigned k = 0; k < ARRAY_SIZE(r); k++) {
			r[k].b = &b;
			T_OK(pthread_create(&r[k].thread, NULL, riot, &r[k]));
		}
		for (unsigned n = 0; n < 100 * repeat(); n++) {
			set(&b, VDEV_STATUS, 0);
			wait_reset(&b);
			forget(&b);
			drive(&b);
			storm_until_reset(&b, 60);
		}
		for (unsigned k = 0; k < ARRAY_SIZE(r); k++) {
			atomic_store(&r[k].quit, true);
			T_OK(pthread_join(r[k].thread, NULL));
		}
		set(&b, VDEV_STATUS, 0);
		wait_reset(&b);
		forget(&b);
		drive(&b);
		T_EQ(get(&b, VDEV_STATUS), 15);
		storm(&b, 200);
		wait_idle(&b);
		check_file(&b);
		bed_fini(&b);
	}
}

TEST(vblk_fault, machine_ends_at_any_moment)
{
	for (unsigned n = 0; n < 40 * repeat(); n++) {
		struct blkio_fault f;
		struct bed b;

		blkio_fault_init(&f, engines[n % 2], n);
		T_OK(blkio_fault_parse(&f, "short=300 slow=300 reorder=300"));
		bed_init(&b, n % 4 < 2 ? &f.engine : engines[n % 2], QUEUES);
		drive(&b);
		storm(&b, n);
		if (n % 3 == 0)
			set(&b, VDEV_STATUS, 0);
		bed_fini(&b);
	}
}

/* All that fits: a queue full of requests of as many segments as it has descriptors. */
static void post_largest(struct bed *b)
{
	const uint64_t table = 0x80000, last = RING_SIZE - 1;
	struct {
		le32 type, reserved;
		le64 sector;
	} header = { le32_of(IN), le32_of(0), le64_of(0) };

	memcpy(vmem_at(&b->mem, HEADER(0, 0)), &header, sizeof(header));
	vring_desc_at(&b->mem, table, 0, HEADER(0, 0), 16, VRING_NEXT, 1);
	for (unsigned k = 1; k < last; k++)
		vring_desc_at(&b->mem, table, k, DATA(0, 0) + 512 * k, 512,
			      VRING_NEXT | VRING_WRITE, k + 1);
	vring_desc_at(&b->mem, table, last, STATUS(0, 0), 1, VRING_WRITE, 0);
	for (unsigned k = 0; k < RING_SIZE; k++) {
		vring_desc(&b->ring[0], k, table, RING_SIZE * 16, VRING_INDIRECT, 0);
		vring_post(&b->ring[0], (uint16_t)k);
	}
	vdev_kick(b->disk, 0);
}

TEST(vblk_fault, largest_load_comes_back_whole)
{
	for (unsigned i = 0; i < ARRAY_SIZE(engines); i++) {
		time_t deadline = now_s() + TIMEOUT_S;
		uint32_t id, len;
		unsigned n = 0;
		struct bed b;

		bed_init(&b, engines[i], 1);
		T_EQ(pwrite(b.fd, "disk", 4, 0), 4);
		drive(&b);
		post_largest(&b);
		while (n < RING_SIZE && now_s() <= deadline) {
			if (!vring_take(&b.ring[0], &id, &len))
				continue;
			T_EQ(len, (RING_SIZE - 2) * 512 + 1);
			n++;
		}
		T_EQ(n, RING_SIZE);
		T_EQ(*(uint8_t *)vmem_at(&b.mem, STATUS(0, 0)), OK);
		T_MEMEQ(vmem_at(&b.mem, DATA(0, 0) + 512), "disk", 4);
		bed_fini(&b);
	}
}
