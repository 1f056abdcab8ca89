/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * life.h - the life of a zone below its instance: configured … installed
 *
 * What lies above installed (ready, running, shutting_down, down) is what the zone's
 * machine does, and the core knows that; also which of the installed zones are
 * unavailable, as it is a boot that finds out (zone_life()).
 */
#ifndef KZ_RESTARTER_LIFE_H
#define KZ_RESTARTER_LIFE_H

#include "common/base/fsm.h"

#define LIFE_STATES(X) \
	X(CONFIGURED, "configured") \
	X(INCOMPLETE, "incomplete") \
	X(UNAVAILABLE, "unavailable") \
	X(INSTALLED, "installed")

enum life_state {
#define X(id, name) LIFE_##id,
	LIFE_STATES(X)
#undef X
		LIFE_STATE_N
};

#define LIFE_EVENTS(X) \
	X(BEGIN_INSTALL, "begin install") \
	X(BEGIN_UNINSTALL, "begin uninstall") \
	X(BEGIN_ATTACH, "begin attach") \
	X(BEGIN_DETACH, "begin detach") \
	X(INSTALLED, "end install") \
	X(UNINSTALLED, "end uninstall") \
	X(ATTACHED, "end attach") \
	X(DETACHED, "end detach") \
	X(FAILED, "end failed") /* or the connection was lost in between */ \
	X(MARK_INCOMPLETE, "mark incomplete") \
	X(MARK_UNAVAILABLE, "mark unavailable")

enum life_event {
#define X(id, name) LIFE_EV_##id,
	LIFE_EVENTS(X)
#undef X
		LIFE_EVENT_N
};

enum life_action {
	LIFE_ACT_NONE,
	LIFE_ACT_UUID,   /* give the zone a new uuid */
	LIFE_ACT_ADD,    /* the instance appears */
	LIFE_ACT_REMOVE, /* the instance goes; refused before while the zone is active */
	LIFE_ACT_FORGET, /* the uuid goes */
	LIFE_ACT_ATTACH, /* LIFE_ACT_UUID and LIFE_ACT_ADD */
	LIFE_ACT_DETACH, /* LIFE_ACT_REMOVE and LIFE_ACT_FORGET */
	LIFE_ACT_AWAY,   /* the core's ZONE_AWAY: the instance goes to maintenance */
	LIFE_ACT_BACK,   /* the core's ZONE_BACK: it leaves it */
};

extern const char *const life_state_names[LIFE_STATE_N];
extern const struct fsm life_fsm;

/* State of that name: 0 or -EINVAL. */
int life_parse(const char *name, enum life_state *ret_state);

#endif
