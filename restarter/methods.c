// SPDX-License-Identifier: BSD-2-Clause
/*
 * methods.c - what each method of the admin interface does, as a table
 *
 * Reading methods answer at once. Those that change an instance become one event whose
 * answer is the core's OP_DONE. Begin and End move a zone through its life (life.h).
 */
#include "common/base/json.h"
#include "common/sys/log.h"
#include "restarter/admin.h"
#include "restarter/autoboot.h"
#include "restarter/away.h"
#include "restarter/booted.h"
#include "restarter/logs.h"
#include "restarter/look.h"
#include "restarter/monitor.h"
#include "restarter/plan.h"
#include "restarter/settings.h"
#include "restarter/status.h"
#include "restarter/stray.h"
#include "restarter/view.h"

#include <stdio.h>
#include <string.h>

struct request {
	struct shell *sh;
	struct conn *conn;
	const struct varlink_call *call;
	struct zone *zone; /* the parameter of that name; NULL when the method has none */
};

static const char *text_param(const struct request *q, const char *name)
{
	return json_string_value(json_object_get(q->call->params, name));
}

static bool bool_param(const struct request *q, const char *name)
{
	return json_is_true(json_object_get(q->call->params, name));
}

static void failed(const struct request *q, const char *message)
{
	conn_error(q->conn, KZ_ERR_FAILED, message);
}

static void bad_state(const struct request *q, const char *what)
{
	const char *state = zone_state_name(view_zone_state(q->sh, q->zone));
	char text[256];

	snprintf(text, sizeof(text), "zone '%s': %s while the zone is %s", q->zone->name,
		 what, state);
	conn_bad_state(q->conn, text, state);
}

static void put_list(const struct request *q, struct buf *params, const char *key,
		     bool (*view)(const struct shell *sh, const struct zone *z,
				  struct buf *o))
{
	jput_open(params, key, "[");
	for (unsigned i = 0; i < q->sh->zones.n; i++) {
		const struct zone *z = q->sh->zones.v[i];

		if (q->zone && q->zone != z)
			continue;
		if (z->has_config || z->life != LIFE_CONFIGURED)
			(void)view(q->sh, z, params);
	}
	jput_close(params, "]");
}

static void do_zones(const struct request *q)
{
	struct buf params = { 0 };

	jput_open(&params, NULL, "{");
	put_list(q, &params, "zones", view_zone);
	jput_close(&params, "}");
	conn_reply_text(q->conn, &params);
}

static void do_instances(const struct request *q)
{
	struct buf params = { 0 };

	jput_open(&params, NULL, "{");
	put_list(q, &params, "instances",
		 bool_param(q, "brief") ? view_instance_brief : view_instance);
	if (!q->zone) {
		jput_open(&params, "restarter", "");
		view_restarter(q->sh, &params);
		jput_open(&params, "units", "");
		view_units(q->sh, &params);
	}
	jput_close(&params, "}");
	conn_reply_text(q->conn, &params);
}

static void do_plan(const struct request *q)
{
	json_t *plan;

	if (plan_make(q->sh, &plan) < 0)
		failed(q, "out of memory");
	else
		conn_reply(q->conn, plan);
}

static void do_monitor(const struct request *q)
{
	monitor_begin(q->sh, q->conn, q->zone);
}

static void do_status(const struct request *q)
{
	struct buf params = { 0 };

	buf_adds(&params, "{\"status\": ");
	view_status(q->sh, &params);
	jput_close(&params, "}");
	conn_reply_text(q->conn, &params);
}

/* One event for the core; its OP_DONE answers the call. */
static void submit(const struct request *q, struct core_event *ev)
{
	if (q->zone->life != LIFE_INSTALLED) {
		bad_state(q, "this cannot be done");
		return;
	}
	ev->zone = q->zone->name;
	ev->op = conn_expect(q->conn);
	q->conn->op_zone = q->zone;
	if (shell_step(q->sh, ev) < 0) {
		q->conn->op = 0;
		bad_state(q, "there is no instance");
	}
}

