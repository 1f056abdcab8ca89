/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rules.h - the table of system calls that each kind of thread may make
 *
 * Used at build time by the filter compiler, and by the test that tries every call.
 */
#ifndef KZ_SANDBOX_RULES_H
#define KZ_SANDBOX_RULES_H

#include "kzhost/sandbox/sandbox.h"

#include <seccomp.h>

#define SANDBOX_BIT(kind) (1u << SANDBOX_##kind)

struct sandbox_rule {
	int call;
	unsigned kinds;              /* SANDBOX_BIT()s */
	struct scmp_arg_cmp args[2]; /* conditions on the arguments */
	unsigned n_args;             /* how many, all of which must hold */
	int err; /* not 0: refuse with this errno instead of allowing */
};

extern const struct sandbox_rule sandbox_rules[];
extern const unsigned sandbox_n_rules;

#endif
