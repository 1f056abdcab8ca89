// SPDX-License-Identifier: BSD-2-Clause
/*
 * view.c - what the restarter knows, as JSON
 *
 * Written straight into the buffer that goes out (json.h): a document of thousands of
 * zones is made while everything else waits. A zone is one line.
 */
#include "restarter/view.h"
#include "common/base/json.h"
#include "restarter/confined.h"
#include "restarter/hosts.h"
#include "restarter/launch.h"
#include "restarter/stray.h"
#include "restarter/usage.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* @n digits of @value, with zeros in front; what is behind them. */
static char *digits(char *p, unsigned n, unsigned value)
{
	for (unsigned i = n; i--; value /= 10)
		p[i] = (char)('0' + value % 10);
	return p + n;
}

/* RFC 3339, UTC, milliseconds; null for 0. By hand: a document has thousands of them. */
static void put_time(struct buf *o, const char *key, uint64_t ms)
{
	time_t s = (time_t)(ms / 1000);
	char text[sizeof("2026-01-02T03:04:05.678Z")], *p;
	struct tm tm;

	if (!ms || !gmtime_r(&s, &tm) || tm.tm_year >= 10000 - 1900) {
		jput_null(o, key);
		return;
	}
	p = digits(text, 4, (unsigned)tm.tm_year + 1900);
	*p++ = '-';
	p = digits(p, 2, (unsigned)tm.tm_mon + 1);
	*p++ = '-';
	p = digits(p, 2, (unsigned)tm.tm_mday);
	*p++ = 'T';
	p = digits(p, 2, (unsigned)tm.tm_hour);
	*p++ = ':';
	p = digits(p, 2, (unsigned)tm.tm_min);
	*p++ = ':';
	p = digits(p, 2, (unsigned)tm.tm_sec);
	*p++ = '.';
	p = digits(p, 3, (unsigned)(ms % 1000));
	*p++ = 'Z';
	*p = '\0';
	jput_text(o, key, text);
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
	if (launch_waits(z)) {
		v->why = KZ_WHY_WAITS_STORAGE;
		return launch_waits(z);
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
	if (v && v->unavailable && v->phase == VM_NONE)
		return ZONE_UNAVAILABLE;
	return v ? phases[v->phase] : lives[z->life];
}

enum zone_state view_zone_state(const struct shell *sh, const struct zone *z)
{
	struct core_view v;

	return state_of(z, look(sh, z, &v) ? &v : NULL);
}

static void put_auxiliary(struct buf *o, const struct zone *z, const struct core_view *v)
{
	jput_open(o, "auxiliary", "[");
	if (v && v->panicked)
		jput_text(o, NULL, zone_aux_name(AUX_PANICKED));
	if (z->config_error)
		jput_text(o, NULL, zone_aux_name(AUX_NO_CONFIG));
	jput_close(o, "]");
}

/* What all zone objects begin with. */
static void put_head(struct buf *o, const struct zone *z, const struct core_view *v)
{
	char uuid[UUID_TEXT_SIZE] = "";
	bool active = v && v->phase != VM_NONE;

	if (!uuid_is_zero(z->uuid))
		uuid_format(z->uuid, uuid);
	jput_text(o, "name", z->name);
	jput_number(o, "id", active ? z->id : -1);
	jput_text(o, "uuid", uuid);
	jput_text(o, "state", zone_state_name(state_of(z, v)));
	put_auxiliary(o, z, v);
}

bool view_zone(const struct shell *sh, const struct zone *z, struct buf *o)
{
	struct core_view v;

	jput_open(o, NULL, "{");
	put_head(o, z, look(sh, z, &v) ? &v : NULL);
	jput_text(o, "brand", "solaris-kz");
	jput_text(o, "ip_type", "excl");
	jput_text(o, "path", "-");
	jput_close(o, "}");
	return true;
}

static void put_fmri(struct buf *o, const struct zone *z)
{
	char fmri[sizeof(CORE_FMRI_PREFIX) + ZONE_NAME_MAX];

	snprintf(fmri, sizeof(fmri), "%s%s", CORE_FMRI_PREFIX, z->name);
	jput_text(o, "fmri", fmri);
}

/* What the objects of an instance have in common. */
static void put_state(struct buf *o, const struct shell *sh, const struct zone *z,
		      struct core_view *v)
{
	put_fmri(o, z);
	jput_text(o, "state", inst_state_names[v->state]);
	jput_text(o, "next_state",
		  v->next == v->state ? "none" : inst_state_names[v->next]);
	jput_bool(o, "enabled", v->enabled);
	jput_bool(o, "enabled_temporary", v->enabled_temporary);
	jput_text(o, "reason", reason_of(sh, z, v));
	jput_text(o, "auxiliary_state", kz_reason_token(v->why));
}

/* Where a boot or a stop that is under way has got to. */
static void status_progress(struct buf *o, const struct core_view *v)
{
	if (v->next == v->state) {
		jput_null(o, "progress");
		return;
	}
	jput_open(o, "progress", "{");
	jput_text(o, "phase", vm_phase_names[v->phase]);
	put_time(o, "deadline", v->deadline_ms);
	jput_close(o, "}");
}

/* What its virtio devices count; after an adoption not before kzhost has answered. */
static void put_devices(struct buf *o, const struct host *h)
{
	jput_open(o, "devices", "{");
	jput_number(o, "guest_errors", (int64_t)h->guest_errors);
	jput_number(o, "disks", h->n_disks);
	jput_number(o, "disks_read_only", h->n_read_only);
	jput_number(o, "disks_page_cache", h->n_page_cache);
	jput_text(o, "disk_engine", h->n_disks ? ctl_engine_names[h->disk_engine] : NULL);
	jput_number(o, "disk_errors", (int64_t)h->disk_errors);
	jput_close(o, "}");
}

bool view_instance(const struct shell *sh, const struct zone *z, struct buf *o)
{
	struct core_view v;

	if (!look(sh, z, &v))
		return false;
	jput_open(o, NULL, "{");
	jput_text(o, "zone", z->name);
	put_state(o, sh, z, &v);
	jput_number(o, "state_time_ms", (int64_t)v.since_ms);
	jput_bool(o, "blocked", v.blocked);
	jput_number(o, "contract", z->host ? z->host->pid : 0);
	if (z->host) {
		confined_view(sh, z->host, o);
		put_devices(o, z->host);
	}
	jput_close(o, "}");
	return true;
}

bool view_instance_brief(const struct shell *sh, const struct zone *z, struct buf *o)
{
	struct core_view v;

	if (!look(sh, z, &v))
		return false;
	jput_open(o, NULL, "{");
	put_fmri(o, z);
	jput_text(o, "state", inst_state_names[v.state]);
	if (v.next != v.state)
		jput_text(o, "next_state", inst_state_names[v.next]);
	jput_number(o, "state_time_ms", (int64_t)v.since_ms);
	if (v.enabled)
		jput_bool(o, "enabled", true);
	if (v.enabled_temporary)
		jput_bool(o, "enabled_temporary", true);
	if (v.blocked)
		jput_bool(o, "blocked", true);
	if (z->host)
		jput_number(o, "contract", z->host->pid);
	jput_close(o, "}");
	return true;
}

void view_restarter(const struct shell *sh, struct buf *o)
{
	jput_open(o, NULL, "{");
	jput_text(o, "fmri", CORE_RESTARTER_FMRI);
	jput_text(o, "state", inst_state_names[INST_ONLINE]);
	jput_number(o, "state_time_ms", (int64_t)sh->clock_real_ms);
	jput_bool(o, "enabled", true);
	jput_number(o, "contract", getpid());
	jput_close(o, "}");
}

void view_units(const struct shell *sh, struct buf *o)
{
	jput_open(o, NULL, "{");
	for (const struct inst *i = core_next_unit(sh->core, NULL); i;
	     i = core_next_unit(sh->core, i)) {
		char fmri[sizeof(CORE_UNIT_FMRI_PREFIX) + NAME_MAX];

		snprintf(fmri, sizeof(fmri), "%s%s", CORE_UNIT_FMRI_PREFIX,
			 core_unit_name(i));
		/* A unit's name may have backslashes, which keys here do not expect. */
		jput_text(o, NULL, fmri);
		buf_adds(o, ": ");
		jput_text(o, NULL, unit_state_names[core_unit_state(i)]);
	}
	jput_close(o, "}");
}

static void status_instance(struct buf *o, const struct shell *sh, const struct zone *z,
			    struct core_view *v)
{
	jput_open(o, "instance", "{");
	put_state(o, sh, z, v);
	put_time(o, "since", v->since_ms);
	jput_number(o, "failures", v->failures);
	jput_number(o, "attempts", v->failures + (v->phase != VM_NONE));
	put_time(o, "next_retry", v->retry_ms);
	status_progress(o, v);
	if (v->queue_pos)
		jput_number(o, "queue_position", v->queue_pos);
	else
		jput_null(o, "queue_position");
	jput_close(o, "}");
}

/* From one moment to the next; null while one of them has not come. */
static void put_duration(struct buf *o, const char *key, uint64_t from_ms, uint64_t to_ms)
{
	if (from_ms && to_ms >= from_ms)
		jput_number(o, key, (int64_t)(to_ms - from_ms));
	else
		jput_null(o, key);
}

/* Of the last boot; after an adoption the times before it are the persisted ones. */
static void status_boot(struct buf *o, const struct zone *z, const struct core_view *v)
{
	uint64_t running_ms = v->running_ms ? v->running_ms : z->running_ms;
	uint64_t online_ms = v->online_ms ? v->online_ms : z->online_ms;

	jput_open(o, "boot", "{");
	put_time(o, "started", z->started_ms);
	put_time(o, "running", running_ms);
	put_time(o, "online", online_ms);
	put_duration(o, "start_ms", z->started_ms, running_ms);
	put_duration(o, "goals_ms", running_ms, online_ms);
	jput_close(o, "}");
}

static void status_zone(struct buf *o, const struct shell *sh, struct zone *z)
{
	struct core_view v;
	bool has = look(sh, z, &v);

	jput_open(o, NULL, "{");
	put_head(o, z, has ? &v : NULL);
	if (has)
		status_instance(o, sh, z, &v);
	else
		jput_null(o, "instance");
	jput_text(o, "priority", has ? boot_priority_names[v.priority] : NULL);
	if (z->host)
		jput_number(o, "pid", z->host->pid);
	else
		jput_null(o, "pid");
	jput_number(o, "memory_bytes", z->host ? (int64_t)z->ram_bytes : 0);
	jput_number(o, "cpu_usec", (int64_t)usage_cpu_usec(sh, z));
	if (has)
		status_boot(o, z, &v);
	else
		jput_null(o, "boot");
	if (z->host) {
		confined_view(sh, z->host, o);
		put_devices(o, z->host);
	} else {
		jput_null(o, "confinement");
		jput_null(o, "devices");
	}
	jput_close(o, "}");
}

static void status_totals(struct buf *o, const struct shell *sh)
{
	uint64_t memory = 0;
	unsigned zones = 0, active = 0;

	for (unsigned i = 0; i < sh->zones.n; i++) {
		const struct zone *z = sh->zones.v[i];

		zones += shown(z);
		active += z->host != NULL;
		memory += z->host ? z->ram_bytes : 0;
	}
	jput_open(o, "totals", "{");
	jput_number(o, "zones", zones);
	jput_number(o, "active", active);
	jput_number(o, "memory_bytes", (int64_t)memory);
	jput_close(o, "}");
}

static void status_host(struct buf *o, const struct shell *sh)
{
	struct core_totals t;

	core_totals(sh->core, &t);
	jput_open(o, "host", "{");
	jput_number(o, "pid", getpid());
	jput_text(o, "boot_id", sh->boot_id);
	jput_bool(o, "stopping", sh->stopping);
	jput_open(o, "limits", "{");
	jput_number(o, "concurrent_boot_shutdown", sh->config.concurrent_boot_shutdown);
	jput_number(o, "concurrent_suspend_resume", sh->config.concurrent_suspend_resume);
	jput_number(o, "stop_timeout_s", sh->config.stop_timeout_s);
	jput_close(o, "}");
	jput_open(o, "slots", "{");
	jput_number(o, "used", t.slots_used);
	jput_number(o, "queued", t.queued);
	jput_close(o, "}");
	jput_open(o, "instances", "{");
	for (unsigned i = 0; i < INST_STATE_N; i++)
		jput_number(o, inst_state_names[i], t.by_state[i]);
	jput_close(o, "}");
	status_totals(o, sh);
	jput_text(o, "persist_error", *sh->persist_error ? sh->persist_error : NULL);
	jput_text(o, "limits_error", *sh->limits.why ? sh->limits.why : NULL);
	jput_close(o, "}");
}

void view_status(const struct shell *sh, struct buf *o)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	jput_open(o, NULL, "{");
	jput_line(o, 1);
	jput_number(o, "version", STATUS_VERSION);
	put_time(o, "generated",
		 (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000);
	jput_line(o, 1);
	status_host(o, sh);
	jput_line(o, 1);
	jput_open(o, "zones", "[");
	for (unsigned i = 0; i < sh->zones.n; i++) {
		if (!shown(sh->zones.v[i]))
			continue;
		jput_line(o, 2);
		status_zone(o, sh, sh->zones.v[i]);
	}
	jput_close(o, "]}");
}