/* Nothing begins while it could not be remembered. */
static bool refuse_begin(const struct request *q)
{
	if (*q->sh->persist_error && shell_persist(q->sh) < 0) {
		failed(q, q->sh->persist_error);
		return true;
	}
	if (q->sh->stopping) {
		failed(q, "the host is stopping its zones");
		return true;
	}
	return false;
}

/* The arguments of this boot; false when they cannot be. */
static bool take_args(const struct request *q)
{
	const char *args = text_param(q, "args");
	char *copy = NULL;

	if (args && strlen(args) > 1024) {
		failed(q, "boot arguments of more than 1024 bytes");
		return false;
	}
	if (args) {
		copy = strdup(args);
		if (!copy) {
			failed(q, "out of memory");
			return false;
		}
	}
	free(q->zone->boot_args);
	q->zone->boot_args = copy;
	q->zone->unsaved = true;
	return true;
}

static void do_boot(const struct request *q)
{
	enum zone_state state = view_zone_state(q->sh, q->zone);
	struct core_event ev = { .type = EV_BOOT };

	if (refuse_begin(q))
		return;
	/* Arguments for a boot that is not going to be must not wait for the next one. */
	if (state == ZONE_INSTALLED && !take_args(q))
		return;
	submit(q, &ev);
}

static void do_reboot(const struct request *q)
{
	enum zone_state state = view_zone_state(q->sh, q->zone);
	struct core_event ev = { .type = EV_REBOOT };

	if (refuse_begin(q) || (state >= ZONE_READY && !take_args(q)))
		return;
	submit(q, &ev);
}

static void do_shutdown(const struct request *q)
{
	struct core_event ev = { .type = EV_SHUTDOWN };

	if (bool_param(q, "reboot")) {
		if (refuse_begin(q))
			return;
		ev.type = EV_RESTART;
	}
	submit(q, &ev);
}

static void do_halt(const struct request *q)
{
	struct core_event ev = { .type = EV_HALT };
	struct errmsg e = { "" };

	if (!q->zone->stray) {
		submit(q, &ev);
	} else if (stray_halt(q->zone, conn_expect(q->conn), &e) < 0) {
		q->conn->op = 0;
		failed(q, e.text);
	}
}

/* What is unavailable leaves that when its storage is there. */
static void do_clear(const struct request *q)
{
	struct core_event ev = { .type = EV_CLEAR };
	struct errmsg e = { "" };

	if (refuse_begin(q))
		return;
	if (zone_life(q->sh->core, q->zone) != LIFE_UNAVAILABLE) {
		submit(q, &ev);
	} else if (look_begin(q->sh, q->zone, conn_expect(q->conn), &e) < 0) {
		q->conn->op = 0;
		failed(q, e.text);
	}
}

static void do_mark_instance(const struct request *q)
{
	struct core_event ev = { .type = EV_MARK_MAINT,
				 .mark = { .immediate = bool_param(q, "immediate"),
					   .temporary = bool_param(q, "temporary") } };
	const char *state = text_param(q, "state");

	if (strcmp(state, "degraded") == 0) {
		ev.type = EV_MARK_DEGRADED;
	} else if (strcmp(state, "maintenance") != 0) {
		failed(q, "the state is maintenance or degraded");
		return;
	}
	submit(q, &ev);
}

static void enable(const struct request *q, enum core_ev type)
{
	struct core_event ev = { .type = type, .temporary = bool_param(q, "temporary") };
	struct errmsg e = { "" };

	if (!ev.temporary && autoboot_check(q->sh, q->zone, &e) < 0) {
		failed(q, e.text);
		return;
	}
	submit(q, &ev);
}

static void do_enable(const struct request *q)
{
	if (!refuse_begin(q))
		enable(q, EV_ENABLE);
}

static void do_disable(const struct request *q)
{
	enable(q, EV_DISABLE);
}

/* Actions that wait may still be about it. */
static void forget(struct shell *sh, struct zone *z)
{
	shell_commit(sh);
	zones_remove(&sh->zones, z);
}

static void do_get_properties(const struct request *q)
{
	struct errmsg e = { "" };
	json_t *all;

	if (settings_view(q->sh, &all, &e) < 0)
		failed(q, e.text);
	else
		conn_reply(q->conn, json_pack("{s:o}", "properties", all));
}

