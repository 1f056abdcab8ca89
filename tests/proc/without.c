// SPDX-License-Identifier: BSD-2-Clause
/*
 * without.c - run a program on a kernel that lacks system calls
 *
 * Usage: without CALL[,CALL...] PROGRAM [ARG...]
 *
 * The calls fail with EPERM, as they do where the host's administrator has disabled them.
 */
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int forbid(scmp_filter_ctx ctx, char *calls)
{
	int r = 0;

	for (char *name = strtok(calls, ","); name && r == 0; name = strtok(NULL, ","))
		r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM),
				     seccomp_syscall_resolve_name(name), 0);
	return r;
}

int main(int argc, char *argv[])
{
	scmp_filter_ctx ctx;

	if (argc < 3) {
		fprintf(stderr, "usage: without CALL[,CALL...] PROGRAM [ARG...]\n");
		return 2;
	}
	ctx = seccomp_init(SCMP_ACT_ALLOW);
	if (!ctx || forbid(ctx, argv[1]) < 0 || seccomp_load(ctx) < 0) {
		fprintf(stderr, "without: %s: cannot forbid them\n", argv[1]);
		return 1;
	}
	execv(argv[2], argv + 2);
	fprintf(stderr, "without: %s: %s\n", argv[2], strerror(errno));
	return 1;
}
