/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * conform_basic.c - checks of status, features, reset and split queues (VIRTIO 1.2, 2, 6)
 */
#include "tests/guest/clock.h"
#include "tests/guest/conform.h"
#include "tests/guest/string.h"

#define ENTRY_CONFIG 0
#define ENTRY_QUEUE  1
#define HEAD         5
#define FIRST_PIECE  4
#define SPURIOUS     20
#define PATTERN      0xa5

static enum conform_result status_zero(struct conform *c)
{
	CONFORM(c, conform_start(c, 0));
	virtio_set_status(c->d, 0);
	CONFORM(c, virtio_reset(c->d));
	CONFORM(c, virtio_status(c->d) == 0);
	return CONFORM_OK;
}

static enum conform_result before_driver_ok(struct conform *c)
{
	uint64_t before;

	CONFORM(c, conform_ready(c, 0));
	before = conform_interrupts(c, ENTRY_QUEUE);
	conform_fill(c, 0);
	conform_offer(c, 0);
	CONFORM(c, !conform_used(c, CONFORM_QUIET_MS));
	CONFORM(c, conform_interrupts(c, ENTRY_QUEUE) == before);
	return CONFORM_OK;
}

static enum conform_result needs_reset(struct conform *c)
{
	CONFORM(c, conform_start(c, 0));
	CONFORM(c, conform_break(c));
	return CONFORM_OK;
}

static enum conform_result needs_reset_told(struct conform *c)
{
	uint64_t before = conform_interrupts(c, ENTRY_CONFIG);

	CONFORM(c, conform_start(c, 0));
	if (!conform_break(c))
		return CONFORM_NA;
	CONFORM(c, conform_interrupted(c, ENTRY_CONFIG, before, CONFORM_MS));
	return CONFORM_OK;
}

static enum conform_result subset(struct conform *c)
{
	CONFORM(c, virtio_negotiate(c->d, VIRTIO_F_VERSION_1));
	CONFORM(c, virtio_negotiate(c->d, VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX));
	CONFORM(c, virtio_negotiate(c->d, VIRTIO_F_VERSION_1 | VIRTIO_F_INDIRECT));
	CONFORM(c, virtio_negotiate(c->d, VIRTIO_F_RINGS | 0xffffff));
	return CONFORM_OK;
}

static enum conform_result not_offered(struct conform *c)
{
	uint64_t unknown = ~c->offered & (1ul << 62 | 1ul << 23);

	CONFORM(c, virtio_reset(c->d));
	virtio_set_status(c->d, VIRTIO_S_ACKNOWLEDGE);
	virtio_set_status(c->d, VIRTIO_S_ACKNOWLEDGE | VIRTIO_S_DRIVER);
	virtio_accept(c->d, VIRTIO_F_VERSION_1 | unknown);
	virtio_set_status(c->d,
			  VIRTIO_S_ACKNOWLEDGE | VIRTIO_S_DRIVER | VIRTIO_S_FEATURES_OK);
	CONFORM(c, !(virtio_status(c->d) & VIRTIO_S_FEATURES_OK));
	return CONFORM_OK;
}

static enum conform_result reset_quiet(struct conform *c)
{
	uint64_t before;

	CONFORM(c, conform_start(c, 0));
	CONFORM(c, conform_request(c));
	CONFORM(c, virtio_reset(c->d));
	before = conform_interrupts(c, ENTRY_QUEUE);
	conform_fill(c, 0);
	conform_offer(c, 0);
	CONFORM(c, !conform_used(c, CONFORM_QUIET_MS));
	CONFORM(c, conform_interrupts(c, ENTRY_QUEUE) == before);
	CONFORM(c, virtio_status(c->d) == 0);
	return CONFORM_OK;
}

static enum conform_result config_early(struct conform *c)
{
	uint64_t early, late;

	CONFORM(c, virtio_reset(c->d));
	early = virtio_config64(c->d, 0);
	CONFORM(c, conform_start(c, 0xffffff));
	late = virtio_config64(c->d, 0);
	CONFORM(c, early == late);
	return CONFORM_OK;
}

/* The request of conform_fill() cut into pieces: @n of @bytes each from @at on. */
static uint16_t cut(struct conform *c, uint16_t at, const struct vring_desc *from,
		    uint32_t bytes)
{
	for (uint32_t done = 0; done < from->len; done += bytes) {
		uint32_t left = from->len - done;

		c->r->desc[at] = (struct vring_desc){
			from->addr + done,
			left < bytes ? left : bytes,
			(uint16_t)(from->flags | VRING_DESC_NEXT),
			(uint16_t)(at + 1),
		};
		at++;
	}
	return at;
}

