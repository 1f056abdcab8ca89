// SPDX-License-Identifier: BSD-2-Clause
/*
 * event.c - what happens in a random history: configurations, operators, machines, units,
 * deaths of the restarter and of the host, calm, and the host's stop
 */
#include "tests/random/world.h"

#include <string.h>

/* A dependency: mostly on a zone that comes before, so that cycles are rare. */
static void random_dep(struct world *w, struct zone *z, unsigned number, unsigned n)
{
	static const char *const groups[] = { "", "", "data" };
	struct core_dep *d = &z->deps[n];
	unsigned dice = rnd(w, 100);

	z->target[n] = dice < 4 ? -1 : dice < 7 ? -2 : (int)rnd(w, number ? number : 1);
	if (dice > 94)
		z->target[n] = (int)rnd(w, w->n_zones);
	else if (dice > 88)
		z->target[n] = TARGET_UNIT((int)rnd(w, UNITS));
	dice = rnd(w, 100);
	d->grouping = dice < 70   ? DEP_REQUIRE_ALL
		      : dice < 80 ? DEP_REQUIRE_ANY
		      : dice < 92 ? DEP_OPTIONAL_ALL
				  : DEP_EXCLUDE_ALL;
	/* Exclusions order nothing: any zone will do. */
	if (d->grouping == DEP_EXCLUDE_ALL && z->target[n] >= 0)
		z->target[n] = (int)rnd(w, w->n_zones);
	if (z->target[n] == (int)number && !chance(w, 20))
		z->target[n] = -1;
	d->group = d->grouping == DEP_REQUIRE_ANY ? groups[2] : groups[rnd(w, 2)];
	if (z->target[n] >= 0)
		snprintf(z->fmri[n], sizeof(z->fmri[n]), CORE_FMRI_PREFIX "%s",
			 w->zones[z->target[n]].name);
	else if (z->target[n] <= TARGET_UNIT(0))
		snprintf(z->fmri[n], sizeof(z->fmri[n]),
			 CORE_UNIT_FMRI_PREFIX "%d.service", TARGET_UNIT(z->target[n]));
	else
		snprintf(z->fmri[n], sizeof(z->fmri[n]), "svc:/%s",
			 z->target[n] == -1 ? "system/zones:default" : "network/x:y");
	d->fmri = z->fmri[n];
}

static void random_spec(struct world *w, struct zone *z)
{
	unsigned number = (unsigned)(z - w->zones);
	bool autoboot = z->spec.autoboot;

	z->spec = (struct core_spec){
		.priority = (enum boot_priority)rnd(w, 3),
		.autoshutdown = (enum autoshutdown)rnd(w, 3),
		.on_panic = (enum on_panic)rnd(w, 3),
		.autoboot = z->listed && chance(w, 70) ? autoboot : chance(w, 70),
		.shutdown_timeout_ms = 1000 * rnd(w, 30),
		.goals_timeout_ms = chance(w, 50) ? 0 : 1000 * (1 + rnd(w, 30)),
		.deps = z->deps,
		.n_deps = chance(w, 30) ? 0 : rnd(w, DEPS_MAX + 1),
	};
	for (unsigned n = 0; n < z->spec.n_deps; n++)
		random_dep(w, z, number, n);
}

static void step_failed(struct world *w, const struct core_event *ev, int r)
{
	if (r == -ENOENT && ev->type == EV_HOST_UNIT)
		return; /* no dependency names it now */
	if (r == -ENOENT && ev->zone && !zone_named(w, ev->zone)->listed)
		w->ops[ev->op].open = false;
	else if (r != -EBUSY || (ev->type != EV_ZONE_GONE && ev->type != EV_ZONE_AWAY) ||
		 zone_named(w, ev->zone)->m.phase == VM_NONE)
		broken(w, "%s gives %d", core_ev_names[ev->type], r);
}

