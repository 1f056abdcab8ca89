// SPDX-License-Identifier: BSD-2-Clause
/*
 * check.c - what must hold after every step
 */
#include "tests/random/world.h"

#include <string.h>

static bool orders(const struct zone *z, unsigned n)
{
	return z->target[n] >= 0 && z->spec.deps[n].grouping != DEP_EXCLUDE_ALL;
}

static bool reaches(const struct world *w, const struct zone *from, const struct zone *to,
		    bool *seen)
{
	for (unsigned n = 0; n < from->spec.n_deps; n++) {
		const struct zone *next;

		if (!orders(from, n))
			continue;
		next = &w->zones[from->target[n]];
		if (next == to)
			return true;
		if (!next->listed || seen[from->target[n]])
			continue;
		seen[from->target[n]] = true;
		if (reaches(w, next, to, seen))
			return true;
	}
	return false;
}

/**
 * check_cycles() - Find out who is on a cycle, the slow way
 */
void check_cycles(struct world *w)
{
	for (unsigned n = 0; n < w->n_zones; n++) {
		bool seen[ZONES] = { false };
		struct zone *z = &w->zones[n];

		z->on_cycle = z->listed && reaches(w, z, z, seen);
	}
}

bool check_view(const struct world *w, const struct zone *z, struct core_view *v)
{
	struct inst *i = core_find(w->core, z->name);

	if (i)
		core_view(w->core, i, v);
	return i != NULL;
}

/* A unit that the core has not been told of yet is waited for like one on its way. */
static enum unit_state unit_of(const struct world *w, int target)
{
	const int n = TARGET_UNIT(target);
	enum unit_state state;
	char name[24];

	snprintf(name, sizeof(name), "%d.service", n);
	state = core_unit_find(w->core, name);
	if (state != UNIT_UNKNOWN && state != w->units[n])
		broken(w, "%s is %s, the core says %s", name,
		       unit_state_names[w->units[n]], unit_state_names[state]);
	return state;
}

static bool zone_up(const struct world *w, int target)
{
	struct core_view v;

	if (target <= TARGET_UNIT(0))
		return unit_of(w, target) == UNIT_ONLINE;
	if (target < 0)
		return target == -1;
	return check_view(w, &w->zones[target], &v) &&
	       (v.state == INST_ONLINE || v.state == INST_DEGRADED) &&
	       v.next == v.state && w->zones[target].m.phase == VM_RUNNING;
}

/* Down for good: for exclude_all. */
static bool zone_out(const struct world *w, int target)
{
	struct core_view v;

	if (target <= TARGET_UNIT(0))
		return unit_of(w, target) != UNIT_ONLINE &&
		       unit_of(w, target) != UNIT_OFFLINE &&
		       unit_of(w, target) != UNIT_UNKNOWN;
	if (target < 0)
		return target == -2;
	return !check_view(w, &w->zones[target], &v) ||
	       ((v.state == INST_DISABLED || v.state == INST_MAINT) &&
		w->zones[target].m.phase == VM_NONE);
}

/* Neither booting nor stopping: for optional_all, as far as one sees from outside. */
static bool zone_idle(const struct world *w, int target)
{
	struct core_view v;

	if (target <= TARGET_UNIT(0))
		return unit_of(w, target) != UNIT_OFFLINE &&
		       unit_of(w, target) != UNIT_UNKNOWN;
	if (target < 0 || zone_up(w, target) || !check_view(w, &w->zones[target], &v))
		return true;
	return v.state == INST_MAINT || v.state == INST_DISABLED ||
	       (v.state == INST_OFFLINE && v.next == INST_OFFLINE && v.phase == VM_NONE);
}

/* Whether a zone may start; *exact: also when it must be considered. */
static bool deps_met(const struct world *w, const struct zone *z, bool *exact)
{
	bool any_named = false, any_up = false;

	*exact = true;
	for (unsigned n = 0; n < z->spec.n_deps; n++) {
		switch (z->spec.deps[n].grouping) {
		case DEP_REQUIRE_ALL:
			if (!zone_up(w, z->target[n]))
				return false;
			break;
		case DEP_REQUIRE_ANY:
			any_named = true;
			any_up |= zone_up(w, z->target[n]);
			break;
		case DEP_OPTIONAL_ALL:
			*exact = false;
			if (!zone_idle(w, z->target[n]))
				return false;
			break;
		case DEP_EXCLUDE_ALL:
			if (!zone_out(w, z->target[n]))
				return false;
			break;
		}
	}
	return !any_named || any_up;
}

