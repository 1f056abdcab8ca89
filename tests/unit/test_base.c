// SPDX-License-Identifier: BSD-2-Clause
/*
 * test_base.c - buffers, error texts, state machine tables, traces
 */
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/base/fsm.h"
#include "common/base/le.h"
#include "common/base/json.h"
#include "common/base/trace.h"
#include "common/base/utf8.h"
#include "tests/harness/harness.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

TEST(buf, grows_and_stays_terminated)
{
	struct buf b = { 0 };

	for (int i = 0; i < 1000; i++) {
		buf_addf(&b, "%d,", i);
		T_EQ(b.p[b.len], '\0');
	}
	T_OK(buf_error(&b));
	T_EQ(b.len, 10 * 2 + 90 * 3 + 900 * 4);
	buf_consume(&b, 4);
	T_EQ(memcmp(b.p, "2,3,4,", 6), 0);
	buf_consume(&b, b.len);
	T_EQ(b.len, 0);
	buf_fini(&b);
	T_NULL(b.p);
}

TEST(buf, an_empty_one_gives_an_empty_string)
{
	struct buf b = { 0 };
	char *s = NULL;

	T_OK(buf_take(&b, &s));
	T_STREQ(s, "");
	T_NULL(b.p);
	free(s);
}

TEST(buf, failure_is_sticky)
{
	struct buf b = { 0 };
	char *s = (char *)"untouched";

	fault_arm(0);
	buf_adds(&b, "lost");
	buf_adds(&b, "lost too");
	T_EQ(buf_error(&b), -ENOMEM);
	T_EQ(buf_take(&b, &s), -ENOMEM);
	T_STREQ(s, "untouched");
	buf_adds(&b, "works again");
	T_OK(buf_take(&b, &s));
	T_STREQ(s, "works again");
	free(s);
	T_EQ(fault.live, 0);
}

TEST(buf, absurd_lengths_fail_without_overflow)
{
	struct buf b = { 0 };

	buf_adds(&b, "x");
	buf_add(&b, "y", SIZE_MAX);
	T_EQ(buf_error(&b), -ENOMEM);
	T_STREQ(b.p, "x");
	buf_fini(&b);
}

TEST(buf, is_filled_again_in_the_same_memory)
{
	struct buf b = { 0 };
	const char *before;
	size_t cap;

	buf_adds(&b, "a text that is longer than the next one, and than the least block");
	before = b.p;
	b.err = -ENOMEM;
	buf_clear(&b);
	T_OK(buf_error(&b));
	buf_addf(&b, "%s %d", "next", 1);
	T_STREQ(b.p, "next 1");
	T_EQ(b.len, 6);
	T_TRUE(b.p == before);
	/* Exactly what fits, and one more. */
	cap = b.cap;
	for (size_t len = cap - 2; len <= cap; len++) {
		buf_clear(&b);
		buf_addf(&b, "%*s", (int)len, "x");
		T_OK(buf_error(&b));
		T_EQ(b.len, len);
		T_EQ(strlen(b.p), len);
	}
	buf_fini(&b);
}

TEST(err, texts_are_cut_and_prefixed)
{
	struct errmsg e = { "" };
	char big[1000];

	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	T_EQ(errmsg_set(&e, -EINVAL, "bad %d", 7), -EINVAL);
	T_STREQ(e.text, "bad 7");
	T_EQ(errmsg_prefix(&e, -EINVAL, "line %d", 3), -EINVAL);
	T_STREQ(e.text, "line 3: bad 7");
	errmsg_set(&e, -EINVAL, "%s", big);
	T_EQ(strlen(e.text), sizeof(e.text) - 1);
	errmsg_prefix(&e, -EINVAL, "%s", big);
	T_EQ(strlen(e.text), sizeof(e.text) - 1);
	T_EQ(errmsg_set(NULL, -EIO, "nobody"), -EIO);
	T_EQ(errmsg_prefix(NULL, -EIO, "nobody"), -EIO);
}

TEST(le, both_ways)
{
	static const uint8_t bytes[8] = { 1, 2, 3, 4, 5, 6, 7, 0xf8 };
	le64 v = le64_of(0xf807060504030201ull);

	T_MEMEQ(v.b, bytes, 8);
	T_EQ(le64_get(v), 0xf807060504030201ull);
	T_EQ(le32_get(le32_of(0xfffefdfc)), 0xfffefdfc);
	T_EQ(le16_get(le16_of(0xff01)), 0xff01);
}

