/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zones.h - the table of zones that the restarter knows, by name
 */
#ifndef KZ_RESTARTER_ZONES_H
#define KZ_RESTARTER_ZONES_H

#include "common/proto/ctl.h"
#include "common/sys/paths.h"
#include "common/zone/conf.h"
#include "restarter/core.h"
#include "restarter/life.h"
#include "restarter/limits.h"
#include "restarter/rights.h"

#define UUID_TEXT_SIZE 37

struct host;
struct launch;
struct stray;
struct conn;

/* One zone; owned by the table. */
struct zone {
	char name[ZONE_NAME_MAX + 1];
	enum life_state life;      /* INSTALLED, too, when the core says unavailable */
	uint8_t uuid[16];          /* zero until installed */
	bool has_config;           /* its file was there at the last look */
	char *config_error;        /* owned; why the file could not be used, or NULL */
	struct zone_rights rights; /* of the configuration last read */
	int id;                    /* small integer while active, else -1 */
	char *boot_args;           /* owned; for the next boot only, or NULL */
	struct core_saved saved;   /* as read from the repository */
	bool has_saved;
	bool has_ended;       /* its guest has ended its machine, ... */
	enum ctl_cause ended; /* ... like this; until the core was told */
	char *op_error; /* owned; why the answer to come is an error after all, or NULL */
	struct host *host;     /* owned; its kzhost while there is one */
	bool start_held;       /* VM_START waits for the repository */
	struct launch *launch; /* owned; its boot until that has a kzhost, or NULL */
	struct stray *stray;   /* owned; a kzhost that is not ours to command, or NULL */
	bool noted, told;    /* monitor.c: has changed; readers know it has an instance */
	struct conn *worker; /* borrowed; the connection between Begin and End */
	enum life_event worker_end; /* what a successful End means */
	int console_fd;             /* listening; -1 while only kzhost has it */
	uint64_t ram_bytes;         /* of the last boot */
	struct {
		pid_t pid;
		uint64_t at_ms, cpu_usec;
	} usage;                   /* usage.c: the last look at that process */
	struct zone_limits limits; /* of the machine that there is */
	bool grouped;              /* its machine has a control group */
	uint64_t started_ms, running_ms, online_ms; /* of the last boot; for adoption */
	char *record;      /* owned; of state.json (repo.c), or NULL */
	size_t record_len; /* bytes */
	bool unsaved;      /* what the record is of has changed, or may have */
};

struct zones {
	struct zone **v; /* owned, sorted by name */
	unsigned n, cap;
};

void zones_fini(struct zones *t);
struct zone *zones_find(const struct zones *t, const char *name);
/* Finds or makes it (configured, no configuration seen). 0, -EINVAL (name), -ENOMEM. */
int zones_get(struct zones *t, const char *name, struct zone **ret_zone);
/* Removes and frees it; it has no host. */
void zones_remove(struct zones *t, struct zone *z);

/* How far its life has come: what its record says, and the core of its storage. */
enum life_state zone_life(const struct core *core, const struct zone *z);

/* 0 or -errno of getrandom(2): a random (version 4) uuid. */
int uuid_random(uint8_t uuid[16]);
bool uuid_is_zero(const uint8_t uuid[16]);
void uuid_format(const uint8_t uuid[16], char text[UUID_TEXT_SIZE]);
/* 0 or -EINVAL. */
int uuid_parse(const char *text, uint8_t uuid[16]);

/* What the core has to know of a configuration. */
struct zone_spec {
	struct core_spec spec; /* its pointers point below */
	struct core_dep *deps; /* owned */
	char **strings;        /* owned: 2 for each dependency */
	unsigned n_strings;
};
void zone_spec_fini(struct zone_spec *s);

/**
 * zone_spec_load() - Read a zone's configuration for the core
 * @z:		has_config, config_error and rights are set from what was found
 * @ret_spec:	Always filled: with the defaults (no autoboot) when it cannot be used
 *
 * Return: 0 (also for a bad configuration) or -ENOMEM
 */
int zone_spec_load(const struct paths *p, struct zone *z, struct zone_spec *ret_spec);

#endif
