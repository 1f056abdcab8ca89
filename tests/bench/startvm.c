// SPDX-License-Identifier: BSD-2-Clause
/*
 * startvm.c - boot the built-in guest once, by kzhost or by QEMU, and measure it
 *
 * Usage: startvm kzhost|qemu PROGRAM GUEST_ELF RAM_MIB time|memory
 *
 * Prints one JSON object: greeting_ms and wall_ms from just before the program is spawned
 * to the guest's greeting and to the program's end; cpu_ms, user and system, of the
 * program; other_kib, see below; guest_kib, the guest's RAM that was resident.
 *
 * DOC: Two kinds of run
 *
 * `time`: the guest powers itself off right after its greeting, and nothing else happens.
 * `memory`: it stays at its prompt while /proc/PID/smaps is read, and is then told to
 * power off; the times of such a run mean nothing. Counted is Rss, private and shared, of
 * every mapping but the guest's RAM: mappings of a memfd, or of at least the guest's
 * size. The same rule holds for both programs, and both count the libraries they share
 * with others.
 *
 * kzhost is driven as the restarter drives it: a listening control socket as
 * descriptor 3 and namespaces after it, a uid when we are root, then HELLO, CREATE and
 * START, each after the answer to the one before. The namespaces are made before the
 * clock starts: the restarter makes them once for all zones.
 */
#include "common/base/err.h"
#include "common/proto/ctl.h"
#include "common/proto/machine.h"
#include "common/sys/file.h"
#include "common/sys/jail.h"
#include "common/sys/sock.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#define ZONE        "bench"
#define UID         "1900000000"
#define TIMEOUT_MS  60000
#define CONSOLE_MAX 8192

extern char **environ;

struct run {
	const char *program, *guest;
	struct jail jail; /* of kzhost */
	unsigned ram_mib;
	bool memory; /* else time */
	bool measured;
	pid_t pid;
	int pid_fd;
	int console_fd;
	int ctl_fd; /* -1 for QEMU */
	char console[CONSOLE_MAX];
	size_t n_console;
	uint64_t start_ns, greeting_ns, end_ns;
	struct rusage usage;
	uint64_t guest_kib, other_kib;
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/**
 * spawn() - Start the program
 * @from:	Descriptors of ours, ended by -1
 * @to:		What each becomes in the program
 *
 * Standard descriptors that are not among them are /dev/null.
 *
 * Return: 0 or a negative errno
 */
static int spawn(struct run *run, const char *const argv[], const int *from,
		 const int *to, struct errmsg *e)
{
	posix_spawn_file_actions_t actions;
	int r;

	posix_spawn_file_actions_init(&actions);
	for (int fd = 0; fd < 3; fd++)
		posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_RDWR, 0);
	for (size_t i = 0; from[i] >= 0; i++)
		posix_spawn_file_actions_adddup2(&actions, from[i], to[i]);
	r = posix_spawnp(&run->pid, run->program, &actions, NULL, (char *const *)argv,
			 environ);
	posix_spawn_file_actions_destroy(&actions);
	if (r != 0)
		return errmsg_set(e, -r, "%s: %s", run->program, strerror(r));
	run->pid_fd = (int)syscall(SYS_pidfd_open, run->pid, 0);
	if (run->pid_fd < 0)
		return errmsg_set(e, -errno, "pidfd_open: %s", strerror(errno));
	return 0;
}

static int start_qemu(struct run *run, struct errmsg *e)
{
	char ram[16];
	const char *argv[] = { run->program,
			       "-M",
			       "microvm,pic=off,pit=off,rtc=off,auto-kernel-cmdline=off",
			       "-accel",
			       "kvm",
			       "-nodefaults",
			       "-no-user-config",
			       "-no-reboot",
			       "-display",
			       "none",
			       "-serial",
			       "stdio",
			       "-m",
			       ram,
			       "-kernel",
			       run->guest,
			       "-append",
			       run->memory ? KZ_CMDLINE_ZONE ZONE
					   : "poweroff " KZ_CMDLINE_ZONE ZONE,
			       NULL };
	int pair[2], r;

	snprintf(ram, sizeof(ram), "%uM", run->ram_mib);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return errmsg_set(e, -errno, "socketpair: %s", strerror(errno));
	r = spawn(run, argv, (int[]){ pair[1], pair[1], -1 }, (int[]){ 0, 1 }, e);
	close(pair[1]);
	run->console_fd = pair[0];
	return r;
}

/* A listening socket below @dir and a connection to it; nothing is left in @dir. */
static int socket_connected(const char *dir, int type, int *ret_listen, int *ret_fd,
			    struct errmsg *e)
{
	char path[64];
	int r;

	snprintf(path, sizeof(path), "%s/socket", dir);
	r = sock_listen(path, type, 0600, ret_listen);
	if (r == 0)
		r = sock_connect(path, type, ret_fd);
	unlink(path);
	return r < 0 ? errmsg_set(e, r, "%s: %s", path, strerror(-r)) : 0;
}