static enum conform_result framing_pieces(struct conform *c)
{
	struct vring_desc whole[3];
	uint32_t bytes =
		c->d->type == VIRTIO_ENTROPY ? 16 : 3; /* its queue may be short */
	uint16_t at = FIRST_PIECE;

	CONFORM(c, conform_start(c, 0));
	conform_fill(c, 0);
	for (unsigned i = 0; i < c->n_descs; i++)
		whole[i] = c->r->desc[i];
	for (unsigned i = 0; i < c->n_descs; i++)
		at = cut(c, at, &whole[i], i == 1 ? 100 : bytes);
	c->r->desc[at - 1].flags &= (uint16_t)~VRING_DESC_NEXT;
	conform_offer(c, FIRST_PIECE);
	CONFORM(c, conform_used(c, CONFORM_MS));
	CONFORM(c, c->d->type != VIRTIO_BLOCK || c->mem[CONFORM_STATUS] == BLK_OK);
	return CONFORM_OK;
}

/* Data and status of a block request in one buffer. */
static enum conform_result framing_joined(struct conform *c)
{
	CONFORM(c, conform_start(c, 0));
	conform_fill(c, 0);
	c->mem[CONFORM_DATA + BLK_SECTOR] = BLK_NO_STATUS;
	c->r->desc[1].len = BLK_SECTOR + 1;
	c->r->desc[1].flags = VRING_DESC_WRITE;
	conform_offer(c, 0);
	CONFORM(c, conform_used(c, CONFORM_MS));
	CONFORM(c, c->mem[CONFORM_DATA + BLK_SECTOR] == BLK_OK);
	return CONFORM_OK;
}

static enum conform_result readable_kept(struct conform *c)
{
	uint8_t header[sizeof(struct blk_header)];

	CONFORM(c, conform_start(c, 0));
	conform_fill(c, 0);
	memcpy(header, c->mem, sizeof(header));
	conform_offer(c, 0);
	CONFORM(c, conform_used(c, CONFORM_MS));
	if (c->d->type == VIRTIO_CONSOLE)
		CONFORM(c, c->mem[CONFORM_DATA] == CONFORM_CHAR);
	else
		CONFORM(c, memcmp(header, c->mem, sizeof(header)) == 0);
	return CONFORM_OK;
}

/* The request's descriptors from @first on move into an indirect table. */
static void make_indirect(struct conform *c, unsigned first, uint16_t flags)
{
	struct vring_desc *t = (void *)(c->mem + CONFORM_TABLE);

	for (unsigned i = first; i < c->n_descs; i++) {
		t[i - first] = c->r->desc[i];
		t[i - first].next = (uint16_t)(i - first + 1);
	}
	c->r->desc[first] =
		(struct vring_desc){ (uintptr_t)t,
				     (uint32_t)((c->n_descs - first) * sizeof(*t)),
				     (uint16_t)(VRING_DESC_INDIRECT | flags), 0 };
}

static enum conform_result indirect(struct conform *c, unsigned first, uint16_t flags)
{
	if (!(c->offered & VIRTIO_F_INDIRECT))
		return CONFORM_NA;
	CONFORM(c, conform_start(c, VIRTIO_F_INDIRECT));
	conform_fill(c, 0);
	make_indirect(c, first, flags);
	conform_offer(c, 0);
	CONFORM(c, conform_used(c, CONFORM_MS));
	CONFORM(c, c->d->type != VIRTIO_BLOCK || c->mem[CONFORM_STATUS] == BLK_OK);
	return CONFORM_OK;
}

static enum conform_result indirect_plain(struct conform *c)
{
	return indirect(c, 0, 0);
}

static enum conform_result indirect_write_flag(struct conform *c)
{
	return indirect(c, 0, VRING_DESC_WRITE);
}

static enum conform_result indirect_mixed(struct conform *c)
{
	return indirect(c, 1, 0);
}

/* One request; does it interrupt? */
static enum conform_result interrupt_is(struct conform *c, bool expected)
{
	uint64_t before = conform_interrupts(c, ENTRY_QUEUE);

