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

static void add_label(struct buf *out, const char *label)
{
	columns_cell(out, label, 13);
}

static void add_line(struct buf *out, const char *label, const char *text)
{
	add_label(out, label);
	buf_addf(out, "%s\n", text);
}

/* Dependencies of one name share a line; one without a name has its own. */
static bool same_group(const struct zres *a, const struct zres *b)
{
	const char *x = zres_text(a, PROP_DEP_NAME), *y = zres_text(b, PROP_DEP_NAME);

	return x && y && strcmp(x, y) == 0;
}

/* Was this dependency printed with an earlier one of its group? */
static bool printed_before(const struct zconf *c, const struct zres *dep)
{
	const struct zres *d = NULL;

	while ((d = zconf_next(c, RES_SMF_DEPENDENCY, d)) && d != dep)
		if (same_group(d, dep))
			return true;
	return false;
}

static void add_one_dependency(struct buf *out, const struct svcs *s,
			       const struct zres *dep)
{
	const char *fmri = zres_text(dep, PROP_DEP_FMRI);
	const struct instance *i = fmri ? instances_find(&s->list, fmri) : NULL;

	buf_addf(out, " %s (%s)", fmri ? fmri : "?", i ? i->state : "absent");
}

static void add_dependencies(struct buf *out, const struct svcs *s, const struct zconf *c)
{
	const struct zres *dep = NULL, *other;

	while ((dep = zconf_next(c, RES_SMF_DEPENDENCY, dep))) {
		if (printed_before(c, dep))
			continue;
		add_label(out, "dependency");
		buf_addf(out, "%s/none", zres_text(dep, PROP_DEP_GROUPING));
		add_one_dependency(out, s, dep);
		other = dep;
		while ((other = zconf_next(c, RES_SMF_DEPENDENCY, other)))
			if (same_group(dep, other))
				add_one_dependency(out, s, other);
		buf_adds(out, "\n");
	}
}

static void add_enabled(struct buf *out, const struct instance *i)
{
	add_label(out, "enabled");
	buf_addf(out, "%s%s\n", i->enabled ? "true" : "false",
		 i->enabled_temporary ? " (temporary)" : "");
}

void detail_add(struct buf *out, const struct svcs *s, const struct instance *i)
{
	cleanup(freep) char *log = paths_get(&s->paths, PATH_MESSAGES_LOG, i->zone);
	cleanup(zconf_freep) struct zconf *c = NULL;

	add_line(out, "fmri", i->fmri);
	add_label(out, "name");
	buf_addf(out, "kernel zone %s\n", i->zone);
	add_enabled(out, i);
	add_line(out, "state", i->state);
	add_line(out, "next_state", i->next_state);
	add_label(out, "state_time");
	add_date(out, i->state_time_ms);
	buf_adds(out, "\n");
	if (*i->reason)
		add_line(out, "reason", i->reason);
	add_line(out, "logfile", log ? log : "?");
	add_line(out, "restarter", RESTARTER_FMRI);
	if (i->contract) {
		add_label(out, "contract_id");
		buf_addf(out, "%ld\n", i->contract);
	}
	if (zconf_load(&s->paths, i->zone, &c, NULL) == 0)
		add_dependencies(out, s, c);
}