/* Does it depend on the other, however far around, also by exclusions? */
static bool leads_to(const struct world *w, const struct zone *from,
		     const struct zone *to, bool *seen)
{
	if (from == to)
		return true;
	if (!from->listed || seen[from - w->zones])
		return false;
	seen[from - w->zones] = true;
	for (unsigned n = 0; n < from->spec.n_deps; n++)
		if (from->target[n] >= 0 &&
		    leads_to(w, &w->zones[from->target[n]], to, seen))
			return true;
	return false;
}

/* Nobody but an administrator ends that the dependency keeps the zone waiting. */
static bool dep_hopeless(const struct world *w, const struct zone *z, unsigned n)
{
	const bool excluded = z->spec.deps[n].grouping == DEP_EXCLUDE_ALL;
	const int target = z->target[n];
	bool seen[ZONES] = { false }, ending;
	struct core_view v;

	if (target < 0 || !check_view(w, &w->zones[target], &v))
		return excluded ? zone_up(w, target)
				: !zone_up(w, target) && zone_idle(w, target);
	ending = v.why == KZ_WHY_SLOT_TO_STOP || v.why == KZ_WHY_STOPPING ||
		 v.why == KZ_WHY_HALTING;
	if (!excluded)
		return v.blocked || v.state == INST_DISABLED ||
		       (v.state == INST_MAINT && !ending);
	if (zone_up(w, target) || v.blocked ||
	    (v.state == INST_MAINT && v.phase == VM_RUNNING && !ending))
		return true;
	return !ending && !zone_out(w, target) && leads_to(w, &w->zones[target], z, seen);
}

/* Whether one that waits for its dependencies waits for an administrator. */
static bool hopeless(const struct world *w, const struct zone *z)
{
	unsigned n_any = 0, n_any_hopeless = 0;
	bool any_up = false;

	for (unsigned n = 0; n < z->spec.n_deps; n++) {
		enum dep_grouping grouping = z->spec.deps[n].grouping;

		if (grouping == DEP_REQUIRE_ANY) {
			n_any++;
			any_up |= zone_up(w, z->target[n]);
			n_any_hopeless += dep_hopeless(w, z, n);
		} else if (grouping != DEP_OPTIONAL_ALL && dep_hopeless(w, z, n)) {
			return true;
		}
	}
	return n_any && !any_up && n_any_hopeless == n_any;
}

static unsigned slots(const struct world *w)
{
	unsigned n_slots = 0;

	for (unsigned n = 0; n < w->n_zones; n++)
		n_slots += w->zones[n].boot_slot || w->zones[n].stop_slot;
	return n_slots;
}

static void check_start(struct world *w, struct zone *z)
{
	struct core_view v;
	bool exact;

	if (!w->ready || w->stopping)
		broken(w, "%s is started while %s", z->name,
		       w->ready ? "stopping" : "early");
	if (z->m.phase != VM_NONE)
		broken(w, "%s is started, yet has a machine", z->name);
	if (!check_view(w, z, &v) || !v.enabled)
		broken(w, "%s is started, yet not enabled", z->name);
	if (z->on_cycle)
		broken(w, "%s is started, yet on a cycle", z->name);
	if (z->saved.marked || z->saved.to_maint)
		broken(w, "%s is started, yet for maintenance", z->name);
	if (z->away || z->saved.unavailable)
		broken(w, "%s is started, yet unavailable", z->name);
	if (z->was_blocked)
		broken(w, "%s is started by itself, yet was blocked", z->name);
	if (!deps_met(w, z, &exact))
		broken(w, "%s is started before its dependencies", z->name);
	z->boot_slot = true;
	if (w->limit && slots(w) > w->limit)
		broken(w, "%s is started as number %u of %u", z->name, slots(w),
		       w->limit);
}

/* Stopping the host goes in reverse order; whoever was asked for is not counted. */
static void check_stop_order(struct world *w, const struct zone *z)
{
	bool own = w->ev->zone && strcmp(w->ev->zone, z->name) == 0;

	if (!w->stopping || z->m.stop_told || z->operator_stop || z->on_cycle || own ||
	    w->now_ms >= w->stop_deadline_ms)
		return;
	for (unsigned n = 0; n < w->n_zones; n++)
		for (unsigned d = 0; d < w->zones[n].spec.n_deps; d++)
			if (w->zones[n].listed && orders(&w->zones[n], d) &&
			    &w->zones[w->zones[n].target[d]] == z &&
			    w->zones[n].m.phase != VM_NONE)
				broken(w, "%s is stopped before %s", z->name,
				       w->zones[n].name);
}

