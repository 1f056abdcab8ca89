// SPDX-License-Identifier: BSD-2-Clause
/*
 * inst.c - the machine of one instance: modes, rules, the one setter
 *
 * DOC: Modes and states
 *
 * An instance is in one mode (core_internal.h: INST_MODES). The SMF state, what its
 * machine does and whether it may hold a slot follow from the mode; while a machine is
 * being stopped the SMF state stays what it was. inst_rules says what each event does.
 * Every event has one outcome: what depends on more than mode and event (was it wanted?
 * the how-manieth failure?) is decided before, and the event is named for the decision.
 *
 * Events that come from a machine are legal in every mode, as they may be late; the
 * others are the core's own, so that a pair without a rule is a bug.
 */
#include "restarter/core_internal.h"
#include "common/base/trace.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum inst_do { DO_NOTHING, DO_QUEUE, DO_START, DO_SHUTDOWN, DO_HALT, DO_GOALS, DO_RETRY };

static const char *const do_names[] = {
	[DO_NOTHING] = "-",
	[DO_QUEUE] = "wait for a slot",
	[DO_START] = "start the machine",
	[DO_SHUTDOWN] = "ask the guest to shut down",
	[DO_HALT] = "halt the machine",
	[DO_GOALS] = "wait for the goals",
	[DO_RETRY] = "wait for the next try",
};

static const char *const mode_names[MODE_N] = {
#define X(id, name, state, phase, slot) name,
	INST_MODES(X)
#undef X
};
static const unsigned mode_state[MODE_N] = {
#define X(id, name, state, phase, slot) INST_##state,
	INST_MODES(X)
#undef X
};
static const enum vm_phase mode_phase[MODE_N] = {
#define X(id, name, state, phase, slot) VM_##phase,
	INST_MODES(X)
#undef X
};
static const bool mode_slot[MODE_N] = {
#define X(id, name, state, phase, slot) slot,
	INST_MODES(X)
#undef X
};
static const char *const iev_names[IEV_N] = {
#define X(id, name) name,
	INST_EVENTS(X)
#undef X
};

#define RULE(from, ev, to, do) \
	{ \
		MODE_##from, IEV_##ev, MODE_##to, 0, DO_##do \
	}
#define SAME(mode, ev) FSM_IGNORE(MODE_##mode, IEV_##ev)

/* A machine has ended: the same wherever there is one. */
#define ENDS(mode) \
	RULE(mode, ENDED_OFF, DISABLED, NOTHING), \
		RULE(mode, ENDED_AGAIN, WAITING, NOTHING), \
		RULE(mode, ENDED_RETRY, BACKOFF, RETRY), \
		RULE(mode, ENDED_BAD, MAINT, NOTHING)

/* What a machine says where there is none (any more). */
#define DEAF(mode) \
	SAME(mode, RUNNING), SAME(mode, GOALS), SAME(mode, PANIC), \
		SAME(mode, ENDED_OFF), SAME(mode, ENDED_AGAIN), SAME(mode, ENDED_RETRY), \
		SAME(mode, ENDED_BAD)

