// SPDX-License-Identifier: BSD-2-Clause
/*
 * fault.c - how machines end, and what becomes of their instances
 *
 * DOC: Faults
 *
 * A machine that ends though nobody asked for it is a fault (kzhost or KVM failed, or the
 * guest panicked and shall be restarted): the next try comes after a back-off of 1 s,
 * doubled for every fault of the last 600 s, up to 60 s, less up to a quarter of it by
 * chance. Three in a row (no online in
 * between), or more than ten in 600 s, and the instance goes to maintenance. A boot that
 * fails goes there at once: trying again does not repair a configuration, nor bring
 * storage back; that of the storage makes the zone unavailable besides. What an operator
 * asks for begins a new count.
 *
 * A guest that switches itself off is obeyed, one that resets itself boots again, though
 * not more often than once in a second.
 */
#include "restarter/core_internal.h"

#include <stdio.h>
#include <string.h>

/**
 * inst_forget_faults() - An operator looked at it: count again from the beginning
 */
void inst_forget_faults(struct inst *i)
{
	i->failures = 0;
	i->n_faults = 0;
}

/**
 * inst_restore_faults() - Count on from the faults that were persisted
 *
 * Of a clock that was set back they are of now.
 */
void inst_restore_faults(struct core *c, struct inst *i, const struct core_saved *saved)
{
	i->failures = saved->failures;
	i->n_faults = MIN(saved->n_faults, (unsigned)CORE_FAULTS_KEPT);
	for (unsigned n = 0; n < i->n_faults; n++)
		i->fault_ms[n] = MIN(saved->fault_ms[n], c->now_ms);
}

/**
 * inst_save_faults() - The faults that still count, oldest first
 */
void inst_save_faults(const struct core *c, const struct inst *i,
		      struct core_saved *saved)
{
	unsigned kept = MIN(i->n_faults, (unsigned)CORE_FAULTS_KEPT);

	saved->failures = i->failures;
	saved->n_faults = 0;
	for (unsigned n = i->n_faults - kept; n < i->n_faults; n++) {
		uint64_t at_ms = i->fault_ms[n % CORE_FAULTS_KEPT];

		if (c->now_ms - at_ms < FAULTS_MS)
			saved->fault_ms[saved->n_faults++] = at_ms;
	}
}

/* Remembers a fault; how many there were in the last FAULTS_MS. */
static unsigned count_fault(struct core *c, struct inst *i)
{
	unsigned recent = 0, size = ARRAY_SIZE(i->fault_ms);

	i->failures++;
	i->fault_ms[i->n_faults++ % size] = c->now_ms;
	for (unsigned n = 0; n < MIN(i->n_faults, size); n++)
		recent += c->now_ms - i->fault_ms[n] < FAULTS_MS;
	return recent;
}

/*
 * Up to a quarter less of a delay, so that machines that fell together do not come back
 * together. Chance comes in with the event; the name makes it another for each instance
 * of one event (FNV-1a, then the finish of MurmurHash3).
 */
static uint64_t spread(const struct core *c, const struct inst *i, uint64_t delay_ms)
{
	uint32_t h = 2166136261u ^ c->jitter;

	if (!c->jitter)
		return delay_ms;
	for (const char *s = i->name; *s; s++)
		h = (h ^ (uint8_t)*s) * 16777619u;
	h = (h ^ h >> 16) * 0x85ebca6bu;
	h = (h ^ h >> 13) * 0xc2b2ae35u;
	h ^= h >> 16;
	return delay_ms - (delay_ms / 4 * h >> 32);
}

/**
 * inst_fault() - Decide what a fault leads to
 * @what:	"kzhost crashed"
 * @text:	More of it, or NULL
 *
 * Return: ENDED_RETRY, ENDED_BAD, or ENDED_AGAIN when the host is being stopped
 */
enum inst_ev inst_fault(struct core *c, struct inst *i, const char *what,
			const char *text)
{
	const char *sep = text && *text ? ": " : "";
	unsigned recent = count_fault(c, i);
	uint64_t delay = BACKOFF_MS;

	core_touch(c, i);
	if (c->stopping)
		return IEV_ENDED_AGAIN;
	text = text ? text : "";
	if (i->failures >= FAULTS_IN_A_ROW || recent > FAULTS_MAX) {
		if (i->failures >= FAULTS_IN_A_ROW)
			why_set(i, KZ_WHY_FAULTS,
				"%u failures in a row, the last: %s%s%s", i->failures,
				what, sep, text);
		else
			why_set(i, KZ_WHY_TOO_QUICKLY,
				"%u failures in %u s, the last: %s%s%s", recent,
				FAULTS_MS / 1000, what, sep, text);
		return IEV_ENDED_BAD;
	}
	for (unsigned n = 1; n < recent && delay < BACKOFF_MAX_MS; n++)
		delay *= 2;
	i->retry_ms = c->now_ms + spread(c, i, MIN(delay, (uint64_t)BACKOFF_MAX_MS));
	why_set(i, KZ_WHY_RETRY, "%s%s%s", what, sep, text);
	return IEV_ENDED_RETRY;
}

