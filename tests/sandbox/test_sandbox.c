// SPDX-License-Identifier: BSD-2-Clause
/*
 * test_sandbox.c - each kind of thread tries each call, allowed and forbidden
 *
 * A child puts the filters on as kzhost does and makes one call with harmless or bad
 * arguments. Allowed means that the kernel got to see it, whatever it said; forbidden
 * that the child died of SIGSYS.
 */
#include "kzhost/sandbox/sandbox.h"
#include "tests/harness/harness.h"

#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/kvm.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define B   (1u << SANDBOX_MAIN) /* while it builds the machine only */
#define M   (B | 1u << SANDBOX_RUN)
#define V   (1u << SANDBOX_VCPU)
#define F   (1u << SANDBOX_FILL)
#define S   (1u << SANDBOX_SLOW)
#define D   (1u << SANDBOX_DISK)
#define ALL (M | V | F | S | D)

#define NOWHERE   (-1)                      /* no such descriptor */
#define SELF      0x5e1f                    /* the pid of who tries */
#define BAD       ((long)(uintptr_t)-4096L) /* no such address */
#define THREAD    0x3d0f00                  /* what pthread_create() asks clone(2) for */
#define PROCESS   SIGCHLD                   /* what fork() asks clone(2) for */
#define RWX       (PROT_READ | PROT_WRITE | PROT_EXEC)
#define TRY(call) #call, SYS_##call

struct attempt {
	const char *name;
	long call;
	unsigned allowed; /* to which kinds of thread */
	const char *how;
	long args[6];
};

