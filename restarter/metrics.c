// SPDX-License-Identifier: BSD-2-Clause
/*
 * metrics.c - what a monitoring system wants to know, in Prometheus' text format
 *
 * One table of metrics of the host and one of zones; a value that there is none of (the
 * memory of a zone that does not run) is left out. Names of zones need no quoting.
 */
#include "restarter/metrics.h"
#include "common/sys/file.h"
#include "restarter/hosts.h"
#include "restarter/view.h"

#include <stdio.h>
#include <string.h>

/* A zone as the metrics see it. */
struct subject {
	const struct shell *sh;
	const struct zone *z;
	bool has_inst;
	struct core_view v;
};

#define NOTHING (-1.0) /* no value */

static double memory_of(const struct subject *s)
{
	return s->z->host ? (double)s->z->ram_bytes : NOTHING;
}

/* User and system time of its kzhost: fields 14 and 15 of /proc/PID/stat. */
static double cpu_of(const struct subject *s)
{
	cleanup(freep) char *stat = NULL;
	unsigned long long user, system;
	char path[40], *at;
	size_t len;

	if (!s->z->host)
		return NOTHING;
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)s->z->host->pid);
	if (file_read(path, 4096, &stat, &len) < 0)
		return NOTHING;
	/* The name is field 2 and may hold blanks; every one behind it begins a field. */
	at = strrchr(stat, ')');
	for (unsigned field = 2; at && field < 14; field++)
		at = strchr(at + 1, ' ');
	if (!at)
		return NOTHING;
	user = strtoull(at, &at, 10);
	system = strtoull(at, NULL, 10);
	return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

static double failures_of(const struct subject *s)
{
	return s->has_inst ? s->v.failures : NOTHING;
}

static double since_of(const struct subject *s)
{
	return s->has_inst ? (double)s->v.since_ms / 1000 : NOTHING;
}

static double start_of(const struct subject *s)
{
	if (!s->has_inst || !s->v.start_ms || s->v.running_ms < s->v.start_ms)
		return NOTHING;
	return (double)(s->v.running_ms - s->v.start_ms) / 1000;
}

static double goals_of(const struct subject *s)
{
	if (!s->has_inst || !s->v.running_ms || s->v.online_ms < s->v.running_ms)
		return NOTHING;
	return (double)(s->v.online_ms - s->v.running_ms) / 1000;
}

static double queue_of(const struct subject *s)
{
	return s->has_inst && s->v.queue_pos ? s->v.queue_pos : NOTHING;
}

static double guest_errors_of(const struct subject *s)
{
	return s->z->host ? (double)s->z->host->guest_errors : NOTHING;
}

static double disk_errors_of(const struct subject *s)
{
	return s->z->host ? (double)s->z->host->disk_errors : NOTHING;
}

static const struct {
	const char *name, *type, *help;
	double (*value)(const struct subject *s);
} zone_metrics[] = {
	{ "kzones_zone_memory_bytes", "gauge", "RAM of a zone that has a machine",
	  memory_of },
	{ "kzones_zone_cpu_seconds_total", "counter",
	  "Processor time of the zone's kzhost process", cpu_of },
	{ "kzones_zone_guest_errors_total", "counter",
	  "How often the guest's drivers broke the rules of virtio since the boot",
	  guest_errors_of },
	{ "kzones_zone_disk_errors_total", "counter",
	  "Requests of disks that failed for the host's reasons since the boot",
	  disk_errors_of },
	{ "kzones_instance_failures", "gauge", "Failures in a row", failures_of },
	{ "kzones_instance_since_seconds", "gauge",
	  "When the instance entered its state, since 1970", since_of },
	{ "kzones_instance_queue_position", "gauge",
	  "Place in the queue for a slot, of those that wait for one", queue_of },
	{ "kzones_boot_start_seconds", "gauge",
	  "Duration of the last boot until the guest ran", start_of },
	{ "kzones_boot_goals_seconds", "gauge",
	  "Duration of the last boot from then until it was online", goals_of },
};

static void add_head(struct buf *out, const char *name, const char *type,
		     const char *help)
{
	buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void add_gauge(struct buf *out, const char *name, const char *help, double value)
{
	add_head(out, name, "gauge", help);
	buf_addf(out, "%s %.15g\n", name, value);
}

static void add_host(struct buf *out, const struct shell *sh)
{
	struct core_totals t;

	core_totals(sh->core, &t);
	add_head(out, "kzones_instances", "gauge", "Instances by state");
	for (unsigned i = 0; i < INST_STATE_N; i++)
		buf_addf(out, "kzones_instances{state=\"%s\"} %u\n", inst_state_names[i],
			 t.by_state[i]);
	add_gauge(out, "kzones_slots_used", "Zones that are booting or shutting down",
		  t.slots_used);
	add_gauge(out, "kzones_slots_limit", "How many there may be; 0: any number",
		  t.slots_limit);
	add_gauge(out, "kzones_queued", "Zones that wait for a slot", t.queued);
	add_gauge(out, "kzones_stopping", "1 while the host stops its zones",
		  sh->stopping);
	add_gauge(out, "kzones_persist_failing", "1 while state.json cannot be written",
		  *sh->persist_error != '\0');
}

static bool look(const struct shell *sh, const struct zone *z, struct subject *s)
{
	const struct inst *i =
		z->life == LIFE_INSTALLED ? core_find(sh->core, z->name) : NULL;

	if (!z->has_config && z->life == LIFE_CONFIGURED)
		return false;
	s->sh = sh;
	s->z = z;
	s->has_inst = i != NULL;
	if (i)
		core_view(sh->core, i, &s->v);
	return true;
}

/* The states: one series a zone, with value 1. */
static void add_states(struct buf *out, const struct shell *sh)
{
	struct subject s;

	add_head(out, "kzones_zone_state", "gauge",
		 "1 for the state that the zone is in");
	for (unsigned i = 0; i < sh->zones.n; i++)
		if (look(sh, sh->zones.v[i], &s))
			buf_addf(out, "kzones_zone_state{zone=\"%s\",state=\"%s\"} 1\n",
				 s.z->name, zone_state_name(view_zone_state(sh, s.z)));
	add_head(out, "kzones_instance_state", "gauge",
		 "1 for the state that the instance is in");
	for (unsigned i = 0; i < sh->zones.n; i++)
		if (look(sh, sh->zones.v[i], &s) && s.has_inst)
			buf_addf(out,
				 "kzones_instance_state{zone=\"%s\",state=\"%s\"} 1\n",
				 s.z->name, inst_state_names[s.v.state]);
}

void metrics_add(struct buf *out, const struct shell *sh)
{
	add_host(out, sh);
	add_states(out, sh);
	for (unsigned m = 0; m < ARRAY_SIZE(zone_metrics); m++) {
		add_head(out, zone_metrics[m].name, zone_metrics[m].type,
			 zone_metrics[m].help);
		for (unsigned i = 0; i < sh->zones.n; i++) {
			struct subject s;
			double value;

			if (!look(sh, sh->zones.v[i], &s))
				continue;
			value = zone_metrics[m].value(&s);
			if (value >= 0)
				buf_addf(out, "%s{zone=\"%s\"} %.15g\n",
					 zone_metrics[m].name, s.z->name, value);
		}
	}
}
