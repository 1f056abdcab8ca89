// SPDX-License-Identifier: BSD-2-Clause
/*
 * virtq.c - the only code that reads virtqueue rings (VIRTIO 1.2, 2.7)
 *
 * DOC: Order of memory accesses
 *
 * avail.idx is loaded with acquire before the ring entry and the descriptors it covers;
 * used.idx is stored with release after the used entries. Whether to interrupt, and
 * whether something came while kicks were off, is asked after a full barrier: the other
 * side stores its index, then loads ours; we store ours, then load its.
 * (2.7.13, 2.7.7.2.)
 */
#include "kzhost/dev/virtq.h"

#include "common/base/le.h"
#include "kzhost/dev/virtio.h"

#include <string.h>

#define DESC_SIZE     16
#define DESC_NEXT     1
#define DESC_WRITE    2
#define DESC_INDIRECT 4

#define AVAIL_FLAGS 0
#define AVAIL_IDX   2
#define AVAIL_RING  4
#define USED_FLAGS  0
#define USED_IDX    2
#define USED_RING   4
#define USED_SIZE   8

#define AVAIL_NO_INTERRUPT 1
#define USED_NO_NOTIFY     1

/* Before each look at what the driver may change; fuzzers change it there and then. */
#ifndef VIRTQ_LOOK
#define VIRTQ_LOOK(p, len) ((void)0)
#endif

struct desc {
	le64 addr;
	le32 len;
	le16 flags;
	le16 next;
};
static_assert(sizeof(struct desc) == DESC_SIZE, "VIRTIO 1.2, 2.7.5");

const char *const virtq_error_texts[VIRTQ_ERROR_N] = { [VIRTQ_OK] = "nothing is wrong",
#define X(id, text) [VIRTQ_ERR_##id] = text,
						       VIRTQ_ERRORS(X)
#undef X
};

/* The rings' 16-bit fields are aligned: one load, one store. Guests are little-endian. */
static uint16_t load16(const uint8_t *p, int order)
{
	VIRTQ_LOOK(p, 2);
	return __atomic_load_n((const uint16_t *)(const void *)p, order);
}

static void store16(uint8_t *p, uint16_t value, int order)
{
	__atomic_store_n((uint16_t *)(void *)p, value, order);
}

static uint16_t avail_idx(const struct virtq *q)
{
	return load16(q->avail + AVAIL_IDX, __ATOMIC_ACQUIRE);
}

static const uint8_t *used_event(const struct virtq *q)
{
	return q->avail + AVAIL_RING + 2u * q->layout.size;
}

static uint8_t *avail_event(const struct virtq *q)
{
	return q->used + USED_RING + USED_SIZE * (size_t)q->layout.size;
}

static bool layout_ok(const struct virtq_layout *l)
{
	return l->size > 0 && l->size <= VIRTQ_SIZE_MAX && !(l->size & (l->size - 1)) &&
	       l->desc_gpa % 16 == 0 && l->avail_gpa % 2 == 0 && l->used_gpa % 4 == 0;
}

enum virtq_error virtq_init(struct virtq *q, const struct ram *ram,
			    const struct virtq_layout *layout, uint64_t features)
{
	size_t size = layout->size;

	*q = (struct virtq){ .ram = ram,
			     .layout = *layout,
			     .event_idx = features & VIRTIO_F_EVENT_IDX,
			     .indirect = features & VIRTIO_F_INDIRECT_DESC };
	if (layout_ok(layout)) {
		q->desc = ram_slice(ram, layout->desc_gpa, DESC_SIZE * size);
		q->avail = ram_slice(ram, layout->avail_gpa, AVAIL_RING + 2 * size + 2);
		q->used = ram_slice(ram, layout->used_gpa,
				    USED_RING + USED_SIZE * size + 2);
	}
	if (!q->desc || !q->avail || !q->used)
		q->error = VIRTQ_ERR_LAYOUT;
	return q->error;
}