enum { DOOR_OPEN, DOOR_SHUT, DOOR_LOCKED, DOOR_N };
enum { EV_PUSH, EV_PULL, EV_TURN, EV_N };

static const char *const door_states[] = { "open", "shut", "locked" };
static const char *const door_events[] = { "push", "pull", "turn" };
static const char *const door_actions[] = { "", "click" };
static const struct fsm_rule door_rules[] = {
	{ DOOR_OPEN, EV_PUSH, DOOR_SHUT, 0, 0 },
	FSM_IGNORE(DOOR_OPEN, EV_PULL),
	{ DOOR_SHUT, EV_TURN, DOOR_LOCKED, 0, 1 },
	{ DOOR_SHUT, EV_PULL, DOOR_OPEN, 0, 0 },
};
static const struct fsm door = {
	"door", door_states, door_events, door_actions,           DOOR_N,
	EV_N,   DOOR_OPEN,   door_rules,  ARRAY_SIZE(door_rules),
};

TEST(fsm, a_sound_table_passes_and_is_found)
{
	struct errmsg e = { "" };

	T_OK(fsm_check(&door, &e));
	T_EQ(fsm_find(&door, DOOR_SHUT, EV_TURN)->to, DOOR_LOCKED);
	T_TRUE(fsm_find(&door, DOOR_OPEN, EV_PULL)->ignore);
	T_NULL(fsm_find(&door, DOOR_LOCKED, EV_PULL));
}

/* Checks a variant of the door with its rules replaced. */
static void check_refused(const struct fsm_rule *rules, unsigned n, const char *text)
{
	struct fsm m = door;
	struct errmsg e = { "" };

	m.rules = rules;
	m.n_rules = n;
	T_EQ(fsm_check(&m, &e), -EINVAL);
	T_HAS(e.text, text);
}

TEST(fsm, each_flaw_is_named)
{
	static const struct fsm_rule twice[] = {
		{ DOOR_OPEN, EV_PUSH, DOOR_SHUT, 0, 0 },
		FSM_IGNORE(DOOR_OPEN, EV_PUSH),
	};
	static const struct fsm_rule range[] = { { DOOR_OPEN, EV_PUSH, DOOR_N, 0, 0 } };
	static const struct fsm_rule reach[] = { { DOOR_OPEN, EV_PUSH, DOOR_SHUT, 0,
						   0 } };
	static const struct fsm_rule moves[] = { { DOOR_OPEN, EV_PUSH, DOOR_SHUT, 1,
						   0 } };
	static const struct fsm_rule deed[] = { { DOOR_OPEN, EV_PUSH, DOOR_SHUT, 0,
						  -1 } };

	check_refused(twice, 2, "(open, push) is there twice");
	check_refused(range, 1, "out of range");
	check_refused(reach, 1, "state locked cannot be reached");
	check_refused(moves, 1, "ignored, yet changes");
	check_refused(deed, 1, "action -1");
}

TEST(fsm, nameless_states_are_refused)
{
	static const char *const holes[] = { "open", NULL, "locked" };
	struct fsm m = door;
	struct errmsg e = { "" };

	m.state_names = holes;
	T_EQ(fsm_check(&m, &e), -EINVAL);
	T_HAS(e.text, "state 1 has no name");
	m = door;
	m.initial = DOOR_N;
	T_EQ(fsm_check(&m, &e), -EINVAL);
}

TEST(fsm, prints_a_table)
{
	struct buf b = { 0 };

	fsm_print(&door, &b);
	T_STREQ(b.p, "## door\n\n"
		     "| state | event | becomes | action |\n"
		     "|---|---|---|---|\n"
		     "| open | push | shut |  |\n"
		     "| open | pull | (ignored) |  |\n"
		     "| shut | pull | open |  |\n"
		     "| shut | turn | locked | click |\n\n");
	buf_fini(&b);
}

/* The ring's text, through a pipe or file. */
static const char *dumped(void)
{
	const char *path = t_path("ring");
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	trace_dump(fd);
	close(fd);
	return t_read_file(path);
}

