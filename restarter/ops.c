// SPDX-License-Identifier: BSD-2-Clause
/*
 * ops.c - what operators ask for: is it legal now, what does it begin, when is it
 * answered
 *
 * DOC: Requests
 *
 * An instance has one open request at most. boot, reboot and restart are answered when
 * the guest runs (or when it becomes clear that it will not), shutdown and halt when the
 * machine is gone; enable, disable and clear at once, as svcadm does not wait. A later
 * request takes the place of the open one, which is answered with -ECANCELED, unless it
 * is refused. What a verb means in a mode is a table.
 */
#include "restarter/core_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define REACTIONS(X) \
	X(EARLY, "refused: the restarter is still starting") \
	X(BOOTED, "refused: zone is already booted") \
	X(ENDING, "refused: zone is shutting down") \
	X(DOWN, "refused: zone is not running") \
	X(WELL, "refused: zone is not in maintenance or degraded") \
	X(AWAY, "refused: zone is unavailable") \
	X(NOTHING, "-") /* only the enabled flag changes, if it is that kind of verb */ \
	X(ON, "bring it up") \
	X(OFF, "do not bring it up") \
	X(STOP, "shut it down") /* and then as the enabled flag says */ \
	X(AUTOSTOP, "stop it as autoshutdown says") \
	X(HALT, "halt it") \
	X(HASTEN, "shut it down, at the head of the queue") \
	X(REPAIR, "leave maintenance, or degraded") \
	X(WORSE, "refused: zone is not online") \
	X(MAINT, "to maintenance") \
	X(STOPMAINT, "stop it, then to maintenance") \
	X(DEGRADE, "to degraded")

enum reaction {
#define X(id, text) R_##id,
	REACTIONS(X)
#undef X
		REACTION_N
};

#define VERB_FIRST EV_BOOT
#define VERB_N     (EV_MARK_DEGRADED - EV_BOOT + 1)
static_assert(EV_BOOT < EV_SHUTDOWN && EV_SHUTDOWN < EV_HALT && EV_HALT < EV_REBOOT &&
		      EV_REBOOT < EV_RESTART && EV_RESTART < EV_ENABLE &&
		      EV_ENABLE < EV_DISABLE && EV_DISABLE < EV_CLEAR &&
		      EV_CLEAR < EV_MARK_MAINT && EV_MARK_MAINT < EV_MARK_DEGRADED,
	      "verbs are next to each other");

/* clang-format off */
static const uint8_t reactions[MODE_N][VERB_N] = {
	/*                  boot      shutdown  halt    reboot  restart   enable     disable     clear     maint        degraded */
	[MODE_UNINIT] =   { R_EARLY,  R_EARLY,  R_EARLY, R_EARLY, R_EARLY, R_EARLY,  R_EARLY,    R_EARLY, R_EARLY,     R_EARLY   },
	[MODE_DISABLED] = { R_ON,     R_DOWN,   R_DOWN, R_DOWN, R_DOWN,   R_ON,      R_NOTHING,  R_WELL, R_MAINT,     R_WORSE   },
	[MODE_WAITING] =  { R_ON,     R_OFF,    R_OFF,  R_DOWN, R_DOWN,   R_NOTHING, R_OFF,      R_WELL, R_MAINT,     R_WORSE   },
	[MODE_BACKOFF] =  { R_ON,     R_OFF,    R_OFF,  R_DOWN, R_DOWN,   R_NOTHING, R_OFF,      R_WELL, R_MAINT,     R_WORSE   },
	[MODE_QUEUED] =   { R_ON,     R_OFF,    R_OFF,  R_DOWN, R_DOWN,   R_NOTHING, R_OFF,      R_WELL, R_MAINT,     R_WORSE   },
	[MODE_STARTING] = { R_BOOTED, R_HALT,   R_HALT, R_HALT, R_HALT,   R_NOTHING, R_HALT,     R_WELL, R_STOPMAINT, R_WORSE   },
	[MODE_BOOTING] =  { R_BOOTED, R_STOP,   R_HALT, R_HALT, R_STOP,   R_NOTHING, R_AUTOSTOP, R_WELL, R_STOPMAINT, R_WORSE   },
	[MODE_ONLINE] =   { R_BOOTED, R_STOP,   R_HALT, R_HALT, R_STOP,   R_NOTHING, R_AUTOSTOP, R_WELL, R_STOPMAINT, R_DEGRADE },
	[MODE_DEGRADED] = { R_BOOTED, R_STOP,   R_HALT, R_HALT, R_STOP,   R_NOTHING, R_AUTOSTOP, R_REPAIR, R_STOPMAINT, R_NOTHING },
	[MODE_STOPQ] =    { R_ENDING, R_HASTEN, R_HALT, R_HALT, R_HASTEN, R_NOTHING, R_NOTHING,  R_WELL, R_STOPMAINT, R_WORSE   },
	[MODE_STOPPING] = { R_ENDING, R_STOP,   R_HALT, R_HALT, R_STOP,   R_NOTHING, R_NOTHING,  R_WELL, R_STOPMAINT, R_WORSE   },
	[MODE_HALTING] =  { R_ENDING, R_STOP,   R_HALT, R_HALT, R_STOP,   R_NOTHING, R_NOTHING,  R_WELL, R_STOPMAINT, R_WORSE   },
	[MODE_MAINT] =    { R_REPAIR, R_DOWN,   R_DOWN, R_DOWN, R_DOWN,   R_NOTHING, R_NOTHING,  R_REPAIR, R_MAINT,     R_WORSE   },
	[MODE_AWAY] =     { R_AWAY,   R_DOWN,   R_DOWN, R_DOWN, R_DOWN,   R_NOTHING, R_NOTHING,  R_REPAIR, R_NOTHING,   R_WORSE   },
	[MODE_HELD] =     { R_BOOTED, R_STOP,   R_HALT, R_HALT, R_STOP,   R_NOTHING, R_AUTOSTOP, R_REPAIR, R_STOPMAINT, R_WORSE   },
};
/* clang-format on */

