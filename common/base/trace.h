/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trace.h - a ring of the last 512 records, printed by every ASSERT and on demand
 *
 * TRACE(flag, ...) always records; with the flag raised (-D flag=1) it also prints to
 * standard error. Flags are the project's only mutable globals. A record is one line of
 * at most TRACE_TEXT bytes; several threads may record at once.
 */
#ifndef KZ_BASE_TRACE_H
#define KZ_BASE_TRACE_H

#include "common/base/err.h"

#define TRACE_FLAGS(X) \
	X(core, "decisions of the restarter's core") \
	X(shell, "what svc.zones does with the core's actions") \
	X(admin, "requests of operators") \
	X(ctl, "control messages between restarter and kzhost") \
	X(vcpu, "exits of vCPUs") \
	X(dev, "device emulation") \
	X(virtq, "rings")

enum trace_flag {
#define X(name, help) TRACE_##name,
	TRACE_FLAGS(X)
#undef X
		TRACE_FLAG_N
};

#define TRACE_RECORDS 512
#define TRACE_TEXT    120

extern int trace_level[TRACE_FLAG_N];

#define TRACE(flag, ...) trace_record(TRACE_##flag, __VA_ARGS__)

void trace_record(enum trace_flag flag, const char *fmt, ...) printf_like(2, 3);
/* Writes the ring to fd, oldest first. Async-signal-safe. */
void trace_dump(int fd);
/* Parses "virtq=2" or "virtq" (level 1). -EINVAL: unknown flag, its text lists the known.
 */
int trace_parse(const char *arg, struct errmsg *e);

#endif
