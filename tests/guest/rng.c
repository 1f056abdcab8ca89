/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rng.c - virtio entropy driver, and the command `rng`
 *
 * VIRTIO 1.2, 5.4: one queue, buffers that the device fills, wholly or in part.
 */
#include "tests/guest/paging.h"
#include "tests/guest/print.h"
#include "tests/guest/rng.h"
#include "tests/guest/string.h"
#include "tests/guest/virtio.h"

#define BUFFER_BYTES  4096
#define DEFAULT_BYTES 16
#define SHOWN_BYTES   32

/* Return: bytes that the device put into @buf, 0 when it did not answer */
static uint32_t get(struct vring *r, uint8_t *buf, uint32_t bytes)
{
	struct vring_seg seg = { (uintptr_t)buf, bytes };
	uint64_t cookie;
	uint32_t len;

	if (!vring_add(r, &seg, 0, 1, 1))
		return 0;
	vring_kick(r);
	if (!virtio_wait(r, VIRTIO_ANSWER_MS) || !vring_take(r, &cookie, &len))
		return 0;
	return len < bytes ? len : bytes;
}

static unsigned bits_set(unsigned v)
{
	unsigned n = 0;

	for (; v; v &= v - 1)
		n++;
	return n;
}

void rng_command(char *args)
{
	struct virtio_dev *d = virtio_find(VIRTIO_ENTROPY, 0);
	uint64_t want = DEFAULT_BYTES, have = 0, ones = 0, n_requests = 0;
	static uint8_t *buf;

	if (!str_u64(&args, &want)) {
		print("rng: BYTES must be a number\n");
		return;
	}
	if (!d || !virtio_start(d, VIRTIO_F_RINGS, 1)) {
		print("rng: there is no device\n");
		return;
	}
	if (!buf && !(buf = paging_alloc(BUFFER_BYTES)))
		return;
	for (; have < want; n_requests++) {
		uint64_t left = want - have;
		uint32_t n = get(d->queue[0], buf,
				 (uint32_t)(left < BUFFER_BYTES ? left : BUFFER_BYTES));

		if (!n) {
			print("rng: no answer after %lu bytes\n", have);
			return;
		}
		for (uint32_t i = 0; i < n; i++, have++) {
			ones += bits_set(buf[i]);
			if (want <= SHOWN_BYTES)
				print("%02x", buf[i]);
		}
	}
	print("%srng: %lu bytes, %lu bits set, %lu requests\n",
	      want <= SHOWN_BYTES ? "\n" : "", have, ones, n_requests);
}
