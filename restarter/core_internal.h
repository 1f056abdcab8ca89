/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * core_internal.h - what the files of the core share; nobody else includes it
 *
 * DOC: Who does what
 *
 * core.c	core_step(): takes an event apart, and puts the step's actions together
 * inst.c	the instance's machine: modes, rules, the one setter
 * fault.c	how machines end, faults and back-off
 * ops.c	what operators ask for, and whether it is legal now
 * start.c	start of the restarter: restore, adopt, settle
 * stop.c	stop of the host: reverse dependency order, deadline
 * graph.c	zones by name, dependency groups, the fixed point
 * fmri.c		what an FMRI names
 * cycle.c	dependency cycles
 * throttle.c	slots and the queue for them
 * tables.c	the tables in print
 * timers.c	a heap of deadlines
 * reason.c	why an instance is not online, in words; views
 *
 * Nothing below core_step() allocates, but for ZONE_SET, which gets all that it needs
 * before it changes anything. Lists are links inside struct inst.
 */
#ifndef KZ_RESTARTER_CORE_INTERNAL_H
#define KZ_RESTARTER_CORE_INTERNAL_H

#include "restarter/core.h"

/* What an instance is doing: finer than the SMF state, which follows from it. */
#define INST_MODES(X) \
	/* id, name, SMF state (KEEP: as before), machine, holds a slot */ \
	X(UNINIT, "uninitialized", UNINIT, NONE, false) \
	X(DISABLED, "disabled", DISABLED, NONE, false) \
	X(WAITING, "offline/dependencies", OFFLINE, NONE, false) \
	X(BACKOFF, "offline/retry", OFFLINE, NONE, false) \
	X(QUEUED, "offline*/queued", OFFLINE, NONE, false) \
	X(STARTING, "offline*/starting", OFFLINE, STARTING, true) \
	X(BOOTING, "offline*/goals", OFFLINE, RUNNING, true) \
	X(ONLINE, "online", ONLINE, RUNNING, false) \
	X(DEGRADED, "degraded", DEGRADED, RUNNING, false) \
	X(STOPQ, "stop/queued", KEEP, RUNNING, true) \
	X(STOPPING, "stop/shutdown", KEEP, STOPPING, true) \
	X(HALTING, "stop/halt", KEEP, HALTING, true) \
	X(MAINT, "maintenance", MAINT, NONE, false) \
	X(AWAY, "maintenance/unavailable", MAINT, NONE, false) \
	X(HELD, "maintenance/running", MAINT, RUNNING, false)

#define INST_KEEP INST_STATE_N /* in place of a state: the one that was before */

enum inst_mode {
#define X(id, name, state, phase, slot) MODE_##id,
	INST_MODES(X)
#undef X
		MODE_N
};

/* What happens to an instance; inst.c has the rules. */
#define INST_EVENTS(X) \
	X(ON, "wanted") \
	X(OFF, "not-wanted") \
	X(TROUBLE, "trouble") \
	X(AWAY, "storage-away") \
	X(DEPS_MET, "dependencies-met") \
	X(DEPS_LOST, "dependency-lost") \
	X(SLOT, "slot") \
	X(RUNNING, "vm-running") \
	X(GOALS, "goals-reached") \
	X(TIMEOUT, "timeout") \
	X(PANIC, "panic-held") \
	X(CLEARED, "cleared") \
	X(DEGRADE, "degrade") \
	X(STOP, "stop") \
	X(HALT, "halt") \
	X(ENDED_OFF, "ended-for-good") \
	X(ENDED_AGAIN, "ended-boot-again") \
	X(ENDED_RETRY, "ended-retry-later") \
	X(ENDED_BAD, "ended-gave-up") \
	X(ADOPT_BOOTING, "adopt-booting") \
	X(ADOPT_ONLINE, "adopt-online") \
	X(ADOPT_DEGRADED, "adopt-degraded") \
	X(ADOPT_HELD, "adopt-held") \
	X(ADOPT_STOPPING, "adopt-stopping")