static const char *const reaction_texts[REACTION_N] = {
#define X(id, text) text,
	REACTIONS(X)
#undef X
};

/**
 * op_meaning() - What a verb does to an instance in a mode, in words
 * @verb:	EV_BOOT to EV_MARK_DEGRADED
 */
const char *op_meaning(enum inst_mode mode, enum core_ev verb)
{
	return reaction_texts[reactions[mode][verb - VERB_FIRST]];
}

static bool verb_boots(enum core_ev verb)
{
	return verb == EV_BOOT || verb == EV_REBOOT || verb == EV_RESTART;
}

/* Verbs that keep their request open until something has happened. */
static bool verb_waits(enum core_ev verb)
{
	return verb_boots(verb) || verb == EV_SHUTDOWN || verb == EV_HALT;
}

bool op_wants_boot(const struct inst *i)
{
	return i->op && verb_boots(i->verb);
}

static void answer(struct core *c, struct inst *i, uint64_t op, int err, const char *text)
{
	struct core_action *a;

	if (!op)
		return;
	a = core_emit(c, ACT_OP_DONE, i);
	a->op = op;
	a->err = err;
	snprintf(a->reason, sizeof(a->reason), "%s", text);
}

/**
 * op_answer() - Answer the open request, if there is one
 */
void op_answer(struct core *c, struct inst *i, int err, const char *fmt, ...)
{
	char text[CORE_REASON_SIZE];
	uint64_t op = i->op;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	i->op = 0;
	answer(c, i, op, err, text);
}

static const char *const verb_done[VERB_N] = {
	[EV_SHUTDOWN - VERB_FIRST] = "shut down by an operator",
	[EV_HALT - VERB_FIRST] = "halted by an operator",
	[EV_DISABLE - VERB_FIRST] = "disabled by an operator",
};

/* What there is to say about a stop that was asked for: only what was not expected. */
static const char *stop_note(const struct inst *i)
{
	return strcmp(i->why, verb_done[i->verb - VERB_FIRST]) == 0 ? "" : i->why;
}

/**
 * op_mode_entered() - Answer the open request if this is what it waited for
 */
void op_mode_entered(struct core *c, struct inst *i, enum inst_mode from)
{
	if (!i->op)
		return;
	if (!verb_boots(i->verb)) {
		if (inst_active(i))
			return;
		op_answer(c, i, 0, "%s", stop_note(i));
	} else if (i->mode == MODE_BOOTING && from == MODE_STARTING) {
		op_answer(c, i, 0, "%s", "");
	} else if (inst_out(i) || i->mode == MODE_DISABLED ||
		   (i->mode == MODE_HELD && from == MODE_STARTING)) {
		op_answer(c, i, -EIO, "%s", i->why);
	}
}

/* Why @verb cannot be done in this mode, or NULL. */
static const char *refusal(const struct core *c, const struct inst *i, enum core_ev verb,
			   enum reaction r)
{
	switch (c->ready ? r : R_EARLY) {
	case R_EARLY:
		return "the restarter is still starting";
	case R_BOOTED:
		return i->mode == MODE_STARTING ? "zone is already booting"
						: "zone is already booted";
	case R_ENDING:
		return "zone is shutting down";
	case R_DOWN:
		return "zone is not running";
	case R_WELL:
		return "zone is not in maintenance or degraded";
	case R_AWAY:
		return "must be installed before boot: it is unavailable; when its "
		       "storage is there again: zoneadm attach";
	case R_WORSE:
		return "zone is not online";
	default:
		break;
	}
	if (c->stopping && verb_boots(verb))
		return "the host is shutting down";
	if (i->cycle_maint && r == R_REPAIR)
		return i->why;
	return NULL;
}

