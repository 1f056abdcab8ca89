// SPDX-License-Identifier: BSD-2-Clause
/*
 * vblk.c - the virtio block device: configuration, requests, the owner threads
 */
#include "kzhost/dev/vblk.h"

#include "common/base/le.h"
#include "common/base/trace.h"
#include "common/sys/thread.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define QUEUE_SIZE 128
#define SEG_MAX    (QUEUE_SIZE - 2) /* a chain has header and status, and fits the queue */
#define ID         2                /* VIRTIO 1.2, 5.2.1 */
static_assert(SEG_MAX + 2 <= VIRTQ_CHAIN_MAX, "what is offered is taken");

/* Feature bits (5.2.3). */
#define F_SEG_MAX      (1ull << 2)
#define F_RO           (1ull << 5)
#define F_BLK_SIZE     (1ull << 6)
#define F_FLUSH        (1ull << 9)
#define F_TOPOLOGY     (1ull << 10)
#define F_MQ           (1ull << 12)
#define F_DISCARD      (1ull << 13)
#define F_WRITE_ZEROES (1ull << 14)

/* Request types and results (5.2.6). */
enum { T_IN = 0, T_OUT = 1, T_FLUSH = 4, T_GET_ID = 8, T_DISCARD = 11, T_ZERO = 13 };
enum { S_OK, S_IOERR, S_UNSUPP };

#define ZERO_UNMAP    1u
#define RANGE_SECTORS (1u << 22) /* 2 GiB at most in one discard or zeroing */
#define DISCARD_ALIGN 8u         /* sectors */

/* How long an owner looks before it sleeps, in nanoseconds. */
#define LOOK_FIRST 4000u
#define LOOK_MAX   128000u
#define LOOK_STEPS 32 /* looks between two readings of the clock */

/* Requests that are handed in together. The disk is at work on the first while the owner
 * takes the next; neighbours in one batch are one request to the host's block layer. */
#define SUBMIT_BATCH 4

#define STACK_BYTES (128 * 1024)

/* Device configuration (5.2.4). */
struct blk_config {
	le64 capacity; /* sectors */
	le32 size_max, seg_max;
	le16 cylinders;
	uint8_t heads, sectors;
	le32 blk_size;
	uint8_t physical_exp, alignment_offset;
	le16 min_io;
	le32 opt_io;
	uint8_t writeback, unused0;
	le16 n_queues;
	le32 discard_sectors, discard_segs, discard_align;
	le32 zero_sectors, zero_segs;
	uint8_t zero_may_unmap, unused1[3];
};
static_assert(sizeof(struct blk_config) == 60, "VIRTIO 1.2, 5.2.4");

struct blk_header {
	le32 type, reserved;
	le64 sector;
};
static_assert(sizeof(struct blk_header) == 16, "VIRTIO 1.2, 5.2.6");

/* One range to discard or to zero. */
struct blk_range {
	le64 sector;
	le32 n_sectors, flags;
};
static_assert(sizeof(struct blk_range) == 16, "VIRTIO 1.2, 5.2.6");

struct request {
	struct blkio_req io;
	uint8_t *status; /* last writable byte of the chain, in guest memory */
	uint32_t type;
	struct virtq_chain chain;
};

/* One queue and the thread that owns it. */
struct lane {
	struct vblk *disk;
	struct vqueue *q;
	struct blkio *io;
	pthread_t thread;
	bool running; /* the thread is to be joined; main thread only */
	bool serving; /* the ring is ours; request and free are set up */
	bool broken;  /* vdev_broken() was called */
	unsigned
		look_ns[2]; /* how long to look before a sleep: for the guest, the disk */
	struct request *request; /* QUEUE_SIZE of them; touched as they are needed */
	unsigned n_free;
	uint16_t free[QUEUE_SIZE];       /* indices into request, the last used on top */
	atomic_ullong count[T_ZERO + 1]; /* by type of request */
	atomic_ullong read_bytes, written_bytes, errors;
};

