// SPDX-License-Identifier: BSD-2-Clause
/*
 * test_fifo.c - the byte queue: order, limits, every wrap
 */
#include "kzhost/io/fifo.h"
#include "tests/harness/harness.h"

/* Takes everything out; the text, NUL terminated. */
static void drain(struct fifo *fifo, char *text)
{
	const uint8_t *data;
	size_t n;

	while ((n = fifo_peek(fifo, &data)) > 0) {
		memcpy(text, data, n);
		text += n;
		fifo_drop(fifo, n);
	}
	*text = '\0';
}

TEST(fifo, keeps_order_at_every_offset)
{
	struct fifo fifo;
	char text[9];

	T_OK(fifo_init(&fifo, 8));
	for (int i = 0; i < 20; i++) {
		T_EQ(fifo_put(&fifo, "abcde", 5), 5);
		T_EQ(fifo_room(&fifo), 3);
		drain(&fifo, text);
		T_STREQ(text, "abcde");
	}
	fifo_fini(&fifo);
}

TEST(fifo, put_takes_what_fits)
{
	struct fifo fifo;
	char text[9];

	T_OK(fifo_init(&fifo, 8));
	T_EQ(fifo_put(&fifo, "abcdef", 6), 6);
	T_EQ(fifo_put(&fifo, "ghij", 4), 2);
	T_EQ(fifo_put(&fifo, "x", 1), 0);
	drain(&fifo, text);
	T_STREQ(text, "abcdefgh");
	fifo_fini(&fifo);
}

TEST(fifo, put_over_keeps_the_latest)
{
	struct fifo fifo;
	char text[9];

	T_OK(fifo_init(&fifo, 8));
	fifo_put_over(&fifo, "abcdef", 6);
	fifo_put_over(&fifo, "ghij", 4);
	drain(&fifo, text);
	T_STREQ(text, "cdefghij");
	fifo_put_over(&fifo, "0123456789", 10);
	drain(&fifo, text);
	T_STREQ(text, "23456789");
	fifo_fini(&fifo);
}

TEST(fifo, survives_no_memory)
{
	struct fifo fifo;

	fault_arm(0);
	T_EQ(fifo_init(&fifo, 8), -ENOMEM);
	fault_disarm();
}