static unsigned count_lines(const char *s)
{
	unsigned n = 0;

	for (; *s; s++)
		n += *s == '\n';
	return n;
}

TEST(json, text_is_whole_or_there_is_none)
{
	json_t *doc = json_pack("{s:o, s:[i]}", "a", json_text("caf\xc3("), "b", 1);
	struct buf b = { 0 };
	int r = -ENOMEM;

	for (long n = 0; r == -ENOMEM; n++) {
		buf_fini(&b);
		fault_arm(n);
		buf_add_json(&b, doc, JSON_INDENT(2) | JSON_SORT_KEYS);
		r = buf_error(&b);
		T_EQ(r, fault.fired ? -ENOMEM : 0);
	}
	fault_disarm();
	T_STREQ(b.p, "{\n  \"a\": \"caf?(\",\n  \"b\": [\n    1\n  ]\n}");
	buf_fini(&b);
	json_decref(doc);
	buf_add_json(&b, NULL, 0);
	T_EQ(buf_error(&b), -ENOMEM);
	buf_fini(&b);
}

static void put_everything(struct buf *b)
{
	jput_open(b, NULL, "{");
	jput_line(b, 1);
	jput_text(b, "plain", "a b ");
	jput_text(b, "odd", "\"\\\n\xc3\xa9");
	jput_text(b, "cut", "caf\xc3");
	jput_text(b, "none", NULL);
	jput_line(b, 1);
	jput_open(b, "numbers", "[");
	jput_number(b, NULL, INT64_MIN);
	jput_number(b, NULL, 0);
	jput_line(b, 2);
	jput_number(b, NULL, INT64_MAX);
	jput_open(b, NULL, "[");
	jput_close(b, "]");
	jput_close(b, "]");
	jput_bool(b, "yes", true);
	jput_open(b, "in", "{");
	jput_null(b, "nothing");
	jput_close(b, "}}");
}

TEST(json, what_is_put_is_a_document)
{
	struct buf b = { 0 };
	json_t *doc;

	put_everything(&b);
	T_OK(buf_error(&b));
	T_STREQ(b.p, "{\n \"plain\": \"a b \",\"odd\": \"\\\"\\\\\\n\xc3\xa9\","
		     "\"cut\": \"caf?\",\"none\": null,\n \"numbers\": "
		     "[-9223372036854775808,0,\n  9223372036854775807,[]],\"yes\": true,"
		     "\"in\": {\"nothing\": null}}");
	doc = json_loadb(b.p, b.len, JSON_REJECT_DUPLICATES, NULL);
	T_NOT_NULL(doc);
	json_decref(doc);
	buf_fini(&b);
	/* Whatever fails: a whole document, though perhaps with "?" in it, or an error.
	 */
	for (long n = 0; n == 0 || fault.fired; n++) {
		fault_arm(n);
		put_everything(&b);
		fault_disarm();
		doc = buf_error(&b) ? NULL : json_loadb(b.p, b.len, 0, NULL);
		T_EQ(buf_error(&b), doc ? 0 : -ENOMEM);
		json_decref(doc);
		buf_fini(&b);
	}
}

TEST(trace, keeps_the_last_records_in_order)
{
	const char *text;

	for (int i = 0; i < 3 * TRACE_RECORDS; i++)
		TRACE(core, "record %d", i);
	text = dumped();
	T_EQ(count_lines(text), TRACE_RECORDS);
	T_NULL(strstr(text, "record 1023\n"));
	T_HAS(text, "core: record 1024\n");
	T_HAS(text, "core: record 1535\n");
	T_TRUE(strstr(text, "record 1024\n") < strstr(text, "record 1535\n"));
}

