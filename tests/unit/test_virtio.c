/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_virtio.c - the status machine of a virtio device, and every illegal order
 */
#include "tests/harness/harness.h"
#include "tests/virtio/vring.h"
#include "tests/virtio/vtoy.h"

#include <poll.h>
#include <stdio.h>

#define MEM      (1u << 20)
#define N_QUEUES 2
#define F_OWN    1ull

#define ACK         VIRTIO_S_ACKNOWLEDGE
#define DRIVER      VIRTIO_S_DRIVER
#define FEATURES_OK VIRTIO_S_FEATURES_OK
#define DRIVER_OK   VIRTIO_S_DRIVER_OK
#define NEEDS_RESET VIRTIO_S_NEEDS_RESET
#define FAILED      VIRTIO_S_FAILED

struct bed {
	struct vtoy toy;
	struct vmem mem;
	unsigned interrupts[N_QUEUES + 1];
	unsigned problems;
	char text[128];
};

static void on_interrupt(void *arg, unsigned vector)
{
	struct bed *b = arg;

	T_TRUE(vector <= N_QUEUES);
	b->interrupts[vector]++;
}

static void on_problem(void *arg, const char *dev, const char *text)
{
	struct bed *b = arg;

	T_STREQ(dev, "toy7");
	b->problems++;
	snprintf(b->text, sizeof(b->text), "%s", text);
}

static struct bed *bed_new(void)
{
	struct bed *b = calloc(1, sizeof(*b));
	struct vdev_env env = { .interrupt = on_interrupt, .problem = on_problem };

	T_NOT_NULL(b);
	vmem_init(&b->mem, MEM);
	env.ram = &b->mem.ram;
	env.arg = b;
	T_OK(vdev_init(&b->toy.v, &vtoy_class, &env, 7, F_OWN, N_QUEUES));
	return b;
}

static void bed_free(struct bed **b)
{
	vdev_stop(&(*b)->toy.v);
	vtoy_obey(&(*b)->toy.v);
	T_TRUE(vdev_wait_stopped(&(*b)->toy.v, 0));
	vdev_fini(&(*b)->toy.v);
	vmem_fini(&(*b)->mem);
	free(*b);
}
#define BED(b) cleanup(bed_free) struct bed *b = bed_new()

static void set(struct bed *b, enum vdev_reg reg, uint64_t value)
{
	vdev_write(&b->toy.v, reg, ~0ull, value);
}

static uint64_t get(struct bed *b, enum vdev_reg reg)
{
	return vdev_read(&b->toy.v, reg);
}

static void accept(struct bed *b, uint64_t features)
{
	for (unsigned half = 0; half < 2; half++) {
		set(b, VDEV_ACCEPT_SELECT, half);
		set(b, VDEV_ACCEPTED, (uint32_t)(features >> 32 * half));
	}
}

static void up_to_features(struct bed *b)
{
	set(b, VDEV_STATUS, ACK);
	set(b, VDEV_STATUS, ACK | DRIVER);
	accept(b, VIRTIO_F_VERSION_1);
	set(b, VDEV_STATUS, ACK | DRIVER | FEATURES_OK);
	T_EQ(get(b, VDEV_STATUS), ACK | DRIVER | FEATURES_OK);
}

static void lay_out(struct bed *b, unsigned queue, uint64_t gpa)
{
	set(b, VDEV_QUEUE_SELECT, queue);
	set(b, VDEV_QUEUE_SIZE, 16);
	set(b, VDEV_QUEUE_DESC, gpa);
	set(b, VDEV_QUEUE_DRIVER, gpa + 0x1000);
	set(b, VDEV_QUEUE_DEVICE, gpa + 0x2000);
	set(b, VDEV_QUEUE_VECTOR, queue);
	set(b, VDEV_QUEUE_ENABLE, 1);
}

static void run(struct bed *b)
{
	up_to_features(b);
	set(b, VDEV_CONFIG_VECTOR, N_QUEUES);
	lay_out(b, 0, 0x10000);
	lay_out(b, 1, 0x20000);
	set(b, VDEV_STATUS, ACK | DRIVER | FEATURES_OK | DRIVER_OK);
}

static bool kicked(struct vqueue *q)
{
	struct pollfd p = { .fd = q->kick_fd, .events = POLLIN };
	uint64_t n;

	if (poll(&p, 1, 0) != 1)
		return false;
	T_EQ(read(q->kick_fd, &n, sizeof(n)), (ssize_t)sizeof(n));
	return true;
}

