/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * evil_regs.c - misdeeds with status, features and queue registers
 *
 * VIRTIO 1.2, 2.1, 2.2, 3.1 and 4.1.4.3. What a driver may not do the device has to
 * ignore; the registers tell whether it did.
 */
#include "tests/guest/evil.h"

#define S_RUNNING \
	(VIRTIO_S_ACKNOWLEDGE | VIRTIO_S_DRIVER | VIRTIO_S_FEATURES_OK | \
	 VIRTIO_S_DRIVER_OK)
#define S_FEATURES (VIRTIO_S_ACKNOWLEDGE | VIRTIO_S_DRIVER | VIRTIO_S_FEATURES_OK)

/* The disk up to FEATURES_OK. Return: false, when it does not come that far */
static bool negotiate(struct evil_ctx *c)
{
	return virtio_negotiate(c->b->dev, BLK_FEATURES);
}

static enum evil_outcome early_kick(struct evil_ctx *c)
{
	if (!negotiate(c) || !virtio_queue(c->b->dev, 0))
		return EVIL_BAD;
	evil_read(c);
	return evil_try(c, 0);
}

static enum evil_outcome kick_absent(struct evil_ctx *c)
{
	struct virtio_dev *d = c->b->dev;

	/* A number that is no queue's, and the doorbells behind the last queue's. */
	mmio_write16(c->r->doorbell, (uint16_t)d->n_queues);
	mmio_write16(c->r->doorbell, 0xffff);
	for (uint32_t at = d->n_queues * d->notify_mult;
	     at + 2 <= d->region[VIRTIO_CAP_NOTIFY].len && at < 0x1000; at += 2)
		mmio_write16(d->region[VIRTIO_CAP_NOTIFY].gpa + at, 0xffff);
	return evil_works(c);
}

/* Sets up queue 0 with a size that it may not have, and uses it. */
static enum evil_outcome with_size(struct evil_ctx *c, uint16_t size)
{
	struct virtio_dev *d = c->b->dev;

	if (!negotiate(c))
		return EVIL_BAD;
	cc_write16(d, CC_QUEUE_SELECT, 0);
	cc_write16(d, CC_QUEUE_SIZE, size);
	if (cc_read16(d, CC_QUEUE_SIZE) != size)
		return EVIL_REFUSED;
	if (!virtio_queue(d, 0))
		return EVIL_REFUSED;
	cc_write16(d, CC_QUEUE_SIZE, size);
	virtio_set_status(d, S_RUNNING);
	evil_read(c);
	return evil_try(c, 0);
}

static enum evil_outcome size_zero(struct evil_ctx *c)
{
	return with_size(c, 0);
}

static enum evil_outcome size_odd(struct evil_ctx *c)
{
	return with_size(c, 100);
}

static enum evil_outcome size_huge(struct evil_ctx *c)
{
	return with_size(c, 32768);
}

/* Writes a queue register while the queue runs. */
static enum evil_outcome late16(struct evil_ctx *c, unsigned field, uint16_t value)
{
	struct virtio_dev *d = c->b->dev;
	uint16_t before;

	cc_write16(d, CC_QUEUE_SELECT, 0);
	before = cc_read16(d, field);
	cc_write16(d, field, value);
	if (evil_works(c) != EVIL_OK)
		return EVIL_BAD;
	return cc_read16(d, field) == before ? EVIL_REFUSED : EVIL_TAKEN;
}

static enum evil_outcome size_late(struct evil_ctx *c)
{
	return late16(c, CC_QUEUE_SIZE, (uint16_t)(c->r->size / 2));
}

static enum evil_outcome size_late_zero(struct evil_ctx *c)
{
	return late16(c, CC_QUEUE_SIZE, 0);
}

static enum evil_outcome size_late_huge(struct evil_ctx *c)
{
	return late16(c, CC_QUEUE_SIZE, 32768);
}

static enum evil_outcome disable_late(struct evil_ctx *c)
{
	return late16(c, CC_QUEUE_ENABLE, 0);
}

static enum evil_outcome rings_late(struct evil_ctx *c)
{
	struct virtio_dev *d = c->b->dev;
	bool moved = false;

	cc_write16(d, CC_QUEUE_SELECT, 0);
	for (unsigned field = CC_QUEUE_DESC; field < CC_BYTES; field += 4) {
		uint32_t before = cc_read32(d, field);

		cc_write32(d, field, before ^ 0x10000);
		moved |= cc_read32(d, field) != before;
	}
	if (moved)
		return EVIL_TAKEN;
	return evil_works(c) == EVIL_OK ? EVIL_REFUSED : EVIL_BAD;
}

