// SPDX-License-Identifier: BSD-2-Clause
/*
 * reason.c - why an instance is not online, in words; and instances as others see them
 *
 * Reasons are made when they are asked for, from what is true then.
 */
#include "restarter/core_internal.h"

#include <stdio.h>
#include <string.h>

static void add(char *text, size_t size, const char *s)
{
	size_t used = strlen(text);

	snprintf(text + used, size - used, "%s", s);
}

static uint64_t ms_left(const struct core *c, uint64_t deadline_ms)
{
	return deadline_ms > c->now_ms ? deadline_ms - c->now_ms : 0;
}

/* "svc:/system/zones/zone:db (offline*)" */
static void add_dependency(const struct core *c, const struct edge *e, char *text,
			   size_t size)
{
	add(text, size, e->fmri);
	add(text, size, " (");
	if (e->to && e->to->is_unit) {
		add(text, size, unit_state_names[e->to->unit_state]);
	} else if (!e->to || !e->to->present) {
		add(text, size, "absent");
	} else {
		add(text, size, inst_state_names[e->to->state]);
		if (inst_next_state(c, e->to) != e->to->state)
			add(text, size, "*");
	}
	add(text, size, ")");
}

static const struct dep_group *unmet_group(const struct inst *i)
{
	for (unsigned n = 0; n < i->deps.n_groups; n++)
		if (i->deps.groups[n].unmet)
			return &i->deps.groups[n];
	return NULL;
}

static void dependency_reason(const struct core *c, const struct inst *i, char *text,
			      size_t size)
{
	const struct dep_group *g = unmet_group(i);
	bool first = true, knot;

	if (!g)
		return;
	if (g->grouping == DEP_REQUIRE_ANY)
		snprintf(text, size, "waiting for any of ");
	else if (g->grouping == DEP_EXCLUDE_ALL)
		snprintf(text, size, "kept down by ");
	else
		snprintf(text, size, "waiting for ");
	for (unsigned n = 0; n < i->deps.n_edges; n++) {
		const struct edge *e = &i->deps.edges[n];

		if (e->group != g || e->ok)
			continue;
		if (!first)
			add(text, size, ", ");
		add_dependency(c, e, text, size);
		knot = e->knot && e->to->mode == MODE_WAITING;
		if (knot) {
			add(text, size, ", which in turn depends on " CORE_FMRI_PREFIX);
			add(text, size, i->name);
			add(text, size, ": disable one");
		}
		if (g->grouping != DEP_REQUIRE_ANY)
			return;
		first = false;
	}
}

static void slot_reason(const struct core *c, const struct inst *i, const char *what,
			char *text, size_t size)
{
	/* counting positions writes to instances, never to what a caller may see */
	unsigned pos = throttle_position(c, (struct inst *)i);

	snprintf(text, size,
		 "waiting for a slot%s: %u of %u in use, position %u in the queue", what,
		 c->throttle.used, c->throttle.limit, pos);
}

static void retry_reason(const struct core *c, const struct inst *i, char *text,
			 size_t size)
{
	int n;

	n = snprintf(text, size, "next try in %llu s",
		     SECONDS_ARG(ms_left(c, i->retry_ms)));
	if (i->failures)
		snprintf(text + n, size - (size_t)n, " after %u failure%s: %s",
			 i->failures, i->failures == 1 ? "" : "s", i->why);
	else
		snprintf(text + n, size - (size_t)n, ": %s", i->why);
}

static void waiting_reason(const struct core *c, const struct inst *i, char *text,
			   size_t size)
{
	if (c->stopping)
		snprintf(text, size, "the host is shutting down");
	else
		dependency_reason(c, i, text, size);
}

static void stopping_reason(const struct core *c, const struct inst *i, char *text,
			    size_t size)
{
	snprintf(
		text, size, "shutting down, to be halted in %llu s%s",
		SECONDS_ARG(ms_left(c, i->deadline_ms)),
		c->stopping && i->autoshutdown == AUTO_SUSPEND
			? " (suspend is not available, so autoshutdown=suspend shuts down)"
			: "");
}

static void online_reason(const struct core *c, const struct inst *i, char *text,
			  size_t size)
{
	for (const struct edge *e = c->stopping ? i->dependents : NULL; e;
	     e = e->rev_next)
		if (edge_orders(e) && inst_active(e->from)) {
			snprintf(text, size,
				 "waiting for dependent " CORE_FMRI_PREFIX "%s to stop",
				 e->from->name);
			return;
		}
}

/**
 * reason_text() - Why an instance is where it is; "" when it is online and stays so
 */
