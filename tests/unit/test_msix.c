/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_msix.c - the table, what is bound when, pending bits
 */
#include "kzhost/dev/msix.h"
#include "tests/harness/harness.h"

#include <poll.h>

#define N   5u
#define GSI 100u

/* KVM's part: who is bound to what. */
struct bed {
	struct msix m;
	struct msix_ops ops;
	bool bound[N];
	uint64_t address[N];
	uint32_t data[N];
	unsigned binds, unbinds, injected;
	int refuse;
};

static int bind(void *arg, unsigned gsi, int fd, uint64_t address, uint32_t data)
{
	struct bed *b = arg;
	unsigned i = gsi - GSI;

	T_TRUE(i < N);
	T_EQ(fd, b->m.vector[i].fd);
	if (b->refuse)
		return b->refuse;
	b->injected += !b->bound[i] && poll(&(struct pollfd){ fd, POLLIN, 0 }, 1, 0) > 0;
	b->bound[i] = true;
	b->address[i] = address;
	b->data[i] = data;
	b->binds++;
	return 0;
}

static int unbind(void *arg, unsigned gsi, int fd)
{
	struct bed *b = arg;

	T_TRUE(b->bound[gsi - GSI]);
	T_EQ(fd, b->m.vector[gsi - GSI].fd);
	b->bound[gsi - GSI] = false;
	b->unbinds++;
	return 0;
}

static struct bed *bed_new(void)
{
	struct bed *b = calloc(1, sizeof(*b));

	T_NOT_NULL(b);
	b->ops = (struct msix_ops){ .bind = bind, .unbind = unbind, .arg = b };
	T_OK(msix_init(&b->m, &b->ops, GSI, N));
	return b;
}

static void bed_free(struct bed **b)
{
	msix_fini(&(*b)->m);
	for (unsigned i = 0; i < N; i++)
		T_FALSE((*b)->bound[i]);
	msix_fini(&(*b)->m);
	free(*b);
}
#define BED(b) cleanup(bed_free) struct bed *b = bed_new()

static void put(struct bed *b, unsigned vector, unsigned dword, uint32_t value)
{
	msix_table_write(&b->m, vector * 16ull + dword * 4ull, 4, value);
}

/* As drivers do it: masked first. */
static void set_vector(struct bed *b, unsigned i, uint64_t address, uint32_t data)
{
	put(b, i, 3, 1);
	put(b, i, 0, (uint32_t)address);
	put(b, i, 1, (uint32_t)(address >> 32));
	put(b, i, 2, data);
	put(b, i, 3, 0);
}

#define ENABLE   0x8000
#define MASK_ALL 0x4000

static uint64_t pending(struct bed *b)
{
	return msix_pba_read(&b->m, 0, 8);
}

TEST(msix, a_vector_is_bound_when_nothing_masks_it)
{
	BED(b);

	set_vector(b, 1, 0x1fee01000, 0x41);
	T_EQ(b->binds, 0);
	msix_control(&b->m, ENABLE | MASK_ALL);
	T_EQ(b->binds, 0);
	msix_control(&b->m, ENABLE);
	T_TRUE(b->bound[1]);
	T_EQ(b->binds, 1);
	T_EQ(b->address[1], 0x1fee01000);
	T_EQ(b->data[1], 0x41);
	msix_control(&b->m, ENABLE | MASK_ALL);
	T_FALSE(b->bound[1]);
	msix_control(&b->m, ENABLE);
	put(b, 1, 3, 1);
	T_FALSE(b->bound[1]);
	put(b, 1, 3, 0);
	T_TRUE(b->bound[1]);
	msix_control(&b->m, 0);
	T_FALSE(b->bound[1]);
	T_EQ(b->binds, 3);
	T_EQ(b->unbinds, 3);
}

TEST(msix, a_new_route_of_an_open_vector_is_told)
{
	BED(b);

	msix_control(&b->m, ENABLE);
	set_vector(b, 2, 0xfee00000, 0x30);
	T_EQ(b->binds, 1);
	put(b, 2, 2, 0x30); /* the same: no call */
	put(b, 2, 3, 0);
	T_EQ(b->binds, 1);
	put(b, 2, 2, 0x31);
	T_EQ(b->data[2], 0x31);
	msix_table_write(&b->m, 32, 8, 0xfee02000);
	T_EQ(b->address[2], 0xfee02000);
	T_EQ(b->binds, 3);
	T_EQ(b->unbinds, 0);
}

