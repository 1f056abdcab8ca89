/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sandbox.h - what kzhost takes away from itself
 *
 * DOC: What is left
 *
 * Descriptors are received, never opened: no filter lets a path be opened, a socket be
 * made or a program be run. The filter of the main thread is put on at program start,
 * before the first byte from outside is read, and every later thread inherits it; vCPU
 * threads, those of disks, the one of slow devices and the one that fills RAM then put
 * their own, narrower filter on top, and so does the main thread once they all exist:
 * from then on it makes no thread, no memory of its own kind and no ring, and all that it
 * can do to KVM's machine is to interrupt it. A call outside the filter ends the process
 * by SIGSYS (the kernel logs its number to the audit log); builds with a sanitizer print
 * the number to standard error first.
 *
 * The filters are compiled to BPF when the project is built (filters.c from rules.c), so
 * that a start costs one system call and no library.
 */
#ifndef KZ_SANDBOX_SANDBOX_H
#define KZ_SANDBOX_SANDBOX_H

#include "common/base/base.h"

#define SANDBOX_KINDS(X) \
	X(MAIN, "main") \
	X(VCPU, "vcpu") \
	X(FILL, "fill") \
	X(SLOW, "slow") \
	X(DISK, "disk") \
	X(RUN, "run") /* the main thread, once all threads exist */

enum sandbox_kind {
#define X(id, name) SANDBOX_##id,
	SANDBOX_KINDS(X)
#undef X
		SANDBOX_KIND_N
};

extern const char *const sandbox_kind_names[SANDBOX_KIND_N];

/**
 * sandbox_enter() - Confine the calling process; call it once, before any other thread
 * @ret_flags:	CTL_HELLO_SECCOMP, CTL_HELLO_IPC_LOCK: what was done
 *
 * No capabilities (but to lock memory, where no limit can stand for
 * it), no new privileges, not dumpable, the main thread's filter.
 *
 * Return: 0 or what capset(2), prctl(2) or seccomp(2) gave
 */
int sandbox_enter(uint32_t *ret_flags);

/**
 * sandbox_thread() - Put one more filter on the calling thread
 *
 * Return: 0 or what seccomp(2) gave (-ENOMEM)
 */
int sandbox_thread(enum sandbox_kind kind);

#endif