void reason_text(const struct core *c, const struct inst *i, char *text, size_t size)
{
	text[0] = '\0';
	switch (i->mode) {
	case MODE_UNINIT:
		snprintf(text, size, "%s",
			 i->saved_away ? i->why
				       : "the restarter has not looked at it yet");
		break;
	case MODE_WAITING:
		waiting_reason(c, i, text, size);
		break;
	case MODE_BACKOFF:
		retry_reason(c, i, text, size);
		break;
	case MODE_QUEUED:
		slot_reason(c, i, "", text, size);
		break;
	case MODE_STARTING:
		snprintf(text, size, "the machine is being started");
		break;
	case MODE_BOOTING:
		snprintf(text, size,
			 "waiting for the guest to reach its goals, %llu s left",
			 SECONDS_ARG(ms_left(c, i->deadline_ms)));
		break;
	case MODE_ONLINE:
		online_reason(c, i, text, size);
		break;
	case MODE_STOPQ:
		slot_reason(c, i, " to shut down", text, size);
		break;
	case MODE_STOPPING:
		stopping_reason(c, i, text, size);
		break;
	case MODE_HALTING:
		snprintf(text, size, "%s", i->why[0] ? i->why : "being halted");
		break;
	case MODE_DISABLED:
		snprintf(text, size, "%s", i->why[0] ? i->why : "disabled");
		break;
	case MODE_DEGRADED:
	case MODE_MAINT:
	case MODE_AWAY:
	case MODE_HELD:
		snprintf(text, size, "%s", i->why[0] ? i->why : "no reason was recorded");
		break;
	case MODE_N:
		break;
	}
}

static enum kz_reason waiting_kind(const struct core *c, const struct inst *i)
{
	const struct dep_group *g = unmet_group(i);

	if (c->stopping)
		return KZ_WHY_HOST_STOPPING;
	return g && g->grouping == DEP_EXCLUDE_ALL ? KZ_WHY_EXCLUDED : KZ_WHY_DEPENDENCY;
}

/* What reason_text() says, as one of the list. */
static enum kz_reason reason_kind(const struct core *c, const struct inst *i,
				  const char *text)
{
	static const uint8_t kinds[MODE_N] = {
		[MODE_UNINIT] = KZ_WHY_NOT_EXAMINED, [MODE_BACKOFF] = KZ_WHY_RETRY,
		[MODE_QUEUED] = KZ_WHY_SLOT,         [MODE_STARTING] = KZ_WHY_STARTING,
		[MODE_BOOTING] = KZ_WHY_GOALS,       [MODE_ONLINE] = KZ_WHY_DEPENDENTS,
		[MODE_STOPQ] = KZ_WHY_SLOT_TO_STOP,  [MODE_STOPPING] = KZ_WHY_STOPPING,
		[MODE_HALTING] = KZ_WHY_HALTING,
	};

	if (!*text)
		return KZ_WHY_NONE;
	if (i->mode == MODE_WAITING)
		return waiting_kind(c, i);
	if (kinds[i->mode] && !i->saved_away)
		return (enum kz_reason)kinds[i->mode];
	if (!i->why[0])
		return i->mode == MODE_DISABLED ? KZ_WHY_DISABLED : KZ_WHY_UNKNOWN;
	return (enum kz_reason)i->why_kind;
}

struct inst *core_find(const struct core *c, const char *zone)
{
	struct inst *i = graph_find(c, zone);

	return i && i->present ? i : NULL;
}

void core_view(const struct core *c, const struct inst *i, struct core_view *ret_view)
{
	*ret_view = (struct core_view){
		.zone = i->name,
		.state = i->state,
		.next = inst_next_state(c, i),
		.phase = inst_phase(i),
		.panicked = i->panicked,
		.enabled = inst_enabled(i),
		.enabled_temporary = i->override,
		.priority = i->priority,
		.queue_pos = throttle_position(c, (struct inst *)i),
		.since_ms = i->since_ms,
		.start_ms = i->start_ms,
		.running_ms = i->running_ms,
		.online_ms = i->online_ms,
		.failures = i->failures,
		.retry_ms = i->mode == MODE_BACKOFF ? i->retry_ms : 0,
		.deadline_ms = i->mode == MODE_BOOTING || i->mode == MODE_STOPPING
				       ? i->deadline_ms
				       : 0,
		.blocked = inst_blocked(i),
		.unavailable = inst_away(i),
	};
	reason_text(c, i, ret_view->reason, sizeof(ret_view->reason));
	ret_view->why = reason_kind(c, i, ret_view->reason);
}

bool core_is_unavailable(const struct inst *i)
{
	return inst_away(i);
}

void core_saved_of(const struct core *c, const struct inst *i,
		   struct core_saved *ret_saved)
{
	*ret_saved = (struct core_saved){
		.enabled_temporary = i->override,
		.enabled = inst_enabled(i),
		.state = i->state,
		.to_maint = inst_to_maint(i),
		.again = inst_again(c, i),
		.marked = i->marked,
		.unavailable = inst_away(i),
		.retry_ms = i->mode == MODE_BACKOFF ? i->retry_ms : 0,
		.since_ms = i->since_ms,
	};
	inst_save_faults(c, i, ret_saved);
	if (inst_keeps_why(i)) {
		snprintf(ret_saved->reason, sizeof(ret_saved->reason), "%s", i->why);
		ret_saved->why = (enum kz_reason)i->why_kind;
	}
}

void core_totals(const struct core *c, struct core_totals *ret_totals)
{
	*ret_totals = (struct core_totals){
		.n_instances = c->n_present,
		.slots_used = c->throttle.used,
		.slots_limit = c->throttle.limit,
		.queued = c->throttle.n_queued,
	};
	for (unsigned n = 0; n < c->n; n++)
		if (c->by_name[n]->present)
			ret_totals->by_state[c->by_name[n]->state]++;
}