/* Uses queue 0 with a ring somewhere else. */
static enum evil_outcome ring_at(struct evil_ctx *c, unsigned field, uint64_t gpa)
{
	struct virtio_dev *d = c->b->dev;

	if (!negotiate(c))
		return EVIL_BAD;
	cc_write16(d, CC_QUEUE_SELECT, 0);
	vring_reset(c->r, c->r->size);
	cc_write64(d, CC_QUEUE_DESC, (uintptr_t)c->r->desc);
	cc_write64(d, CC_QUEUE_DRIVER, (uintptr_t)c->r->avail);
	cc_write64(d, CC_QUEUE_DEVICE, (uintptr_t)c->r->used);
	cc_write64(d, field, gpa);
	cc_write16(d, CC_QUEUE_ENABLE, 1);
	virtio_set_status(d, S_RUNNING);
	evil_read(c);
	return evil_try(c, 0);
}

static enum evil_outcome desc_unaligned(struct evil_ctx *c)
{
	return ring_at(c, CC_QUEUE_DESC, (uintptr_t)c->r->desc + 8);
}

static enum evil_outcome avail_unaligned(struct evil_ctx *c)
{
	return ring_at(c, CC_QUEUE_DRIVER, (uintptr_t)c->r->avail + 1);
}

static enum evil_outcome used_unaligned(struct evil_ctx *c)
{
	return ring_at(c, CC_QUEUE_DEVICE, (uintptr_t)c->r->used + 2);
}

static enum evil_outcome desc_nowhere(struct evil_ctx *c)
{
	return ring_at(c, CC_QUEUE_DESC, evil_nowhere());
}

static enum evil_outcome avail_nowhere(struct evil_ctx *c)
{
	return ring_at(c, CC_QUEUE_DRIVER, evil_nowhere());
}

static enum evil_outcome used_nowhere(struct evil_ctx *c)
{
	return ring_at(c, CC_QUEUE_DEVICE, evil_nowhere());
}

static enum evil_outcome used_wrap(struct evil_ctx *c)
{
	return ring_at(c, CC_QUEUE_DEVICE, -16ul);
}

/* FEATURES_OK with features that it must not accept. */
static enum evil_outcome accept(struct evil_ctx *c, uint64_t features)
{
	struct virtio_dev *d = c->b->dev;

	if (!virtio_reset(d))
		return EVIL_BAD;
	virtio_set_status(d, VIRTIO_S_ACKNOWLEDGE);
	virtio_set_status(d, VIRTIO_S_ACKNOWLEDGE | VIRTIO_S_DRIVER);
	virtio_accept(d, features);
	virtio_set_status(d, S_FEATURES);
	return virtio_status(d) & VIRTIO_S_FEATURES_OK ? EVIL_TAKEN : EVIL_REFUSED;
}

static enum evil_outcome features_unknown(struct evil_ctx *c)
{
	uint64_t offered = virtio_offered(c->b->dev);

	return accept(c, (offered & BLK_FEATURES) | (~offered & 1ul << 62));
}

static enum evil_outcome features_old(struct evil_ctx *c)
{
	return accept(c, 0);
}

static enum evil_outcome features_late(struct evil_ctx *c)
{
	struct virtio_dev *d = c->b->dev;
	uint32_t before;

	cc_write32(d, CC_DRIVER_FEATURE_SELECT, 0);
	before = cc_read32(d, CC_DRIVER_FEATURE);
	cc_write32(d, CC_DRIVER_FEATURE, before & ~(uint32_t)VIRTIO_F_EVENT_IDX);
	if (cc_read32(d, CC_DRIVER_FEATURE) != before)
		return EVIL_TAKEN;
	return evil_works(c) == EVIL_OK ? EVIL_REFUSED : EVIL_BAD;
}

static enum evil_outcome features_skipped(struct evil_ctx *c)
{
	struct virtio_dev *d = c->b->dev;

	if (!virtio_reset(d))
		return EVIL_BAD;
	virtio_set_status(d, VIRTIO_S_ACKNOWLEDGE);
	virtio_set_status(d, VIRTIO_S_ACKNOWLEDGE | VIRTIO_S_DRIVER);
	d->features = 0;
	if (!virtio_queue(d, 0))
		return EVIL_REFUSED;
	virtio_set_status(d, VIRTIO_S_ACKNOWLEDGE | VIRTIO_S_DRIVER | VIRTIO_S_DRIVER_OK);
	evil_read(c);
	return evil_try(c, 0);
}

