// SPDX-License-Identifier: BSD-2-Clause
/*
 * units.c - watch units of the host's service manager over the system bus
 */
#include "restarter/units.h"
#include "common/base/trace.h"
#include "common/sys/log.h"
#include "restarter/sdbus.h"
#include "restarter/shell.h"
#include "restarter/status.h"

#include <poll.h>
#include <string.h>
#include <time.h>

#define RETRY_MS     2000
#define DISPATCH_MAX 64 /* messages, before others have their turn */
#define SYSTEMD      "org.freedesktop.systemd1"
#define SYSTEMD_PATH "/org/freedesktop/systemd1"
#define MANAGER      SYSTEMD ".Manager"
#define NEW_OWNER \
	"type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop.DBus'," \
	"member='NameOwnerChanged',arg0='" SYSTEMD "'"

/* One unit that is watched; owned by the list. */
struct unit {
	struct units *owner;
	struct unit *next;
	char *name;        /* owned */
	char *path;        /* owned; the object that the match is on, or NULL */
	sd_bus_slot *call; /* owned; the question under way, or NULL */
	sd_bus_slot *match;
	bool again; /* ask again when the answer is there */
};

/* One connection; frees itself when both handles are closed. */
struct link {
	struct units *owner; /* NULL: being closed */
	sd_bus *bus;         /* owned */
	uv_poll_t poll;
	uv_timer_t timer;
	unsigned n_handles;
};

struct units {
	struct shell *sh;
	struct sdbus api;
	struct link *link; /* owned; NULL: not connected */
	struct unit *list; /* owned, in order of name */
	uv_timer_t retry;
	bool missing; /* it was said that there is no bus */
};

static void tell(struct unit *unit, enum unit_state state)
{
	struct shell *sh = unit->owner->sh;
	struct core_event ev = { .type = EV_HOST_UNIT };

	if (core_unit_find(sh->core, unit->name) == state)
		return;
	log_info("unit=%s %s", unit->name, unit_state_names[state]);
	ev.unit.name = unit->name;
	ev.unit.state = state;
	(void)shell_step(sh, &ev);
	status_changed(sh->status); /* reasons tell it */
}

static void ask(struct unit *unit);

static int on_hint(sd_bus_message *m, void *arg, sd_bus_error *error)
{
	ask(arg);
	return 0;
}

/* The match is in force only now: what has changed since the answer is asked for. */
static int on_matched(sd_bus_message *m, void *arg, sd_bus_error *error)
{
	struct unit *unit = arg;

	if (unit->owner->api.is_ready(unit->owner->link->bus) <= 0)
		return 0;
	if (unit->owner->api.message_is_method_error(m, NULL) > 0)
		log_err("unit=%s cannot be watched: %s", unit->name,
			unit->owner->api.message_get_error(m)->message);
	else
		ask(unit);
	return 0;
}

/* Watches the object at @path; 0 or -errno. */
static int watch(struct unit *unit, const char *path)
{
	struct units *u = unit->owner;

	if (unit->path && strcmp(unit->path, path) == 0)
		return 0;
	free(unit->path);
	if (unit->match)
		unit->match = u->api.slot_unref(unit->match);
	unit->path = strdup(path);
	if (!unit->path)
		return -ENOMEM;
	return u->api.match_signal_async(u->link->bus, &unit->match, SYSTEMD, path,
					 "org.freedesktop.DBus.Properties",
					 "PropertiesChanged", on_hint, on_matched, unit);
}

/* Takes the one unit from an answer. 0 or -errno. */
static int take_answer(struct unit *unit, sd_bus_message *m)
{
	const struct sdbus *api = &unit->owner->api;
	const char *load, *active, *path, *job;
	uint32_t job_id;
	int r = api->message_enter_container(m, SD_BUS_TYPE_ARRAY, "(ssssssouso)");

	if (r < 0)
		return r;
	r = api->message_read(m, "(ssssssouso)", NULL, NULL, &load, &active, NULL, NULL,
			      &path, &job_id, &job, NULL);
	if (r <= 0)
		return r < 0 ? r : -ENOENT;
	tell(unit, unit_state_of(load, active, job));
	return watch(unit, path);
}

