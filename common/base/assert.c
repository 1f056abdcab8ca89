// SPDX-License-Identifier: BSD-2-Clause
/*
 * assert.c - what a failed ASSERT does: print the trace ring, say where, abort
 */
#include "common/base/base.h"
#include "common/base/trace.h"

#include <stdio.h>
#include <string.h>

/**
 * assert_failed() - End the process after a bug of ours
 *
 * Writes to standard error without allocating; a sandbox that forbids the write may end
 * the process first, which is as good.
 */
_Noreturn void assert_failed(const char *cond, const char *file, int line,
			     const char *func)
{
	char text[512];
	int n;

	trace_dump(STDERR_FILENO);
	n = snprintf(text, sizeof(text), "%s:%d: %s(): assertion failed: %s\n", file,
		     line, func, cond);
	if (n > 0 && write(STDERR_FILENO, text, MIN((size_t)n, sizeof(text) - 1)) < 0)
		abort();
	abort();
}
