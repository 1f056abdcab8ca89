// SPDX-License-Identifier: BSD-2-Clause
/*
 * shell.c - events into the core, its actions into the world
 */
#include "restarter/shell.h"
#include "common/base/trace.h"
#include "common/sys/file.h"
#include "common/sys/log.h"
#include "common/sys/sock.h"
#include "restarter/admin.h"
#include "restarter/autoboot.h"
#include "restarter/hosts.h"
#include "restarter/http.h"
#include "restarter/launch.h"
#include "restarter/logs.h"
#include "restarter/look.h"
#include "restarter/monitor.h"
#include "restarter/notify.h"
#include "restarter/repo.h"
#include "restarter/status.h"
#include "restarter/stray.h"
#include "restarter/units.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define RETRY_MS  1000
#define EXTEND_MS 5000
#define HALT_MS   500u /* at the end of a host's stop */

static uint64_t clock_ms(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

uint64_t shell_now_ms(const struct shell *sh)
{
	return sh->clock_real_ms + (clock_ms(CLOCK_BOOTTIME) - sh->clock_boot_ms);
}

int shell_init(struct shell *sh)
{
	sh->clock_real_ms = clock_ms(CLOCK_REALTIME);
	sh->clock_boot_ms = clock_ms(CLOCK_BOOTTIME);
	sh->next_id = 1;
	if (getrandom(&sh->jitter, sizeof(sh->jitter), GRND_NONBLOCK) < 0 || !sh->jitter)
		sh->jitter = (uint32_t)sh->clock_real_ms | 1;
	config_defaults(&sh->config);
	if (uv_loop_init(&sh->loop))
		return -ENOMEM;
	if (core_new(&sh->core) < 0 || units_new(sh, &sh->units) < 0 ||
	    launches_new(sh, &sh->launches) < 0 || looks_new(sh, &sh->looks) < 0)
		return -ENOMEM;
	return status_new(sh, &sh->status);
}

/* Memory ran out in the middle: a new process that adopts is better than half a step. */
_Noreturn static void give_up(void)
{
	log_err("out of memory: ending; the zones run on");
	_exit(1);
}

/* Actions name an instance only until the next step; the table's zone lives longer. */
static void collect(struct shell *sh, const struct core_action *a, struct zone *about)
{
	struct pending *p;

	if (sh->batch.n == sh->batch.cap) {
		unsigned cap = sh->batch.cap * 2 + 16;
		void *v = realloc(sh->batch.v, cap * sizeof(*sh->batch.v));

		if (!v)
			give_up();
		sh->batch.v = v;
		sh->batch.cap = cap;
	}
	p = &sh->batch.v[sh->batch.n++];
	p->action = *a;
	p->zone = about;
	if (about)
		about->unsaved = true;
}

/* The zone of an action of the step just made. */
static struct zone *zone_of(struct shell *sh, const struct core_action *a)
{
	struct core_view v;
	struct zone *z;

	if (!a->inst)
		return NULL;
	core_view(sh->core, a->inst, &v);
	z = zones_find(&sh->zones, v.zone);
	ASSERT(z); /* the core has what the table has */
	return z;
}

void shell_drop_args(struct zone *z)
{
	free(z->boot_args);
	z->boot_args = NULL;
	z->unsaved = true;
}

/* Arguments of a boot that is not going to be must not wait for another one. */
static void drop_args(struct shell *sh, struct zone *z)
{
	const struct inst *i = z->boot_args ? core_find(sh->core, z->name) : NULL;
	struct core_view v;

	if (!i)
		return;
	core_view(sh->core, i, &v);
	if (v.phase != VM_NONE || (v.state != INST_DISABLED && v.state != INST_MAINT))
		return;
	shell_drop_args(z);
}

/* What the event itself changes; what follows from it comes with actions. */
static void touch(struct shell *sh, const struct core_event *ev)
{
	struct zone *z = ev->zone ? zones_find(&sh->zones, ev->zone) : NULL;

	if (z)
		z->unsaved = true;
	/* It may wait for its goals now: another reason, but no other state. */
	if (z && ev->type == EV_VM_RUNNING) {
		status_changed(sh->status);
		monitor_note(sh, z);
	}
	if (ev->zone || ev->type == EV_TIMER || ev->type == EV_HOST_UNIT)
		return;
	for (unsigned i = 0; i < sh->zones.n; i++)
		sh->zones.v[i]->unsaved = true;
}

int shell_step(struct shell *sh, struct core_event *ev)
{
	int r;

	ev->now_ms = shell_now_ms(sh);
	ev->jitter = sh->jitter;
	/* xorshift: what follows needs no quality, only to differ from host to host */
	sh->jitter ^= sh->jitter << 13;
	sh->jitter ^= sh->jitter >> 17;
	sh->jitter ^= sh->jitter << 5;
	r = core_step(sh->core, ev, &sh->step);
	TRACE(core, "%s %s: %d, %u actions", core_ev_names[ev->type],
	      ev->zone ? ev->zone : "-", r, r ? 0 : sh->step.n);
	if (r == -ENOMEM)
		give_up();
	if (r < 0)
		return r;
	touch(sh, ev);
	sh->units_stale |= ev->type == EV_ZONE_SET || ev->type == EV_ZONE_GONE;
	for (unsigned i = 0; i < sh->step.n; i++) {
		struct zone *z = zone_of(sh, &sh->step.v[i]);

		if (z)
			drop_args(sh, z);
		collect(sh, &sh->step.v[i], z);
	}
	return 0;
}

/* A new id for the boot; what is known of the last one goes. */
static void number_zone(struct shell *sh, struct zone *z)
{
	z->unsaved = true;
	z->id = sh->next_id;
	sh->next_id = sh->next_id == INT32_MAX ? 1 : sh->next_id + 1;
	z->started_ms = shell_now_ms(sh);
	z->running_ms = z->online_ms = 0;
}

static void do_start(struct shell *sh, struct zone *z)
{
	z->start_held = false;
	launch_begin(sh, z);
}

/* A start that waits for the repository's disk, or for storage, is undone without a trace.
 */
static bool drop_start(struct shell *sh, struct zone *z)
{
	struct core_event ev = { .type = EV_VM_EXITED,
				 .zone = z->name,
				 .end = VM_END_HALTED };

	if (!z->start_held && !launch_give_up(sh, z))
		return false;
	z->start_held = false;
	(void)shell_step(sh, &ev);
	return true;
}

/* The one place where a state change of an instance is said. */
static void announce(struct shell *sh, struct zone *z, const struct core_action *a)
{
	struct inst *inst = core_find(sh->core, z->name);
	struct core_view v;
	bool starred;
	char change[64 + CORE_REASON_SIZE];
	int r;

	status_changed(sh->status);
	monitor_note(sh, z);
	if (!inst)
		return;
	core_view(sh->core, inst, &v);
	/* What stays in its state had a '*' before, or has one now. */
	starred = a->from == v.state && v.next == v.state;
	snprintf(change, sizeof(change), "%s%s -> %s%s%s%s%s", inst_state_names[a->from],
		 starred ? "*" : "", inst_state_names[v.state],
		 v.next == v.state ? "" : "*", *a->reason ? " (" : "", a->reason,
		 *a->reason ? ")" : "");
	log_info("zone=%s %s", z->name, change);
	r = log_message(&sh->paths, z->name, "%s %s", z->name, change);
	if (r < 0)
		TRACE(shell, "%s: messages log: %s", z->name, strerror(-r));
}

/* svcadm enable or disable, for good: what could not be written is said in its answer. */
static void set_autoboot(struct shell *sh, struct zone *z, bool value)
{
	struct errmsg e = { "" };

	free(z->op_error);
	z->op_error = autoboot_write(sh, z, value, &e) < 0 ? strdup(e.text) : NULL;
}

static void answer(struct shell *sh, struct zone *z, const struct core_action *a)
{
	cleanup(freep) char *error = a->err ? NULL : take_ptr(&z->op_error);

	if (sh->admin)
		admin_op_done(sh->admin, a->op, error ? -EIO : a->err,
			      error ? error : a->reason);
}

static void carry_out(struct shell *sh, const struct core_action *a, struct zone *z)
{
	TRACE(shell, "%s %s %s", core_act_names[a->type], z ? z->name : "-", a->reason);
	switch (a->type) {
	case ACT_PERSIST: /* done for the whole batch */
		monitor_note(sh, z);
		break;
	case CORE_ACT_N:
		break;
	case ACT_AUTOBOOT:
		set_autoboot(sh, z, a->value);
		break;
	case ACT_STATE:
		announce(sh, z, a);
		break;
	case ACT_VM_START:
		if (*sh->persist_error)
			z->start_held = true;
		else
			do_start(sh, z);
		break;
	case ACT_VM_SHUTDOWN:
		if (!drop_start(sh, z) && z->host)
			host_shutdown(z->host);
		break;
	case ACT_VM_HALT:
		if (!drop_start(sh, z) && z->host)
			host_halt(z->host);
		break;
	case ACT_OP_WAIT:
		if (sh->admin)
			admin_op_wait(sh->admin, a->op, a->reason);
		break;
	case ACT_OP_DONE:
		answer(sh, z, a);
		break;
	case ACT_STOPPED:
		sh->stopped = true;
		uv_stop(&sh->loop);
		break;
	}
}

/* Ids are part of what is persisted, so they are given before. */
static bool prepare_batch(struct shell *sh, const struct pending *v, unsigned n)
{
	bool persist = false;

	for (unsigned i = 0; i < n; i++) {
		if (v[i].action.type == ACT_VM_START)
			number_zone(sh, v[i].zone);
		persist |= v[i].action.type == ACT_PERSIST ||
			   v[i].action.type == ACT_VM_START;
	}
	return persist;
}

/* Why they ended is persisted: they need not keep it any longer. */
static void confirm_ends(struct shell *sh)
{
	for (unsigned i = 0; i < sh->zones.n; i++) {
		struct host *h = sh->zones.v[i]->host;

		if (h && h->to_confirm)
			host_confirm(h);
	}
}

static void core_timer_fired(uv_timer_t *t)
{
	struct core_event ev = { .type = EV_TIMER };

	(void)shell_step(t->data, &ev);
}

static void arm_core_timer(struct shell *sh)
{
	uint64_t at = core_deadline_ms(sh->core), now = shell_now_ms(sh);

	if (at == UINT64_MAX) {
		uv_timer_stop(&sh->core_timer);
		return;
	}
	/* The loop's idea of now may be old. */
	uv_update_time(&sh->loop);
	uv_timer_start(&sh->core_timer, core_timer_fired, at > now ? at - now : 0, 0);
}

void shell_commit(struct shell *sh)
{
	if (sh->committing)
		return;
	sh->committing = true;
	if (sh->units_stale) {
		sh->units_stale = false;
		units_sync(sh->units);
	}
	while (sh->batch.n || sh->to_confirm) {
		struct pending *v = take_ptr(&sh->batch.v);
		unsigned n = sh->batch.n;
		bool confirm = sh->to_confirm;

		sh->batch.n = sh->batch.cap = 0;
		sh->to_confirm = false;
		if ((prepare_batch(sh, v, n) || confirm) && shell_persist(sh) == 0 &&
		    confirm)
			confirm_ends(sh);
		for (unsigned i = 0; i < n; i++)
			carry_out(sh, &v[i].action, v[i].zone);
		free(v);
	}
	monitor_flush(sh);
	sh->committing = false;
	if (sh->begun)
		arm_core_timer(sh);
}

static void start_held(struct shell *sh)
{
	for (unsigned i = 0; i < sh->zones.n; i++)
		if (sh->zones.v[i]->start_held)
			do_start(sh, sh->zones.v[i]);
}

static void retry_fired(uv_timer_t *t)
{
	struct shell *sh = t->data;

	(void)shell_persist(sh);
}

int shell_persist(struct shell *sh)
{
	int r = repo_save(sh);
	bool failed_before = *sh->persist_error;

	if (r < 0) {
		snprintf(sh->persist_error, sizeof(sh->persist_error),
			 "state.json cannot be written: %s", strerror(-r));
		if (!failed_before)
			log_err("%s: nothing new is begun until it can",
				sh->persist_error);
		if (sh->begun)
			uv_timer_start(&sh->retry_timer, retry_fired, RETRY_MS, 0);
	} else if (failed_before) {
		*sh->persist_error = '\0';
		log_notice("state.json can be written again");
		start_held(sh);
	}
	if (failed_before != (r < 0))
		status_changed(sh->status);
	return r;
}

/* Those who may manage the zone get to its console, if there is one, and nobody else. */
static void share_console(struct shell *sh, const struct zone *z)
{
	cleanup(freep) char *path = paths_get(&sh->paths, PATH_ZONE_CONSOLE, z->name);
	int r;

	if (sh->check_only)
		return;
	r = path ? rights_on_console(&z->rights, sh->managers, path) : -ENOMEM;
	if (r < 0 && r != -ENOENT)
		log_err("zone=%s console socket: no access for the users of admin: %s",
			z->name, strerror(-r));
}

int shell_zone_refresh(struct shell *sh, struct zone *z)
{
	struct core_event ev = { .type = EV_ZONE_SET, .zone = z->name };
	struct zone_spec spec;
	int r = zone_spec_load(&sh->paths, z, &spec);

	if (r < 0)
		return r;
	status_changed(sh->status);
	monitor_note(sh, z);
	if (z->config_error && (z->has_config || z->life != LIFE_CONFIGURED))
		log_err("zone=%s %s", z->name, z->config_error);
	if (z->life == LIFE_INSTALLED) {
		ev.spec = spec.spec;
		if (!sh->config.track_zone_goals)
			ev.spec.goals_timeout_ms = 0;
		(void)shell_step(sh, &ev);
		shell_console_listen(sh, z);
		share_console(sh, z);
	}
	zone_spec_fini(&spec);
	return 0;
}

int shell_zone_dir(struct shell *sh, struct zone *z)
{
	cleanup(freep) char *dir = paths_get(&sh->paths, PATH_ZONE_RUN, z->name);

	return dir ? dir_make(dir, 0755) : -ENOMEM;
}

void shell_console_listen(struct shell *sh, struct zone *z)
{
	cleanup(freep) char *path = paths_get(&sh->paths, PATH_ZONE_CONSOLE, z->name);
	int r;

	/* Before adoption nobody knows whether a kzhost has it. */
	if (!sh->begun || z->console_fd >= 0 || z->host || z->stray ||
	    z->life != LIFE_INSTALLED)
		return;
	r = path ? shell_zone_dir(sh, z) : -ENOMEM;
	if (r == 0)
		r = sock_listen(path, SOCK_STREAM, 0600, &z->console_fd);
	if (r < 0)
		log_err("zone=%s console socket: %s", z->name, strerror(-r));
	else
		share_console(sh, z);
}

static void extend_fired(uv_timer_t *t)
{
	struct shell *sh = t->data;
	const struct zone *first = NULL;
	struct core_totals totals;
	struct core_view v = { 0 };
	struct inst *inst;
	unsigned active = 0;

	core_tell_time(sh->core, shell_now_ms(sh));
	core_totals(sh->core, &totals);
	for (unsigned i = 0; i < sh->zones.n; i++) {
		active += sh->zones.v[i]->host != NULL;
		if (sh->zones.v[i]->host && !first)
			first = sh->zones.v[i];
	}
	inst = first ? core_find(sh->core, first->name) : NULL;
	if (inst)
		core_view(sh->core, inst, &v);
	(void)notify(
		"EXTEND_TIMEOUT_USEC=%u\nSTATUS=Stopping: %u of %u zones still run%s%s%s"
		"%.200s",
		3 * EXTEND_MS * 1000, active, totals.n_instances, first ? "; " : "",
		first ? first->name : "", *v.reason ? ": " : "", v.reason);
	/* The core halts at its deadline; whoever lives long after that is killed. */
	if (shell_now_ms(sh) < sh->stop_deadline_ms + 2 * EXTEND_MS)
		return;
	for (unsigned i = 0; i < sh->zones.n; i++)
		if (sh->zones.v[i]->host)
			host_kill(sh->zones.v[i]->host);
}

static void stop_until(struct shell *sh, uint64_t deadline_ms)
{
	struct core_event ev = { .type = EV_HOST_STOP, .stop_deadline_ms = deadline_ms };

	sh->stop_deadline_ms = deadline_ms;
	if (!sh->stopping) {
		log_notice("stopping all zones, within %llu s",
			   (unsigned long long)(deadline_ms - shell_now_ms(sh) + 999) /
				   1000);
		(void)notify("STOPPING=1\nSTATUS=Stopping");
		uv_timer_start(&sh->extend_timer, extend_fired, 0, EXTEND_MS);
	}
	sh->stopping = true;
	/* Whoever comes after us must not boot what was stopped. */
	(void)shell_persist(sh);
	(void)shell_step(sh, &ev);
}

/* How long guests have: halting those that are left takes a moment of the time, too. */
static uint64_t stop_ms(const struct shell *sh)
{
	uint64_t all_ms = sh->config.stop_timeout_s * 1000ull;

	return all_ms - MIN(HALT_MS, all_ms / 10);
}

void shell_stop(struct shell *sh)
{
	uint64_t now = shell_now_ms(sh);

	/* Asked a second time: at once. */
	stop_until(sh, sh->stopping ? now : now + stop_ms(sh));
}

void shell_stop_again(struct shell *sh)
{
	uint64_t now = shell_now_ms(sh);

	if (!sh->stop_deadline_ms)
		return;
	log_notice("going on with the stop that the last svc.zones began");
	/* When its time is over everything is halted now. The clock may have been set
	 * back meanwhile: never longer than a whole stop.
	 */
	stop_until(sh, MIN(MAX(sh->stop_deadline_ms, now), now + stop_ms(sh)));
}

static void on_prepare(uv_prepare_t *p)
{
	shell_commit(p->data);
}

static void on_check(uv_check_t *c)
{
	shell_commit(c->data);
}

void shell_begin(struct shell *sh)
{
	sh->core_timer.data = sh->retry_timer.data = sh->extend_timer.data = sh;
	sh->prepare.data = sh->check.data = sh;
	sh->begun = true;
	uv_timer_init(&sh->loop, &sh->core_timer);
	uv_timer_init(&sh->loop, &sh->retry_timer);
	uv_timer_init(&sh->loop, &sh->extend_timer);
	uv_prepare_init(&sh->loop, &sh->prepare);
	uv_check_init(&sh->loop, &sh->check);
	uv_prepare_start(&sh->prepare, on_prepare);
	uv_check_start(&sh->check, on_check);
	if (*sh->persist_error)
		uv_timer_start(&sh->retry_timer, retry_fired, RETRY_MS, 0);
}

static void close_handle(uv_handle_t *h, void *arg)
{
	if (!uv_is_closing(h))
		uv_close(h, NULL);
}

void shell_fini(struct shell *sh)
{
	for (unsigned i = 0; i < sh->zones.n; i++)
		stray_forget(sh->zones.v[i]);
	admin_free(sh->admin);
	http_free(sh->http);
	units_free(sh->units);
	launches_free(sh->launches);
	looks_free(sh->looks);
	status_free(sh->status);
	for (unsigned i = 0; i < sh->zones.n; i++)
		if (sh->zones.v[i]->host)
			host_detach(sh->zones.v[i]->host);
	limits_fini(&sh->limits);
	jail_close(&sh->jail);
	(void)uv_run(&sh->loop, UV_RUN_NOWAIT);
	uv_walk(&sh->loop, close_handle, NULL);
	while (uv_run(&sh->loop, UV_RUN_DEFAULT))
		;
	ASSERT(uv_loop_close(&sh->loop) == 0);
	core_actions_fini(&sh->step);
	free(sh->batch.v);
	buf_fini(&sh->state_text);
	zones_fini(&sh->zones);
	core_free(sh->core);
	paths_fini(&sh->paths);
}
