// SPDX-License-Identifier: BSD-2-Clause
/*
 * recurse.c - svcadm enable -r: what instances require, from their configurations
 */
#include "cli/svcadm/svcadm.h"
#include "common/zone/conf.h"

#include <string.h>

/* Chooses the instance; true when that is new. */
static bool choose(struct svcadm *s, const char *fmri)
{
	const struct instance *i = instances_find(&s->list, fmri);

	if (!i || s->chosen[i - s->list.v])
		return false;
	s->chosen[i - s->list.v] = true;
	return true;
}

static const char *group_of(const struct zres *dep)
{
	const char *name = zres_text(dep, PROP_DEP_NAME);

	return name ? name : zres_text(dep, PROP_DEP_FMRI);
}

/* The grouping of its group: that of the first member. */
static const char *grouping_of(const struct zconf *c, const struct zres *dep)
{
	const struct zres *d = NULL;

	while ((d = zconf_next(c, RES_SMF_DEPENDENCY, d)))
		if (strcmp(group_of(d), group_of(dep)) == 0)
			break;
	return zres_text(d ? d : dep, PROP_DEP_GROUPING);
}

/* The require_any group of @dep: how many, and is one of them wanted already? */
static unsigned look_at_group(const struct svcadm *s, const struct zconf *c,
			      const struct zres *dep, bool *ret_wanted)
{
	const struct zres *d = NULL;
	unsigned n = 0;

	*ret_wanted = false;
	while ((d = zconf_next(c, RES_SMF_DEPENDENCY, d))) {
		const struct instance *i =
			instances_find(&s->list, zres_text(d, PROP_DEP_FMRI));

		if (strcmp(group_of(d), group_of(dep)) != 0)
			continue;
		n++;
		if (i && (instance_wanted(i) || s->chosen[i - s->list.v]))
			*ret_wanted = true;
	}
	return n;
}

/* What one instance requires; *more: something was chosen. An exit status. */
static int choose_needs(struct svcadm *s, const struct instance *i, bool *more)
{
	cleanup(zconf_freep) struct zconf *c = NULL;
	const struct zres *dep = NULL;
	struct errmsg e = { "" };
	bool wanted;

	if (zconf_load(&s->paths, i->zone, &c, &e) < 0)
		return svcadm_failed("%s: its dependencies cannot be read: %s", i->fmri,
				     e.text);
	while ((dep = zconf_next(c, RES_SMF_DEPENDENCY, dep))) {
		const char *grouping = grouping_of(c, dep);
		const char *fmri = zres_text(dep, PROP_DEP_FMRI);

		if (strcmp(grouping, "require_any") == 0 &&
		    look_at_group(s, c, dep, &wanted) > 1) {
			if (wanted)
				continue;
			return svcadm_failed(
				"%s requires any of the group %s: enable one of it first",
				i->fmri, group_of(dep));
		}
		if (strncmp(grouping, "require_", 8) == 0 && choose(s, fmri))
			*more = true;
	}
	return EXIT_DONE;
}

int recurse_choose(struct svcadm *s)
{
	cleanup(freep) bool *seen = calloc(s->list.n + 1, sizeof(*seen));
	int status = EXIT_DONE;
	bool more = true;

	if (!seen)
		return svcadm_failed("out of memory");
	while (more && status == EXIT_DONE) {
		more = false;
		for (unsigned i = 0; status == EXIT_DONE && i < s->list.n; i++) {
			if (!s->chosen[i] || seen[i])
				continue;
			seen[i] = true;
			status = choose_needs(s, &s->list.v[i], &more);
		}
	}
	return status;
}