static void check_command(struct world *w, struct zone *z, enum core_act type)
{
	bool had_slot = z->boot_slot || z->stop_slot;

	if (type == ACT_VM_START) {
		check_start(w, z);
		return;
	}
	if (z->m.phase == VM_NONE)
		broken(w, "%s: %s without a machine", z->name, core_act_names[type]);
	if (z->m.phase == VM_HALTING)
		broken(w, "%s: %s while halting", z->name, core_act_names[type]);
	check_stop_order(w, z);
	if (type == ACT_VM_HALT)
		return;
	if (z->m.stop_told)
		broken(w, "%s is shut down twice", z->name);
	/* What goes to maintenance was being stopped before. */
	if (w->stopping && !z->operator_stop && !z->saved.to_maint &&
	    z->spec.autoshutdown == AUTO_HALT)
		broken(w, "%s is shut down, and not halted", z->name);
	z->stop_slot = true;
	if (!had_slot && w->limit && slots(w) > w->limit)
		broken(w, "%s is shut down as number %u of %u", z->name, slots(w),
		       w->limit);
}

/* What was announced or begun has to be on disk. */
static void check_saved(struct world *w, const struct zone *z, const struct inst *i)
{
	struct core_saved s;

	core_saved_of(w->core, i, &s);
	if (s.state == INST_UNINIT)
		return;
	if (!z->has_saved || s.state != z->saved.state || s.enabled != z->saved.enabled ||
	    s.enabled_temporary != z->saved.enabled_temporary ||
	    s.to_maint != z->saved.to_maint || s.again != z->saved.again ||
	    s.marked != z->saved.marked || s.unavailable != z->saved.unavailable ||
	    s.retry_ms != z->saved.retry_ms || s.since_ms != z->saved.since_ms ||
	    s.failures != z->saved.failures)
		broken(w, "%s is not persisted", z->name);
	if (strcmp(s.reason, z->saved.reason) != 0 || s.why != z->saved.why)
		broken(w, "%s: the reason is not persisted", z->name);
}

/* Before an action is carried out: may it come, and in this place? */
static void check_action(struct world *w, const struct core_action *a, unsigned *rank)
{
	static const unsigned ranks[CORE_ACT_N] = {
		[ACT_PERSIST] = 0,  [ACT_AUTOBOOT] = 1,    [ACT_STATE] = 1,
		[ACT_VM_START] = 2, [ACT_VM_SHUTDOWN] = 2, [ACT_VM_HALT] = 2,
		[ACT_OP_WAIT] = 3,  [ACT_OP_DONE] = 4,     [ACT_STOPPED] = 5,
	};
	struct zone *z = a->inst ? zone_of(w, a->inst) : NULL;

	if (ranks[a->type] < *rank)
		broken(w, "%s comes too late", core_act_names[a->type]);
	*rank = ranks[a->type];
	if (ranks[a->type] == 1 || ranks[a->type] == 2)
		check_saved(w, z, a->inst);
	if (ranks[a->type] == 2)
		check_command(w, z, a->type);
	if ((a->type == ACT_OP_WAIT || a->type == ACT_OP_DONE) &&
	    (!a->op || a->op > w->n_ops || !w->ops[a->op].open))
		broken(w, "%s of %llu, which is not open", core_act_names[a->type],
		       (unsigned long long)a->op);
	if (a->type == ACT_OP_WAIT && !a->reason[0])
		broken(w, "%s waits for nothing", z->name);
	if (a->type == ACT_OP_DONE && a->err && !a->reason[0])
		broken(w, "an operation fails without a reason");
	if (a->type == ACT_STOPPED)
		for (unsigned n = 0; n < w->n_zones; n++)
			if (w->zones[n].m.phase != VM_NONE)
				broken(w, "stopped, yet %s runs", w->zones[n].name);
}

/**
 * check_slots_begin() - Forget the slots that the event about to come gives back
 */
void check_slots_begin(struct world *w, const struct core_event *ev)
{
	for (unsigned n = 0; ev->type == EV_HOST_STOP && n < w->n_zones; n++)
		w->zones[n].boot_slot = false;
}

/* Slots that ended in this step: before its commands are looked at. */
static void return_slots(struct world *w)
{
	for (unsigned n = 0; n < w->n_zones; n++) {
		struct zone *z = &w->zones[n];
		struct core_view v;

		if (z->m.phase == VM_NONE)
			z->boot_slot = z->stop_slot = false;
		if (z->boot_slot && check_view(w, z, &v) &&
		    (v.state == INST_ONLINE || v.state == INST_DEGRADED ||
		     v.state == INST_MAINT))
			z->boot_slot = false;
	}
}

