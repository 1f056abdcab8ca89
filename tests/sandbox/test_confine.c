// SPDX-License-Identifier: BSD-2-Clause
/*
 * test_confine.c - what a confined process still finds of the host
 *
 * A child is given what it must not keep, confines itself as kzhost does, and looks.
 */
#include "kzhost/sandbox/confine.h"
#include "kzhost/sandbox/sandbox.h"
#include "common/proto/ctl.h"
#include "common/sys/jail.h"
#include "common/sys/sock.h"
#include "tests/harness/harness.h"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
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

/* As ordered, or the test fails with what was wrong. */
static void confined_by(const struct confine *c)
{
	uint32_t flags = 0, expected = c->uid ? CTL_HELLO_UID : 0;
	struct errmsg e = { "" };

	if (confine_process(c, &flags, &e) < 0) {
		dprintf(STDERR_FILENO, "# %s\n", e.text);
		_exit(2);
	}
	for (unsigned i = JAIL_NS_N - c->n_ns; i < JAIL_NS_N; i++)
		expected |= CTL_HELLO_NS(i);
	MUST(flags == expected);
}

static void confined_as(uid_t uid)
{
	confined_by(&(struct confine){ .uid = uid });
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

static uint32_t permitted(void)
{
	struct __user_cap_header_struct header = { .version =
							   _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3] = { 0 };

	MUST(syscall(SYS_capget, &header, caps) == 0);
	return caps[0].permitted;
}

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
	const uint32_t may = permitted();

	listen_on(socket_path);
	MUST(setgroups(1, &group) == 0);
	confined_as(UID);
	MUST(getresuid(&uid[0], &uid[1], &uid[2]) == 0);
	MUST(uid[0] == UID && uid[1] == UID && uid[2] == UID);
	MUST(getresgid(&gid[0], &gid[1], &gid[2]) == 0);
	MUST(gid[0] == UID && gid[1] == UID && gid[2] == UID);
	MUST(getgroups(0, NULL) == 0);
	MUST(getrlimit(RLIMIT_NPROC, &rl) == 0 && rl.rlim_max == 2048);
	MUST(permitted() == may); /* for sandbox_enter() to choose from */
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
	uint32_t flags;

	listen_on(socket_path);
	MUST(geteuid() != 0 || setuid(65534) == 0);
	MUST(confine_process(&c, &flags, &e) == -EPERM);
	MUST(strstr(e.text, "groups: ") == e.text);
}

TEST(confine, a_uid_that_cannot_be_had_is_an_error)
{
	socket_path = t_path("ctl.sock");
	in_child(look_at_the_refusal);
}

/* Makes namespaces, puts them where kzhost finds them; how many. Who may not: skipped. */
static unsigned namespaces_in_place(struct jail *j)
{
	struct errmsg e = { "" };

	if (jail_make(j, &e) < 0) {
		dprintf(STDERR_FILENO, "# %s\n", e.text);
		_exit(3);
	}
	for (unsigned i = 0; i < j->n; i++)
		MUST(dup2(j->fd[i], CTL_NS_FD + (int)i) >= 0);
	return j->n;
}

static void jailed(void)
{
	struct jail j = { .n = 0 };
	struct confine c = { .n_ns = namespaces_in_place(&j) };

	confined_by(&c);
	for (int fd = CTL_NS_FD; fd < CTL_NS_FD + (int)c.n_ns; fd++)
		MUST(fcntl(fd, F_GETFD) < 0 && errno == EBADF);
}

