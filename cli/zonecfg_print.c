// SPDX-License-Identifier: BSD-2-Clause
/*
 * zonecfg_print.c - info and export: a configuration for people, and as a command file
 */
#include "cli/zonecfg_priv.h"

#include <string.h>

/* A tokenised value is shown twice, as it is stored and as it is used. */
void zcfg_print_prop(struct buf *out, const struct zconf *c, const struct zres *r,
		     enum prop_id prop)
{
	const struct prop_def *d = prop_def(prop);
	const char *indent = d->res == RES_GLOBAL ? "" : "        ";
	const char *text = zres_text(r, prop);
	cleanup(freep) char *value = NULL;

	if (!text && d->res == RES_GLOBAL)
		return buf_addf(out, "%s:\n", d->name);
	if (!text)
		return buf_addf(out, "%s%s not specified\n", indent, d->name);
	value = zres_get(c, r, prop);
	if (!value) {
		out->err = -ENOMEM;
		return;
	}
	if (strcmp(text, value) != 0)
		buf_addf(out, "%s%s.template: %s\n", indent, d->name, text);
	buf_addf(out, "%s%s:%s%s\n", indent, d->name, *value ? " " : "", value);
}

void zcfg_print_res(struct buf *out, const struct zconf *c, const struct zres *r)
{
	const struct res_def *rd = &res_defs[r->type];

	if (r->type == RES_GLOBAL)
		buf_addf(out, "zonename: %s\n", c->name);
	else
		buf_addf(out, "%s:\n", rd->name);
	for (unsigned i = 0; i < rd->n_props; i++)
		zcfg_print_prop(out, c, r, (enum prop_id)(rd->first + i));
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
				   "0123456789_-./:%{}@+,=";

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

static void export_props(struct buf *out, const struct zres *r)
{
	const struct res_def *rd = &res_defs[r->type];

	for (unsigned i = 0; i < rd->n_props; i++) {
		enum prop_id prop = (enum prop_id)(rd->first + i);

		if (!zres_is_set(r, prop))
			continue;
		buf_addf(out, "set %s=", prop_def(prop)->name);
		print_quoted(out, zres_text(r, prop));
		buf_adds(out, "\n");
	}
}

void zcfg_print_export(struct buf *out, const struct zconf *c)
{
	buf_adds(out, "create -b\n");
	export_props(out, &c->global);
	for (unsigned t = RES_GLOBAL + 1; t < RES_TYPE_N; t++) {
		const struct zres *r = NULL;

		while ((r = zconf_next(c, (enum res_type)t, r))) {
			buf_addf(out, "add %s\n", res_defs[t].name);
			export_props(out, r);
			buf_adds(out, "end\n");
		}
	}
}