static bool fail(struct virtq *q, enum virtq_error error)
{
	q->error = error;
	return false;
}

static bool is_busy(const struct virtq *q, uint16_t head)
{
	return q->busy[head / 64] >> head % 64 & 1;
}

bool virtq_pending(const struct virtq *q)
{
	return q->error == VIRTQ_OK && avail_idx(q) != q->next_avail;
}

/* A table of descriptors while one chain is walked through it. */
struct walk {
	const uint8_t *table; /* in guest memory */
	unsigned size;        /* descriptors in it */
	unsigned left;        /* that the chain may still have */
	uint16_t next;
	bool inside; /* an indirect table */
};

/* The walk goes on in the table that a descriptor points to. */
static bool enter_indirect(struct virtq *q, struct walk *w, const struct desc *d)
{
	uint32_t len = le32_get(d->len);

	if (!q->indirect || w->inside || le16_get(d->flags) & DESC_NEXT)
		return fail(q, VIRTQ_ERR_INDIRECT);
	if (len == 0 || len % DESC_SIZE || len / DESC_SIZE > q->layout.size)
		return fail(q, VIRTQ_ERR_INDIRECT_SIZE);
	w->table = ram_slice(q->ram, le64_get(d->addr), len);
	if (!w->table)
		return fail(q, VIRTQ_ERR_ADDRESS);
	w->size = w->left = len / DESC_SIZE;
	w->next = 0;
	w->inside = true;
	return true;
}

static bool add_buffer(struct virtq *q, struct virtq_chain *c, const struct desc *d)
{
	bool in = le16_get(d->flags) & DESC_WRITE;
	uint32_t len = le32_get(d->len);
	uint32_t *total = in ? &c->in_bytes : &c->out_bytes;
	unsigned n = c->n_out + c->n_in;
	void *hva;

	if (n == VIRTQ_CHAIN_MAX)
		return fail(q, VIRTQ_ERR_TOO_LONG);
	if (!in && c->n_in > 0)
		return fail(q, VIRTQ_ERR_ORDER);
	if (len == 0)
		return fail(q, VIRTQ_ERR_EMPTY);
	hva = ram_slice(q->ram, le64_get(d->addr), len);
	if (!hva)
		return fail(q, VIRTQ_ERR_ADDRESS);
	if (__builtin_add_overflow(*total, len, total))
		return fail(q, VIRTQ_ERR_TOO_LARGE);
	c->iov[n] = (struct iovec){ hva, len };
	if (in)
		c->n_in++;
	else
		c->n_out++;
	return true;
}

/* Copies the descriptor that is next and steps to the one behind it. 1: there is another
 * one; 0: the chain is complete; negative: q->error says what is wrong. */
static int step(struct virtq *q, struct walk *w, struct virtq_chain *c)
{
	struct desc d;
	uint16_t flags;

	if (w->next >= w->size)
		return fail(q, VIRTQ_ERR_NEXT_RANGE) - 1;
	if (w->left-- == 0)
		return fail(q, VIRTQ_ERR_LOOP) - 1;
	VIRTQ_LOOK(w->table + (size_t)w->next * DESC_SIZE, sizeof(d));
	memcpy(&d, w->table + (size_t)w->next * DESC_SIZE, sizeof(d));
	__asm__ volatile("" ::: "memory"); /* the copy is all that is looked at */
	flags = le16_get(d.flags);
	if (flags & DESC_INDIRECT)
		return enter_indirect(q, w, &d) ? 1 : -1;
	if (!add_buffer(q, c, &d))
		return -1;
	w->next = le16_get(d.next);
	return flags & DESC_NEXT ? 1 : 0;
}