/* Sends one request and waits for its answer, which has to be a good one. */
static int ask(struct run *run, void *request, size_t len, const int *fds, unsigned n_fds,
	       struct errmsg *e)
{
	union {
		struct ctl_hdr hdr;
		struct ctl_hello_reply hello;
		struct ctl_reply reply;
		uint8_t bytes[CTL_MSG_MAX];
	} msg = { 0 };
	struct ctl_hdr *hdr = request;
	int in[SOCK_FDS_MAX], r;
	unsigned n_in;
	ssize_t n;

	hdr->version = le16_of(CTL_VERSION);
	hdr->seq = le32_of(1);
	r = sock_send(run->ctl_fd, request, len, fds, n_fds);
	if (r < 0)
		return errmsg_set(e, r, "control socket: %s", strerror(-r));
	n = sock_recv(run->ctl_fd, &msg, sizeof(msg), in, &n_in);
	if (n <= 0 || ctl_check_answer(&msg, (size_t)n, e) < 0)
		return errmsg_prefix(e, -EPROTO, "%s is not answered",
				     ctl_id_name(le16_get(hdr->id)));
	/* The error has the same place in every reply. */
	r = (int)le32_get(msg.reply.error);
	if (r != 0 || le16_get(msg.hdr.id) != le16_get(hdr->id))
		return errmsg_set(e, -EPROTO, "%s: %s (%s)",
				  ctl_id_name(le16_get(hdr->id)), strerror(r),
				  n == sizeof(msg.reply) ? msg.reply.text : "");
	return 0;
}

static int ask_create(struct run *run, int console_listen, struct errmsg *e)
{
	struct ctl_create create = {
		.hdr.id = le16_of(CTL_REQ_CREATE),
		.ram_bytes = le64_of(run->ram_mib * MIB),
		.n_vcpus = le32_of(1),
		.fd_mask = le32_of(1 << CTL_FD_KVM | 1 << CTL_FD_KERNEL |
				   1 << CTL_FD_CONSOLE),
		.uuid = { 1 },
		.zone = ZONE,
	};
	cleanup(closep) int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	cleanup(closep) int kernel = open(run->guest, O_RDONLY | O_CLOEXEC);

	if (kvm < 0 || kernel < 0)
		return errmsg_set(e, -errno, "%s: %s", kvm < 0 ? "/dev/kvm" : run->guest,
				  strerror(errno));
	snprintf(create.cmdline, sizeof(create.cmdline), "%s" KZ_CMDLINE_ZONE ZONE,
		 run->memory ? "" : "poweroff ");
	return ask(run, &create, sizeof(create), (int[]){ kvm, kernel, console_listen },
		   3, e);
}

static int start_kzhost(struct run *run, struct errmsg *e)
{
	struct ctl_hello hello = { .hdr.id = le16_of(CTL_REQ_HELLO),
				   .min_version = le32_of(CTL_VERSION) };
	struct ctl_plain start = { .hdr.id = le16_of(CTL_REQ_START) };
	char n_ns[16];
	const char *argv[8] = { run->program, "-z", ZONE };
	int from[2 + JAIL_NS_N], to[2 + JAIL_NS_N], argc = 3;
	cleanup(closep) int ctl_listen = -1, console_listen = -1;
	char dir[] = "/tmp/kz-bench.XXXXXX";
	int r;

	if (!mkdtemp(dir))
		return errmsg_set(e, -errno, "%s: %s", dir, strerror(errno));
	r = socket_connected(dir, SOCK_SEQPACKET, &ctl_listen, &run->ctl_fd, e);
	if (r == 0)
		r = socket_connected(dir, SOCK_STREAM, &console_listen, &run->console_fd,
				     e);
	rmdir(dir);
	snprintf(n_ns, sizeof(n_ns), "%u", run->jail.n);
	if (run->jail.n) {
		argv[argc++] = "-j";
		argv[argc++] = n_ns;
	}
	if (jail_may_set_uid()) {
		argv[argc++] = "-u";
		argv[argc++] = UID;
	}
	from[0] = ctl_listen;
	to[0] = CTL_LISTEN_FD;
	for (unsigned i = 0; i <= run->jail.n; i++) {
		from[1 + i] = i < run->jail.n ? run->jail.fd[i] : -1;
		to[1 + i] = CTL_NS_FD + (int)i;
	}
	if (r == 0)
		r = spawn(run, argv, from, to, e);
	if (r == 0)
		r = ask(run, &hello, sizeof(hello), NULL, 0, e);
	if (r == 0)
		r = ask_create(run, console_listen, e);
	if (r == 0)
		r = ask(run, &start, sizeof(start), NULL, 0, e);
	return r;
}

/* Sums up /proc/PID/smaps: guest RAM and the rest. */
static int measure_memory(struct run *run, struct errmsg *e)
{
	bool is_guest = false;
	char path[64], line[512];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/smaps", (int)run->pid);
	f = fopen(path, "re");
	if (!f)
		return errmsg_set(e, -errno, "%s: %s", path, strerror(errno));
	while (fgets(line, sizeof(line), f)) {
		unsigned long start, end, kib;

		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			is_guest = end - start >= run->ram_mib * MIB ||
				   strstr(line, "memfd:");
		else if (sscanf(line, "Rss: %lu kB", &kib) == 1)
			*(is_guest ? &run->guest_kib : &run->other_kib) += kib;
	}
	fclose(f);
	return 0;
}