	CONFORM(c, conform_request(c));
	if (expected)
		CONFORM(c, conform_interrupted(c, ENTRY_QUEUE, before, CONFORM_MS));
	else
		CONFORM(c,
			!conform_interrupted(c, ENTRY_QUEUE, before, CONFORM_QUIET_MS));
	return CONFORM_OK;
}

static enum conform_result flags_0(struct conform *c)
{
	CONFORM(c, conform_start(c, 0));
	c->r->avail->flags = 0;
	return interrupt_is(c, true);
}

static enum conform_result flags_1(struct conform *c)
{
	CONFORM(c, conform_start(c, 0));
	c->r->avail->flags = VRING_NO_INTERRUPT;
	return interrupt_is(c, false);
}

static enum conform_result used_event_ignored(struct conform *c)
{
	CONFORM(c, conform_start(c, 0));
	c->r->avail->flags = 0;
	*vring_used_event(c->r) = 0x8000;
	return interrupt_is(c, true);
}

/* With EVENT_IDX: the first request interrupts; the second with used_event @event? */
static enum conform_result event_is(struct conform *c, uint16_t event, uint16_t flags,
				    bool expected)
{
	enum conform_result first;

	if (!(c->offered & VIRTIO_F_EVENT_IDX))
		return CONFORM_NA;
	CONFORM(c, conform_start(c, VIRTIO_F_EVENT_IDX));
	*vring_used_event(c->r) = 0;
	first = interrupt_is(c, true);
	c->r->avail->flags = flags;
	*vring_used_event(c->r) = event;
	return first == CONFORM_OK ? interrupt_is(c, expected) : first;
}

static enum conform_result event_reached(struct conform *c)
{
	return event_is(c, 1, 0, true);
}

static enum conform_result event_later(struct conform *c)
{
	return event_is(c, 2, 0, false);
}

static enum conform_result event_flags_ignored(struct conform *c)
{
	return event_is(c, 1, VRING_NO_INTERRUPT, true);
}

static enum conform_result event_next(struct conform *c)
{
	enum conform_result result = event_is(c, 2, 0, false);

	return result == CONFORM_OK ? interrupt_is(c, true) : result;
}

static enum conform_result used_element(struct conform *c)
{
	CONFORM(c, conform_start(c, 0));
	conform_fill(c, HEAD);
	conform_offer(c, HEAD);
	CONFORM(c, conform_used(c, CONFORM_MS));
	CONFORM(c, c->used_id == HEAD);
	CONFORM(c, c->r->used->idx == 1);
	return CONFORM_OK;
}

/* At least as many bytes as `len` says have been written. */
static enum conform_result used_len(struct conform *c)
{
	uint8_t *data = c->mem + CONFORM_DATA;

	CONFORM(c, conform_start(c, 0));
	CONFORM(c, conform_request(c));
	if (c->d->type == VIRTIO_CONSOLE)
		CONFORM(c, c->used_len == 0);
	if (c->d->type == VIRTIO_BLOCK)
		CONFORM(c, c->used_len <= BLK_SECTOR + 1);
	if (c->d->type == VIRTIO_ENTROPY) {
		CONFORM(c, c->used_len <= 64);
		memset(data, PATTERN, 64);
		CONFORM(c, conform_request(c));
		for (uint32_t i = c->used_len; i < 64; i++)
			CONFORM(c, data[i] == PATTERN);
	}
	return CONFORM_OK;
}

static enum conform_result used_wraps(struct conform *c)
{
	CONFORM(c, conform_start(c, 0));
	c->r->avail->flags = VRING_NO_INTERRUPT;
	for (unsigned i = 0; i < 2 * c->r->size + 3; i++)
		CONFORM(c, conform_request(c));
	CONFORM(c, c->r->used->idx == (uint16_t)(2 * c->r->size + 3));
	return CONFORM_OK;
}

static enum conform_result used_flags(struct conform *c)
{
	CONFORM(c, conform_start(c, 0));
	CONFORM(c, conform_request(c));
	CONFORM(c, c->r->used->flags <= VRING_USED_NO_NOTIFY);
	return CONFORM_OK;
}

static enum conform_result used_flags_event(struct conform *c)
{
	if (!(c->offered & VIRTIO_F_EVENT_IDX))
		return CONFORM_NA;
	CONFORM(c, conform_start(c, VIRTIO_F_EVENT_IDX));
	CONFORM(c, conform_request(c));
	CONFORM(c, c->r->used->flags == 0);
	return CONFORM_OK;
}

