// SPDX-License-Identifier: BSD-2-Clause
/*
 * limits.c - a control group for each zone that has a machine
 */
#include "restarter/limits.h"
#include "common/sys/log.h"
#include "restarter/booted.h"
#include "restarter/hosts.h"
#include "restarter/logs.h"
#include "restarter/shell.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#define PREFIX   "zone-"
#define SWEEP_MS 200

struct group_name {
	char text[sizeof(PREFIX) + ZONE_NAME_MAX];
};

static struct group_name group_of(const struct zone *z)
{
	struct group_name n;

	snprintf(n.text, sizeof(n.text), PREFIX "%s", z->name);
	return n;
}

static unsigned shares_of(const struct zone *z)
{
	return MAX(z->limits.shares, (unsigned)LIMITS_SHARES_DEFAULT);
}

static int write_weight(struct shell *sh, const struct zone *z)
{
	unsigned weight = limits_weight(z->limits.shares, sh->limits.max_shares);
	char text[16];

	snprintf(text, sizeof(text), "%u", weight);
	return cgroup_write(&sh->limits.group, group_of(z).text, "cpu.weight", text);
}

/* Weights are relative to the most shares that any zone has. */
static int spread(struct shell *sh, const struct zone *changed)
{
	unsigned most = 0;
	int r = 0;

	for (unsigned i = 0; i < sh->zones.n; i++)
		if (sh->zones.v[i]->grouped)
			most = MAX(most, shares_of(sh->zones.v[i]));
	if (most == sh->limits.max_shares)
		return changed ? write_weight(sh, changed) : 0;
	sh->limits.max_shares = most;
	for (unsigned i = 0; i < sh->zones.n; i++) {
		int w = sh->zones.v[i]->grouped ? write_weight(sh, sh->zones.v[i]) : 0;

		r = r ? r : w;
	}
	return r;
}

static int set_limits(struct shell *sh, struct zone *z, const struct zone_limits *to,
		      struct errmsg *e)
{
	char text[LIMITS_MAX_SIZE];
	int r;

	z->limits = *to;
	limits_max_text(to->cap, text);
	r = cgroup_write(&sh->limits.group, group_of(z).text, "cpu.max", text);
	if (r < 0)
		return errmsg_set(e, r,
				  "capped-cpu: ncpus: cpu.max of the zone's "
				  "control group: %s",
				  strerror(-r));
	r = spread(sh, z);
	if (r < 0)
		return errmsg_set(e, r,
				  "cpu-shares: cpu.weight of the zone's control "
				  "group: %s",
				  strerror(-r));
	return 0;
}

/* A zone that wants limits and has none: said once a boot. */
static void say_without(struct shell *sh, struct zone *z, const char *why)
{
	if (!z->limits.shares && !z->limits.cap)
		return;
	log_warning("zone=%s cpu-shares and capped-cpu are not kept: %s", z->name, why);
	(void)log_message(&sh->paths, z->name,
			  "cpu-shares and capped-cpu are not kept: %s", why);
}

/* Makes the group and limits it; *c NULL: as it was booted. */
static int make_group(struct shell *sh, struct zone *z, const struct zconf *c,
		      struct errmsg *e)
{
	struct zone_limits l = limits_of(c);
	int r = cgroup_make(&sh->limits.group, group_of(z).text);

	z->limits = l;
	if (r < 0)
		return errmsg_set(e, r, "control group: %s", strerror(-r));
	z->grouped = true;
	return set_limits(sh, z, &l, e);
}

void limits_prepare(struct shell *sh, struct zone *z, const struct zconf *c, int *ret_fd)
{
	struct errmsg e = { "" };

	*ret_fd = -1;
	z->limits = limits_of(c);
	if (!sh->limits.group.dir) {
		say_without(sh, z, sh->limits.why);
		return;
	}
	if (make_group(sh, z, c, &e) < 0)
		say_without(sh, z, e.text);
	if (z->grouped)
		*ret_fd = MAX(cgroup_child_fd(&sh->limits.group, group_of(z).text), -1);
}

