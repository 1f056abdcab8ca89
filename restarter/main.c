// SPDX-License-Identifier: BSD-2-Clause
/*
 * main.c - svc.zones, the zones delegated restarter: options, start, end
 *
 * DOC: Start
 *
 * Directories, the lock, svc.zones.json, state.json, every configuration; then the core
 * is told what there is, kzhosts that still run are adopted, and READY or HOST_BOOT (when
 * the host has booted since the stamp in /run) lets the core act. Only then do operators
 * get in, and the service manager hears READY=1.
 */
#include "common/base/trace.h"
#include "common/sys/file.h"
#include "common/sys/log.h"
#include "restarter/adopt.h"
#include "restarter/admin.h"
#include "restarter/hosts.h"
#include "restarter/notify.h"
#include "restarter/plan.h"
#include "restarter/repo.h"
#include "restarter/status.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

static const char usage_text[] =
	"usage: svc.zones [-hn] [-R DIR] [-D FLAG[=LEVEL]]... [--selftest]\n"
	"\n"
	"The zones delegated restarter: boots, watches and stops kernel zones.\n"
	"\n"
	"  -R DIR    every path below DIR (default: $KZONES_ROOT, else /)\n"
	"  -n        check the configurations, print what would be booted in which\n"
	"            order, and act on nothing\n"
	"  -D FLAG   print trace records of FLAG (core, shell, admin, ctl)\n"
	"  --selftest  check the state tables of this program\n"
	"  -h        this text\n";

struct options {
	const char *root;
	bool plan;
	bool selftest;
	bool help;
};

/* 0, or 2 for a usage that was complained about. */
static int parse_options(int argc, char **argv, struct options *o)
{
	struct errmsg e = { "" };

	for (int i = 1; i < argc; i++) {
		const char *a = argv[i];
		bool wants = strcmp(a, "-R") == 0 || strcmp(a, "-D") == 0;

		if (wants && i + 1 == argc) {
			fprintf(stderr, "svc.zones: %s wants an argument\n", a);
			return 2;
		}
		if (strcmp(a, "-R") == 0) {
			o->root = argv[++i];
		} else if (strcmp(a, "-D") == 0) {
			if (trace_parse(argv[++i], &e) < 0) {
				fprintf(stderr, "svc.zones: %s\n", e.text);
				return 2;
			}
		} else if (strcmp(a, "-n") == 0) {
			o->plan = true;
		} else if (strcmp(a, "--selftest") == 0) {
			o->selftest = true;
		} else if (strcmp(a, "-h") == 0 || strcmp(a, "--help") == 0) {
			o->help = true;
		} else {
			fprintf(stderr, "svc.zones: unknown argument '%s'\n%s", a,
				usage_text);
			return 2;
		}
	}
	return 0;
}

static int selftest(void)
{
	const struct fsm *machines[] = { &inst_fsm, &life_fsm, &host_fsm, &ctl_fsm };
	struct errmsg e = { "" };
	int status = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(machines); i++) {
		int r = fsm_check(machines[i], &e);

		printf("%s: %s\n", machines[i]->name, r ? e.text : "sound");
		status |= r != 0;
	}
	return status;
}

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

/* Has the host booted since the stamp was written? */
static bool host_has_booted(const struct shell *sh)
{
	cleanup(freep) char *path = paths_get(&sh->paths, PATH_BOOT_ID, NULL);
	cleanup(freep) char *stamp = NULL;
	size_t len;

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
		log_err("boot-id stamp: %s", strerror(-r));
}

