/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * confine.h - what of the host a kzhost leaves behind before it takes its filters
 *
 * DOC: In which order
 *
 * The environment is wiped, limits are set, the namespaces joined that svc.zones has made
 * and given as descriptors (common/sys/jail.h; with the mount namespace goes the root
 * directory), and last the uid is changed: each step needs rights that a later one takes.
 * Capabilities, new privileges and system calls go after that, in sandbox_enter(). The
 * program and its libraries are loaded by then, and nothing opens a path later. A step
 * that was ordered and fails ends the process: a zone runs confined as it was ordered,
 * or not.
 *
 * DOC: Landlock
 *
 * It would add nothing: in an empty directory there is no path that it could forbid, and
 * the filters forbid to open any, wherever the root is.
 */
#ifndef KZ_SANDBOX_CONFINE_H
#define KZ_SANDBOX_CONFINE_H

#include "common/base/err.h"

/* What svc.zones orders on the command line. */
struct confine {
	uid_t uid;     /* and gid, of its own; 0: it stays who it is */
	unsigned n_ns; /* descriptors of namespaces, from CTL_NS_FD on */
};

/**
 * confine_process() - Leave the host behind; call it once, before any other thread
 * @ret_flags:	CTL_HELLO_UID and CTL_HELLO_NS(): what was done
 *
 * Descriptors of namespaces are closed when they have been joined.
 * With a uid of its own the control socket is told who listens: SO_PEERCRED.
 *
 * Return: 0, or -errno with a text that names the step
 */
int confine_process(const struct confine *c, uint32_t *ret_flags, struct errmsg *e);

#endif
