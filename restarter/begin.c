// SPDX-License-Identifier: BSD-2-Clause
/*
 * begin.c - from an empty shell to one that serves, and the last things before it leaves
 *
 * DOC: Start
 *
 * Directories, the lock, svc.zones.json, state.json, every configuration; then the core
 * is told what there is, kzhosts that still run are adopted, and READY or HOST_BOOT (when
 * the host has booted since the stamp in /run) lets the core act. Only then do operators
 * get in, and the service manager hears READY=1.
 */
#include "restarter/begin.h"
#include "common/base/trace.h"
#include "common/sys/file.h"
#include "common/sys/log.h"
#include "restarter/admin.h"
#include "restarter/adopt.h"
#include "restarter/away.h"
#include "restarter/http.h"
#include "restarter/logs.h"
#include "restarter/look.h"
#include "restarter/notify.h"
#include "restarter/repo.h"
#include "restarter/settings.h"
#include "restarter/status.h"
#include "restarter/sweep.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static int make_dirs(const struct paths *p, struct errmsg *e)
{
	static const enum path_id dirs[] = { PATH_ETC, PATH_VAR, PATH_RUN, PATH_LOG };

	for (unsigned i = 0; i < ARRAY_SIZE(dirs); i++) {
		cleanup(freep) char *dir = paths_get(p, dirs[i], NULL);
		int r = dir ? dir_make(dir, 0755) : -ENOMEM;

		if (r == 0 && access(dir, W_OK) < 0)
			r = -errno;
		if (r < 0)
			return errmsg_set(e, r, "%s: %s", dir ? dir : "directories",
					  strerror(-r));
	}
	return 0;
}

static int take_lock(const struct paths *p, int *ret_fd, struct errmsg *e)
{
	cleanup(freep) char *path = paths_get(p, PATH_RESTARTER_LOCK, NULL);
	pid_t holder = 0;
	int r = path ? file_lock(path, ret_fd, &holder) : -ENOMEM;

	if (r == -EBUSY)
		return errmsg_set(e, r, "svc.zones is already running as process %d",
				  holder);
	return r < 0 ? errmsg_set(e, r, "%s: %s", path ? path : "lock", strerror(-r)) : 0;
}

int begin_lock(const struct paths *p, int *ret_lock, struct errmsg *e)
{
	unsigned n;
	int r = make_dirs(p, e);

	if (r == 0)
		r = take_lock(p, ret_lock, e);
	if (r < 0)
		return r;
	n = sweep_leftovers(p);
	if (n)
		log_notice("%u files that killed writers left were removed", n);
	return 0;
}

/* This boot of the host: $KZONES_BOOT_ID (for tests), else the kernel's. */
static void read_boot_id(char id[64])
{
	const char *set = getenv("KZONES_BOOT_ID");
	int fd;
	ssize_t n = 0;

	if (set && *set) {
		snprintf(id, 64, "%s", set);
		return;
	}
	fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		n = read(fd, id, 63);
	closep(&fd);
	id[MAX(n, 0)] = '\0';
	id[strcspn(id, "\n")] = '\0';
}

/*
 * DOC: Has the host booted?
 *
 * Once per boot of the host zones are booted by their autoboot. That it has been done is
 * in two places: the stamp in /run, which goes with the boot, and the boot id in
 * state.json. One is enough: a stamp that could not be written must not make a new boot
 * of every start of svc.zones. A clean stop takes both away, so that the next start boots
 * the zones again.
 */
static bool host_has_booted(const struct shell *sh)
{
	cleanup(freep) char *path = paths_get(&sh->paths, PATH_BOOT_ID, NULL);
	cleanup(freep) char *stamp = NULL;
	size_t len;

	if (sh->same_boot)
		return false;
	if (!path || file_read(path, 64, &stamp, &len) < 0)
		return true;
	stamp[strcspn(stamp, "\n")] = '\0';
	return strcmp(stamp, sh->boot_id) != 0;
}

