// SPDX-License-Identifier: BSD-2-Clause
/*
 * test_turns.c - whose line it is, and for how long
 */
#include "kzhost/io/turns.h"
#include "tests/harness/harness.h"

TEST(turns, anybody_begins_a_line)
{
	struct turns t = { 0 };

	T_EQ(turns_may(&t, 0, 0), true);
	T_EQ(turns_may(&t, 1, 0), true);
	turns_said(&t, 0, '\n', 5);
	T_EQ(turns_may(&t, 0, 5), true);
	T_EQ(turns_may(&t, 1, 5), true);
	T_EQ(turns_left(&t, 5), 0);
}

TEST(turns, a_line_that_has_begun_is_its_speakers_until_it_ends)
{
	struct turns t = { 0 };

	turns_said(&t, 1, 'a', 1000);
	T_EQ(turns_may(&t, 0, 1001), false);
	T_EQ(turns_may(&t, 1, 1001), true);
	T_EQ(turns_left(&t, 1001), TURNS_MS - 1);
	turns_said(&t, 1, '\n', 1002);
	T_EQ(turns_may(&t, 0, 1002), true);
	T_EQ(turns_left(&t, 1002), 0);
}

TEST(turns, a_line_that_does_not_end_holds_up_nobody_for_long)
{
	struct turns t = { 0 };

	for (uint64_t ms = 1000; ms < 1000 + TURNS_MS; ms++) {
		turns_said(&t, 0, 'x', ms);
		T_EQ(turns_may(&t, 1, ms), false);
	}
	T_EQ(turns_may(&t, 1, 1000 + TURNS_MS), true);
	T_EQ(turns_left(&t, 1000 + TURNS_MS), 0);
}

TEST(turns, who_breaks_into_a_line_has_a_line_of_its_own)
{
	struct turns t = { 0 };

	turns_said(&t, 0, ':', 0);
	turns_said(&t, 1, 'x', TURNS_MS + 5);
	T_EQ(turns_may(&t, 0, TURNS_MS + 6), false);
	T_EQ(turns_left(&t, TURNS_MS + 6), TURNS_MS - 1);
}
