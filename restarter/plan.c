// SPDX-License-Identifier: BSD-2-Clause
/*
 * plan.c - what a boot of the host would do, without doing it
 */
#include "restarter/plan.h"

#include <stdio.h>
#include <string.h>

struct plan {
	struct core *core;           /* owned, as all of these */
	struct core_actions actions; /* of the last step */
	json_t *boots, *others;
	json_t *waits; /* {zone: what it waited for last} */
	unsigned wave;
	size_t first; /* in boots: the wave that runs next */
};

/* Notes who is started for the next wave, and what others wait for. */
static void note(struct plan *p)
{
	for (unsigned n = 0; n < p->actions.n; n++) {
		const struct core_action *a = &p->actions.v[n];
		const json_t *waited;
		struct core_view v;

		if (!a->inst)
			continue;
		core_view(p->core, a->inst, &v);
		if (a->type == ACT_STATE && v.phase == VM_NONE && *a->reason)
			json_object_set_new(p->waits, v.zone, json_string(a->reason));
		if (a->type != ACT_VM_START)
			continue;
		waited = json_object_get(p->waits, v.zone);
		json_array_append_new(p->boots,
				      json_pack("{s:i, s:s, s:s, s:s}", "wave",
						p->wave + 1, "zone", v.zone, "priority",
						boot_priority_names[v.priority], "waits",
						waited ? json_string_value(waited) : ""));
	}
}

static int tell(struct plan *p, struct core_event *ev)
{
	int r;

	ev->now_ms = p->wave;
	r = core_step(p->core, ev, &p->actions);
	if (r == 0)
		note(p);
	return r;
}

/* A zone that is unavailable stays that; one that is to boot is tried. */
static int tell_away(struct shell *sh, struct plan *p, const struct zone *z)
{
	struct core_event ev = { .type = EV_ZONE_AWAY, .zone = z->name };
	const struct inst *i = core_find(sh->core, z->name);
	struct core_view v;

	if (!i)
		return 0;
	core_view(sh->core, i, &v);
	if (!v.unavailable)
		return 0;
	ev.text = v.reason;
	return tell(p, &ev);
}

/* All zones as the configurations are now. */
static int tell_zones(struct shell *sh, struct plan *p)
{
	struct core_event limits = { .type = EV_LIMITS };
	int r;

	limits.limits.boot_shutdown = sh->config.concurrent_boot_shutdown;
	r = tell(p, &limits);
	for (unsigned i = 0; r == 0 && i < sh->zones.n; i++) {
		struct zone *z = sh->zones.v[i];
		struct core_event ev = { .type = EV_ZONE_SET, .zone = z->name };
		struct zone_spec spec;

		if (z->life != LIFE_INSTALLED)
			continue;
		r = zone_spec_load(&sh->paths, z, &spec);
		if (r < 0)
			break;
		ev.spec = spec.spec;
		ev.spec.goals_timeout_ms = 0;
		r = tell(p, &ev);
		if (r == 0 && !spec.spec.autoboot)
			r = tell_away(sh, p, z);
		zone_spec_fini(&spec);
	}
	return r;
}

/* Units are what they are now; those that nobody knows of will be there. */
static int tell_units(struct shell *sh, struct plan *p)
{
	int r = 0;

	for (struct inst *i = core_next_unit(p->core, NULL); r == 0 && i;
	     i = core_next_unit(p->core, i)) {
		struct core_event ev = { .type = EV_HOST_UNIT };

		ev.unit.name = core_unit_name(i);
		ev.unit.state = core_unit_find(sh->core, ev.unit.name);
		if (ev.unit.state == UNIT_UNKNOWN)
			ev.unit.state = UNIT_ONLINE;
		r = tell(p, &ev);
	}
	return r;
}

/* Every machine of the wave runs; who is started by that is the next wave. */
static int run_wave(struct plan *p)
{
	size_t end = json_array_size(p->boots);
	int r = 0;

	p->wave++;
	for (size_t i = p->first; r == 0 && i < end; i++) {
		struct core_event ev = { .type = EV_VM_RUNNING };

		ev.zone = json_string_value(
			json_object_get(json_array_get(p->boots, i), "zone"));
		r = tell(p, &ev);
	}
	p->first = end;
	return r;
}

static void note_others(struct plan *p)
{
	struct core_view v;

	for (struct inst *i = core_next(p->core, NULL); i; i = core_next(p->core, i)) {
		core_view(p->core, i, &v);
		if (v.phase == VM_NONE)
			json_array_append_new(
				p->others,
				json_pack("{s:s, s:s}", "zone", v.zone, "reason",
					  *v.reason ? v.reason
						    : inst_state_names[v.state]));
	}
}

static int imagine(struct shell *sh, struct plan *p)
{
	struct core_event boot = { .type = EV_HOST_BOOT };
	int r = core_new(&p->core);

	if (r == 0)
		r = tell_zones(sh, p);
	if (r == 0)
		r = tell(p, &boot);
	if (r == 0)
		r = tell_units(sh, p);
	while (r == 0 && p->first < json_array_size(p->boots))
		r = run_wave(p);
	if (r == 0)
		note_others(p);
	return r;
}

int plan_make(struct shell *sh, json_t **ret_plan)
{
	struct plan p = { .boots = json_array(),
			  .others = json_array(),
			  .waits = json_object() };
	int r = imagine(sh, &p);

	if (r == 0)
		*ret_plan = json_pack("{s:O, s:O}", "boots", p.boots, "others", p.others);
	if (r == 0 && !*ret_plan)
		r = -ENOMEM;
	core_actions_fini(&p.actions);
	core_free(p.core);
	json_decref(p.boots);
	json_decref(p.others);
	json_decref(p.waits);
	return r;
}

static const char *text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "?";
}

int plan_print(struct shell *sh)
{
	json_t *plan, *one;
	size_t n;
	int r = 0;

	for (unsigned i = 0; i < sh->zones.n; i++) {
		const struct zone *z = sh->zones.v[i];

		if (!z->config_error)
			continue;
		printf("     bad %s: %s\n", z->name, z->config_error);
		r = -EINVAL;
	}
	if (plan_make(sh, &plan) < 0)
		return -ENOMEM;
	json_array_foreach (json_object_get(plan, "boots"), n, one)
		printf("%3zu. boot %s (priority %s)\n", n + 1, text_of(one, "zone"),
		       text_of(one, "priority"));
	json_array_foreach (json_object_get(plan, "others"), n, one)
		printf("     not %s: %s\n", text_of(one, "zone"), text_of(one, "reason"));
	json_decref(plan);
	return r;
}