bool virtq_next(struct virtq *q, struct virtq_chain *ret_chain)
{
	struct walk w = { q->desc, q->layout.size, q->layout.size, 0, false };
	struct virtq_chain *c = ret_chain;
	uint16_t ready, slot = q->next_avail & (q->layout.size - 1);
	int more = 1;

	if (q->error != VIRTQ_OK)
		return false;
	ready = (uint16_t)(avail_idx(q) - q->next_avail);
	if (ready == 0)
		return false;
	if (ready > q->layout.size)
		return fail(q, VIRTQ_ERR_AVAIL_JUMP);
	c->head = load16(q->avail + AVAIL_RING + 2u * slot, __ATOMIC_RELAXED);
	if (c->head >= q->layout.size)
		return fail(q, VIRTQ_ERR_HEAD_RANGE);
	if (is_busy(q, c->head))
		return fail(q, VIRTQ_ERR_HEAD_BUSY);
	c->n_out = c->n_in = 0;
	c->out_bytes = c->in_bytes = 0;
	w.next = c->head;
	while (more > 0)
		more = step(q, &w, c);
	if (more < 0)
		return false;
	q->busy[c->head / 64] |= 1ull << c->head % 64;
	q->in_flight++;
	q->next_avail++;
	return true;
}

void virtq_done(struct virtq *q, uint16_t head, uint32_t written)
{
	struct {
		le32 id, len;
	} used = { le32_of(head), le32_of(written) };
	uint16_t slot = q->next_used & (q->layout.size - 1);

	ASSERT(head < q->layout.size && is_busy(q, head));
	q->busy[head / 64] &= ~(1ull << head % 64);
	q->in_flight--;
	memcpy(q->used + USED_RING + USED_SIZE * (size_t)slot, &used, sizeof(used));
	q->next_used++;
}

bool virtq_publish(struct virtq *q)
{
	uint16_t before = q->published, now = q->next_used;

	if (now == before)
		return false;
	store16(q->used + USED_IDX, now, __ATOMIC_RELEASE);
	q->published = now;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!q->event_idx)
		return !(load16(q->avail + AVAIL_FLAGS, __ATOMIC_RELAXED) &
			 AVAIL_NO_INTERRUPT);
	/* Did used.idx pass the entry that the driver waits for? (2.7.7.2) */
	return (uint16_t)(now - load16(used_event(q), __ATOMIC_RELAXED) - 1) <
	       (uint16_t)(now - before);
}

void virtq_kicks_off(struct virtq *q)
{
	/* With EVENT_IDX avail_event simply stays behind: the driver kicks once, when it
	 * passes it, and no more. */
	if (!q->event_idx && q->error == VIRTQ_OK)
		store16(q->used + USED_FLAGS, USED_NO_NOTIFY, __ATOMIC_RELAXED);
}

bool virtq_kicks_on(struct virtq *q)
{
	if (q->error != VIRTQ_OK)
		return false;
	if (q->event_idx)
		store16(avail_event(q), q->next_avail, __ATOMIC_RELAXED);
	else
		store16(q->used + USED_FLAGS, 0, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return virtq_pending(q);
}

/* Copies between data and [skip, skip + len) of the buffers iov[0..n). */
static size_t copy(const struct iovec *iov, unsigned n, size_t skip, void *data,
		   size_t len, bool out)
{
	size_t done = 0;

	for (unsigned i = 0; i < n && done < len; i++) {
		size_t part = iov[i].iov_len;
		uint8_t *guest = iov[i].iov_base;

		if (skip >= part) {
			skip -= part;
			continue;
		}
		part = MIN(part - skip, len - done);
		if (out)
			VIRTQ_LOOK(guest + skip, part);
		if (out)
			memcpy((uint8_t *)data + done, guest + skip, part);
		else
			memcpy(guest + skip, (uint8_t *)data + done, part);
		skip = 0;
		done += part;
	}
	return done;
}

size_t virtq_copy_out(const struct virtq_chain *c, size_t skip, void *data, size_t len)
{
	return copy(c->iov, c->n_out, skip, data, len, true);
}

size_t virtq_copy_in(const struct virtq_chain *c, size_t skip, const void *data,
		     size_t len)
{
	return copy(c->iov + c->n_out, c->n_in, skip, (void *)(uintptr_t)data, len,
		    false);
}
