/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vring.h - the driver's side of a split virtqueue
 *
 * VIRTIO 1.2, 2.7. Everything is where the device sees it, so that misbehaviour tests can
 * write what they like.
 */
#ifndef GUEST_VRING_H
#define GUEST_VRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VRING_SIZE_MAX 256
#define VRING_SEGS_MAX 4 /* buffers of a request in the ring's own indirect tables */

#define VRING_DESC_NEXT      1
#define VRING_DESC_WRITE     2
#define VRING_DESC_INDIRECT  4
#define VRING_NO_INTERRUPT   1
#define VRING_USED_NO_NOTIFY 1

struct vring_desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags, next;
};

struct vring_avail {
	uint16_t flags, idx;
	uint16_t ring[]; /* size of them, then used_event */
};

struct vring_used {
	uint16_t flags, idx;
	struct {
		uint32_t id, len;
	} ring[]; /* size of them, then avail_event */
};

struct vring_seg {
	uint64_t gpa;
	uint32_t len;
};

struct vring {
	unsigned size;
	bool event_idx, indirect;
	uintptr_t doorbell; /* where index is written to kick */
	uint16_t index;
	volatile struct vring_desc *desc;
	volatile struct vring_avail *avail;
	volatile struct vring_used *used;
	struct vring_desc (*tables)[VRING_SEGS_MAX]; /* one a descriptor */

	uint16_t avail_idx; /* of the next entry; published: vring_publish() */
	uint16_t published; /* avail->idx */
	uint16_t kicked;    /* avail->idx when last asked whether to kick */
	uint16_t used_idx;  /* of the next entry to take */
	uint16_t free_head, n_free;
	uint16_t next[VRING_SIZE_MAX]; /* free list and chains; not the device's to change
					*/
	uint64_t cookie[VRING_SIZE_MAX];
	uint64_t kicks;
};

/* Return: an unused ring with memory for VRING_SIZE_MAX, or NULL without memory */
struct vring *vring_new(void);

/* Empties the ring, as the device does at reset. @size: a power of two */
void vring_reset(struct vring *r, unsigned size);

/**
 * vring_add() - Put a request into the ring, not yet seen by the device
 * @seg:	Buffers, those that the device reads first
 * @n_out:	How many of them the device reads
 * @n_in:	How many it writes; together 1 to VRING_SEGS_MAX
 * @cookie:	Given back by vring_take()
 *
 * Return: false when the ring is full
 */
bool vring_add(struct vring *r, const struct vring_seg *seg, unsigned n_out,
	       unsigned n_in, uint64_t cookie);

/* Enters @head into the available ring, whatever it is. */
void vring_offer(struct vring *r, uint16_t head);

/* Shows the device all that was added. */
void vring_publish(struct vring *r);

/* vring_publish(), and a kick if the device wants one. */
void vring_kick(struct vring *r);

/* A kick in any case. */
void vring_ring_bell(struct vring *r);

/**
 * vring_take() - Take the next finished request
 * @ret_cookie:	What was given to vring_add(); 0 for a head that was not added
 * @ret_len:	Bytes that the device says it has written
 *
 * Return: false, and nothing set, when there is none
 */
bool vring_take(struct vring *r, uint64_t *ret_cookie, uint32_t *ret_len);

/* Is there something for vring_take()? */
static inline bool vring_has_used(const struct vring *r)
{
	return r->used->idx != r->used_idx;
}

/* The device shall interrupt at the next request that it finishes. */
void vring_interrupts_on(struct vring *r);

/* The device shall not interrupt. */
void vring_interrupts_off(struct vring *r);

/* used_event and avail_event, which follow the rings. */
static inline volatile uint16_t *vring_used_event(const struct vring *r)
{
	return (volatile uint16_t *)&r->avail->ring[r->size];
}

static inline volatile uint16_t *vring_avail_event(const struct vring *r)
{
	return (volatile uint16_t *)&r->used->ring[r->size];
}

#endif