/**
 * check_actions() - Look at all actions of a step, before they are carried out
 */
void check_actions(struct world *w)
{
	unsigned rank = 0;

	return_slots(w);
	for (unsigned n = 0; n < w->actions.n; n++) {
		const struct core_action *a = &w->actions.v[n];

		if (a->type == ACT_PERSIST)
			sim_action(w, a);
		check_action(w, a, &rank);
		told_action(w, a);
	}
}

/* What may not have come of what was there before the step. */
static void check_seen(struct world *w, struct zone *z, const struct core_view *v)
{
	bool own = w->ev->zone && strcmp(w->ev->zone, z->name) == 0;
	bool asked =
		own && ((w->ev->type >= EV_BOOT && w->ev->type <= EV_MARK_DEGRADED) ||
			w->ev->type == EV_ZONE_BACK);

	if (v->since_ms > w->now_ms)
		broken(w, "%s is %s since some time to come", z->name,
		       inst_state_names[v->state]);
	/* By what happens to itself it may leave a state and come back in one step. */
	if (z->seen.valid && z->seen.state == v->state && !own &&
	    z->seen.since_ms != v->since_ms)
		broken(w, "%s is %s since another time now", z->name,
		       inst_state_names[v->state]);
	if (z->seen.valid && z->seen.idle_maint && !z->seen.for_cycle && !asked &&
	    v->state != INST_MAINT)
		broken(w, "%s leaves maintenance by itself", z->name);
	z->seen.valid = true;
	z->seen.state = v->state;
	z->seen.since_ms = v->since_ms;
	z->seen.idle_maint = v->state == INST_MAINT && v->phase == VM_NONE;
	z->seen.for_cycle = v->why == KZ_WHY_CYCLE;
}

/* What its machine has done must show. */
static void check_machine(struct world *w, struct zone *z, const struct core_view *v)
{
	const struct machine *m = &z->m;

	if (m->panicked && m->phase == VM_RUNNING && !m->ending &&
	    (v->state != INST_MAINT || !v->panicked))
		broken(w, "the guest of %s panicked, yet it is %s", z->name,
		       inst_state_names[v->state]);
	if (v->state == INST_ONLINE)
		z->crashes = 0;
	if (z->crashes >= 3 && !w->stopping && v->state != INST_MAINT)
		broken(w, "%s has crashed %u times in a row, yet it is %s", z->name,
		       z->crashes, inst_state_names[v->state]);
	if (w->stopping && w->ev->type == EV_TIMER && w->now_ms >= w->stop_deadline_ms &&
	    v->phase != VM_NONE && v->phase != VM_HALTING)
		broken(w, "%s is %s after the deadline", z->name,
		       vm_phase_names[v->phase]);
}

/* Unavailable exactly since a boot, or somebody, found no storage until it is attached. */
static void check_away(const struct world *w, const struct zone *z,
		       const struct core_view *v)
{
	if (v->unavailable != z->away)
		broken(w, "%s is %savailable", z->name, v->unavailable ? "un" : "");
	if (v->unavailable && (v->phase != VM_NONE || v->why != KZ_WHY_STORAGE))
		broken(w, "%s is unavailable, with a machine that is %s: %s", z->name,
		       vm_phase_names[v->phase], v->reason);
	if (v->unavailable && v->state != INST_MAINT)
		broken(w, "%s is unavailable, yet %s", z->name,
		       inst_state_names[v->state]);
}

/**
 * check_back() - It was attached: does it go on as it is to?
 * @enabled:	What it has to be
 */
void check_back(const struct world *w, const struct zone *z, bool enabled)
{
	const enum inst_state state = z->on_cycle ? INST_MAINT
				      : enabled   ? INST_OFFLINE
						  : INST_DISABLED;
	struct core_view v;

	if (!check_view(w, z, &v))
		broken(w, "%s was attached, and is lost", z->name);
	if (v.enabled != enabled || v.state != state)
		broken(w, "%s was attached, and is %s, %sabled", z->name,
		       inst_state_names[v.state], v.enabled ? "en" : "dis");
}