/* One step. The first @limit of its actions are carried out (all: UINT_MAX). */
static int step_part(struct world *w, struct core_event *ev, unsigned limit)
{
	int r;

	ev->now_ms = w->now_ms;
	ev->jitter = chance(w, 50) ? (uint32_t)rnd64(w) : 0;
	w->ev = ev;
	w->n_steps++;
	say(w, "> %s %s", core_ev_names[ev->type], ev->zone ? ev->zone : "");
	check_slots_begin(w, ev);
	r = core_step(w->core, ev, &w->actions);
	if (r < 0) {
		step_failed(w, ev, r);
		return r;
	}
	if (limit != UINT32_MAX) {
		for (unsigned n = 0; n < MIN(limit, w->actions.n); n++)
			sim_action(w, &w->actions.v[n]);
		return 0;
	}
	check_actions(w);
	for (unsigned n = 0; n < w->actions.n; n++) {
		const struct core_action *a = &w->actions.v[n];

		say(w, "%s %s: %s", core_act_names[a->type],
		    a->inst ? zone_of(w, a->inst)->name : "", a->reason);
		if (a->type != ACT_PERSIST)
			sim_action(w, a);
	}
	return 0;
}

static int step(struct world *w, struct core_event *ev)
{
	int r = step_part(w, ev, UINT32_MAX);

	if (r == 0)
		check_step(w);
	return r;
}

static void host_event(struct world *w, enum core_ev type)
{
	struct core_event ev = { .type = type };

	step(w, &ev);
}

static void set_limit(struct world *w)
{
	struct core_event ev = { .type = EV_LIMITS };

	ev.limits.boot_shutdown = w->limit = chance(w, 30) ? 0 : 1 + rnd(w, 4);
	step(w, &ev);
}

static void tell_unit(struct world *w, unsigned n)
{
	struct core_event ev = { .type = EV_HOST_UNIT };
	char name[16];

	snprintf(name, sizeof(name), "%u.service", n);
	ev.unit.name = name;
	ev.unit.state = w->units[n];
	step(w, &ev);
}

/* Units that the core has not heard of, or no more, since it was last told. */
static void tell_units(struct world *w)
{
	for (unsigned n = 0; n < UNITS; n++)
		tell_unit(w, n);
}

static void change_unit(struct world *w)
{
	unsigned n = rnd(w, UNITS);

	w->units[n] = (enum unit_state)(UNIT_UNKNOWN + 1 + (int)rnd(w, UNIT_STATE_N - 1));
	tell_unit(w, n);
}

static void tell_zone(struct world *w, struct zone *z)
{
	struct core_event ev = { .type = EV_ZONE_SET, .zone = z->name, .spec = z->spec };

	if (!z->listed) {
		z->told.state = z->told.next = INST_UNINIT;
		z->told.blocked = z->seen.valid = z->hastened = false;
	}
	z->listed = true;
	check_cycles(w);
	step(w, &ev);
}

/* Somebody finds that the storage is not there, or that it is: if it changes something,
 * what it has to be then. */
static void look_for_storage(struct world *w, struct zone *z, struct core_event *ev)
{
	const bool back = z->away ? chance(w, 80) : chance(w, 10);

	*ev = (struct core_event){ .type = back ? EV_ZONE_BACK : EV_ZONE_AWAY,
				   .zone = z->name,
				   .text = "no such disk" };
	z->before.valid = false;
	if (back && (z->away || !w->ready)) {
		z->hastened = z->excused = true;
		z->crashes = 0;
	}
	if (back)
		z->away = false;
	else if (z->m.phase == VM_NONE)
		z->away = true;
}

static void change_storage(struct world *w, struct zone *z)
{
	const bool was_away = z->away, has_machine = z->m.phase != VM_NONE;
	struct core_event ev;
	int r;

	look_for_storage(w, z, &ev);
	r = step(w, &ev);
	if (r != (ev.type == EV_ZONE_AWAY && has_machine ? -EBUSY : 0))
		broken(w, "%s of %s: %d", core_ev_names[ev.type], z->name, r);
	if (was_away && !z->away)
		check_back(w, z, z->spec.autoboot);
}

