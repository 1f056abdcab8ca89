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
	uint16_t bits;
	uint32_t later;
	struct ring ring;
	uint8_t bytes[8];
	unsigned loads; /* not saved */
};

static const struct state_field thing_fields[] = {
	STATE_FIELD(struct thing, small, 1),
	STATE_FIELD(struct thing, flag, 1),
	STATE_FIELD_MAX(struct thing, word, 1, 1000),
	STATE_FIELD(struct thing, large, 1),
	STATE_ARRAY(struct thing, row, 1),
	STATE_FIELD_BITS(struct thing, bits, 1, 0x8001),
	STATE_RING(struct thing, ring, bytes, 1),
	STATE_FIELD(struct thing, later, DEVSTATE_VERSION + 1),
};
#define THING_BYTES (1 + 1 + 2 + 8 + 3 * 2 + 2 + 4 + 3) /* with three in the ring */

static int no_seven(const void *in, const void *now, struct errmsg *e)
{
	const struct thing *t = in, *was = now;

	return t->small == 7 ? errmsg_set(e, -EINVAL, "7 follows %u", was->small) : 0;
}

static void count(void *dev)
{
	struct thing *t = dev;

	t->loads++;
}

static const struct state_table thing_table = {
	.name = "thing",
	.size = sizeof(struct thing),
	STATE_FIELDS(thing_fields),
	.check = no_seven,
	.loaded = count,
};
/* What this version saves of it. */
static const struct state_table thing_now = {
	.field = thing_fields,
	.n_fields = ARRAY_SIZE(thing_fields) - 1,
};

static const uint8_t bytes[THING_BYTES] = { 1,    1, 0xe8, 0x03, 8,    7,    6,
					    5,    4, 3,    2,    1,    0x11, 0,
					    0x22, 0, 0x33, 0,    0x01, 0x80, 3,
					    0,    0, 0,    'a',  'b',  'c' };

static void thing_init(struct thing *t)
{
	*t = (struct thing){ .later = 99, .ring = { .data = t->bytes, .size = 8 } };
}

static int load(const void *data, size_t len, struct thing *t, struct errmsg *e)
{
	struct state_reader r;

	T_OK(state_open(&r, DEVSTATE_VERSION, data, len, e));
	return state_load(&r, t, &thing_table, e);
}

TEST(devstate, fields_come_back_and_stand_little_endian)
{
	struct thing t, in;
	cleanup(buf_fini) struct buf b = { 0 };
	struct errmsg e = { "" };
	char text[8];

	thing_init(&t);
	thing_init(&in);
	t.small = t.flag = 1;
	t.word = 1000;
	t.large = 0x0102030405060708;
	memcpy(t.row, (uint16_t[]){ 0x11, 0x22, 0x33 }, sizeof(t.row));
	t.bits = 0x8001;
	t.ring.head = t.ring.tail = UINT32_MAX - 1; /* wraps, and so does the count */
	T_EQ(ring_write(&t.ring, "abc", 3), 3);
	state_put(&b, &t, &thing_now);
	T_OK(buf_error(&b));
	T_EQ(b.len, sizeof(bytes));
	T_MEMEQ(b.p, bytes, sizeof(bytes));
	T_EQ(ring_used(&t.ring), 3);
	T_OK(load(b.p, b.len, &in, &e));
	T_EQ(in.small, 1);
	T_EQ(in.flag, true);
	T_EQ(in.word, 1000);
	T_EQ(in.large, 0x0102030405060708);
	T_EQ(in.row[2], 0x33);
	T_EQ(in.bits, 0x8001);
	T_TRUE(in.ring.data == in.bytes);
	T_EQ(ring_read(&in.ring, text, sizeof(text)), 3);
	T_MEMEQ(text, "abc", 3);
	T_EQ(in.loads, 1);
	/* Of a later version: as it was. */
	T_EQ(in.later, 99);
}

/* The device is what it was, in every byte. */
static void refused(const uint8_t *record, size_t len, const char *why)
{
	struct errmsg e = { "" };
	struct thing t, before;

	thing_init(&t);
	T_EQ(ring_write(&t.ring, "12345", 5), 5);
	before = t;
	T_EQ(load(record, len, &t, &e), -EINVAL);
	T_HAS(e.text, why);
	T_MEMEQ(&t, &before, sizeof(t));
}

TEST(devstate, a_record_that_ends_is_refused)
{
	struct state_reader r;
	struct errmsg e;

	for (size_t len = 0; len < THING_BYTES; len++) {
		uint8_t *exact = malloc(len + 1); /* ASan looks at what is behind */

		T_NOT_NULL(exact);
		memcpy(exact + 1, bytes, len);
		refused(exact + 1, len, "the record ends before");
		free(exact);
	}
	T_OK(state_open(&r, 1, bytes, 1, &e));
	T_EQ(state_end(&r, &e), -EINVAL);
	T_HAS(e.text, "1 bytes too many");
	r.left = 0;
	T_OK(state_end(&r, &e));
}

TEST(devstate, values_that_cannot_be_are_refused)
{
	static const struct {
		unsigned at;
		uint8_t value;
		const char *why;
	} sins[] = {
		{ 0, 7, "7 follows 0" },
		{ 1, 2, "flag is 2, at most 1 can be" },
		{ 2, 0xe9, "word is 1001, at most 1000 can be" },
		{ 18, 3, "bits is 8003, only bits of 8001 can be set" },
		{ 20, 9, "ring has 9 bytes, room is for 8" },
		{ 20, 4, "the record ends before ring" },
		{ 23, 0x80, "ring has 2147483651 bytes, room is for 8" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(sins); i++) {
		uint8_t record[THING_BYTES];

		memcpy(record, bytes, sizeof(record));
		record[sins[i].at] = sins[i].value;
		refused(record, sizeof(record), sins[i].why);
	}
}

TEST(devstate, without_memory_nothing_is_loaded)
{
	struct errmsg e = { "" };
	struct thing t;

	thing_init(&t);
	fault_arm(0);
	T_EQ(load(bytes, sizeof(bytes), &t, &e), -ENOMEM);
	fault_disarm();
	T_EQ(t.small + t.loads, 0);
	T_TRUE(*e.text);
}

TEST(devstate, versions_that_are_not_known_are_refused)
{
	struct state_reader r;
	struct errmsg e = { "" };

	T_EQ(state_open(&r, 0, "", 0, &e), -EOPNOTSUPP);
	T_EQ(state_open(&r, DEVSTATE_VERSION + 1, "", 0, &e), -EOPNOTSUPP);
	T_HAS(e.text, "known are 1 to ");
}