static void do_set_property(const struct request *q)
{
	const char *name = text_param(q, "name"), *value = text_param(q, "value");
	struct errmsg e = { "" };

	if (config_set(&q->sh->paths, name, value, &e) < 0) {
		failed(q, e.text);
		return;
	}
	log_notice("property %s: %s%s (at the next refresh)", name,
		   value ? "set to " : "deleted", value ? value : "");
	conn_reply(q->conn, NULL);
}

/* Without a zone: the restarter itself. */
static void refresh_restarter(const struct request *q)
{
	struct errmsg e = { "" };

	if (settings_load(q->sh, &e) < 0)
		failed(q, e.text);
	else
		conn_reply(q->conn, NULL);
}

static void do_refresh(const struct request *q)
{
	struct zone *z = q->zone;

	if (!z) {
		refresh_restarter(q);
		return;
	}
	if (shell_zone_refresh(q->sh, z) < 0) {
		failed(q, "out of memory");
		return;
	}
	if (!z->has_config && z->life == LIFE_CONFIGURED && !z->worker)
		forget(q->sh, z);
	conn_reply(q->conn, NULL);
}

/* Sets the zone's life and makes it durable; on failure all is as before. */
static int set_life(struct shell *sh, struct zone *z, enum life_state to)
{
	enum life_state from = z->life;
	int r;

	z->life = to;
	z->unsaved = true;
	r = shell_persist(sh);
	if (r < 0) {
		z->life = from;
		z->unsaved = true;
		return r;
	}
	return 0;
}

/* The instance goes; refused while it has a machine. */
static int remove_instance(struct shell *sh, struct zone *z)
{
	struct core_event ev = { .type = EV_ZONE_GONE, .zone = z->name };
	cleanup(freep) char *path = paths_get(&sh->paths, PATH_ZONE_CONSOLE, z->name);
	int r = z->host ? -EBUSY : shell_step(sh, &ev);

	if (r < 0)
		return r;
	shell_commit(sh); /* its actions name an instance that is about to go */
	closep(&z->console_fd);
	if (path)
		(void)unlink(path);
	return 0;
}

/* Of its storage the core knows, and has it persisted. */
static int set_away(struct shell *sh, struct zone *z, bool there)
{
	int r = *sh->persist_error ? shell_persist(sh) : 0;

	if (r == 0)
		r = away_set(sh, z, there, "marked unavailable by an administrator");
	if (r < 0)
		return r;
	shell_commit(sh);
	return *sh->persist_error ? -EIO : 0;
}

/* What Begin and End have in common: one row of the table of a zone's life. */
static int step_life(struct shell *sh, struct zone *z, enum life_event on)
{
	const struct fsm_rule *rule = fsm_find(&life_fsm, zone_life(sh->core, z), on);
	uint8_t old_uuid[16];
	int r = 0;

	if (!rule)
		return -EINVAL;
	if (rule->ignore)
		return 0;
	if (rule->action == LIFE_ACT_AWAY || rule->action == LIFE_ACT_BACK)
		return set_away(sh, z, rule->action == LIFE_ACT_BACK);
	memcpy(old_uuid, z->uuid, sizeof(old_uuid));
	if (rule->action == LIFE_ACT_REMOVE || rule->action == LIFE_ACT_DETACH)
		r = remove_instance(sh, z);
	if (r == 0 && (rule->action == LIFE_ACT_UUID || rule->action == LIFE_ACT_ATTACH))
		r = uuid_random(z->uuid);
	else if (r == 0 &&
		 (rule->action == LIFE_ACT_FORGET || rule->action == LIFE_ACT_DETACH))
		memset(z->uuid, 0, sizeof(z->uuid));
	if (r == 0)
		r = set_life(sh, z, (enum life_state)rule->to);
	if (r < 0) {
		memcpy(z->uuid, old_uuid, sizeof(old_uuid));
		/* An instance that went for nothing comes back. */
		if (rule->to != LIFE_INSTALLED && z->life == LIFE_INSTALLED &&
		    r != -EBUSY) {
			(void)shell_zone_refresh(sh, z);
			if (rule->from == LIFE_UNAVAILABLE)
				(void)away_set(sh, z, false, "it was unavailable before");
		}
		return r;
	}
	away_note(sh, z, (enum life_state)rule->from);
	if (z->life == LIFE_INSTALLED)
		(void)shell_zone_refresh(sh, z);
	return 0;
}

