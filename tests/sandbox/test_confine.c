// SPDX-License-Identifier: BSD-2-Clause
/*
 * test_confine.c - what a confined process still finds of the host
 *
 * A child is given what it must not keep, confines itself as kzhost does, and looks.
 */
#include "kzhost/sandbox/confine.h"
#include "common/proto/ctl.h"
#include "common/sys/sock.h"
#include "tests/harness/harness.h"

#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
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

static void confined_as(uid_t uid)
{
	const struct confine c = { .uid = uid };
	struct errmsg e = { "" };

	if (confine_process(&c, &e) < 0) {
		dprintf(STDERR_FILENO, "# %s\n", e.text);
		_exit(2);
	}
}

static void confined(void)
{
	confined_as(0);
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

#define UID 1900000007u

/* A listening control socket in its place; a connection to it can be made at the path. */
static void listen_on(const char *path)
{
	int fd;

	MUST(sock_listen(path, SOCK_SEQPACKET, 0666, &fd) == 0);
	MUST(dup2(fd, CTL_LISTEN_FD) == CTL_LISTEN_FD);
}

static const char *socket_path;

static void look_at_the_uid(void)
{
	const gid_t group = 1;
	uid_t uid[3];
	gid_t gid[3];
	struct rlimit rl;

	listen_on(socket_path);
	MUST(setgroups(1, &group) == 0);
	confined_as(UID);
	MUST(getresuid(&uid[0], &uid[1], &uid[2]) == 0);
	MUST(uid[0] == UID && uid[1] == UID && uid[2] == UID);
	MUST(getresgid(&gid[0], &gid[1], &gid[2]) == 0);
	MUST(gid[0] == UID && gid[1] == UID && gid[2] == UID);
	MUST(getgroups(0, NULL) == 0);
	MUST(getrlimit(RLIMIT_NPROC, &rl) == 0 && rl.rlim_max == 2048);
	MUST(setuid(0) < 0 && errno == EPERM);
	MUST(setgid(0) < 0 && errno == EPERM);
	MUST(open(socket_path, O_RDONLY) < 0 && errno == EACCES);
}

TEST(confine, uid_and_gid_are_its_own_for_good)
{
	if (geteuid() != 0)
		T_SKIP("only root gives uids");
	socket_path = t_path("ctl.sock");
	in_child(look_at_the_uid);
}

static void look_at_who_listens(void)
{
	struct ucred who;
	int fd;

	listen_on(socket_path);
	confined_as(UID);
	MUST(sock_connect(socket_path, SOCK_SEQPACKET, &fd) == 0);
	MUST(sock_peer(fd, &who) == 0);
	MUST(who.pid == getpid() && who.uid == UID && who.gid == UID);
}

TEST(confine, who_connects_sees_the_uid)
{
	if (geteuid() != 0)
		T_SKIP("only root gives uids");
	socket_path = t_path("ctl.sock");
	T_OK(chmod(t_root(), 0755));
	in_child(look_at_who_listens);
}

static void look_at_the_refusal(void)
{
	const struct confine c = { .uid = UID };
	struct errmsg e = { "" };

	listen_on(socket_path);
	MUST(geteuid() != 0 || setuid(65534) == 0);
	MUST(confine_process(&c, &e) == -EPERM);
	MUST(strstr(e.text, "groups: ") == e.text);
}

TEST(confine, a_uid_that_cannot_be_had_is_an_error)
{
	socket_path = t_path("ctl.sock");
	in_child(look_at_the_refusal);
}
