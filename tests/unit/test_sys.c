// SPDX-License-Identifier: BSD-2-Clause
/*
 * test_sys.c - paths, files on full and read-only file systems, locks, sockets with
 * descriptors
 */
#include "common/sys/file.h"
#include "common/sys/log.h"
#include "common/sys/paths.h"
#include "common/sys/sock.h"
#include "tests/harness/harness.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

TEST(paths, the_root_is_chosen_and_trimmed)
{
	struct paths p;
	struct errmsg e = { "" };
	char *s;

	T_OK(paths_init(&p, "/tmp/x//", &e));
	s = paths_get(&p, PATH_ZONE_CTL, "web");
	T_STREQ(s, "/tmp/x/run/zones/web/ctl.sock");
	free(s);
	paths_fini(&p);
	T_OK(paths_init(&p, "/", &e));
	s = paths_get(&p, PATH_SOCKET, NULL);
	T_STREQ(s, "/run/zones/svc.zones.sock");
	free(s);
	paths_fini(&p);
	T_EQ(paths_init(&p, "relative", &e), -EINVAL);
	T_HAS(e.text, "absolute");
}

TEST(paths, the_environment_moves_the_root)
{
	struct paths p;

	setenv("KZONES_ROOT", "/elsewhere", 1);
	T_OK(paths_init(&p, NULL, NULL));
	T_STREQ(p.root, "/elsewhere");
	paths_fini(&p);
	unsetenv("KZONES_ROOT");
	T_OK(paths_init(&p, NULL, NULL));
	T_STREQ(p.root, "");
	paths_fini(&p);
}

TEST(paths, every_one_can_be_had_or_fails_cleanly)
{
	struct paths p;
	char *s;

	T_OK(paths_init(&p, "/r", NULL));
	for (unsigned i = 0; i < PATH_N; i++) {
		fault_arm(0);
		T_NULL(paths_get(&p, (enum path_id)i, "z"));
		T_EQ(fault.live, 0);
		fault_disarm();
		s = paths_get(&p, (enum path_id)i, "z");
		T_EQ(strncmp(s, "/r/", 3), 0);
		free(s);
	}
	paths_fini(&p);
}

TEST(paths, libexec_follows_the_environment)
{
	char *s;

	setenv("KZONES_LIBEXEC", "/built", 1);
	s = paths_libexec("kzhost");
	T_STREQ(s, "/built/kzhost");
	free(s);
	unsetenv("KZONES_LIBEXEC");
	s = paths_libexec("kzhost");
	T_HAS(s, "/lib/kzones/kzhost");
	free(s);
}

TEST(file, what_is_replaced_is_read)
{
	const char *path = t_path("f");
	char *data = NULL;
	size_t len = 0;
	struct stat st;

	T_OK(file_replace(path, "one", 3, 0600, true));
	T_OK(file_replace(path, "two\0x", 5, 0640, true));
	T_OK(stat(path, &st));
	T_EQ(st.st_mode & 07777, 0640);
	T_OK(file_read(path, 5, &data, &len));
	T_EQ(len, 5);
	T_MEMEQ(data, "two\0x", 6);
	free(data);
}

TEST(file, large_and_odd_files_are_refused)
{
	char *data = (char *)"untouched";
	size_t len = 99;

	t_write_file(t_path("f"), "123456");
	T_EQ(file_read(t_path("f"), 5, &data, &len), -EFBIG);
	T_EQ(file_read(t_path("none"), 5, &data, &len), -ENOENT);
	T_EQ(file_read(t_root(), 5, &data, &len), -EISDIR);
	T_EQ(file_read("/dev/null", 5, &data, &len), -EINVAL);
	T_STREQ(data, "untouched");
	T_EQ(len, 99);
}

/* Files of /proc say size 0 and have more. */
TEST(file, a_file_may_be_longer_than_it_says)
{
	char *data = NULL;
	size_t len = 0;

	T_OK(file_read("/proc/self/status", 65536, &data, &len));
	T_TRUE(len > 500);
	free(data);
	T_EQ(file_read("/proc/self/status", 100, &data, &len), -EFBIG);
}

TEST(file, read_survives_every_oom)
{
	char *data = NULL;
	size_t len;
	int r = -ENOMEM;

	for (long n = 0; r == -ENOMEM; n++) {
		fault_arm(n);
		r = file_read("/proc/self/status", 65536, &data, &len);
		T_EQ(r, fault.fired ? -ENOMEM : 0);
		T_EQ(fault.live == 0, r != 0);
	}
	free(data);
}

