// SPDX-License-Identifier: BSD-2-Clause
/*
 * fakehost.c - a kzhost without a machine that does as it is told, for tests and
 * benchmarks with many of them; fake_kzhost.py is the one that can misbehave
 *
 * Appends "ZONE WHAT PID" to $KZONES_ROOT/fake/log when there is one: begin, create,
 * start, shutdown, halt, and what ended it of its own accord. A restarter that dies is
 * no reason to end. On SIGUSR1 the guest resets itself, on SIGUSR2 it switches itself off.
 */
#include "common/proto/ctl.h"
#include "common/sys/sock.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct fake {
	const char *zone;
	int log_fd; /* or -1 */
	int conn;
	enum ctl_state state;
	uint64_t since_ms;
	uint8_t uuid[16];
	enum ctl_cause cause; /* in CTL_ENDED */
	int wake;             /* readable when a signal came */
};

static int signalled = -1;

static void note(const struct fake *f, const char *what)
{
	char line[160];
	int n = snprintf(line, sizeof(line), "%s %s %d\n", f->zone, what, (int)getpid());

	if (f->log_fd >= 0)
		(void)!write(f->log_fd, line, (size_t)n);
}

static void enter(struct fake *f, enum ctl_state state)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	f->since_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
	f->state = state;
}

static void tell(const struct fake *f)
{
	struct ctl_exiting m = { .hdr = { le16_of(CTL_EV_EXITING), le16_of(CTL_VERSION),
					  le32_of(0) },
				 .cause = le32_of(f->cause) };

	(void)sock_send(f->conn, &m, sizeof(m), NULL, 0);
}

_Noreturn static void leave(struct fake *f, enum ctl_cause cause)
{
	f->cause = cause;
	tell(f);
	_exit(CTL_EXIT_STATUS((int)cause));
}

/* Of its own accord: somebody has to say that it was heard. */
static void end(struct fake *f, enum ctl_cause cause)
{
	if (f->state == CTL_ENDED)
		return;
	note(f, ctl_cause_names[cause]);
	f->cause = cause;
	enter(f, CTL_ENDED);
	if (f->conn >= 0)
		tell(f);
}

static void on_signal(int signum)
{
	uint8_t which = (uint8_t)signum;

	(void)!write(signalled, &which, 1);
}

/* Waits until the descriptor is readable, and does what signals say meanwhile. */
static void await(struct fake *f, int fd)
{
	struct pollfd p[2] = { { .fd = fd, .events = POLLIN },
			       { .fd = f->wake, .events = POLLIN } };
	uint8_t which;

	while (!(p[0].revents & (POLLIN | POLLHUP))) {
		if (poll(p, 2, -1) < 0 || !(p[1].revents & POLLIN))
			continue;
		if (read(f->wake, &which, 1) == 1)
			end(f, which == SIGUSR1 ? CTL_CAUSE_RESET : CTL_CAUSE_POWEROFF);
	}
}

static void answer_hello(const struct fake *f, struct ctl_hdr hdr)
{
	struct ctl_hello_reply m = { .hdr = hdr,
				     .state = le32_of(f->state),
				     .since_ms = le64_of(f->since_ms),
				     .pid = le32_of((uint32_t)getpid()) };

	memcpy(m.uuid, f->uuid, sizeof(m.uuid));
	snprintf(m.zone, sizeof(m.zone), "%s", f->zone);
	(void)sock_send(f->conn, &m, sizeof(m), NULL, 0);
}

static void serve(struct fake *f, const void *msg, enum ctl_id id)
{
	const struct ctl_create *create = msg;
	struct ctl_hdr hdr = *(const struct ctl_hdr *)msg;
	struct ctl_reply reply = { .hdr = hdr };

	if (id == CTL_REQ_HELLO) {
		answer_hello(f, hdr);
		if (f->state == CTL_ENDED)
			tell(f);
		return;
	}
	if (id == CTL_REQ_STATUS) {
		struct ctl_status_reply status = { .hdr = hdr,
						   .state = le32_of(f->state) };

		(void)sock_send(f->conn, &status, sizeof(status), NULL, 0);
		return;
	}
	if (f->state == CTL_ENDED && id == CTL_REQ_HALT)
		_exit(CTL_EXIT_STATUS((int)f->cause));
	note(f, ctl_id_name(id));
	if (id == CTL_REQ_CREATE) {
		memcpy(f->uuid, create->uuid, sizeof(f->uuid));
		enter(f, CTL_CREATED);
	} else if (id == CTL_REQ_START) {
		enter(f, CTL_RUNNING);
	}
	(void)sock_send(f->conn, &reply, sizeof(reply), NULL, 0);
	if (id == CTL_REQ_SHUTDOWN)
		leave(f, CTL_CAUSE_POWEROFF);
	if (id == CTL_REQ_HALT)
		leave(f, CTL_CAUSE_HALTED);
}

/* Requests until the connection ends. */
static void converse(struct fake *f)
{
	_Alignas(8) char msg[CTL_MSG_MAX];
	int fds[SOCK_FDS_MAX];
	struct errmsg e;
	unsigned n_fds;
	ssize_t n;
	int id;

	for (;;) {
		n_fds = 0;
		await(f, f->conn);
		n = sock_recv(f->conn, msg, sizeof(msg), fds, &n_fds);
		if (n == -EINTR)
			continue;
		if (n <= 0)
			return;
		id = ctl_check_request(msg, (size_t)n, n_fds, &e);
		while (n_fds)
			close(fds[--n_fds]);
		if (id > 0)
			serve(f, msg, (enum ctl_id)id);
	}
}

int main(int argc, char **argv)
{
	struct fake f = { .zone = argc > 2 ? argv[2] : "?", .conn = -1 };
	const char *root = getenv("KZONES_ROOT");
	char path[4096];
	int ends[2];

	snprintf(path, sizeof(path), "%s/fake/log", root ? root : "");
	f.log_fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (pipe2(ends, O_CLOEXEC) < 0)
		return 1;
	f.wake = ends[0];
	signalled = ends[1];
	signal(SIGUSR1, on_signal);
	signal(SIGUSR2, on_signal);
	enter(&f, CTL_EMPTY);
	note(&f, "begin");
	for (;;) {
		await(&f, CTL_LISTEN_FD);
		f.conn = accept4(CTL_LISTEN_FD, NULL, NULL, SOCK_CLOEXEC);
		if (f.conn < 0)
			continue;
		converse(&f);
		close(f.conn);
		f.conn = -1;
	}
}
