// SPDX-License-Identifier: BSD-2-Clause
/*
 * view.c - what the restarter knows, as JSON
 *
 * A failed allocation somewhere below is found at the end: jansson's setters take NULL
 * and fail, and whoever serialises the whole sees a member missing at worst; so every
 * top-level builder checks what it must have.
 */
#include "restarter/view.h"
#include "common/base/json.h"
#include "restarter/hosts.h"
#include "restarter/stray.h"
#include "restarter/usage.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static void set(json_t *o, const char *key, json_t *value)
{
	(void)json_object_set_new(o, key, value);
}

static void set_number(json_t *o, const char *key, uint64_t value)
{
	set(o, key, json_integer((json_int_t)value));
}

/* RFC 3339, UTC, milliseconds; null for 0. */
static void set_time(json_t *o, const char *key, uint64_t ms)
{
	time_t s = (time_t)(ms / 1000);
	char text[64];
	struct tm tm;
	size_t n;

	if (!ms || !gmtime_r(&s, &tm)) {
		set(o, key, json_null());
		return;
	}
	n = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + n, sizeof(text) - n, ".%03uZ", (unsigned)(ms % 1000));
	set(o, key, json_string(text));
}

/* Is there more of the zone than a name that somebody asked for? */
static bool shown(const struct zone *z)
{
	return z->has_config || z->life != LIFE_CONFIGURED;
}

/* The instance's view; false when the zone has none. */
static bool look(const struct shell *sh, const struct zone *z, struct core_view *v)
{
	const struct inst *i =
		z->life == LIFE_INSTALLED ? core_find(sh->core, z->name) : NULL;

	if (!i)
		return false;
	core_view(sh->core, i, v);
	return true;
}

/* The core's reason, or what keeps the zone on the shell's side; v->why goes with it. */
static const char *reason_of(const struct shell *sh, const struct zone *z,
			     struct core_view *v)
{
	if (z->stray) {
		v->why = KZ_WHY_STRAY;
		stray_text(z, v->reason, sizeof(v->reason));
		return v->reason;
	}
	if (z->start_held) {
		v->why = KZ_WHY_NOT_PERSISTED;
		return sh->persist_error;
	}
	/* Maintenance has the reason of the boot that failed. */
	if (!z->config_error || v->phase != VM_NONE || v->state == INST_MAINT)
		return v->reason;
	v->why = KZ_WHY_CONFIGURATION;
	return z->config_error;
}

static enum zone_state state_of(const struct zone *z, const struct core_view *v)
{
	static const enum zone_state lives[LIFE_STATE_N] = {
		[LIFE_CONFIGURED] = ZONE_CONFIGURED,
		[LIFE_INCOMPLETE] = ZONE_INCOMPLETE,
		[LIFE_UNAVAILABLE] = ZONE_UNAVAILABLE,
		[LIFE_INSTALLED] = ZONE_INSTALLED,
	};
	static const enum zone_state phases[VM_PHASE_N] = {
		[VM_NONE] = ZONE_INSTALLED,  [VM_STARTING] = ZONE_READY,
		[VM_RUNNING] = ZONE_RUNNING, [VM_STOPPING] = ZONE_SHUTTING_DOWN,
		[VM_HALTING] = ZONE_DOWN,
	};

	/* Without a configuration nothing can be done with what is installed. */
	if (z->config_error && (!v || v->phase == VM_NONE))
		return ZONE_INCOMPLETE;
	return v ? phases[v->phase] : lives[z->life];
}

enum zone_state view_zone_state(const struct shell *sh, const struct zone *z)
{
	struct core_view v;

	return state_of(z, look(sh, z, &v) ? &v : NULL);
}

static json_t *auxiliary(const struct zone *z, const struct core_view *v)
{
	json_t *a = json_array();

	if (v && v->panicked)
		json_array_append_new(a, json_string(zone_aux_name(AUX_PANICKED)));
	if (z->config_error)
		json_array_append_new(a, json_string(zone_aux_name(AUX_NO_CONFIG)));
	return a;
}

/* What all zone objects begin with. */
static json_t *zone_head(const struct zone *z, const struct core_view *v)
{
	char uuid[UUID_TEXT_SIZE] = "";
	bool active = v && v->phase != VM_NONE;

	if (!uuid_is_zero(z->uuid))
		uuid_format(z->uuid, uuid);
	return json_pack("{s:s, s:i, s:s, s:s, s:o}", "name", z->name, "id",
			 active ? z->id : -1, "uuid", uuid, "state",
			 zone_state_name(state_of(z, v)), "auxiliary", auxiliary(z, v));
}

json_t *view_zone(const struct shell *sh, const struct zone *z)
{
	struct core_view v;
	json_t *o = zone_head(z, look(sh, z, &v) ? &v : NULL);

	set(o, "brand", json_string("solaris-kz"));
	set(o, "ip_type", json_string("excl"));
	set(o, "path", json_string("-"));
	return o;
}

static void set_fmri(json_t *o, const struct zone *z)
{
	set(o, "fmri", json_sprintf("%s%s", CORE_FMRI_PREFIX, z->name));
}

json_t *view_instance(const struct shell *sh, const struct zone *z)
{
	struct core_view v;
	json_t *o;

	if (!look(sh, z, &v))
		return NULL;
	o = json_pack("{s:s, s:s, s:s, s:I, s:b, s:b, s:b, s:i}", "zone", z->name,
		      "state", inst_state_names[v.state], "next_state",
		      v.next == v.state ? "none" : inst_state_names[v.next],
		      "state_time_ms", (json_int_t)v.since_ms, "enabled", v.enabled,
		      "enabled_temporary", v.enabled_temporary, "blocked", v.blocked,
		      "contract", z->host ? (int)z->host->pid : 0);
	set_fmri(o, z);
	set(o, "reason", json_text(reason_of(sh, z, &v)));
	set(o, "auxiliary_state", json_string(kz_reason_token(v.why)));
	return o;
}

