// SPDX-License-Identifier: BSD-2-Clause
/*
 * recurse.c - svcadm enable -r: what instances require, from their configurations
 */
#include "cli/deps.h"
#include "cli/svcadm/svcadm.h"

#include <string.h>

/* Chooses the instance; true when that is new. */
static bool choose(struct svcadm *s, const struct instance *i)
{
	if (!i || s->chosen[i - s->list.v])
		return false;
	s->chosen[i - s->list.v] = true;
	return true;
}

/* Of the require_any group of @d: how many, and is one of them wanted already? */
static unsigned look_at_group(const struct svcadm *s, const struct deps *deps,
			      const struct dep *d, bool *ret_wanted)
{
	unsigned n = 0;

	*ret_wanted = false;
	for (unsigned k = d->group; k < deps->n; k++) {
		const struct instance *i = deps->v[k].on;

		if (deps->v[k].group != d->group)
			continue;
		n++;
		if (i && (instance_wanted(i) || s->chosen[i - s->list.v]))
			*ret_wanted = true;
	}
	return n;
}

/* What one instance requires; *more: something was chosen. An exit status. */
static int choose_required(struct svcadm *s, const struct deps *deps, bool *more)
{
	bool wanted;

	for (unsigned k = 0; k < deps->n; k++) {
		const struct dep *d = &deps->v[k];

		if (d->kind != DEP_REQUIRE_ALL && d->kind != DEP_REQUIRE_ANY)
			continue;
		if (d->kind == DEP_REQUIRE_ANY &&
		    look_at_group(s, deps, d, &wanted) > 1) {
			if (wanted)
				continue;
			return svcadm_failed("%s requires any of the group of %s: enable "
					     "one of it first",
					     d->who->fmri, deps->v[d->group].fmri);
		}
		if (choose(s, d->on))
			*more = true;
	}
	return EXIT_DONE;
}

static int choose_needs(struct svcadm *s, const struct instance *i, bool *more)
{
	struct deps deps = { 0 };
	struct errmsg e = { "" };
	int status;

	if (deps_read(&deps, &s->paths, &s->list, i, &e) < 0)
		status = svcadm_failed("%s: its dependencies cannot be read: %s", i->fmri,
				       e.text);
	else
		status = choose_required(s, &deps, more);
	deps_fini(&deps);
	return status;
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
