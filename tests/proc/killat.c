// SPDX-License-Identifier: BSD-2-Clause
/*
 * killat.c - killat [-r NAME [-m]] N PROGRAM [ARGUMENT...]: run a program and kill it
 * (SIGKILL) at the N-th step that changes files
 *
 * A step is the beginning or the end of a system call that creates, writes, syncs,
 * renames, removes or changes a file; so N = 1, 2, … goes through all moments at which a
 * crash can leave something different behind. With -r only the ends of renames to a path
 * that ends in NAME are steps: each time a file has been replaced; with -m those of
 * messages sent and received, too: what another process knows, or has said. Exit status:
 * 9 it was killed, 77 it cannot be traced here, else the program's own.
 */
#include "common/base/base.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <linux/ptrace.h>

#define KILLED 9
#define SKIP   77

static bool changes_files(uint64_t nr, const __u64 *args)
{
	static const long calls[] = {
		SYS_ftruncate, SYS_fsync,  SYS_rename, SYS_renameat,
		SYS_renameat2, SYS_unlink, SYS_mkdir,  SYS_fchmod,
		SYS_unlinkat,  SYS_chmod,  SYS_rmdir,  SYS_mkdirat
	};

	if (nr == SYS_openat)
		return args[2] & O_CREAT;
	if (nr == SYS_write || nr == SYS_pwrite64)
		return args[0] > STDERR_FILENO;
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		if (nr == (uint64_t)calls[i])
			return true;
	return false;
}

static const char *replaced; /* NAME of -r, or NULL */
static bool messages;        /* -m */

/* Is the path in the program's memory that file? */
static bool is_replaced(pid_t pid, uint64_t address)
{
	char path[4096];
	struct iovec here = { path, sizeof(path) - 1 };
	struct iovec there = { (void *)(uintptr_t)address, sizeof(path) - 1 };
	size_t page = 4096 - address % 4096, len;
	ssize_t n;

	there.iov_len = MIN(there.iov_len, page); /* the next page may not be there */
	n = process_vm_readv(pid, &here, 1, &there, 1, 0);
	path[MAX(n, 0)] = '\0';
	len = strlen(path);
	return len >= strlen(replaced) &&
	       strcmp(path + len - strlen(replaced), replaced) == 0;
}

static bool replaces(pid_t pid, uint64_t nr, const __u64 *args)
{
	if (nr == SYS_sendmsg || nr == SYS_recvmsg)
		return messages;
	if (nr == SYS_rename)
		return is_replaced(pid, args[1]);
	return (nr == SYS_renameat || nr == SYS_renameat2) && is_replaced(pid, args[3]);
}

static void run_child(char **argv)
{
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
		_exit(SKIP);
	raise(SIGSTOP);
	execv(argv[0], argv);
	_exit(127);
}

/* At a stop before or after a system call: is it a step? */
static bool is_step(pid_t pid, bool *counting)
{
	struct ptrace_syscall_info info = { 0 };

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) <= 0)
		return false;
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
		*counting = replaced ? replaces(pid, info.entry.nr, info.entry.args)
				     : changes_files(info.entry.nr, info.entry.args);
		return *counting && !replaced;
	}
	/* A look at a socket in which there was nothing is no step. */
	return info.op == PTRACE_SYSCALL_INFO_EXIT && *counting && !info.exit.is_error;
}

static int trace(pid_t pid, long at)
{
	bool counting = false;
	int deliver = 0, status;

	for (;;) {
		if (ptrace(PTRACE_SYSCALL, pid, NULL, deliver) < 0 ||
		    waitpid(pid, &status, 0) < 0)
			return SKIP;
		if (WIFEXITED(status))
			return WEXITSTATUS(status);
		if (WIFSIGNALED(status))
			return 128 + WTERMSIG(status);
		deliver = WSTOPSIG(status) == (SIGTRAP | 0x80) ||
					  WSTOPSIG(status) == SIGTRAP
				  ? 0
				  : WSTOPSIG(status);
		if (WSTOPSIG(status) == (SIGTRAP | 0x80) && is_step(pid, &counting) &&
		    --at == 0) {
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			return KILLED;
		}
	}
}

int main(int argc, char **argv)
{
	int status;
	pid_t pid;

	if (argc > 2 && strcmp(argv[1], "-r") == 0) {
		replaced = argv[2];
		argv += 2;
		argc -= 2;
	}
	if (replaced && argc > 1 && strcmp(argv[1], "-m") == 0) {
		messages = true;
		argv++;
		argc--;
	}
	if (argc < 3) {
		fprintf(stderr, "usage: killat [-r name [-m]] n program [argument...]\n");
		return 2;
	}
	pid = fork();
	if (pid == 0)
		run_child(argv + 2);
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, pid, NULL,
		   PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL) < 0)
		return SKIP;
	return trace(pid, strtol(argv[1], NULL, 10));
}
