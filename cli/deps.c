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
	int r = zconf_load(p, who->zone, &c, e);

	if (r < 0)
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
	*deps = (struct deps){ 0 };
}

static bool group_has_one_up(const struct deps *deps, const struct dep *d)
{
	for (unsigned i = d->group; i < deps->n && deps->v[i].who == d->who; i++)
		if (deps->v[i].group == d->group && deps->v[i].on &&
		    instance_runs(deps->v[i].on))
			return true;
	return false;
}

bool dep_unmet(const struct deps *deps, const struct dep *d)
{
	bool up = d->on && instance_runs(d->on);

	switch (d->kind) {
	case DEP_REQUIRE_ANY:
		return !up && !group_has_one_up(deps, d);
	case DEP_OPTIONAL_ALL:
		return d->on && !up && !d->on->blocked &&
		       strcmp(d->on->state, "offline") == 0;
	case DEP_EXCLUDE_ALL:
		return up;
	default:
		return !up;
	}
}