static void adopt(struct world *w, struct zone *z, struct core_event *ev)
{
	struct core_view v;

	step(w, ev);
	core_view(w->core, core_find(w->core, z->name), &v);
	z->boot_slot = v.phase == VM_RUNNING && v.state == INST_OFFLINE;
	z->stop_slot = v.phase == VM_STOPPING;
}

/* All that a new restarter finds. */
static void tell_all(struct world *w)
{
	struct core_event limits = { .type = EV_LIMITS };

	limits.limits.boot_shutdown = w->limit;
	step(w, &limits);
	for (unsigned n = 0; n < w->n_zones; n++) {
		struct zone *z = &w->zones[n];
		struct core_event saved = { .type = EV_ZONE_RESTORE, .zone = z->name };
		struct core_event found = { .type = EV_ADOPT, .zone = z->name };
		struct core_event ev = { .zone = z->name };
		enum vm_phase phase;

		if (!z->installed)
			continue;
		sim_found(w, z);
		/* tell_zone() checks; the machine that is not adopted yet must not count
		 */
		saved.saved = z->saved;
		phase = z->m.phase;
		found.adopt.stopping = phase == VM_STOPPING;
		found.adopt.since_ms = z->m.since_ms;
		z->m.phase = VM_NONE;
		tell_zone(w, z);
		if (z->has_saved)
			step(w, &saved);
		if (phase == VM_NONE && chance(w, z->away ? 50 : 5)) {
			look_for_storage(w, z, &ev);
			step(w, &ev);
			ev = (struct core_event){ .zone = z->name };
		}
		z->m.phase = phase;
		if (phase != VM_NONE)
			adopt(w, z, &found);
		ev.type = z->m.panicked ? EV_VM_PANICKED : EV_VM_GOALS;
		if (phase == VM_RUNNING && !z->m.ending && (z->m.panicked || z->m.goals))
			step(w, &ev);
	}
}

/* The restarter dies, sometimes the host with it, and comes back. */
static void restart(struct world *w, bool host)
{
	say(w, "the %s dies", host ? "host" : "restarter");
	core_free(w->core);
	w->core = NULL;
	if (core_new(&w->core) < 0)
		broken(w, "no memory");
	memset(w->ops, 0, sizeof(w->ops));
	w->ready = w->stopping = w->stopped = false;
	for (unsigned n = 0; n < w->n_zones; n++) {
		w->zones[n].listed = false;
		w->zones[n].away = w->zones[n].has_saved && w->zones[n].saved.unavailable;
		w->zones[n].boot_slot = w->zones[n].stop_slot = false;
		if (host) {
			w->zones[n].m.phase = VM_NONE;
			w->zones[n].crashes = 0;
		}
	}
	if (!host && chance(w, 30))
		w->now_ms += rnd(w, 20000);
	tell_all(w);
	w->ready = true;
	check_cycles(w);
	host_event(w, host ? EV_HOST_BOOT : EV_READY);
}

/* The same between two steps, all of whose actions were carried out. */
static void restart_at_rest(struct world *w)
{
	if (chance(w, 20)) {
		restart(w, true);
		return;
	}
	told_before_restart(w);
	restart(w, false);
	told_after_restart(w);
}

static void install(struct world *w, struct zone *z)
{
	z->installed = true;
	z->has_saved = z->away = false;
	z->crashes = 0;
	random_spec(w, z);
	tell_zone(w, z);
}

static void uninstall(struct world *w, struct zone *z)
{
	struct core_event ev = { .type = EV_ZONE_GONE, .zone = z->name };

	z->listed = false;
	check_cycles(w);
	if (z->m.phase != VM_NONE)
		z->listed = true;
	if (step(w, &ev) == 0)
		z->installed = false;
	check_cycles(w);
}

