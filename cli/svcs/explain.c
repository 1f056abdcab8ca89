// SPDX-License-Identifier: BSD-2-Clause
/*
 * explain.c - svcs -x: why an instance does not run, what that means, what to do next
 *
 * The reason comes from the restarter, in words and as one word of a list that has the
 * next step (common/proto/reason.h). What an instance holds up is read, once, from the
 * configurations of those that are wanted and do not run: it is in the way of each that
 * one of its dependencies keeps from running, and of those that wait for that one.
 */
#include "cli/svcs/svcs.h"
#include "common/proto/reason.h"

#include <ctype.h>
#include <string.h>

#define UNIT_PREFIX "svc:/host/systemd/unit:"

static bool waits(const struct instance *i)
{
	return instance_wanted(i) && !instance_runs(i);
}

int explain_prepare(struct svcs *s)
{
	struct errmsg e = { "" };

	for (unsigned k = 0; k < s->list.n; k++)
		if (waits(&s->list.v[k]) && deps_read(&s->deps, &s->paths, &s->list,
						      &s->list.v[k], &e) == -ENOMEM)
			return -ENOMEM;
	return deps_link(&s->deps, &s->list);
}

/* The first of the dependencies on it; next_on leads to the others. */
static unsigned first_on(const struct svcs *s, const struct instance *i)
{
	return s->deps.first_on[i - s->list.v];
}

bool explain_wanted(const struct svcs *s, const struct instance *i)
{
	if (instance_runs(i))
		return false;
	if (instance_wanted(i) || strcmp(i->state, "maintenance") == 0)
		return true;
	for (unsigned k = first_on(s, i); k != -1u; k = s->deps.v[k].next_on)
		if (s->deps.v[k].who != i && dep_unmet(&s->deps, &s->deps.v[k]))
			return true;
	return false;
}

/* What this one waits for: rather an instance than what the list does not have. */
static const struct dep *blocker(const struct svcs *s, const struct instance *i)
{
	const struct dep *other = NULL;

	for (unsigned k = s->deps.first_of[i - s->list.v]; k < s->deps.n; k++) {
		const struct dep *d = &s->deps.v[k];

		if (d->who != i)
			break;
		if (!dep_unmet(&s->deps, d))
			continue;
		if (d->on)
			return d;
		other = other ? other : d;
	}
	return other;
}

/* A sentence: it begins with a capital, unless with the name of a program. */
static void add_sentence(struct buf *out, const char *text)
{
	size_t len = strlen(text);
	bool name = strncmp(text, "kzhost", 6) == 0 || strncmp(text, "svc", 3) == 0 ||
		    strncmp(text, "state.json", 10) == 0;

	buf_addf(out, "Reason: %c%s%s\n",
		 name ? text[0] : toupper((unsigned char)text[0]), text + 1,
		 text[len - 1] == '.' ? "" : ".");
}

static void add_reason(struct buf *out, const struct instance *i)
{
	enum kz_reason why = kz_reason_of(i->auxiliary);

	if (why == KZ_WHY_DISABLED || (!*i->reason && strcmp(i->state, "disabled") == 0))
		buf_addf(out, "Reason: %s by an administrator.\n",
			 i->enabled_temporary ? "Temporarily disabled" : "Disabled");
	else if (*i->reason)
		add_sentence(out, i->reason);
	else if (instance_runs(i))
		buf_adds(out, "Reason: None: it runs.\n");
	else
		buf_addf(out, "Reason: Restarter %s gave no explanation.\n",
			 RESTARTER_FMRI);
}

/* What to do about a dependency that is not an instance of the list. */
static void add_foreign(struct buf *out, const struct instance *i, const char *fmri)
{
	if (strncmp(fmri, UNIT_PREFIX, strlen(UNIT_PREFIX)) == 0)
		buf_addf(out, "systemctl status %s", fmri + strlen(UNIT_PREFIX));
	else if (strncmp(fmri, ZONE_FMRI_PREFIX, strlen(ZONE_FMRI_PREFIX)) == 0)
		buf_addf(out,
			 "zoneadm -z %s install, or remove the dependency with: zonecfg "
			 "-z %s",
			 fmri + strlen(ZONE_FMRI_PREFIX), i->zone);
	else
		buf_addf(out, "Remove the dependency on %s with: zonecfg -z %s", fmri,
			 i->zone);
}

