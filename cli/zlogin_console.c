// SPDX-License-Identifier: BSD-2-Clause
/*
 * zlogin_console.c - a session at a zone's console
 *
 * DOC: Staying over reboots
 *
 * A zone's console belongs to its kzhost and ends with it, but the socket's listening end
 * is svc.zones' as well: a connection made while the zone is down waits there and is
 * taken by the zone's next kzhost. So when the console ends, the session connects again,
 * and only if that is refused for RETRY_MS it gives up. Whether the zone halted or is
 * about to come again is known from the last notice that its kzhost wrote.
 */
#include "cli/zlogin_console.h"

#include "cli/zlogin_escape.h"
#include "common/sys/file.h"
#include "common/sys/sock.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <time.h>

#define RETRY_MS   10000 /* how long a refused connection is tried again */
#define PAUSE_MS   100   /* between two tries */
#define INPUT_SIZE 1024
#define TAIL_SIZE  96

struct session {
	const struct console_options *opt;
	int fd; /* of the console, -1 between two connections */
	int signal_fd;
	bool terminal; /* standard input is one, and is raw */
	struct termios saved;
	struct escape esc;
	bool input_ended;
	bool done; /* the user wants to leave */
	char pending[4 * INPUT_SIZE];
	size_t n_pending;     /* bytes the console has not taken yet */
	char head[TAIL_SIZE]; /* first output of this connection */
	size_t n_head;
	char tail[TAIL_SIZE]; /* last output */
	size_t n_tail;
};

/* The terminal. */

static int enter_raw(struct session *s, struct errmsg *e)
{
	struct termios raw;

	if (!isatty(STDIN_FILENO))
		return 0;
	if (tcgetattr(STDIN_FILENO, &s->saved) < 0)
		return errmsg_set(e, -errno, "terminal: %s", strerror(errno));
	raw = s->saved;
	cfmakeraw(&raw);
	if (tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) < 0)
		return errmsg_set(e, -errno, "terminal: %s", strerror(errno));
	s->terminal = true;
	return 0;
}

static void leave_raw(struct session *s)
{
	if (s->terminal)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &s->saved);
	s->terminal = false;
}

/* A line of our own; the banner's form, as operators know it. */
static void banner(const struct session *s, const char *before, const char *after)
{
	if (s->opt->quiet)
		return;
	printf("%s zone '%s' console%s]%s\n", before, s->opt->zone, after,
	       s->terminal ? "\r" : "");
	fflush(stdout);
}

/* Signals that end a program arrive as readable events, so that the terminal is restored.
 */
static int catch_signals(struct session *s, struct errmsg *e)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGQUIT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	s->signal_fd = signalfd(-1, &set, SFD_CLOEXEC);
	if (s->signal_fd < 0)
		return errmsg_set(e, -errno, "signals: %s", strerror(errno));
	return 0;
}

/* Output. */

/* Remembers how the connection began and how it ends. */
static void remember(struct session *s, const char *data, size_t len)
{
	size_t n = MIN(len, sizeof(s->head) - s->n_head);

	memcpy(s->head + s->n_head, data, n);
	s->n_head += n;
	n = MIN(len, sizeof(s->tail));
	if (s->n_tail + n > sizeof(s->tail)) {
		size_t drop = s->n_tail + n - sizeof(s->tail);

		memmove(s->tail, s->tail + drop, s->n_tail - drop);
		s->n_tail -= drop;
	}
	memcpy(s->tail + s->n_tail, data + len - n, n);
	s->n_tail += n;
}

static bool tail_ends_with(const struct session *s, const char *text)
{
	size_t len = strlen(text);

	return s->n_tail >= len && memcmp(s->tail + s->n_tail - len, text, len) == 0;
}

static bool zone_halted(const struct session *s)
{
	return tail_ends_with(s, "[NOTICE: Zone halted]\r\n") ||
	       tail_ends_with(s, "[NOTICE: Zone boot failed]\r\n");
}

/* All that this connection said was that somebody else has the console. */
static bool refused(const struct session *s)
{
	static const char text[] = "Console already in use by process ID ";

	return s->n_head > sizeof(text) && s->n_head < sizeof(s->head) &&
	       memcmp(s->head, text, sizeof(text) - 1) == 0;
}

/* 1: go on; 0: the connection has ended; else an error. */
static int take_output(struct session *s, struct errmsg *e)
{
	char data[4096];
	ssize_t n = recv(s->fd, data, sizeof(data), MSG_DONTWAIT);
	int r;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 1;
	if (n <= 0)
		return 0;
	remember(s, data, (size_t)n);
	r = fd_write_all(STDOUT_FILENO, data, (size_t)n);
	return r < 0 ? errmsg_set(e, r, "standard output: %s", strerror(-r)) : 1;
}

/* Input. */

