/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * spawn.h - start one kzhost
 */
#ifndef KZ_RESTARTER_SPAWN_H
#define KZ_RESTARTER_SPAWN_H

#include "common/sys/jail.h"

#include <sys/types.h>

struct spawn {
	const char *program;     /* path */
	const char *zone;        /* kzhost -z ZONE */
	uid_t uid;               /* and gid, of its own; 0: ours */
	const struct jail *jail; /* namespaces to join, maybe none; borrowed */
	int listen_fd;           /* becomes CTL_LISTEN_FD; borrowed */
	int log_fd;              /* becomes standard output and error; borrowed */
	int group_fd; /* control group's folder to be made in; borrowed; -1: ours */
};

/**
 * spawn_kzhost() - Run kzhost in a process and a session of its own
 * @ret_pid:	The child; reaping it is the caller's
 * @ret_grouped: It was made in the control group; else it is where this process is: the
 *		kernel cannot (clone3(2), Linux 5.7), or would not
 * @ret_pidfd:	Its pidfd, close-on-exec
 *
 * Returns when the program has been entered, or could not be. The child has no other
 * descriptor than 0 to 3 and those of namespaces, default signals, and does not die with this process.
 *
 * Return: 0 or what vfork(2), pidfd_open(2) or execve(2) gave, with a text
 */
int spawn_kzhost(const struct spawn *s, pid_t *ret_pid, int *ret_pidfd, bool *ret_grouped,
		 struct errmsg *e);

/* pidfd_open(2) and pidfd_send_signal(2): a descriptor or 0, or -errno. */
int pidfd_of(pid_t pid);
int pidfd_kill(int pidfd, int sig);

#endif
