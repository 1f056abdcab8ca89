// SPDX-License-Identifier: BSD-2-Clause
/*
 * told.c - what must hold of what others are told: operators of their requests, readers
 * of changes, and everybody of the order in the queue
 */
#include "tests/random/world.h"

#include <string.h>

static bool boots(enum core_ev verb)
{
	return verb == EV_BOOT || verb == EV_REBOOT || verb == EV_RESTART;
}

static bool waits(enum core_ev verb)
{
	return boots(verb) || verb == EV_SHUTDOWN || verb == EV_HALT;
}

/* What was asked for has been done: look at the machine. */
static void check_done(struct world *w, const struct core_action *a)
{
	struct op *op = &w->ops[a->op];
	enum vm_phase phase = op->zone->m.phase;

	op->failed = a->err != 0;
	if (a->err || !waits(op->verb))
		return;
	if (boots(op->verb) ? phase != VM_RUNNING : phase != VM_NONE)
		broken(w, "%s of %s is done, yet its machine is %s",
		       core_ev_names[op->verb], op->zone->name, vm_phase_names[phase]);
}

/**
 * told_action() - Look at an action of a step before the machines hear of any
 */
void told_action(struct world *w, const struct core_action *a)
{
	struct core_view v;
	struct zone *z;

	if (a->type == ACT_OP_DONE)
		check_done(w, a);
	if (a->type == ACT_VM_START) {
		z = zone_of(w, a->inst);
		z->start_step = w->n_steps;
		z->start_queued = z->queued_step ? z->queued_step : w->n_steps;
	}
	if (a->type != ACT_STATE)
		return;
	z = zone_of(w, a->inst);
	if (a->from != z->told.state)
		broken(w, "%s changes from %s, but %s was told before", z->name,
		       inst_state_names[a->from], inst_state_names[z->told.state]);
	core_view(w->core, a->inst, &v);
	z->told.state = v.state;
	z->told.next = v.next;
	z->told.blocked = v.blocked;
	if (v.state == INST_ONLINE &&
	    (a->from == INST_OFFLINE || a->from == INST_MAINT) &&
	    z->spec.goals_timeout_ms && !z->m.goals)
		broken(w, "%s is online without its goals", z->name);
}

/**
 * told_zone() - After a step: was what a zone is now told?
 */
void told_zone(struct world *w, struct zone *z, const struct core_view *v)
{
	if (v->state != z->told.state || v->next != z->told.next ||
	    v->blocked != z->told.blocked)
		broken(w, "%s is %s (next %s%s), but %s (next %s%s) was told", z->name,
		       inst_state_names[v->state], inst_state_names[v->next],
		       v->blocked ? ", blocked" : "", inst_state_names[z->told.state],
		       inst_state_names[z->told.next],
		       z->told.blocked ? ", blocked" : "");
	if (v->enabled_temporary != (v->enabled != z->spec.autoboot))
		broken(w, "%s: enabled %d, autoboot %d, yet temporary %d", z->name,
		       v->enabled, z->spec.autoboot, v->enabled_temporary);
	z->queue_pos = v->queue_pos;
	if (!v->queue_pos || z->queued_priority != z->spec.priority)
		z->queued_step = 0;
	if (v->queue_pos && !z->queued_step)
		z->queued_step = w->n_steps;
	z->queued_priority = z->spec.priority;
	if (v->phase == VM_NONE ? v->state != INST_OFFLINE
				: v->state == INST_ONLINE && v->next == INST_ONLINE)
		z->hastened = false;
}

/* Whether what no operator has touched has to wait behind the other. */
static bool comes_behind(const struct zone *z, unsigned z_step, const struct zone *other)
{
	if (z->hastened || other->hastened)
		return false;
	if (z->spec.priority != other->spec.priority)
		return z->spec.priority > other->spec.priority;
	if (z_step != other->queued_step)
		return z_step > other->queued_step;
	return strcmp(z->name, other->name) > 0;
}

/* Who was started in this step did not overtake those that still wait. */
static void check_overtaken(const struct world *w)
{
	for (unsigned n = 0; n < w->n_zones; n++) {
		const struct zone *z = &w->zones[n];

		if (!z->listed || z->start_step != w->n_steps)
			continue;
		for (unsigned k = 0; k < w->n_zones; k++)
			if (w->zones[k].listed && w->zones[k].queue_pos &&
			    comes_behind(z, z->start_queued, &w->zones[k]))
				broken(w, "%s is started before %s", z->name,
				       w->zones[k].name);
	}
}

