// SPDX-License-Identifier: BSD-2-Clause
/*
 * confine.c - environment, limits, namespaces, uid
 */
#include "kzhost/sandbox/confine.h"

#include "common/proto/ctl.h"
#include "common/sys/jail.h"

#include <grp.h>
#include <linux/capability.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

/*
 * Limits: what, how much. Those that stand in nobody's way are lifted: a guest's disk may
 * be larger than files of svc.zones may get, its memory is all locked. Descriptors and
 * threads are as many as the largest machine needs and some more.
 */
#define THREADS_MAX 2048 /* with the kernel's workers for rings */

static const struct {
	int which;
	const char *name;
	rlim_t limit;
} limits[] = {
	{ RLIMIT_CORE, "core", 0 }, /* guest memory is not for files */
	{ RLIMIT_NOFILE, "nofile", 4096 },
	{ RLIMIT_MSGQUEUE, "msgqueue", 0 },
	{ RLIMIT_RTPRIO, "rtprio", 0 },
	{ RLIMIT_NICE, "nice", 0 },
	{ RLIMIT_FSIZE, "fsize", RLIM_INFINITY },
	{ RLIMIT_AS, "as", RLIM_INFINITY },
	{ RLIMIT_DATA, "data", RLIM_INFINITY },
	{ RLIMIT_CPU, "cpu", RLIM_INFINITY },
	{ RLIMIT_MEMLOCK, "memlock", RLIM_INFINITY },
};

/* The strings themselves: they lie on the stack for who can read there, and in /proc. */
static void wipe_environment(void)
{
	for (char **s = environ; s && *s; s++)
		explicit_bzero(*s, strlen(*s));
	clearenv();
}

/* Who may not lift a limit has as much as he may have. */
static int set_limit(int which, rlim_t limit)
{
	struct rlimit rl = { limit, limit };

	if (setrlimit(which, &rl) == 0)
		return 0;
	if (errno != EPERM || getrlimit(which, &rl) < 0)
		return -errno;
	rl.rlim_cur = rl.rlim_max = MIN(limit, rl.rlim_max);
	return setrlimit(which, &rl) < 0 ? -errno : 0;
}

static int set_limits(struct errmsg *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		int r = set_limit(limits[i].which, limits[i].limit);

		if (r < 0)
			return errmsg_set(e, r, "limit of %s: %s", limits[i].name,
					  strerror(-r));
	}
	return 0;
}

static int join_one(int fd, uint32_t *flags, struct errmsg *e)
{
	int type = ioctl(fd, NS_GET_NSTYPE);
	unsigned ns = 0;

	while (ns < JAIL_NS_N && jail_ns_types[ns] != type)
		ns++;
	if (ns == JAIL_NS_N)
		return errmsg_set(e, -EINVAL, "descriptor %d is not a namespace", fd);
	if (setns(fd, type) < 0)
		return errmsg_set(e, -errno, "the %s namespace: %s", jail_ns_names[ns],
				  strerror(errno));
	close(fd);
	*flags |= CTL_HELLO_NS(ns);
	return 0;
}

/* Who joins a user namespace has all of them there; none is of use to us. */
static int drop_new_capabilities(struct errmsg *e)
{
	struct __user_cap_header_struct header = { .version =
							   _LINUX_CAPABILITY_VERSION_3 };
	static const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3];

	return syscall(SYS_capset, &header, none) < 0
		       ? errmsg_set(e, -errno, "capset: %s", strerror(errno))
		       : 0;
}

/* The mount namespace brings its root directory; without one, at least the cwd is its. */
static int join_namespaces(unsigned n, uint32_t *flags, struct errmsg *e)
{
	int r = 0;

	for (unsigned i = 0; i < n && r == 0; i++)
		r = join_one(CTL_NS_FD + (int)i, flags, e);
	if (r == 0 && chdir("/") < 0)
		r = errmsg_set(e, -errno, "root directory: %s", strerror(errno));
	if (r == 0 && (*flags & CTL_HELLO_NS(JAIL_USER)))
		r = drop_new_capabilities(e);
	return r;
}

/*
 * Capabilities are kept, not in effect, for sandbox_enter() to choose from. A process of
 * its own uid can be counted by it: the limit of processes is that of its threads.
 */
static int change_uid(uid_t uid, struct errmsg *e)
{
	gid_t gid = (gid_t)uid;
	int r = set_limit(RLIMIT_NPROC, THREADS_MAX);

	if (r < 0)
		return errmsg_set(e, r, "limit of nproc: %s", strerror(-r));
	if (setgroups(0, NULL) < 0)
		return errmsg_set(e, -errno, "groups: %s", strerror(errno));
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 || setresgid(gid, gid, gid) < 0 ||
	    setresuid(uid, uid, uid) < 0)
		return errmsg_set(e, -errno, "uid and gid %u: %s", uid, strerror(errno));
	if (listen(CTL_LISTEN_FD, SOMAXCONN) < 0)
		return errmsg_set(e, -errno, "control socket: %s", strerror(errno));
	return 0;
}

int confine_process(const struct confine *c, uint32_t *ret_flags, struct errmsg *e)
{
	uint32_t flags = c->uid ? CTL_HELLO_UID : 0;
	int r;

	wipe_environment();
	r = set_limits(e);
	if (r == 0)
		r = join_namespaces(c->n_ns, &flags, e);
	if (r == 0 && c->uid)
		r = change_uid(c->uid, e);
	if (r == 0)
		*ret_flags = flags;
	return r;
}
