// SPDX-License-Identifier: BSD-2-Clause
/*
 * test_confine.c - what a confined process still finds of the host
 *
 * A child is given what it must not keep, confines itself as kzhost does, and looks.
 */
#include "kzhost/sandbox/confine.h"
#include "tests/harness/harness.h"

#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>

/* Runs a child; its exit status, after which the test's text of what is wrong stands. */
static void in_child(void (*look)(void))
{
	pid_t pid;
	int status;

	fflush(NULL);
	pid = fork();
	T_TRUE(pid >= 0);
	if (pid == 0) {
		look();
		_exit(0);
	}
	T_EQ(waitpid(pid, &status, 0), pid);
	T_EQ(status, 0);
}

/* In the child: what does not hold is said on standard error, as the test's own. */
#define MUST(cond) \
	do { \
		if (!(cond)) { \
			dprintf(STDERR_FILENO, "# line %d: not so: %s: %s\n", __LINE__, \
				#cond, strerror(errno)); \
			_exit(1); \
		} \
	} while (0)

static void confined(void)
{
	struct errmsg e = { "" };

	if (confine_process(&e) < 0) {
		dprintf(STDERR_FILENO, "# %s\n", e.text);
		_exit(2);
	}
}

static void look_at_the_environment(void)
{
	static char secret[] = "KZ_TEST_SECRET=tell nobody";
	char *vars[] = { secret, NULL };

	environ = vars;
	confined();
	MUST(!environ || !*environ);
	for (size_t i = 0; i < sizeof(secret); i++)
		MUST(secret[i] == '\0');
}

TEST(confine, the_environment_is_gone_and_its_text_too)
{
	in_child(look_at_the_environment);
}

static const struct {
	int which;
	rlim_t before, after;
} limits[] = {
	{ RLIMIT_CORE, RLIM_INFINITY, 0 },
	{ RLIMIT_NOFILE, 5000, 4096 },
	{ RLIMIT_MSGQUEUE, 1000, 0 },
	{ RLIMIT_RTPRIO, 1, 0 },
	{ RLIMIT_NICE, 1, 0 },
	{ RLIMIT_FSIZE, RLIM_INFINITY - 1, RLIM_INFINITY },
	{ RLIMIT_AS, RLIM_INFINITY - 1, RLIM_INFINITY },
	{ RLIMIT_DATA, RLIM_INFINITY - 1, RLIM_INFINITY },
	{ RLIMIT_CPU, RLIM_INFINITY - 1, RLIM_INFINITY },
	{ RLIMIT_MEMLOCK, 4096, RLIM_INFINITY },
};

/* What a limit can be: where CAP_SYS_RESOURCE is missing, not more than it was. */
static rlim_t reachable(const struct rlimit *before, rlim_t wanted)
{
	static const struct rlimit any = { RLIM_INFINITY, RLIM_INFINITY };
	struct rlimit was;
	bool lifts;

	MUST(getrlimit(RLIMIT_MSGQUEUE, &was) == 0);
	lifts = setrlimit(RLIMIT_MSGQUEUE, &any) == 0;
	MUST(setrlimit(RLIMIT_MSGQUEUE, &was) == 0);
	return lifts ? wanted : MIN(wanted, before->rlim_max);
}

static void look_at_limits(void)
{
	rlim_t after[ARRAY_SIZE(limits)];

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		struct rlimit rl;

		MUST(getrlimit(limits[i].which, &rl) == 0);
		after[i] = reachable(&rl, limits[i].after);
		rl.rlim_cur = MIN(limits[i].before, rl.rlim_max);
		MUST(setrlimit(limits[i].which, &rl) == 0);
	}
	confined();
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		struct rlimit rl = { 1, 1 };

		MUST(getrlimit(limits[i].which, &rl) == 0);
		MUST(rl.rlim_cur == after[i] && rl.rlim_max == after[i]);
	}
}

TEST(confine, limits_are_its_own)
{
	in_child(look_at_limits);
}

static void look_at_limits_of_others(void)
{
	struct rlimit files = { 100, 200 }, locked = { 1, 4096 }, rl;

	MUST(setrlimit(RLIMIT_NOFILE, &files) == 0);
	MUST(setrlimit(RLIMIT_MEMLOCK, &locked) == 0);
	MUST(geteuid() != 0 || setuid(65534) == 0);
	confined();
	MUST(getrlimit(RLIMIT_CORE, &rl) == 0 && rl.rlim_max == 0);
	MUST(getrlimit(RLIMIT_NOFILE, &rl) == 0);
	MUST(rl.rlim_cur == 200 && rl.rlim_max == 200);
	MUST(getrlimit(RLIMIT_MEMLOCK, &rl) == 0 && rl.rlim_cur == 4096);
}

TEST(confine, who_may_not_lift_limits_has_what_he_may_have)
{
	in_child(look_at_limits_of_others);
}