enum inst_ev {
#define X(id, name) IEV_##id,
	INST_EVENTS(X)
#undef X
		IEV_N
};

/* How others see an instance that they depend on. */
enum dep_status {
	DEP_ABSENT,  /* no such instance */
	DEP_STUCK,   /* disabled or in maintenance */
	DEP_BLOCKED, /* offline, and not to be online without an administrator */
	DEP_COMING,  /* not online, but something is under way or may be */
	DEP_ENDING,  /* its machine is being stopped; what comes then is not said */
	DEP_UP,      /* online or degraded, and not being stopped */
	DEP_HELD,    /* in maintenance, but its machine runs: stuck, yet it excludes */
};

struct edge {
	struct inst *from; /* whose dependency this is; owns the edge */
	struct inst *to;   /* NULL: neither a zone nor a unit */
	const char *fmri;  /* in the owner's deps.text */
	struct dep_group *group;
	bool ok, stuck; /* as counted in the group */
	bool knot;      /* excludes what depends on its owner, however far around */
	struct edge *rev_next, **rev_pprev; /* to->dependents */
};

struct dep_group {
	enum dep_grouping grouping;
	unsigned n, n_ok, n_stuck;
	bool unmet, dead; /* dead: not without an administrator */
};

struct deps {
	struct edge *edges; /* owned, as all of these */
	unsigned n_edges;
	struct dep_group *groups;
	unsigned n_groups;
	char *text;
};

enum inst_after { AFTER_ENABLED, AFTER_FAULT, AFTER_MAINT };
enum inst_cmd { CMD_NONE, CMD_START, CMD_SHUTDOWN, CMD_HALT };

#define FAULTS_IN_A_ROW 3
#define FAULTS_MAX      10 /* within FAULTS_MS */
#define FAULTS_MS       600000
static_assert(CORE_FAULTS_KEPT == FAULTS_MAX + 1, "enough to know of one too many");
#define BACKOFF_MS     1000
#define BACKOFF_MAX_MS 60000
#define RESET_PACE_MS \
	1000 /* from one start to the next, when the guest resets itself \
	      */

/*
 * One zone by name; a placeholder (!present) while only others' dependencies name it. A
 * unit of the host is a placeholder for ever, by the name FMRI_UNIT_KEY and its own.
 */
struct inst {
	char *name; /* owned */
	bool present;
	bool is_unit;
	enum unit_state unit_state;
	/* configuration */
	enum boot_priority priority;
	enum autoshutdown autoshutdown;
	enum on_panic on_panic;
	bool autoboot;
	uint32_t shutdown_timeout_ms, goals_timeout_ms;
	/* graph.c, cycle.c */
	struct deps deps;
	struct edge *dependents;
	unsigned n_unmet, n_dead; /* groups */
	unsigned n_up_dependents; /* ordering edges from instances that have a machine */
	enum dep_status status;   /* as the dependents have been told */
	bool on_cycle, on_knot, changed; /* on_knot: its edges may hold one together */
	struct inst *changed_next;
	unsigned scc_index, scc_low, scc_edge, scc_size;
	bool scc_on_stack;
	unsigned walk_epoch;
	struct inst *scc_next, *scc_root, *walk_parent, *walk_next;
	/* inst.c */
	enum inst_mode mode;
	enum inst_state state;
	uint64_t since_ms;
	bool override, override_value;
	bool panicked;
	bool marked; /* maintenance was asked for: it outlives the boot of the host */
	bool cycle_maint; /* in maintenance for on_cycle: leaves it when the cycle is gone
			   */
	bool restored; /* until settled: what ZONE_RESTORE said, also in override and why
			*/
	enum inst_state saved_state;
	bool saved_to_maint, saved_away;
	enum core_again saved_again;
	uint64_t saved_since_ms, saved_retry_ms;
	enum inst_after after; /* when the machine that is being stopped has ended */
	uint64_t start_ms, running_ms, online_ms;
	uint64_t goals_since_ms;     /* since when they are waited for */
	unsigned failures, n_faults; /* in a row; ever (or since an operator's request) */
	uint64_t retry_ms;           /* when BACKOFF ends */
	uint64_t fault_ms[CORE_FAULTS_KEPT]; /* ring, fault n at n % size */
	char why[CORE_REASON_SIZE]; /* of maintenance, of the last failure, of disabled */
	uint8_t why_kind;           /* enum kz_reason; of why, when that is not empty */
	uint64_t deadline_ms;
	unsigned timer; /* index in the heap + 1; 0: not armed */
	/* ops.c */
	uint64_t op;
	enum core_ev verb; /* of op */
	/* throttle.c */
	bool by_operator, has_slot;
	unsigned queue; /* class + 1; 0 = not queued */
	struct inst *q_prev, *q_next;
	unsigned queue_pos;
	uint64_t queue_pos_version;
	/* this step */
	bool touched, op_new, write_autoboot, why_new;
	enum inst_state was_state, was_next;
	enum inst_mode was_mode;
	bool was_override, was_enabled, was_to_maint, was_marked, was_backoff,
		was_blocked;
	unsigned was_failures, was_n_faults;
	enum core_again was_again;
	enum inst_cmd cmd;
	struct inst *touched_next, *cmd_next, *dead_next;
};

