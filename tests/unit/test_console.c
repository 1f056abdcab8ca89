// SPDX-License-Identifier: BSD-2-Clause
/*
 * test_console.c - the console with a guest that is the test: replay, slow and second
 * clients, flow control, a log that fails
 */
#include "kzhost/io/console.h"

#include "common/proto/ctl.h"
#include "common/sys/sock.h"
#include "tests/harness/harness.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>

struct rig {
	uv_loop_t loop;
	struct console *con;
	char input[8192]; /* what the guest took */
	size_t input_len;
	size_t guest_room; /* how much more the guest takes */
};

static size_t take_input(void *arg, const void *data, size_t len)
{
	struct rig *rig = arg;

	len = MIN(len, rig->guest_room);
	ASSERT(rig->input_len + len < sizeof(rig->input));
	memcpy(rig->input + rig->input_len, data, len);
	rig->input_len += len;
	rig->guest_room -= len;
	return len;
}

static void rig_begin(struct rig *rig, const char *log_path)
{
	int listen_fd, log_fd;

	*rig = (struct rig){ .guest_room = sizeof(rig->input) - 1 };
	T_OK(uv_loop_init(&rig->loop));
	T_OK(sock_listen(t_path("console.sock"), SOCK_STREAM, 0600, &listen_fd));
	log_fd = open(log_path ? log_path : t_path("log"), O_WRONLY | O_APPEND | O_CREAT,
		      0600);
	T_TRUE(log_fd >= 0);
	T_OK(console_new(&rig->loop, listen_fd, log_fd, take_input, rig, &rig->con));
}

static void rig_end(struct rig *rig)
{
	console_close(rig->con);
	uv_run(&rig->loop, UV_RUN_DEFAULT);
	T_OK(uv_loop_close(&rig->loop));
}

static void turn(struct rig *rig)
{
	for (int i = 0; i < 20; i++)
		uv_run(&rig->loop, UV_RUN_NOWAIT);
}

static int attach(struct rig *rig)
{
	int fd;

	T_OK(sock_connect(t_path("console.sock"), SOCK_STREAM, &fd));
	turn(rig);
	return fd;
}

/* Everything that is there for the client now, appended to text; the new length. */
static size_t receive(struct rig *rig, int fd, char *text, size_t len, size_t size)
{
	ssize_t n;

	for (;;) {
		turn(rig);
		n = recv(fd, text + len, size - len - 1, MSG_DONTWAIT);
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	text[len] = '\0';
	return len;
}

static bool at_end(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_DONTWAIT) == 0;
}

TEST(console, replays_what_was_said_before_and_goes_on)
{
	struct rig rig;
	char text[200];
	int fd;

	rig_begin(&rig, NULL);
	console_output(rig.con, "before\r\n", 8);
	fd = attach(&rig);
	console_output(rig.con, "after\r\n", 7);
	receive(&rig, fd, text, 0, sizeof(text));
	T_STREQ(text, "before\r\nafter\r\n");
	T_STREQ(t_read_file(t_path("log")), "before\r\nafter\r\n");
	close(fd);
	turn(&rig);
	fd = attach(&rig);
	receive(&rig, fd, text, 0, sizeof(text));
	T_STREQ(text, "before\r\nafter\r\n");
	close(fd);
	rig_end(&rig);
}

TEST(console, notices_stand_on_their_own_line)
{
	struct rig rig;

	rig_begin(&rig, NULL);
	console_notice(rig.con, "Zone booting up");
	console_output(rig.con, "login: ", 7);
	console_notice(rig.con, "Zone halted");
	console_notice(NULL, "nobody");
	T_STREQ(t_read_file(t_path("log")),
		"\r\n[NOTICE: Zone booting up]\r\nlogin: \r\n\r\n[NOTICE: Zone halted]\r\n");
	rig_end(&rig);
}