static unsigned entries_of(const char *path)
{
	DIR *d = opendir(path);
	unsigned n = 0;

	T_NOT_NULL(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

TEST(file, replace_survives_every_oom)
{
	const char *dir = t_path("dir"), *path = t_path("dir/f");
	int r = -ENOMEM;

	T_OK(dir_make(dir, 0755));
	for (long n = 0; r == -ENOMEM && n < 10; n++) {
		fault_arm(n);
		r = file_replace(path, "x", 1, 0600, false);
		T_EQ(r, fault.fired ? -ENOMEM : 0);
		T_EQ(fault.live, 0);
		T_EQ(entries_of(dir), r == 0);
	}
}

/* The old file stays and no temporary file with it when the limit of a file's size is
 * hit. */
TEST(file, a_failed_replace_leaves_the_old_file)
{
	const char *path = t_path("f");
	struct rlimit old, small = { 1000, 1000 };
	char big[4000];

	memset(big, 'x', sizeof(big));
	t_write_file(path, "old");
	T_OK(getrlimit(RLIMIT_FSIZE, &old));
	small.rlim_max = old.rlim_max;
	signal(SIGXFSZ, SIG_IGN);
	T_OK(setrlimit(RLIMIT_FSIZE, &small));
	T_EQ(file_replace(path, big, sizeof(big), 0600, true), -EFBIG);
	T_OK(setrlimit(RLIMIT_FSIZE, &old));
	T_STREQ(t_read_file(path), "old");
	T_EQ(entries_of(t_root()), 1);
	T_EQ(file_replace(t_path("none/f"), "x", 1, 0600, true), -ENOENT);
}

/* A private tmpfs of 64 KiB; skips where it may not be mounted. */
static const char *small_fs(void)
{
	const char *path = t_path("small");

	T_OK(dir_make(path, 0755));
	if (unshare(CLONE_NEWNS) < 0 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		T_SKIP("a mount namespace of its own: %s", strerror(errno));
	if (mount("kz-test", path, "tmpfs", 0, "size=64k") < 0)
		T_SKIP("mount tmpfs: %s", strerror(errno));
	return path;
}

TEST(file, replace_on_a_full_disk_leaves_the_old_file)
{
	const char *dir = small_fs(), *path = t_path("small/f");
	size_t len = 128 * KIB;
	char *big = calloc(1, len);
	int r;

	T_NOT_NULL(big);
	t_write_file(path, "old");
	r = file_replace(path, big, len, 0600, true);
	free(big);
	T_EQ(r, -ENOSPC);
	T_STREQ(t_read_file(path), "old");
	T_EQ(entries_of(dir), 1);
	T_OK(umount(dir));
}

TEST(file, replace_on_a_read_only_disk_leaves_the_old_file)
{
	const char *dir = small_fs(), *path = t_path("small/f");

	t_write_file(path, "old");
	T_OK(mount(NULL, dir, NULL, MS_REMOUNT | MS_RDONLY, NULL));
	T_EQ(file_replace(path, "new", 3, 0600, true), -EROFS);
	T_STREQ(t_read_file(path), "old");
	T_OK(dir_make(dir, 0755));
	T_EQ(dir_make(t_path("small/new"), 0755), -EROFS);
	T_OK(umount(dir));
}

TEST(dir, is_made_with_its_parents)
{
	T_OK(dir_make(t_path("a//b/c/"), 0750));
	T_OK(dir_make(t_path("a/b/c"), 0750));
	T_OK(dir_make("/", 0755));
	t_write_file(t_path("file"), "");
	T_EQ(dir_make(t_path("file"), 0755), -ENOTDIR);
	T_EQ(dir_make(t_path("file/x"), 0755), -ENOTDIR);
	fault_arm(0);
	T_EQ(dir_make("/tmp", 0755), -ENOMEM);
}

TEST(file, a_lock_has_one_holder_who_is_known)
{
	const char *path = t_path("lock");
	int fd = -1, again = -1;
	pid_t holder = -1;

	T_OK(file_lock(path, &fd, NULL));
	T_EQ(file_lock(path, &again, &holder), -EBUSY);
	T_EQ(holder, getpid());
	T_EQ(again, -1);
	T_EQ(file_lock(path, &again, NULL), -EBUSY);
	close(fd);
	T_OK(file_lock(path, &again, &holder));
	close(again);
	T_EQ(file_lock(t_path("no/lock"), &fd, NULL), -ENOENT);
}

static void check_talk(const char *path)
{
	int listener = -1, client = -1, server, fds[SOCK_FDS_MAX];
	struct ucred cred;
	struct stat st;
	char text[16];
	unsigned n_fds;

	T_OK(sock_listen(path, SOCK_SEQPACKET, 0600, &listener));
	T_OK(stat(path, &st));
	T_EQ(st.st_mode & 07777, 0600);
	T_OK(sock_connect(path, SOCK_SEQPACKET, &client));
	server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	T_TRUE(server >= 0);
	T_OK(sock_send(client, "hello", 6, (int[]){ 0, client }, 2));
	T_EQ(sock_recv(server, text, sizeof(text), fds, &n_fds), 6);
	T_STREQ(text, "hello");
	T_EQ(n_fds, 2);
	T_EQ(fcntl(fds[0], F_GETFD), FD_CLOEXEC);
	close(fds[0]);
	close(fds[1]);
	T_OK(sock_peer(server, &cred));
	T_EQ(cred.pid, getpid());
	close(client);
	T_EQ(sock_recv(server, text, sizeof(text), fds, &n_fds), 0);
	T_EQ(sock_send(server, "x", 1, NULL, 0), -EPIPE);
	close(server);
	close(listener);
}

TEST(sock, messages_carry_descriptors)
{
	check_talk(t_path("s"));
	check_talk(t_path("s")); /* the stale file is replaced */
}

TEST(sock, paths_may_be_long)
{
	const char *dir = t_path("%0100d/%0100d", 1, 2);

	T_OK(dir_make(dir, 0755));
	check_talk(t_path("%0100d/%0100d/s", 1, 2));
}

TEST(sock, refusals_have_their_names)
{
	int fd = -1;

	T_EQ(sock_connect(t_path("none"), SOCK_STREAM, &fd), -ENOENT);
	T_OK(sock_listen(t_path("s"), SOCK_STREAM, 0600, &fd));
	close(fd);
	fd = -1;
	T_EQ(sock_connect(t_path("s"), SOCK_STREAM, &fd), -ECONNREFUSED);
	t_write_file(t_path("file"), "precious");
	T_EQ(sock_listen(t_path("file"), SOCK_STREAM, 0600, &fd), -EADDRINUSE);
	T_STREQ(t_read_file(t_path("file")), "precious");
	T_EQ(sock_listen(t_path("%0200d", 1), SOCK_STREAM, 0600, &fd), -ENAMETOOLONG);
	T_EQ(fd, -1);
}

static unsigned open_fds(void)
{
	return entries_of("/proc/self/fd");
}

TEST(sock, hostile_messages_leave_no_descriptor)
{
	int pair[2], fds[SOCK_FDS_MAX], many[200];
	char big[64] = "", small[8];
	union {
		char bytes[CMSG_SPACE(sizeof(many))];
		struct cmsghdr align;
	} room = { { 0 } };
	struct iovec iov = { big, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &room };
	struct cmsghdr *c = &room.align;
	unsigned n_fds = 77, before;

	T_OK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair));
	before = open_fds();
	T_EQ(sock_recv(pair[1], small, sizeof(small), fds, &n_fds), -EAGAIN);
	T_OK(sock_send(pair[0], big, sizeof(big), (int[]){ 0, 0 }, 2));
	T_EQ(sock_recv(pair[1], small, sizeof(small), fds, &n_fds), -EMSGSIZE);
	T_EQ(open_fds(), before);

	for (unsigned i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = 0;
	msg.msg_controllen = sizeof(room);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(many));
	memcpy(CMSG_DATA(c), many, sizeof(many));
	T_EQ(sendmsg(pair[0], &msg, 0), 1);
	T_EQ(sock_recv(pair[1], small, sizeof(small), fds, &n_fds), -EPROTO);
	T_EQ(open_fds(), before);
	T_EQ(n_fds, 77);

	T_OK(sock_send(pair[0], "ok", 2, NULL, 0));
	T_EQ(sock_recv(pair[1], small, sizeof(small), fds, &n_fds), 2);
	T_EQ(n_fds, 0);
	close(pair[0]);
	close(pair[1]);
}

static bool timed;

/* What log_line() writes to standard error, with the given JOURNAL_STREAM. */
static const char *logged(const char *stream, const char *text)
{
	const char *path = t_path("log");
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int saved = dup(STDERR_FILENO);
	char mine[64];
	struct stat st;

	T_TRUE(fd >= 0 && saved >= 0);
	T_OK(fstat(fd, &st));
	snprintf(mine, sizeof(mine), "%llu:%llu", (unsigned long long)st.st_dev,
		 (unsigned long long)st.st_ino);
	setenv("JOURNAL_STREAM", stream ? stream : mine, 1);
	dup2(fd, STDERR_FILENO);
	log_init("svc.zones");
	if (timed)
		log_with_time();
	errno = EXDEV;
	log_warning("zone=%s", text);
	dup2(saved, STDERR_FILENO);
	T_EQ(errno, EXDEV);
	unsetenv("JOURNAL_STREAM");
	close(saved);
	close(fd);
	return t_read_file(path);
}

TEST(log, begins_with_the_time_when_it_is_wanted)
{
	struct tm tm = { 0 };
	const char *line, *rest;
	time_t before = time(NULL);

	timed = true;
	line = logged("1:2", "web");
	rest = strptime(line, "%Y-%m-%dT%H:%M:%SZ ", &tm);
	T_TRUE(rest != NULL);
	T_STREQ(rest, "svc.zones: zone=web\n");
	T_TRUE(timegm(&tm) >= before && timegm(&tm) <= time(NULL));
	T_STREQ(logged(NULL, "web"), "<4>zone=web\n"); /* the journal has its own */
	timed = false;
}

TEST(log, one_line_with_the_name_or_the_level)
{
	char big[3000];

	T_STREQ(logged("1:2", "web"), "svc.zones: zone=web\n");
	T_STREQ(logged("garbage", "web"), "svc.zones: zone=web\n");
	T_STREQ(logged(NULL, "web"), "<4>zone=web\n");
	T_STREQ(logged(NULL, "a\nb\033[1m"), "<4>zone=a?b?[1m\n");
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	T_TRUE(strlen(logged(NULL, big)) <= 1024);
	T_STREQ(strchr(logged(NULL, big), '\n'), "\n");
}
