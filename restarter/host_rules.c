// SPDX-License-Identifier: BSD-2-Clause
/*
 * host_rules.c - the states of one kzhost, as the restarter sees it
 */
#include "restarter/hosts_internal.h"

const char *const host_state_names[HOST_STATE_N] = {
#define X(id, name) name,
	HOST_STATES(X)
#undef X
};

const char *const host_event_names[HOST_EVENT_N] = {
#define X(id, name) name,
	HOST_EVENTS(X)
#undef X
};

static const char *const host_action_names[HOST_ACTION_N] = { "-",
#define X(id, name) name,
							      HOST_ACTIONS(X)
#undef X
};

/* Every state in which kzhost is being started or runs. */
#define WHILE_STARTING(state) \
	{ state, HOST_EV_REFUSED, HOST_ENDING, 0, HOST_ACT_KILL }, \
		{ state, HOST_EV_LATE, HOST_ENDING, 0, HOST_ACT_KILL }, \
	{ \
		state, HOST_EV_HALT, HOST_ENDING, 0, HOST_ACT_KILL \
	}
#define WHILE_ALIVE(state) \
	{ state, HOST_EV_EXITING, HOST_ENDING, 0, HOST_ACT_LEAVE }, \
		{ state, HOST_EV_EOF, HOST_ENDING, 0, HOST_ACT_LEAVE }, \
		{ state, HOST_EV_BROKEN, HOST_ENDING, 0, HOST_ACT_KILL }, \
	{ \
		state, HOST_EV_ENDED, HOST_GONE, 0, HOST_ACT_TELL \
	}

static const struct fsm_rule host_rules[] = {
	{ HOST_HELLO, HOST_EV_ANSWERED, HOST_CREATE, 0, HOST_ACT_CREATE },
	WHILE_STARTING(HOST_HELLO),
	WHILE_ALIVE(HOST_HELLO),
	{ HOST_CREATE, HOST_EV_ANSWERED, HOST_START, 0, HOST_ACT_START },
	WHILE_STARTING(HOST_CREATE),
	WHILE_ALIVE(HOST_CREATE),
	{ HOST_START, HOST_EV_ANSWERED, HOST_RUNNING, 0, HOST_ACT_RUNNING },
	WHILE_STARTING(HOST_START),
	WHILE_ALIVE(HOST_START),
	{ HOST_RUNNING, HOST_EV_PANIC, HOST_RUNNING, 0, HOST_ACT_PANIC },
	{ HOST_RUNNING, HOST_EV_GOALS, HOST_RUNNING, 0, HOST_ACT_GOALS },
	{ HOST_RUNNING, HOST_EV_HALT, HOST_ENDING, 0, HOST_ACT_HALT },
	WHILE_ALIVE(HOST_RUNNING),
	/* EXITING may follow HALT; end of file comes before the end of the process. */
	FSM_IGNORE(HOST_ENDING, HOST_EV_EXITING),
	FSM_IGNORE(HOST_ENDING, HOST_EV_EOF),
	FSM_IGNORE(HOST_ENDING, HOST_EV_ANSWERED),
	FSM_IGNORE(HOST_ENDING, HOST_EV_REFUSED),
	FSM_IGNORE(HOST_ENDING, HOST_EV_PANIC),
	FSM_IGNORE(HOST_ENDING, HOST_EV_GOALS),
	FSM_IGNORE(HOST_ENDING, HOST_EV_BROKEN),
	FSM_IGNORE(HOST_ENDING, HOST_EV_HALT),
	{ HOST_ENDING, HOST_EV_LATE, HOST_ENDING, 0, HOST_ACT_KILL },
	{ HOST_ENDING, HOST_EV_ENDED, HOST_GONE, 0, HOST_ACT_TELL },
};

const struct fsm host_fsm = {
	.name = "kzhost, as the restarter sees it",
	.state_names = host_state_names,
	.event_names = host_event_names,
	.action_names = host_action_names,
	.n_states = HOST_STATE_N,
	.n_events = HOST_EVENT_N,
	.initial = HOST_HELLO,
	.rules = host_rules,
	.n_rules = ARRAY_SIZE(host_rules),
};
