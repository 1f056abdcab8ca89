// SPDX-License-Identifier: BSD-2-Clause
/*
 * instances.c - the zones' service instances as svc.zones tells them
 */
#include "cli/instances.h"

#include <string.h>

/* What a brief one may lack has the value that it is left out for (varlink.h). */
static int read_one(json_t *j, bool brief, struct instance *ret, struct client_error *e)
{
	int enabled = 0, temporary = 0, blocked = 0;
	json_int_t since, contract = 0;
	struct instance i = { .next_state = "none", .reason = "", .auxiliary = "none" };
	int r;

	r = json_unpack(j, "{s:s, s:s, s:I, s?s, s?s, s?s, s?b, s?b, s?b, s?I}", "fmri",
			&i.fmri, "state", &i.state, "state_time_ms", &since, "next_state",
			&i.next_state, "reason", &i.reason, "auxiliary_state",
			&i.auxiliary, "enabled", &enabled, "enabled_temporary",
			&temporary, "blocked", &blocked, "contract", &contract);
	if (r < 0 || (!brief && !json_object_get(j, "reason")))
		return errmsg_set(&e->msg, -EPROTO,
				  "svc.zones: an instance lacks something");
	i.zone = strncmp(i.fmri, ZONE_FMRI_PREFIX, strlen(ZONE_FMRI_PREFIX)) == 0
			 ? i.fmri + strlen(ZONE_FMRI_PREFIX)
			 : "";
	i.state_time_ms = since;
	i.enabled = enabled;
	i.enabled_temporary = temporary;
	i.blocked = blocked;
	i.contract = (long)contract;
	i.devices = json_object_get(j, "devices");
	i.confinement = json_object_get(j, "confinement");
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

static int compare_fmri(const void *x, const void *y)
{
	const struct instance *const *a = x, *const *b = y;

	return strcmp((*a)->fmri, (*b)->fmri);
}

/* Sorts what was read, in both orders. 0 or -ENOMEM. */
static int sort(struct instances *list)
{
	qsort(list->v, list->n, sizeof(*list->v), compare);
	list->by_fmri = calloc(list->n + 1, sizeof(const struct instance *));
	if (!list->by_fmri)
		return -ENOMEM;
	for (unsigned i = 0; i < list->n; i++)
		list->by_fmri[i] = &list->v[i];
	qsort(list->by_fmri, list->n, sizeof(const struct instance *), compare_fmri);
	return 0;
}

static int read_all(const json_t *answer, unsigned want, struct instances *ret_list,
		    struct client_error *e)
{
	cleanup(instances_fini) struct instances list = { 0 };
	const json_t *array = json_object_get(answer, "instances");
	json_t *self = want & INSTANCES_ALL ? json_object_get(answer, "restarter") : NULL;
	size_t n = json_array_size(array);
	int r = 0;

	list.reply = json_incref((json_t *)(uintptr_t)answer);
	list.v = calloc(n + 1, sizeof(*list.v));
	if (!list.v)
		return errmsg_no_memory(&e->msg);
	for (; r == 0 && list.n < n; list.n++)
		r = read_one(json_array_get(array, list.n), want & INSTANCES_BRIEF,
			     &list.v[list.n], e);
	if (r == 0 && self)
		r = read_one(self, true, &list.v[list.n++], e);
	if (r < 0)
		return r;
	if (sort(&list) < 0)
		return errmsg_no_memory(&e->msg);
	*ret_list = list;
	list = (struct instances){ 0 };
	return 0;
}

int instances_read(const json_t *answer, struct instances *ret_list,
		   struct client_error *e)
{
	return read_all(answer, 0, ret_list, e);
}

int instances_get(struct client *c, unsigned want, struct instances *ret_list,
		  struct client_error *e)
{
	json_t *answer = NULL;
	json_t *params =
		want & INSTANCES_BRIEF ? json_pack("{s:b}", "brief", 1) : json_object();
	int r = client_call(c, KZ_INSTANCES, params, &answer, e);

	if (r == 0)
		r = read_all(answer, want, ret_list, e);
	json_decref(answer);
	return r;
}

/**
 * instances_fini() - Free a list
 */
void instances_fini(struct instances *list)
{
	free(list->by_fmri);
	free(list->v);
	json_decref(list->reply);
	*list = (struct instances){ 0 };
}

const struct instance *instances_find(const struct instances *list, const char *fmri)
{
	const struct instance key = { .fmri = fmri }, *wanted = &key;
	const struct instance **at = NULL;

	if (list->n)
		at = bsearch(&wanted, list->by_fmri, list->n,
			     sizeof(const struct instance *), compare_fmri);
	return at ? *at : NULL;
}

const char *instances_unit_state(const struct instances *list, const char *fmri)
{
	return json_string_value(
		json_object_get(json_object_get(list->reply, "units"), fmri));
}

bool instance_runs(const struct instance *i)
{
	return strcmp(i->state, "online") == 0 || strcmp(i->state, "degraded") == 0;
}

bool instance_wanted(const struct instance *i)
{
	return i->enabled;
}
