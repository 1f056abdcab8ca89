/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vring.c - the driver's side of a split virtqueue
 *
 * A request of several buffers goes into an indirect table of its own where the device
 * has that, so that a ring of n descriptors holds n requests.
 */
#include "tests/guest/gate.h"
#include "tests/guest/paging.h"
#include "tests/guest/string.h"
#include "tests/guest/vring.h"

#define DESC_BYTES  (VRING_SIZE_MAX * sizeof(struct vring_desc))
#define AVAIL_BYTES 1024
#define USED_BYTES  (VRING_SIZE_MAX * 8 + 1024)
#define NONE        0xffff

struct vring *vring_new(void)
{
	uint64_t tables = VRING_SEGS_MAX * DESC_BYTES;
	uint8_t *m = paging_alloc(DESC_BYTES + AVAIL_BYTES + USED_BYTES + tables +
				  sizeof(struct vring));
	struct vring *r;

	if (!m)
		return NULL;
	r = (void *)(m + DESC_BYTES + AVAIL_BYTES + USED_BYTES + tables);
	r->desc = (void *)m;
	r->avail = (void *)(m + DESC_BYTES);
	r->used = (void *)(m + DESC_BYTES + AVAIL_BYTES);
	r->tables = (void *)(m + DESC_BYTES + AVAIL_BYTES + USED_BYTES);
	return r;
}

void vring_reset(struct vring *r, unsigned size)
{
	memset((void *)r->desc, 0, DESC_BYTES + AVAIL_BYTES + USED_BYTES);
	r->size = size;
	r->avail_idx = r->published = r->kicked = r->used_idx = 0;
	r->free_head = 0;
	r->n_free = (uint16_t)size;
	for (unsigned i = 0; i < size; i++) {
		r->next[i] = (uint16_t)(i + 1);
		r->cookie[i] = 0;
	}
}

/* Fills a descriptor, the last one or not. */
static inline void fill(volatile struct vring_desc *d, const struct vring_seg *seg,
			bool write, bool last, uint16_t next)
{
	d->addr = seg->gpa;
	d->len = seg->len;
	d->flags =
		(uint16_t)((write ? VRING_DESC_WRITE : 0) | (last ? 0 : VRING_DESC_NEXT));
	d->next = next;
}

static void add_indirect(struct vring *r, const struct vring_seg *seg, unsigned n_out,
			 unsigned n)
{
	uint16_t head = r->free_head;
	volatile struct vring_desc *t = r->tables[head];

	for (unsigned i = 0; i < n; i++)
		fill(&t[i], &seg[i], i >= n_out, i == n - 1, (uint16_t)(i + 1));
	r->desc[head].addr = (uintptr_t)t;
	r->desc[head].len = (uint32_t)(n * sizeof(*t));
	r->desc[head].flags = VRING_DESC_INDIRECT;
	r->free_head = r->next[head];
	r->next[head] = NONE;
	r->n_free--;
}

static void add_chain(struct vring *r, const struct vring_seg *seg, unsigned n_out,
		      unsigned n)
{
	uint16_t at = r->free_head, last = at;

	for (unsigned i = 0; i < n; i++) {
		fill(&r->desc[at], &seg[i], i >= n_out, i == n - 1, r->next[at]);
		last = at;
		at = r->next[at];
	}
	r->free_head = at;
	r->next[last] = NONE;
	r->n_free = (uint16_t)(r->n_free - n);
}

bool vring_add(struct vring *r, const struct vring_seg *seg, unsigned n_out,
	       unsigned n_in, uint64_t cookie)
{
	unsigned n = n_out + n_in;
	uint16_t head = r->free_head;

	if (r->n_free < (r->indirect ? 1 : n))
		return false;
	if (r->indirect && n > 1)
		add_indirect(r, seg, n_out, n);
	else
		add_chain(r, seg, n_out, n);
	r->cookie[head] = cookie;
	vring_offer(r, head);
	return true;
}

void vring_offer(struct vring *r, uint16_t head)
{
	r->avail->ring[r->avail_idx++ & (r->size - 1)] = head;
}

void vring_publish(struct vring *r)
{
	__atomic_thread_fence(__ATOMIC_RELEASE);
	r->avail->idx = r->published = r->avail_idx;
}

void vring_ring_bell(struct vring *r)
{
	r->kicks++;
	mmio_write16(r->doorbell, r->index);
}

void vring_kick(struct vring *r)
{
	uint16_t old = r->kicked;
	bool wanted;

	vring_publish(r);
	r->kicked = r->published;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (r->event_idx)
		wanted = (uint16_t)(r->published - *vring_avail_event(r) - 1) <
			 (uint16_t)(r->published - old);
	else
		wanted = !(r->used->flags & VRING_USED_NO_NOTIFY);
	if (wanted)
		vring_ring_bell(r);
}

/* Gives the descriptors of a chain back. */
static void release(struct vring *r, uint16_t head)
{
	uint16_t last = head;

	r->n_free++;
	while (r->next[last] != NONE) {
		last = r->next[last];
		r->n_free++;
	}
	r->next[last] = r->free_head;
	r->free_head = head;
}

bool vring_take(struct vring *r, uint64_t *ret_cookie, uint32_t *ret_len)
{
	uint32_t id;

	if (!vring_has_used(r))
		return false;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	id = r->used->ring[r->used_idx & (r->size - 1)].id;
	*ret_len = r->used->ring[r->used_idx & (r->size - 1)].len;
	r->used_idx++;
	*ret_cookie = id < r->size ? r->cookie[id] : 0;
	if (*ret_cookie) {
		r->cookie[id] = 0;
		release(r, (uint16_t)id);
	}
	return true;
}

void vring_interrupts_on(struct vring *r)
{
	if (r->event_idx)
		*vring_used_event(r) = r->used_idx;
	else
		r->avail->flags = 0;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void vring_interrupts_off(struct vring *r)
{
	if (r->event_idx)
		*vring_used_event(r) = (uint16_t)(r->used_idx - 1);
	else
		r->avail->flags = VRING_NO_INTERRUPT;
}