static int on_answer(sd_bus_message *m, void *arg, sd_bus_error *error)
{
	struct unit *unit = arg;
	struct units *u = unit->owner;
	int r;

	unit->call = u->api.slot_unref(unit->call);
	if (u->api.is_ready(u->link->bus) <= 0)
		return 0; /* it is being closed: no_bus() says so */
	if (u->api.message_is_method_error(m, NULL) > 0) {
		log_err("unit=%s is not told by the service manager: %s", unit->name,
			u->api.message_get_error(m)->message);
		/* What was known stays true until more is heard. */
		if (core_unit_find(u->sh->core, unit->name) == UNIT_UNKNOWN)
			tell(unit, UNIT_ABSENT);
	} else {
		if (u->missing)
			log_notice("units of the host are watched over the system bus");
		u->missing = false;
		r = take_answer(unit, m);
		if (r < 0)
			log_err("unit=%s cannot be watched: %s", unit->name,
				strerror(-r));
	}
	if (unit->again)
		ask(unit);
	return 0;
}

static void ask(struct unit *unit)
{
	struct units *u = unit->owner;
	int r;

	unit->again = unit->call != NULL;
	if (unit->call)
		return;
	r = u->api.call_method_async(u->link->bus, &unit->call, SYSTEMD, SYSTEMD_PATH,
				     MANAGER, "ListUnitsByNames", on_answer, unit, "as",
				     1, unit->name);
	if (r < 0 && r != -ENOTCONN) /* which no_bus() says */
		log_err("unit=%s cannot be asked for: %s", unit->name, strerror(-r));
}

static void ask_all(struct units *u)
{
	for (struct unit *unit = u->list; unit; unit = unit->next)
		ask(unit);
}

static int on_ignored(sd_bus_message *m, void *arg, sd_bus_error *error)
{
	return 0;
}

/* Signals about units are only sent when somebody has said that he wants some. */
static int subscribe(struct units *u)
{
	return u->api.call_method_async(u->link->bus, NULL, SYSTEMD, SYSTEMD_PATH,
					MANAGER, "Subscribe", on_ignored, NULL, NULL);
}

static int on_reload(sd_bus_message *m, void *arg, sd_bus_error *error)
{
	ask_all(arg);
	return 0;
}

static int on_new_owner(sd_bus_message *m, void *arg, sd_bus_error *error)
{
	(void)subscribe(arg);
	ask_all(arg);
	return 0;
}

static void handle_closed(uv_handle_t *h)
{
	struct link *link = h->data;

	if (--link->n_handles == 0)
		free(link);
}

static void unit_forget_bus(struct unit *unit)
{
	if (unit->call) /* else the library may not even be loaded */
		unit->call = unit->owner->api.slot_unref(unit->call);
	if (unit->match)
		unit->match = unit->owner->api.slot_unref(unit->match);
	free(unit->path);
	unit->path = NULL;
	unit->again = false;
}

static void disconnect(struct units *u)
{
	struct link *link = take_ptr(&u->link);

	if (!link)
		return;
	for (struct unit *unit = u->list; unit; unit = unit->next)
		unit_forget_bus(unit);
	link->owner = NULL;
	uv_poll_stop(&link->poll);
	u->api.close_unref(link->bus);
	uv_close((uv_handle_t *)&link->poll, handle_closed);
	uv_close((uv_handle_t *)&link->timer, handle_closed);
}

static void on_retry(uv_timer_t *t)
{
	units_sync(t->data);
}

/* There is no bus (any more): says so once, and looks for it again, later. */
static void no_bus(struct units *u, const char *why)
{
	disconnect(u);
	if (u->sh->stopping)
		return; /* the host takes its bus down, too, and nothing waits any more */
	if (!u->missing)
		log_err("no system bus (%s): units of the host count as absent", why);
	u->missing = true;
	for (struct unit *unit = u->list; unit; unit = unit->next)
		tell(unit, UNIT_ABSENT);
	uv_timer_start(&u->retry, on_retry, RETRY_MS, 0);
}

static void serve(struct link *link);

static void on_readable(uv_poll_t *p, int status, int events)
{
	serve(p->data);
}

static void on_timer(uv_timer_t *t)
{
	serve(t->data);
}

