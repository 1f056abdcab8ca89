/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * log.h - one line an event, to standard error; the journal's level prefix when it
 * listens
 *
 * Programs log; common/ does not. Context comes first: "zone=web dev=vblk0 ...".
 */
#ifndef KZ_SYS_LOG_H
#define KZ_SYS_LOG_H

#include "common/base/base.h"

enum log_level {
	LOG_LVL_ERR = 3,
	LOG_LVL_WARNING = 4,
	LOG_LVL_NOTICE = 5,
	LOG_LVL_INFO = 6
};

/* ident: the program's name, borrowed for ever. Call once, before threads. */
void log_init(const char *ident);
/* From now on a line that is not the journal's begins with the time, in UTC and saying
 * so: of a program whose lines go to a file, and which has no time zone. */
void log_with_time(void);
void log_line(enum log_level level, const char *fmt, ...) printf_like(2, 3);

#define log_err(...)     log_line(LOG_LVL_ERR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LVL_WARNING, __VA_ARGS__)
#define log_notice(...)  log_line(LOG_LVL_NOTICE, __VA_ARGS__)
#define log_info(...)    log_line(LOG_LVL_INFO, __VA_ARGS__)

#endif
