// SPDX-License-Identifier: BSD-2-Clause
/*
 * core.c - one step: take the event apart, let it work, put the actions together
 *
 * DOC: How a step is made
 *
 * Memory first: room for all actions that a step can give (a handful for each instance),
 * and what ZONE_SET needs. From then on nothing can fail. The event is applied, changes
 * travel through the graph until nothing moves, the throttle admits, and so on until both
 * are at rest. Instances that were touched remember how they looked before, so that what
 * a step did comes out as one transition each, in the order that core.h promises.
 */
#include "restarter/core_internal.h"
#include "common/base/trace.h"

#include <string.h>

/* PERSIST, AUTOBOOT, STATE, VM_*, OP_WAIT, OP_DONE of the old and of the new request. */
#define ACTIONS_EACH 7

const char *const inst_state_names[INST_STATE_N] = {
#define X(id, name) name,
	INST_STATES(X)
#undef X
};
const char *const vm_phase_names[VM_PHASE_N] = {
#define X(id, name) name,
	VM_PHASES(X)
#undef X
};
const char *const boot_priority_names[PRIO_N] = {
#define X(id, name) name,
	BOOT_PRIORITIES(X)
#undef X
};
const char *const unit_state_names[UNIT_STATE_N] = {
#define X(id, name) name,
	UNIT_STATES(X)
#undef X
};
const char *const core_again_names[CORE_AGAIN_N] = {
#define X(id, name) name,
	CORE_AGAINS(X)
#undef X
};
const char *const core_ev_names[CORE_EV_N] = {
#define X(id, name) name,
	CORE_EVENTS(X)
#undef X
};
const char *const core_act_names[CORE_ACT_N] = {
#define X(id, name) name,
	CORE_ACTIONS(X)
#undef X
};

void core_actions_fini(struct core_actions *a)
{
	free(a->v);
	*a = (struct core_actions){ 0 };
}

int core_new(struct core **ret_core)
{
	struct core *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->touched.tail = &c->touched.head;
	c->cmds.tail = &c->cmds.head;
	*ret_core = c;
	return 0;
}

static void free_dead(struct core *c)
{
	struct inst *i;

	while ((i = c->dead)) {
		c->dead = i->dead_next;
		graph_inst_free(i);
	}
}

void core_free(struct core *c)
{
	if (!c)
		return;
	free_dead(c);
	for (unsigned n = 0; n < c->n; n++)
		graph_inst_free(c->by_name[n]);
	free(c->by_name);
	free(c->heap);
	free(c);
}

/**
 * core_touch() - An instance is going to change: remember how it looked before the step
 */
void core_touch(struct core *c, struct inst *i)
{
	if (i->touched)
		return;
	i->touched = true;
	i->was_state = i->state;
	i->was_next = inst_next_state(c, i);
	i->was_mode = i->mode;
	i->was_override = i->override;
	i->was_enabled = inst_enabled(i);
	i->was_to_maint = inst_to_maint(i);
	i->was_again = inst_again(c, i);
	i->was_marked = i->marked;
	i->was_backoff = i->mode == MODE_BACKOFF;
	i->was_blocked = inst_blocked(i);
	i->was_failures = i->failures;
	i->was_n_faults = i->n_faults;
	i->touched_next = NULL;
	*c->touched.tail = i;
	c->touched.tail = &i->touched_next;
}

/**
 * core_emit() - Append an action
 *
 * Return: The action, for the caller to fill in; room was made at the step's begin
 */
struct core_action *core_emit(struct core *c, enum core_act type, struct inst *i)
{
	struct core_action *a;

	ASSERT(c->actions->n < c->actions->cap);
	a = &c->actions->v[c->actions->n++];
	a->type = type;
	a->inst = i;
	a->op = 0;
	a->err = 0;
	a->value = false;
	a->from = i ? i->was_state : INST_UNINIT;
	a->reason[0] = '\0';
	return a;
}

/**
 * core_command() - Tell the instance's machine what to do; the last word of a step counts
 */
void core_command(struct core *c, struct inst *i, enum inst_cmd cmd)
{
	if (i->cmd == CMD_NONE) {
		i->cmd_next = NULL;
		*c->cmds.tail = i;
		c->cmds.tail = &i->cmd_next;
	}
	i->cmd = cmd;
}

/* Room for all actions of a step. 0 or -ENOMEM. */
static int reserve(struct core *c, struct core_actions *a)
{
	size_t want = ACTIONS_EACH * ((size_t)c->n_present + 1) + 1;
	struct core_action *v;

	a->n = 0;
	if (want <= a->cap)
		return 0;
	want += want / 2;
	v = reallocarray(a->v, want, sizeof(*v));
	if (!v)
		return -ENOMEM;
	a->v = v;
	a->cap = (unsigned)want;
	return 0;
}

