/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * conf.h - one zone's configuration in memory, and on disk as JSON
 *
 * DOC: Model
 *
 * A configuration is a tree of resources of the types that props.h lists: the global one,
 * and any number of others below it. A resource holds, per property of its type, the
 * *explicit* value as canonical text, or nothing; defaults and %{tokens} are put in when a
 * value is asked for, never when it is stored. All checking goes through the property
 * table, whether the text came from a command file, a terminal or a JSON file.
 */
#ifndef KZ_ZONE_CONF_H
#define KZ_ZONE_CONF_H

#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/sys/paths.h"
#include "common/zone/props.h"

struct zres {
	enum res_type type;
	char *value[RES_PROPS_MAX]; /* owned, by property index of the type; NULL = not set */
};

struct zconf {
	char name[ZONE_NAME_MAX + 1];
	struct zres global;
	struct zres *res; /* owned array, in order of addition */
	unsigned n_res;
};

/* Empty configuration of that name. 0, -ENOMEM, -EINVAL (not a zone name). */
int zconf_new(const char *name, struct zconf **ret_conf, struct errmsg *e);
void zconf_free(struct zconf *c);
DEFINE_FREEP(struct zconf, zconf_free)

/**
 * zconf_load() - Read and check a zone's configuration
 *
 * Return: 0, -ENOENT (no such zone), -EINVAL (text says where and what), -ENOMEM, or what
 * reading gave
 */
int zconf_load(const struct paths *p, const char *zone, struct zconf **ret_conf,
	       struct errmsg *e);

/* Writes it, atomically and durably; the caller holds the zone's lock. */
int zconf_save(const struct paths *p, const struct zconf *c, struct errmsg *e);

/* Names of all configured zones, sorted; free each and the array. 0, -ENOMEM, … */
int zconf_list(const struct paths *p, char ***ret_names, unsigned *ret_n);

/* Explicit or default value with tokens expanded: a new string; NULL = not set or no memory. */
char *zres_get(const struct zconf *c, const struct zres *r, enum prop_id prop);
bool zres_bool(const struct zconf *c, const struct zres *r, enum prop_id prop);
/* Numbers and sizes; sizes are in bytes. */
uint64_t zres_number(const struct zconf *c, const struct zres *r, enum prop_id prop);

/* First resource of that type, or NULL. Iterate with zconf_next(c, type, previous). */
const struct zres *zconf_next(const struct zconf *c, enum res_type type, const struct zres *after);

/**
 * zconf_verify() - Check the whole: required properties, duplicates, contradictions
 *
 * Besides the one configuration: a dependency on the zone itself, on a zone that is not
 * configured, or one that closes a cycle over the other zones' configurations (the text
 * spells the cycle: "db -> web -> db").
 *
 * Return: 0, -EINVAL, -ENOMEM
 */
int zconf_verify(const struct paths *p, const struct zconf *c, struct errmsg *e);

/* 0 or -EINVAL with the rule that @name breaks. */
int zone_name_check(const char *name, struct errmsg *e);

#endif
