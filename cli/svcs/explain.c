// SPDX-License-Identifier: BSD-2-Clause
/*
 * explain.c - svcs -x: why an instance does not run, what that means, what to do next
 *
 * The reason comes from the restarter in words. What an instance holds up is read, once,
 * from the configurations of those that are wanted and do not run: an instance is in
 * another's way when that one requires it (require_all, require_any) and it does not run.
 */
#include "cli/svcs/svcs.h"

#include <string.h>

/* One line of the list: instance @who waits and requires @fmri. */
struct need {
	const struct instance *who;
	char *fmri; /* owned */
};

static bool waits(const struct instance *i)
{
	return instance_wanted(i) && !instance_runs(i);
}

static int add_need(struct needs *needs, const struct instance *who, const char *fmri)
{
	struct need *bigger;

	if (needs->n == needs->cap) {
		bigger = reallocarray(needs->v, needs->cap * 2 + 16, sizeof(*bigger));
		if (!bigger)
			return -ENOMEM;
		needs->v = bigger;
		needs->cap = needs->cap * 2 + 16;
	}
	needs->v[needs->n].who = who;
	needs->v[needs->n].fmri = strdup(fmri);
	return needs->v[needs->n++].fmri ? 0 : -ENOMEM;
}

/* What one instance's configuration requires; one that cannot be read requires nothing.
 */
static int read_needs(const struct paths *p, const struct instance *who,
		      struct needs *needs)
{
	cleanup(zconf_freep) struct zconf *c = NULL;
	const struct zres *dep = NULL;
	const char *grouping, *on;
	int r = 0;

	if (zconf_load(p, who->zone, &c, NULL) < 0)
		return 0;
	while (r == 0 && (dep = zconf_next(c, RES_SMF_DEPENDENCY, dep))) {
		grouping = zres_text(dep, PROP_DEP_GROUPING);
		on = zres_text(dep, PROP_DEP_FMRI);
		if (on && strncmp(grouping, "require_", 8) == 0)
			r = add_need(needs, who, on);
	}
	return r;
}

int explain_prepare(struct svcs *s)
{
	int r = 0;

	for (unsigned k = 0; r == 0 && k < s->list.n; k++)
		if (waits(&s->list.v[k]))
			r = read_needs(&s->paths, &s->list.v[k], &s->needs);
	return r;
}

void needs_fini(struct needs *needs)
{
	for (unsigned k = 0; k < needs->n; k++)
		free(needs->v[k].fmri);
	free(needs->v);
	*needs = (struct needs){ 0 };
}

/* Does @n say that @i is in another's way? */
static bool held_up(const struct need *n, const struct instance *i)
{
	return n->who != i && strcmp(n->fmri, i->fmri) == 0;
}

bool explain_wanted(const struct svcs *s, const struct instance *i)
{
	if (instance_runs(i))
		return false;
	if (instance_wanted(i) || strcmp(i->state, "maintenance") == 0)
		return true;
	for (unsigned k = 0; k < s->needs.n; k++)
		if (held_up(&s->needs.v[k], i))
			return true;
	return false;
}

/* The first instance that this one requires and that does not run; NULL: none. */
static const struct instance *blocker(const struct svcs *s, const struct instance *i)
{
	const struct instance *other;

	for (unsigned k = 0; k < s->needs.n; k++) {
		if (s->needs.v[k].who != i)
			continue;
		other = instances_find(&s->list, s->needs.v[k].fmri);
		if (other && !instance_runs(other))
			return other;
	}
	return NULL;
}

static void add_reason(struct buf *out, const struct instance *i)
{
	const char *reason = i->reason;
	size_t len = strlen(reason);

	if (len && strcmp(reason, i->state) != 0)
		buf_addf(out, "Reason: %s%s\n", reason,
			 reason[len - 1] == '.' ? "" : ".");
	else if (strcmp(i->state, "disabled") == 0)
		buf_addf(out, "Reason: %s by an administrator.\n",
			 i->enabled_temporary ? "Temporarily disabled" : "Disabled");
	else if (instance_runs(i))
		buf_adds(out, "Reason: None: it runs.\n");
	else if (instance_changes(i))
		buf_adds(out, "Reason: Start method is running.\n");
	else
		buf_addf(out, "Reason: Restarter %s gave no explanation.\n",
			 RESTARTER_FMRI);
}

static void add_next(struct buf *out, const struct svcs *s, const struct instance *i)
{
	const struct instance *other;

	if (instance_runs(i))
		return;
	buf_adds(out, "  Next: ");
	if (strcmp(i->state, "maintenance") == 0) {
		buf_addf(out, "Correct the cause (see the log), then: svcadm clear %s\n",
			 i->fmri);
		return;
	}
	if (strcmp(i->state, "disabled") == 0) {
		buf_addf(out, "svcadm enable %s\n", i->fmri);
		return;
	}
	other = blocker(s, i);
	if (other)
		buf_addf(out, "svcs -x %s\n", other->fmri);
	else
		buf_addf(out, "Wait, or give up with: zoneadm -z %s halt\n", i->zone);
}

static void add_impact(struct buf *out, const struct svcs *s, const struct instance *i,
		       bool verbose)
{
	unsigned n = 0;

	if (instance_runs(i)) {
		buf_adds(out, "Impact: None.\n");
		return;
	}
	for (unsigned k = 0; k < s->needs.n; k++)
		n += held_up(&s->needs.v[k], i);
	if (!n)
		buf_adds(out, "Impact: This service is not running.\n");
	else
		buf_addf(out, "Impact: %u dependent service%s not running%s\n", n,
			 n == 1 ? " is" : "s are",
			 verbose ? ":" : ".  (Use -v for list.)");
	for (unsigned k = 0; verbose && k < s->needs.n; k++)
		if (held_up(&s->needs.v[k], i))
			buf_addf(out, "        %s\n", s->needs.v[k].who->fmri);
}

void explain_add(struct buf *out, const struct svcs *s, const struct instance *i,
		 bool verbose)
{
	cleanup(freep) char *messages = paths_get(&s->paths, PATH_MESSAGES_LOG, i->zone);
	cleanup(freep) char *console = paths_get(&s->paths, PATH_CONSOLE_LOG, i->zone);

	buf_addf(out, "%s (kernel zone %s)\n State: %s since ", i->fmri, i->zone,
		 i->state);
	add_date(out, i->state_time_ms);
	buf_adds(out, "\n");
	add_reason(out, i);
	buf_addf(out, "   See: zoneadm(8)\n   See: %s\n", messages ? messages : "?");
	if (strcmp(i->state, "disabled") != 0)
		buf_addf(out, "   See: %s\n", console ? console : "?");
	add_impact(out, s, i, verbose);
	add_next(out, s, i);
}
