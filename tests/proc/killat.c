// SPDX-License-Identifier: BSD-2-Clause
/*
 * killat.c - killat N PROGRAM [ARGUMENT...]: run a program and kill it (SIGKILL) at the
 * N-th step that changes files
 *
 * A step is the beginning or the end of a system call that creates, writes, syncs,
 * renames, removes or changes a file; so N = 1, 2, … goes through all moments at which a
 * crash can leave something different behind. Exit status: 9 it was killed, 77 it cannot
 * be traced here, else the program's own.
 */
#include "common/base/base.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
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
		*counting = changes_files(info.entry.nr, info.entry.args);
		return *counting;
	}
	return info.op == PTRACE_SYSCALL_INFO_EXIT && *counting;
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

	if (argc < 3) {
		fprintf(stderr, "usage: killat n program [argument...]\n");
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
