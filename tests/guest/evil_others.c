/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * evil_others.c - misdeeds with the entropy device and the console
 *
 * The disk only watches: it has to read on afterwards. Without such a device nothing
 * happens, which is as it has to be.
 */
#include "tests/guest/con.h"
#include "tests/guest/conform.h"
#include "tests/guest/evil.h"
#include "tests/guest/string.h"

#define LARGE     0x400000
#define CON_PORTS 0xfff
#define OPEN      6
#define READY     3

/* The first device of a type, started without ring features. NULL mem: there is none. */
static struct conform device(unsigned type)
{
	struct conform c = { .d = virtio_find(type, 0) };

	if (c.d && conform_start(&c, 0))
		c.mem = blk_dma();
	return c;
}

/* One buffer on the device's queue; afterwards the device works, reset if need be. */
static enum evil_outcome buffer(const struct evil_ctx *e, unsigned type, uint64_t gpa,
				uint32_t len, uint16_t flags)
{
	struct conform c = device(type);
	enum evil_outcome o = EVIL_NOTHING;
	uint8_t status;
	bool used;

	if (!c.mem)
		return EVIL_NOTHING;
	c.r->desc[0] = (struct vring_desc){ gpa, len, flags, 0 };
	conform_offer(&c, 0);
	used = conform_used(&c, e->ms);
	status = virtio_status(c.d);
	if (status & VIRTIO_S_NEEDS_RESET)
		o = EVIL_RESET;
	else if (used)
		o = c.used_len ? EVIL_OK : EVIL_ERROR;
	if (c.used_len > len || !conform_start(&c, 0) || !conform_request(&c))
		o = EVIL_BAD;
	virtio_reset(c.d);
	return o;
}

static enum evil_outcome rng_readable(struct evil_ctx *c)
{
	return buffer(c, VIRTIO_ENTROPY, (uintptr_t)blk_dma(), 64, 0);
}

static enum evil_outcome rng_nowhere(struct evil_ctx *c)
{
	return buffer(c, VIRTIO_ENTROPY, evil_nowhere(), 64, VRING_DESC_WRITE);
}

static enum evil_outcome rng_large(struct evil_ctx *c)
{
	return buffer(c, VIRTIO_ENTROPY, (uintptr_t)blk_dma(), LARGE, VRING_DESC_WRITE);
}

static enum evil_outcome con_writable(struct evil_ctx *c)
{
	return buffer(c, VIRTIO_CONSOLE, (uintptr_t)blk_dma(), 16, VRING_DESC_WRITE);
}

static enum evil_outcome con_nowhere(struct evil_ctx *c)
{
	return buffer(c, VIRTIO_CONSOLE, evil_nowhere(), 16, 0);
}

/* A control message of @n bytes; then the ports are counted anew. */
static enum evil_outcome control(const void *message, uint32_t n)
{
	struct virtio_dev *d = virtio_find(VIRTIO_CONSOLE, 0);
	unsigned ports, wrong, again;
	enum evil_outcome o;

	if (!d || !con_count_ports(&ports, &wrong))
		return EVIL_NOTHING;
	o = con_send_control(message, n) ? EVIL_OK : EVIL_NOTHING;
	if (virtio_status(d) & VIRTIO_S_NEEDS_RESET)
		o = EVIL_RESET;
	if (!con_count_ports(&again, &wrong) || again != ports)
		return EVIL_BAD;
	return o;
}

static enum evil_outcome control_short(struct evil_ctx *c)
{
	return control("\0\0\0", 3);
}

static enum evil_outcome control_port(struct evil_ctx *c)
{
	const uint16_t message[] = { CON_PORTS, 0x7fff, OPEN, 1 };

	return control(message, sizeof(message));
}

static enum evil_outcome control_event(struct evil_ctx *c)
{
	const uint16_t message[] = { 0, 0, 0x7777, 0xffff };

	return control(message, sizeof(message));
}

static enum evil_outcome control_repeated(struct evil_ctx *c)
{
	uint16_t messages[64];

	for (unsigned i = 0; i < 64; i += 4) {
		messages[i] = messages[i + 1] = 0;
		messages[i + 2] = i & 4 ? OPEN : READY;
		messages[i + 3] = i & 8 ? 1 : 0;
	}
	return control(messages, sizeof(messages));
}

/* What a device makes of messages that say nothing is its own business, as long as it
 * stays whole: buffer() and control() see to that. */
#define ANY (EVIL_OK | EVIL_ERROR | EVIL_RESET | EVIL_NOTHING)

const struct evil evil_others[] = {
	{ "rng-readable", "a buffer for the entropy device to read", ANY, rng_readable },
	{ "rng-nowhere", "entropy where there is no RAM", EVIL_RESET | EVIL_NOTHING,
	  rng_nowhere },
	{ "rng-large", "4 MiB of entropy at once", EVIL_OK | EVIL_NOTHING, rng_large },
	{ "con-writable", "output into a buffer to be written", ANY, con_writable },
	{ "con-nowhere", "output from where there is no RAM", EVIL_RESET | EVIL_NOTHING,
	  con_nowhere },
	{ "control-short", "a control message of 3 bytes", ANY, control_short },
	{ "control-port", "a control message for a port that is not there", ANY,
	  control_port },
	{ "control-event", "a control message of no known kind", ANY, control_event },
	{ "control-repeated", "a control message of 128 bytes", ANY, control_repeated },
	{ NULL, NULL, 0, NULL },
};