/* Only such kicks as avail_event asks for, or flags; nothing may be left lying. */
static enum conform_result kicks_wanted(struct conform *c)
{
	uint64_t features = c->offered & VIRTIO_F_EVENT_IDX;

	for (unsigned pass = 0; pass < 2; pass++, features = 0) {
		CONFORM(c, conform_start(c, features));
		for (unsigned i = 0; i < 300; i++) {
			conform_fill(c, 0);
			vring_offer(c->r, 0);
			vring_kick(c->r);
			CONFORM(c, conform_used(c, CONFORM_MS));
		}
	}
	return CONFORM_OK;
}

static enum conform_result kicks_spurious(struct conform *c)
{
	CONFORM(c, conform_start(c, 0));
	for (unsigned i = 0; i < SPURIOUS; i++)
		vring_ring_bell(c->r);
	CONFORM(c, conform_request(c));
	for (unsigned i = 0; i < SPURIOUS; i++)
		vring_ring_bell(c->r);
	CONFORM(c, !conform_used(c, CONFORM_QUIET_MS));
	CONFORM(c, conform_request(c));
	return CONFORM_OK;
}

static enum conform_result version_1(struct conform *c)
{
	CONFORM(c, c->offered & VIRTIO_F_VERSION_1);
	return CONFORM_OK;
}

#define ALL CONFORM_ALL

const struct conform_check conform_basic[] = {
	{ "2.1.2", "the status is 0 after a reset", ALL, status_zero },
	{ "2.1.2", "no buffer is used and no interrupt sent before DRIVER_OK", ALL,
	  before_driver_ok },
	{ "2.1.2", "an error sets DEVICE_NEEDS_RESET", ALL, needs_reset },
	{ "2.1.2", "DEVICE_NEEDS_RESET is told by a configuration interrupt", ALL,
	  needs_reset_told },
	{ "2.2.2", "subsets of the features are accepted", ALL, subset },
	{ "2.2.2", "a feature that was not offered fails FEATURES_OK", ALL, not_offered },
	{ "2.4.1", "after a reset queues are left alone and nothing interrupts", ALL,
	  reset_quiet },
	{ "2.5.2", "configuration can be read before FEATURES_OK",
	  CONFORM_BLOCK | CONFORM_CONSOLE, config_early },
	{ "2.7.4.1", "a request may be cut into any pieces", ALL, framing_pieces },
	{ "2.7.4.1", "data and status may be one buffer", CONFORM_BLOCK, framing_joined },
	{ "2.7.5.1", "buffers to be read are not written",
	  CONFORM_BLOCK | CONFORM_CONSOLE, readable_kept },
	{ "2.7.5.3.2", "a request in an indirect table", ALL, indirect_plain },
	{ "2.7.5.3.2", "the write flag of an indirect descriptor is ignored", ALL,
	  indirect_write_flag },
	{ "2.7.5.3.2", "descriptors followed by an indirect one", CONFORM_BLOCK,
	  indirect_mixed },
	{ "2.7.7.2", "without EVENT_IDX, flags 0: an interrupt", ALL, flags_0 },
	{ "2.7.7.2", "without EVENT_IDX, flags 1: no interrupt", ALL, flags_1 },
	{ "2.7.7.2", "without EVENT_IDX used_event is ignored", ALL, used_event_ignored },
	{ "2.7.7.2", "with EVENT_IDX an interrupt when used_event is reached", ALL,
	  event_reached },
	{ "2.7.7.2", "with EVENT_IDX no interrupt before used_event", ALL, event_later },
	{ "2.7.7.2",
	  "with EVENT_IDX an interrupt at the one after, when that is used_event", ALL,
	  event_next },
	{ "2.7.7.2", "with EVENT_IDX flags are ignored", ALL, event_flags_ignored },
	{ "2.7.8.2", "a used element has the head", ALL, used_element },
	{ "2.7.8.2", "no more than was written is said to be", ALL, used_len },
	{ "2.7.8.2", "the rings wrap", ALL, used_wraps },
	{ "2.7.10.2", "without EVENT_IDX used flags are 0 or 1", ALL, used_flags },
	{ "2.7.10.2", "with EVENT_IDX used flags are 0", ALL, used_flags_event },
	{ "2.7.10.2", "kicks that are not asked for are not needed", ALL, kicks_wanted },
	{ "2.7.10.2", "kicks with nothing to do are harmless", ALL, kicks_spurious },
	{ "6.2", "VERSION_1 is offered", ALL, version_1 },
	{ NULL, NULL, 0, NULL },
};
