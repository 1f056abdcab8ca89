/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * goalwatch.h - has the guest said that it has reached its goals?
 *
 * DOC: Ways to say so (enum ctl_goals)
 *
 *	console	a text in what it writes to the console
 *	port	a byte, any, on the port org.kzones.goals
 *	agent	the guest agent answers; it is asked when the guest opens its port, and
 *		every second
 *
 * Once they are reached nothing is looked at any more: what a guest writes to its ports
 * then costs the main thread nothing.
 */
#ifndef KZHOST_GOALWATCH_H
#define KZHOST_GOALWATCH_H

#include "common/proto/ctl.h"
#include "kzhost/io/agent.h"
#include "kzhost/io/goals.h"
#include "kzhost/vm/vm.h"

#include <uv.h>

#define GOALWATCH_ASK_MS 1000

struct goalwatch {
	enum ctl_goals kind;
	bool reached;
	struct goals text[VM_CONSOLE_N]; /* what each writes is a stream of its own */
	struct agent agent;
	bool agent_open; /* when it was looked at last */
	struct vm *vm;   /* borrowed, while it is asked */
	uv_timer_t timer;
};

/* Nothing is watched. @g: lives until its timer is closed. */
void goalwatch_init(struct goalwatch *g, uv_loop_t *loop);

/* What to watch for, before the guest runs. @text: of CTL_GOALS_CONSOLE, else "". */
void goalwatch_set(struct goalwatch *g, enum ctl_goals kind, const char *text);

/* The guest runs; @vm: borrowed until goalwatch_stop(). */
void goalwatch_start(struct goalwatch *g, struct vm *vm);
void goalwatch_stop(struct goalwatch *g);

/* The next piece of console output. True once: the goals are reached. */
bool goalwatch_console(struct goalwatch *g, enum vm_console from, const void *data,
		       size_t len);

/**
 * goalwatch_ports() - Look at the machine's ports, after its event_fd was ready
 * @ret_more:	Something was there: look again in a moment, unwoken
 *
 * Return: true once: the goals are reached
 */
bool goalwatch_ports(struct goalwatch *g, bool *ret_more);

void goalwatch_close(struct goalwatch *g);

#endif
