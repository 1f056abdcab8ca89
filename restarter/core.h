/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * core.h - the restarter's core: a pure function from (state, event) to actions
 *
 * DOC: Contract
 *
 * core_step() knows no clock, no files, no randomness and no log. Time comes in with the
 * event. One step applies the event to the one instance (or the host) it names,
 * propagates through the dependency graph to a fixed point, schedules what the throttle
 * admits, and emits actions. Executing them and feeding their results back as events is
 * the shell's work. The outside sees a step as a whole: its actions come grouped, first
 * every PERSIST, then AUTOBOOT and STATE, then what machines have to do (in the order
 * that the throttle decided), then OP_WAIT and OP_DONE, last STOPPED. So PERSIST comes
 * before every action that announces or begins what it persists: a shell that carries
 * actions out in order (one write for the whole run of PERSISTs) can be killed anywhere.
 *
 * DOC: Start of the restarter
 *
 * LIMITS; for every installed zone ZONE_SET, then ZONE_RESTORE if something was
 * persisted (also when HOST_BOOT follows: it may have been marked), then ADOPT if its
 * kzhost still runs (then VM_GOALS or VM_PANICKED if it says so); at the end HOST_BOOT if
 * the host has booted since the last start, else READY. Until that last event every
 * instance is uninitialized or adopted, and no machine is started or stopped.
 *
 * Every start of a machine is ended by exactly one VM_EXITED or VM_FAILED; what comes for
 * an instance in another phase (late, doubled) is ignored and traced, never an error.
 *
 * DOC: Storage
 *
 * A boot that fails for want of the zone's storage (VM_FAILED, storage), or ZONE_AWAY,
 * makes the zone unavailable: its instance is in maintenance, also after a boot of the
 * host, until ZONE_BACK or an operator's CLEAR. ZONE_BACK goes by autoboot, CLEAR by
 * whether it is enabled. Whether the storage is there is the shell's to find out, before
 * it tells either. Both zone events may come before READY, then after ZONE_RESTORE.
 *
 * DOC: Units of the host
 *
 * A dependency may name a unit of the host's service manager. The core has nothing to say
 * to units; it knows of each that some dependency names (core_next_unit()) what
 * HOST_UNIT last said, and until then waits for it. Such a state counts for the groupings
 * as that of a zone does.
 */
#ifndef KZ_RESTARTER_CORE_H
#define KZ_RESTARTER_CORE_H

#include "common/base/err.h"
#include "common/base/fsm.h"
#include "common/proto/reason.h"

#define CORE_FMRI_PREFIX      "svc:/system/zones/zone:"
#define CORE_UNIT_FMRI_PREFIX "svc:/host/systemd/unit:"
#define CORE_RESTARTER_FMRI   "svc:/system/zones:default"
#define CORE_REASON_SIZE      256

struct core;
struct inst;

/* SMF instance states. */
#define INST_STATES(X) \
	X(UNINIT, "uninitialized") \
	X(DISABLED, "disabled") \
	X(OFFLINE, "offline") \
	X(ONLINE, "online") \
	X(DEGRADED, "degraded") \
	X(MAINT, "maintenance")

enum inst_state {
#define X(id, name) INST_##id,
	INST_STATES(X)
#undef X
		INST_STATE_N
};

/* What the instance's machine does; with INST_STATE it gives the zone state. */
#define VM_PHASES(X) \
	X(NONE, "none")         /* no kzhost */ \
	X(STARTING, "starting") /* VM_START was emitted; zone state ready */ \
	X(RUNNING, "running") \
	X(STOPPING, "stopping") /* VM_SHUTDOWN was emitted; zone state shutting_down */ \
	X(HALTING, "halting")   /* VM_HALT was emitted; zone state down */

enum vm_phase {
#define X(id, name) VM_##id,
	VM_PHASES(X)
#undef X
		VM_PHASE_N
};

/*
 * Words of a zone's configuration, in the order in which its property table has them (a
 * unit test compares), so that the index of a word is the value here.
 */
#define DEP_GROUPINGS(X) \
	X(REQUIRE_ALL, "require_all") \
	X(REQUIRE_ANY, "require_any") \
	X(OPTIONAL_ALL, "optional_all") X(EXCLUDE_ALL, "exclude_all")
#define BOOT_PRIORITIES(X) X(HIGH, "high") X(NORMAL, "normal") X(LOW, "low")
#define ON_PANICS(X)       X(HOLD, "hold") X(RESTART, "restart") X(HALT, "halt")
#define AUTOSHUTDOWNS(X)   X(SHUTDOWN, "shutdown") X(HALT, "halt") X(SUSPEND, "suspend")

