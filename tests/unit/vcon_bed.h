/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vcon_bed.h - a console device on its thread, and a driver of it, for tests
 */
#ifndef KZ_TESTS_UNIT_VCON_BED_H
#define KZ_TESTS_UNIT_VCON_BED_H

#include "kzhost/dev/vcon.h"
#include "tests/harness/harness.h"
#include "tests/virtio/vdriver.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#define MEM   (8u << 20)
#define SLOT  1
#define RINGS 0x10000u /* 16 KiB a queue */
#define DATA  0x100000u
#define SIZE  32u
#define PAGE  4096u

enum { RX0, TX0, CTL_IN, CTL_OUT, RX1, TX1, RX2, TX2 };

struct bed {
	struct vbed m;
	struct slow slow;
	struct slow_env env;
	struct virtio_pci p;
	struct vdev *v;
	struct vdriver d;
	struct vring ring[VCON_QUEUES];
	int woken; /* eventfd */
};

static inline void failed(void *arg, int r)
{
	T_FAIL("the thread gave %d", r);
}

static inline void wake(void *arg)
{
	struct bed *b = arg;
	uint64_t one = 1;

	T_TRUE(write(b->woken, &one, sizeof(one)) == sizeof(one));
}

/* Its thread does not run yet. */
static inline struct bed *bed_made(void)
{
	struct bed *b = calloc(1, sizeof(*b));
	struct vdev_env env;

	T_NOT_NULL(b);
	b->env = (struct slow_env){ NULL, failed, b };
	b->woken = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	T_TRUE(b->woken >= 0);
	vbed_init(&b->m, MEM);
	T_OK(slow_init(&b->slow));
	env = vbed_env(&b->m, &b->p);
	T_OK(vcon_new(&env, wake, b, &b->v));
	vbed_add(&b->m, SLOT, &b->p, b->v);
	for (unsigned i = 0; i < VCON_QUEUES; i++)
		T_OK(slow_add(&b->slow, &b->v->queue[i], &vcon_ops));
	vdriver_find(&b->d, &b->m.mmio, SLOT);
	return b;
}

static inline struct bed *bed_new(void)
{
	struct bed *b = bed_made();

	T_OK(slow_start(&b->slow, &b->env));
	return b;
}

static inline void bed_free(struct bed **bp)
{
	struct bed *b = *bp;

	vdev_stop(b->v);
	T_TRUE(vdev_wait_stopped(b->v, 10000));
	slow_fini(&b->slow);
	virtio_pci_fini(&b->p);
	vcon_free(b->v);
	vbed_fini(&b->m);
	close(b->woken);
	free(b);
}
#define BED(b)  cleanup(bed_free) struct bed *b = bed_new()
#define MADE(b) cleanup(bed_free) struct bed *b = bed_made()

/* Each queue has SIZE pages of its own. */
static inline uint64_t page(unsigned queue, unsigned i)
{
	return DATA + ((uint64_t)queue * SIZE + i) * PAGE;
}

static inline void bring_up(struct bed *b, uint64_t features, unsigned n_queues)
{
	vdriver_negotiate(&b->d, VIRTIO_F_VERSION_1 | features);
	for (unsigned i = 0; i < n_queues; i++) {
		vring_init(&b->ring[i], &b->m.mem, RINGS + i * 0x4000, SIZE);
		memset(vmem_at(&b->m.mem, RINGS + i * 0x4000), 0, 0x4000);
		vdriver_queue(&b->d, i, &b->ring[i], i + 1);
	}
	vdriver_write(&b->d, b->d.common + VD_CONFIG_VECTOR, 2, 0);
	vdriver_ok(&b->d);
}

/* Makes buffer @i of a queue to the guest available. */
static inline void offer(struct bed *b, unsigned queue, unsigned i, uint32_t len)
{
	vring_desc(&b->ring[queue], i, page(queue, i), len, VRING_WRITE, 0);
	vring_post(&b->ring[queue], (uint16_t)i);
	vdriver_kick(&b->d, queue);
}

