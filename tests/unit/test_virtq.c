/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_virtq.c - rings of honest drivers are served, all others end in the right error
 */
#include "kzhost/dev/virtio.h"
#include "tests/harness/harness.h"
#include "tests/virtio/vring.h"

#define MEM   (1u << 20)
#define RING  0x10000u
#define BUF   0x40000u
#define TABLE 0x30000u
#define SIZE  8

struct bed {
	struct vmem mem;
	struct vring ring;
	struct virtq q;
	struct virtq_chain chain;
};

static struct bed *bed_new(uint64_t features)
{
	struct bed *b = calloc(1, sizeof(*b));

	T_NOT_NULL(b);
	vmem_init(&b->mem, MEM);
	vring_init(&b->ring, &b->mem, RING, SIZE);
	T_EQ(virtq_init(&b->q, &b->mem.ram, &b->ring.layout, features), VIRTQ_OK);
	return b;
}

static void bed_free(struct bed **b)
{
	vmem_fini(&(*b)->mem);
	free(*b);
}
#define BED(b, features) cleanup(bed_free) struct bed *b = bed_new(features)

#define ALL (VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX)

TEST(virtq, chain_is_taken_in_order_and_given_back)
{
	BED(b, 0);
	uint32_t id, len;

	T_FALSE(virtq_pending(&b->q));
	T_FALSE(virtq_next(&b->q, &b->chain));
	vring_desc(&b->ring, 3, BUF, 16, VRING_NEXT, 5);
	vring_desc(&b->ring, 5, BUF + 4096, 512, VRING_NEXT | VRING_WRITE, 1);
	vring_desc(&b->ring, 1, BUF + 8192, 1, VRING_WRITE, 0);
	vring_post(&b->ring, 3);
	T_TRUE(virtq_pending(&b->q));
	T_TRUE(virtq_next(&b->q, &b->chain));
	T_EQ(b->chain.head, 3);
	T_EQ(b->chain.n_out, 1);
	T_EQ(b->chain.n_in, 2);
	T_EQ(b->chain.out_bytes, 16);
	T_EQ(b->chain.in_bytes, 513);
	T_EQ(b->chain.iov[1].iov_base, vmem_at(&b->mem, BUF + 4096));
	T_EQ(b->q.in_flight, 1);
	T_FALSE(virtq_next(&b->q, &b->chain));
	virtq_done(&b->q, 3, 513);
	T_EQ(vring_used_idx(&b->ring), 0);
	T_TRUE(virtq_publish(&b->q));
	T_FALSE(virtq_publish(&b->q));
	T_TRUE(vring_take(&b->ring, &id, &len));
	T_EQ(id, 3);
	T_EQ(len, 513);
	T_EQ(b->q.in_flight, 0);
}

TEST(virtq, indices_wrap_around_at_65536)
{
	BED(b, ALL);
	uint32_t id, len;

	vring_desc(&b->ring, 2, BUF, 8, 0, 0);
	for (unsigned i = 0; i < 70000; i++) {
		vring_set_used_event(&b->ring, (uint16_t)i);
		vring_post(&b->ring, 2);
		T_TRUE(virtq_next(&b->q, &b->chain));
		virtq_done(&b->q, 2, 0);
		T_TRUE(virtq_publish(&b->q));
		T_TRUE(vring_take(&b->ring, &id, &len));
	}
	T_EQ(b->q.error, VIRTQ_OK);
}

TEST(virtq, full_queue_is_in_flight_at_once)
{
	BED(b, 0);

	for (unsigned i = 0; i < SIZE; i++) {
		vring_desc(&b->ring, i, BUF + 4096 * i, 4096, VRING_WRITE, 0);
		vring_post(&b->ring, (uint16_t)i);
	}
	for (unsigned i = 0; i < SIZE; i++)
		T_TRUE(virtq_next(&b->q, &b->chain));
	T_EQ(b->q.in_flight, SIZE);
	for (unsigned i = SIZE; i-- > 0;)
		virtq_done(&b->q, (uint16_t)i, 1);
	T_TRUE(virtq_publish(&b->q));
	T_EQ(vring_used_idx(&b->ring), SIZE);
}

TEST(virtq, driver_that_wants_no_interrupt_gets_none)
{
	BED(b, 0);

	vring_desc(&b->ring, 0, BUF, 8, 0, 0);
	vring_set_flags(&b->ring, 1);
	vring_post(&b->ring, 0);
	T_TRUE(virtq_next(&b->q, &b->chain));
	virtq_done(&b->q, 0, 0);
	T_FALSE(virtq_publish(&b->q));
}

