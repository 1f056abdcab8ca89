// SPDX-License-Identifier: BSD-2-Clause
/*
 * test_zlogin_escape.c - what is passed on and what disconnects, however it is cut
 */
#include "cli/zlogin_escape.h"
#include "tests/harness/harness.h"

static const struct {
	int character;
	const char *in, *out;
	bool leaves;
} cases[] = {
	{ '~', "hello\r", "hello\r", false }, { '~', "~.", "", true },
	{ '~', "ls\r~.rest", "ls\r", true },  { '~', "ls\n~.", "ls\n", true },
	{ '~', "a~.", "a~.", false },         { '~', "~~", "~", false },
	{ '~', "~~.", "~.", false },          { '~', "~x~.", "~x~.", false },
	{ '~', "~\r~.", "~\r", true },        { '~', "cd ~\r", "cd ~\r", false },
	{ '%', "~.\r%.", "~.\r", true },      { -1, "~.\r~.", "~.\r~.", false },
	{ 0xff, "\xff.", "", true },
};

/* Filters in portions of a size; checks what comes out. */
static void check(size_t i, size_t portion)
{
	struct escape esc = { .character = cases[i].character };
	size_t len = strlen(cases[i].in), n = 0;
	bool leaves = false;
	char out[64];

	for (size_t at = 0; at < len && !leaves; at += portion) {
		size_t got;

		leaves = escape_filter(&esc, cases[i].in + at, MIN(portion, len - at),
				       out + n, &got);
		T_TRUE(got <= ESCAPE_ROOM(MIN(portion, len - at)));
		n += got;
	}
	out[n] = '\0';
	T_STREQ(out, cases[i].out);
	T_EQ(leaves, cases[i].leaves);
}

TEST(escape, table_in_portions_of_every_size)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		for (size_t portion = 1; portion <= strlen(cases[i].in); portion++)
			check(i, portion);
}
