// SPDX-License-Identifier: BSD-2-Clause
/*
 * fuzz_vcon.c - any rings and control messages to the console device, any host behind it
 *
 * The first byte says the mode and whether there are ports; the steps are those of a
 * driver (guest.h), turns of queues, resets, and reads and writes of the main thread.
 * Beside not crashing: nothing but buffers that were made available is written, no more
 * bytes come out than the guest wrote less those counted as lost, a closed port takes
 * nothing and a named one all or nothing, and whoever found no output is woken.
 */
#include "kzhost/dev/vcon.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/guest.h"

#include <string.h>

enum { TURN = GUEST_OP_N, HOST_READ, HOST_WRITE, RESET, CONTROL, REGISTER };

static struct {
	unsigned wakes;
	uint64_t read[VCON_PORTS]; /* bytes that came out */
	bool nothing[VCON_PORTS];  /* the last read found nothing */
} host;

static void interrupt(void *arg, unsigned vector)
{
	ASSERT(vector <= VCON_QUEUES);
}

static void problem(void *arg, const char *dev, const char *text)
{
	ASSERT(*dev && *text);
}

static void wake(void *arg)
{
	host.wakes++;
}

static uint64_t written(struct vdev *v, enum vcon_port_id port, uint64_t *ret_lost)
{
	uint64_t bytes;

	vcon_counts(v, port, &bytes, ret_lost);
	return bytes;
}

static void turn(struct vdev *v, unsigned queue)
{
	enum vcon_port_id port = queue < 2 ? 0 : queue / 2 - 1;
	bool output = queue & 1 && queue != 3;
	uint64_t lost, before = output ? written(v, port, &lost) : 0;
	unsigned wakes = host.wakes;

	guest_slow_turn(&v->queue[queue], vcon_ops.serve);
	if (!output)
		return;
	if (written(v, port, &lost) > before && host.nothing[port]) {
		ASSERT(host.wakes > wakes);
		host.nothing[port] = false;
	}
	ASSERT(lost <= written(v, port, &lost));
}

static void host_read(struct vdev *v, const uint8_t *s)
{
	enum vcon_port_id port = s[1] % VCON_PORTS;
	uint8_t data[256];
	uint64_t lost, bytes;
	size_t n = vcon_read(v, port, data, s[2]);

	ASSERT(n <= s[2]);
	host.read[port] += n;
	host.nothing[port] = n == 0;
	bytes = written(v, port, &lost);
	ASSERT(host.read[port] + lost <= bytes);
}

static void host_write(struct vdev *v, const uint8_t *s)
{
	static const uint8_t data[8192] = "host";
	enum vcon_port_id port = s[1] % VCON_PORTS;
	size_t len = s[2] * 32u, n = vcon_write(v, port, data, len);

	ASSERT(n <= len && (n == 0 || vcon_is_open(v, port)));
	ASSERT(port == VCON_CONSOLE || n == 0 || n == len);
}

static void reset(struct vdev *v)
{
	guest_set(v, VDEV_STATUS, 0);
	for (unsigned i = 0; i < VCON_QUEUES; i++)
		turn(v, i);
	ASSERT(vdev_read(v, VDEV_STATUS) == 0);
	for (unsigned i = 0; i < VCON_PORTS; i++)
		ASSERT(!vcon_is_open(v, i));
}

/* An honest message of the driver, and a turn: id, event, value. */
static void control(struct vdev *v, const uint8_t *s)
{
	const uint8_t post[GUEST_STEP] = { GUEST_POST, 3, 0, 0 };
	const uint8_t desc[GUEST_STEP] = { GUEST_DESC, 3, 0, 0, 8, 0, 0, 0 };
	struct vcon_control m = { le32_of(s[1] % 4), le16_of(s[2] % 9), le16_of(s[3]) };

	guest_write(GUEST_DATA, &m, sizeof(m));
	guest_step(desc);
	guest_step(post);
	turn(v, 3);
}

static void write_register(struct vdev *v, const uint8_t *s)
{
	enum vdev_reg reg = s[1] % VDEV_REG_N;
	uint64_t value = 0;

	memcpy(&value, s + 2, 5);
	if (reg != VDEV_STATUS || value & 0xff)
		vdev_write(v, reg, ~0ull, value);
}

static void step(struct vdev *v, const uint8_t *s, bool ports)
{
	switch (s[0] % 16) {
	case HOST_READ:
		host_read(v, s);
		break;
	case HOST_WRITE:
		host_write(v, s);
		break;
	case RESET:
		reset(v);
		guest_drive(v, ports ? v->offered : VIRTIO_F_VERSION_1, VCON_QUEUES);
		break;
	case CONTROL:
		control(v, s);
		break;
	case REGISTER:
		write_register(v, s);
		break;
	default:
		turn(v, s[1] % VCON_QUEUES);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct vdev_env env = { &guest_ram, interrupt, problem, NULL };
	struct vdev *v = NULL;

	if (size < 1)
		return 0;
	guest_begin(data[0]);
	memset(&host, 0, sizeof(host));
	ASSERT(vcon_new(&env, wake, NULL, &v) == 0);
	guest_drive(v, data[0] & 2 ? v->offered : VIRTIO_F_VERSION_1, VCON_QUEUES);
	for (size_t i = 1, n = 0; i + GUEST_STEP <= size && n < GUEST_STEPS;
	     i += GUEST_STEP, n++) {
		if (!guest_step(data + i))
			step(v, data + i, data[0] & 2);
	}
	reset(v);
	vcon_free(v);
	return 0;
}
