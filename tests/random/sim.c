// SPDX-License-Identifier: BSD-2-Clause
/*
 * sim.c - simulated machines: what becomes of the core's actions
 */
#include "tests/random/world.h"

static void plan(struct world *w, struct machine *m, enum vm_say next, unsigned delay_ms)
{
	m->next = next;
	m->next_ms = w->now_ms + 1 + rnd(w, delay_ms);
}

static void plan_end(struct world *w, struct machine *m, enum vm_end end,
		     unsigned delay_ms)
{
	m->end = end;
	plan(w, m, SAY_END, delay_ms);
}

static void plan_boot(struct world *w, struct machine *m)
{
	unsigned dice = w->calm ? 99 : rnd(w, 100);

	m->no_storage = dice < 3;
	if (dice < 7)
		plan(w, m, SAY_FAILED, 3000);
	else if (dice < 14)
		plan_end(w, m, VM_END_CRASH, 3000);
	else
		plan(w, m, SAY_RUNNING, 5000);
}

/* What a running guest does next. */
static void plan_life(struct world *w, struct machine *m)
{
	unsigned dice = w->calm ? 99 : rnd(w, 100);

	if (dice < 8)
		plan_end(w, m, VM_END_CRASH, 60000);
	else if (dice < 13)
		plan_end(w, m, VM_END_POWEROFF, 60000);
	else if (dice < 18)
		plan_end(w, m, VM_END_RESET, 30000);
	else if (dice < 21)
		plan_end(w, m, VM_END_PANIC, 30000);
	else if (dice < 25)
		plan(w, m, SAY_PANIC, 30000);
	else if (!m->goals && dice > 30)
		plan(w, m, SAY_GOALS, 20000);
	else
		m->next_ms = NEVER;
}

static void plan_shutdown(struct world *w, struct machine *m)
{
	unsigned dice = w->calm ? 99 : rnd(w, 100);

	if (dice < 20)
		m->next_ms = NEVER;
	else if (dice < 25)
		plan(w, m, SAY_PANIC, 5000);
	else
		plan_end(w, m, dice < 30 ? VM_END_CRASH : VM_END_POWEROFF, 15000);
}

static void set_phase(struct world *w, struct machine *m, enum vm_phase phase)
{
	m->phase = phase;
	m->since_ms = w->now_ms;
}

static void persist(struct world *w, struct zone *z, const struct inst *i)
{
	core_saved_of(w->core, i, &z->saved);
	z->has_saved = true;
}

/**
 * sim_action() - Do what the shell does
 */
void sim_action(struct world *w, const struct core_action *a)
{
	struct zone *z = a->inst ? zone_of(w, a->inst) : NULL;

	switch (a->type) {
	case ACT_PERSIST:
		persist(w, z, a->inst);
		break;
	case ACT_AUTOBOOT:
		z->spec.autoboot = a->value;
		break;
	case ACT_VM_START:
		z->m = (struct machine){ 0 };
		z->operator_stop = false;
		set_phase(w, &z->m, VM_STARTING);
		plan_boot(w, &z->m);
		break;
	case ACT_VM_SHUTDOWN:
		set_phase(w, &z->m, VM_STOPPING);
		z->m.stop_told = true;
		if (!z->m.ending)
			plan_shutdown(w, &z->m);
		break;
	case ACT_VM_HALT:
		set_phase(w, &z->m, VM_HALTING);
		z->m.stop_told = true;
		plan_end(w, &z->m, chance(w, 90) ? VM_END_HALTED : VM_END_CRASH, 300);
		break;
	case ACT_OP_DONE:
		w->ops[a->op].open = false;
		break;
	case ACT_STOPPED:
		w->stopped = true;
		break;
	default:
		break;
	}
}

/* What a machine does unasked may free those that waited for an administrator. */
static void note_unasked(struct world *w, struct zone *z)
{
	if (z->m.next == SAY_RUNNING || (z->m.next == SAY_END && z->m.stop_told))
		return;
	for (unsigned n = 0; n < w->n_zones; n++)
		w->zones[n].was_blocked = false;
	if (z->m.next != SAY_END)
		return;
	z->excused |= z->m.end == VM_END_POWEROFF;
	z->crashes += z->m.end == VM_END_CRASH && !z->m.panicked && !z->operator_stop;
}

/* The machine says what it had planned. */
static void speak(struct world *w, struct zone *z, struct core_event *ev)
{
	struct machine *m = &z->m;

	note_unasked(w, z);
	switch (m->next) {
	case SAY_RUNNING:
		ev->type = EV_VM_RUNNING;
		set_phase(w, m, VM_RUNNING);
		plan_life(w, m);
		break;
	case SAY_GOALS:
		ev->type = EV_VM_GOALS;
		m->goals = true;
		plan_life(w, m);
		break;
	case SAY_PANIC:
		ev->type = EV_VM_PANICKED;
		m->panicked = true;
		m->next_ms = NEVER;
		break;
	case SAY_FAILED:
		ev->type = EV_VM_FAILED;
		ev->text = m->no_storage ? "no disk" : "no memory";
		ev->storage = z->away = m->no_storage;
		m->phase = VM_NONE;
		break;
	case SAY_END:
		ev->type = EV_VM_EXITED;
		ev->end = m->end;
		m->phase = VM_NONE;
		break;
	}
}

/**
 * sim_found() - What a new restarter finds: a machine that was not started yet is ended,
 * one that was halted runs until it tells its end
 */
void sim_found(struct world *w, struct zone *z)
{
	struct machine *m = &z->m;

	if (m->phase == VM_STARTING && chance(w, 50)) {
		m->phase = VM_NONE;
	} else if (m->phase == VM_STARTING) {
		set_phase(w, m, VM_RUNNING);
		plan_life(w, m);
	} else if (m->phase == VM_HALTING) {
		set_phase(w, m, VM_RUNNING);
		m->ending = true;
		m->stop_told = false;
		m->end = VM_END_HALTED;
	}
}

/**
 * sim_due() - Take a machine's next word, if its time has come
 */
bool sim_due(struct world *w, struct zone *z, struct core_event *ret_ev)
{
	if (z->m.phase == VM_NONE || z->m.next_ms > w->now_ms)
		return false;
	*ret_ev = (struct core_event){ .zone = z->name };
	speak(w, z, ret_ev);
	return true;
}

/**
 * sim_next_ms() - When the next machine says something; NEVER
 */
uint64_t sim_next_ms(const struct world *w)
{
	uint64_t next = NEVER;

	for (unsigned n = 0; n < w->n_zones; n++)
		if (w->zones[n].m.phase != VM_NONE)
			next = MIN(next, w->zones[n].m.next_ms);
	return next;
}