static const struct attempt attempts[] = {
	/* Paths, programs, sockets, other processes: never. */
	{ TRY(open), 0, "", { BAD, O_RDONLY } },
	{ TRY(openat), 0, "", { AT_FDCWD, BAD, O_RDONLY } },
	{ TRY(openat2), 0, "", { AT_FDCWD, BAD, 0, 0 } },
	{ TRY(open_by_handle_at), 0, "", { NOWHERE, BAD } },
	{ TRY(creat), 0, "", { BAD, 0 } },
	{ TRY(stat), 0, "", { BAD, BAD } },
	{ TRY(newfstatat), 0, "a path", { AT_FDCWD, BAD, BAD, 0 } },
	{ TRY(statx), 0, "", { AT_FDCWD, BAD, 0, 0, BAD } },
	{ TRY(access), 0, "", { BAD, 0 } },
	{ TRY(readlink), 0, "", { BAD, BAD, 1 } },
	{ TRY(unlink), 0, "", { BAD } },
	{ TRY(rename), 0, "", { BAD, BAD } },
	{ TRY(link), 0, "", { BAD, BAD } },
	{ TRY(symlink), 0, "", { BAD, BAD } },
	{ TRY(mkdir), 0, "", { BAD, 0 } },
	{ TRY(chmod), 0, "", { BAD, 0 } },
	{ TRY(fchmod), 0, "", { NOWHERE, 0 } },
	{ TRY(chown), 0, "", { BAD, 0, 0 } },
	{ TRY(chdir), 0, "", { BAD } },
	{ TRY(chroot), 0, "", { BAD } },
	{ TRY(truncate), 0, "", { BAD, 0 } },
	{ TRY(getdents64), 0, "", { NOWHERE, BAD, 0 } },
	{ TRY(execve), 0, "", { BAD, 0, 0 } },
	{ TRY(execveat), 0, "", { NOWHERE, BAD, 0, 0, 0 } },
	{ TRY(fork), 0, "", { 0 } },
	{ TRY(vfork), 0, "", { 0 } },
	{ TRY(clone), 0, "a process", { PROCESS } },
	{ TRY(clone), 0, "a thread in a new user namespace", { THREAD | CLONE_NEWUSER } },
	{ TRY(socket), 0, "", { AF_UNIX, SOCK_STREAM, 0 } },
	{ TRY(socketpair), 0, "", { AF_UNIX, SOCK_STREAM, 0, BAD } },
	{ TRY(connect), 0, "", { NOWHERE, BAD, 0 } },
	{ TRY(bind), 0, "", { NOWHERE, BAD, 0 } },
	{ TRY(listen), 0, "", { NOWHERE, 0 } },
	{ TRY(accept), 0, "", { NOWHERE, 0, 0 } },
	{ TRY(setsockopt), 0, "", { NOWHERE, 0, 0, 0, 0 } },
	{ TRY(ptrace), 0, "", { -1, 0, 0, 0 } },
	{ TRY(process_vm_readv), 0, "", { 0, 0, 0, 0, 0, 0 } },
	{ TRY(process_vm_writev), 0, "", { 0, 0, 0, 0, 0, 0 } },
	{ TRY(kill), 0, "", { 0, 0 } },
	{ TRY(tkill), 0, "", { 0, 0 } },
	{ TRY(tgkill), 0, "another process", { 1, 1, 0 } },
	{ TRY(fcntl), 0, "signals to an owner", { NOWHERE, F_SETOWN, 1 } },
	{ TRY(fcntl), 0, "signals to an owner", { NOWHERE, F_SETOWN_EX, BAD } },
	{ TRY(fcntl), 0, "another signal", { NOWHERE, F_SETSIG, SIGKILL } },
	{ TRY(fcntl), 0, "copies", { NOWHERE, F_DUPFD, 0 } },
	{ TRY(pidfd_open), 0, "", { 0, 0 } },
	{ TRY(pidfd_getfd), 0, "", { NOWHERE, 0, 0 } },
	{ TRY(setuid), 0, "", { -1 } },
	{ TRY(setresuid), 0, "", { -1, -1, -1 } },
	{ TRY(setgroups), 0, "", { -1, BAD } },
	{ TRY(capset), 0, "", { BAD, BAD } },
	{ TRY(unshare), 0, "", { 0 } },
	{ TRY(setns), 0, "", { NOWHERE, 0 } },
	{ TRY(mount), 0, "", { BAD, BAD, BAD, 0, BAD } },
	{ TRY(umount2), 0, "", { BAD, 0 } },
	{ TRY(pivot_root), 0, "", { BAD, BAD } },
	{ TRY(bpf), 0, "", { 0, BAD, 0 } },
	{ TRY(perf_event_open), 0, "", { BAD, 0, 0, 0, 0 } },
	{ TRY(userfaultfd), 0, "", { -1 } },
	{ TRY(keyctl), 0, "", { -1 } },
	{ TRY(memfd_secret), 0, "", { -1 } },
	{ TRY(init_module), 0, "", { BAD, 0, BAD } },
	{ TRY(kexec_load), 0, "", { 0, 0, 0, 0 } },
	{ TRY(reboot), 0, "", { 0, 0, 0, 0 } },
	{ TRY(modify_ldt), 0, "", { -1, 0, 0 } },
	{ TRY(personality), 0, "", { 0xffffffff } },
	{ TRY(prctl), 0, "dumpable", { PR_SET_DUMPABLE, 1 } },
	{ TRY(lseek), 0, "", { NOWHERE, 0, SEEK_CUR } },
	{ TRY(munlock), 0, "", { 0, 0 } },
	{ TRY(prlimit64), 0, "set", { 0, 0, BAD, 0 } },
	{ TRY(mmap),
	  0,
	  "executable",
	  { 0, 4096, RWX, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0 } },
	{ TRY(mprotect), 0, "executable", { 0, 0, RWX } },
	{ TRY(pkey_mprotect), 0, "", { 0, 0, 0, -1 } },
	{ TRY(ioctl), 0, "into a terminal", { NOWHERE, TIOCSTI, BAD } },

	/* The machine. */
	{ TRY(ioctl), B | V, "run a vCPU", { NOWHERE, KVM_RUN, 0 } },
	{ TRY(ioctl), B, "make a VM", { NOWHERE, KVM_CREATE_VM, 0 } },
	{ TRY(ioctl),
	  B,
	  "map guest memory",
	  { NOWHERE, KVM_SET_USER_MEMORY_REGION, BAD } },
	{ TRY(ioctl), B | V, "bind a kick", { NOWHERE, KVM_IOEVENTFD, BAD } },
	{ TRY(ioctl), B | V, "bind an interrupt", { NOWHERE, KVM_IRQFD, BAD } },
	{ TRY(ioctl), B | V, "route interrupts", { NOWHERE, KVM_SET_GSI_ROUTING, BAD } },
	{ TRY(ioctl), M | V, "interrupt", { NOWHERE, KVM_IRQ_LINE, BAD } },
	{ TRY(ioctl), B | V, "look at a vCPU", { NOWHERE, KVM_GET_REGS, BAD } },
	{ TRY(ioctl), B, "set a vCPU", { NOWHERE, KVM_SET_REGS, BAD } },
	{ TRY(getrandom), B | S, "", { BAD, 0, 0 } },
	{ TRY(memfd_create), B, "", { BAD, 0 } },
	{ TRY(ftruncate), B, "", { NOWHERE, 0 } },

	/* Disks. */
	{ TRY(io_uring_setup), B, "", { 0, BAD } },
	{ TRY(io_uring_register),
	  B,
	  "restrictions",
	  { NOWHERE, IORING_REGISTER_RESTRICTIONS, BAD, 1 } },
	{ TRY(io_uring_register),
	  B,
	  "workers",
	  { NOWHERE, IORING_REGISTER_IOWQ_MAX_WORKERS, BAD, 2 } },
	{ TRY(io_uring_register),
	  B | D,
	  "enable",
	  { NOWHERE, IORING_REGISTER_ENABLE_RINGS, 0, 0 } },
	{ TRY(io_uring_enter), B | D, "", { NOWHERE, 0, 0, 0, 0, 0 } },
	{ TRY(preadv), B | D, "", { NOWHERE, BAD, 1, 0, 0 } },
	{ TRY(pwritev), B | D, "", { NOWHERE, BAD, 1, 0, 0 } },
	{ TRY(pwritev2), B | D, "", { NOWHERE, BAD, 1, 0, 0, 0 } },
	{ TRY(fdatasync), B | D, "", { NOWHERE } },
	{ TRY(fallocate), B | D, "", { NOWHERE, 0, 0, 0 } },
	{ TRY(sched_setscheduler), B | F, "idle", { 0, SCHED_IDLE, BAD } },
	{ TRY(sched_setscheduler), 0, "idle, of others", { 1, SCHED_IDLE, BAD } },
	{ TRY(sched_setscheduler), 0, "first in, first out", { 0, SCHED_FIFO, BAD } },
	{ TRY(mlock2), B, "", { 0, 0, 0 } },
	{ TRY(munlock), 0, "", { 0, 0 } },
	{ TRY(lseek), 0, "", { NOWHERE, 0, 0 } },
	{ TRY(pread64), B, "", { NOWHERE, 0, 0, 0 } },
	{ TRY(newfstatat), M, "a descriptor", { NOWHERE, BAD, BAD, AT_EMPTY_PATH } },
	{ TRY(eventfd2), B, "", { 0, -1 } },
	{ TRY(sysinfo), B, "", { BAD } },

	/* The event loop. */
	{ TRY(epoll_ctl), M, "", { NOWHERE, 0, 0, 0 } },
	{ TRY(epoll_pwait), M, "", { NOWHERE, BAD, 1, 0, 0, 0 } },
	{ TRY(epoll_create1), 0, "", { 0 } },
	{ TRY(poll), M | V | S | D, "", { 0, 0, 0 } },
	{ TRY(accept4), M, "", { NOWHERE, 0, 0, 0 } },
	{ TRY(recvmsg), M, "", { NOWHERE, BAD, 0 } },
	{ TRY(recvfrom), M, "", { NOWHERE, BAD, 0, 0, 0, 0 } },
	{ TRY(sendmsg), M, "", { NOWHERE, BAD, 0 } },
	{ TRY(sendto), M, "", { NOWHERE, BAD, 0, 0, 0, 0 } },
	{ TRY(getsockopt), M, "", { NOWHERE, 0, 0, 0, 0 } },
	{ TRY(fcntl), M, "", { NOWHERE, F_GETFL } },
	{ TRY(fcntl), M, "not to block", { NOWHERE, F_SETFL, O_NONBLOCK } },
	{ TRY(close), M, "", { NOWHERE } },
	{ TRY(io_uring_register),
	  M,
	  "files",
	  { NOWHERE, IORING_REGISTER_FILES, BAD, 1 } },
	{ TRY(io_uring_register),
	  0,
	  "buffers",
	  { NOWHERE, IORING_REGISTER_BUFFERS, BAD, 1 } },

	/* Threads and memory. */
	{ TRY(read), ALL & ~F, "", { NOWHERE, BAD, 0 } },
	{ TRY(write), ALL, "", { NOWHERE, BAD, 0 } },
	{ TRY(futex), ALL, "", { BAD, 1 /* wake */, 0, 0, 0, 0 } },
	{ TRY(clock_gettime), ALL, "", { 0, BAD } },
	{ TRY(mmap),
	  ALL,
	  "data",
	  { 0, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0 } },
	{ TRY(mprotect), ALL, "data", { 0, 0, PROT_READ } },
	{ TRY(munmap), ALL, "", { 1, 0 } },
	{ TRY(madvise), ALL, "", { 1, 0, 0 } },
	{ TRY(rt_sigprocmask), ALL, "", { -1, 0, 0, 8 } },
	{ TRY(getpid), ALL, "", { 0 } },
	{ TRY(gettid), ALL, "", { 0 } },
	{ TRY(tgkill), ALL, "itself", { SELF, -1, 0 } },
	{ TRY(prlimit64), ALL, "read", { 0, 0, 0, BAD } },
	{ TRY(prctl), B, "name", { PR_SET_NAME, BAD } },
	{ TRY(seccomp), B, "", { SECCOMP_SET_MODE_FILTER, -1, 0 } },
};