static void check_zone(struct world *w, struct zone *z, bool queued)
{
	struct core_view v;
	bool exact;

	if (!check_view(w, z, &v))
		broken(w, "%s is lost", z->name);
	check_seen(w, z, &v);
	told_zone(w, z, &v);
	/* Who is to be admitted may fail: that was not foreseen. */
	z->was_blocked |= w->calm && v.blocked && !queued;
	if (v.phase != z->m.phase &&
	    !(v.phase == VM_RUNNING && z->m.phase == VM_STOPPING))
		broken(w, "%s is %s, the core says %s", z->name,
		       vm_phase_names[z->m.phase], vm_phase_names[v.phase]);
	if ((v.why == KZ_WHY_NONE) != !v.reason[0] || v.why == KZ_WHY_UNKNOWN)
		broken(w, "%s: %s is %s", z->name, v.reason, kz_reason_token(v.why));
	if (v.state != INST_ONLINE && !v.reason[0])
		broken(w, "%s is %s without a reason", z->name,
		       inst_state_names[v.state]);
	if ((v.state == INST_ONLINE || v.state == INST_DEGRADED) && z->m.phase == VM_NONE)
		broken(w, "%s is online without a machine", z->name);
	if (v.state == INST_DISABLED && (v.enabled || z->m.phase != VM_NONE))
		broken(w, "%s is disabled, yet enabled or running", z->name);
	check_saved(w, z, core_find(w->core, z->name));
	if (!w->ready)
		return;
	check_machine(w, z, &v);
	check_away(w, z, &v);
	if (v.blocked != (v.state == INST_OFFLINE && v.next == INST_OFFLINE &&
			  v.phase == VM_NONE && v.why != KZ_WHY_RETRY && hopeless(w, z)))
		broken(w, "%s is %sblocked: %s", z->name, v.blocked ? "" : "not ",
		       v.reason);
	if (z->on_cycle && v.phase == VM_NONE && v.state != INST_MAINT)
		broken(w, "%s is on a cycle, yet %s", z->name, inst_state_names[v.state]);
	if (v.state == INST_OFFLINE && v.next == INST_OFFLINE && v.phase == VM_NONE &&
	    !w->stopping && deps_met(w, z, &exact) && exact &&
	    strncmp(v.reason, "next try", 8) != 0)
		broken(w, "%s waits for nothing: %s", z->name, v.reason);
}

/**
 * check_step() - After a step, and after its actions have been carried out
 */
void check_step(struct world *w)
{
	struct core_totals t;

	core_totals(w->core, &t);
	if (t.queued && (!w->limit || t.slots_used < w->limit))
		broken(w, "%u wait, though %u of %u slots are used", t.queued,
		       t.slots_used, w->limit);
	if (t.slots_used < slots(w))
		broken(w, "%u slots, the core counts %u", slots(w), t.slots_used);
	for (unsigned n = 0; n < w->n_zones; n++)
		if (w->zones[n].listed)
			check_zone(w, &w->zones[n], t.queued);
	told_step(w, &t);
}

/* Does it wait, however far around, for a unit that may come or go? */
static bool waits_for_unit(const struct world *w, const struct zone *z, bool *seen)
{
	for (unsigned n = 0; n < z->spec.n_deps; n++) {
		const int target = z->target[n];
		enum unit_state unit;

		if (target <= TARGET_UNIT(0)) {
			unit = unit_of(w, target);
			if (unit == UNIT_UNKNOWN || unit == UNIT_OFFLINE)
				return true;
		} else if (target >= 0 && w->zones[target].listed && !seen[target]) {
			seen[target] = true;
			if (waits_for_unit(w, &w->zones[target], seen))
				return true;
		}
	}
	return false;
}

/**
 * check_quiet() - Nothing is going to happen any more: nobody may wait for it
 */
void check_quiet(struct world *w)
{
	struct core_totals t;

	told_quiet(w);
	core_totals(w->core, &t);
	if (t.slots_used)
		broken(w, "nobody moves, yet %u slots are used", t.slots_used);
	for (unsigned n = 0; n < w->n_zones; n++) {
		bool seen[ZONES] = { false };
		struct core_view v;

		if (!w->zones[n].listed || !check_view(w, &w->zones[n], &v))
			continue;
		if (v.queue_pos || v.phase == VM_STARTING || v.phase == VM_STOPPING ||
		    v.phase == VM_HALTING ||
		    (v.state == INST_OFFLINE && v.phase != VM_NONE))
			broken(w, "%s hangs: %s", v.zone, v.reason);
		if (v.state == INST_OFFLINE && !v.blocked &&
		    !waits_for_unit(w, &w->zones[n], seen))
			broken(w, "%s waits for ever, yet is not blocked: %s", v.zone,
			       v.reason);
	}
}
