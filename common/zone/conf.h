/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * conf.h - one zone's configuration in memory, and on disk as JSON
 *
 * DOC: Model
 *
 * A configuration is a tree of resources of the types that table.h lists: the global one,
 * any number of others below it, and those that some types (anet) have inside. A resource
 * holds, per property of its type, the *explicit* value as canonical text, or nothing;
 * defaults and %{tokens} are put in when a value is asked for, never when it is stored.
 * All checking goes through the property table, whether the text came from a command
 * file, a terminal or a JSON file.
 *
 * DOC: On disk
 *
 * /etc/zones/ZONE.json is one object: "version": 1, the explicit global properties under
 * their names, and per resource type one object (types that a zone has once) or an array
 * of objects. Truth values and numbers are JSON's, everything else is a string. Unknown
 * or doubled names, wrong types and values out of range are errors that name file and
 * place.
 */
#ifndef KZ_ZONE_CONF_H
#define KZ_ZONE_CONF_H

#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/sys/paths.h"
#include "common/zone/props.h"

#define ZCONF_VERSION   1
#define ZCONF_MAX_BYTES (1024 * 1024) /* of a configuration file */
#define ZCONF_MAX_RES   1024          /* resources of one zone */
#define ZCONF_MAX_INNER 256           /* resources inside one */

#define ZONE_FMRI_PREFIX "svc:/system/zones/zone:"

struct zres {
	enum res_type type;
	unsigned n_inner;
	struct zres *inner;         /* owned array of resources inside, as added */
	char *value[RES_PROPS_MAX]; /* owned, by prop_index(); NULL = not set */
};

struct zconf {
	char name[ZONE_NAME_MAX + 1];
	/* What it is stored under, when `set zonename` has given it another; else "". */
	char stored_as[ZONE_NAME_MAX + 1];
	struct zres global;
	struct zres *res; /* owned array, in order of addition */
	unsigned n_res;
};

/* Empty configuration of that name. 0, -ENOMEM, -EINVAL (not a zone name). */
int zconf_new(const char *name, struct zconf **ret_conf, struct errmsg *e);
void zconf_free(struct zconf *c);
DEFINE_FREEP(struct zconf, zconf_free)

/* A copy under a name (of a template: the new zone's); under its own it keeps what it is
 * stored as. 0, -ENOMEM, -EINVAL (the name). */
int zconf_copy(const struct zconf *c, const char *name, struct zconf **ret_conf,
	       struct errmsg *e);

/* Same explicit values and, by type, the same resources in the same order. */
bool zconf_equal(const struct zconf *a, const struct zconf *b);

/* Another name, which counts when it is committed. 0 or -EINVAL (not a zone name). */
int zconf_set_name(struct zconf *c, const char *name, struct errmsg *e);
/* The name that its file and its key have now. */
const char *zconf_stored_name(const struct zconf *c);

/**
 * zconf_load() - Read and check a zone's configuration
 *
 * What every value may be is checked, not whether the whole makes sense: zconf_verify().
 *
 * Return: 0, -ENOENT (no such zone), -EINVAL (text says where and what), -ENOMEM, or what
 * reading gave
 */
int zconf_load(const struct paths *p, const char *zone, struct zconf **ret_conf,
	       struct errmsg *e);

/* The same from any file: a configuration that was set aside. */
int zconf_load_file(const char *path, const char *zone, struct zconf **ret_conf,
		    struct errmsg *e);

/* Takes the zone's lock until the descriptor is closed. 0, -ENOMEM, -EBUSY (text says who
 * holds it), or what making the lock file gave. */
int zone_lock(const struct paths *p, const char *zone, int *ret_fd, struct errmsg *e);

/* Writes it, atomically and durably, without its key (see keys.h); the caller holds the
 * zone's lock. */
int zconf_save(const struct paths *p, const struct zconf *c, struct errmsg *e);

/* Removes the file, durably; the caller holds the lock. 0 or what unlink(2) gave. */
int zconf_remove_file(const struct paths *p, const char *zone, struct errmsg *e);

/**
 * zconf_parse() - The JSON of a configuration into memory
 * @place:	What error texts begin with, usually the file's path
 *
 * Return: 0, -ENOMEM, -EINVAL with place, line or property, and what is allowed
 */
int zconf_parse(const char *name, const char *data, size_t len, const char *place,
		struct zconf **ret_conf, struct errmsg *e);

/* The JSON text, ended by a newline: a new string. 0 or -ENOMEM. */
int zconf_format(const struct zconf *c, char **ret_text);

/**
 * zconf_template() - A template as the configuration of a new zone
 * @template:	Name below /etc/zones/templates, else one that is built in
 *
 * Return: 0, -ENOENT (text names the template), -EINVAL (either name, or the file),
 * -ENOMEM, or what reading gave
 */
int zconf_template(const struct paths *p, const char *template, const char *zone,
		   struct zconf **ret_conf, struct errmsg *e);

/* Names of all configured zones, sorted; free each and the array. 0, -ENOMEM, … */
int zconf_list(const struct paths *p, char ***ret_names, unsigned *ret_n);
void zconf_list_free(char **names, unsigned n);

/* Values. A resource that is not there (NULL) has its defaults. */

/* Explicit or default value with tokens expanded: a new string; NULL = not set or no
 * memory. */
