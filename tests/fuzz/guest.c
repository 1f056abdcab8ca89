// SPDX-License-Identifier: BSD-2-Clause
/*
 * guest.c - the memory of a guest made of fuzzer input, and who may write it
 */
#include "tests/fuzz/guest.h"

#include "common/base/le.h"
#include "kzhost/dev/vblk.h"

#include <string.h>

#define FLIPS 64u
#define BLOCK 2048u /* bytes that are compared at once */
#define HIGH  (4 * GIB)

/* A region, what it held when it was compared last, and what of it may differ. */
struct area {
	uint64_t gpa;
	size_t size;
	uint8_t *now, *then, *may;
};

/* A chain that the device has. */
struct taken {
	const struct virtq *q;
	struct virtq_chain chain;
};

static struct area areas[] = { { 0, GUEST_LOW, NULL, NULL, NULL },
			       { HIGH, GUEST_HIGH, NULL, NULL, NULL } };
static struct taken taken[GUEST_QUEUE * VIRTQ_SIZE_MAX];
static unsigned n_taken, n_flips;
static struct {
	unsigned left; /* looks until then */
	uint64_t gpa;
	uint8_t bits;
} flips[FLIPS];
static uint16_t posted[GUEST_QUEUE];
static bool change_looked;
static const uint8_t *looked;
static size_t looked_len;
static unsigned undone; /* chains given back and not published */
static uint64_t written_bytes;
struct ram guest_ram;

static struct area *area_of(const void *p)
{
	for (size_t i = 0; i < ARRAY_SIZE(areas); i++) {
		uintptr_t first = (uintptr_t)areas[i].now, at = (uintptr_t)p;

		if (at >= first && at < first + areas[i].size)
			return &areas[i];
	}
	return NULL;
}

/* What the device may write from now on, until it is compared. */
static void allow(const void *p, size_t len)
{
	struct area *a = area_of(p);
	size_t at = (size_t)((const uint8_t *)p - a->now);

	ASSERT(len <= a->size - at);
	memset(a->may + at, 1, len);
}

void guest_allow(uint64_t gpa, size_t len)
{
	allow(ram_slice(&guest_ram, gpa, len), len);
}

static void make(void)
{
	guest_ram.fd = -1;
	for (size_t i = 0; i < ARRAY_SIZE(areas); i++) {
		struct area *a = &areas[i];

		/* Each by itself: the sanitizer sees a step over the end. */
		a->now = aligned_alloc(4096, a->size);
		a->then = calloc(1, a->size);
		a->may = calloc(1, a->size);
		ASSERT(a->now && a->then && a->may);
		guest_ram.region[i] = (struct ram_region){ a->gpa, a->size, a->now };
		guest_ram.size += a->size;
	}
}

void guest_begin(uint8_t mode)
{
	if (!areas[0].now)
		make();
	for (size_t i = 0; i < ARRAY_SIZE(areas); i++) {
		memset(areas[i].now, 0, areas[i].size);
		memset(areas[i].then, 0, areas[i].size);
		memset(areas[i].may, 0, areas[i].size);
	}
	n_taken = n_flips = 0;
	memset(posted, 0, sizeof(posted));
	change_looked = mode & 1;
	looked = NULL;
	undone = 0;
	written_bytes = 0;
}

struct virtq_layout guest_layout(unsigned queue, uint16_t size)
{
	uint64_t at = 0x1000ull * (queue % 4 + 1);

	if (queue < 4)
		return (struct virtq_layout){ size, at, at + 0x400, at + 0x800 };
	return (struct virtq_layout){ size, at + 0xc00, at + 0xe00, at + 0xe80 };
}

void guest_set(struct vdev *v, enum vdev_reg reg, uint64_t value)
{
	vdev_write(v, reg, ~0ull, value);
}

void guest_drive(struct vdev *v, uint64_t features, unsigned n_queues)
{
	guest_set(v, VDEV_STATUS, 3);
	for (unsigned half = 0; half < 2; half++) {
		guest_set(v, VDEV_ACCEPT_SELECT, half);
		guest_set(v, VDEV_ACCEPTED, (uint32_t)(features >> 32 * half));
	}
	guest_set(v, VDEV_STATUS, 11);
	for (unsigned i = 0; i < n_queues; i++) {
		struct virtq_layout l = guest_layout(i, GUEST_RING);

		guest_set(v, VDEV_QUEUE_SELECT, i);
		guest_set(v, VDEV_QUEUE_SIZE, l.size);
		guest_set(v, VDEV_QUEUE_DESC, l.desc_gpa);
		guest_set(v, VDEV_QUEUE_DRIVER, l.avail_gpa);
		guest_set(v, VDEV_QUEUE_DEVICE, l.used_gpa);
		guest_set(v, VDEV_QUEUE_VECTOR, i);
		guest_set(v, VDEV_QUEUE_ENABLE, 1);
	}
	guest_set(v, VDEV_STATUS, 15);
}