/* Sends from the guest, and waits until it is taken. */
static inline void send(struct bed *b, unsigned queue, const void *data, uint32_t len)
{
	uint32_t id, used;

	memcpy(vmem_at(&b->m.mem, page(queue, 0)), data, len);
	vring_desc(&b->ring[queue], 0, page(queue, 0), len, 0, 0);
	vring_post(&b->ring[queue], 0);
	vdriver_kick(&b->d, queue);
	vdriver_wait_used(&b->ring[queue], &id, &used);
	T_EQ(id, 0);
	T_EQ(used, 0);
}

static inline void say(struct bed *b, uint32_t id, unsigned event, unsigned value)
{
	struct vcon_control m = { le32_of(id), le16_of((uint16_t)event),
				  le16_of((uint16_t)value) };

	send(b, CTL_OUT, &m, sizeof(m));
}

/* What came in a buffer of a queue to the guest, which is offered again. */
static inline uint32_t receive(struct bed *b, unsigned queue, void *data)
{
	uint32_t id, len;

	vdriver_wait_used(&b->ring[queue], &id, &len);
	T_TRUE(id < SIZE && len <= PAGE);
	memcpy(data, vmem_at(&b->m.mem, page(queue, id)), len);
	offer(b, queue, id, PAGE);
	return len;
}

static inline void expect_message(struct bed *b, unsigned id, unsigned event,
				  const char *name)
{
	uint8_t bytes[PAGE];
	struct vcon_control m;
	uint32_t len = receive(b, CTL_IN, bytes);

	memcpy(&m, bytes, sizeof(m));
	T_EQ(le16_get(m.event), event);
	T_EQ(le32_get(m.id), id);
	T_EQ(le16_get(m.value), 1);
	T_EQ(len, sizeof(m) + strlen(name));
	T_EQ(memcmp(bytes + sizeof(m), name, strlen(name)), 0);
}

/* A driver that takes all ports, and opens them. */
static inline void bring_up_ports(struct bed *b, uint64_t features)
{
	static const char *const name[] = { "", "org.qemu.guest_agent.0",
					    "org.kzones.goals" };

	bring_up(b, VCON_F_MULTIPORT | features, VCON_QUEUES);
	for (unsigned i = 0; i < SIZE; i++)
		offer(b, CTL_IN, i, PAGE);
	say(b, ~0u, VCON_DEVICE_READY, 1);
	for (unsigned i = 0; i < VCON_PORTS; i++)
		expect_message(b, i, VCON_DEVICE_ADD, "");
	for (unsigned i = 0; i < VCON_PORTS; i++) {
		say(b, i, VCON_PORT_READY, 1);
		if (i == 0)
			expect_message(b, i, VCON_CONSOLE_PORT, "");
		else
			expect_message(b, i, VCON_PORT_NAME, name[i]);
		expect_message(b, i, VCON_PORT_OPEN, "");
		T_EQ(vcon_is_open(b->v, i), false);
		say(b, i, VCON_PORT_OPEN, 1);
		T_EQ(vcon_is_open(b->v, i), true);
	}
}

static inline bool was_woken(struct bed *b)
{
	uint64_t count;

	return read(b->woken, &count, sizeof(count)) == sizeof(count);
}

static inline void wait_woken(struct bed *b)
{
	T_WAIT_FD(b->woken, POLLIN);
	was_woken(b);
}

/* Reads until there is nothing; the text. */
static const char *read_all(struct bed *b, enum vcon_port_id port)
{
	static char text[70000];
	size_t len = 0, n;

	while ((n = vcon_read(b->v, port, text + len, sizeof(text) - 1 - len)) > 0)
		len += n;
	text[len] = '\0';
	return text;
}

static inline void expect_healthy(struct bed *b)
{
	T_EQ(vdriver_status(&b->d) & VIRTIO_S_NEEDS_RESET, 0);
	T_EQ(b->m.problems, 0);
	send(b, TX0, "still", 5);
	T_STREQ(read_all(b, VCON_CONSOLE), "still");
}

#endif
