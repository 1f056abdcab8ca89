// SPDX-License-Identifier: BSD-2-Clause
/*
 * life.c - the table of a zone's life between zonecfg and its first boot
 */
#include "restarter/life.h"

#include <string.h>

const char *const life_state_names[LIFE_STATE_N] = {
#define X(id, name) name,
	LIFE_STATES(X)
#undef X
};

static const char *const life_event_names[LIFE_EVENT_N] = {
#define X(id, name) name,
	LIFE_EVENTS(X)
#undef X
};

static const char *const life_action_names[] = { "-",
						 "new uuid",
						 "add instance",
						 "remove instance",
						 "forget uuid",
						 "new uuid, add instance",
						 "remove instance, forget uuid",
						 "instance to maintenance",
						 "instance out of maintenance" };

static const struct fsm_rule life_rules[] = {
	{ LIFE_CONFIGURED, LIFE_EV_BEGIN_INSTALL, LIFE_INCOMPLETE, 0, LIFE_ACT_UUID },
	{ LIFE_INCOMPLETE, LIFE_EV_INSTALLED, LIFE_INSTALLED, 0, LIFE_ACT_ADD },
	{ LIFE_INCOMPLETE, LIFE_EV_BEGIN_UNINSTALL, LIFE_INCOMPLETE, 0, LIFE_ACT_NONE },
	{ LIFE_INCOMPLETE, LIFE_EV_UNINSTALLED, LIFE_CONFIGURED, 0, LIFE_ACT_FORGET },
	{ LIFE_INSTALLED, LIFE_EV_BEGIN_UNINSTALL, LIFE_INCOMPLETE, 0, LIFE_ACT_REMOVE },
	{ LIFE_UNAVAILABLE, LIFE_EV_BEGIN_UNINSTALL, LIFE_INCOMPLETE, 0,
	  LIFE_ACT_REMOVE },
	{ LIFE_INSTALLED, LIFE_EV_MARK_INCOMPLETE, LIFE_INCOMPLETE, 0, LIFE_ACT_REMOVE },
	{ LIFE_INSTALLED, LIFE_EV_MARK_UNAVAILABLE, LIFE_UNAVAILABLE, 0, LIFE_ACT_AWAY },
	{ LIFE_UNAVAILABLE, LIFE_EV_MARK_INCOMPLETE, LIFE_INCOMPLETE, 0,
	  LIFE_ACT_REMOVE },
	FSM_IGNORE(LIFE_INCOMPLETE, LIFE_EV_MARK_INCOMPLETE),
	FSM_IGNORE(LIFE_UNAVAILABLE, LIFE_EV_MARK_UNAVAILABLE),
	FSM_IGNORE(LIFE_INCOMPLETE, LIFE_EV_FAILED),
	/* attach and detach only look and book: nothing is half-done in between */
	FSM_IGNORE(LIFE_CONFIGURED, LIFE_EV_BEGIN_ATTACH),
	FSM_IGNORE(LIFE_UNAVAILABLE, LIFE_EV_BEGIN_ATTACH),
	FSM_IGNORE(LIFE_INSTALLED, LIFE_EV_BEGIN_DETACH),
	FSM_IGNORE(LIFE_UNAVAILABLE, LIFE_EV_BEGIN_DETACH),
	{ LIFE_CONFIGURED, LIFE_EV_ATTACHED, LIFE_INSTALLED, 0, LIFE_ACT_ATTACH },
	{ LIFE_UNAVAILABLE, LIFE_EV_ATTACHED, LIFE_INSTALLED, 0, LIFE_ACT_BACK },
	{ LIFE_INSTALLED, LIFE_EV_DETACHED, LIFE_CONFIGURED, 0, LIFE_ACT_DETACH },
	{ LIFE_UNAVAILABLE, LIFE_EV_DETACHED, LIFE_CONFIGURED, 0, LIFE_ACT_DETACH },
	FSM_IGNORE(LIFE_CONFIGURED, LIFE_EV_FAILED),
	FSM_IGNORE(LIFE_UNAVAILABLE, LIFE_EV_FAILED),
	FSM_IGNORE(LIFE_INSTALLED, LIFE_EV_FAILED),
};

const struct fsm life_fsm = {
	.name = "zone",
	.state_names = life_state_names,
	.event_names = life_event_names,
	.action_names = life_action_names,
	.n_states = LIFE_STATE_N,
	.n_events = LIFE_EVENT_N,
	.initial = LIFE_CONFIGURED,
	.rules = life_rules,
	.n_rules = ARRAY_SIZE(life_rules),
};

int life_parse(const char *name, enum life_state *ret_state)
{
	for (unsigned i = 0; i < LIFE_STATE_N; i++) {
		if (strcmp(name, life_state_names[i]) == 0) {
			*ret_state = (enum life_state)i;
			return 0;
		}
	}
	return -EINVAL;
}