TEST(virtio, driver_that_follows_the_rules_gets_its_queues)
{
	BED(b);

	set(b, VDEV_FEATURE_SELECT, 0);
	T_EQ(get(b, VDEV_FEATURES), F_OWN | VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT_DESC);
	set(b, VDEV_FEATURE_SELECT, 1);
	T_EQ(get(b, VDEV_FEATURES), VIRTIO_F_VERSION_1 >> 32);
	set(b, VDEV_FEATURE_SELECT, 2);
	T_EQ(get(b, VDEV_FEATURES), 0);
	T_EQ(get(b, VDEV_N_QUEUES), N_QUEUES);
	T_EQ(get(b, VDEV_QUEUE_SIZE), 64);
	run(b);
	T_EQ(get(b, VDEV_STATUS), ACK | DRIVER | FEATURES_OK | DRIVER_OK);
	for (unsigned i = 0; i < N_QUEUES; i++) {
		T_EQ(vqueue_state(&b->toy.v.queue[i]), VQUEUE_ACTIVE);
		T_TRUE(kicked(&b->toy.v.queue[i]));
		T_EQ(b->toy.v.queue[i].vq.layout.size, 16);
	}
	T_EQ(b->toy.v.guest_errors, 0);
	T_EQ(b->problems, 0);
}

TEST(virtio, served_request_interrupts_on_its_queues_vector)
{
	BED(b);
	struct virtq_chain chain;
	struct vqueue *q = &b->toy.v.queue[1];
	struct vring ring;

	run(b);
	vring_init(&ring, &b->mem, 0x20000, 16);
	vring_desc(&ring, 0, 0x40000, 64, VRING_WRITE, 0);
	vring_post(&ring, 0);
	T_TRUE(virtq_next(&q->vq, &chain));
	virtq_done(&q->vq, 0, 64);
	vqueue_push(q);
	T_EQ(b->interrupts[1], 1);
	T_EQ(b->interrupts[0] + b->interrupts[2], 0);
	T_EQ(q->interrupts, 1);
}

/* Writes that must change nothing, and count. */
TEST(virtio, status_out_of_order_is_ignored)
{
	static const struct {
		uint8_t first, then, result;
	} tries[] = {
		{ 0, DRIVER, 0 },
		{ 0, FEATURES_OK, 0 },
		{ 0, DRIVER_OK, 0 },
		{ ACK, ACK | FEATURES_OK, ACK },
		{ ACK | DRIVER, ACK | DRIVER | DRIVER_OK, ACK | DRIVER },
		{ ACK | DRIVER, ACK, ACK | DRIVER },
		{ ACK | DRIVER, DRIVER, ACK | DRIVER },
	};

	for (size_t i = 0; i < ARRAY_SIZE(tries); i++) {
		BED(b);

		set(b, VDEV_STATUS, tries[i].first);
		T_EQ(b->toy.v.guest_errors, 0);
		set(b, VDEV_STATUS, tries[i].then);
		T_EQ(get(b, VDEV_STATUS), tries[i].result);
		T_EQ(b->toy.v.guest_errors, 1);
	}
}

TEST(virtio, several_status_bits_at_once_are_taken_in_order)
{
	BED(b);

	set(b, VDEV_STATUS, ACK | DRIVER);
	T_EQ(get(b, VDEV_STATUS), ACK | DRIVER);
	set(b, VDEV_STATUS, ACK | DRIVER | FAILED);
	T_EQ(get(b, VDEV_STATUS), ACK | DRIVER | FAILED);
	T_EQ(b->toy.v.guest_errors, 0);
}

TEST(virtio, features_not_offered_or_no_version_1_are_not_ok)
{
	static const uint64_t bad[] = { 0, F_OWN, VIRTIO_F_VERSION_1 | 2,
					VIRTIO_F_VERSION_1 | 1ull << 63 };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		BED(b);

		set(b, VDEV_STATUS, ACK | DRIVER);
		accept(b, bad[i]);
		set(b, VDEV_STATUS, ACK | DRIVER | FEATURES_OK);
		T_EQ(get(b, VDEV_STATUS), ACK | DRIVER);
		accept(b, VIRTIO_F_VERSION_1 | F_OWN);
		set(b, VDEV_STATUS, ACK | DRIVER | FEATURES_OK);
		T_EQ(get(b, VDEV_STATUS), ACK | DRIVER | FEATURES_OK);
	}
}