static void operate(struct world *w, struct zone *z, struct core_event *ev)
{
	static const enum core_ev verbs[] = { EV_BOOT,       EV_BOOT,         EV_BOOT,
					      EV_SHUTDOWN,   EV_HALT,         EV_REBOOT,
					      EV_RESTART,    EV_ENABLE,       EV_ENABLE,
					      EV_DISABLE,    EV_CLEAR,        EV_CLEAR,
					      EV_MARK_MAINT, EV_MARK_DEGRADED };

	*ev = (struct core_event){ .type = verbs[rnd(w, ARRAY_SIZE(verbs))],
				   .zone = z->name,
				   .temporary = chance(w, 50) };
	if (ev->type == EV_MARK_MAINT)
		ev->mark.immediate = chance(w, 50), ev->mark.temporary = chance(w, 50);
	if (chance(w, 90) && w->n_ops + 1 < OPS_MAX) {
		ev->op = ++w->n_ops;
		w->ops[ev->op] = (struct op){ .open = true, .verb = ev->type, .zone = z };
	}
	if (z->m.phase != VM_NONE)
		z->operator_stop = true;
	z->hastened = z->excused = true;
	z->crashes = 0;
}

/* Something that was true before, or comes too late. */
static void noise(struct world *w, struct zone *z)
{
	static const enum core_ev late[] = { EV_VM_RUNNING, EV_VM_GOALS, EV_VM_EXITED,
					     EV_VM_FAILED, EV_VM_PANICKED };
	struct core_event ev = { .zone = z->name,
				 .storage = chance(w, 50),
				 .end = VM_END_CRASH };

	if (z->m.phase == VM_NONE)
		ev.type = late[rnd(w, ARRAY_SIZE(late))];
	else if (z->m.phase != VM_STARTING)
		ev.type = EV_VM_RUNNING;
	else
		return;
	step(w, &ev);
}

/* What clear brings back goes on as it is enabled; nothing else brings it back. */
static void ask(struct world *w, struct zone *z)
{
	const bool was_away = z->away;
	struct core_view v = { 0 };
	struct core_event ev;

	(void)check_view(w, z, &v);
	operate(w, z, &ev);
	if (z->listed && ev.type == EV_CLEAR)
		z->away = false;
	step(w, &ev);
	if (was_away && !z->away)
		check_back(w, z, v.enabled);
}

static void advance(struct world *w)
{
	uint64_t machine = sim_next_ms(w), core = core_deadline_ms(w->core);
	uint64_t next = MIN(machine, core);
	struct core_event ev;

	if (next == NEVER)
		return;
	w->now_ms = MAX(w->now_ms, next);
	if (core <= w->now_ms && (machine > w->now_ms || chance(w, 50))) {
		host_event(w, EV_TIMER);
		return;
	}
	for (unsigned n = 0; n < w->n_zones; n++)
		if (sim_due(w, &w->zones[n], &ev)) {
			step(w, &ev);
			return;
		}
}

/* Carries out only the begin of a step's actions, then dies. */
static void die_in_the_middle(struct world *w, struct zone *z)
{
	struct core_event ev = { .type = EV_TIMER };

	if (!w->stopping && z->listed && chance(w, 10))
		look_for_storage(w, z, &ev);
	else if (!w->stopping && z->listed)
		operate(w, z, &ev);
	z->crashes = 0; /* whether that was persisted is not known */
	if (step_part(w, &ev, rnd(w, 8)) == 0)
		restart(w, chance(w, 20));
}

static void change_zone(struct world *w, struct zone *z)
{
	if (!z->installed) {
		install(w, z);
	} else if (chance(w, 30)) {
		uninstall(w, z);
	} else {
		random_spec(w, z);
		tell_zone(w, z);
	}
}

/**
 * event_random() - Something happens
 */
