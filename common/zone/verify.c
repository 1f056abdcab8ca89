// SPDX-License-Identifier: BSD-2-Clause
/*
 * verify.c - does a configuration make sense, by itself and among the other zones'
 */
#include "common/zone/conf.h"

#include <stdio.h>
#include <string.h>

/* -EINVAL when another resource of the type has the same (expanded) value. */
static int check_unique(const struct zconf *c, const struct zres *r,
			const struct zres *skip, enum prop_id prop, struct errmsg *e)
{
	const char *type = res_defs[r->type].name;
	cleanup(freep) char *mine = zres_get(c, r, prop);
	const struct zres *o = NULL;

	if (!mine)
		return errmsg_set(e, -ENOMEM, "no memory");
	while ((o = zconf_next(c, r->type, o))) {
		cleanup(freep) char *other = NULL;

		if (o == skip || !zres_is_set(o, prop))
			continue;
		other = zres_get(c, o, prop);
		if (!other)
			return errmsg_set(e, -ENOMEM, "no memory");
		if (strcmp(mine, other) == 0)
			return errmsg_set(e, -EINVAL,
					  "%s: %s: \"%.100s\": another %s has it already",
					  type, prop_def(prop)->name, mine, type);
	}
	return 0;
}

int zconf_check_res(const struct zconf *c, const struct zres *r, const struct zres *skip,
		    struct errmsg *e)
{
	const struct res_def *rd = &res_defs[r->type];
	unsigned others = zconf_count(c, r->type) - (skip ? 1 : 0);
	int err = 0;

	if (rd->max && others >= rd->max)
		return errmsg_set(e, -EINVAL, "%s: a zone has at most %u", rd->name,
				  rd->max);
	for (unsigned i = 0; err == 0 && i < rd->n_props; i++) {
		enum prop_id prop = (enum prop_id)(rd->first + i);
		const struct prop_def *d = prop_def(prop);
		bool set = zres_is_set(r, prop);

		if ((d->flags & (PF_REQUIRED | PF_AUTO)) && !set)
			return errmsg_set(e, -EINVAL, "%s: %s is required (%s)", rd->name,
					  d->name, d->help);
		if ((d->flags & PF_UNIQUE) && set)
			err = check_unique(c, r, skip, prop, e);
	}
	return err;
}

/* The lowest number of @prop that no other resource of the type has; false: none is free.
 */
static bool lowest_free(const struct zconf *c, enum prop_id prop, const struct zres *skip,
			uint64_t *ret)
{
	const struct prop_def *d = prop_def(prop);

	for (uint64_t v = d->min; v <= d->max; v++) {
		const struct zres *o = zconf_next(c, d->res, NULL);

		while (o && (o == skip || !zres_is_set(o, prop) ||
			     zres_number(c, o, prop) != v))
			o = zconf_next(c, d->res, o);
		if (!o) {
			*ret = v;
			return true;
		}
	}
	return false;
}

int zconf_fill_auto(const struct zconf *c, struct zres *r, const struct zres *skip,
		    struct errmsg *e)
{
	const struct res_def *rd = &res_defs[r->type];
	char text[32];
	uint64_t v = 0;
	int err;

	for (unsigned i = 0; i < rd->n_props; i++) {
		enum prop_id prop = (enum prop_id)(rd->first + i);

		if (!(prop_def(prop)->flags & PF_AUTO) || zres_is_set(r, prop))
			continue;
		if (!lowest_free(c, prop, skip, &v))
			return errmsg_set(e, -EINVAL, "%s: no %s is free", rd->name,
					  prop_def(prop)->name);
		snprintf(text, sizeof(text), "%llu", (unsigned long long)v);
		err = zres_set(r, prop, text, e);
		if (err < 0)
			return err;
	}
	return 0;
}

/*
 * DOC: Dependencies on other zones
 *
 * Only what can be reached from the zone is read, breadth first: a cycle that this
 * configuration would close leads back to it, and the first way back that is found is the
 * shortest. A zone on the way whose configuration cannot be read has no dependencies
 * here; that is its own fault to report, not this one's.
 */
struct walk {
	struct node {
		char name[ZONE_NAME_MAX + 1];
		unsigned parent;
	} * nodes; /* owned; nodes[0] is the zone itself */
	unsigned n;
};

static int walk_add(struct walk *w, const char *name, unsigned parent)
{
	struct node *nodes = reallocarray(w->nodes, w->n + 1, sizeof(*nodes));

	if (!nodes)
		return -ENOMEM;
	w->nodes = nodes;
	snprintf(nodes[w->n].name, sizeof(nodes->name), "%s", name);
	nodes[w->n++].parent = parent;
	return 0;
}

static bool walk_has(const struct walk *w, const char *name)
{
	for (unsigned i = 0; i < w->n; i++)
		if (strcmp(w->nodes[i].name, name) == 0)
			return true;
	return false;
}

