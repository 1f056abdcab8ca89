// SPDX-License-Identifier: BSD-2-Clause
/*
 * states.c - names of zone states, both ways
 */
#include "common/zone/states.h"

#include <string.h>

static const char *const state_names[ZONE_STATE_N] = {
#define X(id, name) [ZONE_##id] = name,
	ZONE_STATES(X)
#undef X
};

static const char *const aux_names[AUX_N] = {
#define X(id, name) [AUX_##id] = name,
	ZONE_AUX_STATES(X)
#undef X
};

const char *zone_state_name(enum zone_state s)
{
	ASSERT((unsigned)s < ZONE_STATE_N);
	return state_names[s];
}

const char *zone_aux_name(enum zone_aux a)
{
	ASSERT((unsigned)a < AUX_N);
	return aux_names[a];
}

bool zone_state_find(const char *name, enum zone_state *ret)
{
	for (unsigned i = 0; i < ZONE_STATE_N; i++) {
		if (strcmp(state_names[i], name) == 0) {
			*ret = (enum zone_state)i;
			return true;
		}
	}
	return false;
}

bool zone_aux_find(const char *name, enum zone_aux *ret)
{
	for (unsigned i = 0; i < AUX_N; i++) {
		if (strcmp(aux_names[i], name) == 0) {
			*ret = (enum zone_aux)i;
			return true;
		}
	}
	return false;
}
