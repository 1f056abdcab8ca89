/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * confine.h - what of the host a kzhost leaves behind before it takes its filters
 *
 * DOC: In which order
 *
 * The environment is wiped, limits are set, and the uid is changed, which needs rights
 * that go later: capabilities, new privileges and system calls, in sandbox_enter(). A
 * step that was ordered and fails ends the process: a zone runs confined as it was
 * ordered, or not.
 */
#ifndef KZ_SANDBOX_CONFINE_H
#define KZ_SANDBOX_CONFINE_H

#include "common/base/err.h"

/* What svc.zones orders on the command line. */
struct confine {
	uid_t uid; /* and gid, of its own; 0: it stays who it is */
};

/**
 * confine_process() - Leave the host behind; call it once, before any other thread
 * With a uid of its own the control socket is told who listens: SO_PEERCRED.
 *
 * Return: 0, or -errno with a text that names the step
 */
int confine_process(const struct confine *c, struct errmsg *e);

#endif