/* The guest boots again by its own wish: at once, or a second after its last start. */
static enum inst_ev end_reset(struct core *c, struct inst *i)
{
	if (c->stopping || c->now_ms - i->start_ms >= RESET_PACE_MS)
		return IEV_ENDED_AGAIN;
	i->retry_ms = i->start_ms + RESET_PACE_MS;
	why_set(i, KZ_WHY_RETRY, "the guest reset itself");
	return IEV_ENDED_RETRY;
}

static enum inst_ev end_panic(struct core *c, struct inst *i, const char *text)
{
	const char *sep = text && *text ? ": " : "";

	if (i->on_panic == PANIC_RESTART)
		return inst_fault(c, i, "the guest panicked", text);
	why_set(i, KZ_WHY_PANICKED, "the guest panicked%s%s", sep, text ? text : "");
	return IEV_ENDED_BAD;
}

/* The machine ended while it was being stopped. */
static enum inst_ev end_stopped(struct core *c, struct inst *i)
{
	char what[CORE_REASON_SIZE];

	if (i->after == AFTER_MAINT)
		return IEV_ENDED_BAD;
	if (!inst_enabled(i))
		return IEV_ENDED_OFF;
	if (i->after == AFTER_FAULT) {
		memcpy(what, i->why, sizeof(what));
		return inst_fault(c, i, what, NULL);
	}
	return IEV_ENDED_AGAIN;
}

/* The machine ended by itself. */
static enum inst_ev end_alone(struct core *c, struct inst *i, enum vm_end end,
			      const char *text)
{
	switch (end) {
	case VM_END_POWEROFF:
	case VM_END_HALTED:
		inst_enable(c, i, false);
		why_set(i, end == VM_END_HALTED ? KZ_WHY_HALTED : KZ_WHY_POWEROFF, "%s",
			end == VM_END_HALTED ? "the machine was halted"
					     : "the guest switched itself off");
		return IEV_ENDED_OFF;
	case VM_END_RESET:
		return end_reset(c, i);
	case VM_END_PANIC:
		return end_panic(c, i, text);
	case VM_END_CRASH:
		break;
	}
	if (i->mode == MODE_HELD && i->panicked)
		return IEV_ENDED_BAD;
	return inst_fault(c, i, "kzhost crashed", text);
}

/**
 * inst_ended() - The machine is gone
 * @text:	More about it, or NULL
 */
void inst_ended(struct core *c, struct inst *i, enum vm_end end, const char *text)
{
	if (!inst_active(i)) {
		inst_event(c, i, IEV_ENDED_OFF); /* ignored there, and traced */
		return;
	}
	core_touch(c, i);
	inst_event(c, i, inst_ending(i) ? end_stopped(c, i) : end_alone(c, i, end, text));
}

/**
 * inst_failed() - A boot failed, or what was said to have booted failed after all
 * @storage:	For want of the zone's storage: the zone is unavailable
 */
void inst_failed(struct core *c, struct inst *i, const char *text, bool storage)
{
	if (i->mode != MODE_STARTING) {
		inst_ended(c, i, VM_END_CRASH, text);
		return;
	}
	core_touch(c, i);
	i->failures++;
	why_set(i, storage ? KZ_WHY_STORAGE : KZ_WHY_BOOT_FAILED, "boot failed%s%s",
		text && *text ? ": " : "", text ? text : "");
	inst_event(c, i, storage ? IEV_AWAY : IEV_ENDED_BAD);
}

/**
 * inst_panicked() - The guest panicked and kzhost holds it: do as on-panic says
 * @text:	What kzhost knows of it, or NULL
 */
void inst_panicked(struct core *c, struct inst *i, const char *text)
{
	bool fresh = i->mode == MODE_STARTING || i->mode == MODE_BOOTING ||
		     i->mode == MODE_ONLINE || i->mode == MODE_DEGRADED ||
		     (i->mode == MODE_HELD && !i->panicked);

	if (inst_active(i) && !i->panicked) {
		core_touch(c, i);
		i->panicked = true;
	}
	if (fresh) {
		why_set(i, KZ_WHY_PANICKED, "the guest panicked%s%s",
			text && *text ? ": " : "", text ? text : "");
		if (i->on_panic == PANIC_RESTART)
			i->after = AFTER_FAULT;
		else if (i->on_panic == PANIC_HALT)
			i->after = AFTER_MAINT;
	}
	inst_event(c, i, fresh && i->on_panic != PANIC_HOLD ? IEV_HALT : IEV_PANIC);
}