static const struct fsm_rule inst_rules[] = {
	/* from, on, to, do */
	RULE(UNINIT, ON, WAITING, NOTHING),
	RULE(UNINIT, OFF, DISABLED, NOTHING),
	RULE(UNINIT, TROUBLE, MAINT, NOTHING),
	RULE(UNINIT, AWAY, AWAY, NOTHING),
	RULE(UNINIT, ENDED_RETRY, BACKOFF, RETRY),
	RULE(UNINIT, ENDED_BAD, MAINT, NOTHING),
	RULE(UNINIT, ADOPT_BOOTING, BOOTING, NOTHING),
	RULE(UNINIT, ADOPT_ONLINE, ONLINE, NOTHING),
	RULE(UNINIT, ADOPT_DEGRADED, DEGRADED, NOTHING),
	RULE(UNINIT, ADOPT_HELD, HELD, NOTHING),
	RULE(UNINIT, ADOPT_STOPPING, STOPPING, NOTHING),
	SAME(UNINIT, RUNNING),
	SAME(UNINIT, GOALS),
	SAME(UNINIT, PANIC),
	SAME(UNINIT, ENDED_OFF),
	SAME(UNINIT, ENDED_AGAIN),

	RULE(DISABLED, ON, WAITING, NOTHING),
	RULE(DISABLED, TROUBLE, MAINT, NOTHING),
	RULE(DISABLED, AWAY, AWAY, NOTHING),
	SAME(DISABLED, OFF),
	DEAF(DISABLED),

	RULE(WAITING, OFF, DISABLED, NOTHING),
	RULE(WAITING, DEPS_MET, QUEUED, QUEUE),
	RULE(WAITING, TROUBLE, MAINT, NOTHING),
	RULE(WAITING, AWAY, AWAY, NOTHING),
	SAME(WAITING, ON),
	DEAF(WAITING),

	RULE(BACKOFF, ON, WAITING, NOTHING),
	RULE(BACKOFF, OFF, DISABLED, NOTHING),
	RULE(BACKOFF, TIMEOUT, WAITING, NOTHING),
	RULE(BACKOFF, TROUBLE, MAINT, NOTHING),
	RULE(BACKOFF, AWAY, AWAY, NOTHING),
	DEAF(BACKOFF),

	RULE(QUEUED, ON, WAITING, NOTHING),
	RULE(QUEUED, OFF, DISABLED, NOTHING),
	RULE(QUEUED, DEPS_LOST, WAITING, NOTHING),
	RULE(QUEUED, SLOT, STARTING, START),
	RULE(QUEUED, TROUBLE, MAINT, NOTHING),
	RULE(QUEUED, AWAY, AWAY, NOTHING),
	DEAF(QUEUED),

	RULE(STARTING, RUNNING, BOOTING, GOALS),
	RULE(STARTING, HALT, HALTING, HALT),
	RULE(STARTING, PANIC, HELD, NOTHING),
	RULE(STARTING, AWAY, AWAY, NOTHING),
	SAME(STARTING, GOALS),
	ENDS(STARTING),

	RULE(BOOTING, GOALS, ONLINE, NOTHING),
	RULE(BOOTING, TIMEOUT, HELD, NOTHING),
	RULE(BOOTING, PANIC, HELD, NOTHING),
	RULE(BOOTING, STOP, STOPQ, QUEUE),
	RULE(BOOTING, HALT, HALTING, HALT),
	SAME(BOOTING, RUNNING),
	ENDS(BOOTING),

	RULE(ONLINE, PANIC, HELD, NOTHING),
	RULE(ONLINE, STOP, STOPQ, QUEUE),
	RULE(ONLINE, HALT, HALTING, HALT),
	SAME(ONLINE, RUNNING),
	SAME(ONLINE, GOALS),
	ENDS(ONLINE),
	RULE(ONLINE, DEGRADE, DEGRADED, NOTHING),

	RULE(DEGRADED, CLEARED, ONLINE, NOTHING),
	RULE(DEGRADED, PANIC, HELD, NOTHING),
	RULE(DEGRADED, STOP, STOPQ, QUEUE),
	RULE(DEGRADED, HALT, HALTING, HALT),
	SAME(DEGRADED, RUNNING),
	SAME(DEGRADED, GOALS),
	ENDS(DEGRADED),

	RULE(STOPQ, SLOT, STOPPING, SHUTDOWN),
	RULE(STOPQ, HALT, HALTING, HALT),
	RULE(STOPQ, PANIC, HALTING, HALT),
	SAME(STOPQ, RUNNING),
	SAME(STOPQ, GOALS),
	ENDS(STOPQ),

	RULE(STOPPING, TIMEOUT, HALTING, HALT),
	RULE(STOPPING, HALT, HALTING, HALT),
	RULE(STOPPING, PANIC, HALTING, HALT),
	SAME(STOPPING, RUNNING),
	SAME(STOPPING, GOALS),
	ENDS(STOPPING),

	SAME(HALTING, HALT),
	SAME(HALTING, RUNNING),
	SAME(HALTING, GOALS),
	SAME(HALTING, PANIC),
	ENDS(HALTING),

	RULE(MAINT, ON, WAITING, NOTHING),
	RULE(MAINT, OFF, DISABLED, NOTHING),
	RULE(MAINT, AWAY, AWAY, NOTHING),
	DEAF(MAINT),

	RULE(AWAY, ON, WAITING, NOTHING),
	RULE(AWAY, OFF, DISABLED, NOTHING),
	SAME(AWAY, AWAY),
	DEAF(AWAY),

	RULE(HELD, GOALS, ONLINE, NOTHING),
	RULE(HELD, CLEARED, BOOTING, GOALS),
	RULE(HELD, STOP, STOPQ, QUEUE),
	RULE(HELD, HALT, HALTING, HALT),
	SAME(HELD, RUNNING),
	SAME(HELD, PANIC),
	ENDS(HELD),
};

const struct fsm inst_fsm = {
	.name = "instance",
	.state_names = mode_names,
	.event_names = iev_names,
	.action_names = do_names,
	.n_states = MODE_N,
	.n_events = IEV_N,
	.initial = MODE_UNINIT,
	.rules = inst_rules,
	.n_rules = ARRAY_SIZE(inst_rules),
};

enum vm_phase inst_phase(const struct inst *i)
{
	return mode_phase[i->mode];
}

bool inst_active(const struct inst *i)
{
	return mode_phase[i->mode] != VM_NONE;
}

bool inst_ending(const struct inst *i)
{
	return mode_state[i->mode] == INST_KEEP;
}

