/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_devstate.c - fields go into a record and come back, and a record is not trusted
 */
#include "kzhost/dev/devstate.h"
#include "tests/harness/harness.h"

struct thing {
	uint8_t small;
	bool flag;
	uint16_t word;
	uint64_t large;
	uint16_t row[3];
	uint32_t later;
};

static const struct state_field thing_fields[] = {
	STATE_FIELD(struct thing, small, 1),
	STATE_FIELD(struct thing, flag, 1),
	STATE_FIELD_MAX(struct thing, word, 1, 1000),
	STATE_FIELD(struct thing, large, 1),
	STATE_ARRAY(struct thing, row, 1),
	STATE_FIELD(struct thing, later, DEVSTATE_VERSION + 1),
};
#define THING_BYTES (1 + 1 + 2 + 8 + 3 * 2)

static int get_thing(const void *data, size_t len, struct thing *t, struct errmsg *e)
{
	struct state_reader r;

	T_OK(state_open(&r, DEVSTATE_VERSION, data, len, e));
	return state_get(&r, t, thing_fields, ARRAY_SIZE(thing_fields), e);
}

TEST(devstate, fields_come_back_and_stand_little_endian)
{
	static const uint8_t bytes[THING_BYTES] = {
		1, 1, 0xe8, 0x03, 8, 7, 6, 5, 4, 3, 2, 1, 0x11, 0, 0x22, 0, 0x33, 0
	};
	const struct thing t = { 1, true, 1000, 0x0102030405060708, { 0x11, 0x22, 0x33 },
				 4 };
	struct thing in = { .later = 99 };
	cleanup(buf_fini) struct buf b = { 0 };
	struct errmsg e = { "" };

	state_put(&b, &t, thing_fields, ARRAY_SIZE(thing_fields) - 1);
	T_OK(buf_error(&b));
	T_EQ(b.len, sizeof(bytes));
	T_MEMEQ(b.p, bytes, sizeof(bytes));
	T_OK(get_thing(b.p, b.len, &in, &e));
	T_EQ(in.small, 1);
	T_EQ(in.flag, true);
	T_EQ(in.word, 1000);
	T_EQ(in.large, 0x0102030405060708);
	T_EQ(in.row[2], 0x33);
	/* Of a later version: as it was. */
	T_EQ(in.later, 99);
}

TEST(devstate, a_record_that_ends_is_refused)
{
	static const uint8_t zeroes[THING_BYTES + 1];
	struct state_reader r;
	struct errmsg e;

	for (size_t len = 0; len < THING_BYTES; len++) {
		uint8_t *exact = malloc(len + 1); /* ASan looks at what is behind */
		struct thing t;

		T_NOT_NULL(exact);
		memset(exact, 0, len + 1);
		e.text[0] = '\0';
		T_EQ(get_thing(exact + 1, len, &t, &e), -EINVAL);
		T_HAS(e.text, "the record ends before");
		free(exact);
	}
	T_OK(state_open(&r, 1, zeroes, 1, &e));
	T_EQ(state_end(&r, &e), -EINVAL);
	T_HAS(e.text, "1 bytes too many");
	r.left = 0;
	T_OK(state_end(&r, &e));
}

TEST(devstate, values_beyond_a_fields_largest_are_refused)
{
	uint8_t bytes[THING_BYTES] = { 0xff, 1 };
	struct errmsg e = { "" };
	struct thing t;

	T_OK(get_thing(bytes, sizeof(bytes), &t, &e));
	bytes[1] = 2; /* a bool */
	T_EQ(get_thing(bytes, sizeof(bytes), &t, &e), -EINVAL);
	T_STREQ(e.text, "flag is 2, at most 1 can be");
	bytes[1] = 0;
	bytes[2] = 0xe9;
	bytes[3] = 0x03;
	T_EQ(get_thing(bytes, sizeof(bytes), &t, &e), -EINVAL);
	T_STREQ(e.text, "word is 1001, at most 1000 can be");
}

TEST(devstate, versions_that_are_not_known_are_refused)
{
	struct state_reader r;
	struct errmsg e = { "" };

	T_EQ(state_open(&r, 0, "", 0, &e), -EOPNOTSUPP);
	T_EQ(state_open(&r, DEVSTATE_VERSION + 1, "", 0, &e), -EOPNOTSUPP);
	T_HAS(e.text, "known are 1 to ");
}