/* "db -> web -> db": from the zone over @last back to it. */
static int report_cycle(const struct walk *w, unsigned last, struct errmsg *e)
{
	cleanup(freep) char *path = NULL;
	struct buf b = { 0 };

	buf_adds(&b, w->nodes[0].name);
	for (unsigned i = last;; i = w->nodes[i].parent) {
		struct buf longer = { 0 };

		if (i == 0)
			break;
		/* parents come first: put the name between the start and what is there */
		buf_addf(&longer, "%s -> %s%s", w->nodes[0].name, w->nodes[i].name,
			 b.p ? b.p + strlen(w->nodes[0].name) : "");
		longer.err = longer.err ? longer.err : b.err;
		buf_fini(&b);
		b = longer;
	}
	buf_addf(&b, " -> %s", w->nodes[0].name);
	if (buf_take(&b, &path) < 0)
		return errmsg_set(e, -ENOMEM, "no memory");
	return errmsg_set(e, -EINVAL, "smf-dependency: fmri: dependency cycle: %s", path);
}

/* Adds the zones that @c depends on to the walk. -EINVAL: one is the first zone again. */
static int walk_deps(struct walk *w, unsigned from, const struct zconf *c,
		     struct errmsg *e)
{
	const struct zres *r = NULL;

	while ((r = zconf_next(c, RES_SMF_DEPENDENCY, r))) {
		const char *fmri = zres_text(r, PROP_DEP_FMRI);
		const char *zone = fmri ? fmri_zone(fmri) : NULL;

		if (!zone)
			continue;
		if (strcmp(zone, w->nodes[0].name) == 0)
			return report_cycle(w, from, e);
		if (zone_name_check(zone, NULL) == 0 && !walk_has(w, zone) &&
		    walk_add(w, zone, from) < 0)
			return errmsg_set(e, -ENOMEM, "no memory");
	}
	return 0;
}

static int check_cycles(const struct paths *p, const struct zconf *c, struct errmsg *e)
{
	struct walk w = { 0 };
	int r = walk_add(&w, c->name, 0);

	if (r < 0)
		errmsg_set(e, r, "no memory");
	else
		r = walk_deps(&w, 0, c, e);
	for (unsigned i = 1; r == 0 && i < w.n; i++) {
		cleanup(zconf_freep) struct zconf *other = NULL;
		char name[ZONE_NAME_MAX + 1];

		memcpy(name, w.nodes[i].name, sizeof(name));
		r = zconf_load(p, name, &other, NULL);
		if (r == 0)
			r = walk_deps(&w, i, other, e);
		else if (r == -ENOMEM)
			errmsg_set(e, r, "no memory");
		else
			r = 0;
	}
	free(w.nodes);
	return r;
}

/* Dependencies of one name are one group, which is satisfied in one way. */
static int check_groups(const struct zconf *c, struct errmsg *e)
{
	const struct zres *r = NULL;

	while ((r = zconf_next(c, RES_SMF_DEPENDENCY, r))) {
		const char *name = zres_text(r, PROP_DEP_NAME);
		const struct zres *o = r;

		while (name && (o = zconf_next(c, RES_SMF_DEPENDENCY, o))) {
			const char *other = zres_text(o, PROP_DEP_NAME);

			if (other && strcmp(name, other) == 0 &&
			    zres_word(r, PROP_DEP_GROUPING) !=
				    zres_word(o, PROP_DEP_GROUPING))
				return errmsg_set(
					e, -EINVAL,
					"smf-dependency: grouping: \"%s\" is both %s "
					"and %s",
					name, zres_text(r, PROP_DEP_GROUPING),
					zres_text(o, PROP_DEP_GROUPING));
		}
	}
	return 0;
}

/* Every zone that @c names exists and is not @c itself. */
static int check_zones(const struct paths *p, const struct zconf *c, struct errmsg *e)
{
	const struct zres *r = NULL;

	while ((r = zconf_next(c, RES_SMF_DEPENDENCY, r))) {
		const char *fmri = zres_text(r, PROP_DEP_FMRI);
		const char *zone = fmri ? fmri_zone(fmri) : NULL;
		cleanup(freep) char *path = NULL;

		if (!zone)
			continue;
		if (strcmp(zone, c->name) == 0)
			return errmsg_set(
				e, -EINVAL,
				"smf-dependency: fmri: \"%s\": the zone depends on itself",
				fmri);
		if (zone_name_check(zone, e) < 0)
			return errmsg_prefix(e, -EINVAL, "smf-dependency: fmri");
		path = paths_get(p, PATH_ZONE_CONFIG, zone);
		if (!path)
			return errmsg_set(e, -ENOMEM, "no memory");
		if (access(path, F_OK) < 0)
			return errmsg_set(
				e, -EINVAL,
				"smf-dependency: fmri: \"%s\": No such zone configured",
				fmri);
	}
	return 0;
}

int zconf_verify(const struct paths *p, const struct zconf *c, struct errmsg *e)
{
	int r = zconf_check_res(c, &c->global, &c->global, e);

	for (unsigned i = 0; r == 0 && i < c->n_res; i++)
		r = zconf_check_res(c, &c->res[i], &c->res[i], e);
	if (r == 0)
		r = check_groups(c, e);
	if (r == 0)
		r = check_zones(p, c, e);
	if (r == 0)
		r = check_cycles(p, c, e);
	return r;
}