void limits_enter(struct shell *sh, struct zone *z, pid_t pid, bool is_there)
{
	char text[16], why[128];
	int r;

	if (!z->grouped || is_there)
		return;
	snprintf(text, sizeof(text), "%d", (int)pid);
	r = cgroup_write(&sh->limits.group, group_of(z).text, "cgroup.procs", text);
	if (r == 0)
		return;
	snprintf(why, sizeof(why),
		 "kzhost (process %d) cannot be put into its control "
		 "group: %s",
		 (int)pid, strerror(-r));
	say_without(sh, z, why);
	limits_end(sh, z);
}

static void sweep(struct shell *sh);

static void sweep_fired(uv_timer_t *t)
{
	sweep(t->data);
}

/*
 * Groups of zones that have ended, also while no svc.zones ran. What KVM runs for a
 * machine in the kernel is in its group, too, and the machine is taken apart a little
 * later than its process ends (kzhost/io/linger.h): such a group is looked at again.
 */
static void sweep(struct shell *sh)
{
	DIR *d = opendir(sh->limits.group.dir);
	const struct dirent *entry;
	bool left = false;

	while (d && (entry = readdir(d))) {
		const struct zone *z;

		if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)) != 0)
			continue;
		z = zones_find(&sh->zones, entry->d_name + strlen(PREFIX));
		if (!z || (!z->grouped && !z->stray))
			left |= cgroup_remove(&sh->limits.group, entry->d_name) < 0;
	}
	if (d)
		closedir(d);
	if (left)
		uv_timer_start(&sh->groups_timer, sweep_fired, SWEEP_MS, 0);
}

void limits_end(struct shell *sh, struct zone *z)
{
	z->limits = (struct zone_limits){ 0 };
	if (!z->grouped)
		return;
	z->grouped = false;
	if (cgroup_remove(&sh->limits.group, group_of(z).text) < 0)
		uv_timer_start(&sh->groups_timer, sweep_fired, SWEEP_MS, 0);
	(void)spread(sh, NULL);
}

int limits_change(struct shell *sh, struct zone *z, const struct zone_limits *to,
		  struct errmsg *e)
{
	struct zone_limits old = z->limits;
	const char *what = to->shares != old.shares ? "cpu-shares" : "capped-cpu: ncpus";
	int r;

	if (to->shares == old.shares && to->cap == old.cap)
		return 0;
	if (!z->grouped)
		return errmsg_set(
			e, -ENOTSUP, "%s: the zone has no control group: %s", what,
			*sh->limits.why ? sh->limits.why : "it could not be made");
	r = set_limits(sh, z, to, e);
	if (r < 0)
		(void)set_limits(sh, z, &old, NULL);
	return r;
}

/* The zone whose kzhost is that process. */
static bool is_kzhost(const struct shell *sh, const char *pid)
{
	for (unsigned i = 0; i < sh->zones.n; i++) {
		const struct host *h = sh->zones.v[i]->host;

		if (h && strtol(pid, NULL, 10) == h->pid)
			return true;
	}
	return false;
}

/* Whoever else is in our group was not delegated to us: -EPERM. */
static int check_alone(const struct shell *sh, struct errmsg *e)
{
	cleanup(freep) char *procs = NULL;
	int r = cgroup_read(&sh->limits.group, NULL, "cgroup.procs", &procs);
	char *rest = NULL;

	if (r == -ENOENT && sh->limits.group.plain)
		return 0;
	if (r < 0)
		return errmsg_set(e, r, "%s/cgroup.procs: %s", sh->limits.group.dir,
				  strerror(-r));
	for (char *p = strtok_r(procs, "\n", &rest); p; p = strtok_r(NULL, "\n", &rest))
		if (strtol(p, NULL, 10) != getpid() && !is_kzhost(sh, p))
			return errmsg_set(e, -EPERM,
					  "svc.zones shares its control group with "
					  "process %s: it needs one of its own "
					  "(systemd: Delegate=yes)",
					  p);
	return 0;
}

