/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * console.h - the zone's console outside the guest: one client, a memory of what was
 * said, the log
 *
 * DOC: What waits for what
 *
 * The guest never waits. What it writes goes to the scrollback (the last 64 KiB, replayed
 * to a client that attaches), to the log, and to the client's queue. A client that does
 * not read delays nobody: once it reads again it gets the end of what it missed from the
 * scrollback, and is told how much more there was. A log
 * that cannot be written (full disk) loses output too, and so does one that has grown to
 * CTL_LOG_MAX bytes and is not replaced; all are counted.
 *
 * The client waits for the guest: input is read from the client only when the guest has
 * taken what was read before.
 */
#ifndef KZ_IO_CONSOLE_H
#define KZ_IO_CONSOLE_H

#include "common/base/base.h"

#include <uv.h>

#define CONSOLE_SCROLLBACK (64 * KIB)
#define CONSOLE_QUEUE      (128 * KIB) /* of the client, bytes */

struct console;

/* Takes input for the guest: how many of the bytes fitted. */
typedef size_t (*console_input_fn)(void *arg, const void *data, size_t len);

struct console_stats {
	uint64_t log_lost;    /* bytes that the log did not take */
	uint64_t client_lost; /* bytes that clients were too slow for, and were told so */
};

/**
 * console_new() - Accept clients and keep the log
 * @listen_fd:	Listening stream socket; taken on success, also made non-blocking
 * @log_fd:	Opened for appending, or -1; taken on success
 *
 * Return: 0, -ENOMEM or what libuv gave
 */
int console_new(uv_loop_t *loop, int listen_fd, int log_fd, console_input_fn input,
		void *arg, struct console **ret_console);

/* Another log; taken. */
void console_set_log(struct console *con, int log_fd);

/* The log has grown so that another one is wanted. */
bool console_log_full(const struct console *con);

/* What the guest wrote. */
void console_output(struct console *con, const void *data, size_t len);

/* A line "[NOTICE: text]" of its own, with a blank line before it. NULL con is fine. */
void console_notice(struct console *con, const char *text);

/* The guest may have room for input again. */
void console_pump(struct console *con);

void console_stats(const struct console *con, struct console_stats *ret_stats);

/*
 * Gives the client what its socket takes at once, says goodbye and closes everything;
 * memory is released by the loop. NULL is fine.
 */
void console_close(struct console *con);

#endif