void event_random(struct world *w)
{
	struct zone *z = &w->zones[rnd(w, w->n_zones)];
	unsigned dice = rnd(w, 1000);

	if (dice < 700) {
		advance(w);
	} else if (dice < 715) {
		change_unit(w);
	} else if (dice < 720) {
		tell_units(w);
	} else if (dice < 890) {
		ask(w, z);
	} else if (dice < 900 && z->listed) {
		change_storage(w, z);
	} else if (dice < 940) {
		change_zone(w, z);
	} else if (dice < 965 && z->listed) {
		noise(w, z);
	} else if (dice < 980) {
		set_limit(w);
	} else if (dice < 990) {
		restart_at_rest(w);
	} else {
		die_in_the_middle(w, z);
	}
}

/**
 * event_calm() - Machines behave, nobody interferes: everything has to come to rest
 */
void event_calm(struct world *w)
{
	unsigned budget = 3000;

	w->calm = true;
	tell_units(w);
	for (unsigned n = 0; n < w->n_zones; n++)
		w->zones[n].was_blocked = false;
	while (sim_next_ms(w) != NEVER || core_deadline_ms(w->core) != NEVER) {
		if (!budget--)
			broken(w, "it does not come to rest");
		advance(w);
	}
	check_quiet(w);
	w->calm = false;
	for (unsigned n = 0; n < w->n_zones; n++)
		w->zones[n].was_blocked = false;
}

/* Asked for, or asked for again: by a deadline that is no later. */
static void ask_to_stop(struct world *w)
{
	struct core_event ev = { .type = EV_HOST_STOP };
	uint64_t deadline_ms = w->now_ms + 1000 * rnd(w, 120);

	w->stop_deadline_ms =
		w->stopping ? MIN(w->stop_deadline_ms, deadline_ms) : deadline_ms;
	w->stopping = true;
	ev.stop_deadline_ms = w->stop_deadline_ms;
	step(w, &ev);
}

/* Before: who is enabled; after: all has ended, and they still are. */
static void note_enabled(struct world *w)
{
	for (unsigned n = 0; n < w->n_zones; n++) {
		struct zone *z = &w->zones[n];
		struct core_view v = { 0 };

		z->excused = !z->listed || !check_view(w, z, &v);
		z->was_enabled = v.enabled;
	}
}

static void check_stopped(struct world *w)
{
	struct core_totals t;
	struct core_view v;

	if (w->now_ms > w->stop_deadline_ms + 1000)
		broken(w, "stopped after the deadline");
	core_totals(w->core, &t);
	if (t.slots_used || t.queued)
		broken(w, "stopped, yet %u slots are used and %u wait", t.slots_used,
		       t.queued);
	for (uint64_t op = 1; op <= w->n_ops; op++)
		if (w->ops[op].open)
			broken(w, "operation %llu was never answered",
			       (unsigned long long)op);
	for (unsigned n = 0; n < w->n_zones; n++) {
		const struct zone *z = &w->zones[n];

		if (!z->excused && check_view(w, z, &v) && v.enabled != z->was_enabled)
			broken(w, "%s: the host's stop has changed whether it is enabled",
			       z->name);
	}
}

/**
 * event_host_stop() - The host is stopped, to the end
 */
void event_host_stop(struct world *w)
{
	unsigned budget = 1000;

	note_enabled(w);
	ask_to_stop(w);
	while (!w->stopped) {
		if (!budget--)
			broken(w, "the host does not stop");
		if (chance(w, 5)) {
			ask(w, &w->zones[rnd(w, w->n_zones)]);
		} else if (chance(w, 1)) {
			ask_to_stop(w);
		}
		advance(w);
	}
	check_stopped(w);
}

/**
 * event_begin() - The host has booted
 */
void event_begin(struct world *w)
{
	set_limit(w);
	for (unsigned n = 0; n < w->n_zones; n++)
		if (chance(w, 80))
			install(w, &w->zones[n]);
	w->ready = true;
	check_cycles(w);
	host_event(w, EV_HOST_BOOT);
}
