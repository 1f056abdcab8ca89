// SPDX-License-Identifier: BSD-2-Clause
/*
 * test_linger.c - descriptors that are let go: gone here at once, gone for all soon
 */
#include "kzhost/io/linger.h"
#include "tests/harness/harness.h"

#include <fcntl.h>
#include <poll.h>

#define DEADLINE_MS 60000

/* Lets go of a pipe's writing end; its reader has to hear of it. */
static void let_go_of_a_pipe(int ring)
{
	struct pollfd reader = { .events = POLLIN };
	int fds[2];

	T_EQ(pipe2(fds, O_CLOEXEC), 0);
	linger_close(ring, fds[1]);
	T_EQ(fcntl(fds[1], F_GETFD), -1);
	reader.fd = fds[0];
	T_EQ(poll(&reader, 1, DEADLINE_MS), 1);
	T_TRUE(reader.revents & POLLHUP);
	close(fds[0]);
}

TEST(linger, the_last_close_happens_elsewhere)
{
	int ring = linger_open();

	if (ring < 0)
		T_SKIP("io_uring_setup: %s", strerror(-ring));
	let_go_of_a_pipe(ring);
	T_EQ(fcntl(ring, F_GETFD), -1);
}

TEST(linger, without_a_ring_it_is_a_plain_close)
{
	let_go_of_a_pipe(-1);
}

TEST(linger, what_is_no_ring_is_closed_too)
{
	int other = open("/dev/null", O_RDONLY | O_CLOEXEC);

	T_TRUE(other >= 0);
	let_go_of_a_pipe(other);
}