struct vblk {
	struct vdev v;
	struct vblk_config config;
	struct blk_config space;
	uint64_t sectors;
	atomic_bool quit;
	struct lane lane[VBLK_QUEUES_MAX];
};

static struct vblk *vblk_of(const struct vdev *v)
{
	return container_of(v, struct vblk, v);
}

static void count(atomic_ullong *n, uint64_t add)
{
	/* Only the owner adds: no need for a locked instruction. */
	atomic_store_explicit(n, atomic_load_explicit(n, memory_order_relaxed) + add,
			      memory_order_relaxed);
}

/* Requests. */

/* Gives a request back: @written bytes of data, and its status behind them. */
static void give_back(struct lane *l, struct request *r, uint8_t status, uint32_t written)
{
	*r->status = status;
	virtq_done(&l->q->vq, r->chain.head, written + 1);
	l->free[l->n_free++] = (uint16_t)(r - l->request);
}

static void answer(struct lane *l, struct request *r, uint8_t status)
{
	give_back(l, r, status, 0);
}

/* Cuts @front bytes from the beginning and @back from the end of buffers; returns how
 * many are left of them, from *iov on. The buffers have as many bytes. */
static unsigned trim(struct iovec **iov, unsigned n, size_t front, size_t back)
{
	struct iovec *v = *iov;

	while (n > 0 && front >= v->iov_len) {
		front -= v->iov_len;
		v++;
		n--;
	}
	if (n > 0) {
		v->iov_base = (uint8_t *)v->iov_base + front;
		v->iov_len -= front;
	}
	while (n > 0 && back >= v[n - 1].iov_len) {
		back -= v[n - 1].iov_len;
		n--;
	}
	if (n > 0)
		v[n - 1].iov_len -= back;
	*iov = v;
	return n;
}

static bool in_range(const struct vblk *d, uint64_t sector, uint64_t n)
{
	return n <= d->sectors && sector <= d->sectors - n;
}

static void start(struct lane *l, struct request *r, enum blkio_op op, uint64_t sector,
		  uint64_t bytes)
{
	r->io.op = op;
	r->io.offset = sector * VBLK_SECTOR;
	r->io.bytes = bytes;
	blkio_start(l->io, &r->io);
}

/* The chain's own buffers, cut to the data, become the request's. */
static void take_in(struct lane *l, struct request *r, uint64_t sector)
{
	struct virtq_chain *c = &r->chain;
	uint64_t bytes = c->in_bytes - 1;

	if (bytes % VBLK_SECTOR || !in_range(l->disk, sector, bytes / VBLK_SECTOR) ||
	    c->out_bytes != sizeof(struct blk_header)) {
		answer(l, r, S_IOERR);
		return;
	}
	r->io.iov = c->iov + c->n_out;
	r->io.n_iov = trim(&r->io.iov, c->n_in, 0, 1);
	count(&l->read_bytes, bytes);
	start(l, r, BLKIO_READ, sector, bytes);
}

static void take_out(struct lane *l, struct request *r, uint64_t sector)
{
	struct virtq_chain *c = &r->chain;
	uint64_t bytes = c->out_bytes - sizeof(struct blk_header);
	bool cached = l->disk->v.features & F_FLUSH;

	if (bytes % VBLK_SECTOR || !in_range(l->disk, sector, bytes / VBLK_SECTOR) ||
	    c->in_bytes != 1 || l->disk->config.read_only) {
		answer(l, r, S_IOERR);
		return;
	}
	r->io.iov = c->iov;
	r->io.n_iov = trim(&r->io.iov, c->n_out, sizeof(struct blk_header), 0);
	count(&l->written_bytes, bytes);
	start(l, r, cached ? BLKIO_WRITE : BLKIO_WRITE_THROUGH, sector, bytes);
}

static void take_flush(struct lane *l, struct request *r, uint64_t sector)
{
	r->io.n_iov = 0;
	start(l, r, BLKIO_FLUSH, 0, 0);
}

