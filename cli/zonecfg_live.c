// SPDX-License-Identifier: BSD-2-Clause
/*
 * zonecfg_live.c - zonecfg -r: the configuration that a running zone has
 *
 * It is read from what svc.zones wrote when the zone was booted, and changed by
 * svc.zones alone; the stored configuration is not touched.
 */
#include "cli/zonecfg_live.h"
#include "cli/client.h"

#include "common/zone/states.h"

#include <string.h>

static int check_running(const struct paths *p, const char *zone, struct errmsg *e)
{
	cleanup(json_decrefp) json_t *reply = NULL;
	struct client_error ce = { .msg.text = "" };
	enum zone_state state = ZONE_CONFIGURED;
	const char *name;
	struct client c;
	int r = client_open(&c, p, &ce);

	if (r == 0) {
		r = client_call(&c, KZ_ZONES, json_pack("{s:s}", "zone", zone), &reply,
				&ce);
		client_close(&c);
	}
	if (r < 0)
		return errmsg_set(e, r == -ENOENT ? -EBUSY : r, "-r: %s", ce.msg.text);
	name = json_string_value(json_object_get(
		json_array_get(json_object_get(reply, "zones"), 0), "state"));
	if (!name || !zone_state_find(name, &state) || state != ZONE_RUNNING)
		return errmsg_set(e, -EBUSY, "-r: zone %s is not running: it is %s", zone,
				  name ? name : "not known");
	return 0;
}

int live_load(const struct paths *p, const char *zone, struct zconf **ret_conf,
	      struct errmsg *e)
{
	cleanup(freep) char *path = paths_get(p, PATH_ZONE_BOOTED, zone);
	int r = path ? check_running(p, zone, e) : errmsg_no_memory(e);

	if (r < 0)
		return r;
	r = zconf_load_file(path, zone, ret_conf, e);
	if (r == -ENOENT)
		return errmsg_set(e, -EBUSY,
				  "-r: it is not known what zone %s was booted with: "
				  "when svc.zones booted it, it could not be written "
				  "down",
				  zone);
	return r < 0 ? errmsg_prefix(e, -EBUSY, "-r") : 0;
}

static void describe_res(struct buf *out, const char *verb, const struct zres *r)
{
	const struct res_def *rd = &res_defs[r->type];

	buf_addf(out, "Checking: %s %s", verb, rd->name);
	for (unsigned i = 0; i < rd->n_props; i++)
		if (r->value[i])
			buf_addf(out, " %s=%s", prop_defs[rd->first + i].name,
				 r->value[i]);
	buf_adds(out, "\n");
}

static void describe_global(struct buf *out, const struct zres *from,
			    const struct zres *to)
{
	const struct res_def *rd = &res_defs[RES_GLOBAL];

	for (unsigned i = 0; i < rd->n_props; i++) {
		const char *name = prop_defs[rd->first + i].name;
		const char *old = from->value[i], *new_text = to->value[i];

		if (!new_text && old)
			buf_addf(out, "Checking: Clearing %s\n", name);
		else if (new_text && (!old || strcmp(old, new_text) != 0))
			buf_addf(out, "Checking: Modifying %s=%s\n", name, new_text);
	}
}

void live_describe(struct buf *out, const struct zconf *from, const struct zconf *to)
{
	describe_global(out, &from->global, &to->global);
	for (unsigned t = RES_GLOBAL + 1; t < RES_TYPE_N; t++) {
		const struct zres *a = zconf_next(from, (enum res_type)t, NULL);
		const struct zres *b = zconf_next(to, (enum res_type)t, NULL);

		while (a || b) {
			if (!b)
				describe_res(out, "Removing", a);
			else if (!a)
				describe_res(out, "Adding", b);
			else if (!zres_equal(a, b))
				describe_res(out, "Modifying", b);
			a = a ? zconf_next(from, (enum res_type)t, a) : NULL;
			b = b ? zconf_next(to, (enum res_type)t, b) : NULL;
		}
	}
}

/* As it would be stored; NULL when memory is short. */
static json_t *document(const struct zconf *c)
{
	cleanup(freep) char *text = NULL;

	return zconf_format(c, &text) < 0 ? NULL : json_loads(text, 0, NULL);
}

json_t *live_changes(const struct zconf *from, const struct zconf *to)
{
	cleanup(json_decrefp) json_t *old = document(from);
	cleanup(json_decrefp) json_t *now = document(to);
	cleanup(json_decrefp) json_t *changes = json_object();
	const char *key;
	json_t *v;
	int r = old && now && changes ? 0 : -1;

	json_object_foreach (now, key, v)
		if (!json_equal(v, json_object_get(old, key)))
			r |= json_object_set(changes, key, v);
	json_object_foreach (old, key, v)
		if (!json_object_get(now, key))
			r |= json_object_set_new(changes, key, json_null());
	return r ? NULL : take_ptr(&changes);
}

int live_apply(const struct paths *p, const struct zconf *from, const struct zconf *to,
	       struct errmsg *e)
{
	struct client_error ce = { .msg.text = "" };
	struct client c;
	json_t *changes;
	int r = zconf_check_live(from, to, e);

	if (r < 0)
		return r;
	r = client_open(&c, p, &ce);
	if (r == 0) {
		changes = live_changes(from, to);
		r = client_call(&c, KZ_RECONFIGURE,
				changes ? json_pack("{s:s, s:o}", "zone", to->name,
						    "changes", changes)
					: NULL,
				NULL, &ce);
		client_close(&c);
	}
	return r < 0 ? errmsg_set(e, r, "%s", ce.msg.text) : 0;
}