TEST(console, refuses_a_second_client_by_name)
{
	struct rig rig;
	char text[200], expected[80];
	int first, second;

	rig_begin(&rig, NULL);
	first = attach(&rig);
	second = attach(&rig);
	receive(&rig, second, text, 0, sizeof(text));
	snprintf(expected, sizeof(expected),
		 "Console already in use by process ID %d.\r\n", (int)getpid());
	T_STREQ(text, expected);
	T_TRUE(at_end(second));
	close(second);
	console_output(rig.con, "still here", 10);
	receive(&rig, first, text, 0, sizeof(text));
	T_STREQ(text, "still here");
	close(first);
	rig_end(&rig);
}

TEST(console, a_dead_client_with_input_in_the_way_makes_room)
{
	struct rig rig;
	char text[200];
	int fd;

	rig_begin(&rig, NULL);
	rig.guest_room = 0;
	fd = attach(&rig);
	T_EQ(write(fd, "xyz", 3), 3);
	turn(&rig);
	close(fd);
	turn(&rig);
	fd = attach(&rig);
	console_output(rig.con, "new", 3);
	receive(&rig, fd, text, 0, sizeof(text));
	T_STREQ(text, "new");
	close(fd);
	rig_end(&rig);
}

TEST(console, input_waits_for_the_guest)
{
	struct rig rig;
	char data[4000];
	int fd;

	rig_begin(&rig, NULL);
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (char)('a' + i % 26);
	rig.guest_room = 10;
	fd = attach(&rig);
	T_EQ(write(fd, data, sizeof(data)), sizeof(data));
	turn(&rig);
	T_EQ(rig.input_len, 10);
	while (rig.input_len < sizeof(data)) {
		size_t before = rig.input_len;

		rig.guest_room = 100;
		console_pump(rig.con);
		turn(&rig);
		T_TRUE(rig.input_len > before);
	}
	T_MEMEQ(rig.input, data, sizeof(data));
	close(fd);
	rig_end(&rig);
}

TEST(console, half_closed_clients_still_read)
{
	struct rig rig;
	char text[200];
	int fd;

	rig_begin(&rig, NULL);
	fd = attach(&rig);
	T_EQ(write(fd, "cmd\n", 4), 4);
	shutdown(fd, SHUT_WR);
	turn(&rig);
	T_EQ(rig.input_len, 4);
	console_output(rig.con, "answer", 6);
	receive(&rig, fd, text, 0, sizeof(text));
	T_STREQ(text, "answer");
	close(fd);
	rig_end(&rig);
}

/* A client that reads nothing of this many lines of 100 bytes, and then all; its length.
 */
static size_t lag(struct rig *rig, int fd, unsigned lines, char *text, size_t size)
{
	char line[101];

	for (unsigned i = 1; i <= lines; i++) {
		snprintf(line, sizeof(line), "%098u\r\n", i);
		console_output(rig->con, line, 100);
	}
	return receive(rig, fd, text, 0, size);
}

/* Nothing more is said: who was too slow sees the last line all the same. */
TEST(console, a_slow_client_hears_how_much_it_lost_and_gets_the_end)
{
	const size_t said = 20000 * 100;
	static char text[4 * 1024 * 1024];
	struct console_stats stats;
	char notice[80], *at;
	struct rig rig;
	size_t len, kept;
	int fd;

	rig_begin(&rig, "/dev/null");
	fd = attach(&rig);
	len = lag(&rig, fd, 20000, text, sizeof(text));
	console_stats(rig.con, &stats);
	T_TRUE(stats.client_lost > 0);
	snprintf(notice, sizeof(notice), "\r\n[NOTICE: %zu bytes of output lost]\r\n",
		 (size_t)stats.client_lost);
	at = strstr(text, notice);
	T_NOT_NULL(at);
	kept = (size_t)(at - text);
	at += strlen(notice);
	T_EQ(text + len - at, CONSOLE_SCROLLBACK);
	T_EQ(kept + stats.client_lost + CONSOLE_SCROLLBACK, said);
	T_STREQ(text + len - 7, "20000\r\n");
	console_output(rig.con, "more", 4);
	receive(&rig, fd, text, 0, sizeof(text));
	T_STREQ(text, "more");
	close(fd);
	turn(&rig);

	/* What the scrollback still has is not lost. */
	fd = attach(&rig);
	receive(&rig, fd, text, 0, sizeof(text));
	kept += CONSOLE_SCROLLBACK / 2;
	len = lag(&rig, fd, (unsigned)(kept / 100), text, sizeof(text));
	T_EQ(len, kept / 100 * 100);
	for (unsigned i = 0; i < len; i += 100)
		T_EQ(strtoul(text + i, NULL, 10), i / 100 + 1);
	close(fd);
	rig_end(&rig);
}

