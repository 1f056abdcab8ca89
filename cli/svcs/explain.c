// SPDX-License-Identifier: BSD-2-Clause
/*
 * explain.c - svcs -x: why an instance does not run, what that means, what to do next
 *
 * The reason comes from the restarter in words. What an instance holds up is read from
 * the configurations: an instance is in another's way when that one wants it
 * (require_all, require_any) and it does not run.
 */
#include "cli/svcs/svcs.h"

#include <string.h>

/* Does the zone's configuration require that FMRI? */
static bool requires(const struct svcs *s, const char *zone, const char *fmri)
{
	cleanup(zconf_freep) struct zconf *c = NULL;
	const struct zres *dep = NULL;
	const char *grouping, *on;

	if (zconf_load(&s->paths, zone, &c, NULL) < 0)
		return false;
	while ((dep = zconf_next(c, RES_SMF_DEPENDENCY, dep))) {
		grouping = zres_text(dep, PROP_DEP_GROUPING);
		on = zres_text(dep, PROP_DEP_FMRI);
		if (on && strcmp(on, fmri) == 0 && strncmp(grouping, "require_", 8) == 0)
			return true;
	}
	return false;
}

/* Wants to run, does not, and requires @i. */
static bool held_up(const struct svcs *s, const struct instance *other,
		    const struct instance *i)
{
	return other != i && instance_wanted(other) && !instance_runs(other) &&
	       requires(s, other->zone, i->fmri);
}

bool explain_wanted(const struct svcs *s, const struct instance *i)
{
	if (instance_runs(i))
		return false;
	if (instance_wanted(i) || strcmp(i->state, "maintenance") == 0)
		return true;
	for (unsigned k = 0; k < s->list.n; k++)
		if (held_up(s, &s->list.v[k], i))
			return true;
	return false;
}

/* The first instance that this one requires and that does not run; NULL: none. */
static const struct instance *blocker(const struct svcs *s, const struct instance *i)
{
	for (unsigned k = 0; k < s->list.n; k++) {
		const struct instance *other = &s->list.v[k];

		if (other != i && !instance_runs(other) &&
		    requires(s, i->zone, other->fmri))
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
	for (unsigned k = 0; k < s->list.n; k++)
		n += held_up(s, &s->list.v[k], i);
	if (!n)
		buf_adds(out, "Impact: This service is not running.\n");
	else
		buf_addf(out, "Impact: %u dependent service%s not running%s\n", n,
			 n == 1 ? " is" : "s are",
			 verbose ? ":" : ".  (Use -v for list.)");
	for (unsigned k = 0; verbose && k < s->list.n; k++)
		if (held_up(s, &s->list.v[k], i))
			buf_addf(out, "        %s\n", s->list.v[k].fmri);
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