static unsigned entries(const char *path)
{
	DIR *d = opendir(path);
	unsigned n = 0;

	MUST(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static void look_at_the_cwd(void)
{
	char cwd[8];

	MUST(chdir("/tmp") == 0);
	confined();
	MUST(getcwd(cwd, sizeof(cwd)) && strcmp(cwd, "/") == 0);
}

TEST(confine, no_directory_is_held_without_namespaces_either)
{
	in_child(look_at_the_cwd);
}

static void look_at_the_root(void)
{
	char cwd[8];

	MUST(chdir("/tmp") == 0);
	jailed();
	MUST(entries("/") == 2); /* . and .. */
	MUST(getcwd(cwd, sizeof(cwd)) && strcmp(cwd, "/") == 0);
	MUST(entries(".") == 2 && entries("..") == 2);
	MUST(open("/proc/self/status", O_RDONLY) < 0 && errno == ENOENT);
	MUST(mkdir("/x", 0700) < 0 && errno == EROFS);
	MUST(open("/x", O_CREAT | O_WRONLY, 0600) < 0 && errno == EROFS);
}

static void look_at_the_network(void)
{
	struct ifreq ifr = { .ifr_name = "lo" };
	struct if_nameindex *all;
	int fd;

	jailed();
	all = if_nameindex();
	MUST(all && all[0].if_index == 1 && !all[1].if_name);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	MUST(fd >= 0 && ioctl(fd, SIOCGIFFLAGS, &ifr) == 0 && !(ifr.ifr_flags & IFF_UP));
}

static void look_at_ipc_and_names(void)
{
	const key_t key = getpid();
	char name[64];
	int id = shmget(key, 4096, IPC_CREAT | IPC_EXCL | 0600);

	MUST(id >= 0 && shmctl(id, IPC_RMID, NULL) == 0);
	id = shmget(key, 4096, IPC_CREAT | IPC_EXCL | 0600);
	MUST(id >= 0);
	if (fork() == 0) {
		jailed();
		MUST(shmget(key, 0, 0) < 0 && errno == ENOENT);
		MUST(gethostname(name, sizeof(name)) == 0 && strcmp(name, "zone") == 0);
		_exit(0);
	}
	MUST(wait(&id) > 0 && id == 0);
	MUST(shmctl(shmget(key, 0, 0), IPC_RMID, NULL) == 0);
}

static ino_t inode_of(const char *fmt, pid_t pid, const char *name)
{
	struct stat st;
	char path[64];

	snprintf(path, sizeof(path), fmt, pid, name);
	MUST(stat(path, &st) == 0);
	return st.st_ino;
}

/* As the kernel shows a jailed process to another one. */
static void look_from_outside(void)
{
	static const char *const own[] = { "user", "net", "ipc", "uts", "cgroup", "mnt" };
	const unsigned first = jail_privileged() ? 1 : 0;
	int pipes[2];
	pid_t pid;
	char byte;

	MUST(pipe(pipes) == 0);
	pid = fork();
	if (pid == 0) {
		int fd = fcntl(pipes[1], F_DUPFD, CTL_NS_FD + JAIL_NS_N);

		jailed();
		MUST(prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0);
		MUST(write(fd, "x", 1) == 1);
		pause();
	}
	close(pipes[1]);
	MUST(read(pipes[0], &byte, 1) == 1);
	for (unsigned i = first; i < ARRAY_SIZE(own); i++)
		MUST(inode_of("/proc/%d/ns/%s", pid, own[i]) !=
		     inode_of("/proc/%d/ns/%s", getpid(), own[i]));
	MUST(kill(pid, SIGKILL) == 0);
}

static void as_nobody(void)
{
	MUST(setgroups(0, NULL) == 0 && setresgid(65534, 65534, 65534) == 0);
	MUST(setresuid(65534, 65534, 65534) == 0);
}

static void (*const jail_looks[])(void) = { look_at_the_root, look_at_the_network,
					    look_at_ipc_and_names, look_from_outside };

TEST(confine, namespaces_have_nothing_in_them)
{
	for (size_t i = 0; i < ARRAY_SIZE(jail_looks); i++)
		in_child(jail_looks[i]);
}

static size_t nobodys_look;

static void look_as_nobody(void)
{
	as_nobody();
	/* Files of ours in /proc are root's after such a change, until we begin anew. */
	MUST(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0);
	jail_looks[nobodys_look]();
}

static void look_at_nobodys_capabilities(void)
{
	as_nobody();
	MUST(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0);
	jailed();
	MUST(permitted() == 0);
}

TEST(confine, who_is_not_root_has_them_too)
{
	if (geteuid() != 0)
		T_SKIP("the other test is that");
	for (nobodys_look = 0; nobodys_look < ARRAY_SIZE(jail_looks); nobodys_look++)
		in_child(look_as_nobody);
	in_child(look_at_nobodys_capabilities);
}

/* Files in /proc of who is not dumpable are root's. */
static void look_at_who_owns_proc(void)
{
	struct stat before, after;
	uint32_t flags;
	int pipes[2];
	char path[64], byte;
	pid_t pid;

	MUST(pipe(pipes) == 0);
	pid = fork();
	if (pid == 0) {
		as_nobody();
		MUST(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0);
		MUST(prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0);
		MUST(stat("/proc/self/environ", &before) == 0 && before.st_uid == 65534);
		MUST(sandbox_enter(&flags) == 0 && flags == CTL_HELLO_SECCOMP);
		MUST(write(pipes[1], "x", 1) == 1);
		poll(NULL, 0, -1);
	}
	close(pipes[1]);
	MUST(read(pipes[0], &byte, 1) == 1);
	snprintf(path, sizeof(path), "/proc/%d/environ", pid);
	MUST(stat(path, &after) == 0 && after.st_uid == 0);
	MUST(kill(pid, SIGKILL) == 0);
}

TEST(confine, it_is_not_dumpable_in_its_filters)
{
	if (geteuid() != 0)
		T_SKIP("needs another uid than root's");
	in_child(look_at_who_owns_proc);
}

static void look_at_uid_and_namespaces(void)
{
	struct jail j = { .n = 0 };
	struct confine c = { .uid = UID };

	listen_on(socket_path);
	c.n_ns = namespaces_in_place(&j);
	confined_by(&c);
	MUST(getuid() == UID && entries("/") == 2 && setuid(0) < 0);
	MUST(unshare(CLONE_NEWNET) < 0 && errno == EPERM);
	MUST(umount2("/", MNT_DETACH) < 0 && errno == EPERM);
	MUST(mount(NULL, "/", NULL, MS_REMOUNT, NULL) < 0 && errno == EPERM);
}

TEST(confine, uid_and_namespaces_go_together)
{
	if (geteuid() != 0)
		T_SKIP("only root gives uids");
	socket_path = t_path("ctl.sock");
	in_child(look_at_uid_and_namespaces);
}

static void look_at_what_is_no_namespace(void)
{
	const struct confine c = { .n_ns = 1 };
	struct errmsg e = { "" };
	uint32_t flags;

	MUST(dup2(open("/dev/null", O_RDONLY), CTL_NS_FD) == CTL_NS_FD);
	MUST(confine_process(&c, &flags, &e) == -EINVAL);
	MUST(strcmp(e.text, "descriptor 4 is not a namespace") == 0);
}

TEST(confine, a_namespace_that_is_none_is_an_error)
{
	in_child(look_at_what_is_no_namespace);
}

static void look_at_a_namespace_out_of_reach(void)
{
	struct jail j = { .n = 0 };
	const struct confine c = { .n_ns = namespaces_in_place(&j) };
	struct errmsg e = { "" };
	uint32_t flags;

	as_nobody();
	MUST(confine_process(&c, &flags, &e) == -EPERM);
	MUST(strstr(e.text, "the net namespace: ") == e.text);
}

TEST(confine, a_namespace_that_cannot_be_joined_is_an_error)
{
	if (geteuid() != 0)
		T_SKIP("needs namespaces of root");
	in_child(look_at_a_namespace_out_of_reach);
}