TEST(virtio, features_are_frozen_by_features_ok)
{
	BED(b);

	up_to_features(b);
	accept(b, VIRTIO_F_VERSION_1 | F_OWN);
	T_EQ(b->toy.v.features, VIRTIO_F_VERSION_1);
	T_EQ(b->toy.v.guest_errors, 2);
}

TEST(virtio, queues_cannot_be_touched_outside_of_setup)
{
	static const enum vdev_reg of_queue[] = { VDEV_QUEUE_SIZE, VDEV_QUEUE_DESC,
						  VDEV_QUEUE_DRIVER, VDEV_QUEUE_DEVICE };
	BED(b);

	for (size_t i = 0; i < ARRAY_SIZE(of_queue); i++) {
		uint64_t before = get(b, of_queue[i]);

		set(b, of_queue[i], 8);
		T_EQ(get(b, of_queue[i]), before);
	}
	T_EQ(b->toy.v.guest_errors, 4);
	run(b);
	for (size_t i = 0; i < ARRAY_SIZE(of_queue); i++) {
		uint64_t before = get(b, of_queue[i]);

		set(b, of_queue[i], 8);
		T_EQ(get(b, of_queue[i]), before);
	}
	T_EQ(b->toy.v.guest_errors, 8);
	T_EQ(b->toy.v.queue[1].vq.layout.size, 16);
}

TEST(virtio, enabled_queue_is_frozen_before_driver_ok)
{
	BED(b);

	up_to_features(b);
	lay_out(b, 0, 0x10000);
	set(b, VDEV_QUEUE_SIZE, 8);
	set(b, VDEV_QUEUE_DESC, 0x1000);
	set(b, VDEV_QUEUE_ENABLE, 0);
	T_EQ(get(b, VDEV_QUEUE_SIZE), 16);
	T_EQ(get(b, VDEV_QUEUE_DESC), 0x10000);
	T_EQ(get(b, VDEV_QUEUE_ENABLE), 1);
	T_EQ(b->toy.v.guest_errors, 3);
}

TEST(virtio, queue_sizes_not_offered_are_ignored)
{
	static const unsigned bad[] = { 0, 3, 65, 128, 65535 };
	BED(b);

	up_to_features(b);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		set(b, VDEV_QUEUE_SIZE, bad[i]);
		T_EQ(get(b, VDEV_QUEUE_SIZE), 64);
	}
}

TEST(virtio, queue_that_does_not_exist_reads_0_and_takes_nothing)
{
	BED(b);

	up_to_features(b);
	set(b, VDEV_QUEUE_SELECT, N_QUEUES);
	T_EQ(get(b, VDEV_QUEUE_SELECT), N_QUEUES);
	for (enum vdev_reg r = VDEV_QUEUE_SIZE; r < VDEV_REG_N; r++) {
		set(b, r, 1);
		T_EQ(get(b, r), 0);
	}
	set(b, VDEV_QUEUE_SELECT, 0xffff);
	T_EQ(get(b, VDEV_QUEUE_SIZE), 0);
	vdev_kick(&b->toy.v, N_QUEUES);
}

TEST(virtio, halves_of_addresses_are_written_alone)
{
	BED(b);

	up_to_features(b);
	vdev_write(&b->toy.v, VDEV_QUEUE_DESC, 0xffffffffull << 32, 7ull << 32);
	vdev_write(&b->toy.v, VDEV_QUEUE_DESC, 0xffffffff, 0x1000);
	T_EQ(get(b, VDEV_QUEUE_DESC), 0x700001000);
}

TEST(virtio, vectors_out_of_range_read_back_as_none)
{
	BED(b);

	set(b, VDEV_CONFIG_VECTOR, N_QUEUES);
	T_EQ(get(b, VDEV_CONFIG_VECTOR), N_QUEUES);
	set(b, VDEV_CONFIG_VECTOR, N_QUEUES + 1);
	T_EQ(get(b, VDEV_CONFIG_VECTOR), VDEV_NO_VECTOR);
	set(b, VDEV_QUEUE_VECTOR, 0xfffe);
	T_EQ(get(b, VDEV_QUEUE_VECTOR), VDEV_NO_VECTOR);
}

