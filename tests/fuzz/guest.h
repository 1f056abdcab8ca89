/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guest.h - a guest made of fuzzer input: memory, rings, and changes at any moment
 *
 * DOC: How a device is watched
 *
 * virtq.c, virtio.c and the device are compiled once more (looked_*.c) with their calls
 * into the rings going through guest_next(), guest_done() and guest_publish(). These
 * check what comes out of the rings, and note which guest memory the device may write:
 * writable buffers of chains that are in flight, and used rings. guest_check() compares
 * memory with a copy: whatever else has changed was written by nobody who may.
 *
 * DOC: Changes between two looks
 *
 * virtq.c calls guest_look() before each look at what a driver may change. The input says
 * which bytes change before which look; and it may ask that what was looked at changes
 * as soon as the next look comes, so that reading anything twice gives two answers. All
 * in one thread: an input always does the same.
 *
 * DOC: Input
 *
 * A list of steps of GUEST_STEP bytes: operation, then parameters. guest_step() carries
 * out those of a driver; a harness has its own beside them.
 */
#ifndef KZ_TESTS_FUZZ_GUEST_H
#define KZ_TESTS_FUZZ_GUEST_H

#include "kzhost/dev/virtio.h"

#define GUEST_STEP  8u
#define GUEST_STEPS 256u    /* of one input */
#define GUEST_LOW   0xc000u /* bytes from address 0 */
#define GUEST_HIGH  0x4000u /* bytes from 4 GiB */
#define GUEST_QUEUE 8u      /* rings, in the pages from address 0x1000 */
#define GUEST_RING  32u     /* descriptors that driver's steps know of in a ring */
#define GUEST_DATA  0x6000u /* what is free of rings begins here */

/* The driver's operations; all others are the harness's. */
enum guest_op {
	GUEST_DESC,     /* queue, index, address, length, flags, next */
	GUEST_INDIRECT, /* the same in a table in free memory */
	GUEST_POST,     /* queue, head */
	GUEST_REQUEST,  /* a whole chain of a header, data and a status is posted */
	GUEST_BYTES,    /* address, four bytes */
	GUEST_FLIP,     /* looks until then, address, xor */
	GUEST_INDEX,    /* queue, avail.idx, avail.flags or used_event */
	GUEST_OP_N
};

extern struct ram guest_ram;

/* Memory is zero, nothing is in flight, nobody has looked. @mode: bit 0: what was looked
 * at changes at the next look. */
void guest_begin(uint8_t mode);

/* A queue's layout as the driver's steps have it. */
struct virtq_layout guest_layout(unsigned queue, uint16_t size);

/* Writes a whole register. */
void guest_set(struct vdev *v, enum vdev_reg reg, uint64_t value);

/* Brings a device up as a driver does that accepts these features: the first @n_queues
 * with the layouts that the driver's steps know, a vector each. */
void guest_drive(struct vdev *v, uint64_t features, unsigned n_queues);

/* Carries a driver's operation out; false: it is none. */
bool guest_step(const uint8_t *step);

/* Host address, NULL: not all in RAM. Writing through it is the driver's. */
void guest_write(uint64_t gpa, const void *data, size_t len);

/* The device may write this, all RAM, in this turn. */
void guest_allow(uint64_t gpa, size_t len);

/* The device may write the used ring of a queue in this turn. */
void guest_allow_used(const struct virtq *q);

/* Nothing was written but what the device may write. */
void guest_check(void);

/* A queue begins anew: what was in flight is forgotten. */
void guest_forget(const struct virtq *q);

/* Bytes that were told to be written in chains given back so far. */
uint64_t guest_written(void);

/* In place of virtq.h's. */
void guest_look(const void *p, size_t len);
bool guest_next(struct virtq *q, struct virtq_chain *ret_chain);
void guest_done(struct virtq *q, uint16_t head, uint32_t written);
bool guest_publish(struct virtq *q);

/* One turn of the owner of a slow device's queue, and what stopping it takes. */
void guest_slow_turn(struct vqueue *q, bool (*serve)(struct vqueue *q));

/* looked_vblk.c: the beginning of an input, and one turn of an owner. */
void looked_vblk_begin(struct vdev *v);
void looked_vblk_turn(struct vdev *v, unsigned queue);

#endif