/* The text of the list with its %F, %Z and %B. */
static void add_template(struct buf *out, const struct instance *i, const char *next,
			 const struct dep *d)
{
	for (; *next; next++) {
		if (*next != '%' || !next[1]) {
			buf_add(out, next, 1);
			continue;
		}
		next++;
		buf_adds(out, *next == 'Z'        ? i->zone
			      : *next == 'B' && d ? d->fmri
						  : i->fmri);
	}
}

static void add_next(struct buf *out, const struct svcs *s, const struct instance *i)
{
	enum kz_reason why = kz_reason_of(i->auxiliary);
	const struct dep *d = blocker(s, i);

	if (!*kz_reason_next(why))
		return;
	buf_adds(out, "  Next: ");
	if (why == KZ_WHY_DEPENDENCY && d && !d->on)
		add_foreign(out, i, d->fmri);
	else if (why == KZ_WHY_DEPENDENCY && !d)
		buf_addf(out, "svcs -d %s", i->fmri);
	else
		add_template(out, i, kz_reason_next(why), d);
	buf_adds(out, "\n");
}

/* From the instance to what it waits for, and so on, to the root of the trouble. */
static void add_path(struct buf *out, const struct svcs *s, const struct instance *i)
{
	const struct dep *d = blocker(s, i);

	if (!d)
		return;
	buf_addf(out, "  Path: %s\n", i->fmri);
	for (unsigned depth = 1; d && depth <= s->list.n; depth++) {
		for (unsigned k = 0; k < 8 + 2 * depth; k++)
			buf_adds(out, " ");
		buf_addf(out, "%s\n", d->fmri);
		d = d->on ? blocker(s, d->on) : NULL;
	}
}

/* Marks those that wait because of @i, also through others; how many, or -ENOMEM. */
static int find_held_up(const struct svcs *s, const struct instance *i, bool **ret_held)
{
	const struct instance **queue =
		calloc(s->list.n + 1, sizeof(const struct instance *));
	bool *held = calloc(s->list.n + 1, sizeof(*held));
	unsigned n = 0;

	if (!held || !queue) {
		free(queue);
		free(held);
		return -ENOMEM;
	}
	queue[0] = i;
	for (unsigned at = 0; at <= n; at++) {
		for (unsigned k = first_on(s, queue[at]); k != -1u;
		     k = s->deps.v[k].next_on) {
			const struct dep *d = &s->deps.v[k];

			if (d->who == i || held[d->who - s->list.v] ||
			    !dep_unmet(&s->deps, d))
				continue;
			held[d->who - s->list.v] = true;
			queue[++n] = d->who;
		}
	}
	free(queue);
	*ret_held = held;
	return (int)n;
}

static void add_impact(struct buf *out, const struct svcs *s, const struct instance *i,
		       bool verbose)
{
	cleanup(freep) bool *held = NULL;
	int n;

	if (instance_runs(i)) {
		buf_adds(out, "Impact: None.\n");
		return;
	}
	n = find_held_up(s, i, &held);
	if (n < 0) {
		out->err = n;
		return;
	}
	if (!n) {
		buf_adds(out, "Impact: This service is not running.\n");
		return;
	}
	buf_addf(out, "Impact: %d dependent service%s not running%s\n", n,
		 n == 1 ? " is" : "s are", verbose ? ":" : ".  (Use -v for list.)");
	for (unsigned k = 0; verbose && k < s->list.n; k++)
		if (held[k])
			buf_addf(out, "        %s\n", s->list.v[k].fmri);
}

void explain_add(struct buf *out, const struct svcs *s, const struct instance *i,
		 bool verbose)
{
	cleanup(freep) char *messages = log_path(s, PATH_MESSAGES_LOG, i);
	cleanup(freep) char *console = log_path(s, PATH_CONSOLE_LOG, i);

	buf_addf(out, "%s (", i->fmri);
	add_description(out, i);
	buf_adds(out, ")\n");
	if (s->zone)
		buf_addf(out, "  Zone: %s\n", i->zone);
	buf_addf(out, " State: %s since ", i->state);
	add_date(out, i->state_time_ms);
	buf_adds(out, "\n");
	add_reason(out, i);
	if (verbose && !instance_runs(i))
		add_path(out, s, i);
	buf_adds(out, *i->zone ? "   See: zoneadm(8)\n" : "   See: svc.zones(8)\n");
	if (*i->zone)
		buf_addf(out, "   See: %s\n", messages ? messages : "?");
	if (*i->zone && strcmp(i->state, "disabled") != 0)
		buf_addf(out, "   See: %s\n", console ? console : "?");
	add_impact(out, s, i, verbose);
	add_next(out, s, i);
}
