// SPDX-License-Identifier: BSD-2-Clause
/*
 * deps.c - who depends on what, as the zones' configurations say
 */
#include "cli/deps.h"
#include "common/zone/conf.h"

#include <string.h>

static const char *const kind_names[DEP_KIND_N] = {
#define X(id, name) name,
	DEP_KINDS(X)
#undef X
};

const char *dep_kind_name(enum dep_kind kind)
{
	return kind_names[kind];
}

static enum dep_kind kind_of(const char *grouping)
{
	unsigned k = DEP_KIND_N;

	while (grouping && k-- > 0)
		if (strcmp(kind_names[k], grouping) == 0)
			return (enum dep_kind)k;
	return DEP_REQUIRE_ALL;
}

/* Dependencies of one name are a group; one without a name is one by itself. */
static bool same_group(const struct zres *a, const struct zres *b)
{
	const char *x = zres_text(a, PROP_DEP_NAME), *y = zres_text(b, PROP_DEP_NAME);

	return a == b || (x && y && strcmp(x, y) == 0);
}

/* Position of the first of the group among the dependencies of the configuration. */
static unsigned first_of_group(const struct zconf *c, const struct zres *dep)
{
	const struct zres *d = NULL;
	unsigned at = 0;

	while ((d = zconf_next(c, RES_SMF_DEPENDENCY, d)) && !same_group(d, dep))
		at++;
	return at;
}

static struct dep *grow(struct deps *deps)
{
	struct dep *bigger;

	if (deps->n < deps->cap)
		return &deps->v[deps->n];
	bigger = reallocarray(deps->v, deps->cap * 2 + 16, sizeof(*bigger));
	if (!bigger)
		return NULL;
	deps->v = bigger;
	deps->cap = deps->cap * 2 + 16;
	return &deps->v[deps->n];
}

int deps_read(struct deps *deps, const struct paths *p, const struct instances *list,
	      const struct instance *who, struct errmsg *e)
{
	cleanup(zconf_freep) struct zconf *c = NULL;
	const struct zres *res = NULL;
	const unsigned first = deps->n;
	int r = *who->zone ? zconf_load(p, who->zone, &c, e) : 0;

	if (r < 0 || !c)
		return r;
	while ((res = zconf_next(c, RES_SMF_DEPENDENCY, res))) {
		const char *fmri = zres_text(res, PROP_DEP_FMRI);
		struct dep *d = grow(deps);

		if (!d)
			return -ENOMEM;
		d->who = who;
		d->fmri = strdup(fmri ? fmri : "?");
		if (!d->fmri)
			return -ENOMEM;
		d->on = instances_find(list, d->fmri);
		d->unit_state = instances_unit_state(list, d->fmri);
		d->next_on = -1u;
		d->group = first + first_of_group(c, res);
		d->kind = d->group == deps->n ? kind_of(zres_text(res, PROP_DEP_GROUPING))
					      : deps->v[d->group].kind;
		deps->n++;
	}
	return 0;
}

void deps_fini(struct deps *deps)
{
	for (unsigned i = 0; i < deps->n; i++)
		free(deps->v[i].fmri);
	free(deps->v);
	free(deps->first_of);
	free(deps->first_on);
	*deps = (struct deps){ 0 };
}

int deps_link(struct deps *deps, const struct instances *list)
{
	deps->first_of = malloc((list->n + 1) * sizeof(unsigned));
	deps->first_on = malloc((list->n + 1) * sizeof(unsigned));
	if (!deps->first_of || !deps->first_on)
		return -ENOMEM;
	for (unsigned i = 0; i < list->n; i++)
		deps->first_of[i] = deps->first_on[i] = -1u;
	for (unsigned k = deps->n; k-- > 0;) {
		struct dep *d = &deps->v[k];

		deps->first_of[d->who - list->v] = k;
		if (!d->on)
			continue;
		d->next_on = deps->first_on[d->on - list->v];
		deps->first_on[d->on - list->v] = k;
	}
	return 0;
}

/* As far as it is known. */
static bool target_runs(const struct dep *d)
{
	return d->on ? instance_runs(d->on)
		     : d->unit_state && strcmp(d->unit_state, "online") == 0;
}

/* It may come up by itself. */
static bool target_comes(const struct dep *d)
{
	if (d->on)
		return !d->on->blocked && strcmp(d->on->state, "offline") == 0;
	return d->unit_state && (strcmp(d->unit_state, "offline") == 0 ||
				 strcmp(d->unit_state, "unknown") == 0);
}

static bool group_has_one_up(const struct deps *deps, const struct dep *d)
{
	for (unsigned i = d->group; i < deps->n && deps->v[i].who == d->who; i++)
		if (deps->v[i].group == d->group && target_runs(&deps->v[i]))
			return true;
	return false;
}

bool dep_unmet(const struct deps *deps, const struct dep *d)
{
	bool up = target_runs(d);

	switch (d->kind) {
	case DEP_REQUIRE_ANY:
		return !up && !group_has_one_up(deps, d);
	case DEP_OPTIONAL_ALL:
		return !up && target_comes(d);
	case DEP_EXCLUDE_ALL:
		return up;
	default:
		return !up;
	}
}
