// SPDX-License-Identifier: BSD-2-Clause
/*
 * fmri.c - what the FMRI of a dependency names: a zone, a unit of the host, the restarter
 */
#include "restarter/core_internal.h"

#include <string.h>

#define FMRI_PREFIX "svc:/"
#define FMRI_LOCAL  "svc://localhost/"
#define FMRI_SELF   "system/zones:default"

/* What comes behind "svc:/" or "svc://localhost/"; NULL when it begins with neither. */
static const char *path_of(const char *fmri)
{
	if (strncmp(fmri, FMRI_LOCAL, strlen(FMRI_LOCAL)) == 0)
		return fmri + strlen(FMRI_LOCAL);
	if (strncmp(fmri, FMRI_PREFIX, strlen(FMRI_PREFIX)) == 0)
		return fmri + strlen(FMRI_PREFIX);
	return NULL;
}

/**
 * fmri_is_restarter() - Whether it is svc:/system/zones:default, which is us
 */
bool fmri_is_restarter(const char *fmri)
{
	const char *path = path_of(fmri);

	return path && strcmp(path, FMRI_SELF) == 0;
}

/**
 * fmri_names() - The instance that an FMRI names, as the graph calls it
 * @ret_name:	Part of @fmri
 * @ret_unit:	It is a unit of the host, not a zone
 *
 * Return: false when it is neither; then nothing is set
 */
bool fmri_names(const char *fmri, const char **ret_name, bool *ret_unit)
{
	const char *zone_path = &CORE_FMRI_PREFIX[strlen(FMRI_PREFIX)];
	const char *path = path_of(fmri);

	if (!path)
		return false;
	if (strncmp(path, zone_path, strlen(zone_path)) == 0 && path[strlen(zone_path)]) {
		*ret_name = path + strlen(zone_path);
		*ret_unit = false;
		return true;
	}
	if (strncmp(path, FMRI_UNIT_KEY, strlen(FMRI_UNIT_KEY)) == 0 &&
	    path[strlen(FMRI_UNIT_KEY)]) {
		*ret_name = path;
		*ret_unit = true;
		return true;
	}
	return false;
}

struct inst *core_next_unit(const struct core *c, const struct inst *after)
{
	/* Names that begin like this stand together, and are no zone's. */
	struct inst *i = graph_next(c, after ? after->name : FMRI_UNIT_KEY);

	return i && i->is_unit ? i : NULL;
}

const char *core_unit_name(const struct inst *unit)
{
	return unit->name + strlen(FMRI_UNIT_KEY);
}

enum unit_state core_unit_state(const struct inst *unit)
{
	return unit->unit_state;
}

enum unit_state core_unit_find(const struct core *c, const char *name)
{
	for (const struct inst *i = core_next_unit(c, NULL); i; i = core_next_unit(c, i))
		if (strcmp(core_unit_name(i), name) == 0)
			return i->unit_state;
	return UNIT_UNKNOWN;
}