static void begin_failed(const struct request *q, int r, const char *operation)
{
	char what[64];

	snprintf(what, sizeof(what), "%.32s is not possible", operation);
	if (r == -EINVAL && q->zone->life == LIFE_CONFIGURED && q->zone->config_error)
		failed(q, q->zone->config_error);
	else if (r == -EBUSY || r == -EINVAL)
		bad_state(q, what);
	else
		failed(q, *q->sh->persist_error ? q->sh->persist_error : strerror(-r));
}

/* What zoneadm does by itself, between Begin and End. */
static const struct operation {
	const char *name;
	enum life_event begin, end;
	bool makes; /* wants a configuration that can be used */
} operations[] = {
	{ "install", LIFE_EV_BEGIN_INSTALL, LIFE_EV_INSTALLED, true },
	{ "uninstall", LIFE_EV_BEGIN_UNINSTALL, LIFE_EV_UNINSTALLED, false },
	{ "attach", LIFE_EV_BEGIN_ATTACH, LIFE_EV_ATTACHED, true },
	{ "detach", LIFE_EV_BEGIN_DETACH, LIFE_EV_DETACHED, false },
};

static const struct operation *find_operation(const char *name)
{
	for (unsigned i = 0; i < ARRAY_SIZE(operations); i++)
		if (strcmp(operations[i].name, name) == 0)
			return &operations[i];
	return NULL;
}

/* Says why an operation cannot begin now; false: it can. */
static bool refuse_operation(const struct request *q, const struct operation *o)
{
	struct zone *z = q->zone;
	char text[256] = "";

	if (z->worker)
		snprintf(text, sizeof(text), "another operation works on the zone");
	else if (q->conn->work)
		snprintf(text, sizeof(text), "this connection works on another zone");
	else if (o->makes && z->config_error)
		snprintf(text, sizeof(text), "%s", z->config_error);
	else if (z->stray)
		stray_text(z, text, sizeof(text));
	if (*text)
		failed(q, text);
	return *text || refuse_begin(q);
}

static void do_begin(const struct request *q)
{
	const struct operation *o = find_operation(text_param(q, "operation"));
	char uuid[UUID_TEXT_SIZE];
	struct zone *z = q->zone;
	int r;

	if (!o) {
		failed(q, "the operation is install, uninstall, attach or detach");
		return;
	}
	if (refuse_operation(q, o))
		return;
	r = o->end == LIFE_EV_DETACHED && z->host ? -EBUSY
						  : step_life(q->sh, z, o->begin);
	if (r < 0) {
		begin_failed(q, r, o->name);
		return;
	}
	z->worker = q->conn;
	z->worker_end = o->end;
	q->conn->work = z;
	uuid_format(z->uuid, uuid);
	conn_reply(q->conn,
		   o->end == LIFE_EV_INSTALLED ? json_pack("{s:s}", "uuid", uuid) : NULL);
}

static void do_end(const struct request *q)
{
	struct zone *z = q->zone;
	bool success = bool_param(q, "success");
	int r;

	if (z->worker != q->conn) {
		bad_state(q, "End without Begin on this connection");
		return;
	}
	r = step_life(q->sh, z, success ? z->worker_end : LIFE_EV_FAILED);
	if (r < 0) {
		begin_failed(q, r, "the end");
		return;
	}
	z->worker = NULL;
	q->conn->work = NULL;
	if (!z->has_config && z->life == LIFE_CONFIGURED)
		forget(q->sh, z);
	conn_reply(q->conn, NULL);
}

