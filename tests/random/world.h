/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * world.h - a host in simulated time around the restarter's core
 *
 * DOC: Parts
 *
 * sim.c	machines and a disk: what becomes of actions, and what comes of that
 * check.c	what must hold after every step, by machines and configurations
 * told.c	what must hold of what operators and readers are told
 * event.c	what happens
 * random.c	histories of that, and how one that fails is made short
 */
#ifndef KZ_TESTS_RANDOM_WORLD_H
#define KZ_TESTS_RANDOM_WORLD_H

#include "restarter/core.h"

#include <stdio.h>

#define ZONES          200 /* at most */
#define DEPS_MAX       4
#define OPS_MAX        512
#define NEVER          UINT64_MAX
#define UNITS          3 /* of the host: 0.service, 1.service, ... */
#define TARGET_UNIT(n) (-3 - (n))

enum vm_say { SAY_RUNNING, SAY_GOALS, SAY_FAILED, SAY_PANIC, SAY_END };

struct machine {
	enum vm_phase phase;
	bool goals, panicked, stop_told;
	bool no_storage; /* why it fails, if it does */
	bool ending;     /* it was halted by a restarter that has died since */
	uint64_t since_ms;
	uint64_t next_ms; /* when it says something; NEVER */
	enum vm_say next;
	enum vm_end end;
};

struct zone {
	char name[16];
	bool installed, listed; /* listed: the core knows it */
	struct core_spec spec;
	struct core_dep deps[DEPS_MAX];
	char fmri[DEPS_MAX][64];
	int target[DEPS_MAX]; /* zone number; -1: the restarter itself, -2: absent,
			       * below: TARGET_UNIT(0) to TARGET_UNIT(UNITS - 1) */
	bool on_cycle;
	struct machine m;
	bool has_saved;
	struct core_saved saved; /* on disk */
	bool boot_slot, stop_slot;
	bool operator_stop; /* its present machine was touched by an operator */
	bool away;          /* its storage was not there, and nobody has attached it */
	/* check.c: as it was seen after the last step */
	struct {
		bool valid; /* by this restarter */
		bool idle_maint, for_cycle;
		enum inst_state state;
		uint64_t since_ms;
	} seen;
	bool was_blocked; /* since nobody interferes, and no machine did anything unasked
			   */
	unsigned crashes; /* in a row, at least */
	bool excused; /* something but the host's stop has decided whether it is enabled
		       */
	bool was_enabled; /* when the host's stop began */
	struct {
		bool valid;
		struct core_view view;
		enum vm_phase phase;
	} before; /* the restarter's death */
	/* told.c */
	struct {
		enum inst_state state, next;
		bool blocked;
	} told;
	bool hastened; /* an operator may have put it at the queue's head */
	bool has_op;
	unsigned queue_pos;
	unsigned queued_step; /* since when it waits in the queue as it is now; 0: not */
	enum boot_priority queued_priority;
	unsigned start_step;   /* when its machine was started */
	unsigned start_queued; /* queued_step until then */
};

struct op {
	bool open, failed;
	enum core_ev verb;
	struct zone *zone;
};

struct world {
	uint64_t rng, seed;
	struct core *core;
	struct core_actions actions;
	uint64_t now_ms;
	struct zone zones[ZONES];
	unsigned n_zones;
	unsigned limit;
	enum unit_state units[UNITS];
	bool ready, stopping, stopped, calm, verbose;
	uint64_t stop_deadline_ms;
	struct op ops[OPS_MAX];
	uint64_t n_ops;
	unsigned n_timers; /* in a row, at one time */
	uint64_t timer_ms;
	unsigned n_steps;
	const struct core_event *ev; /* of the step being checked */
};

/* Ends the program with the seed that leads here. */
_Noreturn void broken(const struct world *w, const char *fmt, ...) printf_like(2, 3);
void say(const struct world *w, const char *fmt, ...) printf_like(2, 3);

/* event.c */
void event_begin(struct world *w);
void event_random(struct world *w);
void event_calm(struct world *w);
void event_host_stop(struct world *w);

/* random.c */
uint64_t rnd64(struct world *w);
unsigned rnd(struct world *w, unsigned n); /* 0 to n - 1 */
bool chance(struct world *w, unsigned percent);
struct zone *zone_of(struct world *w, const struct inst *i);
struct zone *zone_named(struct world *w, const char *name);

/* sim.c */
void sim_action(struct world *w, const struct core_action *a);
bool sim_due(struct world *w, struct zone *z, struct core_event *ret_ev);
void sim_found(struct world *w, struct zone *z);
uint64_t sim_next_ms(const struct world *w);

/* check.c */
void check_cycles(struct world *w);
void check_actions(struct world *w);
void check_step(struct world *w);
void check_quiet(struct world *w);
void check_slots_begin(struct world *w, const struct core_event *ev);
void check_back(const struct world *w, const struct zone *z, bool enabled);
bool check_view(const struct world *w, const struct zone *z, struct core_view *ret_view);

/* told.c */
void told_action(struct world *w, const struct core_action *a);
void told_zone(struct world *w, struct zone *z, const struct core_view *v);
void told_step(struct world *w, const struct core_totals *t);
void told_quiet(const struct world *w);
void told_before_restart(struct world *w);
void told_after_restart(const struct world *w);

#endif
