// SPDX-License-Identifier: BSD-2-Clause
/*
 * instances.c - the zones' service instances as svc.zones tells them
 */
#include "cli/instances.h"

#include <string.h>

static int read_one(json_t *j, struct instance *ret, struct client_error *e)
{
	int enabled, temporary;
	json_int_t since, contract;
	struct instance i;

	if (json_unpack(j, "{s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:b, s:b, s:I}", "fmri",
			&i.fmri, "zone", &i.zone, "state", &i.state, "next_state",
			&i.next_state, "reason", &i.reason, "auxiliary_state",
			&i.auxiliary, "state_time_ms", &since, "enabled", &enabled,
			"enabled_temporary", &temporary, "contract", &contract) < 0)
		return errmsg_set(&e->msg, -EPROTO,
				  "svc.zones: an instance lacks something");
	i.state_time_ms = since;
	i.enabled = enabled;
	i.enabled_temporary = temporary;
	i.blocked = json_is_true(json_object_get(j, "blocked"));
	i.contract = (long)contract;
	*ret = i;
	return 0;
}

unsigned instance_rank(const char *state)
{
	static const char *const order[] = { "uninitialized", "disabled", "online",
					     "degraded",      "offline",  "maintenance" };
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(order); i++)
		if (strcmp(order[i], state) == 0)
			break;
	return i;
}

static int compare(const void *x, const void *y)
{
	const struct instance *a = x, *b = y;

	if (instance_rank(a->state) != instance_rank(b->state))
		return instance_rank(a->state) < instance_rank(b->state) ? -1 : 1;
	if (a->state_time_ms != b->state_time_ms)
		return a->state_time_ms < b->state_time_ms ? -1 : 1;
	return strcmp(a->fmri, b->fmri);
}

int instances_read(const json_t *answer, struct instances *ret_list,
		   struct client_error *e)
{
	cleanup(instances_fini) struct instances list = { 0 };
	const json_t *array = json_object_get(answer, "instances");
	int r;

	list.reply = json_incref((json_t *)(uintptr_t)answer);
	list.v = calloc(json_array_size(array) + 1, sizeof(*list.v));
	if (!list.v)
		return errmsg_set(&e->msg, -ENOMEM, "out of memory");
	for (; list.n < json_array_size(array); list.n++) {
		r = read_one(json_array_get(array, list.n), &list.v[list.n], e);
		if (r < 0)
			return r;
	}
	qsort(list.v, list.n, sizeof(*list.v), compare);
	*ret_list = list;
	list = (struct instances){ 0 };
	return 0;
}

int instances_get(struct client *c, struct instances *ret_list, struct client_error *e)
{
	json_t *answer = NULL;
	int r = client_call(c, KZ_INSTANCES, json_object(), &answer, e);

	if (r == 0)
		r = instances_read(answer, ret_list, e);
	json_decref(answer);
	return r;
}

/**
 * instances_fini() - Free a list
 */
void instances_fini(struct instances *list)
{
	free(list->v);
	json_decref(list->reply);
	*list = (struct instances){ 0 };
}

const struct instance *instances_find(const struct instances *list, const char *fmri)
{
	for (unsigned i = 0; i < list->n; i++)
		if (strcmp(list->v[i].fmri, fmri) == 0)
			return &list->v[i];
	return NULL;
}

bool instance_runs(const struct instance *i)
{
	return strcmp(i->state, "online") == 0 || strcmp(i->state, "degraded") == 0;
}

bool instance_wanted(const struct instance *i)
{
	return i->enabled;
}
