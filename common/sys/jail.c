// SPDX-License-Identifier: BSD-2-Clause
/*
 * jail.c - namespaces with nothing in them
 */
#include "common/sys/jail.h"
#include "common/sys/sock.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* Where the empty root is mounted before it is the root; it is there: /proc/self is used. */
#define PLACE "/proc"

const char *const jail_ns_names[JAIL_NS_N] = {
#define X(id, name, file, type) [JAIL_##id] = name,
	JAIL_NAMESPACES(X)
#undef X
};

const int jail_ns_types[JAIL_NS_N] = {
#define X(id, name, file, type) [JAIL_##id] = type,
	JAIL_NAMESPACES(X)
#undef X
};

/* What the child tells its parent, with the descriptors when all went well. */
struct report {
	int err; /* negative errno or 0 */
	struct errmsg e;
};

static bool has_capabilities(uint32_t wanted)
{
	struct __user_cap_header_struct header = { .version =
							   _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3] = { 0 };

	return syscall(SYS_capget, &header, caps) == 0 &&
	       (caps[0].effective & wanted) == wanted;
}

bool jail_privileged(void)
{
	return has_capabilities(1u << CAP_SYS_ADMIN | 1u << CAP_SYS_CHROOT);
}

bool jail_may_set_uid(void)
{
	return has_capabilities(1u << CAP_SETUID | 1u << CAP_SETGID);
}

static int write_file(const char *path, const char *text, struct errmsg *e)
{
	cleanup(closep) int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		return errmsg_set(e, -errno, "%s: %s", path, strerror(errno));
	return 0;
}

/* The caller's uid and gid are the only ones there are, and are themselves. */
static int map_ids(uid_t uid, gid_t gid, struct errmsg *e)
{
	char text[64];
	int r;

	snprintf(text, sizeof(text), "%u %u 1", uid, uid);
	r = write_file("/proc/self/uid_map", text, e);
	if (r == 0)
		r = write_file("/proc/self/setgroups", "deny", e);
	snprintf(text, sizeof(text), "%u %u 1", gid, gid);
	return r < 0 ? r : write_file("/proc/self/gid_map", text, e);
}

/* A new namespace of one type around this process, and a descriptor of it. */
static int enter_new(enum jail_ns ns, int *ret_fd, struct errmsg *e)
{
	static const char *const files[JAIL_NS_N] = {
#define X(id, name, file, type) [JAIL_##id] = "/proc/self/ns/" file,
		JAIL_NAMESPACES(X)
#undef X
	};
	uid_t uid = geteuid();
	gid_t gid = getegid();
	int r;

	if (unshare(jail_ns_types[ns]) < 0)
		return errmsg_set(e, -errno, "a new %s namespace: %s", jail_ns_names[ns],
				  strerror(errno));
	if (ns == JAIL_USER) {
		r = map_ids(uid, gid, e);
		if (r < 0)
			return r;
	}
	*ret_fd = open(files[ns], O_RDONLY | O_CLOEXEC);
	if (*ret_fd < 0)
		return errmsg_set(e, -errno, "%s: %s", files[ns], strerror(errno));
	return 0;
}

/* In a mount namespace of our own: one mount is left, empty and read-only. */
static int empty_root(struct errmsg *e)
{
	const unsigned long flags = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return errmsg_set(e, -errno, "mounts of our own: %s", strerror(errno));
	if (mount("none", PLACE, "tmpfs", flags, "size=4k,nr_inodes=1,mode=0555") < 0)
		return errmsg_set(e, -errno, "mounting an empty root: %s",
				  strerror(errno));
	/* The old root comes to lie on the new one, and goes. */
	if (chdir(PLACE) < 0 || syscall(SYS_pivot_root, ".", ".") < 0)
		return errmsg_set(e, -errno, "pivot_root: %s", strerror(errno));
	if (umount2(".", MNT_DETACH) < 0)
		return errmsg_set(e, -errno, "unmounting the old root: %s",
				  strerror(errno));
	return 0;
}

/* In the child. */
static int make_all(struct jail *j, struct errmsg *e)
{
	int r = 0;

	for (unsigned ns = jail_privileged() ? JAIL_USER + 1 : JAIL_USER;
	     ns < JAIL_NS_N && r == 0; ns++) {
		r = enter_new((enum jail_ns)ns, &j->fd[j->n], e);
		if (r == 0)
			j->n++;
	}
	if (r == 0 && sethostname("zone", 4) < 0)
		r = errmsg_set(e, -errno, "sethostname: %s", strerror(errno));
	return r < 0 ? r : empty_root(e);
}

static _Noreturn void child_main(int fd)
{
	struct jail j = { .n = 0 };
	struct report report = { 0 };

	report.err = make_all(&j, &report.e);
	_exit(sock_send(fd, &report, sizeof(report), j.fd, report.err ? 0 : j.n) < 0);
}

static int take_report(int fd, struct jail *ret_jail, struct errmsg *e)
{
	struct report report;
	int fds[SOCK_FDS_MAX];
	struct jail j = { .n = 0 };
	ssize_t n = sock_recv(fd, &report, sizeof(report), fds, &j.n);

	if (n != sizeof(report) || (report.err == 0 && j.n == 0))
		return errmsg_set(e, n < 0 ? (int)n : -EPROTO,
				  "the process that makes namespaces: %s",
				  n < 0 ? strerror((int)-n) : "ended");
	if (report.err)
		return errmsg_set(e, report.err, "%s", report.e.text);
	memcpy(j.fd, fds, j.n * sizeof(fds[0]));
	*ret_jail = j;
	return 0;
}

/* What a user namespace would take away that is needed more. */
static int check_unprivileged(struct errmsg *e)
{
	struct rlimit memory = { 0 };

	if (jail_may_set_uid())
		return errmsg_set(e, -EPERM,
				  "uids can be set, but namespaces not made: "
				  "CAP_SYS_ADMIN is missing");
	(void)getrlimit(RLIMIT_MEMLOCK, &memory);
	if (memory.rlim_max != RLIM_INFINITY && has_capabilities(1u << CAP_IPC_LOCK))
		return errmsg_set(e, -EPERM,
				  "memory is locked by CAP_IPC_LOCK, which does "
				  "not reach into a user namespace");
	return 0;
}

int jail_make(struct jail *ret_jail, struct errmsg *e)
{
	cleanup(closep) int ours = -1;
	int pair[2], r;
	pid_t pid;

	r = jail_privileged() ? 0 : check_unprivileged(e);
	if (r < 0)
		return r;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return errmsg_set(e, -errno, "socketpair: %s", strerror(errno));
	ours = pair[0];
	pid = fork();
	if (pid == 0)
		child_main(pair[1]);
	r = pid < 0 ? -errno : 0;
	close(pair[1]);
	if (r < 0)
		return errmsg_set(e, r, "cannot fork: %s", strerror(-r));
	r = take_report(ours, ret_jail, e);
	(void)waitpid(pid, NULL, 0);
	return r;
}

void jail_close(struct jail *j)
{
	while (j->n > 0)
		closep(&j->fd[--j->n]);
}