/* In the child: the thread's filters, then the call. */
static _Noreturn void attempt_in_child(enum sandbox_kind kind, const struct attempt *a)
{
	const long *arg = a->args;
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	uint32_t flags;
	int r;

	dup2(null, STDERR_FILENO); /* what sanitized builds say about it */
	r = sandbox_enter(&flags);
	if (r == 0 && kind != SANDBOX_MAIN)
		r = sandbox_thread(kind);
	if (r < 0)
		_exit(2);
	syscall(a->call, arg[0] == SELF ? getpid() : arg[0], arg[1], arg[2], arg[3],
		arg[4], arg[5]);
	_exit(0);
}

static void try(enum sandbox_kind kind, const struct attempt *a)
{
	bool allowed = a->allowed & 1u << kind;
	pid_t pid = fork();
	int status;

	T_TRUE(pid >= 0);
	if (pid == 0)
		attempt_in_child(kind, a);
	T_EQ(waitpid(pid, &status, 0), pid);
	if (allowed && !(WIFEXITED(status) && WEXITSTATUS(status) == 0))
		T_FAIL("thread %s, %s %s: not allowed, status %#x",
		       sandbox_kind_names[kind], a->name, a->how, status);
	if (!allowed && !(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS))
		T_FAIL("thread %s, %s %s: not forbidden, status %#x",
		       sandbox_kind_names[kind], a->name, a->how, status);
}