static void take_input(struct session *s)
{
	char in[INPUT_SIZE], out[ESCAPE_ROOM(INPUT_SIZE)];
	ssize_t n = read(STDIN_FILENO, in, sizeof(in));
	size_t len;

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		s->input_ended = true;
		s->done = s->terminal; /* it was hung up */
		return;
	}
	s->done = escape_filter(&s->esc, in, (size_t)n, out, &len);
	/* A guest that takes nothing: what is typed blindly is dropped, but ~. is heard.
	 */
	len = MIN(len, sizeof(s->pending) - s->n_pending);
	memcpy(s->pending + s->n_pending, out, len);
	s->n_pending += len;
}

static void send_input(struct session *s)
{
	ssize_t n = send(s->fd, s->pending, s->n_pending, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n <= 0)
		return; /* a lost connection shows when it is read */
	s->n_pending -= (size_t)n;
	memmove(s->pending, s->pending + n, s->n_pending);
}

/* From a file or pipe nothing is read ahead of the console: nothing can be dropped. */
static bool wants_input(const struct session *s)
{
	if (s->input_ended)
		return false;
	return s->terminal ||
	       sizeof(s->pending) - s->n_pending >= ESCAPE_ROOM(INPUT_SIZE);
}

/*
 * Waits for something to do and does it. 1: go on; 0: the connection has ended;
 * -EINTR: a signal; else an error.
 */
static int turn(struct session *s, int timeout_ms, struct errmsg *e)
{
	struct pollfd pfd[] = {
		{ .fd = s->signal_fd, .events = POLLIN },
		{ .fd = wants_input(s) ? STDIN_FILENO : -1, .events = POLLIN },
		{ .fd = s->fd, .events = (short)(POLLIN | (s->n_pending ? POLLOUT : 0)) },
	};
	int r = 1;

	if (poll(pfd, ARRAY_SIZE(pfd), timeout_ms) < 0)
		return errno == EINTR
			       ? 1
			       : errmsg_set(e, -errno, "poll: %s", strerror(errno));
	if (pfd[0].revents)
		return errmsg_set(e, -EINTR, "ended by a signal");
	if (pfd[1].revents)
		take_input(s);
	if (pfd[2].revents & POLLOUT)
		send_input(s);
	if (pfd[2].revents & (POLLIN | POLLHUP | POLLERR))
		r = take_output(s, e);
	return r;
}

/* The connection. */

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int connect_error(const struct session *s, int r, struct errmsg *e)
{
	const char *zone = s->opt->zone;

	switch (r) {
	case -ENOENT:
		return errmsg_set(e, r,
				  "zone '%s': no console; the zone is not installed, or "
				  "svc.zones has not run since the host booted",
				  zone);
	case -ECONNREFUSED:
		return errmsg_set(e, r, "zone '%s': console: svc.zones is not running",
				  zone);
	case -EACCES:
		return errmsg_set(e, r, "zone '%s': console: permission denied", zone);
	default:
		return errmsg_set(e, r, "zone '%s': console: %s", zone, strerror(-r));
	}
}

/* Connects again after the console ended. 0 (also when the user leaves), or an error. */
static int connect_again(struct session *s, struct errmsg *e)
{
	int64_t end = now_ms() + RETRY_MS;
	int r;

	s->n_head = 0;
	s->n_tail = 0;
	s->n_pending = 0;
	for (;;) {
		int64_t until = now_ms() + PAUSE_MS;

		/* Never faster than this, whatever happens at the other end. */
		for (int64_t left = PAUSE_MS; left > 0 && !s->done;
		     left = until - now_ms()) {
			r = turn(s, (int)left, e);
			if (r < 0)
				return r;
		}
		if (s->done)
			return 0;
		r = sock_connect(s->opt->path, SOCK_STREAM, &s->fd);
		if (r == 0)
			return 0;
		if (now_ms() > end)
			return connect_error(s, r, e);
	}
}

/* Until the connection ends or the user leaves. 0 or an error. */
static int serve(struct session *s, struct errmsg *e)
{
	int r = 1;

	while (r == 1 && !s->done)
		r = turn(s, -1, e);
	if (s->done && s->n_pending)
		send_input(s);
	return MIN(r, 0);
}

static int stay_connected(struct session *s, struct errmsg *e)
{
	for (;;) {
		int r = serve(s, e);

		closep(&s->fd);
		if (r < 0 || s->done)
			return r;
		if (refused(s))
			return errmsg_set(e, -EBUSY, "zone '%s': the console is in use",
					  s->opt->zone);
		if (s->opt->until_halt && zone_halted(s))
			return 0;
		r = connect_again(s, e);
		if (r < 0 || s->done)
			return r;
	}
}

int console_session(const struct console_options *opt, struct errmsg *e)
{
	struct session s = {
		.opt = opt, .fd = -1, .signal_fd = -1, .esc.character = opt->escape
	};
	int r = sock_connect(opt->path, SOCK_STREAM, &s.fd);

	if (r < 0)
		return connect_error(&s, r, e);
	r = catch_signals(&s, e);
	if (r == 0)
		r = enter_raw(&s, e);
	if (r == 0) {
		banner(&s, "[Connected to", "");
		r = stay_connected(&s, e);
	}
	leave_raw(&s);
	if (r == 0)
		banner(&s, "\n[Connection to", " closed");
	closep(&s.fd);
	closep(&s.signal_fd);
	return r;
}
