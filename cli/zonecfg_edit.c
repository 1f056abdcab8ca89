// SPDX-License-Identifier: BSD-2-Clause
/*
 * zonecfg_edit.c - the subcommands that look at and change resources and properties
 */
#include "cli/zonecfg_priv.h"

#include <string.h>

#define FILTERS_MAX 16

/* PROPERTY=VALUE pairs, values canonical. */
struct filter {
	enum prop_id prop[FILTERS_MAX];
	char *value[FILTERS_MAX]; /* owned */
	unsigned n;
};

static void filter_fini(struct filter *f)
{
	for (unsigned i = 0; i < f->n; i++)
		free(f->value[i]);
	f->n = 0;
}

/* Takes NAME, '=' and VALUE off the words; an empty value only at the end. */
static int take_pair(const struct zcfg_args *a, unsigned *at, const char **ret_name,
		     const char **ret_value, struct errmsg *e)
{
	const struct zlex_word *w = a->word + *at;
	unsigned left = a->n - *at;

	if (left < 2 || w[0].equals || !w[1].equals)
		return errmsg_set(e, -EINVAL, "PROPERTY=VALUE expected%s%s",
				  left ? " at " : "", left ? w[0].text : "");
	*ret_name = w[0].text;
	*ret_value = left > 2 ? w[2].text : "";
	*at += left > 2 ? 3 : 2;
	return 0;
}

static int parse_filter(enum res_type type, const struct zcfg_args *a, unsigned at,
			struct filter *ret, struct errmsg *e)
{
	struct filter f = { .n = 0 };
	const char *name = "", *value = "";
	int r = 0;

	while (r == 0 && at < a->n) {
		if (f.n == FILTERS_MAX) {
			r = errmsg_set(e, -EINVAL, "too many properties");
			break;
		}
		r = take_pair(a, &at, &name, &value, e);
		if (r == 0)
			r = prop_find(type, name, &f.prop[f.n], e);
		if (r == 0)
			r = prop_parse(f.prop[f.n], value, &f.value[f.n], e);
		f.n += r == 0;
	}
	if (r < 0) {
		filter_fini(&f);
		return r;
	}
	*ret = f;
	return 0;
}

static bool filter_match(const struct filter *f, const struct zres *r)
{
	for (unsigned i = 0; i < f->n; i++) {
		const char *text = zres_text(r, f->prop[i]);

		if (!text || strcmp(text, f->value[i]) != 0)
			return false;
	}
	return true;
}

/* The resource type that a command names; not the global one. */
static int take_type(const struct zcfg_args *a, enum res_type *ret, struct errmsg *e)
{
	int r;

	if (!a->n)
		return errmsg_set(e, -EINVAL, "a resource type is expected");
	r = res_find(a->word[0].text, ret, e);
	if (r == 0 && *ret == RES_GLOBAL)
		return res_find("", ret, e);
	return r;
}

static int no_more(const struct zcfg_args *a, unsigned used, struct errmsg *e)
{
	if (a->n > used)
		return errmsg_set(e, -EINVAL, "\"%.64s\": unexpected",
				  a->word[used].text);
	return 0;
}

void zcfg_leave(struct zcfg *s)
{
	zres_fini(&s->res);
	s->in_res = false;
}

int zcfg_add(struct zcfg *s, const struct zcfg_args *a, struct errmsg *e)
{
	enum res_type type = RES_GLOBAL;
	unsigned max;
	int r = take_type(a, &type, e);

	if (r == 0)
		r = no_more(a, 1, e);
	if (r == 0)
		r = zcfg_want_change(s, e);
	if (r < 0)
		return r;
	max = res_defs[type].max;
	if (max && zconf_count(s->conf, type) >= max)
		return errmsg_set(e, -EEXIST, "%s: a zone has at most %u: use select",
				  res_defs[type].name, max);
	if (s->conf->n_res >= ZCONF_MAX_RES)
		return errmsg_set(e, -EINVAL, "a zone has at most %d resources",
				  ZCONF_MAX_RES);
	s->res = (struct zres){ .type = type };
	s->res_at = -1;
	s->in_res = true;
	return 0;
}

int zcfg_select(struct zcfg *s, const struct zcfg_args *a, struct errmsg *e)
{
	cleanup(filter_fini) struct filter f = { .n = 0 };
	const struct zres *found = NULL;
	const struct zres *o = NULL;
	enum res_type type = RES_GLOBAL;
	unsigned n = 0;
	int r = take_type(a, &type, e);

	if (r == 0)
		r = parse_filter(type, a, 1, &f, e);
	if (r == 0)
		r = zcfg_want_change(s, e);
	if (r < 0)
		return r;
	while ((o = zconf_next(s->conf, type, o))) {
		if (filter_match(&f, o)) {
			found = o;
			n++;
		}
	}
	if (n != 1)
		return errmsg_set(e, -EINVAL, "%s: %s", res_defs[type].name,
				  n ? "several match: say which by PROPERTY=VALUE"
				    : "no such resource");
	if (zres_copy(found, &s->res) < 0)
		return errmsg_set(e, -ENOMEM, "no memory");
	s->res_at = (int)(found - s->conf->res);
	s->in_res = true;
	return 0;
}