static void write_stamp(const struct shell *sh)
{
	cleanup(freep) char *path = paths_get(&sh->paths, PATH_BOOT_ID, NULL);
	int r = path ? file_replace(path, sh->boot_id, strlen(sh->boot_id), 0644, false)
		     : -ENOMEM;

	if (r < 0)
		log_err("boot-id stamp %s cannot be written: %s: that zones were booted for "
			"this boot of the host is known from state.json only",
			path ? path : "", strerror(-r));
}

/* Makes the table of zones: what state.json knows, and what is configured besides. */
static int load_zones(struct shell *sh, struct errmsg *e)
{
	bool previous = false;
	char boot_id[sizeof(sh->boot_id)]; /* of now; the file has that of then */
	char **names = NULL;
	unsigned n = 0;
	struct zone *z;
	int r;

	read_boot_id(boot_id);
	r = repo_load(sh, &previous, e);
	if (r < 0)
		return r;
	sh->same_boot = *boot_id && strcmp(sh->boot_id, boot_id) == 0;
	memcpy(sh->boot_id, boot_id, sizeof(boot_id));
	if (previous)
		log_err("%s: the generation before it, state.json.1, is used", e->text);
	r = zconf_list(&sh->paths, &names, &n);
	if (r < 0 && r != -ENOENT)
		return errmsg_set(e, r, "configurations: %s", strerror(-r));
	for (unsigned i = 0; i < n && r != -ENOMEM; i++)
		r = zones_get(&sh->zones, names[i], &z);
	zconf_list_free(names, n);
	return r == -ENOMEM ? errmsg_set(e, r, "out of memory") : 0;
}

static void load_config(struct shell *sh)
{
	struct errmsg e = { "" };

	if (settings_load(sh, &e) < 0)
		log_err("%s: what was in force before stays", e.text);
}

/* What was persisted of its instance. */
static void restore(struct shell *sh, const struct zone *z)
{
	struct core_event ev = { .type = EV_ZONE_RESTORE,
				 .zone = z->name,
				 .saved = z->saved };

	ev.saved.since_ms = MIN(ev.saved.since_ms, shell_now_ms(sh));
	(void)shell_step(sh, &ev);
}

/* What is to boot, now that the host has, is tried: what it depends on may bring its
 * storage. The others are looked at later (look.h). */
static void still_unavailable(struct shell *sh, struct zone *z, bool booted)
{
	const struct inst *i = core_find(sh->core, z->name);
	struct core_view v;

	if (!i)
		return;
	core_view(sh->core, i, &v);
	if (booted && v.enabled != v.enabled_temporary) /* autoboot */
		(void)away_set(sh, z, true, NULL);
	else if (!z->has_saved)
		(void)away_set(sh, z, false, "it was unavailable");
}

/* What the core has to know before it may act. */
static int feed_core(struct shell *sh, bool booted)
{
	load_config(sh);
	if (booted)
		sh->next_id = 1;
	for (unsigned i = 0; i < sh->zones.n; i++) {
		struct zone *z = sh->zones.v[i];

		if (shell_zone_refresh(sh, z) < 0)
			return -ENOMEM;
		if (booted) /* what was asked for a boot before that goes, too */
			shell_drop_args(z);
		if (z->life != LIFE_INSTALLED)
			continue;
		if (z->has_saved && (!booted || z->saved.marked || z->saved.unavailable))
			restore(sh, z);
		if (z->saved.unavailable)
			still_unavailable(sh, z, booted);
	}
	return 0;
}

static void dump(struct shell *sh)
{
	struct core_view v;

	trace_dump(STDERR_FILENO);
	for (struct inst *i = core_next(sh->core, NULL); i; i = core_next(sh->core, i)) {
		core_view(sh->core, i, &v);
		log_info(
			"zone=%s %s next=%s machine=%s enabled=%d queue=%u failures=%u %s",
			v.zone, inst_state_names[v.state], inst_state_names[v.next],
			vm_phase_names[v.phase], v.enabled, v.queue_pos, v.failures,
			v.reason);
	}
}

static void on_signal(uv_signal_t *s, int signum)
{
	struct shell *sh = s->data;

	if (signum == SIGUSR1) {
		dump(sh);
	} else if (signum == SIGHUP) {
		load_config(sh);
		for (unsigned i = 0; i < sh->zones.n; i++)
			(void)shell_zone_refresh(sh, sh->zones.v[i]);
	} else {
		shell_stop(sh);
	}
}

