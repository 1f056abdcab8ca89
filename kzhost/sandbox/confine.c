// SPDX-License-Identifier: BSD-2-Clause
/*
 * confine.c - environment and limits
 */
#include "kzhost/sandbox/confine.h"

#include <string.h>
#include <sys/resource.h>

/*
 * Limits: what, how much. Those that stand in nobody's way are lifted: a guest's disk may
 * be larger than files of svc.zones may get, its memory is all locked. Descriptors and
 * threads are as many as the largest machine needs and some more.
 */
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

int confine_process(struct errmsg *e)
{
	wipe_environment();
	return set_limits(e);
}