TEST(virtq, event_index_says_when_to_interrupt)
{
	BED(b, ALL);

	for (unsigned i = 0; i < 4; i++) {
		vring_desc(&b->ring, i, BUF, 8, 0, 0);
		vring_post(&b->ring, (uint16_t)i);
		T_TRUE(virtq_next(&b->q, &b->chain));
	}
	vring_set_used_event(&b->ring, 2); /* tell me when used.idx passes 2 */
	virtq_done(&b->q, 0, 0);
	virtq_done(&b->q, 1, 0);
	T_FALSE(virtq_publish(&b->q));
	virtq_done(&b->q, 2, 0);
	virtq_done(&b->q, 3, 0);
	T_TRUE(virtq_publish(&b->q));
}

TEST(virtq, kicks_are_switched_off_and_on)
{
	BED(flags, 0);
	BED(event, ALL);

	virtq_kicks_off(&flags->q);
	T_EQ(vring_used_flags(&flags->ring), 1);
	T_FALSE(virtq_kicks_on(&flags->q));
	T_EQ(vring_used_flags(&flags->ring), 0);
	vring_desc(&event->ring, 0, BUF, 8, 0, 0);
	vring_post(&event->ring, 0);
	T_TRUE(virtq_next(&event->q, &event->chain));
	virtq_kicks_off(&event->q);
	vring_post(&event->ring, 1);
	T_TRUE(virtq_kicks_on(&event->q)); /* one came in between */
	T_EQ(vring_avail_event(&event->ring), 1);
}

TEST(virtq, indirect_table_is_walked)
{
	BED(b, ALL);

	vring_desc_at(&b->mem, TABLE, 0, BUF, 16, VRING_NEXT, 20);
	vring_desc_at(&b->mem, TABLE, 1, BUF + 32, 7, VRING_WRITE, 0);
	vring_desc_at(&b->mem, TABLE, 2, BUF + 16, 16, VRING_NEXT, 1);
	vring_desc_at(&b->mem, TABLE, 0, BUF, 16, VRING_NEXT, 2);
	vring_desc(&b->ring, 4, BUF + 64, 4, VRING_NEXT, 6);
	vring_desc(&b->ring, 6, TABLE, 3 * 16, VRING_INDIRECT, 0);
	vring_post(&b->ring, 4);
	T_TRUE(virtq_next(&b->q, &b->chain));
	T_EQ(b->chain.head, 4);
	T_EQ(b->chain.n_out, 3);
	T_EQ(b->chain.n_in, 1);
	T_EQ(b->chain.out_bytes, 36);
}

TEST(virtq, copies_skip_and_stop_at_the_end)
{
	BED(b, 0);
	char text[32];

	memcpy(vmem_at(&b->mem, BUF), "abc", 3);
	memcpy(vmem_at(&b->mem, BUF + 100), "defgh", 5);
	vring_desc(&b->ring, 0, BUF, 3, VRING_NEXT, 1);
	vring_desc(&b->ring, 1, BUF + 100, 5, VRING_NEXT, 2);
	vring_desc(&b->ring, 2, BUF + 200, 2, VRING_NEXT | VRING_WRITE, 3);
	vring_desc(&b->ring, 3, BUF + 300, 2, VRING_WRITE, 0);
	vring_post(&b->ring, 0);
	T_TRUE(virtq_next(&b->q, &b->chain));
	T_EQ(virtq_copy_out(&b->chain, 2, text, sizeof(text)), 6);
	T_MEMEQ(text, "cdefgh", 6);
	T_EQ(virtq_copy_out(&b->chain, 8, text, 1), 0);
	T_EQ(virtq_copy_in(&b->chain, 1, "xyz12", 5), 3);
	T_MEMEQ(vmem_at(&b->mem, BUF + 200), "\0x", 2);
	T_MEMEQ(vmem_at(&b->mem, BUF + 300), "yz\0", 3);
}

/* What a driver does wrong, and what it is called. */
static void jump(struct bed *b)
{
	vring_set_avail(&b->ring, SIZE + 1);
}

static void head_range(struct bed *b)
{
	vring_post(&b->ring, SIZE);
}

