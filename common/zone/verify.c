// SPDX-License-Identifier: BSD-2-Clause
/*
 * verify.c - does a configuration make sense, by itself and among the other zones'
 */
#include "common/zone/check.h"
#include "common/zone/keys.h"
#include "common/zone/storage.h"

#include <stdio.h>
#include <string.h>

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
		return errmsg_no_memory(e);
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
			return errmsg_no_memory(e);
	}
	return 0;
}

static int check_cycles(const struct paths *p, const struct zconf *c, struct errmsg *e)
{
	struct walk w = { 0 };
	int r = walk_add(&w, c->name, 0);

	if (r < 0)
		errmsg_no_memory(e);
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
			errmsg_no_memory(e);
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
		if (strcmp(zone, c->name) == 0 || strcmp(zone, c->stored_as) == 0)
			return errmsg_set(
				e, -EINVAL,
				"smf-dependency: fmri: \"%s\": the zone depends on itself",
				fmri);
		if (zone_name_check(zone, e) < 0)
			return errmsg_prefix(e, -EINVAL, "smf-dependency: fmri");
		path = paths_get(p, PATH_ZONE_CONFIG, zone);
		if (!path)
			return errmsg_no_memory(e);
		if (access(path, F_OK) < 0)
			return errmsg_set(
				e, -EINVAL,
				"smf-dependency: fmri: \"%s\": No such zone configured",
				fmri);
	}
	return 0;
}

/* The key is where the configuration says, and only root reads it. One who may not look
 * into the directory cannot tell. */
static int check_key(const struct paths *p, const struct zconf *c, struct errmsg *e)
{
	char hex[KEY_HEX_LEN + 1];
	int r = zone_key_load(p, c, hex, e);

	explicit_bzero(hex, sizeof(hex));
	if (r == -ENODATA || r == -EACCES) {
		if (e)
			e->text[0] = '\0';
		return 0;
	}
	return r;
}

int zconf_verify(const struct paths *p, const struct zconf *c, struct errmsg *e)
{
	return zconf_verify_change(p, c, NULL, e);
}

int zconf_verify_change(const struct paths *p, const struct zconf *c,
			const struct zconf *old, struct errmsg *e)
{
	int r = zconf_verify_alone(c, e);

	if (r == 0)
		r = check_groups(c, e);
	if (r == 0)
		r = check_zones(p, c, e);
	if (r == 0)
		r = check_cycles(p, c, e);
	if (r == 0)
		r = rename_check(p, c, e);
	if (r == 0)
		r = macs_check_zones(p, c, old, e);
	if (r == 0)
		r = zone_disks_check(p, c, e);
	return r == 0 ? check_key(p, c, e) : r;
}
