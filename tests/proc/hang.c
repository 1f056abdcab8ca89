// SPDX-License-Identifier: BSD-2-Clause
/*
 * hang.c - run a program on a host some of whose storage does not answer
 *
 * Usage: hang FILE PROGRAM [ARG...]
 *
 * FILE has a path a line, and may change at any time: open(2) and stat(2) of what begins
 * with one of them hang, in the program and in all that it starts, until that line has
 * gone. FILE.now has the paths of the calls that hang now, a line each.
 *
 * The kernel stops the calls itself (seccomp_unotify(2)), so that they can be seen, and
 * killed, like those of a dead server. A child of the first child looks at each of them.
 * It ends when nobody is left who could make one. 77: the kernel cannot.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define HUNG_MAX 64
#define LOOK_MS  5

struct call {
	struct seccomp_notif *asked;
	char path[PATH_MAX];
};

static struct call hung[HUNG_MAX];
static unsigned n_hung;
static const char *file;

static void die(const char *what)
{
	fprintf(stderr, "hang: %s: %s\n", what, strerror(errno));
	_exit(77);
}

static bool must_hang(const char *path)
{
	char line[PATH_MAX];
	FILE *f = fopen(file, "re");
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		found = *line && strncmp(path, line, strlen(line)) == 0;
	}
	if (f)
		fclose(f);
	return found;
}

/* Replaced at once, so that nobody reads half of it. */
static void tell(void)
{
	char now[PATH_MAX], tmp[PATH_MAX];
	FILE *f;

	snprintf(now, sizeof(now), "%s.now", file);
	snprintf(tmp, sizeof(tmp), "%s.tmp", file);
	f = fopen(tmp, "we");
	for (unsigned i = 0; f && i < n_hung; i++)
		fprintf(f, "%s\n", hung[i].path);
	if (!f || fclose(f) || rename(tmp, now) < 0)
		_exit(0); /* the test has ended, and its folder has gone */
}

/* The second argument of openat(2) and newfstatat(2). */
static void path_of(const struct seccomp_notif *asked, char path[PATH_MAX])
{
	char mem[32];
	ssize_t n = -1;
	int fd;

	snprintf(mem, sizeof(mem), "/proc/%u/mem", asked->pid);
	fd = open(mem, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		n = pread(fd, path, PATH_MAX - 1, (off_t)asked->data.args[1]);
	close(fd);
	path[n < 0 ? 0 : n] = '\0';
}

static void let_go(int fd, struct seccomp_notif *asked)
{
	struct seccomp_notif_resp answer = { .id = asked->id,
					     .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE };

	(void)seccomp_notify_respond(fd, &answer); /* the caller may have been killed */
	seccomp_notify_free(asked, NULL);
}

static void take(int fd)
{
	struct call *c = &hung[n_hung];

	if (n_hung == HUNG_MAX || seccomp_notify_alloc(&c->asked, NULL) < 0)
		die("too many calls");
	if (seccomp_notify_receive(fd, c->asked) < 0) {
		seccomp_notify_free(c->asked, NULL);
		return;
	}
	path_of(c->asked, c->path);
	if (!must_hang(c->path)) {
		let_go(fd, c->asked);
		return;
	}
	n_hung++;
	tell();
}

static void look(int fd)
{
	const unsigned before = n_hung;

	for (unsigned i = 0; i < n_hung;) {
		bool alive = seccomp_notify_id_valid(fd, hung[i].asked->id) == 0;

		if (alive && must_hang(hung[i].path)) {
			i++;
			continue;
		}
		let_go(fd, hung[i].asked);
		hung[i] = hung[--n_hung];
	}
	if (n_hung != before)
		tell();
}

_Noreturn static void serve(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	tell();
	for (;;) {
		if (poll(&p, 1, n_hung ? LOOK_MS : -1) < 0 && errno != EINTR)
			die("poll");
		if (p.revents & POLLIN)
			take(fd);
		look(fd);
		if (p.revents && !(p.revents & POLLIN)) {
			n_hung = 0;
			tell();
			_exit(0);
		}
	}
}

static int listener(void)
{
	static const int calls[] = { SCMP_SYS(openat), SCMP_SYS(newfstatat) };
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);

	for (unsigned i = 0; ctx && i < sizeof(calls) / sizeof(calls[0]); i++)
		if (seccomp_rule_add(ctx, SCMP_ACT_NOTIFY, calls[i], 0) < 0)
			return -1;
	return ctx && seccomp_load(ctx) == 0 ? seccomp_notify_fd(ctx) : -1;
}

/* A descriptor over a socket: out (@fd >= 0) or in. */
static int pass(int sock, int fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} room = { { 0 } };
	char byte = 0;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = room.bytes,
			      .msg_controllen = sizeof(room.bytes) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	if (fd < 0) {
		if (recvmsg(sock, &msg, MSG_CMSG_CLOEXEC) != 1 || !CMSG_FIRSTHDR(&msg))
			return -1;
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
		return fd;
	}
	*c = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(int)),
			       .cmsg_level = SOL_SOCKET,
			       .cmsg_type = SCM_RIGHTS };
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	return sendmsg(sock, &msg, 0) == 1 ? fd : -1;
}

int main(int argc, char *argv[])
{
	int pair[2], fd;
	pid_t pid;

	if (argc < 3) {
		fprintf(stderr, "usage: hang FILE PROGRAM [ARG...]\n");
		return 2;
	}
	file = argv[1];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		die("socketpair");
	pid = fork();
	if (pid == 0) {
		if (fork())
			_exit(0);
		close(pair[0]);
		fd = pass(pair[1], -1);
		close(pair[1]);
		if (fd < 0)
			_exit(1);
		serve(fd);
	}
	(void)waitpid(pid, NULL, 0);
	fd = listener();
	if (fd < 0 || pass(pair[0], fd) < 0)
		die("seccomp_unotify");
	close(fd);
	execv(argv[2], argv + 2);
	die(argv[2]);
}