static void take_id(struct lane *l, struct request *r, uint64_t sector)
{
	size_t len = MIN(r->chain.in_bytes - 1u, VBLK_ID_SIZE);

	virtq_copy_in(&r->chain, 0, l->disk->config.serial, len);
	give_back(l, r, S_OK, (uint32_t)len);
}

static void take_range(struct lane *l, struct request *r, uint32_t allowed_flags,
		       enum blkio_op op)
{
	struct vblk *d = l->disk;
	struct blk_range range;
	uint64_t sector, n;

	if (r->chain.out_bytes != sizeof(struct blk_header) + sizeof(range)) {
		answer(l, r, S_IOERR);
		return;
	}
	virtq_copy_out(&r->chain, sizeof(struct blk_header), &range, sizeof(range));
	sector = le64_get(range.sector);
	n = le32_get(range.n_sectors);
	if (le32_get(range.flags) & ~allowed_flags) {
		answer(l, r, S_UNSUPP);
	} else if (n > RANGE_SECTORS || !in_range(d, sector, n) || d->config.read_only) {
		answer(l, r, S_IOERR);
	} else if (n == 0) {
		answer(l, r, S_OK);
	} else {
		r->io.n_iov = 0;
		if (op == BLKIO_ZERO && le32_get(range.flags) & ZERO_UNMAP &&
		    d->config.can_discard)
			op = BLKIO_DISCARD; /* reads as zeroes afterwards */
		start(l, r, op, sector, n * VBLK_SECTOR);
	}
}

static void take_discard(struct lane *l, struct request *r, uint64_t sector)
{
	take_range(l, r, 0, BLKIO_DISCARD);
}

static void take_zero(struct lane *l, struct request *r, uint64_t sector)
{
	take_range(l, r, ZERO_UNMAP, BLKIO_ZERO);
}

/* What a type needs to have been accepted, 0 = nothing, and who carries it out. */
static const struct {
	void (*take)(struct lane *l, struct request *r, uint64_t sector);
	uint64_t feature;
} types[T_ZERO + 1] = {
	[T_IN] = { take_in, 0 },
	[T_OUT] = { take_out, 0 },
	[T_FLUSH] = { take_flush, 0 },
	[T_GET_ID] = { take_id, 0 },
	[T_DISCARD] = { take_discard, F_DISCARD },
	[T_ZERO] = { take_zero, F_WRITE_ZEROES },
};

/* One chain from the ring. False: it is no request at all. */
static bool take(struct lane *l, struct request *r)
{
	const struct virtq_chain *c = &r->chain;
	const struct iovec *last = &c->iov[c->n_out + c->n_in - 1];
	struct blk_header header;

	if (c->n_in == 0 ||
	    virtq_copy_out(c, 0, &header, sizeof(header)) != sizeof(header))
		return false;
	r->status = (uint8_t *)last->iov_base + last->iov_len - 1;
	r->type = le32_get(header.type);
	if (r->type >= ARRAY_SIZE(types) || !types[r->type].take ||
	    types[r->type].feature & ~l->disk->v.features) {
		answer(l, r, S_UNSUPP);
		return true;
	}
	count(&l->count[r->type], 1);
	types[r->type].take(l, r, le64_get(header.sector));
	return true;
}

/* The driver's mistake is told once; nothing is taken from this ring any more. */
static void break_queue(struct lane *l, enum virtq_error error)
{
	if (!l->broken)
		vdev_broken(l->q, error);
	l->broken = true;
}

/* Our ring takes what it offered to take; anything else is a mistake of ours. */
static void must(int r)
{
	ASSERT(r == 0);
}

