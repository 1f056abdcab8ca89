/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * units.h - the host's units that zones depend on: what they are, told to the core
 *
 * DOC: How a unit is watched
 *
 * The core knows which units dependencies name. For each of them the service manager is
 * asked over the system bus (ListUnitsByNames, org.freedesktop.systemd1(5)) and a match
 * is set on the object that it names, which may be that of another name (an alias). What
 * signals say is not read: any signal about the object, a reload, or a service manager
 * that is new on the bus means to ask again; one question a unit is under way at a time.
 * So there is one reader of states, and the last answer is right whatever came in
 * between.
 *
 * Everything is asynchronous, on the shell's loop. Nothing is opened until a zone depends
 * on a unit. Without a bus (or libsystemd) units are absent, which is said once, and the
 * bus is looked for again every RETRY_MS.
 */
#ifndef KZ_RESTARTER_UNITS_H
#define KZ_RESTARTER_UNITS_H

#include "restarter/core.h"

struct shell;
struct units;

/* The watcher, owned by the caller; watches nothing yet. 0 or -ENOMEM. */
int units_new(struct shell *sh, struct units **ret_units);
/* Ends what is under way; its handles are closed when the loop has run. */
void units_free(struct units *u);

/* Dependencies may have changed: watch what the core names now, and nothing else. */
void units_sync(struct units *u);

/**
 * unit_state_of() - What a unit is to those that depend on it
 * @load, @active:	LoadState and ActiveState, as systemd has them
 * @job:		The type of the job that is queued for it, "" for none
 */
enum unit_state unit_state_of(const char *load, const char *active, const char *job);

#endif
