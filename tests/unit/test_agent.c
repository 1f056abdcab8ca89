// SPDX-License-Identifier: BSD-2-Clause
/*
 * test_agent.c - the guest agent's answer, and all that only looks like it
 */
#include "kzhost/io/agent.h"
#include "tests/harness/harness.h"

#include <stdlib.h>
#include <string.h>

#define ID 3000000001u

static bool answered(const char *text)
{
	struct agent a;

	agent_init(&a, ID);
	return agent_feed(&a, text, strlen(text));
}

TEST(agent, asks_with_its_number_between_delimiters)
{
	static const char question[] = "\xff{\"execute\":\"guest-sync-delimited\","
				       "\"arguments\":{\"id\":3000000001}}\n";
	struct agent a;

	agent_init(&a, ID);
	T_EQ(a.question_len, strlen(question));
	T_EQ(memcmp(a.question, question, strlen(question)), 0);
	agent_init(&a, 0xffffffff);
	T_EQ(a.question[a.question_len - 1], '\n');
}

TEST(agent, answers)
{
	T_TRUE(answered("\xff{\"return\": 3000000001}\n"));
	T_TRUE(answered("\xff{\"return\":3000000001}"));
	T_TRUE(answered("\xff \t{ \"return\" :\r\n3000000001 }"));
	T_TRUE(answered("rests\n\xff{\"error\": {}}\n\xff{\"return\": 3000000001}\n"));
	T_TRUE(answered("\xff\xff\xff{\"return\": 3000000001}\n"));
	T_TRUE(answered("\xff{\"return\": 30\xff{\"return\": 3000000001}\n"));
	T_TRUE(answered("\xff{\"return\": 1}\n\xff{\"return\": 3000000001}\n"));
}

TEST(agent, what_is_no_answer)
{
	T_EQ(answered("{\"return\": 3000000001}\n"), false); /* no delimiter */
	T_EQ(answered("\xff{\"return\": 3000000002}\n"), false);
	T_EQ(answered("\xff{\"return\": 30000000011}\n"), false);
	T_EQ(answered("\xff{\"return\": 300000000}\n"), false);
	T_EQ(answered("\xff{\"return\": \"3000000001\"}\n"), false);
	T_EQ(answered("\xff{\"error\": 3000000001}\n"), false);
	T_EQ(answered("\xff{\"return\": {\"return\": 3000000001}}\n"), false);
	T_EQ(answered("\xff[{\"return\": 3000000001}]\n"), false);
	T_EQ(answered("\xff{\"return\": 3000000001"), false);
	T_EQ(answered("\xff"), false);
	T_EQ(answered(""), false);
}

TEST(agent, an_answer_in_pieces_of_every_size)
{
	static const char text[] = "noise\xff{\"return\": 3000000001}\n";
	size_t len = strlen(text);

	for (size_t piece = 1; piece <= len; piece++) {
		struct agent a;
		unsigned times = 0;

		agent_init(&a, ID);
		for (size_t n = 0; n < len; n += piece)
			times += agent_feed(&a, text + n, MIN(piece, len - n));
		T_EQ(times, 1);
	}
}

TEST(agent, goes_on_after_an_answer)
{
	char zeros[1000] = "";
	struct agent a;

	agent_init(&a, ID);
	T_TRUE(agent_feed(&a, "\xff{\"return\":3000000001}", 22));
	T_EQ(agent_feed(&a, zeros, sizeof(zeros)), false);
	T_TRUE(agent_feed(&a, "\xff{\"return\":3000000001}", 22));
}

/* What is likely to get far: its own bytes in any order. */
TEST(agent, any_bytes_are_survived)
{
	static const char bytes[] = "\xff{\"return\":3000000001}\n \xff{";
	struct agent a;

	srand(1);
	agent_init(&a, ID);
	for (unsigned i = 0; i < 200000; i++) {
		char piece[16];
		size_t len = (size_t)rand() % sizeof(piece);

		for (size_t k = 0; k < len; k++)
			piece[k] = bytes[(size_t)rand() % sizeof(bytes)];
		agent_feed(&a, piece, len);
		T_TRUE(a.matched >= -1 && a.matched < 22);
	}
}