/* A unit that dependencies name: id, as reasons say it. */
#define UNIT_STATES(X) \
	X(UNKNOWN, "unknown")   /* nothing was heard of it yet */ \
	X(ABSENT, "absent")     /* there is no such unit, or nobody to ask */ \
	X(DISABLED, "disabled") /* not active, and nothing starts it */ \
	X(OFFLINE, "offline")   /* not active, but on its way up or down */ \
	X(ONLINE, "online") \
	X(MAINT, "maintenance") /* it failed */

#define X(id, name) UNIT_##id,
enum unit_state { UNIT_STATES(X) UNIT_STATE_N };
#undef X

#define X(id, name) DEP_##id,
enum dep_grouping { DEP_GROUPINGS(X) };
#undef X
#define X(id, name) PRIO_##id,
enum boot_priority { BOOT_PRIORITIES(X) PRIO_N };
#undef X
#define X(id, name) PANIC_##id,
enum on_panic { ON_PANICS(X) };
#undef X
#define X(id, name) AUTO_##id,
enum autoshutdown { AUTOSHUTDOWNS(X) };
#undef X

extern const char *const boot_priority_names[PRIO_N];

struct core_dep {
	const char *group; /* dependencies of one group name form one group */
	const char *fmri;
	enum dep_grouping grouping;
};

/* What the configuration says of an installed zone; all borrowed for the step. */
struct core_spec {
	enum boot_priority priority;
	enum autoshutdown autoshutdown;
	enum on_panic on_panic;
	bool autoboot;
	uint32_t shutdown_timeout_ms;
	uint32_t goals_timeout_ms; /* 0: online as soon as the guest runs (goals none) */
	const struct core_dep *deps;
	unsigned n_deps;
};

/* Why a machine ended, as the shell found out. */
enum vm_end {
	VM_END_POWEROFF, /* the guest switched itself off, or did what SHUTDOWN asked */
	VM_END_RESET,    /* the guest wants to boot again */
	VM_END_HALTED,   /* HALT was carried out */
	VM_END_PANIC,
	VM_END_CRASH, /* kzhost or KVM failed, or it went without a word */
};

/* Events: id, name. The union member each uses is in struct core_event. */
#define CORE_EVENTS(X) \
	X(ZONE_SET, \
	  "zone-set") /* zone appeared (installed) or was reconfigured: spec */ \
	X(ZONE_GONE, \
	  "zone-gone") /* uninstalled; refused by the shell while it is active */ \
	X(ZONE_AWAY, "zone-away") /* its storage is not there: unavailable; text */ \
	X(ZONE_BACK, "zone-back") /* its storage is there again: attached */ \
	X(ZONE_RESTORE, \
	  "zone-restore")         /* after ZONE_SET, at start: what was persisted */ \
	X(ADOPT, "adopt")         /* at start: a running kzhost was found: adopt */ \
	X(READY, "ready")         /* at start, after the above: act from now on */ \
	X(HOST_BOOT, "host-boot") /* the same, once per boot of the host: autoboot */ \
	X(HOST_STOP, "host-stop") /* stop everything until stop_deadline_ms */ \
	X(LIMITS, "limits")       /* new throttle limits */ \
	X(BOOT, "boot")           /* operator: zoneadm boot (temporary enable) */ \
	X(SHUTDOWN, "shutdown")   /* operator: clean stop (temporary disable) */ \
	X(HALT, "halt")           /* operator: stop now (temporary disable) */ \
	X(REBOOT, "reboot")       /* operator: halt and boot */ \
	X(RESTART, "restart")     /* operator: clean stop and boot (shutdown -r) */ \
	X(ENABLE, "enable")       /* svcadm enable: temporary */ \
	X(DISABLE, "disable")     /* svcadm disable: temporary */ \
	X(CLEAR, "clear")         /* svcadm clear */ \
	X(MARK_MAINT, "mark-maintenance") /* svcadm mark maintenance: immediate */ \
	X(MARK_DEGRADED, "mark-degraded") /* svcadm mark degraded */ \
	X(VM_RUNNING, "vm-running")       /* the guest runs */ \
	X(VM_GOALS, "vm-goals")       /* the guest said that it has reached its goals */ \
	X(VM_FAILED, "vm-failed")     /* the boot failed: text */ \
	X(VM_PANICKED, "vm-panicked") /* the guest panicked; kzhost holds it */ \
	X(VM_EXITED, "vm-exited")     /* kzhost is gone: end, text */ \
	X(HOST_UNIT, "host-unit")     /* what a unit of the host is now: unit */ \
	X(TIMER, "timer")             /* core_deadline_ms() has passed */