static void head_busy(struct bed *b)
{
	vring_desc(&b->ring, 1, BUF, 8, 0, 0);
	vring_post(&b->ring, 1);
	T_TRUE(virtq_next(&b->q, &b->chain));
	vring_post(&b->ring, 1);
}

static void next_range(struct bed *b)
{
	vring_desc(&b->ring, 0, BUF, 8, VRING_NEXT, SIZE);
	vring_post(&b->ring, 0);
}

static void loop(struct bed *b)
{
	vring_desc(&b->ring, 0, BUF, 8, VRING_NEXT, 1);
	vring_desc(&b->ring, 1, BUF, 8, VRING_NEXT, 0);
	vring_post(&b->ring, 0);
}

static void loop_of_one(struct bed *b)
{
	vring_desc(&b->ring, 0, BUF, 8, VRING_NEXT, 0);
	vring_post(&b->ring, 0);
}

static void too_large(struct bed *b)
{
	vring_desc(&b->ring, 0, 0, 0xffffffff, VRING_WRITE, 0);
	vring_post(&b->ring, 0);
}

static void beyond_ram(struct bed *b)
{
	vring_desc(&b->ring, 0, MEM - 8, 9, 0, 0);
	vring_post(&b->ring, 0);
}

static void wraps(struct bed *b)
{
	vring_desc(&b->ring, 0, ~0ull - 3, 8, 0, 0);
	vring_post(&b->ring, 0);
}

static void empty(struct bed *b)
{
	vring_desc(&b->ring, 0, BUF, 0, 0, 0);
	vring_post(&b->ring, 0);
}

static void order(struct bed *b)
{
	vring_desc(&b->ring, 0, BUF, 8, VRING_NEXT | VRING_WRITE, 1);
	vring_desc(&b->ring, 1, BUF, 8, 0, 0);
	vring_post(&b->ring, 0);
}

static void indirect(struct bed *b, uint64_t table, uint32_t len, unsigned flags)
{
	vring_desc(&b->ring, 0, table, len, VRING_INDIRECT | flags, 1);
	vring_post(&b->ring, 0);
}

static void indirect_and_next(struct bed *b)
{
	indirect(b, TABLE, 16, VRING_NEXT);
}

static void indirect_odd(struct bed *b)
{
	indirect(b, TABLE, 24, 0);
}

static void indirect_none(struct bed *b)
{
	indirect(b, TABLE, 0, 0);
}

static void indirect_long(struct bed *b)
{
	indirect(b, TABLE, 16 * (SIZE + 1), 0);
}

static void indirect_far(struct bed *b)
{
	indirect(b, MEM, 16, 0);
}

static void indirect_nested(struct bed *b)
{
	vring_desc_at(&b->mem, TABLE, 0, TABLE, 16, VRING_INDIRECT, 0);
	indirect(b, TABLE, 16, 0);
}

static void indirect_loop(struct bed *b)
{
	vring_desc_at(&b->mem, TABLE, 0, BUF, 8, VRING_NEXT, 0);
	indirect(b, TABLE, 16, 0);
}

static void indirect_next_range(struct bed *b)
{
	vring_desc_at(&b->mem, TABLE, 0, BUF, 8, VRING_NEXT, 1);
	indirect(b, TABLE, 16, 0);
}

static const struct {
	const char *name;
	void (*sin)(struct bed *b);
	enum virtq_error error;
	uint64_t features;
} sins[] = {
	{ "avail jumps", jump, VIRTQ_ERR_AVAIL_JUMP, ALL },
	{ "head out of range", head_range, VIRTQ_ERR_HEAD_RANGE, ALL },
	{ "head in flight", head_busy, VIRTQ_ERR_HEAD_BUSY, ALL },
	{ "next out of range", next_range, VIRTQ_ERR_NEXT_RANGE, ALL },
	{ "loop", loop, VIRTQ_ERR_LOOP, ALL },
	{ "loop of one", loop_of_one, VIRTQ_ERR_LOOP, ALL },
	{ "4 GiB", too_large, VIRTQ_ERR_ADDRESS, ALL },
	{ "beyond RAM", beyond_ram, VIRTQ_ERR_ADDRESS, ALL },
	{ "address wraps", wraps, VIRTQ_ERR_ADDRESS, ALL },
	{ "empty buffer", empty, VIRTQ_ERR_EMPTY, ALL },
	{ "readable after writable", order, VIRTQ_ERR_ORDER, ALL },
	{ "indirect not accepted", indirect_nested, VIRTQ_ERR_INDIRECT, 0 },
	{ "indirect and next", indirect_and_next, VIRTQ_ERR_INDIRECT, ALL },
	{ "indirect of odd size", indirect_odd, VIRTQ_ERR_INDIRECT_SIZE, ALL },
	{ "indirect of no size", indirect_none, VIRTQ_ERR_INDIRECT_SIZE, ALL },
	{ "indirect larger than queue", indirect_long, VIRTQ_ERR_INDIRECT_SIZE, ALL },
	{ "indirect beyond RAM", indirect_far, VIRTQ_ERR_ADDRESS, ALL },
	{ "indirect in indirect", indirect_nested, VIRTQ_ERR_INDIRECT, ALL },
	{ "loop in indirect", indirect_loop, VIRTQ_ERR_LOOP, ALL },
	{ "next out of indirect", indirect_next_range, VIRTQ_ERR_NEXT_RANGE, ALL },
};