static enum evil_outcome status_cleared(struct evil_ctx *c)
{
	virtio_set_status(c->b->dev, S_FEATURES);
	if (virtio_status(c->b->dev) != S_RUNNING)
		return EVIL_TAKEN;
	return evil_works(c) == EVIL_OK ? EVIL_REFUSED : EVIL_BAD;
}

static enum evil_outcome status_reserved(struct evil_ctx *c)
{
	virtio_set_status(c->b->dev, S_RUNNING | 0x30);
	return virtio_status(c->b->dev) & 0x30 ? EVIL_TAKEN : EVIL_REFUSED;
}

static enum evil_outcome queue_absent(struct evil_ctx *c)
{
	struct virtio_dev *d = c->b->dev;
	bool wrong;

	cc_write16(d, CC_QUEUE_SELECT, 0xffff);
	cc_write16(d, CC_QUEUE_SIZE, 16);
	cc_write64(d, CC_QUEUE_DESC, evil_nowhere());
	cc_write16(d, CC_QUEUE_ENABLE, 1);
	wrong = cc_read16(d, CC_QUEUE_SIZE) || cc_read16(d, CC_QUEUE_ENABLE);
	if (wrong)
		return EVIL_TAKEN;
	return evil_works(c) == EVIL_OK ? EVIL_REFUSED : EVIL_BAD;
}

static enum evil_outcome config_written(struct evil_ctx *c)
{
	struct virtio_dev *d = c->b->dev;
	uintptr_t config = d->region[VIRTIO_CAP_DEVICE].gpa;
	uint64_t before = virtio_config64(d, BLK_CFG_CAPACITY);

	mmio_write32(config + BLK_CFG_CAPACITY, 0xffffffff);
	mmio_write16(config + BLK_CFG_NUM_QUEUES, 0xffff);
	if (virtio_config64(d, BLK_CFG_CAPACITY) != before)
		return EVIL_TAKEN;
	return evil_works(c) == EVIL_OK ? EVIL_REFUSED : EVIL_BAD;
}

#define NOT_USED (EVIL_REFUSED | EVIL_RESET | EVIL_NOTHING)

const struct evil evil_regs[] = {
	{ "early-kick", "a request before DRIVER_OK", EVIL_NOTHING, early_kick },
	{ "kick-absent", "kicks of queues that are not there", EVIL_OK, kick_absent },
	{ "size-zero", "a queue of size 0", NOT_USED, size_zero },
	{ "size-odd", "a queue of size 100", NOT_USED, size_odd },
	{ "size-huge", "a queue of size 32768", NOT_USED, size_huge },
	{ "size-late", "half the size while the queue runs", EVIL_REFUSED, size_late },
	{ "size-late-zero", "size 0 while the queue runs", EVIL_REFUSED, size_late_zero },
	{ "size-late-huge", "size 32768 while the queue runs", EVIL_REFUSED,
	  size_late_huge },
	{ "disable-late", "queue_enable 0 while the queue runs", EVIL_REFUSED,
	  disable_late },
	{ "rings-late", "other rings while the queue runs", EVIL_REFUSED, rings_late },
	{ "desc-unaligned", "a descriptor table at 8 modulo 16", NOT_USED,
	  desc_unaligned },
	{ "avail-unaligned", "an available ring at 1 modulo 2", NOT_USED,
	  avail_unaligned },
	{ "used-unaligned", "a used ring at 2 modulo 4", NOT_USED, used_unaligned },
	{ "desc-nowhere", "a descriptor table where there is no RAM", NOT_USED,
	  desc_nowhere },
	{ "avail-nowhere", "an available ring where there is no RAM", NOT_USED,
	  avail_nowhere },
	{ "used-nowhere", "a used ring where there is no RAM", NOT_USED, used_nowhere },
	{ "used-wrap", "a used ring around the end of the address space", NOT_USED,
	  used_wrap },
	{ "features-unknown", "a feature that was not offered", EVIL_REFUSED,
	  features_unknown },
	{ "features-old", "no features, not even VERSION_1", EVIL_REFUSED, features_old },
	{ "features-late", "other features while the device runs", EVIL_REFUSED,
	  features_late },
	{ "features-skipped", "DRIVER_OK without FEATURES_OK", NOT_USED,
	  features_skipped },
	{ "status-cleared", "a status bit cleared", EVIL_REFUSED, status_cleared },
	{ "status-reserved", "status bits that do not exist", EVIL_REFUSED,
	  status_reserved },
	{ "queue-absent", "registers of queue 65535", EVIL_REFUSED, queue_absent },
	{ "config-written", "read-only configuration written", EVIL_REFUSED,
	  config_written },
	{ NULL, NULL, 0, NULL },
};
