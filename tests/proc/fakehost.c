// SPDX-License-Identifier: BSD-2-Clause
/*
 * fakehost.c - a kzhost without a machine that does as it is told, for tests and
 * benchmarks with many of them; fake_kzhost.py is the one that can misbehave
 *
 * Appends "ZONE WHAT PID" to $KZONES_ROOT/fake/log when there is one: begin, create,
 * start, shutdown, halt. A restarter that dies is no reason to end.
 */
#include "common/proto/ctl.h"
#include "common/sys/sock.h"

#include <fcntl.h>
#include <poll.h>
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
};

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

_Noreturn static void leave(const struct fake *f, enum ctl_cause cause)
{
	struct ctl_exiting m = { .hdr = { le16_of(CTL_EV_EXITING), le16_of(CTL_VERSION),
					  le32_of(0) },
				 .cause = le32_of(cause) };

	(void)sock_send(f->conn, &m, sizeof(m), NULL, 0);
	_exit(CTL_EXIT_STATUS((int)cause));
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
		return;
	}
	if (id == CTL_REQ_STATUS) {
		struct ctl_status_reply status = { .hdr = hdr,
						   .state = le32_of(f->state) };

		(void)sock_send(f->conn, &status, sizeof(status), NULL, 0);
		return;
	}
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
	struct fake f = { .zone = argc > 2 ? argv[2] : "?" };
	const char *root = getenv("KZONES_ROOT");
	struct pollfd waiting = { .fd = CTL_LISTEN_FD, .events = POLLIN };
	char path[4096];

	snprintf(path, sizeof(path), "%s/fake/log", root ? root : "");
	f.log_fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	enter(&f, CTL_EMPTY);
	note(&f, "begin");
	for (;;) {
		if (poll(&waiting, 1, -1) < 0)
			continue;
		f.conn = accept4(CTL_LISTEN_FD, NULL, NULL, SOCK_CLOEXEC);
		if (f.conn < 0)
			continue;
		converse(&f);
		close(f.conn);
	}
}
