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

static void set(struct vdev *v, enum vdev_reg reg, uint64_t value)
{
	vdev_write(v, reg, ~0ull, value);
}

static void bring_up(struct vdev *v, uint32_t features)
{
	struct virtq_layout l = guest_layout(0, GUEST_RING);

	set(v, VDEV_STATUS, 3);
	set(v, VDEV_ACCEPTED, features);
	set(v, VDEV_ACCEPT_SELECT, 1);
	set(v, VDEV_ACCEPTED, 1);
	set(v, VDEV_STATUS, 11);
	set(v, VDEV_QUEUE_SIZE, l.size);
	set(v, VDEV_QUEUE_DESC, l.desc_gpa);
	set(v, VDEV_QUEUE_DRIVER, l.avail_gpa);
	set(v, VDEV_QUEUE_DEVICE, l.used_gpa);
	set(v, VDEV_QUEUE_ENABLE, 1);
	set(v, VDEV_STATUS, 15);
	ASSERT(vdev_read(v, VDEV_STATUS) == 15);
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
	bring_up(v, data[0] & 2 ? 3u << 28 : 0);
	for (size_t i = 1, n = 0; i + GUEST_STEP <= size && n < GUEST_STEPS;
	     i += GUEST_STEP, n++) {
		if (!guest_step(data + i))
			turn(v);
	}
	vrng_free(v);
	return 0;
}
