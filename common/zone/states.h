/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * states.h - the states of a zone, and its auxiliary states, as zones(7) names them
 */
#ifndef KZ_ZONE_STATES_H
#define KZ_ZONE_STATES_H

#include "common/base/base.h"

/* From low to high: id, name. "At least installed" compares numbers. */
#define ZONE_STATES(X) \
	X(CONFIGURED, "configured") \
	X(INCOMPLETE, "incomplete") \
	X(UNAVAILABLE, "unavailable") \
	X(INSTALLED, "installed") \
	X(READY, "ready") \
	X(RUNNING, "running") \
	X(SHUTTING_DOWN, "shutting_down") \
	X(DOWN, "down")

enum zone_state {
#define X(id, name) ZONE_##id,
	ZONE_STATES(X)
#undef X
		ZONE_STATE_N
};

/* A zone may have several at once: bits 1u << AUX_x. */
#define ZONE_AUX_STATES(X) \
	X(SUSPENDED, "suspended") \
	X(DEBUGGING, "debugging") \
	X(PANICKED, "panicked") \
	X(NO_CONFIG, "no-config") \
	X(MIGRATING_IN, "migrating-in") \
	X(MIGRATING_OUT, "migrating-out")

enum zone_aux {
#define X(id, name) AUX_##id,
	ZONE_AUX_STATES(X)
#undef X
		AUX_N
};

const char *zone_state_name(enum zone_state s);
const char *zone_aux_name(enum zone_aux a);
/* False when there is no such name; then *ret stays. */
bool zone_state_find(const char *name, enum zone_state *ret);
bool zone_aux_find(const char *name, enum zone_aux *ret);

#endif
