// SPDX-License-Identifier: BSD-2-Clause
/*
 * detail.c - svcs -l and -p: everything about one instance, and its processes
 */
#include "cli/columns.h"
#include "cli/svcs/svcs.h"
#include "common/sys/file.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define STAT_START 22 /* field of /proc/PID/stat: clock ticks after boot */

/* Seconds after boot when a process began; -1 when it is gone. Its name goes to comm. */
static double process_start(long pid, char *comm, size_t size)
{
	cleanup(freep) char *stat = NULL;
	const char *open_, *close_, *at;
	char path[40];
	size_t len;

	snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
	if (file_read(path, 4096, &stat, &len) < 0)
		return -1;
	open_ = strchr(stat, '(');
	close_ = strrchr(stat, ')');
	if (!open_ || !close_ || close_ < open_)
		return -1;
	snprintf(comm, size, "%.*s", (int)(close_ - open_ - 1), open_ + 1);
	/* The name is field 2 and may hold blanks; after it every blank begins a field.
	 */
	at = close_;
	for (unsigned field = 2; field < STAT_START && at; field++)
		at = strchr(at + 1, ' ');
	return at ? (double)strtoull(at, NULL, 10) / (double)sysconf(_SC_CLK_TCK) : -1;
}

void add_processes(struct buf *out, const struct instance *i)
{
	struct timespec now, up;
	char comm[64] = "";
	double start;

	if (!i->contract)
		return;
	start = process_start(i->contract, comm, sizeof(comm));
	if (start < 0)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	clock_gettime(CLOCK_BOOTTIME, &up);
	columns_cell(out, "", 15);
	add_stime(out, (int64_t)(now.tv_sec - up.tv_sec + (int64_t)start) * 1000);
	buf_addf(out, " %8ld %s\n", i->contract, comm);
}

char *log_path(const struct svcs *s, enum path_id which, const struct instance *i)
{
	return *i->zone ? paths_get(&s->paths, which, i->zone) : NULL;
}

static void add_label(struct buf *out, const char *label)
{
	columns_cell(out, label, 13);
}

static void add_line(struct buf *out, const char *label, const char *text)
{
	add_label(out, label);
	buf_addf(out, "%s\n", text);
}

static void add_dependency(struct buf *out, const struct dep *d)
{
	const bool zone =
		strncmp(d->fmri, ZONE_FMRI_PREFIX, strlen(ZONE_FMRI_PREFIX)) == 0;
	const char *state = d->on           ? d->on->state
			    : d->unit_state ? d->unit_state
			    : zone          ? "absent"
					    : "unknown";

	if (strcmp(d->fmri, RESTARTER_FMRI) == 0)
		state = "online";
	buf_addf(out, " %s (%s)", d->fmri, state);
}

/* A group is one line. */
static void add_dependencies(struct buf *out, const struct deps *deps)
{
	for (unsigned g = 0; g < deps->n; g++) {
		if (deps->v[g].group != g)
			continue;
		add_label(out, "dependency");
		buf_addf(out, "%s/none", dep_kind_name(deps->v[g].kind));
		for (unsigned k = g; k < deps->n; k++)
			if (deps->v[k].group == g)
				add_dependency(out, &deps->v[k]);
		buf_adds(out, "\n");
	}
}

void add_process_lines(struct buf *out, const struct instance *i)
{
	char comm[64] = "";

	if (!i->contract || process_start(i->contract, comm, sizeof(comm)) < 0)
		return;
	add_label(out, "process");
	buf_addf(out, "%8ld %s\n", i->contract, comm);
}

static void add_enabled(struct buf *out, const struct instance *i)
{
	add_label(out, "enabled");
	buf_addf(out, "%s%s\n", i->enabled ? "true" : "false",
		 i->enabled_temporary ? " (temporary)" : "");
}

static long long count_of(const struct instance *i, const char *key)
{
	return json_integer_value(json_object_get(i->devices, key));
}

/* What its disks are like, and what went wrong since the boot. */
static void add_devices(struct buf *out, const struct instance *i)
{
	const char *engine =
		json_string_value(json_object_get(i->devices, "disk_engine"));
	const long long read_only = count_of(i, "disks_read_only");
	const long long cached = count_of(i, "disks_page_cache");

	if (engine) {
		add_label(out, "disks");
		buf_addf(out, "%lld by %s", count_of(i, "disks"), engine);
		if (read_only)
			buf_addf(out, ", %lld read-only", read_only);
		if (cached)
			buf_addf(out, ", %lld through the page cache", cached);
		buf_adds(out, "\n");
		add_label(out, "disk_errors");
		buf_addf(out, "%lld\n", count_of(i, "disk_errors"));
	}
	if (engine || count_of(i, "guest_errors")) {
		add_label(out, "guest_errors");
		buf_addf(out, "%lld\n", count_of(i, "guest_errors"));
	}
}

/* Each of an array of texts after a blank; or what stands for none. */
static void add_words(struct buf *out, const json_t *words, const char *none)
{
	const json_t *word;
	size_t n;

	json_array_foreach (words, n, word)
		buf_addf(out, " %s", json_string_value(word));
	if (!json_array_size(words))
		buf_addf(out, " %s", none);
}

/* How its process is confined, and what of that it lacks. */
static void add_confinement(struct buf *out, const struct instance *i)
{
	const json_t *c = i->confinement;
	const char *lacks = json_string_value(json_object_get(c, "lacks"));

	if (!json_is_object(c))
		return;
	add_label(out, "confinement");
	buf_addf(out, "uid %lld, namespaces",
		 (long long)json_integer_value(json_object_get(c, "uid")));
	add_words(out, json_object_get(c, "namespaces"), "none");
	buf_adds(out, ", capabilities");
	add_words(out, json_object_get(c, "capabilities"), "none");
	if (json_is_true(json_object_get(c, "seccomp")))
		buf_adds(out, ", seccomp");
	buf_adds(out, "\n");
	if (lacks)
		add_line(out, "unconfined", lacks);
}

void detail_add(struct buf *out, const struct svcs *s, const struct instance *i,
		bool processes)
{
	cleanup(freep) char *log = log_path(s, PATH_MESSAGES_LOG, i);
	struct deps deps = { 0 };
	struct errmsg e = { "" };

	add_line(out, "fmri", i->fmri);
	add_label(out, "name");
	add_description(out, i);
	buf_adds(out, "\n");
	if (s->zone)
		add_line(out, "zone", i->zone);
	add_enabled(out, i);
	add_line(out, "state", i->state);
	add_line(out, "next_state", i->next_state);
	add_label(out, "state_time");
	add_date(out, i->state_time_ms);
	buf_adds(out, "\n");
	if (*i->reason)
		add_line(out, "reason", i->reason);
	if (*i->zone)
		add_line(out, "logfile", log ? log : "?");
	add_line(out, "restarter", *i->zone ? RESTARTER_FMRI : HOST_RESTARTER_FMRI);
	if (i->contract) {
		add_label(out, "contract_id");
		buf_addf(out, "%ld\n", i->contract);
	}
	add_confinement(out, i);
	add_devices(out, i);
	if (processes)
		add_process_lines(out, i);
	if (deps_read(&deps, &s->paths, &s->list, i, &e) == -ENOMEM)
		out->err = -ENOMEM;
	add_dependencies(out, &deps);
	deps_fini(&deps);
}
