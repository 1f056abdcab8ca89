// SPDX-License-Identifier: BSD-2-Clause
/*
 * live.c - the configuration of a running zone: with its values, and what may change in
 * it
 */
#include "common/zone/check.h"

#include <string.h>

/* The value as a text that expands to itself. */
static int set_expanded(const struct zconf *c, struct zres *r, enum prop_id prop,
			struct errmsg *e)
{
	cleanup(freep) char *value = zres_get(c, r, prop);
	cleanup(freep) char *text = NULL;
	cleanup(buf_fini) struct buf b = { 0 };

	if (!value)
		return errmsg_no_memory(e);
	for (const char *p = value; *p; p++)
		buf_add(&b, *p == '%' ? "%%" : p, *p == '%' ? 2 : 1);
	if (buf_take(&b, &text) < 0)
		return errmsg_no_memory(e);
	return zres_set(r, prop, text, e);
}

static int expand_res(const struct zconf *c, struct zres *r, struct errmsg *e)
{
	const struct res_def *rd = &res_defs[r->type];
	int ret = 0;

	for (unsigned i = 0; ret == 0 && i < rd->n_props; i++) {
		enum prop_id prop = (enum prop_id)(rd->first + i);

		if (zres_is_set(r, prop) && (prop_def(prop)->flags & PF_TOKENS))
			ret = set_expanded(c, r, prop, e);
	}
	for (unsigned i = 0; ret == 0 && i < r->n_inner; i++)
		ret = expand_res(c, &r->inner[i], e);
	return ret;
}

int zconf_expand(struct zconf *c, struct errmsg *e)
{
	int r = expand_res(c, &c->global, e);

	for (unsigned i = 0; r == 0 && i < c->n_res; i++)
		r = expand_res(c, &c->res[i], e);
	return r;
}

bool res_is_live(enum res_type type)
{
	const struct res_def *rd = &res_defs[type];

	for (unsigned i = 0; i < rd->n_props; i++)
		if (prop_def((enum prop_id)(rd->first + i))->when != WHEN_LIVE)
			return false;
	return rd->n_props;
}

int live_refuse(struct errmsg *e, const char *type, const char *prop)
{
	return errmsg_set(e, -ENOTSUP,
			  "%s%s%s: it cannot be changed in a running zone; live are: "
			  "cpu-shares, capped-cpu, rctl",
			  type ? type : "", type && prop ? ": " : "", prop ? prop : "");
}

/* The first property that differs and is not live; what lies inside is not. */
static int check_res(const struct zres *a, const struct zres *b, struct errmsg *e)
{
	const struct res_def *rd = &res_defs[a->type];

	for (unsigned i = 0; i < rd->n_props; i++) {
		const struct prop_def *d = prop_def((enum prop_id)(rd->first + i));
		const char *x = a->value[i], *y = b->value[i];

		if (d->when == WHEN_LIVE || (!x && !y) || (x && y && strcmp(x, y) == 0))
			continue;
		return live_refuse(e, a->type == RES_GLOBAL ? NULL : rd->name, d->name);
	}
	if (!res_is_live(a->type) && a->type != RES_GLOBAL && !zres_equal(a, b))
		return live_refuse(e, rd->name, NULL);
	return 0;
}

int zconf_check_live(const struct zconf *from, const struct zconf *to, struct errmsg *e)
{
	int r = check_res(&from->global, &to->global, e);

	for (unsigned t = RES_GLOBAL + 1; r == 0 && t < RES_TYPE_N; t++) {
		const struct zres *a = zconf_next(from, (enum res_type)t, NULL);
		const struct zres *b = zconf_next(to, (enum res_type)t, NULL);

		while (r == 0 && (a || b) && !res_is_live((enum res_type)t)) {
			r = a && b ? check_res(a, b, e)
				   : live_refuse(e, res_defs[t].name, NULL);
			a = a ? zconf_next(from, (enum res_type)t, a) : NULL;
			b = b ? zconf_next(to, (enum res_type)t, b) : NULL;
		}
	}
	return r;
}

int zconf_verify_alone(const struct zconf *c, struct errmsg *e)
{
	int r = zconf_check_res(c, &c->global, &c->global, e);

	for (unsigned i = 0; r == 0 && i < c->n_res; i++)
		r = zconf_check_res(c, &c->res[i], &c->res[i], e);
	return r == 0 ? check_together(c, e) : r;
}
