/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hosts.h - one kzhost as the restarter sees it: process, control connection, deadlines
 *
 * DOC: A host's life
 *
 * host_start() forks kzhost and connects; HELLO, CREATE and START follow, each with a
 * deadline. From then on one of VM_RUNNING, VM_PANICKED, VM_FAILED and VM_EXITED tells
 * the core what has become of it. Nothing that a kzhost sends or does not send blocks the
 * restarter: what is late, garbled or not asked for ends it by SIGKILL through its pidfd.
 * The end is told to the core, exactly once, when the process is gone.
 */
#ifndef KZ_RESTARTER_HOSTS_H
#define KZ_RESTARTER_HOSTS_H

#include "common/base/fsm.h"
#include "common/proto/ctl.h"
#include "restarter/boot.h"
#include "restarter/shell.h"

#include <sys/socket.h>

#define HOST_STATES(X) \
	X(HELLO, "hello")   /* forked; HELLO was sent */ \
	X(CREATE, "create") /* CREATE was sent */ \
	X(START, "start")   /* START was sent */ \
	X(RUNNING, "running") \
	X(ENDING, "ending") /* must leave, or was killed */ \
	X(GONE, "gone")

enum host_state {
#define X(id, name) HOST_##id,
	HOST_STATES(X)
#undef X
		HOST_STATE_N
};

#define HOST_EVENTS(X) \
	X(ANSWERED, "answered") /* the request of this state succeeded */ \
	X(REFUSED, "refused")   /* it failed, and kzhost says why */ \
	X(PANIC, "panic") \
	X(GOALS, "goals") \
	X(EXITING, "exiting") /* kzhost says why it ends */ \
	X(EOF, "end of file") /* its process ends now, or should */ \
	X(BROKEN, "broken")   /* garbage, or what nobody asked for */ \
	X(LATE, "late")       /* the deadline has passed */ \
	X(HALT, "halt")       /* we want its end */ \
	X(ENDED, "ended")     /* the process is gone */

enum host_event {
#define X(id, name) HOST_EV_##id,
	HOST_EVENTS(X)
#undef X
		HOST_EVENT_N
};

extern const char *const host_state_names[HOST_STATE_N];
extern const struct fsm host_fsm;

/* Answers that may be outstanding on one connection. */
#define HOST_ASKED_MAX 32

struct host {
	struct shell *sh;
	struct zone *zone; /* its owner */
	enum host_state state;
	struct boot *boot;     /* owned; until START was sent */
	char *kernel, *initrd; /* owned; paths for reasons, NULL when adopted */
	int ctl_fd;            /* connection */
	int pidfd;
	pid_t pid;
	uid_t uid;                          /* its own, or 0: that of svc.zones */
	uint32_t confined;                  /* flags of HELLO; 0 until it was answered */
	uint64_t resident_bytes;            /* of its RAM, at the last look (admit.c) */
	bool greeted;                       /* it has answered HELLO */
	bool counts_asked;                  /* a STATUS is to be answered */
	uint64_t guest_errors, disk_errors; /* as STATUS said last */
	unsigned n_disks, n_page_cache, n_read_only;
	enum ctl_engine disk_engine;
	bool child;   /* ours to reap; false when adopted */
	bool polling; /* the handles below are initialised */
	bool was_running;
	bool halt_asked;
	bool found_ended; /* when it was adopted: if it was halted, by the last restarter */
	bool to_confirm; /* why it ended is to be persisted, then it may go */
	bool killed;
	bool panicked; /* PANIC came; once is enough */
	bool goals;    /* so did GOALS */
	bool said_why; /* EXITING came */
	enum ctl_cause cause;
	bool refused;                /* it said FAILED while it was being started */
	char text[CORE_REASON_SIZE]; /* why it ends, for people */
	struct {
		uint16_t id;
		uint32_t seq;
	} asked[HOST_ASKED_MAX]; /* answers to come, oldest first */
	unsigned n_asked;
	uint32_t seq;
	unsigned n_open; /* handles not yet closed */
	uv_poll_t ctl_poll, exit_poll;
	uv_timer_t timer;
	uv_timer_t log_timer; /* until its next console log, not too often */
	uint64_t log_ms;      /* when it got the last one, on the loop's clock */
};

/**
 * host_start() - Run a kzhost for a prepared boot
 * @take_boot:	Owned by the host from here on, also on failure
 *
 * On success zone->host is set and the end will be told as an event.
 *
 * Return: 0 or -errno with a text that says which step failed
 */
int host_start(struct shell *sh, struct zone *z, struct boot *take_boot,
	       struct errmsg *e);

/**
 * host_adopt() - Take over a kzhost that has said HELLO
 * @take_ctl_fd, @take_pidfd: Owned by the host on success only
 * @who:	The process, as the kernel vouches for it
 * @m:		What it said
 *
 * Return: 0 or -ENOMEM
 */
int host_adopt(struct shell *sh, struct zone *z, int take_ctl_fd, int take_pidfd,
	       const struct ucred *who, const struct ctl_hello_reply *m);

/* The deadline of one step: as given, or what KZONES_STEP_TIMEOUT_MS says. */
uint64_t host_step_ms(uint64_t normal);

/* Asks the guest to shut down; a host that is not running yet is halted. */
void host_shutdown(struct host *h);
/* HALT; SIGKILL after two seconds, at once when it was not running yet. */
void host_halt(struct host *h);
/* SIGKILL, without asking. */
void host_kill(struct host *h);
/* Why it ended is on the disk now: it may go, if that is what it waits for. */
void host_confirm(struct host *h);
/* Lets go of it without ending it: the restarter leaves. */
void host_detach(struct host *h);

#endif
