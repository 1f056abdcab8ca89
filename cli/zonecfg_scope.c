// SPDX-License-Identifier: BSD-2-Clause
/*
 * zonecfg_scope.c - the subcommands that go into resources and out of them, and remove
 * them
 *
 * DOC: Scopes
 *
 * Outside of a resource `add` and `select` go into one of the zone's; there they go into
 * one of those that lie inside it (anet: mac). What is edited is a copy: `end` checks it
 * and puts it where it came from, `cancel` forgets it.
 */
#include "cli/zonecfg_priv.h"

#include <stdio.h>
#include <string.h>

enum res_type zcfg_scope(const struct zcfg *s)
{
	return s->in_inner ? s->inner.type : s->in_res ? s->res.type : RES_GLOBAL;
}

void zcfg_prompt(const struct zcfg *s, char *out, size_t size)
{
	const char *name = s->unnamed ? "" : s->conf ? s->conf->name : s->zone;

	snprintf(out, size, "%s%s%s%s%s%s", *name ? ":" : "", name, s->in_res ? ":" : "",
		 s->in_res ? res_defs[s->res.type].name : "", s->in_inner ? ":" : "",
		 s->in_inner ? res_defs[s->inner.type].name : "");
}

struct zres *zcfg_current(struct zcfg *s)
{
	return s->in_inner ? &s->inner : s->in_res ? &s->res : &s->conf->global;
}

void zcfg_leave(struct zcfg *s)
{
	if (s->in_inner) {
		zres_fini(&s->inner);
		s->in_inner = false;
		return;
	}
	zres_fini(&s->res);
	s->in_res = false;
}

/* The resources among which add, select and remove work. */
struct siblings {
	const struct zres *res;
	unsigned n;
	unsigned max; /* of all types together */
};

static struct siblings siblings_of(const struct zcfg *s)
{
	if (s->in_res)
		return (struct siblings){ s->res.inner, s->res.n_inner, ZCONF_MAX_INNER };
	return (struct siblings){ s->conf->res, s->conf->n_res, ZCONF_MAX_RES };
}

/* How many match; *ret_last: the place of the last one. */
static unsigned count_matches(const struct siblings *l, enum res_type type,
			      const struct filter *f, unsigned *ret_last)
{
	unsigned n = 0;

	for (unsigned i = 0; i < l->n; i++) {
		if (l->res[i].type != type || !filter_match(f, &l->res[i]))
			continue;
		*ret_last = i;
		n++;
	}
	return n;
}

/* Begins to edit @take_res, which came from place @at; -1: it is new. */
static void enter(struct zcfg *s, struct zres *take_res, int at)
{
	if (s->in_res) {
		s->inner = *take_res;
		s->inner_at = at;
		s->in_inner = true;
	} else {
		s->res = *take_res;
		s->res_at = at;
		s->in_res = true;
	}
}

/* Inside a resource a first word that is no type of resource inside it is a property. */
static bool names_property(const struct zcfg *s, const struct zcfg_args *a)
{
	enum res_type type;

	return s->in_res && a->n &&
	       (s->in_inner || res_find(s->res.type, a->word[0].text, &type, NULL) < 0);
}

int zcfg_add(struct zcfg *s, const struct zcfg_args *a, struct errmsg *e)
{
	static const struct filter none = { .n = 0 };
	enum res_type type = RES_GLOBAL;
	struct siblings l;
	struct zres new_res;
	unsigned max, last;
	int r;

	if (names_property(s, a))
		return zcfg_add_value(s, a, e);
	r = zcfg_take_type(zcfg_scope(s), a, &type, e);
	if (r == 0 && s->live && !res_is_live(type))
		r = live_refuse(e, res_defs[type].name, NULL);
	if (r == 0)
		r = zcfg_no_more(a, 1, e);
	if (r == 0)
		r = zcfg_want_change(s, e);
	if (r < 0)
		return r;
	l = siblings_of(s);
	max = res_defs[type].max;
	if (max && count_matches(&l, type, &none, &last) >= max)
		return errmsg_set(e, -EEXIST, "%s: a zone has at most %u: use select",
				  res_defs[type].name, max);
	if (l.n >= l.max)
		return errmsg_set(e, -EINVAL, "there are at most %u resources", l.max);
	new_res = (struct zres){ .type = type };
	enter(s, &new_res, -1);
	return 0;
}