enum core_ev {
#define X(id, name) EV_##id,
	CORE_EVENTS(X)
#undef X
		CORE_EV_N
};

/* How a machine is being stopped that is to be booted again, as state.json says it. */
#define CORE_AGAINS(X) \
	X(NO, "no")             /* it is not */ \
	X(SHUTDOWN, "shutdown") /* the guest is asked, or was */ \
	X(HALT, "halt")

enum core_again {
#define X(id, name) AGAIN_##id,
	CORE_AGAINS(X)
#undef X
		CORE_AGAIN_N
};

/* Faults that are remembered: one more than may be within FAULTS_MS. */
#define CORE_FAULTS_KEPT 11

/* What is persisted of an instance (and restored at start). */
struct core_saved {
	bool enabled_temporary; /* an override is in force */
	bool enabled;           /* by the override, else as autoboot was */
	enum inst_state state;
	bool to_maint;         /* its machine is being stopped for good */
	enum core_again again; /* or for a reboot: its end is no fault */
	bool marked; /* maintenance was asked for, and not until the next boot only */
	bool unavailable;  /* the zone is: its storage was not there */
	unsigned failures; /* in a row */
	uint64_t retry_ms; /* when the next try comes; 0: none is waited for */
	uint64_t since_ms; /* as given by the shell's clock of that time */
	unsigned n_faults; /* those that still count */
	uint64_t fault_ms[CORE_FAULTS_KEPT]; /* their times, in their order */
	char reason[CORE_REASON_SIZE];       /* of maintenance (coming, too), degraded,
					      * disabled, of the failure before the next try
					      */
	enum kz_reason why;                  /* the same */
};

struct core_event {
	enum core_ev type;
	uint64_t now_ms; /* any monotonic clock; what goes back is taken as standing still
			  */
	uint32_t jitter; /* random bits, fresh for each event; 0: nothing is left to
			    chance */
	const char *zone; /* NULL for events of the host; borrowed */
	uint64_t op;      /* operator's request to be answered by OP_DONE; 0 = none */
	const char *text; /* reason of VM_FAILED, VM_EXITED (may be NULL), ZONE_AWAY;
			   * borrowed */
	bool storage;     /* VM_FAILED: for want of its storage */
	union {
		struct core_spec spec;   /* ZONE_SET */
		struct core_saved saved; /* ZONE_RESTORE */
		struct {
			bool stopping;     /* the guest was asked to shut down */
			uint64_t since_ms; /* so, or running; on the clock of now_ms */
		} adopt;                   /* ADOPT */
		enum vm_end end;           /* VM_EXITED */
		bool temporary;            /* ENABLE, DISABLE */
		struct {
			bool immediate;    /* do not ask the guest */
			bool temporary;    /* gone when the host boots */
		} mark;                    /* MARK_MAINT */
		uint64_t stop_deadline_ms; /* HOST_STOP, on the clock of now_ms */
		struct {
			unsigned boot_shutdown;  /* 0 = unlimited */
			unsigned suspend_resume; /* 0 = unlimited */
		} limits;
		struct {
			const char *name; /* "ssh.service"; borrowed */
			enum unit_state state;
		} unit; /* HOST_UNIT; -ENOENT when no dependency names it */
	};
};

/* Actions, in the order they have to be carried out. */
#define CORE_ACTIONS(X) \
	X(PERSIST, "persist") /* save core_saved_of(inst) durably before going on */ \
	X(AUTOBOOT, \
	  "autoboot")     /* svcadm enable/disable without -t: write the property */ \
	X(STATE, "state") /* announce: from -> state, reason; from == state: only the \
			   * next state changed (the '*' of offline*), or whether it is \
			   * blocked */ \
	X(VM_START, "vm-start")       /* make kzhost and run the guest */ \
	X(VM_SHUTDOWN, "vm-shutdown") /* ask the guest to shut down */ \
	X(VM_HALT, "vm-halt")         /* end kzhost now */ \
	X(OP_WAIT, "op-wait")         /* tell op what it waits for: reason */ \
	X(OP_DONE, "op-done")         /* answer op: err, reason */ \
	X(STOPPED, "stopped")         /* after HOST_STOP: nothing runs any more */

