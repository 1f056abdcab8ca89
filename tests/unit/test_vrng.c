/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_vrng.c - the entropy device on its thread, driven through the bus
 */
#include "kzhost/dev/device.h"
#include "kzhost/dev/vrng.h"
#include "tests/harness/harness.h"
#include "tests/virtio/vdriver.h"

#include <stdlib.h>

#define MEM   (4u << 20)
#define RING  0x10000u
#define DATA  0x100000u
#define SIZE  32u
#define N_DEV 2

struct bed {
	struct vbed m;
	struct slow slow;
	struct slow_env env;
	struct {
		struct virtio_pci p;
		struct vdev *v;
		struct vdriver d;
		struct vring ring;
	} dev[N_DEV]; /* in slots 2 and 3 */
};

static struct bed *bed_new(void)
{
	struct bed *b = calloc(1, sizeof(*b));

	T_NOT_NULL(b);
	vbed_init(&b->m, MEM);
	T_OK(slow_init(&b->slow));
	for (unsigned i = 0; i < N_DEV; i++) {
		struct vdev_env env = vbed_env(&b->m, &b->dev[i].p);

		T_OK(vrng_new(&env, &b->dev[i].v));
		vbed_add(&b->m, 2 + i, &b->dev[i].p, b->dev[i].v);
		T_OK(slow_add(&b->slow, &b->dev[i].v->queue[0], &vrng_ops));
		vdriver_find(&b->dev[i].d, &b->m.mmio, 2 + i);
	}
	T_OK(slow_start(&b->slow, &b->env));
	return b;
}

static void bed_free(struct bed **bp)
{
	struct bed *b = *bp;

	for (unsigned i = 0; i < N_DEV; i++) {
		vdev_stop(b->dev[i].v);
		T_TRUE(vdev_wait_stopped(b->dev[i].v, 10000));
	}
	slow_fini(&b->slow);
	for (unsigned i = 0; i < N_DEV; i++) {
		virtio_pci_fini(&b->dev[i].p);
		vrng_free(b->dev[i].v);
	}
	vbed_fini(&b->m);
	free(b);
}
#define BED(b) cleanup(bed_free) struct bed *b = bed_new()

/* The driver of a device, its ring with @features, vector 1; configuration: vector 0. */
static void bring_up(struct bed *b, unsigned i, uint64_t features)
{
	vdriver_reset(&b->dev[i].d); /* the ring is the device's until then */
	vring_init(&b->dev[i].ring, &b->m.mem, RING + i * 0x8000, SIZE);
	memset(vmem_at(&b->m.mem, RING + i * 0x8000), 0, 0x8000);
	vdriver_negotiate(&b->dev[i].d, VIRTIO_F_VERSION_1 | features);
	vdriver_queue(&b->dev[i].d, 0, &b->dev[i].ring, 1);
	vdriver_write(&b->dev[i].d, b->dev[i].d.common + VD_CONFIG_VECTOR, 2, 0);
	vdriver_ok(&b->dev[i].d);
}

static void ask(struct bed *b, unsigned i, unsigned desc, uint64_t gpa, uint32_t len)
{
	vring_desc(&b->dev[i].ring, desc, gpa, len, VRING_WRITE, 0);
	vring_post(&b->dev[i].ring, (uint16_t)desc);
}

/* How many bytes came for one request. */
static uint32_t get(struct bed *b, unsigned i, uint64_t gpa, uint32_t len)
{
	uint32_t id, got;

	ask(b, i, 0, gpa, len);
	vdriver_kick(&b->dev[i].d, 0);
	vdriver_wait_used(&b->dev[i].ring, &id, &got);
	T_EQ(id, 0);
	return got;
}

TEST(vrng, fills_what_is_asked_for_and_nothing_else)
{
	static const uint32_t sizes[] = { 1, 7, 16, 255, 4096, 10000, 65536 };
	BED(b);

	bring_up(b, 0, 0);
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		uint8_t *p = vmem_at(&b->m.mem, DATA);
		unsigned zeros = 0;

		memset(p, 0, 70000);
		T_EQ(get(b, 0, DATA + 1, sizes[i]), sizes[i]);
		vbed_wait_irq(&b->m, 2, 1);
		T_EQ(p[0], 0);
		for (unsigned k = 1; k <= sizes[i]; k++)
			zeros += p[k] == 0;
		T_TRUE(zeros <= 4 + sizes[i] / 64);
		for (unsigned k = sizes[i] + 1; k < 70000; k++)
			T_EQ(p[k], 0);
	}
	T_EQ(b->m.problems, 0);
}