static void try_all(enum sandbox_kind kind)
{
	for (size_t i = 0; i < ARRAY_SIZE(attempts); i++)
		try(kind, &attempts[i]);
}

TEST(sandbox, main_thread)
{
	try_all(SANDBOX_MAIN);
}

TEST(sandbox, vcpu_threads)
{
	try_all(SANDBOX_VCPU);
}

TEST(sandbox, fill_thread)
{
	try_all(SANDBOX_FILL);
}

TEST(sandbox, slow_thread)
{
	try_all(SANDBOX_SLOW);
}

TEST(sandbox, disk_thread)
{
	try_all(SANDBOX_DISK);
}

TEST(sandbox, main_thread_of_a_running_machine)
{
	try_all(SANDBOX_RUN);
}

/* What a thread of a kind needs to begin, to work and to end. */
static void *thread_main(void *arg)
{
	char *volatile block;

	if (sandbox_thread(*(enum sandbox_kind *)arg) < 0)
		return NULL;
	block = malloc(1024 * 1024);
	free(block);
	return arg;
}

/* In the child: 0 when a thread came and went. */
static int run_thread(enum sandbox_kind kind)
{
	void *result = NULL;
	pthread_t thread;
	uint32_t flags;

	if (sandbox_enter(&flags) < 0 ||
	    pthread_create(&thread, NULL, thread_main, &kind) != 0)
		return 2;
	pthread_join(thread, &result);
	return result == &kind ? 0 : 3;
}

TEST(sandbox, threads_begin_work_and_end)
{
	int status;

	for (unsigned kind = 0; kind < SANDBOX_KIND_N; kind++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(run_thread(kind));
		T_EQ(waitpid(pid, &status, 0), pid);
		T_EQ(status, 0);
	}
}

TEST(sandbox, a_failed_assertion_still_aborts)
{
	int status;

	for (unsigned kind = 0; kind < SANDBOX_KIND_N; kind++) {
		pid_t pid = fork();

		if (pid == 0) {
			uint32_t flags;

			dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
			if (sandbox_enter(&flags) < 0 || sandbox_thread(kind) < 0)
				_exit(2);
			ASSERT(pid != 0);
		}
		T_EQ(waitpid(pid, &status, 0), pid);
		T_TRUE(WIFSIGNALED(status));
		T_EQ(WTERMSIG(status), SIGABRT);
	}
}