/* How long until sd-bus wants to be called, in milliseconds, rounded up. */
static uint64_t ms_until(uint64_t usec)
{
	struct timespec ts;
	uint64_t now;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	now = (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
	return usec > now ? (usec - now + 999) / 1000 : 0;
}

/* Waits for what the library waits for. 0 or -errno. */
static int arm(struct link *link)
{
	const struct sdbus *api = &link->owner->api;
	int events = api->get_events(link->bus);
	uint64_t usec = UINT64_MAX;
	int r = api->get_timeout(link->bus, &usec);

	if (events < 0 || r < 0)
		return events < 0 ? events : r;
	uv_poll_start(&link->poll,
		      (events & POLLIN ? UV_READABLE : 0) |
			      (events & POLLOUT ? UV_WRITABLE : 0),
		      on_readable);
	if (usec == UINT64_MAX)
		uv_timer_stop(&link->timer);
	else
		uv_timer_start(&link->timer, on_timer, ms_until(usec), 0);
	return 0;
}

static void serve(struct link *link)
{
	struct units *u = link->owner;
	int r = 1;

	if (!u)
		return;
	for (unsigned n = 0; n < DISPATCH_MAX && r > 0; n++)
		r = u->api.process(link->bus, NULL);
	if (r >= 0)
		r = arm(link);
	if (r < 0)
		no_bus(u, strerror(-r));
}

/* Makes the handles around an open bus. 0 or -errno; the bus is taken in any case. */
static int link_new(struct units *u, sd_bus *take_bus)
{
	struct link *link = calloc(1, sizeof(*link));

	if (!link || uv_poll_init(&u->sh->loop, &link->poll, u->api.get_fd(take_bus))) {
		u->api.close_unref(take_bus);
		free(link);
		return -ENOMEM;
	}
	uv_timer_init(&u->sh->loop, &link->timer);
	link->n_handles = 2;
	link->poll.data = link->timer.data = link;
	link->owner = u;
	link->bus = take_bus;
	u->link = link;
	return 0;
}

/* Begins to connect; what follows comes through the loop. 0 or -errno. */
static int connect_bus(struct units *u, struct errmsg *e)
{
	sd_bus *bus = NULL;
	int r = sdbus_load(&u->api, e);

	if (r < 0)
		return r;
	r = u->api.open_system(&bus);
	if (r >= 0)
		r = link_new(u, bus);
	if (r >= 0)
		r = subscribe(u);
	if (r >= 0)
		r = u->api.match_signal_async(u->link->bus, NULL, SYSTEMD, SYSTEMD_PATH,
					      MANAGER, "Reloading", on_reload, on_ignored,
					      u);
	if (r >= 0)
		r = u->api.add_match_async(u->link->bus, NULL, NEW_OWNER, on_new_owner,
					   on_ignored, u);
	return r < 0 ? errmsg_set(e, r, "%s", strerror(-r)) : 0;
}

static void unit_free(struct unit *unit)
{
	if (!unit)
		return;
	unit_forget_bus(unit);
	free(unit->name);
	free(unit);
}

/* Makes the unit and puts it before *@at. 0 or -ENOMEM. */
static int unit_insert(struct units *u, struct unit **at, const char *name)
{
	struct unit *unit = calloc(1, sizeof(*unit));

	if (!unit)
		return -ENOMEM;
	unit->owner = u;
	unit->name = strdup(name);
	if (!unit->name) {
		free(unit);
		return -ENOMEM;
	}
	unit->next = *at;
	*at = unit;
	return 0;
}

/* Makes the list what the core names. 0 or -ENOMEM (try again). */
static int update_list(struct units *u)
{
	struct inst *i = core_next_unit(u->sh->core, NULL);
	struct unit **at = &u->list;

	while (i || *at) {
		int cmp = !i ? -1 : !*at ? 1 : strcmp((*at)->name, core_unit_name(i));

		if (cmp < 0) {
			struct unit *gone = *at;

			*at = gone->next;
			unit_free(gone);
			continue;
		}
		if (cmp > 0 && unit_insert(u, at, core_unit_name(i)) < 0)
			return -ENOMEM;
		at = &(*at)->next;
		i = core_next_unit(u->sh->core, i);
	}
	return 0;
}

void units_sync(struct units *u)
{
	struct errmsg e = { "" };
	int r = update_list(u);

	uv_timer_stop(&u->retry);
	if (!u->list) {
		disconnect(u);
		return;
	}
	if (r == 0 && !u->link)
		r = connect_bus(u, &e);
	for (struct unit *unit = u->list; r == 0 && unit; unit = unit->next)
		if (core_unit_find(u->sh->core, unit->name) == UNIT_UNKNOWN ||
		    !unit->path)
			ask(unit);
	if (r == 0)
		r = arm(u->link);
	if (r < 0)
		no_bus(u, *e.text ? e.text : strerror(-r));
}

int units_new(struct shell *sh, struct units **ret_units)
{
	struct units *u = calloc(1, sizeof(*u));

	if (!u)
		return -ENOMEM;
	u->sh = sh;
	uv_timer_init(&sh->loop, &u->retry);
	u->retry.data = u;
	*ret_units = u;
	return 0;
}

static void watcher_closed(uv_handle_t *h)
{
	free(h->data);
}

void units_free(struct units *u)
{
	struct unit *unit;

	if (!u)
		return;
	disconnect(u);
	while ((unit = u->list)) {
		u->list = unit->next;
		unit_free(unit);
	}
	uv_close((uv_handle_t *)&u->retry, watcher_closed);
}