enum queue_class { Q_OPERATOR, Q_HIGH, Q_NORMAL, Q_LOW, Q_CLASS_N, Q_FRESH = Q_CLASS_N };

struct queue_list {
	struct inst *head, *tail;
};

struct throttle {
	unsigned limit, used, n_queued; /* limit 0 = unlimited */
	struct queue_list list[Q_CLASS_N + 1];
	uint64_t version; /* of the order; positions are counted when asked for */
};

struct inst_list {
	struct inst *head, **tail;
};

struct core {
	uint64_t now_ms;
	uint32_t jitter; /* of this step's event */
	bool ready;
	/* all of them, sorted by name */
	struct inst **by_name; /* owned */
	unsigned n, cap;
	unsigned n_present, n_active, n_ending;
	bool cycles_stale;
	unsigned walk_epoch;  /* instances with this number have been visited */
	struct inst *changed; /* dependents have to look again */
	struct throttle throttle;
	unsigned suspend_resume;
	struct inst **heap; /* owned; room for cap */
	unsigned n_heap;
	/* host stop */
	bool stopping, stop_halted, stop_told;
	uint64_t stop_deadline_ms;
	/* this step */
	struct core_actions *actions;
	struct inst_list touched, cmds;
	struct inst *dead; /* removed by this step; freed by the next */
};

/* core.c */
void core_touch(struct core *c, struct inst *i);
struct core_action *core_emit(struct core *c, enum core_act type, struct inst *i);
void core_command(struct core *c, struct inst *i, enum inst_cmd cmd);

/* inst.c */
void inst_event(struct core *c, struct inst *i, enum inst_ev ev);
bool inst_enabled(const struct inst *i);
bool inst_blocked(const struct inst *i);  /* waits for an administrator elsewhere */
bool inst_active(const struct inst *i);   /* has a machine */
bool inst_ending(const struct inst *i);   /* its machine is being stopped */
bool inst_to_maint(const struct inst *i); /* the same, and then it is maintenance */
enum core_again inst_again(const struct core *c, const struct inst *i);
bool inst_keeps_why(const struct inst *i); /* its reason is persisted */
bool inst_out(const struct inst *i);       /* in maintenance, without a machine */
bool inst_away(const struct inst *i);      /* its zone is unavailable */
enum inst_state inst_next_state(const struct core *c, const struct inst *i);
void inst_enable(struct core *c, struct inst *i, bool on);
void inst_reconsider(struct core *c, struct inst *i);
void inst_stop(struct core *c, struct inst *i, bool halt);
void inst_autoshutdown(struct core *c, struct inst *i);
void inst_timeout(struct core *c, struct inst *i);
void inst_goals_changed(struct core *c, struct inst *i);
void why_set(struct inst *i, enum kz_reason kind, const char *fmt, ...) printf_like(3, 4);
enum vm_phase inst_phase(const struct inst *i);

