/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vring.h - the driver's side of a virtqueue, for tests: builds rings, honest or not
 *
 * Guest memory is a plain block (struct vmem) that ram.h's accessor sees as RAM, so a
 * device under test needs no KVM. Descriptors are written exactly as told: nothing here
 * checks anything.
 */
#ifndef KZ_TESTS_VIRTIO_VRING_H
#define KZ_TESTS_VIRTIO_VRING_H

#include "kzhost/dev/virtq.h"

#define VRING_NEXT     1
#define VRING_WRITE    2
#define VRING_INDIRECT 4

/* Guest memory from address 0; what lies behind it is not RAM. */
struct vmem {
	struct ram ram;
	size_t size;
};

/* @size: bytes, whole pages. Zero-filled. */
void vmem_init(struct vmem *m, size_t size);
void vmem_fini(struct vmem *m);

/* Host address of a guest address; the test must stay inside. */
void *vmem_at(struct vmem *m, uint64_t gpa);

struct vring {
	struct vmem *mem;
	struct virtq_layout layout;
	uint16_t avail_idx, used_seen;
};

/* Lays a ring of @size out at @gpa (page aligned): 1 page descriptors a 256, avail, used.
 */
void vring_init(struct vring *r, struct vmem *mem, uint64_t gpa, uint16_t size);

/* Writes descriptor @i of the ring's table. */
void vring_desc(struct vring *r, unsigned i, uint64_t addr, uint32_t len, unsigned flags,
		unsigned next);

/* Writes descriptor @i of an indirect table at @gpa. */
void vring_desc_at(struct vmem *mem, uint64_t gpa, unsigned i, uint64_t addr,
		   uint32_t len, unsigned flags, unsigned next);

/* Makes a head available. */
void vring_post(struct vring *r, uint16_t head);

/* Sets avail.idx, avail.flags, used_event as they are told. */
void vring_set_avail(struct vring *r, uint16_t idx);
void vring_set_flags(struct vring *r, uint16_t flags);
void vring_set_used_event(struct vring *r, uint16_t idx);

uint16_t vring_used_idx(const struct vring *r);
uint16_t vring_used_flags(const struct vring *r);
uint16_t vring_avail_event(const struct vring *r);

/* Takes the next used entry; false: there is none. */
bool vring_take(struct vring *r, uint32_t *ret_id, uint32_t *ret_len);

#endif
