/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zonecfg_priv.h - shared inside zonecfg_*.c only
 */
#ifndef KZ_CLI_ZONECFG_PRIV_H
#define KZ_CLI_ZONECFG_PRIV_H

#include "cli/zonecfg_cmd.h"
#include "cli/zonecfg_lex.h"

/* A command whose options have been taken off. */
struct zcfg_args {
	const struct zlex_word *word; /* borrowed: what follows the options */
	unsigned n;
	bool force;        /* -F */
	bool blank;        /* -b */
	const char *value; /* of -t or -f, borrowed; NULL */
};

/* Before anything changes: the zone's lock. A configuration that was there still is. */
int zcfg_want_change(struct zcfg *s, struct errmsg *e);
/* -EINVAL unless a person says yes to the question, or -F was given. */
int zcfg_confirm(struct zcfg *s, const struct zcfg_args *a, const char *question,
		 struct errmsg *e);

/* zonecfg_edit.c */
int zcfg_add(struct zcfg *s, const struct zcfg_args *a, struct errmsg *e);
int zcfg_cancel(struct zcfg *s, const struct zcfg_args *a, struct errmsg *e);
int zcfg_clear(struct zcfg *s, const struct zcfg_args *a, struct errmsg *e);
int zcfg_end(struct zcfg *s, const struct zcfg_args *a, struct errmsg *e);
int zcfg_info(struct zcfg *s, const struct zcfg_args *a, struct errmsg *e);
int zcfg_remove(struct zcfg *s, const struct zcfg_args *a, struct errmsg *e);
int zcfg_select(struct zcfg *s, const struct zcfg_args *a, struct errmsg *e);
int zcfg_set(struct zcfg *s, const struct zcfg_args *a, struct errmsg *e);
/* Forgets the resource that is being edited. */
void zcfg_leave(struct zcfg *s);

/* zonecfg_print.c: append to out; a failed allocation sticks in it. */
void zcfg_print_info(struct buf *out, const struct zconf *c);
void zcfg_print_res(struct buf *out, const struct zconf *c, const struct zres *r);
void zcfg_print_prop(struct buf *out, const struct zconf *c, const struct zres *r,
		     enum prop_id prop);
void zcfg_print_export(struct buf *out, const struct zconf *c);

#endif