bool inst_blocked(const struct inst *i)
{
	return i->mode == MODE_WAITING && i->n_dead;
}

bool inst_to_maint(const struct inst *i)
{
	return inst_ending(i) && i->after == AFTER_MAINT;
}

/**
 * inst_again() - Is its machine being stopped, to be booted again because somebody asked
 * for that? Then how
 *
 * The stop of the host is no such stop: the next start brings back what is enabled. What
 * the last restarter had begun counts until all is settled.
 */
enum core_again inst_again(const struct core *c, const struct inst *i)
{
	if (i->saved_again)
		return i->saved_again;
	if (!inst_ending(i) || i->after != AFTER_ENABLED || !inst_enabled(i) ||
	    c->stopping)
		return AGAIN_NO;
	return i->mode == MODE_HALTING ? AGAIN_HALT : AGAIN_SHUTDOWN;
}

bool inst_keeps_why(const struct inst *i)
{
	return i->state == INST_MAINT || i->state == INST_DEGRADED ||
	       i->state == INST_DISABLED || i->mode == MODE_BACKOFF || inst_to_maint(i) ||
	       i->saved_away;
}

bool inst_out(const struct inst *i)
{
	return i->mode == MODE_MAINT || i->mode == MODE_AWAY;
}

bool inst_away(const struct inst *i)
{
	return i->mode == MODE_AWAY || i->saved_away;
}

bool inst_enabled(const struct inst *i)
{
	return i->override ? i->override_value : i->autoboot;
}

/**
 * inst_enable() - Enable or disable until the host boots again
 *
 * The override is in force only while it differs from the configuration.
 */
void inst_enable(struct core *c, struct inst *i, bool on)
{
	core_touch(c, i);
	i->override = on != i->autoboot;
	i->override_value = on;
}

/**
 * inst_next_state() - The state that is being gone to; the state itself when nothing is
 * under way
 */
enum inst_state inst_next_state(const struct core *c, const struct inst *i)
{
	switch (i->mode) {
	case MODE_QUEUED:
	case MODE_STARTING:
	case MODE_BOOTING:
		return INST_ONLINE;
	case MODE_STOPQ:
	case MODE_STOPPING:
	case MODE_HALTING:
		if (i->after == AFTER_MAINT)
			return INST_MAINT;
		if (!inst_enabled(i))
			return INST_DISABLED;
		return i->state == INST_OFFLINE && !c->stopping ? INST_ONLINE
								: INST_OFFLINE;
	default:
		return i->state;
	}
}

/* Says why, for as long as the instance stays where it goes now. */
void why_set(struct inst *i, enum kz_reason kind, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(i->why, sizeof(i->why), fmt, ap);
	va_end(ap);
	i->why_kind = (uint8_t)kind;
	i->why_new = true;
}

/* What follows from being in the new mode, whatever came before. */
static void mode_entered(struct core *c, struct inst *i)
{
	unsigned state = mode_state[i->mode];

	if (!mode_slot[i->mode])
		throttle_release(c, i);
	if (!inst_active(i)) {
		i->panicked = false;
		i->after = AFTER_ENABLED;
	}
	if (i->mode == MODE_WAITING || i->mode == MODE_ONLINE)
		i->why[0] = '\0';
	if (i->mode == MODE_ONLINE) {
		if (!i->online_ms) /* else it comes back from somewhere */
			i->online_ms = c->now_ms;
		i->failures = 0;
	}
	if (i->mode == MODE_ONLINE || i->mode == MODE_DISABLED || inst_out(i))
		i->by_operator = false;
	if (i->mode != MODE_MAINT)
		i->cycle_maint = false;
	if ((state != INST_MAINT && !inst_to_maint(i)) || i->mode == MODE_AWAY)
		i->marked = false;
	if (state != INST_KEEP && state != i->state) {
		i->state = (enum inst_state)state;
		i->since_ms = c->now_ms;
	}
}

/* The one place where a mode changes. */
static void set_mode(struct core *c, struct inst *i, enum inst_mode to, enum inst_ev ev)
{
	enum inst_mode from = i->mode;
	bool was_active = inst_active(i), was_ending = inst_ending(i);

	TRACE(core, "%s: %s -> %s (%s)", i->name, mode_names[from], mode_names[to],
	      iev_names[ev]);
	core_touch(c, i);
	timer_disarm(c, i);
	throttle_dequeue(c, i);
	i->mode = to;
	mode_entered(c, i);
	c->n_ending += (unsigned)inst_ending(i) - (unsigned)was_ending;
	c->n_active += (unsigned)inst_active(i) - (unsigned)was_active;
	if (inst_active(i) != was_active)
		graph_active_changed(c, i);
	op_mode_entered(c, i, from);
}