/* Makes the table of zones: what state.json knows, and what is configured besides. */
static int load_zones(struct shell *sh, struct errmsg *e)
{
	bool previous = false;
	char boot_id[sizeof(sh->boot_id)];
	char **names = NULL;
	unsigned n = 0;
	struct zone *z;
	int r;

	memcpy(boot_id, sh->boot_id, sizeof(boot_id));
	r = repo_load(sh, &previous, e);
	if (r < 0)
		return r;
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

static void set_limits(struct shell *sh)
{
	struct core_event ev = { .type = EV_LIMITS };

	ev.limits.boot_shutdown = sh->config.concurrent_boot_shutdown;
	ev.limits.suspend_resume = sh->config.concurrent_suspend_resume;
	(void)shell_step(sh, &ev);
}

static void load_config(struct shell *sh)
{
	struct errmsg e = { "" };

	if (config_load(&sh->paths, &sh->config, &e) < 0)
		log_err("%s: what was in force before stays", e.text);
	set_limits(sh);
}

/* What the core has to know before it may act. */
static int feed_core(struct shell *sh, bool booted)
{
	load_config(sh);
	if (booted)
		sh->next_id = 1;
	for (unsigned i = 0; i < sh->zones.n; i++) {
		struct zone *z = sh->zones.v[i];
		struct core_event ev = { .type = EV_ZONE_RESTORE, .zone = z->name };

		if (shell_zone_refresh(sh, z) < 0)
			return -ENOMEM;
		if (z->life != LIFE_INSTALLED || !z->has_saved || booted)
			continue;
		ev.saved = z->saved;
		ev.saved.since_ms = MIN(ev.saved.since_ms, shell_now_ms(sh));
		(void)shell_step(sh, &ev);
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

	static_assert(ARRAY_SIZE(signums) == sizeof(sh->signals) / sizeof(sh->signals[0]),
		      "a handle each");
	for (unsigned i = 0; i < ARRAY_SIZE(signums); i++) {
		sh->signals[i].data = sh;
		uv_signal_init(&sh->loop, &sh->signals[i]);
		uv_signal_start(&sh->signals[i], on_signal, signums[i]);
	}
	(void)signal(SIGPIPE, SIG_IGN);
}

/* From an empty shell to one that serves; what fails is said in e. */
static int start(struct shell *sh, struct errmsg *e)
{
	struct core_event ev = { .type = EV_READY };
	bool booted = host_has_booted(sh);
	int r = load_zones(sh, e);

	if (r == 0)
		r = feed_core(sh, booted);
	if (r < 0)
		return r;
	shell_begin(sh);
	adopt_all(sh);
	ev.type = booted ? EV_HOST_BOOT : EV_READY;
	(void)shell_step(sh, &ev);
	for (unsigned i = 0; i < sh->zones.n; i++)
		shell_console_listen(sh, sh->zones.v[i]);
	status_begin(sh->status);
	shell_commit(sh);
	write_stamp(sh);
	r = admin_listen(sh, &sh->admin);
	if (r < 0)
		return errmsg_set(e, r, "admin socket: %s", strerror(-r));
	watch_signals(sh);
	log_notice("%u zones known%s", sh->zones.n, booted ? ", host boot" : "");
	(void)notify("READY=1\nSTATUS=%u zones known", sh->zones.n);
	return 0;
}

/* After a clean stop nothing is left below /run but the lock; the next start boots. */
static void leave(struct shell *sh)
{
	cleanup(freep) char *stamp = paths_get(&sh->paths, PATH_BOOT_ID, NULL);

	for (unsigned i = 0; i < sh->zones.n; i++) {
		struct zone *z = sh->zones.v[i];
		cleanup(freep) char *console =
			paths_get(&sh->paths, PATH_ZONE_CONSOLE, z->name);

		if (z->console_fd >= 0 && console)
			(void)unlink(console);
	}
	if (stamp)
		(void)unlink(stamp);
	status_flush(sh->status);
	log_notice("all zones are down");
}

static int daemon_main(struct shell *sh, struct errmsg *e)
{
	struct rlimit files;
	int lock = -1, r;

	/* Some ten descriptors a zone. */
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	r = make_dirs(&sh->paths, e);
	if (r == 0)
		r = take_lock(&sh->paths, &lock, e);
	if (r == 0)
		r = start(sh, e);
	if (r == 0) {
		(void)uv_run(&sh->loop, UV_RUN_DEFAULT);
		leave(sh);
	}
	closep(&lock);
	return r;
}

static int plan_main(struct shell *sh, struct errmsg *e)
{
	int r = config_load(&sh->paths, &sh->config, e);

	if (r == 0)
		r = load_zones(sh, e);
	if (r == 0)
		r = feed_core(sh, true);
	return r < 0 ? r : plan_print(sh);
}

int main(int argc, char **argv)
{
	struct options o = { 0 };
	struct shell sh = { 0 };
	struct errmsg e = { "" };
	int r;

	log_init("svc.zones");
	r = parse_options(argc, argv, &o);
	if (r)
		return r;
	if (o.help) {
		fputs(usage_text, stdout);
		return 0;
	}
	if (o.selftest)
		return selftest();
	umask(022);
	r = paths_init(&sh.paths, o.root, &e);
	if (r == 0)
		r = shell_init(&sh);
	if (r < 0) {
		log_err("%s", *e.text ? e.text : strerror(-r));
		return 1;
	}
	read_boot_id(sh.boot_id);
	r = o.plan ? plan_main(&sh, &e) : daemon_main(&sh, &e);
	if (r < 0 && (*e.text || !o.plan))
		log_err("%s", *e.text ? e.text : strerror(-r));
	shell_fini(&sh);
	return r < 0 ? 1 : 0;
}