TEST(virtio, rings_outside_of_ram_need_a_reset)
{
	BED(b);

	up_to_features(b);
	set(b, VDEV_CONFIG_VECTOR, 2);
	lay_out(b, 0, 0x10000);
	lay_out(b, 1, MEM);
	set(b, VDEV_STATUS, ACK | DRIVER | FEATURES_OK | DRIVER_OK);
	T_TRUE(get(b, VDEV_STATUS) & NEEDS_RESET);
	T_EQ(vqueue_state(&b->toy.v.queue[0]), VQUEUE_IDLE);
	T_EQ(b->interrupts[2], 1);
	T_EQ(b->problems, 1);
	T_HAS(b->text, "queue 1");
	set(b, VDEV_STATUS, 0);
	T_EQ(get(b, VDEV_STATUS), 0);
	run(b);
	T_EQ(get(b, VDEV_STATUS), ACK | DRIVER | FEATURES_OK | DRIVER_OK);
}

TEST(virtio, broken_rule_is_told_once_and_counted)
{
	BED(b);

	run(b);
	vdev_broken(&b->toy.v.queue[0], VIRTQ_ERR_LOOP);
	vdev_broken(&b->toy.v.queue[1], VIRTQ_ERR_ADDRESS);
	T_EQ(b->problems, 1);
	T_HAS(b->text, "broke the rules: queue 0: a chain is longer than its table");
	T_EQ(b->toy.v.guest_errors, 2);
	T_EQ(b->interrupts[N_QUEUES], 2);
	T_TRUE(get(b, VDEV_STATUS) & NEEDS_RESET);
	/* The bit is the device's: the driver neither clears it nor needs to set it. */
	set(b, VDEV_STATUS, ACK | DRIVER | FEATURES_OK | DRIVER_OK);
	T_TRUE(get(b, VDEV_STATUS) & NEEDS_RESET);
}

TEST(virtio, reset_ends_when_the_last_queue_has_stopped)
{
	BED(b);

	run(b);
	set(b, VDEV_STATUS, 0); /* nobody serves: comes back after a while */
	T_NE(get(b, VDEV_STATUS), 0);
	set(b, VDEV_STATUS, ACK); /* not now */
	set(b, VDEV_QUEUE_SELECT, 1);
	T_EQ(b->toy.v.guest_errors, 2);
	T_EQ(vqueue_state(&b->toy.v.queue[0]), VQUEUE_STOPPING);
	T_TRUE(kicked(&b->toy.v.queue[0]));
	vqueue_stopped(&b->toy.v.queue[0]);
	T_NE(get(b, VDEV_STATUS), 0);
	vqueue_stopped(&b->toy.v.queue[1]);
	T_EQ(get(b, VDEV_STATUS), 0);
	T_EQ(b->toy.resets, 1);
	T_EQ(get(b, VDEV_QUEUE_SIZE), 64);
	T_EQ(get(b, VDEV_QUEUE_ENABLE), 0);
	T_EQ(get(b, VDEV_QUEUE_VECTOR), VDEV_NO_VECTOR);
	run(b);
	T_EQ(vqueue_state(&b->toy.v.queue[1]), VQUEUE_ACTIVE);
}

TEST(virtio, reset_of_an_idle_device_is_immediate)
{
	BED(b);

	for (unsigned i = 0; i < 1000; i++) {
		up_to_features(b);
		set(b, VDEV_STATUS, 0);
		T_EQ(get(b, VDEV_STATUS), 0);
	}
	T_EQ(b->toy.resets, 1000);
	T_EQ(b->toy.v.guest_errors, 0);
}

TEST(virtio, configuration_is_bounded_and_has_a_generation)
{
	BED(b);
	uint8_t data[8];

	vdev_config_write(&b->toy.v, VTOY_CONFIG - 2, "ab", 2);
	vdev_config_read(&b->toy.v, VTOY_CONFIG - 4, data, 4);
	T_MEMEQ(data, "\0\0ab", 4);
	T_EQ(b->toy.v.guest_errors, 0);
	vdev_config_write(&b->toy.v, VTOY_CONFIG - 1, "ab", 2);
	vdev_config_read(&b->toy.v, VTOY_CONFIG - 1, data, 2);
	T_MEMEQ(data, "\xff\xff", 2);
	vdev_config_read(&b->toy.v, 0xffffffff, data, 4);
	T_MEMEQ(data, "\xff\xff\xff\xff", 4);
	T_EQ(b->toy.v.guest_errors, 1);
	run(b);
	set(b, VDEV_CONFIG_VECTOR, 2);
	vdev_config_changed(&b->toy.v);
	T_EQ(get(b, VDEV_GENERATION), 1);
	T_EQ(b->interrupts[2], 1);
}
