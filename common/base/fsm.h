/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fsm.h - state machines as tables, and the check that a table is sound
 *
 * A machine is an array of rules (from, event, to, action). A pair (state, event) that
 * has no row is illegal; one that shall change nothing is an explicit row made with
 * FSM_IGNORE. The action is a number of the machine's own enumeration; who runs it is the
 * machine's owner: this file decides nothing else.
 */
#ifndef KZ_BASE_FSM_H
#define KZ_BASE_FSM_H

#include "common/base/buf.h"
#include "common/base/err.h"

struct fsm_rule {
	uint8_t from;
	uint8_t on;
	uint8_t to;
	uint8_t ignore; /* 1: the event is legal here and changes nothing */
	int action;     /* of the machine's own enumeration; 0 = none */
};

#define FSM_IGNORE(state, event) \
	{ \
		.from = (state), .on = (event), .to = (state), .ignore = 1 \
	}

struct fsm {
	const char *name;
	const char *const *state_names;
	const char *const *event_names;
	const char *const *action_names; /* NULL when no rule has an action */
	unsigned n_states;
	unsigned n_events;
	unsigned initial;
	const struct fsm_rule *rules;
	unsigned n_rules;
};

/* The rule for (state, event), or NULL when the pair is illegal. */
const struct fsm_rule *fsm_find(const struct fsm *m, unsigned state, unsigned event);

/**
 * fsm_check() - Prove a table sound
 *
 * Every index in range, every name set, no pair twice, every state reachable from the
 * initial one.
 *
 * Return: 0 or -EINVAL with @e naming the machine, state and event
 */
int fsm_check(const struct fsm *m, struct errmsg *e);

/* Appends the machine as a Markdown table (docs/states.md). */
void fsm_print(const struct fsm *m, struct buf *out);

#endif