/* Positions count from 1; whom no operator wants comes by priority, arrival and name. */
static void check_queue(const struct world *w, unsigned queued)
{
	const struct zone *at[ZONES + 1] = { NULL };

	for (unsigned n = 0; n < w->n_zones; n++) {
		const struct zone *z = &w->zones[n];

		if (!z->listed || !z->queue_pos)
			continue;
		if (z->queue_pos > queued || at[z->queue_pos])
			broken(w, "%s has place %u of %u", z->name, z->queue_pos, queued);
		at[z->queue_pos] = z;
	}
	for (unsigned n = 1; n <= queued; n++) {
		if (!at[n])
			broken(w, "nobody has place %u of %u", n, queued);
		if (n > 1 && comes_behind(at[n - 1], at[n - 1]->queued_step, at[n]))
			broken(w, "%s waits before %s", at[n - 1]->name, at[n]->name);
	}
}

/* svcadm enable and disable, for good, are autoboot. */
static void check_autoboot(const struct world *w)
{
	const struct core_event *ev = w->ev;
	const struct op *op = &w->ops[ev->op];

	if ((ev->type != EV_ENABLE && ev->type != EV_DISABLE) || ev->temporary ||
	    !ev->op || op->failed)
		return;
	if (op->zone->spec.autoboot != (ev->type == EV_ENABLE))
		broken(w, "%s of %s leaves autoboot as it was", core_ev_names[ev->type],
		       op->zone->name);
}

/* One open request a zone, and those that need not wait are answered. */
static void check_ops(struct world *w)
{
	for (unsigned n = 0; n < w->n_zones; n++)
		w->zones[n].has_op = false;
	for (uint64_t op = 1; op <= w->n_ops; op++) {
		struct zone *z = w->ops[op].zone;

		if (!w->ops[op].open)
			continue;
		if (!waits(w->ops[op].verb))
			broken(w, "%s of %s is not answered",
			       core_ev_names[w->ops[op].verb], z->name);
		if (z->has_op)
			broken(w, "%s has two open requests", z->name);
		z->has_op = true;
	}
}

/**
 * told_step() - After a step and told_zone() of all zones
 */
void told_step(struct world *w, const struct core_totals *t)
{
	check_queue(w, t->queued);
	if (t->queued)
		check_overtaken(w);
	check_ops(w);
	check_autoboot(w);
	if (w->ev->type != EV_TIMER || w->now_ms != w->timer_ms)
		w->n_timers = 0;
	w->timer_ms = w->now_ms;
	if (w->n_timers++ > 2 * w->n_zones + 4)
		broken(w, "the timer fires again and again");
}

/**
 * told_quiet() - Nothing is going to happen any more: who still waits for an answer?
 */
void told_quiet(const struct world *w)
{
	for (uint64_t op = 1; op <= w->n_ops; op++) {
		const struct zone *z = w->ops[op].zone;

		if (w->ops[op].open &&
		    (!boots(w->ops[op].verb) || z->m.phase != VM_NONE ||
		     z->told.state != INST_OFFLINE))
			broken(w, "%s of %s is never answered",
			       core_ev_names[w->ops[op].verb], z->name);
	}
}

/**
 * told_before_restart() - The restarter is going to die: remember what it says
 */
void told_before_restart(struct world *w)
{
	for (unsigned n = 0; n < w->n_zones; n++) {
		struct zone *z = &w->zones[n];

		z->before.valid = z->listed && check_view(w, z, &z->before.view);
		z->before.phase = z->m.phase;
	}
}

/**
 * told_after_restart() - What it said has to be so still
 */
void told_after_restart(const struct world *w)
{
	for (unsigned n = 0; n < w->n_zones; n++) {
		const struct zone *z = &w->zones[n];
		const struct core_view *old = &z->before.view;
		const bool idle = old->phase == VM_NONE;
		struct core_view v;

		if (!z->before.valid || !check_view(w, z, &v))
			continue;
		if (v.enabled != old->enabled ||
		    v.enabled_temporary != old->enabled_temporary)
			broken(w, "%s: enabled is another after a restart", z->name);
		if (v.state == old->state && v.failures != old->failures)
			broken(w, "%s: failures are others after a restart", z->name);
		if (old->retry_ms > w->now_ms && v.retry_ms != old->retry_ms)
			broken(w, "%s tries again at another time after a restart",
			       z->name);
		if (v.state == old->state && v.since_ms != old->since_ms)
			broken(w, "%s is %s since another time after a restart", z->name,
			       inst_state_names[v.state]);
		if (old->state != INST_OFFLINE && old->next == old->state &&
		    (old->state != INST_MAINT || idle) && v.state != old->state)
			broken(w, "%s was %s and is %s after a restart", z->name,
			       inst_state_names[old->state], inst_state_names[v.state]);
		if (idle && (v.state == INST_MAINT || v.state == INST_DISABLED) &&
		    v.why != KZ_WHY_CYCLE && strcmp(v.reason, old->reason) != 0)
			broken(w, "%s has another reason after a restart", z->name);
	}
}