TEST(virtq, each_misdeed_has_its_error_and_ends_the_queue)
{
	for (size_t i = 0; i < ARRAY_SIZE(sins); i++) {
		BED(b, sins[i].features);

		sins[i].sin(b);
		T_FALSE(virtq_next(&b->q, &b->chain));
		if (b->q.error != sins[i].error)
			T_FAIL("%s: %s", sins[i].name, virtq_error_texts[b->q.error]);
		T_FALSE(virtq_pending(&b->q));
		T_FALSE(virtq_kicks_on(&b->q));
		T_FALSE(virtq_next(&b->q, &b->chain));
	}
}

TEST(virtq, sum_of_4_gib_is_too_large)
{
	struct virtq_chain chain;
	struct vmem mem;
	struct vring ring;
	struct virtq q;

	vmem_init(&mem, 3 * GIB);
	vring_init(&ring, &mem, RING, SIZE);
	T_EQ(virtq_init(&q, &mem.ram, &ring.layout, 0), VIRTQ_OK);
	vring_desc(&ring, 0, 0, 2u << 30, VRING_WRITE | VRING_NEXT, 1);
	vring_desc(&ring, 1, 0, 2u << 30, VRING_WRITE, 0);
	vring_post(&ring, 0);
	T_FALSE(virtq_next(&q, &chain));
	T_EQ(q.error, VIRTQ_ERR_TOO_LARGE);
	vmem_fini(&mem);
}

TEST(virtq, chain_of_more_buffers_than_are_allowed_is_refused)
{
	struct virtq_chain chain;
	struct vmem mem;
	struct vring ring;
	struct virtq q;

	vmem_init(&mem, MEM);
	vring_init(&ring, &mem, RING, 256);
	T_EQ(virtq_init(&q, &mem.ram, &ring.layout, 0), VIRTQ_OK);
	for (unsigned i = 0; i < 256; i++)
		vring_desc(&ring, i, BUF, 8, i < VIRTQ_CHAIN_MAX ? VRING_NEXT : 0, i + 1);
	vring_post(&ring, 1); /* one less: fits */
	T_TRUE(virtq_next(&q, &chain));
	T_EQ(chain.n_out, VIRTQ_CHAIN_MAX);
	vring_post(&ring, 0);
	T_FALSE(virtq_next(&q, &chain));
	T_EQ(q.error, VIRTQ_ERR_TOO_LONG);
	vmem_fini(&mem);
}

TEST(virtq, layout_must_be_aligned_and_in_ram)
{
	static const struct virtq_layout good = { 8, 0x1000, 0x2000, 0x3000 };
	struct virtq_layout bad[] = { good, good, good, good, good, good, good, good };
	struct vmem mem;
	struct virtq q;

	vmem_init(&mem, 0x4000);
	T_EQ(virtq_init(&q, &mem.ram, &good, 0), VIRTQ_OK);
	bad[0].size = 0;
	bad[1].size = 3;
	bad[2].size = 2 * VIRTQ_SIZE_MAX;
	bad[3].desc_gpa += 8;
	bad[4].avail_gpa += 1;
	bad[5].used_gpa += 2;
	bad[6].used_gpa = 0x4000 - 4 - 8 * 8; /* avail_event is outside */
	bad[7].desc_gpa = ~0ull << 4;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (virtq_init(&q, &mem.ram, &bad[i], 0) != VIRTQ_ERR_LAYOUT)
			T_FAIL("layout %zu was taken", i);
	}
	vmem_fini(&mem);
}