int zcfg_select(struct zcfg *s, const struct zcfg_args *a, struct errmsg *e)
{
	cleanup(filter_fini) struct filter f = { .n = 0 };
	enum res_type type = RES_GLOBAL;
	struct siblings l;
	struct zres copy;
	unsigned n, at = 0;
	int r = zcfg_take_type(zcfg_scope(s), a, &type, e);

	if (r == 0)
		r = filter_parse(type, a, 1, &f, e);
	if (r == 0)
		r = zcfg_want_change(s, e);
	if (r < 0)
		return r;
	l = siblings_of(s);
	n = count_matches(&l, type, &f, &at);
	if (n != 1)
		return errmsg_set(e, -EINVAL, "%s: %s", res_defs[type].name,
				  n ? "several match: say which by PROPERTY=VALUE"
				    : "no such resource");
	if (zres_copy(&l.res[at], &copy) < 0)
		return errmsg_no_memory(e);
	enter(s, &copy, (int)at);
	return 0;
}

/* The inner resource is good by itself, and so is what it is inside with it. */
static int end_inner(struct zcfg *s, struct errmsg *e)
{
	const struct zres *old = s->res_at < 0 ? NULL : &s->conf->res[s->res_at];
	cleanup(zres_fini) struct zres with = { .type = s->res.type };
	int r = zconf_fill_auto(s->conf, &s->inner, NULL, zcfg_random(s), e);
	struct zres copy;

	if (r < 0)
		return r;
	if (zres_copy(&s->res, &with) < 0 || zres_copy(&s->inner, &copy) < 0)
		return errmsg_no_memory(e);
	if (s->inner_at >= 0) {
		zres_fini(&with.inner[s->inner_at]);
		with.inner[s->inner_at] = copy;
	} else if (zres_add(&with, &copy) < 0) {
		zres_fini(&copy);
		return errmsg_no_memory(e);
	}
	r = zconf_fill_auto(s->conf, &with, old, zcfg_random(s), e);
	if (r == 0)
		r = zconf_check_res(s->conf, &with, old, e);
	if (r < 0)
		return r;
	zres_fini(&s->res);
	s->res = with;
	with = (struct zres){ .type = s->res.type };
	zcfg_leave(s);
	return 0;
}

int zcfg_end(struct zcfg *s, const struct zcfg_args *a, struct errmsg *e)
{
	const struct zres *old = s->res_at < 0 ? NULL : &s->conf->res[s->res_at];
	int r = zcfg_no_more(a, 0, e);

	if (r == 0 && s->in_inner)
		return end_inner(s, e);
	if (r == 0)
		r = zconf_fill_auto(s->conf, &s->res, old, zcfg_random(s), e);
	if (r == 0)
		r = zconf_check_res(s->conf, &s->res, old, e);
	if (r < 0)
		return r;
	if (!old) {
		if (zconf_add(s->conf, &s->res) < 0)
			return errmsg_no_memory(e);
	} else {
		zres_fini(&s->conf->res[s->res_at]);
		s->conf->res[s->res_at] = s->res;
		s->res = (struct zres){ .type = s->res.type };
	}
	zcfg_leave(s);
	return 0;
}

int zcfg_cancel(struct zcfg *s, const struct zcfg_args *a, struct errmsg *e)
{
	int r = zcfg_no_more(a, 0, e);

	if (r == 0)
		zcfg_leave(s);
	return r;
}

int zcfg_remove(struct zcfg *s, const struct zcfg_args *a, struct errmsg *e)
{
	cleanup(filter_fini) struct filter f = { .n = 0 };
	enum res_type type = RES_GLOBAL;
	struct siblings l;
	unsigned n, last = 0;
	int r;

	if (names_property(s, a))
		return zcfg_remove_value(s, a, e);
	r = zcfg_take_type(zcfg_scope(s), a, &type, e);
	if (r == 0 && s->live && !res_is_live(type))
		r = live_refuse(e, res_defs[type].name, NULL);
	if (r == 0)
		r = filter_parse(type, a, 1, &f, e);
	if (r == 0)
		r = zcfg_want_change(s, e);
	if (r < 0)
		return r;
	l = siblings_of(s);
	n = count_matches(&l, type, &f, &last);
	if (!n && !a->force)
		return errmsg_set(e, -ENOENT, "%s: no such resource",
				  res_defs[type].name);
	if (n > 1 && !f.n)
		r = zcfg_confirm(s, a, "Remove all resources of that type", e);
	if (r < 0)
		return r;
	for (; n; n--) {
		l = siblings_of(s);
		count_matches(&l, type, &f, &last);
		if (s->in_res)
			zres_remove(&s->res, last);
		else
			zconf_remove(s->conf, last);
	}
	return 0;
}