/* Takes over autoboot; what the zone does now stays as it is. */
static void set_autoboot(struct core *c, struct inst *i, bool autoboot)
{
	bool enabled = inst_enabled(i);

	i->autoboot = autoboot;
	if (i->present && (i->mode != MODE_UNINIT || i->restored))
		inst_enable(c, i, enabled);
}

static int zone_set(struct core *c, const struct core_event *ev)
{
	struct inst *i;
	int r = graph_set(c, ev->zone, &ev->spec, &i);

	if (r < 0)
		return r;
	inst_goals_changed(c, i);
	set_autoboot(c, i, ev->spec.autoboot);
	throttle_reorder(c, i);
	if (!i->present) {
		i->present = true;
		i->since_ms = c->now_ms;
		c->n_present++;
		if (c->ready)
			start_new(c, i);
	}
	inst_reconsider(c, i);
	return 0;
}

/* Leaves of an instance what its dependents know of it. */
static void forget(struct inst *i)
{
	struct inst fresh = {
		.name = i->name,
		.present = i->present,
		.deps = i->deps,
		.dependents = i->dependents,
		.n_up_dependents = i->n_up_dependents,
		.status = i->status,
		.on_cycle = i->on_cycle,
		.on_knot = i->on_knot,
		.walk_epoch = i->walk_epoch,
	};

	*i = fresh;
}

static int zone_gone(struct core *c, struct inst *i)
{
	if (inst_active(i))
		return -EBUSY;
	op_answer(c, i, -ENOENT, "the zone is gone");
	timer_disarm(c, i);
	throttle_dequeue(c, i);
	forget(i);
	c->n_present--;
	graph_remove(c, i);
	return 0;
}

/* Its storage is not there: said again, it is another reason only. */
static int zone_away(struct core *c, struct inst *i, const char *text)
{
	if (inst_active(i))
		return -EBUSY;
	core_touch(c, i);
	why_set(i, KZ_WHY_STORAGE, "%s", text);
	if (c->ready)
		inst_event(c, i, IEV_AWAY);
	else
		start_away(i);
	return 0;
}

/* What is to run when the host boots runs now. */
static void zone_back(struct core *c, struct inst *i)
{
	if (!c->ready) {
		start_back(i);
	} else if (i->mode == MODE_AWAY) {
		inst_enable(c, i, i->autoboot);
		why_set(i, KZ_WHY_NONE, "%s", "");
		op_bring_up(c, i);
	}
}

/* Events of one instance. */
static void apply_inst(struct core *c, struct inst *i, const struct core_event *ev)
{
	switch (ev->type) {
	case EV_ZONE_RESTORE:
		start_restore(c, i, &ev->saved);
		break;
	case EV_ADOPT:
		start_adopt(c, i, ev->adopt.stopping, ev->adopt.since_ms);
		break;
	case EV_VM_RUNNING:
		inst_event(c, i, IEV_RUNNING);
		break;
	case EV_VM_GOALS:
		if (!i->panicked && !i->saved_to_maint)
			inst_event(c, i, IEV_GOALS);
		break;
	case EV_VM_FAILED:
		inst_failed(c, i, ev->text, ev->storage);
		break;
	case EV_ZONE_BACK:
		zone_back(c, i);
		break;
	case EV_VM_PANICKED:
		inst_panicked(c, i, ev->text);
		break;
	case EV_VM_EXITED:
		inst_ended(c, i, ev->end, ev->text);
		break;
	default:
		op_request(c, i, ev);
		break;
	}
}

static void timer(struct core *c)
{
	struct inst *i;

	stop_timeout(c);
	while ((i = timer_expired(c)))
		inst_timeout(c, i);
}

/* Applies the event. 0, -ENOENT, -EBUSY, -ENOMEM; nothing was changed on failure. */
static int apply(struct core *c, const struct core_event *ev)
{
	struct inst *i;

	switch (ev->type) {
	case EV_ZONE_SET:
		return zone_set(c, ev);
	case EV_READY:
	case EV_HOST_BOOT:
		start_settle(c, ev->type == EV_HOST_BOOT);
		return 0;
	case EV_HOST_STOP:
		stop_begin(c, ev->stop_deadline_ms);
		return 0;
	case EV_LIMITS:
		c->throttle.limit = ev->limits.boot_shutdown;
		c->suspend_resume = ev->limits.suspend_resume;
		return 0;
	case EV_TIMER:
		timer(c);
		return 0;
	case EV_HOST_UNIT:
		return graph_unit_set(c, ev->unit.name, ev->unit.state);
	default:
		break;
	}
	i = core_find(c, ev->zone);
	if (!i)
		return -ENOENT;
	if (ev->type == EV_ZONE_GONE)
		return zone_gone(c, i);
	if (ev->type == EV_ZONE_AWAY)
		return zone_away(c, i, ev->text);
	apply_inst(c, i, ev);
	return 0;
}