/* By hand: what the zone has on its disks is not, or not now, what it should be. */
static void do_mark(const struct request *q)
{
	const char *state = text_param(q, "state");
	bool incomplete = strcmp(state, "incomplete") == 0;
	int r;

	if (!incomplete && strcmp(state, "unavailable") != 0) {
		failed(q, "a zone is marked incomplete or unavailable");
		return;
	}
	if (q->zone->worker) {
		failed(q, "another operation works on the zone");
		return;
	}
	r = step_life(q->sh, q->zone,
		      incomplete ? LIFE_EV_MARK_INCOMPLETE : LIFE_EV_MARK_UNAVAILABLE);
	if (r < 0)
		begin_failed(q, r, "mark");
	else
		conn_reply(q->conn, NULL);
}

/* The document of /run/zones/<zone>/booted.json, and what it stands for. */
static void do_reconfigure(const struct request *q)
{
	json_t *changes = json_object_get(q->call->params, "changes");
	struct zone *z = q->zone;
	struct errmsg e = { "" };

	if (!z->host || view_zone_state(q->sh, z) != ZONE_RUNNING) {
		bad_state(q, "it cannot be changed live");
		return;
	}
	if (booted_change(q->sh, z, changes, &e) < 0) {
		failed(q, e.text);
		return;
	}
	log_info("zone=%s reconfigured", z->name);
	(void)log_message(&q->sh->paths, z->name, "reconfigured while it runs");
	status_changed(q->sh->status);
	conn_reply(q->conn, NULL);
}

void method_abandon(struct shell *sh, struct conn *c)
{
	struct zone *z = take_ptr(&c->work);

	z->worker = NULL;
	log_warning("zone=%s the operation was abandoned: the zone stays %s", z->name,
		    life_state_names[z->life]);
	(void)step_life(sh, z, LIFE_EV_FAILED);
}

typedef void method_fn(const struct request *q);

static method_fn *const methods[KZ_METHOD_N] = {
	[KZ_ZONES] = do_zones,
	[KZ_INSTANCES] = do_instances,
	[KZ_STATUS] = do_status,
	[KZ_BOOT] = do_boot,
	[KZ_SHUTDOWN] = do_shutdown,
	[KZ_HALT] = do_halt,
	[KZ_REBOOT] = do_reboot,
	[KZ_BEGIN] = do_begin,
	[KZ_END] = do_end,
	[KZ_REFRESH] = do_refresh,
	[KZ_CLEAR] = do_clear,
	[KZ_ENABLE] = do_enable,
	[KZ_DISABLE] = do_disable,
	[KZ_MARK_INSTANCE] = do_mark_instance,
	[KZ_MONITOR] = do_monitor,
	[KZ_PLAN] = do_plan,
	[KZ_GET_PROPERTIES] = do_get_properties,
	[KZ_SET_PROPERTY] = do_set_property,
	[KZ_DEL_PROPERTY] = do_set_property,
	[KZ_MARK] = do_mark,
	[KZ_RECONFIGURE] = do_reconfigure,
};

/* Zones that nobody told us of (zonecfg could not reach us) are found by their file. */
static struct zone *find_zone(struct shell *sh, const char *name, bool always)
{
	struct zone *z = zones_find(&sh->zones, name);

	if (z || zones_get(&sh->zones, name, &z) < 0)
		return z;
	if (shell_zone_refresh(sh, z) < 0 || (!z->has_config && !always)) {
		zones_remove(&sh->zones, z);
		return NULL;
	}
	return z;
}

void method_serve(struct shell *sh, struct conn *c, const struct varlink_call *call)
{
	struct request q = { .sh = sh, .conn = c, .call = call };
	const char *name = text_param(&q, "zone");
	char text[128];

	/* What is told has been persisted. */
	if (kz_method_right(call->method) == RIGHT_READ)
		shell_commit(sh);
	core_tell_time(sh->core, shell_now_ms(sh));
	if (name) {
		q.zone = find_zone(sh, name, call->method == KZ_REFRESH);
		if (!q.zone) {
			snprintf(text, sizeof(text),
				 "zone '%.64s': no such zone configured", name);
			conn_error(c, KZ_ERR_NO_SUCH_ZONE, text);
			return;
		}
	}
	methods[call->method](&q);
}