static void start_machine(struct core *c, struct inst *i)
{
	i->start_ms = c->now_ms;
	i->running_ms = i->online_ms = 0;
	core_command(c, i, CMD_START);
}

static void wait_for_goals(struct core *c, struct inst *i)
{
	if (!i->running_ms)
		i->running_ms = c->now_ms;
	i->goals_since_ms = c->now_ms;
	inst_goals_changed(c, i);
}

/**
 * inst_goals_changed() - How long to wait for the goals may be another now
 */
void inst_goals_changed(struct core *c, struct inst *i)
{
	if (i->mode != MODE_BOOTING)
		return;
	if (i->goals_timeout_ms)
		timer_arm(c, i, i->goals_since_ms + i->goals_timeout_ms);
	else
		inst_event(c, i, IEV_GOALS);
}

static void run(struct core *c, struct inst *i, enum inst_do what)
{
	switch (what) {
	case DO_NOTHING:
		break;
	case DO_QUEUE:
		if (i->has_slot)
			inst_event(c, i, IEV_SLOT);
		else
			throttle_enqueue(c, i);
		break;
	case DO_START:
		start_machine(c, i);
		break;
	case DO_SHUTDOWN:
		timer_arm(c, i, c->now_ms + i->shutdown_timeout_ms);
		core_command(c, i, CMD_SHUTDOWN);
		break;
	case DO_HALT:
		core_command(c, i, CMD_HALT);
		break;
	case DO_GOALS:
		wait_for_goals(c, i);
		break;
	case DO_RETRY:
		timer_arm(c, i, i->retry_ms);
		break;
	}
}

/**
 * inst_event() - Let something happen to an instance, by the rules
 */
void inst_event(struct core *c, struct inst *i, enum inst_ev ev)
{
	const struct fsm_rule *r = fsm_find(&inst_fsm, i->mode, ev);

	if (!r)
		TRACE(core, "%s: no rule for %s in %s", i->name, iev_names[ev],
		      mode_names[i->mode]);
	ASSERT(r);
	if (r->ignore) {
		TRACE(core, "%s: %s ignored in %s", i->name, iev_names[ev],
		      mode_names[i->mode]);
		return;
	}
	set_mode(c, i, r->to, ev);
	run(c, i, (enum inst_do)r->action);
	inst_reconsider(c, i);
}

/* A dependency cycle is maintenance, for as long as there is one. */
static void consider_cycle(struct core *c, struct inst *i)
{
	if (i->on_cycle && !inst_active(i) && !inst_out(i)) {
		core_touch(c, i);
		cycle_text(c, i, i->why, sizeof(i->why));
		i->why_kind = KZ_WHY_CYCLE;
		i->why_new = true;
		inst_event(c, i, IEV_TROUBLE);
		i->cycle_maint = true;
	} else if (!i->on_cycle && i->cycle_maint) {
		core_touch(c, i);
		i->why[0] = '\0';
		inst_event(c, i, inst_enabled(i) ? IEV_ON : IEV_OFF);
	}
}

/**
 * inst_reconsider() - Something that an instance looks at has changed: does it matter?
 */
void inst_reconsider(struct core *c, struct inst *i)
{
	if (c->ready && i->present && i->mode != MODE_UNINIT) {
		consider_cycle(c, i);
		if (i->mode == MODE_WAITING && !i->n_unmet && !c->stopping)
			inst_event(c, i, IEV_DEPS_MET);
		else if (i->mode == MODE_QUEUED && (i->n_unmet || c->stopping))
			inst_event(c, i, IEV_DEPS_LOST);
	}
	graph_status_changed(c, i);
}

/**
 * inst_stop() - Begin to stop the machine of an instance that has one
 * @halt:	At once; else the guest is asked, if there is one that can answer
 */
void inst_stop(struct core *c, struct inst *i, bool halt)
{
	if (halt || i->mode == MODE_STARTING || i->panicked)
		inst_event(c, i, IEV_HALT);
	else if (!inst_ending(i))
		inst_event(c, i, IEV_STOP);
}

/**
 * inst_autoshutdown() - Stop it as its configuration says
 */
void inst_autoshutdown(struct core *c, struct inst *i)
{
	inst_stop(c, i, i->autoshutdown == AUTO_HALT);
}

void inst_timeout(struct core *c, struct inst *i)
{
	core_touch(c, i);
	if (i->mode == MODE_BOOTING)
		why_set(i, KZ_WHY_GOALS_TIMEOUT,
			"the guest did not reach its goals within %llu s",
			SECONDS_ARG(i->goals_timeout_ms));
	if (i->mode == MODE_STOPPING && i->after != AFTER_MAINT)
		why_set(i, KZ_WHY_STOP_TIMEOUT,
			"the guest did not shut down within %llu s and was halted",
			SECONDS_ARG(i->shutdown_timeout_ms));
	inst_event(c, i, IEV_TIMEOUT);
}