static int check_controller(const struct shell *sh, struct errmsg *e)
{
	cleanup(freep) char *has = NULL;
	int r = cgroup_read(&sh->limits.group, NULL, "cgroup.controllers", &has);

	if (r < 0)
		return errmsg_set(e, r, "%s/cgroup.controllers: %s", sh->limits.group.dir,
				  strerror(-r));
	if (!cgroup_has_word(has, "cpu"))
		return errmsg_set(e, -ENOTSUP, "%s: the cpu controller is not there",
				  sh->limits.group.dir);
	return 0;
}

/* This process into its leaf: then the group may divide its CPU time. */
static int step_aside(const struct cgroup *g, struct errmsg *e)
{
	char pid[16];
	int r = cgroup_make(g, CGROUP_LEAF);

	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	if (r == 0)
		r = cgroup_write(g, CGROUP_LEAF, "cgroup.procs", pid);
	return r < 0 ? errmsg_set(e, r, "%s/%s: %s", g->dir, CGROUP_LEAF, strerror(-r))
		     : 0;
}

/* Adopted kzhosts that an older svc.zones left elsewhere move; all get their groups. */
static void take_in(struct shell *sh, struct zone *z)
{
	struct cgroup *g = &sh->limits.group;
	cleanup(freep) char *procs = NULL;
	char pid[16];

	if (!z->host || cgroup_make(g, group_of(z).text) < 0)
		return;
	z->grouped = true;
	snprintf(pid, sizeof(pid), "%d", (int)z->host->pid);
	if (cgroup_read(g, group_of(z).text, "cgroup.procs", &procs) < 0 ||
	    !cgroup_has_word(procs, pid))
		limits_enter(sh, z, z->host->pid, false);
}

/* They are what the zone was booted with, or changed to since. */
static void limit_again(struct shell *sh, struct zone *z)
{
	cleanup(zconf_freep) struct zconf *c = NULL;
	struct errmsg e = { "" };
	int r = booted_load(&sh->paths, z->name, &c, &e);

	if (r == 0)
		r = make_group(sh, z, c, &e);
	if (r < 0)
		log_warning("zone=%s limits after adoption: %s", z->name, e.text);
}

static int begin(struct shell *sh, struct errmsg *e)
{
	struct cgroup *g = &sh->limits.group;
	int r = cgroup_open(&sh->paths, g, e);

	if (r == 0)
		r = check_controller(sh, e);
	if (r == 0)
		r = check_alone(sh, e);
	if (r == 0)
		r = step_aside(g, e);
	if (r < 0)
		return r;
	for (unsigned i = 0; i < sh->zones.n; i++)
		take_in(sh, sh->zones.v[i]);
	r = cgroup_write(g, NULL, "cgroup.subtree_control", "+cpu");
	if (r < 0)
		return errmsg_set(e, r, "%s/cgroup.subtree_control: %s", g->dir,
				  strerror(-r));
	/* Whoever gives orders to busy zones must be heard. */
	(void)cgroup_write(g, CGROUP_LEAF, "cpu.weight", "10000");
	sweep(sh);
	return 0;
}

void limits_begin(struct shell *sh)
{
	struct errmsg e = { "" };

	sh->groups_timer.data = sh;
	uv_timer_init(&sh->loop, &sh->groups_timer);
	if (begin(sh, &e) < 0) {
		for (unsigned i = 0; i < sh->zones.n; i++)
			sh->zones.v[i]->grouped = false;
		cgroup_fini(&sh->limits.group);
		snprintf(sh->limits.why, sizeof(sh->limits.why), "%s", e.text);
		log_notice("zones run without limits of CPU time: %s", e.text);
		return;
	}
	for (unsigned i = 0; i < sh->zones.n; i++)
		if (sh->zones.v[i]->grouped)
			limit_again(sh, sh->zones.v[i]);
}

void limits_fini(struct limits *l)
{
	cgroup_fini(&l->group);
}

int limits_release(const struct paths *p, struct errmsg *e)
{
	struct cgroup g = { 0 };
	int r = cgroup_open(p, &g, e);

	if (r < 0)
		return r;
	r = cgroup_write(&g, NULL, "cgroup.subtree_control", "-cpu");
	if (r < 0)
		errmsg_set(e, r, "%s/cgroup.subtree_control: %s", g.dir, strerror(-r));
	cgroup_fini(&g);
	return r;
}
