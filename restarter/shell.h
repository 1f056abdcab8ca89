/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shell.h - what stands around the pure core: one struct that the shell's files share
 *
 * DOC: How the shell works
 *
 * Whatever happens (an operator's request, a kzhost's message, a timer) becomes an event.
 * shell_step() applies it to the core at once and only collects the actions; when the
 * event loop has served everybody (before it would sleep) shell_commit() makes one
 * durable write for all the PERSIST actions collected and then carries the others out in
 * order. So a storm of a thousand events costs one fsync, and nothing is announced or
 * begun before what it rests on is on the disk. Whoever shows states to others (a reading
 * method, HTTP, status.json) calls shell_commit() first, for the same reason; only while
 * the disk refuses are they shown as they are, with that as the reason.
 *
 * When the write fails, nothing new begins: VM_START waits (zone.start_held) and requests
 * that begin something are refused with the reason; what ends something goes ahead. The
 * write is tried again every second.
 */
#ifndef KZ_RESTARTER_SHELL_H
#define KZ_RESTARTER_SHELL_H

#include "common/base/buf.h"
#include "common/sys/jail.h"
#include "common/sys/paths.h"
#include "restarter/config.h"
#include "restarter/core.h"
#include "restarter/limits.h"
#include "restarter/zones.h"

#include <uv.h>

struct admin;
struct http;
struct launches;
struct looks;
struct status;
struct units;

/* An action that waits for the next commit, and the zone it is about (NULL: the host). */
struct pending {
	struct core_action action; /* its inst may be gone by then: look it up */
	struct zone *zone;
};

struct shell {
	uv_loop_t loop;
	struct paths paths;
	struct core *core;
	struct zones zones;
	struct restarter_config config;
	struct limits limits;
	struct admin *admin;       /* owned; NULL until it listens */
	struct status *status;     /* owned */
	struct http *http;         /* owned; NULL until it listens */
	struct units *units;       /* owned */
	struct launches *launches; /* owned */
	struct looks *looks;       /* owned */
	bool units_stale;          /* dependencies may name others now */
	gid_t managers;            /* the group that may do everything; (gid_t)-1 */

	struct core_actions step; /* reused by every step */
	struct {
		struct pending *v; /* owned */
		unsigned n, cap;
	} batch;               /* collected since the last commit */
	struct buf state_text; /* state.json as it was last written; reused */
	uint32_t jitter;       /* for the next event; never 0 */
	int next_id;
	unsigned next_uid;  /* confined.c: where the search goes on */
	struct jail jail;   /* owned; namespaces of the zones that boot, once one has */
	char jail_why[256]; /* they have none because, or "" */
	bool begun;         /* the loop's handles live */
	bool committing;
	bool to_confirm; /* some zone's host's is set */
	bool noted;      /* some zone's is set */

	char boot_id[64];        /* of the host; "" once all has been stopped */
	bool check_only;         /* nothing is written: svc.zones -n */
	bool same_boot;          /* state.json is of this boot, and not of a clean stop */
	bool host_boot;          /* the host has booted since the last svc.zones */
	char persist_error[256]; /* why state.json cannot be written, or "" */
	bool stopping;
	uint64_t stop_deadline_ms; /* of the stop, also of one that was begun before us */
	bool stopped;              /* everything is down: leave */

	uint64_t clock_real_ms, clock_boot_ms; /* both clocks when the shell began */
	uv_timer_t core_timer, retry_timer, extend_timer;
	uv_timer_t groups_timer; /* limits.c */
	uv_prepare_t prepare;
	uv_check_t check;
	uv_signal_t signals[4];
};

/* Milliseconds that never go back and are those of CLOCK_REALTIME unless that was set. */
uint64_t shell_now_ms(const struct shell *sh);

/* Makes the core and the clocks; no file is touched. 0 or -ENOMEM. */
int shell_init(struct shell *sh);
/* Closes every handle, runs the loop dry, frees all. */
void shell_fini(struct shell *sh);
/* Starts the loop's handles: from now on steps are committed and timers run. */
void shell_begin(struct shell *sh);

/**
 * shell_step() - Apply an event to the core; its actions wait for the next commit
 * @ev:		Borrowed; now_ms is filled in
 *
 * Memory running out here ends the process: the next one adopts what runs.
 *
 * Return: 0 or -ENOENT (no such instance)
 */
int shell_step(struct shell *sh, struct core_event *ev);

/* Persist and carry out everything collected, until nothing is left. */
void shell_commit(struct shell *sh);

/**
 * shell_persist() - Write state.json now
 *
 * Keeps persist_error and the retry timer; what waited for the disk goes on when it
 * works.
 *
 * Return: 0 or -errno
 */
int shell_persist(struct shell *sh);

/* Reads the zone's configuration and tells the core (when installed). 0 or -ENOMEM. */
int shell_zone_refresh(struct shell *sh, struct zone *z);

/* Forgets the arguments that an operator gave for its next boot. */
void shell_drop_args(struct zone *z);

/* Binds the zone's console socket unless a kzhost has it; logs what fails. */
void shell_console_listen(struct shell *sh, struct zone *z);
/* Makes /run/zones/<zone>. 0 or -errno. */
int shell_zone_dir(struct shell *sh, struct zone *z);

/* Host stop: SIGTERM, SIGINT. */
void shell_stop(struct shell *sh);
/* Goes on with the stop that an earlier svc.zones began: with what is left of its time.
 */
void shell_stop_again(struct shell *sh);

#endif