/* Takes what the driver posted, and hands it in; returns how many. */
static unsigned take_all(struct lane *l)
{
	struct virtq *vq = &l->q->vq;
	unsigned n = 0;

	/* Every chain in flight has a request, so there is a free one for a next chain.
	 */
	while (n < QUEUE_SIZE && l->n_free > 0) {
		struct request *r = &l->request[l->free[l->n_free - 1]];

		if (!virtq_next(vq, &r->chain))
			break;
		l->n_free--;
		n++;
		if (!take(l, r))
			break_queue(l, VIRTQ_ERR_REQUEST);
		if (n % SUBMIT_BATCH == 0)
			must(blkio_submit(l->io));
	}
	if (n % SUBMIT_BATCH != 0)
		must(blkio_submit(l->io));
	if (vq->error != VIRTQ_OK)
		break_queue(l, vq->error);
	return n;
}

static const char *const op_names[BLKIO_OP_N] = {
	[BLKIO_READ] = "read",       [BLKIO_WRITE] = "write",
	[BLKIO_FLUSH] = "flush",     [BLKIO_WRITE_THROUGH] = "write",
	[BLKIO_DISCARD] = "discard", [BLKIO_ZERO] = "write of zeroes",
};

static void report(struct lane *l, const struct request *r)
{
	struct vdev *v = &l->disk->v;
	char text[128];

	count(&l->errors, 1);
	snprintf(text, sizeof(text), "%s of %llu bytes at byte %llu: %s",
		 op_names[r->io.op], (unsigned long long)(r->io.bytes - r->io.done),
		 (unsigned long long)r->io.offset, strerror(-r->io.error));
	v->env.problem(v->env.arg, v->name, text);
}

static void complete(struct lane *l, struct request *r)
{
	bool in = r->io.op == BLKIO_READ;

	if (r->io.error == 0) {
		give_back(l, r, S_OK, in ? (uint32_t)r->io.bytes : 0);
	} else if (r->io.error == -EOPNOTSUPP) {
		answer(l, r, S_UNSUPP);
	} else {
		report(l, r);
		answer(l, r, S_IOERR);
	}
}

static unsigned complete_all(struct lane *l)
{
	struct blkio_req *io;
	unsigned n = 0;

	for (; (io = blkio_reap(l->io)); n++)
		complete(l, container_of(io, struct request, io));
	return n;
}

/* The owner thread. */

static void begin(struct lane *l)
{
	l->n_free = QUEUE_SIZE;
	for (uint16_t i = 0; i < QUEUE_SIZE; i++)
		l->free[i] = (uint16_t)(QUEUE_SIZE - 1 - i);
	l->look_ns[0] = l->look_ns[1] = 0;
	l->broken = false;
	l->serving = true;
}

