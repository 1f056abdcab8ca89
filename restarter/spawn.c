// SPDX-License-Identifier: BSD-2-Clause
/*
 * spawn.c - start one kzhost: the only place of the restarter that forks
 *
 * By vfork(2): a copy of the page tables of a restarter with thousands of zones would
 * cost more than all the rest of a start, and what keeps the child from the program is
 * told in the memory that both share until then. Where it goes into a control group of
 * its own that cannot be had: see run_in_group().
 */
#include "restarter/spawn.h"
#include "common/proto/ctl.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
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

/* What the child needs, made before it. */
struct order {
	const struct spawn *s;
	char *argv[8];
	unsigned argc;
	char uid[16], n_ns[16];
};

static void add_args(struct order *o, const char *option, const char *value)
{
	ASSERT(o->argc + 2 < ARRAY_SIZE(o->argv));
	o->argv[o->argc++] = (char *)(uintptr_t)option;
	o->argv[o->argc++] = (char *)(uintptr_t)value;
}

static void make_order(struct order *o, const struct spawn *s)
{
	*o = (struct order){ .s = s,
			     .argv = { (char *)(uintptr_t) "kzhost" },
			     .argc = 1 };
	add_args(o, "-z", s->zone);
	snprintf(o->uid, sizeof(o->uid), "%u", s->uid);
	if (s->uid)
		add_args(o, "-u", o->uid);
	snprintf(o->n_ns, sizeof(o->n_ns), "%u", s->jail->n);
	if (s->jail->n)
		add_args(o, "-j", o->n_ns);
}

/* Namespaces into their places; 0 or -1 with errno. */
static int place_namespaces(const struct jail *j)
{
	int fd[JAIL_NS_N];

	for (unsigned i = 0; i < j->n; i++) {
		fd[i] = lifted(j->fd[i]);
		if (fd[i] < 0)
			return -1;
	}
	for (unsigned i = 0; i < j->n; i++)
		if (dup2(fd[i], CTL_NS_FD + (int)i) < 0)
			return -1;
	return 0;
}

/* In the child, between vfork and exec; only what is async-signal-safe. 0 or errno. */
static int enter(const struct order *o)
{
	const struct spawn *s = o->s;
	int listen_fd = lifted(s->listen_fd), log_fd = lifted(s->log_fd);
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (listen_fd < 0 || log_fd < 0 || null_fd < 0)
		return errno;
	if (place_namespaces(s->jail) < 0 || setsid() < 0 || dup2(null_fd, 0) < 0 ||
	    dup2(log_fd, 1) < 0 || dup2(log_fd, 2) < 0 ||
	    dup2(listen_fd, CTL_LISTEN_FD) < 0)
		return errno;
	/* Listening again makes the socket's peer credentials those of this process. */
	if (listen(CTL_LISTEN_FD, SOMAXCONN) < 0)
		return errno;
	/* Nothing else may leak in, whoever forgot the flag. */
	(void)syscall(SYS_close_range, CTL_NS_FD + s->jail->n, ~0u, 0);
	reset_signals();
	execv(s->program, o->argv);
	return errno;
}

/* The child's pid, or -errno; *ret_err is what kept it from the program, or 0. */
static pid_t run(const struct order *o, int *ret_err)
{
	volatile int err = 0; /* the child's memory is ours until it is in the program */
	/* NOLINTNEXTLINE(*.insecureAPI.vfork): the top of the file says why */
	pid_t pid = vfork();

	if (pid == 0) {
		/* NOLINTNEXTLINE(*-unix.Vfork): system calls, in memory that is kept */
		err = enter(o);
		_exit(127);
	}
	*ret_err = err;
	return pid < 0 ? -errno : pid;
}

/*
 * The same into a control group, without a moment outside of it. The C library has no
 * call for this, and a plain system call cannot share our stack with the child: it gets
 * copies of our pages, and we wait for it as after vfork(2).
 */
static pid_t run_in_group(const struct order *o, int *ret_err)
{
	struct clone_args args = { .flags = CLONE_INTO_CGROUP | CLONE_VFORK,
				   .exit_signal = SIGCHLD,
				   .cgroup = (uint64_t)o->s->group_fd };
	int *err = mmap(NULL, sizeof(*err), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	if (err == MAP_FAILED)
		return -errno;
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	if (pid == 0) {
		*err = enter(o);
		_exit(127);
	}
	if (pid < 0)
		pid = -errno;
	*ret_err = *err;
	(void)munmap(err, sizeof(*err));
	return pid;
}

static pid_t run_masked(const struct order *o, int *ret_err, bool *ret_grouped)
{
	sigset_t all, before;
	pid_t pid = -1;

	/* No handler of ours may run in the child. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	if (o->s->group_fd >= 0)
		pid = run_in_group(o, ret_err);
	*ret_grouped = pid >= 0;
	if (pid < 0)
		pid = run(o, ret_err);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return pid;
}

int spawn_kzhost(const struct spawn *s, pid_t *ret_pid, int *ret_pidfd, bool *ret_grouped,
		 struct errmsg *e)
{
	struct order o;
	bool grouped;
	int err = 0, pidfd;
	pid_t pid;

	make_order(&o, s);
	pid = run_masked(&o, &err, &grouped);
	if (pid < 0)
		return errmsg_set(e, pid, "cannot fork: %s", strerror(-pid));
	pidfd = pidfd_of(pid);
	if (!err && pidfd >= 0) {
		*ret_pid = pid;
		*ret_pidfd = pidfd;
		*ret_grouped = grouped;
		return 0;
	}
	if (!err) {
		err = -pidfd;
		kill(pid, SIGKILL); /* our own child, not yet waited for */
	}
	closep(&pidfd);
	(void)waitpid(pid, NULL, 0);
	return errmsg_set(e, -err, "cannot run %s: %s", s->program, strerror(err));
}
