// SPDX-License-Identifier: BSD-2-Clause
/*
 * fuzz_vrng.c - any rings to the entropy device, which change while they are read
 *
 * The first byte says the mode; the steps are those of a driver (guest.h) and turns of
 * the device. Beside not crashing: a turn fills no more than it may, and nothing but
 * buffers that were made available. (fuzz_pci.c drives the same device through its
 * registers.)
 */
#include "kzhost/dev/vrng.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/guest.h"

static void interrupt(void *arg, unsigned vector)
{
	ASSERT(vector == 0);
}

static void problem(void *arg, const char *dev, const char *text)
{
	ASSERT(*dev && *text);
}

static void turn(struct vdev *v)
{
	uint64_t before = guest_written();

	guest_slow_turn(&v->queue[0], vrng_ops.serve);
	ASSERT(guest_written() - before <= VRNG_TURN_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct vdev_env env = { &guest_ram, interrupt, problem, NULL };
	struct vdev *v = NULL;

	if (size < 1)
		return 0;
	guest_begin(data[0]);
	ASSERT(vrng_new(&env, &v) == 0);
	guest_drive(v, data[0] & 2 ? v->offered : VIRTIO_F_VERSION_1, 1);
	ASSERT(vdev_read(v, VDEV_STATUS) == 15);
	for (size_t i = 1, n = 0; i + GUEST_STEP <= size && n < GUEST_STEPS;
	     i += GUEST_STEP, n++) {
		if (!guest_step(data + i))
			turn(v);
	}
	vrng_free(v);
	return 0;
}