/* fault.c */
enum inst_ev inst_fault(struct core *c, struct inst *i, const char *what,
			const char *text);
void inst_forget_faults(struct inst *i);
void inst_restore_faults(struct core *c, struct inst *i, const struct core_saved *saved);
void inst_save_faults(const struct core *c, const struct inst *i,
		      struct core_saved *saved);
void inst_panicked(struct core *c, struct inst *i, const char *text);
void inst_ended(struct core *c, struct inst *i, enum vm_end end, const char *text);
void inst_failed(struct core *c, struct inst *i, const char *text, bool storage);

/* ops.c */
void op_request(struct core *c, struct inst *i, const struct core_event *ev);
void op_mode_entered(struct core *c, struct inst *i, enum inst_mode from);
void op_answer(struct core *c, struct inst *i, int err, const char *fmt, ...)
	printf_like(4, 5);
const char *op_meaning(enum inst_mode mode, enum core_ev verb);
bool op_wants_boot(const struct inst *i);
void op_bring_up(struct core *c, struct inst *i);
void op_cancel_boot(struct core *c, struct inst *i, const char *why);

/* start.c */
void start_restore(struct core *c, struct inst *i, const struct core_saved *saved);
void start_adopt(struct core *c, struct inst *i, bool stopping, uint64_t since_ms);
void start_away(struct inst *i);
void start_back(struct inst *i);
void start_settle(struct core *c, bool host_boot);
void start_new(struct core *c, struct inst *i);

/* stop.c */
void stop_begin(struct core *c, uint64_t deadline_ms);
void stop_consider(struct core *c, struct inst *i);
void stop_progress(struct core *c);
void stop_timeout(struct core *c);

/* graph.c */
struct inst *graph_find(const struct core *c, const char *name);
int graph_set(struct core *c, const char *name, const struct core_spec *spec,
	      struct inst **ret_inst);
void graph_remove(struct core *c, struct inst *i);
void graph_status_changed(struct core *c, struct inst *i);
void graph_active_changed(struct core *c, struct inst *i);
void graph_propagate(struct core *c);
void graph_inst_free(struct inst *i);
bool edge_orders(const struct edge *e);
bool edge_to_zone(const struct edge *e);
void graph_set_knot(struct core *c, struct edge *e, bool knot);
struct inst *graph_next(const struct core *c, const char *name);
int graph_unit_set(struct core *c, const char *unit, enum unit_state state);

/* fmri.c */
#define FMRI_UNIT_KEY (&CORE_UNIT_FMRI_PREFIX[sizeof("svc:/") - 1])
bool fmri_is_restarter(const char *fmri);
bool fmri_names(const char *fmri, const char **ret_name, bool *ret_unit);

/* cycle.c */
bool cycle_reaches_itself(struct core *c, struct inst *i);
void cycle_find_all(struct core *c);
void cycle_text(struct core *c, struct inst *i, char *text, size_t size);
#define CYCLE_PREFIX "dependency cycle: "

/* throttle.c */
void throttle_enqueue(struct core *c, struct inst *i);
void throttle_dequeue(struct core *c, struct inst *i);
void throttle_reorder(struct core *c, struct inst *i);
void throttle_release(struct core *c, struct inst *i);
void throttle_take(struct core *c, struct inst *i);
bool throttle_admit(struct core *c);
unsigned throttle_position(const struct core *c, struct inst *i);

/* timers.c */
void timer_arm(struct core *c, struct inst *i, uint64_t deadline_ms);
void timer_disarm(struct core *c, struct inst *i);
struct inst *timer_expired(struct core *c);

/* reason.c */
#define SECONDS_ARG(ms) \
	(unsigned long long)(((ms) + 999) / 1000) /* rounded up, for %llu */
void reason_text(const struct core *c, const struct inst *i, char *text, size_t size);

#endif
