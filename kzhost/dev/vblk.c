// SPDX-License-Identifier: BSD-2-Clause
/*
 * vblk.c - the virtio block device: configuration, the owner threads, life
 */
#include "kzhost/dev/vblk_internal.h"

#include "common/sys/thread.h"

#include <string.h>
#include <time.h>

#define SEG_MAX (QUEUE_SIZE - 2) /* a chain has header and status, and fits the queue */
#define ID      2                /* VIRTIO 1.2, 5.2.1 */
static_assert(SEG_MAX + 2 <= VIRTQ_CHAIN_MAX, "what is offered is taken");

#define DISCARD_ALIGN 8u /* sectors */

/* How long an owner looks before it sleeps, in nanoseconds: for the guest, whose processor
 * may have to be woken up, and for the disk. */
enum { LOOK_GUEST, LOOK_DISK };
static const unsigned look_max[] = { [LOOK_GUEST] = 256000, [LOOK_DISK] = 128000 };
#define LOOK_FIRST 4000u
#define LOOK_STEPS 32 /* looks between two readings of the clock */

/* So many requests that are complete are told at once, and the others together after
 * them: the guest's processor wakes up and begins meanwhile. */
#define PUSH_EARLY 8

#define STACK_BYTES (128 * 1024)

static struct vblk *vblk_of(const struct vdev *v)
{
	return container_of(v, struct vblk, v);
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

/* Requests are handed in at the first, the second, the fourth and so on: the disk is at
 * work on the first while the owner takes the next, and many cost few system calls.
 * Neighbours in one batch are one request to the host's block layer. */
static bool completes_batch(unsigned n)
{
	return (n & (n - 1)) == 0;
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
		if (!vblk_take(l, r))
			break_queue(l, VIRTQ_ERR_REQUEST);
		if (completes_batch(n))
			must(blkio_submit(l->io));
	}
	if (!completes_batch(n))
		must(blkio_submit(l->io));
	if (vq->error != VIRTQ_OK)
		break_queue(l, vq->error);
	return n;
}

static unsigned complete_all(struct lane *l)
{
	struct blkio_req *io;
	unsigned n = 0;

	while ((io = blkio_reap(l->io))) {
		vblk_complete(l, container_of(io, struct request, io));
		if (++n == PUSH_EARLY)
			vqueue_push(l->q);
	}
	return n;
}

/* The owner thread. */

static void begin(struct lane *l)
{
	l->n_free = QUEUE_SIZE;
	for (uint16_t i = 0; i < QUEUE_SIZE; i++)
		l->free[i] = (uint16_t)(QUEUE_SIZE - 1 - i);
	l->look_ns[LOOK_GUEST] = l->look_ns[LOOK_DISK] = 0;
	l->owed = 0;
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
 * disk take times of their own. A guest that was given requests back replaces them soon,
 * and a disk waits meanwhile: it is looked for first, whatever is still in flight. */
static void idle(struct lane *l)
{
	unsigned who = l->owed > 0 || l->io->in_flight == 0 ? LOOK_GUEST : LOOK_DISK;
	unsigned *look_ns = &l->look_ns[who];
	uint64_t before = now_ns(), slept;

	if (look(l, before, *look_ns) || virtq_kicks_on(&l->q->vq) || is_ordered_off(l))
		return;
	must(blkio_wait(l->io));
	slept = now_ns() - before;
	if (slept <= look_max[who]) {
		*look_ns = *look_ns ? MIN(2 * *look_ns, look_max[who]) : LOOK_FIRST;
	} else {
		*look_ns = 0;
		l->owed = 0;
	}
}

static void serve(struct lane *l)
{
	unsigned given, taken;

	if (!l->serving)
		begin(l);
	virtq_kicks_off(&l->q->vq);
	given = complete_all(l);
	vqueue_push(l->q);
	taken = take_all(l);
	l->owed += given;
	l->owed -= MIN(l->owed, taken);
	if (given + taken == 0)
		idle(l);
}

static void stop(struct lane *l)
{
	if (l->serving)
		drain(l);
	vqueue_stopped(l->q);
}

/* What the thread may do from now on. 0 or -errno. */
static int prepare(struct lane *l)
{
	int r = l->disk->config.thread_init ? l->disk->config.thread_init() : 0;

	return r < 0 ? r : blkio_attach(l->io);
}

static void *lane_main(void *arg)
{
	struct lane *l = arg;
	struct vdev *v = &l->disk->v;
	int r;

	thread_set_name("%s q%u", l->disk->v.name, (unsigned)(l - l->disk->lane));
	r = prepare(l);
	if (r < 0) {
		v->env.failed(v->env.arg, v->name, r);
		return NULL;
	}
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
	d->end = UINT64_MAX;
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
	struct vblk_stats s = { .page_cache = d->config.take_backing.direct_fd < 0,
				.read_only = d->config.read_only };

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

static const struct state_field fields[] = {
	STATE_FIELD(struct vblk, lossy, 1),
	STATE_FIELD(struct vblk, end, 1),
};

static const struct state_rest rest[] = {
	STATE_REST(struct vblk, v),       STATE_REST(struct vblk, config),
	STATE_REST(struct vblk, space), /* compared, not loaded (virtio_state.c) */
	STATE_REST(struct vblk, sectors), STATE_REST(struct vblk, quit),
	STATE_REST(struct vblk, lane), /* at rest */
};

static const struct state_table table = {
	.name = "vblk",
	.size = sizeof(struct vblk),
	STATE_FIELDS(fields),
	STATE_RESTS(rest),
};

const struct dev_class vblk_class = {
	.name = "vblk",
	.virtio_id = ID,
	.pci_class = 0x010000, /* mass storage, SCSI: what firmware looks for */
	.queue_size = QUEUE_SIZE,
	.config_size = sizeof(struct blk_config),
	.size = sizeof(struct vblk),
	.config_read = read_space,
	.state = &table,
};
