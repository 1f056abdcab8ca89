/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * instances.h - the zones' service instances as svc.zones tells them
 */
#ifndef KZ_CLI_INSTANCES_H
#define KZ_CLI_INSTANCES_H

#include "cli/client.h"

#define RESTARTER_FMRI   "svc:/system/zones:default" /* whose instances they are */
#define ZONE_FMRI_PREFIX "svc:/system/zones/zone:"

/* One instance; the strings belong to the list. */
struct instance {
	const char *fmri, *zone;
	const char *state, *next_state; /* next_state: "none" when nothing is under way */
	const char *reason;             /* why it is not online, or "" */
	const char *auxiliary;          /* the same as a word (common/proto/reason.h) */
	int64_t state_time_ms;          /* CLOCK_REALTIME */
	bool enabled, enabled_temporary;
	bool blocked;  /* offline until an administrator helps what it depends on */
	long contract; /* pid of its kzhost, or 0 */
	const json_t *devices; /* of the status document; NULL: no machine, or not told */
	const json_t *confinement; /* likewise */
};

struct instances {
	struct instance *v;
	unsigned n;
	json_t *reply;                   /* holds the strings */
	const struct instance **by_fmri; /* of v, sorted; owned */
};

/* What instances_get() asks for. */
enum instances_want {
	INSTANCES_BRIEF = 1, /* without reasons: a third of the work */
	INSTANCES_ALL = 2,   /* the restarter itself, too; its zone is "" */
};

/**
 * instances_get() - Ask for all instances
 * @want:	Of enum instances_want
 * @ret_list:	Owned by the caller: instances_fini(); untouched on failure
 *
 * In the order in which svcs shows them: by state, time of it, FMRI.
 *
 * Return: as client_call()
 */
int instances_get(struct client *c, unsigned want, struct instances *ret_list,
		  struct client_error *e);
/* The same from an answer that is there already (Monitor); the answer is borrowed. */
int instances_read(const json_t *answer, struct instances *ret_list,
		   struct client_error *e);
void instances_fini(struct instances *list);

/* What a unit of the host is, by FMRI; NULL: svc.zones did not tell. */
const char *instances_unit_state(const struct instances *list, const char *fmri);
/* The instance of that name, or NULL. */
const struct instance *instances_find(const struct instances *list, const char *fmri);
/* The order of states on the screen; what is unknown comes last. */
unsigned instance_rank(const char *state);
/* "is" in the sense of a dependency: online or degraded. */
bool instance_runs(const struct instance *i);
/* Enabled in the end: the temporary override counts. */
bool instance_wanted(const struct instance *i);

#endif