/* Waits for all that is in flight; the driver hears of none of it. */
static void drain(struct lane *l)
{
	must(blkio_submit(l->io));
	if (l->io->in_flight > 0)
		blkio_cancel(l->io);
	while (l->io->in_flight > 0) {
		if (!blkio_reap(l->io))
			must(blkio_wait(l->io));
	}
	l->serving = false;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static bool is_ordered_off(struct lane *l)
{
	return vqueue_state(l->q) != VQUEUE_ACTIVE ||
	       atomic_load_explicit(&l->disk->quit, memory_order_acquire);
}

static bool has_work(struct lane *l)
{
	return virtq_pending(&l->q->vq) || blkio_ready(l->io) || is_ordered_off(l);
}

/* Looks for work for look_ns; true when there is some. */
static bool look(struct lane *l, uint64_t now, unsigned look_ns)
{
	uint64_t end = now + look_ns;

	if (look_ns == 0)
		return false;
	do {
		for (unsigned i = 0; i < LOOK_STEPS; i++) {
			if (has_work(l))
				return true;
			__builtin_ia32_pause();
		}
	} while (now_ns() < end);
	return false;
}

/* Nothing is to be done: look, then sleep, unless an order came whose kick was taken with
 * completions, so that nothing would end the sleep. What came soon is worth looking for
 * longer the next time, what took long is not worth looking for at all. The guest and the
 * disk take times of their own: what is in flight tells which of them is waited for. */
static void idle(struct lane *l)
{
	unsigned *look_ns = &l->look_ns[l->io->in_flight > 0];
	uint64_t before = now_ns(), slept;

	if (look(l, before, *look_ns) || virtq_kicks_on(&l->q->vq) || is_ordered_off(l))
		return;
	must(blkio_wait(l->io));
	slept = now_ns() - before;
	if (slept > LOOK_MAX)
		*look_ns = 0;
	else
		*look_ns = *look_ns ? MIN(2 * *look_ns, LOOK_MAX) : LOOK_FIRST;
}

static void serve(struct lane *l)
{
	unsigned n;

	if (!l->serving)
		begin(l);
	virtq_kicks_off(&l->q->vq);
	n = complete_all(l);
	vqueue_push(l->q);
	n += take_all(l);
	if (n == 0)
		idle(l);
}

static void stop(struct lane *l)
{
	if (l->serving)
		drain(l);
	vqueue_stopped(l->q);
}

static void *lane_main(void *arg)
{
	struct lane *l = arg;

	thread_set_name("%s q%u", l->disk->v.name, (unsigned)(l - l->disk->lane));
	must(l->disk->config.thread_init ? l->disk->config.thread_init() : 0);
	must(blkio_attach(l->io));
	while (!atomic_load_explicit(&l->disk->quit, memory_order_acquire)) {
		switch (vqueue_state(l->q)) {
		case VQUEUE_ACTIVE:
			serve(l);
			break;
		case VQUEUE_STOPPING:
			stop(l);
			break;
		case VQUEUE_IDLE:
			must(blkio_wait(l->io));
			complete_all(l);
			break;
		}
	}
	if (l->serving)
		drain(l);
	return NULL;
}

/* Life. */

static void fill_space(struct vblk *d)
{
	const struct vblk_config *c = &d->config;
	unsigned exp = (unsigned)__builtin_ctz(c->block_bytes / VBLK_SECTOR);

	d->space = (struct blk_config){
		.capacity = le64_of(d->sectors),
		.seg_max = le32_of(SEG_MAX),
		.blk_size = le32_of(VBLK_SECTOR),
		.physical_exp = (uint8_t)exp,
		.min_io = le16_of((uint16_t)(1u << exp)),
		.n_queues = le16_of((uint16_t)c->n_queues),
		.discard_sectors = le32_of(RANGE_SECTORS),
		.discard_segs = le32_of(1),
		.discard_align = le32_of(MAX(DISCARD_ALIGN, 1u << exp)),
		.zero_sectors = le32_of(RANGE_SECTORS),
		.zero_segs = le32_of(1),
		.zero_may_unmap = c->can_discard,
	};
}

static uint64_t features(const struct vblk_config *c)
{
	uint64_t f = F_SEG_MAX | F_BLK_SIZE | F_TOPOLOGY | F_FLUSH;

	if (c->n_queues > 1)
		f |= F_MQ;
	if (c->read_only)
		return f | F_RO;
	return f | (c->can_discard ? F_DISCARD : 0) | (c->can_zero ? F_WRITE_ZEROES : 0);
}

static int add_lane(struct vblk *d, unsigned i)
{
	struct lane *l = &d->lane[i];

	l->disk = d;
	l->q = &d->v.queue[i];
	l->request = calloc(QUEUE_SIZE, sizeof(l->request[0]));
	if (!l->request)
		return -ENOMEM;
	return blkio_new(d->config.engine, &d->config.take_backing, l->q->kick_fd,
			 QUEUE_SIZE, &l->io);
}

static int check(const struct vblk_config *c, struct errmsg *e)
{
	uint64_t reserved = c->bootable ? VBLK_HOST_DATA : 0;

	ASSERT(c->n_queues > 0 && c->n_queues <= VBLK_QUEUES_MAX);
	if (c->bytes < reserved + VBLK_SECTOR)
		return errmsg_set(e, -EINVAL,
				  "device %u: %llu bytes are too few for a disk%s", c->id,
				  (unsigned long long)c->bytes,
				  reserved ? " that a zone boots from: 1 MiB of it is "
					     "reserved"
					   : "");
	return 0;
}

static void close_backing(struct blkio_backing *b)
{
	closep(&b->direct_fd);
	closep(&b->buffered_fd);
}

int vblk_new(const struct vblk_config *config, const struct vdev_env *env,
	     struct vdev **ret_vdev, struct errmsg *e)
{
	struct blkio_backing backing = config->take_backing;
	int r = check(config, e);
	struct vblk *d = r < 0 ? NULL : calloc(1, sizeof(*d));

	if (!d) {
		close_backing(&backing);
		return r < 0 ? r
			     : errmsg_set(e, -ENOMEM, "device %u: no memory", config->id);
	}
	d->config = *config;
	d->sectors =
		(config->bytes - (config->bootable ? VBLK_HOST_DATA : 0)) / VBLK_SECTOR;
	fill_space(d);
	r = vdev_init(&d->v, &vblk_class, env, config->id, features(config),
		      config->n_queues);
	for (unsigned i = 0; r == 0 && i < config->n_queues; i++)
		r = add_lane(d, i);
	if (r < 0) {
		vblk_free(&d->v);
		return errmsg_set(e, r, "device %u: %s", config->id, strerror(-r));
	}
	*ret_vdev = &d->v;
	return 0;
}

int vblk_start(struct vdev *v)
{
	struct vblk *d = vblk_of(v);
	pthread_attr_t attr;
	int r = 0;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	for (unsigned i = 0; r == 0 && i < v->n_queues; i++) {
		struct lane *l = &d->lane[i];

		r = pthread_create(&l->thread, &attr, lane_main, l);
		l->running = r == 0;
	}
	pthread_attr_destroy(&attr);
	return -r;
}

void vblk_stop(struct vdev *v)
{
	struct vblk *d = vblk_of(v);

	atomic_store_explicit(&d->quit, true, memory_order_release);
	for (unsigned i = 0; i < v->n_queues; i++)
		vdev_kick(v, i);
	for (unsigned i = 0; i < v->n_queues; i++) {
		if (d->lane[i].running)
			pthread_join(d->lane[i].thread, NULL);
		d->lane[i].running = false;
	}
}

void vblk_free(struct vdev *v)
{
	struct vblk *d;

	if (!v)
		return;
	d = vblk_of(v);
	vblk_stop(v);
	for (unsigned i = 0; i < d->config.n_queues; i++) {
		blkio_free(d->lane[i].io);
		free(d->lane[i].request);
	}
	close_backing(&d->config.take_backing);
	vdev_fini(v);
	free(d);
}

static uint64_t get(const atomic_ullong *n)
{
	return atomic_load_explicit(n, memory_order_relaxed);
}

void vblk_stats(const struct vdev *v, struct vblk_stats *ret_stats)
{
	const struct vblk *d = vblk_of(v);
	struct vblk_stats s = { 0 };

	for (unsigned i = 0; i < v->n_queues; i++) {
		const struct lane *l = &d->lane[i];

		s.reads += get(&l->count[T_IN]);
		s.writes += get(&l->count[T_OUT]);
		s.flushes += get(&l->count[T_FLUSH]);
		s.discards += get(&l->count[T_DISCARD]) + get(&l->count[T_ZERO]);
		s.read_bytes += get(&l->read_bytes);
		s.written_bytes += get(&l->written_bytes);
		s.errors += get(&l->errors);
	}
	*ret_stats = s;
}

const char *vblk_engine(const struct vdev *v)
{
	return vblk_of(v)->lane[0].io->engine->name;
}

static void read_space(struct vdev *v, unsigned offset, void *data, unsigned len)
{
	memcpy(data, (const uint8_t *)&vblk_of(v)->space + offset, len);
}

const struct dev_class vblk_class = {
	.name = "vblk",
	.virtio_id = ID,
	.pci_class = 0x010000, /* mass storage, SCSI: what firmware looks for */
	.queue_size = QUEUE_SIZE,
	.config_size = sizeof(struct blk_config),
	.size = sizeof(struct vblk),
	.config_read = read_space,
};
