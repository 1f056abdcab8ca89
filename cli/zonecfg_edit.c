// SPDX-License-Identifier: BSD-2-Clause
/*
 * zonecfg_edit.c - the subcommands that look at properties and change them
 */
#include "cli/zonecfg_priv.h"

#include <string.h>

void filter_fini(struct filter *f)
{
	for (unsigned i = 0; i < f->n; i++) {
		explicit_bzero(f->value[i], strlen(f->value[i])); /* may be a key */
		free(f->value[i]);
	}
	f->n = 0;
}

int zcfg_take_pair(const struct zcfg_args *a, unsigned *at, const char **ret_name,
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

int filter_parse(enum res_type type, const struct zcfg_args *a, unsigned at,
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
		r = zcfg_take_pair(a, &at, &name, &value, e);
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

bool filter_match(const struct filter *f, const struct zres *r)
{
	for (unsigned i = 0; i < f->n; i++) {
		const char *text = zres_text(r, f->prop[i]);

		if (!text || strcmp(text, f->value[i]) != 0)
			return false;
	}
	return true;
}

int zcfg_take_type(enum res_type in, const struct zcfg_args *a, enum res_type *ret,
		   struct errmsg *e)
{
	int r;

	if (!a->n)
		return errmsg_set(e, -EINVAL, "a resource type is expected");
	r = res_find(in, a->word[0].text, ret, e);
	if (r == 0 && *ret == RES_GLOBAL)
		return res_find(in, "", ret, e);
	return r;
}

int zcfg_no_more(const struct zcfg_args *a, unsigned used, struct errmsg *e)
{
	if (a->n > used)
		return errmsg_set(e, -EINVAL, "\"%.64s\": unexpected",
				  a->word[used].text);
	return 0;
}

/* Before a property changes to @canonical (NULL: is cleared). */
static int may_change(struct zcfg *s, enum prop_id prop, const char *canonical,
		      struct errmsg *e)
{
	const struct prop_def *d = prop_def(prop);
	const char *old = zres_text(zcfg_current(s), prop);
	const char *new_text = canonical ? canonical : d->def;
	int r;

	if (s->live && d->when != WHEN_LIVE)
		return live_refuse(e, d->res == RES_GLOBAL ? NULL : res_defs[d->res].name,
				   d->name);
	if (!canonical && (d->flags & PF_READONLY))
		return errmsg_set(e, -ENOTSUP, "%s: it cannot be cleared: %s", d->name,
				  d->help);
	if (!(d->flags & PF_FIXED) || !s->saved ||
	    (old && new_text && strcmp(old, new_text) == 0))
		return 0;
	r = s->ops->may_remove(s->ctx, e);
	return r == -EBUSY ? errmsg_prefix(e, r, "%s: it cannot change any more", d->name)
			   : r;
}

static int set_value(struct zcfg *s, enum prop_id prop, const char *value,
		     struct errmsg *e)
{
	cleanup(freep) char *canonical = NULL;
	int r = prop_parse(prop, value, &canonical, e);

	if (r == 0)
		r = zcfg_want_change(s, e);
	if (r == 0)
		r = may_change(s, prop, canonical, e);
	if (r == 0)
		r = zres_set(zcfg_current(s), prop, canonical, e);
	if (canonical)
		explicit_bzero(canonical, strlen(canonical));
	return r;
}

static int set_name(struct zcfg *s, const char *name, struct errmsg *e)
{
	int r = zone_name_check(name, e);

	if (r < 0)
		return errmsg_prefix(e, r, "zonename");
	if (s->live)
		r = live_refuse(e, NULL, "zonename");
	if (r == 0)
		r = zcfg_want_change(s, e);
	if (r == 0 && !s->unnamed && strcmp(name, s->conf->name) != 0)
		r = s->ops->may_rename(s->ctx, name, e);
	return r == 0 ? zconf_set_name(s->conf, name, e) : r;
}

int zcfg_set(struct zcfg *s, const struct zcfg_args *a, struct errmsg *e)
{
	const char *name = "", *value = "";
	enum prop_id prop = PROP_BRAND;
	unsigned at = 0;
	int r = zcfg_take_pair(a, &at, &name, &value, e);

	if (r == 0)
		r = zcfg_no_more(a, at, e);
	if (r == 0 && !s->in_res && strcmp(name, "zonename") == 0)
		return set_name(s, value, e);
	if (r == 0)
		r = prop_find(zcfg_scope(s), name, &prop, e);
	return r == 0 ? set_value(s, prop, value, e) : r;
}

int zcfg_clear(struct zcfg *s, const struct zcfg_args *a, struct errmsg *e)
{
	enum prop_id prop = PROP_BRAND;
	int r = 0;

	if (!a->n)
		return errmsg_set(e, -EINVAL, "a property is expected");
	r = zcfg_no_more(a, 1, e);
	if (r == 0 && !s->in_res && strcmp(a->word[0].text, "zonename") == 0)
		return errmsg_set(e, -ENOTSUP,
				  "zonename: a zone has to have a name: set it");
	if (r == 0)
		r = prop_find(zcfg_scope(s), a->word[0].text, &prop, e);
	if (r == 0)
		r = zcfg_want_change(s, e);
	if (r == 0)
		r = may_change(s, prop, NULL, e);
	if (r == 0)
		zres_clear(zcfg_current(s), prop);
	return r;
}

/* PROPERTY VALUE of a property that is a list, or has at most one value. */
static int take_value(struct zcfg *s, const struct zcfg_args *a, enum prop_id *ret_prop,
		      struct errmsg *e)
{
	int r = prop_find(zcfg_scope(s), a->word[0].text, ret_prop, e);

	if (r == 0 && a->n == 2 &&
	    ((prop_def(*ret_prop)->flags & PF_LIST) ||
	     prop_def(*ret_prop)->kind == KIND_RCTL))
		return zcfg_want_change(s, e);
	if (r < 0 || a->n < 2)
		return r < 0 ? r : errmsg_set(e, -EINVAL, "a value is expected");
	if (a->n > 2)
		return zcfg_no_more(a, 2, e);
	return errmsg_set(e, -EINVAL, "%s: it has one value: use set and clear",
			  a->word[0].text);
}

int zcfg_add_value(struct zcfg *s, const struct zcfg_args *a, struct errmsg *e)
{
	cleanup(buf_fini) struct buf list = { 0 };
	enum prop_id prop = PROP_BRAND;
	int r = take_value(s, a, &prop, e);
	const struct zres *res;

	if (r < 0)
		return r;
	res = zcfg_current(s);
	if (zres_is_set(res, prop) && !(prop_def(prop)->flags & PF_LIST))
		return errmsg_set(e, -EEXIST, "%s: it has a value: remove it first",
				  prop_def(prop)->name);
	if (zres_is_set(res, prop))
		buf_addf(&list, "%s,", zres_text(res, prop));
	buf_adds(&list, a->word[1].text);
	if (buf_error(&list))
		return errmsg_no_memory(e);
	return set_value(s, prop, list.p, e);
}

int zcfg_remove_value(struct zcfg *s, const struct zcfg_args *a, struct errmsg *e)
{
	cleanup(buf_fini) struct buf list = { 0 };
	cleanup(freep) char *canonical = NULL;
	enum prop_id prop = PROP_BRAND;
	int r = take_value(s, a, &prop, e);
	bool found = false;
	const char *text;

	if (r < 0)
		return r;
	r = prop_parse(prop, a->word[1].text, &canonical, e);
	if (r < 0)
		return r;
	text = zres_is_set(zcfg_current(s), prop) ? zres_text(zcfg_current(s), prop) : "";
	if (prop_def(prop)->kind == KIND_RCTL) { /* its commas separate nothing */
		found = strcmp(text, canonical) == 0;
		text = found ? "" : text;
	}
	for (const char *p = text; *p; p += strspn(p, ",")) {
		size_t n = strcspn(p, ",");

		if (strlen(canonical) == n && memcmp(p, canonical, n) == 0) {
			found = true;
		} else {
			buf_adds(&list, list.len ? "," : "");
			buf_add(&list, p, n);
		}
		p += n;
	}
	if (!found && !a->force)
		return errmsg_set(e, -ENOENT, "%s: \"%.64s\": no such value",
				  prop_def(prop)->name, canonical);
	if (buf_error(&list))
		return errmsg_no_memory(e);
	r = may_change(s, prop, list.len ? list.p : NULL, e);
	if (r < 0 || !found)
		return r;
	if (list.len)
		return set_value(s, prop, list.p, e);
	zres_clear(zcfg_current(s), prop);
	return 0;
}

/* The resources of a type that match. */
static int info_type(struct zcfg *s, const struct zcfg_args *a, struct errmsg *e)
{
	cleanup(filter_fini) struct filter f = { .n = 0 };
	enum res_type type = RES_GLOBAL;
	const struct zres *o = NULL;
	int r = zcfg_take_type(RES_GLOBAL, a, &type, e);
	unsigned n = 0;

	if (r == 0)
		r = filter_parse(type, a, 1, &f, e);
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

int zcfg_info(struct zcfg *s, const struct zcfg_args *a, struct errmsg *e)
{
	enum prop_id prop = PROP_BRAND;

	if (s->in_res || !a->n) {
		if (s->in_res)
			zcfg_print_res(&s->out, s->conf, zcfg_current(s));
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
	return info_type(s, a, e);
}
