// SPDX-License-Identifier: BSD-2-Clause
/*
 * spawn.c - start one kzhost: the only place of the restarter that forks
 *
 * The child tells through a close-on-exec pipe that it could not enter the program; end
 * of file means that it has.
 */
#include "restarter/spawn.h"
#include "common/proto/ctl.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

int pidfd_of(pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	return fd < 0 ? -errno : fd;
}

int pidfd_kill(int pidfd, int sig)
{
	return syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0) < 0 ? -errno : 0;
}

/* A copy above all the places that are about to be filled. */
static int lifted(int fd)
{
	return fcntl(fd, F_DUPFD_CLOEXEC, 16);
}

static void reset_signals(void)
{
	sigset_t none;

	for (int sig = 1; sig < SIGRTMIN; sig++)
		(void)signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* In the child, between fork and exec; only what is async-signal-safe. */
static int enter(const struct spawn *s, int report_fd)
{
	char *argv[] = { (char *)(uintptr_t) "kzhost", (char *)(uintptr_t) "-z",
			 (char *)(uintptr_t)s->zone, NULL };
	int listen_fd = lifted(s->listen_fd), log_fd = lifted(s->log_fd);
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (listen_fd < 0 || log_fd < 0 || null_fd < 0)
		return errno;
	if (setsid() < 0 || dup2(null_fd, 0) < 0 || dup2(log_fd, 1) < 0 ||
	    dup2(log_fd, 2) < 0 || dup2(listen_fd, CTL_LISTEN_FD) < 0)
		return errno;
	/* Listening again makes the socket's peer credentials those of this process. */
	if (listen(CTL_LISTEN_FD, SOMAXCONN) < 0)
		return errno;
	/* Nothing else may leak in, whoever forgot the flag; the report goes at exec. */
	if (report_fd > CTL_LISTEN_FD + 1)
		(void)syscall(SYS_close_range, CTL_LISTEN_FD + 1, report_fd - 1, 0);
	(void)syscall(SYS_close_range, report_fd + 1, ~0u, 0);
	reset_signals();
	execv(s->program, argv);
	return errno;
}

int spawn_kzhost(const struct spawn *s, pid_t *ret_pid, int *ret_pidfd, struct errmsg *e)
{
	cleanup(closep) int read_fd = -1;
	cleanup(closep) int write_fd = -1;
	cleanup(closep) int pidfd = -1;
	int fds[2], err = 0;
	ssize_t n;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return errmsg_set(e, -errno, "no pipe for kzhost: %s", strerror(errno));
	read_fd = fds[0];
	write_fd = lifted(fds[1]); /* out of the way of 0 to 3 */
	close(fds[1]);
	pid = write_fd < 0 ? -1 : fork();
	if (pid < 0)
		return errmsg_set(e, -errno, "cannot fork: %s", strerror(errno));
	if (pid == 0) {
		err = enter(s, write_fd);
		(void)!write(write_fd, &err, sizeof(err));
		_exit(127);
	}
	closep(&write_fd);
	pidfd = pidfd_of(pid);
	do
		n = read(read_fd, &err, sizeof(err));
	while (n < 0 && errno == EINTR);
	if (n == 0 && pidfd >= 0) {
		*ret_pid = pid;
		*ret_pidfd = take_fd(&pidfd);
		return 0;
	}
	if (n == 0) {
		err = -pidfd;
		kill(pid, SIGKILL); /* our own child, not yet waited for */
	}
	(void)waitpid(pid, NULL, 0);
	return errmsg_set(e, -(err ? err : EIO), "cannot run %s: %s", s->program,
			  strerror(err ? err : EIO));
}
