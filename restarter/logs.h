/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * logs.h - a zone's logs: console.<zone> and messages.<zone>, rotated by size when
 * opened, which a kzhost whose console log is full asks for
 */
#ifndef KZ_RESTARTER_LOGS_H
#define KZ_RESTARTER_LOGS_H

#include "common/proto/ctl.h"
#include "common/sys/paths.h"

#define LOG_ROTATE_BYTES CTL_LOG_FULL
#define LOG_KEPT         3 /* older generations: .0 is the youngest */

/**
 * log_open() - Open a zone's log for appending; rotates it when it has grown
 * @id:		PATH_CONSOLE_LOG or PATH_MESSAGES_LOG
 *
 * Return: 0, -ENOMEM, -EINVAL (not a regular file) or what open(2) gave
 */
int log_open(const struct paths *p, enum path_id id, const char *zone, int *ret_fd);

/* One line with the time to messages.<zone>; 0 or what log_open() or write(2) gave. */
int log_message(const struct paths *p, const char *zone, const char *fmt, ...)
	printf_like(3, 4);

#endif