TEST(vrng, two_answers_differ)
{
	uint8_t first[32];
	BED(b);

	bring_up(b, 0, 0);
	T_EQ(get(b, 0, DATA, 32), 32);
	memcpy(first, vmem_at(&b->m.mem, DATA), 32);
	T_EQ(get(b, 0, DATA, 32), 32);
	T_TRUE(memcmp(first, vmem_at(&b->m.mem, DATA), 32) != 0);
}

TEST(vrng, a_large_request_is_answered_in_part)
{
	BED(b);
	struct vring *r = &b->dev[0].ring;
	uint32_t id, len;

	bring_up(b, 0, 0);
	T_EQ(get(b, 0, DATA, 2u << 20), VRNG_TURN_MAX);
	/* The same of many buffers. */
	for (unsigned i = 0; i < 20; i++)
		vring_desc(r, i, DATA + i * 8192, 8192,
			   VRING_WRITE | (i < 19 ? VRING_NEXT : 0), i + 1);
	vring_post(r, 0);
	vdriver_kick(&b->dev[0].d, 0);
	vdriver_wait_used(r, &id, &len);
	T_EQ(len, VRNG_TURN_MAX);
}

TEST(vrng, more_than_a_turn_is_served_by_one_kick)
{
	static const uint64_t features[] = { 0, VIRTIO_F_EVENT_IDX };
	BED(b);

	for (unsigned f = 0; f < ARRAY_SIZE(features); f++) {
		struct vring *r = &b->dev[0].ring;
		uint32_t id, len;

		bring_up(b, 0, features[f]);
		for (unsigned i = 0; i < SIZE; i++)
			ask(b, 0, i, DATA + i * 32768, 32768);
		vdriver_kick(&b->dev[0].d, 0);
		for (unsigned i = 0; i < SIZE; i++) {
			vdriver_wait_used(r, &id, &len);
			T_EQ(id, i);
			T_EQ(len, 32768);
		}
		T_TRUE(atomic_load(&b->dev[0].v->queue[0].kicks) > 1);
	}
}

TEST(vrng, one_that_asks_without_end_does_not_starve_another)
{
	BED(b);

	bring_up(b, 0, 0);
	bring_up(b, 1, 0);
	for (unsigned round = 0; round < 20; round++) {
		struct vring *r = &b->dev[0].ring;
		uint32_t id, len;

		while ((uint16_t)(r->avail_idx - r->used_seen) < SIZE)
			ask(b, 0, r->avail_idx % SIZE, DATA, 65536);
		vdriver_kick(&b->dev[0].d, 0);
		T_EQ(get(b, 1, DATA + 0x100000, 64), 64);
		while (vring_take(r, &id, &len))
			T_EQ(len, 65536);
	}
}

/* A driver that breaks the rules: the device says so and stops; a reset heals it. */
static void expect_broken(struct bed *b, const char *text)
{
	vbed_wait_irq(&b->m, 2, 0);
	T_TRUE(vdriver_status(&b->dev[0].d) & VIRTIO_S_NEEDS_RESET);
	T_HAS(b->m.problem, text);
	/* It asks and gets nothing; the other device does not notice. */
	T_EQ(vring_used_idx(&b->dev[0].ring), b->dev[0].ring.used_seen);
	T_EQ(get(b, 1, DATA, 16), 16);
	vdriver_reset(&b->dev[0].d);
	bring_up(b, 0, 0);
	T_EQ(get(b, 0, DATA, 16), 16);
}

TEST(vrng, a_buffer_to_be_read_needs_a_reset)
{
	BED(b);

	bring_up(b, 0, 0);
	bring_up(b, 1, 0);
	vring_desc(&b->dev[0].ring, 0, DATA, 16, 0, 0);
	vring_post(&b->dev[0].ring, 0);
	vdriver_kick(&b->dev[0].d, 0);
	expect_broken(b, virtq_error_texts[VIRTQ_ERR_REQUEST]);
	T_EQ(b->m.problems, 1);
}