/* Lets the event's consequences run until nothing moves any more. */
static void settle(struct core *c)
{
	do {
		if (c->ready && c->cycles_stale)
			cycle_find_all(c);
		graph_propagate(c);
		stop_progress(c);
	} while (throttle_admit(c) || c->changed);
}

/* What is not settled yet must not take the place of what was persisted. */
static bool must_persist(const struct core *c, const struct inst *i)
{
	if (i->mode == MODE_UNINIT)
		return false;
	return i->state != i->was_state || i->override != i->was_override ||
	       inst_enabled(i) != i->was_enabled || inst_to_maint(i) != i->was_to_maint ||
	       inst_again(c, i) != i->was_again || i->marked != i->was_marked ||
	       (i->mode == MODE_BACKOFF) != i->was_backoff ||
	       (i->mode == MODE_AWAY) != (i->was_mode == MODE_AWAY) ||
	       i->failures != i->was_failures || i->n_faults != i->was_n_faults ||
	       (i->why_new && inst_keeps_why(i));
}

static bool waits(enum inst_mode mode)
{
	return mode == MODE_WAITING || mode == MODE_BACKOFF || mode == MODE_QUEUED ||
	       mode == MODE_STOPQ;
}

static void emit_reason(struct core *c, enum core_act type, struct inst *i)
{
	struct core_action *a = core_emit(c, type, i);

	a->op = type == ACT_OP_WAIT ? i->op : 0;
	reason_text(c, i, a->reason, sizeof(a->reason));
}

static void emit_states(struct core *c)
{
	struct inst *i;

	for (i = c->touched.head; i; i = i->touched_next)
		if (i->present && must_persist(c, i))
			core_emit(c, ACT_PERSIST, i);
	for (i = c->touched.head; i; i = i->touched_next) {
		if (!i->present)
			continue;
		if (i->write_autoboot)
			core_emit(c, ACT_AUTOBOOT, i)->value = i->autoboot;
		if (i->state != i->was_state || inst_next_state(c, i) != i->was_next ||
		    inst_blocked(i) != i->was_blocked)
			emit_reason(c, ACT_STATE, i);
	}
}

static void emit_commands(struct core *c)
{
	static const enum core_act acts[] = {
		[CMD_START] = ACT_VM_START,
		[CMD_SHUTDOWN] = ACT_VM_SHUTDOWN,
		[CMD_HALT] = ACT_VM_HALT,
	};
	struct inst *i;

	for (i = c->cmds.head; i; i = i->cmd_next) {
		core_emit(c, acts[i->cmd], i);
		i->cmd = CMD_NONE;
	}
	c->cmds.head = NULL;
	c->cmds.tail = &c->cmds.head;
}

static void reverse(struct core_action *v, unsigned n)
{
	for (unsigned low = 0; low + 1 < n; low++) {
		struct core_action tmp = v[low];

		v[low] = v[--n];
		v[n] = tmp;
	}
}

/* Moves the first @n actions behind the others; the order among each stays. */
static void rotate(struct core_actions *a, unsigned n)
{
	if (!n || n == a->n)
		return;
	reverse(a->v, n);
	reverse(a->v + n, a->n - n);
	reverse(a->v, a->n);
}

/* Says what the step did. The OP_DONEs are there already. */
static void flush(struct core *c)
{
	unsigned n_done = c->actions->n;
	struct inst *i;

	emit_states(c);
	emit_commands(c);
	for (i = c->touched.head; i; i = i->touched_next) {
		if (i->op && waits(i->mode) &&
		    (i->op_new || i->mode != i->was_mode ||
		     inst_blocked(i) != i->was_blocked))
			emit_reason(c, ACT_OP_WAIT, i);
		i->touched = i->op_new = i->write_autoboot = i->why_new = false;
	}
	c->touched.head = NULL;
	c->touched.tail = &c->touched.head;
	rotate(c->actions, n_done);
	if (c->stopping && !c->n_active && !c->stop_told) {
		c->stop_told = true;
		core_emit(c, ACT_STOPPED, NULL);
	}
}

int core_step(struct core *c, const struct core_event *ev, struct core_actions *actions)
{
	int r;

	TRACE(core, "%s %s", core_ev_names[ev->type], ev->zone ? ev->zone : "");
	r = reserve(c, actions);
	if (r < 0)
		return r;
	free_dead(c);
	c->now_ms = MAX(c->now_ms, ev->now_ms);
	c->jitter = ev->jitter;
	c->actions = actions;
	r = apply(c, ev);
	if (r == 0) {
		settle(c);
		flush(c);
	}
	c->actions = NULL;
	return r;
}

void core_tell_time(struct core *c, uint64_t now_ms)
{
	c->now_ms = MAX(c->now_ms, now_ms);
}

uint64_t core_deadline_ms(const struct core *c)
{
	uint64_t first = c->n_heap ? c->heap[0]->deadline_ms : UINT64_MAX;

	if (c->stopping && c->n_active && !c->stop_halted)
		first = MIN(first, c->stop_deadline_ms);
	return first;
}
