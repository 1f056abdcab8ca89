// SPDX-License-Identifier: BSD-2-Clause
/*
 * start.c - start of the restarter: what was persisted, which machines still run,
 * settling
 *
 * DOC: What a new start makes of the old one
 *
 * Until READY or HOST_BOOT an instance is uninitialized, or adopted in the mode that its
 * machine tells, with what is left of its deadline. Then: enabled ones come up, unless
 * they were in maintenance; one that was online and whose machine is gone has had a
 * fault; one that waited for its next try waits on, and failures in a row and faults of
 * the last 600 s are counted on. An adopted machine that is not wanted any more is
 * stopped. HOST_BOOT forgets overrides, maintenance and faults: only autoboot counts, and
 * what an administrator took out of service without saying "until the next boot". A zone
 * that is unavailable stays that until it is attached.
 *
 * What the configuration says of autoboot takes effect when the host boots. Changed while
 * the zone is known, it leaves the zone as it is, by an override; a zone that is
 * installed later is disabled until then.
 */
#include "restarter/core_internal.h"
#include "common/base/trace.h"

#include <stdio.h>
#include <string.h>

/**
 * start_restore() - Take over what was persisted of an instance
 */
void start_restore(struct core *c, struct inst *i, const struct core_saved *saved)
{
	if (i->mode != MODE_UNINIT || c->ready) {
		TRACE(core, "%s: nothing to restore now", i->name);
		return;
	}
	i->restored = true;
	i->saved_state = saved->state;
	i->saved_to_maint = saved->to_maint;
	i->saved_again = saved->again;
	i->saved_away = saved->unavailable;
	i->marked = saved->marked;
	inst_restore_faults(c, i, saved);
	/* A clock that was set back must not make it wait for ever. */
	i->saved_retry_ms = MIN(saved->retry_ms, c->now_ms + BACKOFF_MAX_MS);
	i->saved_since_ms = saved->since_ms;
	i->override = saved->enabled != i->autoboot;
	i->override_value = saved->enabled;
	why_set(i, saved->why, "%.*s", (int)sizeof(saved->reason), saved->reason);
}

static void adopt_running(struct core *c, struct inst *i, uint64_t since_ms)
{
	bool was_online = i->saved_state == INST_ONLINE;

	if (i->restored && (i->saved_state == INST_MAINT || i->saved_to_maint)) {
		inst_event(c, i, IEV_ADOPT_HELD);
	} else if (i->restored && i->saved_state == INST_DEGRADED) {
		inst_event(c, i, IEV_ADOPT_DEGRADED);
		i->online_ms = i->saved_since_ms;
	} else if ((i->restored && was_online) || !i->goals_timeout_ms) {
		inst_event(c, i, IEV_ADOPT_ONLINE);
		i->online_ms = was_online ? i->saved_since_ms : since_ms;
	} else {
		inst_event(c, i, IEV_ADOPT_BOOTING);
		throttle_take(c, i);
		i->goals_since_ms = since_ms;
		inst_goals_changed(c, i);
	}
}

static void adopt_stopping(struct core *c, struct inst *i, uint64_t since_ms)
{
	if (i->restored && i->saved_to_maint)
		i->after = AFTER_MAINT;
	i->state = INST_OFFLINE;
	if (i->restored &&
	    (i->saved_state == INST_ONLINE || i->saved_state == INST_DEGRADED ||
	     i->saved_state == INST_MAINT))
		i->state = i->saved_state;
	inst_event(c, i, IEV_ADOPT_STOPPING);
	throttle_take(c, i);
	timer_arm(c, i, since_ms + i->shutdown_timeout_ms);
}

/**
 * start_adopt() - The instance has a machine: go on with it
 * @stopping:	The guest was asked to shut down; else it runs
 * @since_ms:	Since when that is so
 *
 * Machines that were never started are made anew by the shell, and one that was halted
 * tells its end: neither is adopted.
 */
void start_adopt(struct core *c, struct inst *i, bool stopping, uint64_t since_ms)
{
	if (i->mode != MODE_UNINIT) {
		TRACE(core, "%s: nothing to adopt now", i->name);
		return;
	}
	core_touch(c, i);
	i->since_ms = c->now_ms;
	i->saved_away = false; /* it runs */
	if (!i->restored)
		inst_enable(c, i, true);
	i->start_ms = i->running_ms = since_ms;
	if (stopping)
		adopt_stopping(c, i, since_ms);
	else
		adopt_running(c, i, since_ms);
	if (i->restored && i->state == i->saved_state)
		i->since_ms = i->saved_since_ms;
}

/**
 * start_away() - The zone's storage is not there, as if that had been persisted
 */
void start_away(struct inst *i)
{
	i->restored = i->saved_away = true;
}