TEST(console, scrollback_keeps_the_last_64_kib)
{
	static char text[256 * 1024];
	struct rig rig;
	char line[16];
	int fd;

	rig_begin(&rig, "/dev/null");
	for (int i = 0; i < 10000; i++) {
		snprintf(line, sizeof(line), "%08d\r\n", i);
		console_output(rig.con, line, 10);
	}
	fd = attach(&rig);
	T_EQ(receive(&rig, fd, text, 0, sizeof(text)), CONSOLE_SCROLLBACK);
	T_HAS(text, "00009999\r\n");
	close(fd);
	rig_end(&rig);
}

TEST(console, a_full_log_is_counted_and_nothing_else_suffers)
{
	struct console_stats stats;
	struct rig rig;
	char text[200];
	int fd;

	rig_begin(&rig, "/dev/full");
	fd = attach(&rig);
	console_output(rig.con, "one", 3);
	console_output(rig.con, "two", 3);
	console_stats(rig.con, &stats);
	T_EQ(stats.log_lost, 6);
	receive(&rig, fd, text, 0, sizeof(text));
	T_STREQ(text, "onetwo");
	close(fd);
	rig_end(&rig);
}

TEST(console, a_client_beyond_memory_is_turned_away)
{
	struct rig rig;
	int fd;

	rig_begin(&rig, NULL);
	for (long n = 0; n < 2; n++) {
		T_OK(sock_connect(t_path("console.sock"), SOCK_STREAM, &fd));
		fault_arm(n);
		turn(&rig);
		T_TRUE(fault.fired);
		fault_disarm();
		T_TRUE(at_end(fd));
		close(fd);
	}
	fd = attach(&rig);
	T_FALSE(at_end(fd));
	close(fd);
	rig_end(&rig);
}

TEST(console, a_log_that_nobody_replaces_stops_growing)
{
	char *chunk = calloc(1, 100000);
	struct console_stats stats;
	struct stat st, after;
	struct rig rig;
	int fd;

	rig_begin(&rig, NULL);
	T_TRUE(!console_log_full(rig.con));
	for (size_t sent = 0; sent < 10 * CTL_LOG_FULL; sent += 100000) {
		T_EQ(console_log_full(rig.con), sent >= CTL_LOG_FULL);
		console_output(rig.con, chunk, 100000);
	}
	T_OK(stat(t_path("log"), &st));
	T_TRUE(st.st_size <= CTL_LOG_MAX && st.st_size > CTL_LOG_MAX - 100000);
	console_stats(rig.con, &stats);
	T_EQ(stats.log_lost, 10500000 - (uint64_t)st.st_size);
	/* This would fit, but what was before it did not. */
	console_output(rig.con, "hole", 4);
	T_OK(stat(t_path("log"), &after));
	T_EQ(after.st_size, st.st_size);
	fd = open(t_path("log2"), O_WRONLY | O_APPEND | O_CREAT, 0600);
	T_TRUE(fd >= 0);
	console_set_log(rig.con, fd);
	T_TRUE(!console_log_full(rig.con));
	console_output(rig.con, "again", 5);
	T_STREQ(t_read_file(t_path("log2")), "again");
	free(chunk);
	rig_end(&rig);
}