void guest_write(uint64_t gpa, const void *data, size_t len)
{
	uint8_t *p = ram_slice(&guest_ram, gpa, len);
	struct area *a;

	if (!p)
		return;
	a = area_of(p);
	memcpy(p, data, len);
	memcpy(a->then + (p - a->now), data, len);
}

static void flip(uint64_t gpa, uint8_t bits)
{
	uint8_t *p = ram_slice(&guest_ram, gpa, 1);
	uint8_t byte;

	if (!p)
		return;
	byte = *p ^ bits;
	guest_write(gpa, &byte, 1);
}

void guest_look(const void *p, size_t len)
{
	for (unsigned i = 0; i < n_flips; i++) {
		if (--flips[i].left > 0)
			continue;
		flip(flips[i].gpa, flips[i].bits);
		flips[i--] = flips[--n_flips];
	}
	for (size_t i = 0; change_looked && looked && i < looked_len; i++)
		flip(area_of(looked)->gpa + (size_t)(looked - area_of(looked)->now) + i,
		     0x81);
	/* Indices stay, or nothing would ever go on. */
	looked = len >= sizeof(uint64_t) ? p : NULL;
	looked_len = MIN(len, 64);
}

static uint16_t word(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

/* Mostly an address in free memory, or at one of the edges. */
static uint64_t address(uint16_t w)
{
	switch (w >> 14) {
	case 0:
		return GUEST_DATA + w;
	case 1:
		return HIGH + w % (GUEST_HIGH + 16);
	case 2:
		return w % (GUEST_LOW + 16);
	default:
		return (uint64_t)w << 48 | (uint64_t)(w & 0xff) << 12 | (w >> 8 & 15);
	}
}

struct desc {
	le64 addr;
	le32 len;
	le16 flags, next;
};

static void put_desc(uint64_t gpa, uint16_t addr, uint32_t len, unsigned flags,
		     unsigned next)
{
	struct desc d = { le64_of(address(addr)), le32_of(len), le16_of((uint16_t)flags),
			  le16_of((uint16_t)next) };

	guest_write(gpa, &d, sizeof(d));
}

static void post(unsigned queue, uint16_t head)
{
	uint64_t avail = guest_layout(queue, 1).avail_gpa;
	le16 h = le16_of(head), idx;

	/* The ring's size is GUEST_RING for those who want to be understood. */
	guest_write(avail + 4 + 2 * (posted[queue] % GUEST_RING), &h, 2);
	idx = le16_of(++posted[queue]);
	guest_write(avail + 2, &idx, 2);
}

/* s: op, queue | type << 4, head, flags, sector (2), length in sectors, data address */
static void request(unsigned queue, const uint8_t *s)
{
	unsigned head = s[2] % (GUEST_RING - 2), at = 32u * head;
	unsigned in = s[3] & 1 ? 2 : 0;
	struct {
		le32 type, reserved;
		le64 sector;
	} header = { le32_of(s[1] >> 4), le32_of(0), le64_of(word(s + 4)) };
	uint64_t table = guest_layout(queue, 1).desc_gpa + 16 * head;
	uint32_t len = s[3] & 2 ? s[6] : s[6] * 512u;

	guest_write(GUEST_DATA + at, &header, sizeof(header));
	put_desc(table, (uint16_t)at, 16, 1, len ? head + 1 : head + 2);
	put_desc(table + 16, (uint16_t)(s[7] << 6), len, 1 | in, head + 2);
	put_desc(table + 32, (uint16_t)(at + 16), 1, 2, 0);
	post(queue, (uint16_t)head);
}

static void set_index(unsigned queue, const uint8_t *s)
{
	struct virtq_layout l = guest_layout(queue, GUEST_RING);
	const uint64_t where[] = { l.avail_gpa + 2, l.avail_gpa,
				   l.avail_gpa + 4 + 2 * GUEST_RING };

	guest_write(where[s[2] % ARRAY_SIZE(where)], s + 4, 2);
	if (s[2] % ARRAY_SIZE(where) == 0)
		posted[queue] = word(s + 4);
}

static void add_flip(const uint8_t *s)
{
	if (n_flips == FLIPS)
		return;
	flips[n_flips].left = 1u + s[1];
	flips[n_flips].gpa = s[2] & 1 ? address(word(s + 4)) : word(s + 4) & 0x7fff;
	flips[n_flips++].bits = s[6];
}

bool guest_step(const uint8_t *s)
{
	unsigned queue = s[1] % GUEST_QUEUE;
	uint64_t table = guest_layout(queue, 1).desc_gpa;

	switch (s[0] % 16) {
	case GUEST_DESC:
		put_desc(table + 16u * (s[1] >> 3), word(s + 2), word(s + 4), s[6], s[7]);
		return true;
	case GUEST_INDIRECT:
		put_desc(GUEST_DATA + 0x400 + 16u * (s[1] >> 3), word(s + 2), word(s + 4),
			 s[6], s[7]);
		return true;
	case GUEST_POST:
		post(queue, word(s + 2));
		return true;
	case GUEST_REQUEST:
		request(queue, s);
		return true;
	case GUEST_BYTES:
		guest_write(s[1] & 1 ? address(word(s + 2)) : word(s + 2) & 0x7fff, s + 4,
			    4);
		return true;
	case GUEST_FLIP:
		add_flip(s);
		return true;
	case GUEST_INDEX:
		set_index(queue, s);
		return true;
	default:
		return false;
	}
}

void guest_allow_used(const struct virtq *q)
{
	if (q->used)
		allow(q->used, 4 + 8u * q->layout.size + 2);
}

static void allow_chain(const struct virtq_chain *c)
{
	for (unsigned i = 0; i < c->n_in; i++)
		allow(c->iov[c->n_out + i].iov_base, c->iov[c->n_out + i].iov_len);
}

static struct taken *find(const struct virtq *q, uint16_t head)
{
	for (unsigned i = 0; i < n_taken; i++) {
		if (taken[i].q == q && taken[i].chain.head == head)
			return &taken[i];
	}
	return NULL;
}

bool guest_next(struct virtq *q, struct virtq_chain *ret_chain)
{
	struct virtq_chain *c = ret_chain;
	uint64_t out = 0, in = 0;
	struct taken *t;

	guest_allow_used(q);
	if (!virtq_next(q, c))
		return false;
	ASSERT(q->error == VIRTQ_OK && c->head < q->layout.size && !find(q, c->head));
	ASSERT(c->n_out + c->n_in > 0 && c->n_out + c->n_in <= VIRTQ_CHAIN_MAX);
	for (unsigned i = 0; i < c->n_out + c->n_in; i++) {
		const struct iovec *v = &c->iov[i];
		const struct area *a = area_of(v->iov_base);

		ASSERT(v->iov_len > 0 && a &&
		       v->iov_len <= a->size - (size_t)((uint8_t *)v->iov_base - a->now));
		*(i < c->n_out ? &out : &in) += v->iov_len;
	}
	ASSERT(out == c->out_bytes && in == c->in_bytes);
	ASSERT(n_taken < ARRAY_SIZE(taken));
	t = &taken[n_taken++];
	t->q = q;
	t->chain = *c;
	allow_chain(c);
	return true;
}

void guest_done(struct virtq *q, uint16_t head, uint32_t written)
{
	struct taken *t = find(q, head);

	ASSERT(t && written <= t->chain.in_bytes);
	if (t != &taken[--n_taken])
		*t = taken[n_taken];
	written_bytes += written;
	undone++;
	guest_allow_used(q);
	virtq_done(q, head, written);
}

bool guest_publish(struct virtq *q)
{
	uint16_t before = q->published;
	bool wanted;

	guest_allow_used(q);
	wanted = virtq_publish(q);
	ASSERT((uint16_t)(q->published - before) <= undone);
	undone -= (uint16_t)(q->published - before);
	return wanted;
}

static void check_block(struct area *a, size_t at)
{
	if (memcmp(a->now + at, a->then + at, BLOCK) == 0)
		return;
	for (size_t k = at; k < at + BLOCK; k++)
		ASSERT(a->may[k] || a->now[k] == a->then[k]);
	memcpy(a->then + at, a->now + at, BLOCK);
}

void guest_check(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(areas); i++) {
		for (size_t at = 0; at < areas[i].size; at += BLOCK)
			check_block(&areas[i], at);
		memset(areas[i].may, 0, areas[i].size);
	}
	for (unsigned i = 0; i < n_taken; i++) {
		allow_chain(&taken[i].chain);
		guest_allow_used(taken[i].q);
	}
}

void guest_forget(const struct virtq *q)
{
	for (unsigned i = 0; i < n_taken; i++) {
		if (taken[i].q == q)
			taken[i--] = taken[--n_taken];
	}
	undone = 0;
}

void guest_slow_turn(struct vqueue *q, bool (*serve)(struct vqueue *q))
{
	if (q->vdev->status & VIRTIO_S_NEEDS_RESET && q->vdev->n_queues == 1)
		ASSERT(q->vq.error != VIRTQ_OK);
	guest_allow_used(&q->vq);
	if (vqueue_state(q) == VQUEUE_STOPPING) {
		vqueue_stopped(q);
		guest_forget(&q->vq);
	} else if (vqueue_state(q) == VQUEUE_ACTIVE) {
		serve(q);
	}
	guest_check();
}

uint64_t guest_written(void)
{
	return written_bytes;
}
