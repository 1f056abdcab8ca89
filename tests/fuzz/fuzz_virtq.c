// SPDX-License-Identifier: BSD-2-Clause
/*
 * fuzz_virtq.c - any rings, which change while they are read
 *
 * The first three bytes say mode, features and layouts; the steps after them are those of
 * a driver (guest.h) and of a device that takes chains, writes into them, gives them back
 * in any order, and publishes. Beside not crashing: chains lie in RAM and add up, no head
 * is in flight twice, used.idx goes on by what was given back, and nothing is written but
 * what may be.
 */
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/guest.h"

#include <string.h>

/* The device's steps. */
enum { TAKE = GUEST_OP_N, WRITE, DONE, PUBLISH, KICKS, AGAIN };

struct device {
	struct virtq vq;
	unsigned n;
	struct virtq_chain chain[VIRTQ_SIZE_MAX]; /* in flight */
	uint16_t used_idx;
};

/* Honest, with other sizes, overlapping, or anywhere. */
static void set_up(struct device *d, const uint8_t *s, uint8_t features)
{
	static const uint16_t sizes[] = { GUEST_RING, 1, 8, 256, 0, 3, 512, 16 };
	struct virtq_layout l = guest_layout(0, sizes[s[1] % ARRAY_SIZE(sizes)]);
	uint64_t f = VIRTIO_F_VERSION_1;

	if (s[1] & 0x40)
		l.avail_gpa = s[2] * 0x101u;
	if (s[1] & 0x80)
		l.used_gpa = 4 * GIB + s[3] * 0x82u;
	if (s[1] & 0x20)
		l.desc_gpa = (uint64_t)s[4] << 8 | (uint64_t)(s[4] & 0x80) << 56;
	f |= features & 1 ? VIRTIO_F_EVENT_IDX : 0;
	f |= features & 2 ? VIRTIO_F_INDIRECT_DESC : 0;
	guest_check();
	guest_forget(&d->vq);
	d->n = 0;
	d->used_idx = 0;
	if (virtq_init(&d->vq, &guest_ram, &l, f) != VIRTQ_OK) {
		ASSERT(!virtq_pending(&d->vq));
		return;
	}
	ASSERT(ram_slice(&guest_ram, l.used_gpa, 6 + 8u * l.size));
}

static void take(struct device *d)
{
	bool was_broken = d->vq.error != VIRTQ_OK;

	if (guest_next(&d->vq, &d->chain[d->n])) {
		ASSERT(!was_broken);
		d->n++;
		ASSERT(d->n == d->vq.in_flight && d->n <= d->vq.layout.size);
	} else if (d->vq.error != VIRTQ_OK) {
		struct virtq_chain none;

		ASSERT(!guest_next(&d->vq, &none) && !virtq_pending(&d->vq));
	}
}

static void write_into(struct device *d, const uint8_t *s)
{
	uint8_t data[256];

	if (d->n == 0)
		return;
	memset(data, s[2], sizeof(data));
	ASSERT(virtq_copy_in(&d->chain[s[1] % d->n], s[3], data, s[4]) <= s[4]);
	ASSERT(virtq_copy_out(&d->chain[s[1] % d->n], s[3], data, s[4]) <= s[4]);
}

static void give_back(struct device *d, const uint8_t *s)
{
	struct virtq_chain *c;

	if (d->n == 0)
		return;
	c = &d->chain[s[1] % d->n];
	guest_done(&d->vq, c->head, c->in_bytes);
	*c = d->chain[--d->n];
}

static void device_step(struct device *d, const uint8_t *s, uint8_t features)
{
	switch (s[0] % 16) {
	case TAKE:
		take(d);
		break;
	case WRITE:
		write_into(d, s);
		break;
	case DONE:
		give_back(d, s);
		break;
	case PUBLISH:
		guest_publish(&d->vq);
		break;
	case KICKS:
		if (s[1] & 1)
			virtq_kicks_off(&d->vq);
		else
			virtq_kicks_on(&d->vq);
		break;
	case AGAIN:
		set_up(d, s, features);
		break;
	default: /* what most inputs need most */
		take(d);
		give_back(d, s);
		guest_publish(&d->vq);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t honest[GUEST_STEP];
	static struct device d;

	if (size < 2)
		return 0;
	guest_begin(data[0]);
	set_up(&d, honest, data[1]);
	for (size_t i = 2, n = 0; i + GUEST_STEP <= size && n < GUEST_STEPS;
	     i += GUEST_STEP, n++) {
		if (guest_step(data + i))
			continue;
		guest_allow_used(&d.vq);
		device_step(&d, data + i, data[1]);
		guest_check();
	}
	return 0;
}