/* Whether the zone shall be up when the verb has been done; the persistent flag too. */
static void take_enabled(struct core *c, struct inst *i, const struct core_event *ev)
{
	bool on = verb_boots(ev->type) || ev->type == EV_ENABLE;

	if (ev->type >= EV_CLEAR)
		return;
	if ((ev->type == EV_ENABLE || ev->type == EV_DISABLE) && !ev->temporary) {
		core_touch(c, i);
		i->write_autoboot = true;
		i->autoboot = on;
	}
	inst_enable(c, i, on);
}

/**
 * op_bring_up() - Bring it up, or try again; not when it is not enabled
 */
void op_bring_up(struct core *c, struct inst *i)
{
	inst_forget_faults(i);
	i->by_operator = true;
	inst_event(c, i, inst_enabled(i) ? IEV_ON : IEV_OFF);
}

static void repair(struct core *c, struct inst *i)
{
	if (inst_out(i)) {
		why_set(i, KZ_WHY_NONE, "%s", "");
		op_bring_up(c, i);
	} else if (i->panicked) {
		i->by_operator = true;
		inst_stop(c, i, true);
	} else {
		inst_event(c, i, IEV_CLEARED);
	}
}

static void hasten(struct core *c, struct inst *i)
{
	i->by_operator = true;
	throttle_dequeue(c, i);
	throttle_enqueue(c, i);
}

/* Out of service because an administrator says so; for good, or until the host boots. */
static void mark_maintenance(struct core *c, struct inst *i, const struct core_event *ev)
{
	i->marked = !ev->mark.temporary;
	/* Why it is there says more; but it is to stay there when a cycle is gone. */
	if (i->mode == MODE_MAINT && !i->cycle_maint)
		return;
	i->cycle_maint = false;
	why_set(i, KZ_WHY_ADMINISTRATOR, "maintenance requested by an administrator");
	if (i->mode == MODE_MAINT)
		return;
	if (!inst_active(i)) {
		inst_event(c, i, IEV_TROUBLE);
		return;
	}
	i->by_operator = true;
	i->after = AFTER_MAINT;
	inst_stop(c, i, ev->mark.immediate);
}

static void react(struct core *c, struct inst *i, enum reaction r,
		  const struct core_event *ev)
{
	if (r != R_NOTHING) {
		i->after = AFTER_ENABLED;
		i->marked = false;
	}
	switch (r) {
	case R_ON:
		op_bring_up(c, i);
		break;
	case R_OFF:
		inst_event(c, i, IEV_OFF);
		break;
	case R_STOP:
	case R_AUTOSTOP:
	case R_HALT:
		i->by_operator = true;
		if (r == R_AUTOSTOP)
			inst_autoshutdown(c, i);
		else
			inst_stop(c, i, r == R_HALT);
		break;
	case R_HASTEN:
		hasten(c, i);
		break;
	case R_REPAIR:
		repair(c, i);
		break;
	case R_MAINT:
	case R_STOPMAINT:
		mark_maintenance(c, i, ev);
		break;
	case R_DEGRADE:
		why_set(i, KZ_WHY_DEGRADED, "degraded by an administrator");
		inst_event(c, i, IEV_DEGRADE);
		break;
	default:
		break;
	}
}

/* The open request gives way to what was asked for now. */
static void supersede(struct core *c, struct inst *i, enum core_ev verb)
{
	if (verb_waits(verb) || (verb == EV_DISABLE && op_wants_boot(i)))
		op_answer(c, i, -ECANCELED, "%s took its place", core_ev_names[verb]);
}

/**
 * op_request() - Do what an operator asks for, or refuse it
 */
void op_request(struct core *c, struct inst *i, const struct core_event *ev)
{
	enum reaction r = reactions[i->mode][ev->type - VERB_FIRST];
	const char *no = refusal(c, i, ev->type, r);

	if (no) {
		answer(c, i, ev->op, no == i->why ? -EIO : -EBUSY, no);
		return;
	}
	core_touch(c, i);
	supersede(c, i, ev->type);
	take_enabled(c, i, ev);
	if (verb_waits(ev->type)) {
		i->op = ev->op;
		i->verb = ev->type;
		i->op_new = true;
	}
	if (verb_done[ev->type - VERB_FIRST] && !inst_out(i))
		why_set(i, KZ_WHY_OPERATOR, "%s", verb_done[ev->type - VERB_FIRST]);
	react(c, i, r, ev);
	if (!verb_waits(ev->type))
		answer(c, i, ev->op, 0, "");
}