char *zres_get(const struct zconf *c, const struct zres *r, enum prop_id prop);
/* Explicit or default value as stored, borrowed; NULL = not set. */
const char *zres_text(const struct zres *r, enum prop_id prop);
bool zres_is_set(const struct zres *r, enum prop_id prop);
bool zres_bool(const struct zconf *c, const struct zres *r, enum prop_id prop);
/* Numbers and sizes, see prop_number(); sizes are in bytes. 0 when there is neither value
 * nor default. */
uint64_t zres_number(const struct zconf *c, const struct zres *r, enum prop_id prop);
/* vCPUs: what virtual-cpu says; without it the lower end of dedicated-cpu ncpus, else the
 * default. */
unsigned zconf_vcpus(const struct zconf *c);
/* Which of the words of an enumeration, from 0 in the table's order. */
unsigned zres_word(const struct zres *r, enum prop_id prop);

/* 0, -ENOMEM, -EINVAL: see prop_parse(). On failure the old value stays. */
int zres_set(struct zres *r, enum prop_id prop, const char *text, struct errmsg *e);
void zres_clear(struct zres *r, enum prop_id prop);
/* A deep copy; @ret_res is overwritten, not freed. 0 or -ENOMEM. */
int zres_copy(const struct zres *r, struct zres *ret_res);
bool zres_equal(const struct zres *a, const struct zres *b);
void zres_fini(struct zres *r);

/* First resource of that type, or NULL. Iterate with zconf_next(c, type, previous). */
const struct zres *zconf_next(const struct zconf *c, enum res_type type,
			      const struct zres *after);
unsigned zconf_count(const struct zconf *c, enum res_type type);

/* Adds a resource; on success its values belong to the configuration, and *take_res is
 * empty. 0, -ENOMEM (also with ZCONF_MAX_RES resources). */
int zconf_add(struct zconf *c, struct zres *take_res);
/* Frees resource @index of c->res. */
void zconf_remove(struct zconf *c, unsigned index);
/* The same for the resources inside one: ZCONF_MAX_INNER of them. */
int zres_add(struct zres *r, struct zres *take_inner);
void zres_remove(struct zres *r, unsigned index);

/**
 * zconf_check_res() - Check one resource by itself and beside the others of its type
 * @r:		In @c, or about to be
 * @skip:	The resource of @c that @r is or replaces; NULL when it is new
 *
 * Required properties are there, unique ones differ, there are not too many of the type.
 *
 * Return: 0 or -EINVAL
 */
int zconf_check_res(const struct zconf *c, const struct zres *r, const struct zres *skip,
		    struct errmsg *e);

/* Where random bytes come from. NULL in its place: getrandom(2). */
struct zconf_random {
	int (*get)(void *ctx, void *bytes, size_t n); /* 0 or a negative errno */
	void *ctx;
};

/**
 * zconf_fill_auto() - Give the properties with PF_AUTO that are not set their values
 * @r:		In @c, or about to be; what lies inside it is filled too
 * @skip:	As above
 * @rnd:	For MAC addresses, host ids and keys; ids are the lowest that are free
 *
 * Return: 0, -ENOMEM, -EINVAL (no id is free), or what @rnd gave
 */
int zconf_fill_auto(const struct zconf *c, struct zres *r, const struct zres *skip,
		    const struct zconf_random *rnd, struct errmsg *e);

/* The same for all of @c, but no key is made. */
int zconf_fill_all(struct zconf *c, const struct zconf_random *rnd, struct errmsg *e);

/* Forgets what belongs to the one zone that @c was copied from: properties with PF_OWN,
 * and the key. */
void zconf_forget_own(struct zconf *c);

/**
 * zconf_verify() - Check the whole: required properties, duplicates, contradictions
 *
 * Besides the one configuration: a dependency on the zone itself, on a zone that is not
 * configured, or one that closes a cycle over the other zones' configurations (the text
 * spells the cycle: "db -> web -> db"); a MAC address that another zone has; a disk that
 * is there and cannot be one; a key that is missing or that others may read.
 *
 * Return: 0, -EINVAL, -ENOMEM, -EPERM (the key), or what reading gave
 */
int zconf_verify(const struct paths *p, const struct zconf *c, struct errmsg *e);

/* The same before @c takes the place of @old (NULL: of nothing). The addresses that @old
 * has already are not looked for in all other zones again. */
int zconf_verify_change(const struct paths *p, const struct zconf *c,
			const struct zconf *old, struct errmsg *e);

/* The part of it that looks at nothing but the configuration. 0, -EINVAL, -ENOMEM. */
int zconf_verify_alone(const struct zconf *c, struct errmsg *e);

/* Puts values in the place of all tokens, for good. 0, -ENOMEM, -EINVAL. */
int zconf_expand(struct zconf *c, struct errmsg *e);

/* Whether every property of the type can change in a running zone. */
bool res_is_live(enum res_type type);
/* -ENOTSUP: resource @type (or NULL), property @prop (or NULL) is not live. */
int live_refuse(struct errmsg *e, const char *type, const char *prop);
/* May a running zone change so? 0 or -ENOTSUP, naming the first that is not live. */
int zconf_check_live(const struct zconf *from, const struct zconf *to, struct errmsg *e);

/* The zone that an FMRI names, borrowed from it; NULL when it is not a zone's FMRI. */
const char *fmri_zone(const char *fmri);

/* 0 or -EINVAL with the rule that @name breaks. */
int zone_name_check(const char *name, struct errmsg *e);

#endif