/* Takes console output and does what it calls for. */
static int read_console(struct run *run, struct errmsg *e)
{
	ssize_t n = read(run->console_fd, run->console + run->n_console,
			 sizeof(run->console) - 1 - run->n_console);
	int r;

	if (n <= 0) {
		closep(&run->console_fd);
		return 0;
	}
	run->n_console += (size_t)n;
	run->console[run->n_console] = '\0';
	if (!run->greeting_ns && strstr(run->console, KZ_GREETING_PREFIX ZONE " ready, "))
		run->greeting_ns = now_ns();
	if (run->memory && !run->measured && strstr(run->console, "\n" ZONE "> ")) {
		run->measured = true;
		r = measure_memory(run, e);
		if (r == 0)
			r = fd_write_all(run->console_fd, "poweroff\r", 9);
		return r;
	}
	return 0;
}

/* An event; that the zone has ended is confirmed, or kzhost waits for somebody to. */
static void serve_ctl(struct run *run)
{
	union {
		struct ctl_hdr hdr;
		uint8_t bytes[CTL_MSG_MAX];
	} msg = { 0 };
	struct ctl_plain halt = { .hdr = { le16_of(CTL_REQ_HALT), le16_of(CTL_VERSION),
					   le32_of(1) } };
	int fds[SOCK_FDS_MAX];
	unsigned n_fds;

	if (sock_recv(run->ctl_fd, &msg, sizeof(msg), fds, &n_fds) <= 0)
		closep(&run->ctl_fd);
	else if (le16_get(msg.hdr.id) == CTL_EV_EXITING)
		(void)sock_send(run->ctl_fd, &halt, sizeof(halt), NULL, 0);
}

/* Serves the program until its end. */
static int watch(struct run *run, struct errmsg *e)
{
	int r;

	for (;;) {
		struct pollfd p[] = { { run->pid_fd, POLLIN, 0 },
				      { run->console_fd, POLLIN, 0 },
				      { run->ctl_fd, POLLIN, 0 } };

		r = poll(p, ARRAY_SIZE(p), TIMEOUT_MS);
		if (r <= 0)
			return errmsg_set(e, -ETIMEDOUT, "no end; the console says: %s",
					  run->console);
		if (p[1].revents) {
			r = read_console(run, e);
			if (r < 0)
				return r;
		}
		if (p[2].revents)
			serve_ctl(run);
		if (p[0].revents && !p[1].revents)
			break;
	}
	run->end_ns = now_ns();
	return 0;
}

/* Reaps the program, ending it first when something failed. */
static void reap(struct run *run, bool failed)
{
	if (run->pid <= 0)
		return;
	if (failed)
		kill(run->pid, SIGKILL);
	wait4(run->pid, NULL, 0, &run->usage);
}

static double ms_of(struct timeval tv)
{
	return (double)tv.tv_sec * 1e3 + (double)tv.tv_usec / 1e3;
}

/* Where it can be had; above all places that descriptors are going to be put into. */
static void make_jail(struct jail *j)
{
	if (jail_make(j, NULL) < 0)
		return;
	for (unsigned i = 0; i < j->n; i++) {
		int fd = fcntl(j->fd[i], F_DUPFD_CLOEXEC, 64);

		close(j->fd[i]);
		j->fd[i] = fd;
	}
}

int main(int argc, char **argv)
{
	struct run run = { .pid_fd = -1, .console_fd = -1, .ctl_fd = -1 };
	struct errmsg e = { "" };
	int r;

	if (argc != 6) {
		fprintf(stderr, "usage: startvm kzhost|qemu PROGRAM GUEST_ELF RAM_MIB "
				"time|memory\n");
		return 2;
	}
	run.program = argv[2];
	run.guest = argv[3];
	run.ram_mib = (unsigned)strtoul(argv[4], NULL, 10);
	run.memory = strcmp(argv[5], "memory") == 0;
	if (strcmp(argv[1], "kzhost") == 0)
		make_jail(&run.jail);
	run.start_ns = now_ns();
	r = strcmp(argv[1], "qemu") == 0 ? start_qemu(&run, &e) : start_kzhost(&run, &e);
	if (r == 0)
		r = watch(&run, &e);
	reap(&run, r < 0);
	if (r == 0 && !run.greeting_ns)
		r = errmsg_set(&e, -EPROTO, "no greeting; the console says: %s",
			       run.console);
	if (r < 0) {
		fprintf(stderr, "startvm: %s\n", e.text);
		return 1;
	}
	printf("{\"greeting_ms\": %.3f, \"wall_ms\": %.3f, \"cpu_ms\": %.3f, "
	       "\"other_kib\": %lu, \"guest_kib\": %lu}\n",
	       (double)(run.greeting_ns - run.start_ns) / 1e6,
	       (double)(run.end_ns - run.start_ns) / 1e6,
	       ms_of(run.usage.ru_utime) + ms_of(run.usage.ru_stime), run.other_kib,
	       run.guest_kib);
	return 0;
}
