// SPDX-License-Identifier: BSD-2-Clause
/*
 * zonecfg_print.c - info and export: a configuration for people, and as a command file
 */
#include "cli/zonecfg_priv.h"

#include <string.h>

#define INDENT 8

/* 0 for the zone itself, 1 for its resources, 2 for those inside them. */
static int depth_of(enum res_type type)
{
	int depth = 0;

	for (; type != RES_GLOBAL; type = res_defs[type].parent)
		depth++;
	return depth;
}

/* A tokenised value is shown twice, as it is stored and as it is used; a key is not. */
void zcfg_print_prop(struct buf *out, const struct zconf *c, const struct zres *r,
		     enum prop_id prop)
{
	const struct prop_def *d = prop_def(prop);
	int indent = depth_of(d->res) * INDENT;
	const char *text = zres_text(r, prop);
	cleanup(freep) char *value = NULL;

	if (!text && d->res == RES_GLOBAL)
		return buf_addf(out, "%s:\n", d->name);
	if (!text)
		return buf_addf(out, "%*s%s not specified\n", indent, "", d->name);
	if (d->kind == KIND_KEY)
		return buf_addf(out, "%*s%s redacted\n", indent, "", d->name);
	value = zres_get(c, r, prop);
	if (!value) {
		out->err = -ENOMEM;
		return;
	}
	if (strcmp(text, value) != 0)
		buf_addf(out, "%*s%s.template: %s\n", indent, "", d->name, text);
	buf_addf(out, "%*s%s:%s%s\n", indent, "", d->name, *value ? " " : "", value);
}

void zcfg_print_res(struct buf *out, const struct zconf *c, const struct zres *r)
{
	const struct res_def *rd = &res_defs[r->type];

	if (r->type == RES_GLOBAL)
		buf_addf(out, "zonename: %s\n", c->name);
	else
		buf_addf(out, "%*s%s:\n", (depth_of(r->type) - 1) * INDENT, "", rd->name);
	for (unsigned i = 0; i < rd->n_props; i++)
		if (!(prop_defs[rd->first + i].flags & PF_QUIET))
			zcfg_print_prop(out, c, r, (enum prop_id)(rd->first + i));
	for (unsigned i = 0; i < r->n_inner; i++)
		zcfg_print_res(out, c, &r->inner[i]);
}

void zcfg_print_info(struct buf *out, const struct zconf *c)
{
	for (unsigned t = 0; t < RES_TYPE_N; t++) {
		const struct zres *r = NULL;

		while ((r = zconf_next(c, (enum res_type)t, r)))
			zcfg_print_res(out, c, r);
	}
}

/* A value as zonecfg_lex.c reads it back. */
static void print_quoted(struct buf *out, const char *value)
{
	static const char bare[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789_-./:%{}@+,=()";

	if (*value && value[strspn(value, bare)] == '\0')
		return buf_adds(out, value);
	buf_adds(out, "\"");
	for (const char *p = value; *p; p++) {
		if (*p == '"' || *p == '\\')
			buf_adds(out, "\\");
		buf_add(out, p, 1);
	}
	buf_adds(out, "\"");
}

static void export_props(struct buf *out, const struct zres *r, const char *key)
{
	const struct res_def *rd = &res_defs[r->type];

	for (unsigned i = 0; i < rd->n_props; i++) {
		enum prop_id prop = (enum prop_id)(rd->first + i);
		bool is_key = prop_def(prop)->kind == KIND_KEY;

		if (!zres_is_set(r, prop))
			continue;
		buf_addf(out, "set %s=", prop_def(prop)->name);
		print_quoted(out, is_key && key ? key : zres_text(r, prop));
		buf_adds(out, "\n");
	}
}

static void export_res(struct buf *out, const struct zres *r, const char *key)
{
	buf_addf(out, "add %s\n", res_defs[r->type].name);
	export_props(out, r, key);
	for (unsigned i = 0; i < r->n_inner; i++)
		export_res(out, &r->inner[i], key);
	buf_adds(out, "end\n");
}

void zcfg_print_export(struct buf *out, const struct zconf *c, const char *key)
{
	buf_adds(out, "create -b\n");
	export_props(out, &c->global, key);
	for (unsigned t = RES_GLOBAL + 1; t < RES_TYPE_N; t++) {
		const struct zres *r = NULL;

		while ((r = zconf_next(c, (enum res_type)t, r)))
			export_res(out, r, key);
	}
}
