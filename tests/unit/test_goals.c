// SPDX-License-Identifier: BSD-2-Clause
/*
 * test_goals.c - a text is found in a stream wherever the pieces end
 */
#include "kzhost/io/goals.h"
#include "tests/harness/harness.h"

#include <string.h>

static const struct {
	const char *text, *stream;
	int at; /* offset behind the first match, or -1 */
} cases[] = {
	{ "login:", "Debian GNU/Linux\r\nweb login: ", 28 },
	{ "login:", "loginlogin:", 11 },
	{ "login:", "login login", -1 },
	{ "aab", "aaaaab", 6 },
	{ "abab", "abaabab", 7 },
	{ "abcabd", "abcabcabd", 9 },
	{ "x", "x", 1 },
	{ "x", "", -1 },
	{ "", "anything", -1 },
};

TEST(goals, found_at_its_end_in_pieces_of_every_size)
{
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t len = strlen(cases[i].stream);

		for (size_t piece = 1; piece <= len + 1; piece++) {
			struct goals g;
			int at = -1;

			goals_init(&g, cases[i].text);
			for (size_t n = 0; n < len; n += piece) {
				size_t size = MIN(piece, len - n);

				if (!goals_feed(&g, cases[i].stream + n, size))
					continue;
				T_EQ(at, -1);
				at = (int)n;
			}
			T_EQ(g.found, cases[i].at >= 0);
			T_EQ(at >= 0, cases[i].at >= 0);
			if (piece == 1 && at >= 0)
				T_EQ(at + 1, cases[i].at);
		}
	}
}

TEST(goals, found_only_once)
{
	struct goals g;

	goals_init(&g, "up");
	T_EQ(goals_feed(&g, "up", 2), true);
	T_EQ(goals_feed(&g, "up up", 5), false);
	T_EQ(g.found, true);
}

TEST(goals, longest_text)
{
	char text[GOALS_TEXT_MAX + 1];
	struct goals g;

	memset(text, 'a', sizeof(text) - 1);
	text[GOALS_TEXT_MAX] = '\0';
	goals_init(&g, text);
	for (unsigned i = 0; i < 1000; i++)
		T_EQ(goals_feed(&g, text, GOALS_TEXT_MAX - 1) || goals_feed(&g, "b", 1),
		     false);
	T_EQ(goals_feed(&g, text, GOALS_TEXT_MAX), true);
}
