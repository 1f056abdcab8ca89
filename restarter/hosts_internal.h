/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hosts_internal.h - what the three files of one kzhost's machinery share
 *
 * host_rules.c has the table of states, host_talk.c what is said on the control
 * connection, hosts.c the process, its deadlines and its end.
 */
#ifndef KZ_RESTARTER_HOSTS_INTERNAL_H
#define KZ_RESTARTER_HOSTS_INTERNAL_H

#include "restarter/hosts.h"

/* What a rule does; see act() in hosts.c. */
#define HOST_ACTIONS(X) \
	X(CREATE, "send CREATE") \
	X(START, "send DISKs and START") \
	X(RUNNING, "tell that it runs") \
	X(PANIC, "tell that it panicked") \
	X(GOALS, "tell that its goals are reached") \
	X(LEAVE, "wait for its end") \
	X(HALT, "send HALT") \
	X(KILL, "kill") \
	X(TELL, "tell its end")

enum host_action {
	HOST_ACT_NONE,
#define X(id, name) HOST_ACT_##id,
	HOST_ACTIONS(X)
#undef X
		HOST_ACTION_N
};

extern const char *const host_event_names[HOST_EVENT_N];

/* The one setter of a host's state. A host that is gone is freed by the loop, later. */
void host_on(struct host *h, enum host_event ev);
/* Why it ends. The first reason counts: what follows is its consequence. */
void host_say(struct host *h, const char *fmt, ...) printf_like(2, 3);

/* Requests whose answers are awaited; a connection that takes none is broken. */
void host_ask_hello(struct host *h);
/* Sends CREATE with its descriptors, from h->boot. */
void host_ask_create(struct host *h);
/* Sends a DISK for each disk of h->boot, then START. Frees h->boot. */
void host_ask_start(struct host *h);
void host_ask_plain(struct host *h, unsigned id);
/* HALT for one that said EXITING; it may have gone already. */
void host_ask_leave(struct host *h);
/* Asks for the devices' counts, unless that was asked already. */
void host_ask_counts(struct host *h);
/* The log timer of a running host: its full console log goes aside, it gets a new one. */
void host_give_log(uv_timer_t *t);
/* Reads what is there; end of file or garbage ends the conversation. */
void host_receive(struct host *h);

#endif