TEST(msix, what_is_raised_while_masked_is_pending)
{
	BED(b);

	msix_control(&b->m, ENABLE);
	msix_raise(&b->m, 3);
	msix_raise(&b->m, 3);
	T_EQ(pending(b), 1 << 3);
	T_EQ(msix_pba_read(&b->m, 0, 4), 1 << 3);
	T_EQ(msix_pba_read(&b->m, 4, 4), 0);
	msix_raise(&b->m, 0);
	T_EQ(pending(b), 1 << 3 | 1);
	/* Unmasking binds the same descriptor, count and all: KVM injects it then, once.
	 */
	set_vector(b, 3, 0xfee00000, 1);
	T_TRUE(b->bound[3]);
	T_EQ(b->injected, 1);
	T_EQ(pending(b), 1);
	put(b, 3, 3, 1);
	put(b, 3, 3, 0);
	T_EQ(b->injected, 1);
}

TEST(msix, switched_off_nothing_is_pending)
{
	BED(b);

	msix_raise(&b->m, 0);
	T_EQ(pending(b), 0);
	msix_control(&b->m, ENABLE);
	T_EQ(pending(b), 0);
	msix_raise(&b->m, 0);
	msix_control(&b->m, 0);
	msix_control(&b->m, ENABLE);
	T_EQ(pending(b), 0);
}

TEST(msix, a_vector_that_kvm_refuses_stays_pending_and_is_tried_again)
{
	BED(b);

	b->refuse = -ENOSPC;
	msix_control(&b->m, ENABLE);
	set_vector(b, 0, 0xfee00000, 1);
	msix_raise(&b->m, 0);
	T_EQ(pending(b), 1);
	b->refuse = 0;
	put(b, 0, 3, 0);
	T_TRUE(b->bound[0]);
}

TEST(msix, a_message_that_kvm_refuses_is_not_sent_where_it_went_before)
{
	BED(b);

	msix_control(&b->m, ENABLE);
	set_vector(b, 0, 0xfee00000, 1);
	b->refuse = -ENOMEM;
	put(b, 0, 2, 2);
	T_FALSE(b->bound[0]);
	msix_raise(&b->m, 0);
	T_EQ(pending(b), 1);
	b->refuse = 0;
	put(b, 0, 3, 0);
	T_TRUE(b->bound[0]);
	T_EQ(b->data[0], 2);
	T_EQ(b->injected, 1);
}

TEST(msix, raising_what_is_not_there_does_nothing)
{
	BED(b);

	msix_control(&b->m, ENABLE);
	msix_raise(&b->m, N);
	msix_raise(&b->m, MSIX_VECTORS_MAX);
	msix_raise(&b->m, 0xffff);
	T_EQ(pending(b), 0);
}

TEST(msix, entries_read_back)
{
	BED(b);

	for (unsigned i = 0; i < N; i++)
		T_EQ(msix_table_read(&b->m, i * 16 + 8, 8), 1ull << 32);
	set_vector(b, 4, 0x123456789, 0xabcdef01);
	T_EQ(msix_table_read(&b->m, 64, 8), 0x123456788);
	T_EQ(msix_table_read(&b->m, 68, 4), 1);
	T_EQ(msix_table_read(&b->m, 72, 8), 0xabcdef01);
	put(b, 4, 3, 0xffffffff);
	T_EQ(msix_table_read(&b->m, 76, 4), 1);
}

TEST(msix, odd_accesses_read_all_ones_and_change_nothing)
{
	static const unsigned sizes[] = { 0, 1, 2, 3, 4, 5, 8, 16 };
	BED(b);

	msix_control(&b->m, ENABLE);
	for (unsigned s = 0; s < ARRAY_SIZE(sizes); s++) {
		for (uint64_t off = 0; off < 4096 + 16; off++) {
			bool natural =
				(sizes[s] == 4 || sizes[s] == 8) && off % sizes[s] == 0;

			if (!natural || off >= N * 16) {
				msix_table_write(&b->m, off, sizes[s], 0);
				T_EQ(msix_table_read(&b->m, off, sizes[s]), -1);
			}
			T_EQ(msix_pba_read(&b->m, off, sizes[s]), natural ? 0 : -1);
		}
	}
	T_EQ(b->binds, 0);
}

TEST(msix, the_largest_table_has_its_pending_bits)
{
	struct msix_ops ops = { .bind = bind, .unbind = unbind };
	struct msix *m = calloc(1, sizeof(*m));

	T_NOT_NULL(m);
	T_OK(msix_init(m, &ops, 0, MSIX_VECTORS_MAX));
	msix_control(m, ENABLE);
	msix_raise(m, 63);
	msix_raise(m, 65);
	T_EQ(msix_pba_read(m, 0, 8), 1ull << 63);
	T_EQ(msix_pba_read(m, 4, 4), 1u << 31);
	T_EQ(msix_pba_read(m, 8, 8), 2);
	T_EQ(msix_pba_read(m, 16, 8), 0);
	msix_fini(m);
	free(m);
}