TEST(trace, long_lines_are_cut)
{
	char big[1000];

	memset(big, 'y', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	for (int i = 0; i < TRACE_RECORDS; i++)
		TRACE(shell, "%s", big);
	T_EQ(strlen(dumped()), TRACE_RECORDS * TRACE_TEXT);
}

static void *record_many(void *arg)
{
	for (int i = 0; i < 2000; i++)
		TRACE(vcpu, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
	return NULL;
}

TEST(trace, threads_never_mix_lines)
{
	pthread_t threads[4];
	const char *line;

	for (unsigned i = 0; i < ARRAY_SIZE(threads); i++)
		T_OK(pthread_create(&threads[i], NULL, record_many, NULL));
	for (unsigned i = 0; i < ARRAY_SIZE(threads); i++)
		T_OK(pthread_join(threads[i], NULL));
	line = dumped();
	T_TRUE(count_lines(line) > TRACE_RECORDS / 2);
	for (; *line; line = strchr(line, '\n') + 1)
		T_EQ(strspn(strstr(line, "vcpu: ") + 6, "a"), 52);
}

TEST(trace, flags_are_parsed_and_unknown_ones_refused)
{
	struct errmsg e = { "" };

	T_OK(trace_parse("virtq=2", &e));
	T_EQ(trace_level[TRACE_virtq], 2);
	T_OK(trace_parse("virtq=0", &e));
	T_EQ(trace_level[TRACE_virtq], 0);
	T_OK(trace_parse("dev", &e));
	T_EQ(trace_level[TRACE_dev], 1);
	trace_level[TRACE_dev] = 0;
	T_EQ(trace_parse("virt", &e), -EINVAL);
	T_HAS(e.text, "known: core, shell");
	T_EQ(trace_parse("virtq=", &e), -EINVAL);
	T_EQ(trace_parse("virtq=x", &e), -EINVAL);
	T_EQ(trace_parse("virtq=10", &e), -EINVAL);
	T_EQ(trace_parse("", &e), -EINVAL);
}

TEST(assert, failure_prints_the_ring_and_aborts)
{
	int pipe_fds[2], status;
	char text[TRACE_RECORDS * TRACE_TEXT + 512];
	size_t len = 0;
	ssize_t n;
	pid_t pid;

	T_OK(pipe2(pipe_fds, O_CLOEXEC));
	pid = fork();
	T_TRUE(pid >= 0);
	if (pid == 0) {
		dup2(pipe_fds[1], STDERR_FILENO);
		signal(SIGABRT, SIG_DFL);
		TRACE(core, "the last thing");
		ASSERT(2 + 2 == 5);
		_exit(0);
	}
	close(pipe_fds[1]);
	while ((n = read(pipe_fds[0], text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	close(pipe_fds[0]);
	T_EQ(waitpid(pid, &status, 0), pid);
	T_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	T_HAS(text, "core: the last thing\n");
	T_HAS(text, "assertion failed: 2 + 2 == 5\n");
}

TEST(utf8, is_checked_to_the_byte)
{
	static const char *const good[] = { "",
					    "a",
					    "\xc2\xa0",
					    "\xed\x9f\xbf",
					    "\xee\x80\x80",
					    "\xf0\x90\x80\x80",
					    "\xf4\x8f\xbf\xbf" };
	static const char *const bad[] = {
		"\x1f",
		"\x7f",
		"\x80",
		"\xc0\xaf",
		"\xc1\xbf",
		"\xc2",
		"\xc2\x41",
		"\xe0\xa4",
		"\xed\xa0\x80",
		"\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80",
		"\xc2\x85",
		"\xe0\x80\xaf",
		"\xf0\x80\x80\xaf",
		"\xe0\x9f\xbf",
		"\xf0\x8f\xbf\xbf",
	};

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		T_TRUE(utf8_is_plain(good[i]));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		T_FALSE(utf8_is_plain(bad[i]));
}

TEST(errmsg, what_strangers_wrote_is_made_plain)
{
	struct errmsg e;
	char long_text[600];

	errmsg_set(&e, -EINVAL, "%s", "a\x1b[2J\xff\xc3\xa9\n");
	T_STREQ(e.text, "a?[2J?\xc3\xa9?");
	/* a character cut in two by the end of the room */
	memset(long_text, 'x', sizeof(long_text));
	strcpy(long_text + 510, "\xc3\xa9");
	errmsg_set(&e, -EINVAL, "%s", long_text);
	T_EQ(strlen(e.text), 511);
	T_EQ(e.text[510], '?');
	errmsg_prefix(&e, -EINVAL, "%.1s", "\xc3\xa9");
	T_EQ(memcmp(e.text, "?: xxx", 6), 0);
}
