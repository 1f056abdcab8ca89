// SPDX-License-Identifier: BSD-2-Clause
/*
 * unit_state.c - what systemd says of a unit, in the words of dependencies
 */
#include "restarter/units.h"

#include <string.h>

enum unit_state unit_state_of(const char *load, const char *active, const char *job)
{
	bool starts = *job && strcmp(job, "stop") != 0;

	if (strcmp(active, "active") == 0 || strcmp(active, "reloading") == 0 ||
	    strcmp(active, "refreshing") == 0)
		return UNIT_ONLINE;
	if (starts || (strcmp(active, "inactive") != 0 && strcmp(active, "failed") != 0))
		return UNIT_OFFLINE;
	if (strcmp(load, "not-found") == 0)
		return UNIT_ABSENT;
	if (strcmp(active, "failed") == 0 || strcmp(load, "error") == 0 ||
	    strcmp(load, "bad-setting") == 0)
		return UNIT_MAINT;
	return UNIT_DISABLED;
}