enum core_act {
#define X(id, name) ACT_##id,
	CORE_ACTIONS(X)
#undef X
		CORE_ACT_N
};

struct core_action {
	enum core_act type;
	struct inst *inst; /* NULL for STOPPED; valid until the next step */
	uint64_t op;       /* OP_WAIT, OP_DONE */
	int err;    /* OP_DONE: 0, -EBUSY (illegal in this state), -ECANCELED (another
		     * request took its place), -EIO (it failed), -ENOENT */
	bool value; /* AUTOBOOT */
	enum inst_state from; /* STATE */
	char reason[CORE_REASON_SIZE];
};

/* A list that grows; reused from step to step. */
struct core_actions {
	struct core_action *v; /* owned */
	unsigned n, cap;
};
void core_actions_fini(struct core_actions *a);

/* 0 or -ENOMEM. */
int core_new(struct core **ret_core);
void core_free(struct core *c);
DEFINE_FREEP(struct core, core_free)

/**
 * core_step() - Apply one event
 * @actions:	Emptied, then filled
 *
 * Return: 0, -ENOENT (no such instance), -EBUSY (ZONE_GONE or ZONE_AWAY of a zone that
 * has a machine), -ENOMEM; on failure nothing was changed and @ev->op is the caller's to
 * answer
 */
int core_step(struct core *c, const struct core_event *ev, struct core_actions *actions);

/* What time it is, for what core_view() says of time; a step brings its own. */
void core_tell_time(struct core *c, uint64_t now_ms);

/* When TIMER has to come at the latest, on the clock of now_ms; UINT64_MAX = never. */
uint64_t core_deadline_ms(const struct core *c);

/* One instance as others may see it; strings are valid until the next step. */
struct core_view {
	const char *zone;
	enum inst_state state;
	enum inst_state next; /* equal to state when nothing is under way */
	enum vm_phase phase;
	bool panicked;
	bool enabled, enabled_temporary;
	enum boot_priority priority;
	unsigned queue_pos; /* 1 = next for a slot; 0 = not queued */
	uint64_t since_ms;  /* state entered */
	uint64_t start_ms, running_ms, online_ms; /* of the last boot; 0 = not yet */
	unsigned failures;                        /* in a row */
	uint64_t retry_ms;    /* next try, when it waits for that; else 0 */
	uint64_t deadline_ms; /* of what is under way; 0: it has none */
	bool blocked;         /* offline, and not to be online without an administrator */
	bool unavailable;     /* the zone is; its instance is in maintenance */
	char reason[CORE_REASON_SIZE]; /* why it is not online, or ""; always one when it
					  waits */
	enum kz_reason why;            /* the same; NONE when there is none */
};
struct inst *core_find(const struct core *c, const char *zone);
void core_view(const struct core *c, const struct inst *i, struct core_view *ret_view);
/* Of the view, the one member. */
bool core_is_unavailable(const struct inst *i);
/* Iterates in order of name: NULL begins, NULL ends. */
struct inst *core_next(const struct core *c, const struct inst *after);
void core_saved_of(const struct core *c, const struct inst *i,
		   struct core_saved *ret_saved);
/* The units that dependencies name, likewise in order of name. */
struct inst *core_next_unit(const struct core *c, const struct inst *after);
/* Such a unit's name, valid until the next step, and what is known of it. */
const char *core_unit_name(const struct inst *unit);
enum unit_state core_unit_state(const struct inst *unit);
/* The same by name; UNKNOWN, too, when no dependency names it. */
enum unit_state core_unit_find(const struct core *c, const char *name);

struct core_totals {
	unsigned n_instances, slots_used, slots_limit, queued;
	unsigned by_state[INST_STATE_N];
};
void core_totals(const struct core *c, struct core_totals *ret_totals);

extern const char *const inst_state_names[INST_STATE_N];
extern const char *const vm_phase_names[VM_PHASE_N];
extern const char *const unit_state_names[UNIT_STATE_N];
extern const char *const core_again_names[CORE_AGAIN_N];
extern const char *const core_ev_names[CORE_EV_N];
extern const char *const core_act_names[CORE_ACT_N];
/* Appends what modes are and what requests do in them, as Markdown (docs/states.md). */
void core_print_tables(struct buf *out);
extern const struct fsm
	inst_fsm; /* the instance table, for --selftest and docs/states.md */

#endif