static void watch_signals(struct shell *sh)
{
	static const int signums[] = { SIGTERM, SIGINT, SIGUSR1, SIGHUP };

	static_assert(ARRAY_SIZE(signums) == ARRAY_SIZE(((struct shell *)0)->signals),
		      "a handle each");
	for (unsigned i = 0; i < ARRAY_SIZE(signums); i++) {
		sh->signals[i].data = sh;
		uv_signal_init(&sh->loop, &sh->signals[i]);
		uv_signal_start(&sh->signals[i], on_signal, signums[i]);
	}
	(void)signal(SIGPIPE, SIG_IGN);
}

int begin_load(struct shell *sh, bool plan, struct errmsg *e)
{
	int r;

	sh->check_only = plan;
	sh->managers = rights_managers();
	r = load_zones(sh, e);
	if (r < 0)
		return r;
	sh->host_boot = plan || host_has_booted(sh);
	return feed_core(sh, sh->host_boot);
}

/* Nobody to read metrics is no reason not to serve zones. */
static void listen_http(struct shell *sh)
{
	int r = http_listen(sh, &sh->http);

	if (r < 0)
		log_err("metrics socket: %s", strerror(-r));
	settings_listen(sh);
}

/*
 * The last svc.zones had heard why a machine ended, and died before the core could act:
 * tell the core now, unless what was asked for meanwhile says what is to follow.
 */
static void tell_ends(struct shell *sh)
{
	for (unsigned i = 0; i < sh->zones.n; i++) {
		struct zone *z = sh->zones.v[i];
		struct core_event found = { .type = EV_ADOPT, .zone = z->name };
		struct core_event ev = { .type = EV_VM_EXITED, .zone = z->name };
		bool tell = z->has_ended && !sh->host_boot && !z->saved.to_maint &&
			    !z->saved.again;

		if (z->host || z->stray)
			continue; /* it is there and tells that itself */
		z->has_ended = false;
		if (!tell)
			continue;
		found.adopt.since_ms = MIN(z->started_ms, shell_now_ms(sh));
		ev.end = z->ended == CTL_CAUSE_RESET ? VM_END_RESET : VM_END_POWEROFF;
		(void)shell_step(sh, &found);
		(void)shell_step(sh, &ev);
	}
}

int begin_serve(struct shell *sh, struct errmsg *e)
{
	struct core_event ev = { .type = sh->host_boot ? EV_HOST_BOOT : EV_READY };
	int r;

	shell_begin(sh);
	adopt_all(sh);
	tell_ends(sh);
	limits_begin(sh);
	if (!sh->host_boot)
		shell_stop_again(sh);
	(void)shell_step(sh, &ev);
	for (unsigned i = 0; i < sh->zones.n; i++)
		shell_console_listen(sh, sh->zones.v[i]);
	status_begin(sh->status);
	shell_commit(sh);
	looks_begin(sh);
	write_stamp(sh);
	r = admin_listen(sh, &sh->admin);
	if (r < 0)
		return errmsg_set(e, r, "admin socket: %s", strerror(-r));
	listen_http(sh);
	watch_signals(sh);
	log_notice("%u zones known%s", sh->zones.n, sh->host_boot ? ", host boot" : "");
	(void)notify("READY=1\nSTATUS=%u zones known", sh->zones.n);
	return 0;
}

void begin_leave(struct shell *sh)
{
	cleanup(freep) char *stamp = paths_get(&sh->paths, PATH_BOOT_ID, NULL);

	for (unsigned i = 0; i < sh->zones.n; i++) {
		struct zone *z = sh->zones.v[i];
		cleanup(freep) char *console =
			paths_get(&sh->paths, PATH_ZONE_CONSOLE, z->name);

		if (z->console_fd >= 0 && console)
			(void)unlink(console);
	}
	sh->boot_id[0] = '\0';
	if (shell_persist(sh) == 0)
		(void)shell_persist(
			sh); /* the generation before it must not know better */
	if (stamp)
		(void)unlink(stamp);
	status_flush(sh->status);
	log_notice("all zones are down");
}