/**
 * start_back() - The zone's storage is there again: only autoboot counts
 */
void start_back(struct inst *i)
{
	if (i->mode != MODE_UNINIT)
		return;
	inst_forget_faults(i);
	why_set(i, KZ_WHY_NONE, "%s", "");
	i->restored = true;
	i->saved_state = INST_UNINIT;
	i->override = i->saved_away = i->saved_to_maint = i->marked = false;
	i->saved_retry_ms = 0;
	i->saved_again = AGAIN_NO;
}

/**
 * start_new() - Settle a zone that was installed while the restarter runs
 */
void start_new(struct core *c, struct inst *i)
{
	inst_enable(c, i, false);
	inst_event(c, i, IEV_OFF);
}

static bool restored_maint(const struct inst *i)
{
	if (i->saved_to_maint)
		return true;
	return i->saved_state == INST_MAINT &&
	       strncmp(i->why, CYCLE_PREFIX, strlen(CYCLE_PREFIX)) != 0;
}

/* It waited for its next try, and goes on waiting. */
static void retry_later(struct core *c, struct inst *i)
{
	i->retry_ms = i->saved_retry_ms;
	inst_event(c, i, IEV_ENDED_RETRY);
}

/* The zone stays unavailable. */
static void settle_away(struct core *c, struct inst *i, bool host_boot)
{
	i->saved_away = false;
	if (host_boot)
		inst_enable(c, i, i->autoboot);
	inst_event(c, i, IEV_AWAY);
	if (i->saved_state == INST_MAINT)
		i->since_ms = i->saved_since_ms;
}

/* What becomes of an instance that has no machine. */
static void settle_down(struct core *c, struct inst *i, bool host_boot)
{
	bool lost = i->restored &&
		    (i->saved_state == INST_ONLINE || i->saved_state == INST_DEGRADED);

	if (host_boot)
		inst_forget_faults(i);
	if (i->saved_away) {
		settle_away(c, i, host_boot);
		return;
	}
	if (host_boot && i->marked) {
		inst_enable(c, i, i->autoboot);
		inst_event(c, i, IEV_TROUBLE);
		return;
	}
	if (host_boot) {
		why_set(i, KZ_WHY_NONE, "%s", "");
		inst_enable(c, i, i->autoboot);
		inst_event(c, i, i->autoboot ? IEV_ON : IEV_OFF);
		return;
	}
	if (!i->restored) {
		start_new(c, i);
		return;
	}
	if (i->saved_again) /* as it was to: its reboot was under way */
		inst_event(c, i, inst_enabled(i) ? IEV_ON : IEV_OFF);
	else if (restored_maint(i))
		inst_event(c, i, IEV_TROUBLE);
	else if (!inst_enabled(i))
		inst_event(c, i, IEV_OFF);
	else if (lost && !c->stopping)
		inst_event(c, i,
			   inst_fault(c, i, "kzhost went while the restarter was away",
				      NULL));
	else if (i->saved_retry_ms > c->now_ms)
		retry_later(c, i);
	else
		inst_event(c, i, IEV_ON);
	if (i->state == i->saved_state)
		i->since_ms = i->saved_since_ms;
}

/* The restarter died between deciding to stop it and telling the machine. */
static void stop_for_maint(struct core *c, struct inst *i)
{
	i->after = AFTER_MAINT;
	inst_stop(c, i, false);
}

/* The same, of a machine that runs and is not being stopped yet. */
static void go_on_stopping(struct core *c, struct inst *i)
{
	if (i->saved_to_maint)
		stop_for_maint(c, i);
	else if (!inst_enabled(i))
		inst_autoshutdown(c, i);
	else if (i->saved_again && !c->stopping)
		inst_stop(c, i, i->saved_again == AGAIN_HALT);
}

/**
 * start_settle() - All zones have been told: act from now on
 * @host_boot:	The host has booted since the restarter ran last
 */
void start_settle(struct core *c, bool host_boot)
{
	if (c->ready) {
		TRACE(core, "the start is over already");
		return;
	}
	cycle_find_all(c);
	c->ready = true;
	for (unsigned n = 0; n < c->n; n++) {
		struct inst *i = c->by_name[n];

		if (!i->present)
			continue;
		core_touch(c, i);
		if (i->mode == MODE_UNINIT)
			settle_down(c, i, host_boot);
		else if (host_boot && inst_active(i) && !inst_ending(i))
			inst_enable(c, i, true);
		else if (inst_active(i) && !inst_ending(i))
			go_on_stopping(c, i);
		i->restored = i->saved_to_maint = i->saved_away = false;
		i->saved_again = AGAIN_NO;
		inst_reconsider(c, i);
	}
}
