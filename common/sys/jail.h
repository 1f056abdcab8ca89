/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * jail.h - namespaces with nothing in them, made once and joined by many
 *
 * DOC: One set for all
 *
 * A namespace of one's own costs each process that wants one: a network namespace some
 * milliseconds, a mount namespace a copy of the host's table of mounts and a grace period
 * when it ends. But what is empty, and cannot be changed by who is in it, may be shared:
 * so one set is made, kept as descriptors, and joined by setns(2), a few microseconds each.
 *
 * In the set: a root directory that is empty, read-only and the only mount there is; a
 * network without a route or an address, its loopback down; no System V objects or
 * message queues; a host name that says nothing; no sight of control groups above.
 * Without CAP_SYS_ADMIN they are made inside a user namespace in which only the caller's
 * own uid and gid exist.
 *
 * Not among them is a pid namespace: who joins one is not in it, only the next child is;
 * and what has the number 1 there ignores the signals that it sends itself, abort(3)'s for
 * one.
 */
#ifndef KZ_SYS_JAIL_H
#define KZ_SYS_JAIL_H

#include "common/base/err.h"

/* Namespaces: id, name, name below /proc/PID/ns, type. Joined in this order. */
#define JAIL_NAMESPACES(X) \
	X(USER, "user", "user", CLONE_NEWUSER) \
	X(NET, "net", "net", CLONE_NEWNET) \
	X(IPC, "ipc", "ipc", CLONE_NEWIPC) \
	X(UTS, "uts", "uts", CLONE_NEWUTS) \
	X(CGROUP, "cgroup", "cgroup", CLONE_NEWCGROUP) \
	X(MOUNT, "mount", "mnt", CLONE_NEWNS)

enum jail_ns {
#define X(id, name, file, type) JAIL_##id,
	JAIL_NAMESPACES(X)
#undef X
		JAIL_NS_N
};

extern const char *const jail_ns_names[JAIL_NS_N];
extern const int jail_ns_types[JAIL_NS_N]; /* CLONE_NEW… */

struct jail {
	int fd[JAIL_NS_N]; /* owned; n of them, as they are to be joined */
	unsigned n;        /* 0: there is none */
};

/* May this process make namespaces without a user namespace (CAP_SYS_ADMIN)? */
bool jail_privileged(void);
/* May this process give others a uid and a gid (CAP_SETUID, CAP_SETGID)? */
bool jail_may_set_uid(void);

/**
 * jail_make() - Make the namespaces
 *
 * Forks a process that makes them and ends. Without CAP_SYS_ADMIN they are not made when
 * what the caller has would be lost by it: the right to set uids, or to lock memory.
 *
 * Return: 0, or -errno with a text that names the step: fork(2), unshare(2), mount(2), …
 */
int jail_make(struct jail *ret_jail, struct errmsg *e);
/* Closes the descriptors; whoever has joined stays in. */
void jail_close(struct jail *j);

#endif
