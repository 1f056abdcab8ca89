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
	char option;       /* t, a or f: whose value it is; 0: none */
	const char *value; /* of that option, borrowed; NULL */
};

/* Before anything changes: the zone's lock. A configuration that was there still is. */
int zcfg_want_change(struct zcfg *s, struct errmsg *e);
/* -EINVAL unless a person says yes to the question, or -F was given. */
int zcfg_confirm(struct zcfg *s, const struct zcfg_args *a, const char *question,
		 struct errmsg *e);

/* Where MAC addresses, ids and keys come from. */
static inline const struct zconf_random *zcfg_random(const struct zcfg *s)
{
	return s->ops->random.get ? &s->ops->random : NULL;
}

/* The resource that is being edited, or the global one. */
struct zres *zcfg_current(struct zcfg *s);

/* PROPERTY=VALUE pairs, values canonical. */
#define FILTERS_MAX 16
struct filter {
	enum prop_id prop[FILTERS_MAX];
	char *value[FILTERS_MAX]; /* owned */
	unsigned n;
};
void filter_fini(struct filter *f);
/* From word @at on. */
int filter_parse(enum res_type type, const struct zcfg_args *a, unsigned at,
		 struct filter *ret, struct errmsg *e);
bool filter_match(const struct filter *f, const struct zres *r);
/* Takes NAME, '=' and VALUE off the words; an empty value only at the end. */
int zcfg_take_pair(const struct zcfg_args *a, unsigned *at, const char **ret_name,
		   const char **ret_value, struct errmsg *e);
int zcfg_no_more(const struct zcfg_args *a, unsigned used, struct errmsg *e);
/* The resource type that a command names, one of those inside @in; not the global one. */
int zcfg_take_type(enum res_type in, const struct zcfg_args *a, enum res_type *ret,
		   struct errmsg *e);

/* zonecfg_edit.c */
int zcfg_clear(struct zcfg *s, const struct zcfg_args *a, struct errmsg *e);
int zcfg_info(struct zcfg *s, const struct zcfg_args *a, struct errmsg *e);
int zcfg_set(struct zcfg *s, const struct zcfg_args *a, struct errmsg *e);
/* `add PROPERTY VALUE` and `remove PROPERTY VALUE` */
int zcfg_add_value(struct zcfg *s, const struct zcfg_args *a, struct errmsg *e);
int zcfg_remove_value(struct zcfg *s, const struct zcfg_args *a, struct errmsg *e);

/* zonecfg_scope.c */
int zcfg_add(struct zcfg *s, const struct zcfg_args *a, struct errmsg *e);
int zcfg_cancel(struct zcfg *s, const struct zcfg_args *a, struct errmsg *e);
int zcfg_end(struct zcfg *s, const struct zcfg_args *a, struct errmsg *e);
int zcfg_remove(struct zcfg *s, const struct zcfg_args *a, struct errmsg *e);
int zcfg_select(struct zcfg *s, const struct zcfg_args *a, struct errmsg *e);
/* Forgets the resource that is being edited, the innermost one. */
void zcfg_leave(struct zcfg *s);

/* zonecfg_print.c: append to out; a failed allocation sticks in it. */
void zcfg_print_info(struct buf *out, const struct zconf *c);
void zcfg_print_res(struct buf *out, const struct zconf *c, const struct zres *r);
void zcfg_print_prop(struct buf *out, const struct zconf *c, const struct zres *r,
		     enum prop_id prop);
/* @key: what keysource raw is; NULL: as it is set. */
void zcfg_print_export(struct buf *out, const struct zconf *c, const char *key);

#endif