/* Where a boot or a stop that is under way has got to. */
static json_t *status_progress(const struct core_view *v)
{
	json_t *o;

	if (v->next == v->state)
		return json_null();
	o = json_pack("{s:s}", "phase", vm_phase_names[v->phase]);
	set_time(o, "deadline", v->deadline_ms);
	return o;
}

static json_t *status_instance(const struct shell *sh, const struct zone *z,
			       struct core_view *v)
{
	json_t *o = json_pack("{s:s, s:s, s:b, s:b}", "state", inst_state_names[v->state],
			      "next_state",
			      v->next == v->state ? "none" : inst_state_names[v->next],
			      "enabled", v->enabled, "enabled_temporary",
			      v->enabled_temporary);

	set_fmri(o, z);
	set(o, "reason", json_text(reason_of(sh, z, v)));
	set(o, "auxiliary_state", json_string(kz_reason_token(v->why)));
	set_time(o, "since", v->since_ms);
	set_number(o, "failures", v->failures);
	set_number(o, "attempts", v->failures + (v->phase != VM_NONE));
	set_time(o, "next_retry", v->retry_ms);
	set(o, "progress", status_progress(v));
	set(o, "queue_position", v->queue_pos ? json_integer(v->queue_pos) : json_null());
	return o;
}

/* From one moment to the next; null while one of them has not come. */
static void set_duration(json_t *o, const char *key, uint64_t from_ms, uint64_t to_ms)
{
	set(o, key,
	    from_ms && to_ms >= from_ms ? json_integer((json_int_t)(to_ms - from_ms))
					: json_null());
}

/* Of the last boot; after an adoption the times before it are the persisted ones. */
static json_t *status_boot(const struct zone *z, const struct core_view *v)
{
	uint64_t running_ms = v->running_ms ? v->running_ms : z->running_ms;
	uint64_t online_ms = v->online_ms ? v->online_ms : z->online_ms;
	json_t *o = json_object();

	set_time(o, "started", z->started_ms);
	set_time(o, "running", running_ms);
	set_time(o, "online", online_ms);
	set_duration(o, "start_ms", z->started_ms, running_ms);
	set_duration(o, "goals_ms", running_ms, online_ms);
	return o;
}

static json_t *status_zone(const struct shell *sh, struct zone *z)
{
	struct core_view v;
	bool has = look(sh, z, &v);
	json_t *o = zone_head(z, has ? &v : NULL);

	set(o, "instance", has ? status_instance(sh, z, &v) : json_null());
	set(o, "priority",
	    has ? json_string(boot_priority_names[v.priority]) : json_null());
	set(o, "pid", z->host ? json_integer(z->host->pid) : json_null());
	set_number(o, "memory_bytes", z->host ? z->ram_bytes : 0);
	set_number(o, "cpu_usec", usage_cpu_usec(sh, z));
	set(o, "boot", has ? status_boot(z, &v) : json_null());
	return o;
}

static json_t *status_totals(const struct shell *sh)
{
	uint64_t memory = 0;
	unsigned zones = 0, active = 0;

	for (unsigned i = 0; i < sh->zones.n; i++) {
		const struct zone *z = sh->zones.v[i];

		zones += shown(z);
		active += z->host != NULL;
		memory += z->host ? z->ram_bytes : 0;
	}
	return json_pack("{s:i, s:i, s:I}", "zones", (int)zones, "active", (int)active,
			 "memory_bytes", (json_int_t)memory);
}

static json_t *status_host(const struct shell *sh)
{
	struct core_totals t;
	json_t *o, *by_state = json_object();

	core_totals(sh->core, &t);
	for (unsigned i = 0; i < INST_STATE_N; i++)
		set_number(by_state, inst_state_names[i], t.by_state[i]);
	o = json_pack("{s:i, s:s, s:b, s:{s:i, s:i, s:i}, s:{s:i, s:i}, s:o}", "pid",
		      (int)getpid(), "boot_id", sh->boot_id, "stopping", sh->stopping,
		      "limits", "concurrent_boot_shutdown",
		      (int)sh->config.concurrent_boot_shutdown,
		      "concurrent_suspend_resume",
		      (int)sh->config.concurrent_suspend_resume, "stop_timeout_s",
		      (int)sh->config.stop_timeout_s, "slots", "used", (int)t.slots_used,
		      "queued", (int)t.queued, "instances", by_state);
	set(o, "totals", status_totals(sh));
	set(o, "persist_error",
	    *sh->persist_error ? json_text(sh->persist_error) : json_null());
	set(o, "limits_error",
	    *sh->limits.why ? json_text(sh->limits.why) : json_null());
	return o;
}

json_t *view_status(const struct shell *sh)
{
	json_t *zones = json_array(), *o;
	struct timespec now;

	for (unsigned i = 0; i < sh->zones.n; i++) {
		if (shown(sh->zones.v[i]))
			json_array_append_new(zones, status_zone(sh, sh->zones.v[i]));
	}
	o = json_pack("{s:i, s:o, s:o}", "version", STATUS_VERSION, "host",
		      status_host(sh), "zones", zones);
	clock_gettime(CLOCK_REALTIME, &now);
	set_time(o, "generated",
		 (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000);
	return o;
}
