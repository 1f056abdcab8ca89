// SPDX-License-Identifier: BSD-2-Clause
/*
 * stop.c - stop of the host: in reverse dependency order, inside one deadline
 *
 * DOC: Order
 *
 * An instance is stopped when no instance that depends on it has a machine any more
 * (inst.n_up_dependents); all of which that is true are stopped at once, within the limit
 * of the throttle. Machines that run though their dependencies form a cycle by now would
 * wait for each other: when nothing else is under way they are stopped together. At the
 * deadline everything that is left is halted.
 *
 * Boots that are under way give their slots back, so that they delay no shutdown. Nothing
 * is booted any more, and the enabled flags stay: the next start brings the zones back.
 */
#include "restarter/core_internal.h"

/**
 * stop_consider() - Stop an instance if it is its turn
 */
void stop_consider(struct core *c, struct inst *i)
{
	if (c->stopping && inst_active(i) && !inst_ending(i) && !i->n_up_dependents)
		inst_autoshutdown(c, i);
}

/* No boot goes on waiting. */
static void give_up_boot(struct core *c, struct inst *i)
{
	if (op_wants_boot(i))
		op_answer(c, i, -ECANCELED, "the host is shutting down");
	if (i->mode == MODE_BACKOFF)
		inst_event(c, i, IEV_ON);
	else if (i->mode == MODE_STARTING || i->mode == MODE_BOOTING)
		throttle_release(c, i);
	inst_reconsider(c, i);
}

/**
 * stop_begin() - The host goes down
 * @deadline_ms:	When whatever still runs is halted
 *
 * Called again it only moves the deadline.
 */
void stop_begin(struct core *c, uint64_t deadline_ms)
{
	c->stop_deadline_ms = deadline_ms;
	if (c->stopping)
		return;
	/* What an instance is going to be depends on c->stopping. */
	for (unsigned n = 0; n < c->n; n++)
		if (c->by_name[n]->present)
			core_touch(c, c->by_name[n]);
	c->stopping = true;
	for (unsigned n = 0; n < c->n; n++)
		if (c->by_name[n]->present)
			give_up_boot(c, c->by_name[n]);
	for (unsigned n = 0; n < c->n; n++)
		stop_consider(c, c->by_name[n]);
}

/* Stops what has no turn: first those on a cycle, else all that is left. */
static void stop_knot(struct core *c, bool cycles)
{
	for (unsigned n = 0; n < c->n; n++) {
		struct inst *i = c->by_name[n];

		if (inst_active(i) && !inst_ending(i) && (i->on_cycle || !cycles))
			inst_autoshutdown(c, i);
	}
}

/**
 * stop_progress() - Go on when all that was being stopped is gone, and others are not
 */
void stop_progress(struct core *c)
{
	if (!c->stopping || !c->n_active || c->n_ending)
		return;
	for (unsigned n = 0; n < c->n; n++)
		stop_consider(c, c->by_name[n]);
	if (!c->n_ending)
		stop_knot(c, true);
	if (!c->n_ending)
		stop_knot(c, false);
}

/**
 * stop_timeout() - Halt everything if the deadline has come
 */
void stop_timeout(struct core *c)
{
	if (!c->stopping || c->stop_halted || c->now_ms < c->stop_deadline_ms)
		return;
	c->stop_halted = true;
	for (unsigned n = 0; n < c->n; n++)
		if (inst_active(c->by_name[n]))
			inst_event(c, c->by_name[n], IEV_HALT);
}