int zcfg_set(struct zcfg *s, const struct zcfg_args *a, struct errmsg *e)
{
	const char *name = "", *value = "";
	enum prop_id prop = PROP_BRAND;
	unsigned at = 0;
	int r = take_pair(a, &at, &name, &value, e);

	if (r == 0)
		r = no_more(a, at, e);
	if (r == 0)
		r = prop_find(s->in_res ? s->res.type : RES_GLOBAL, name, &prop, e);
	if (r == 0)
		r = zcfg_want_change(s, e);
	if (r < 0)
		return r;
	return zres_set(s->in_res ? &s->res : &s->conf->global, prop, value, e);
}

int zcfg_clear(struct zcfg *s, const struct zcfg_args *a, struct errmsg *e)
{
	enum prop_id prop = PROP_BRAND;
	int r = 0;

	if (!a->n)
		return errmsg_set(e, -EINVAL, "a property is expected");
	r = no_more(a, 1, e);
	if (r == 0)
		r = prop_find(s->in_res ? s->res.type : RES_GLOBAL, a->word[0].text,
			      &prop, e);
	if (r == 0)
		r = zcfg_want_change(s, e);
	if (r < 0)
		return r;
	zres_clear(s->in_res ? &s->res : &s->conf->global, prop);
	return 0;
}

int zcfg_end(struct zcfg *s, const struct zcfg_args *a, struct errmsg *e)
{
	const struct zres *old = s->res_at < 0 ? NULL : &s->conf->res[s->res_at];
	int r = no_more(a, 0, e);

	if (r == 0)
		r = zconf_fill_auto(s->conf, &s->res, old, e);
	if (r == 0)
		r = zconf_check_res(s->conf, &s->res, old, e);
	if (r < 0)
		return r;
	if (!old) {
		if (zconf_add(s->conf, &s->res) < 0)
			return errmsg_set(e, -ENOMEM, "no memory");
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
	int r = no_more(a, 0, e);

	if (r == 0)
		zcfg_leave(s);
	return r;
}

int zcfg_remove(struct zcfg *s, const struct zcfg_args *a, struct errmsg *e)
{
	cleanup(filter_fini) struct filter f = { .n = 0 };
	const struct zres *o = NULL;
	enum res_type type = RES_GLOBAL;
	unsigned n = 0;
	int r = take_type(a, &type, e);

	if (r == 0)
		r = parse_filter(type, a, 1, &f, e);
	if (r == 0)
		r = zcfg_want_change(s, e);
	if (r < 0)
		return r;
	while ((o = zconf_next(s->conf, type, o)))
		n += filter_match(&f, o);
	if (!n && !a->force)
		return errmsg_set(e, -ENOENT, "%s: no such resource",
				  res_defs[type].name);
	if (n > 1 && !f.n)
		r = zcfg_confirm(s, a, "Remove all resources of that type", e);
	if (r < 0)
		return r;
	for (unsigned i = s->conf->n_res; i-- > 0;)
		if (s->conf->res[i].type == type && filter_match(&f, &s->conf->res[i]))
			zconf_remove(s->conf, i);
	return 0;
}

int zcfg_info(struct zcfg *s, const struct zcfg_args *a, struct errmsg *e)
{
	cleanup(filter_fini) struct filter f = { .n = 0 };
	const struct zres *o = NULL;
	enum res_type type = RES_GLOBAL;
	enum prop_id prop = PROP_BRAND;
	unsigned n = 0;
	int r;

	if (s->in_res || !a->n) {
		if (s->in_res)
			zcfg_print_res(&s->out, s->conf, &s->res);
		else
			zcfg_print_info(&s->out, s->conf);
		return 0;
	}
	if (a->n == 1 && strcmp(a->word[0].text, "zonename") == 0) {
		buf_addf(&s->out, "zonename: %s\n", s->conf->name);
		return 0;
	}
	if (a->n == 1 && prop_find(RES_GLOBAL, a->word[0].text, &prop, NULL) == 0) {
		zcfg_print_prop(&s->out, s->conf, &s->conf->global, prop);
		return 0;
	}
	r = take_type(a, &type, e);
	if (r == 0)
		r = parse_filter(type, a, 1, &f, e);
	if (r < 0)
		return r;
	while ((o = zconf_next(s->conf, type, o))) {
		if (!filter_match(&f, o))
			continue;
		zcfg_print_res(&s->out, s->conf, o);
		n++;
	}
	if (!n && f.n)
		return errmsg_set(e, -ENOENT, "No such %s resource.",
				  res_defs[type].name);
	return 0;
}