TEST(vrng, a_bad_ring_needs_a_reset)
{
	BED(b);

	bring_up(b, 0, 0);
	bring_up(b, 1, 0);
	ask(b, 0, 0, MEM - 8, 16); /* half of it is no RAM */
	vdriver_kick(&b->dev[0].d, 0);
	expect_broken(b, virtq_error_texts[VIRTQ_ERR_ADDRESS]);
	vring_set_avail(&b->dev[0].ring, 0x4000);
	vdriver_kick(&b->dev[0].d, 0);
	expect_broken(b, virtq_error_texts[VIRTQ_ERR_AVAIL_JUMP]);
	T_EQ(b->m.problems, 2);
}

TEST(vrng, resets_with_requests_in_flight)
{
	BED(b);

	for (unsigned i = 0; i < 50; i++) {
		bring_up(b, 0, i % 2 ? VIRTIO_F_EVENT_IDX : 0);
		for (unsigned k = 0; k < SIZE; k++)
			ask(b, 0, k, DATA + k * 65536ull % 0x200000, 65536);
		vdriver_kick(&b->dev[0].d, 0);
		vdriver_reset(&b->dev[0].d);
		/* Guest memory is the driver's again. */
		memset(vmem_at(&b->m.mem, DATA), 0, 0x200000);
		for (unsigned k = 0; k < 0x200000; k += 4096)
			T_EQ(*(uint64_t *)vmem_at(&b->m.mem, DATA + k), 0);
	}
	T_EQ(b->m.problems, 0);
}

TEST(vrng, kicks_before_driver_ok_do_nothing)
{
	BED(b);

	for (unsigned i = 0; i < 100; i++)
		vdriver_kick(&b->dev[0].d, 0);
	bring_up(b, 0, 0);
	T_EQ(get(b, 0, DATA, 16), 16);
}

/* The thread itself. */

TEST(slow, takes_so_many_queues)
{
	struct slow *s = calloc(1, sizeof(*s));
	struct vqueue q = { 0 };

	T_NOT_NULL(s);
	T_OK(slow_init(s));
	for (unsigned i = 0; i < SLOW_QUEUES_MAX; i++)
		T_OK(slow_add(s, &q, &vrng_ops));
	T_EQ(slow_add(s, &q, &vrng_ops), -ENOSPC);
	slow_stop(s);
	slow_fini(s);
	free(s);
}

static int no_filter(void)
{
	return -EPERM;
}

static void init_failed(void *arg, int r)
{
	*(int *)arg = r;
}

TEST(slow, a_thread_that_cannot_confine_itself_says_so)
{
	struct slow *s = calloc(1, sizeof(*s));
	int failed = 0;
	const struct slow_env env = { no_filter, init_failed, &failed };

	T_NOT_NULL(s);
	T_OK(slow_init(s));
	T_OK(slow_start(s, &env));
	slow_stop(s);
	T_EQ(failed, -EPERM);
	slow_fini(s);
	free(s);
}

/* All kinds of devices. */

TEST(device, classes_are_whole)
{
	for (unsigned i = 0; i < n_dev_classes; i++) {
		const struct dev_class *c = dev_classes[i];

		T_TRUE(c->name && strlen(c->name) + 3 < sizeof(((struct vdev *)0)->name));
		T_TRUE(c->virtio_id > 0 && c->virtio_id < 64);
		T_TRUE(c->size >= sizeof(struct vdev));
		T_TRUE(c->queue_size <= VIRTQ_SIZE_MAX &&
		       (c->queue_size & (c->queue_size - 1)) == 0);
		T_EQ(c->config_size > 0, c->config_read != NULL);
		for (unsigned k = 0; k < i; k++) {
			T_TRUE(strcmp(dev_classes[k]->name, c->name) != 0);
			T_NE(dev_classes[k]->virtio_id, c->virtio_id);
		}
		T_EQ(c->size, c->state ? c->state->size : sizeof(struct vdev));
		for (unsigned k = 0; c->state && k < c->state->n_fields; k++)
			T_TRUE(c->state->field[k].offset >= sizeof(struct vdev));
	}
}
