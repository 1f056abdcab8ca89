/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * props.h - the property table: what a zone's configuration can say
 *
 * Parser, checker, printer, JSON reader and writer, help, completion and the man page
 * check are all driven from the lists of table.h. A new property is one line there and
 * one paragraph in docs/man/zonecfg.8.
 */
#ifndef KZ_ZONE_PROPS_H
#define KZ_ZONE_PROPS_H

#include "common/base/err.h"
#include "common/zone/table.h"

enum res_type {
#define X(id, name, parent, max, help) RES_##id,
	RES_TYPES(X)
#undef X
		RES_TYPE_N
};

enum prop_kind {
#define X(id, help) KIND_##id,
	PROP_KINDS(X)
#undef X
		PROP_KIND_N
};

enum prop_when {
#define X(id, help) WHEN_##id,
	PROP_WHENS(X)
#undef X
		PROP_WHEN_N
};

enum prop_flags {
	PF_NONE = 0,
	PF_REQUIRED = 1,  /* the resource cannot be ended without it */
	PF_TOKENS = 2,    /* %{zonename}, %{id} and %% are expanded on use */
	PF_AUTO = 4,      /* not set: zconf_fill_auto() gives it a value, for good */
	PF_UNIQUE = 8,    /* no two resources of the type may have the same value */
	PF_OWN = 16,      /* of this one zone: a copy of the zone gets another */
	PF_LIST = 32,     /* values separated by commas: `add PROPERTY VALUE` */
	PF_READONLY = 64, /* a default that cannot be set */
	PF_FIXED = 128,   /* cannot change once the zone is installed */
	PF_QUIET = 256,   /* `info` shows it only when it is asked for by name */
	PF_INERT = 512,   /* stored and checked, but nothing reads it yet */
};

/* Per type: PROP_FIRST_x is the number of its first property; properties are contiguous.
 */
enum prop_id {
#define P(id, res, name, kind, def, flags, when, min, max, words, help) PROP_##id,
#define X(id, name, parent, max, help) \
	PROP_FIRST_##id, PROP_BEFORE_##id = PROP_FIRST_##id - 1, PROPS_##id(P)
	RES_TYPES(X)
#undef X
#undef P
		PROP_N
};

/* Units of the host's service manager, as an FMRI of KIND_FMRI names them. */
#define UNIT_FMRI_PREFIX "svc:/host/systemd/unit:"

#define RES_PROPS_MAX 20 /* properties of one type; asserted in props.c */

struct prop_def {
	enum res_type res;
	const char *name;
	enum prop_kind kind;
	const char *def;
	unsigned flags; /* enum prop_flags */
	enum prop_when when;
	uint64_t min, max;
	const char *words;
	const char *help;
};

struct res_def {
	const char *name;
	enum res_type parent; /* what it lies in; the global one lies in itself */
	unsigned max;
	const char *help;
	enum prop_id first; /* its properties are first … first + n_props - 1 */
	unsigned n_props;
};

extern const struct res_def res_defs[RES_TYPE_N];
extern const struct prop_def prop_defs[PROP_N];
extern const char *const prop_kind_help[PROP_KIND_N];
extern const char *const prop_when_help[PROP_WHEN_N];

struct prop_choice {
	enum res_type res;
	bool required;
	const char *names; /* separated by '|' */
};

extern const struct prop_choice prop_choices[];
extern const unsigned prop_choices_n;

const struct prop_def *prop_def(enum prop_id id);
/* Place of the property among those of its type: index into zres.value. */
unsigned prop_index(enum prop_id id);

/**
 * res_find() - Look a resource type up ("global" is one)
 * @in:	The type that it lies in, RES_GLOBAL for most
 *
 * Return: 0, -ENOENT (text lists what there is), -ENOTSUP (Solaris has it, with the
 * reason)
 */
int res_find(enum res_type in, const char *name, enum res_type *ret_type,
	     struct errmsg *e);
/* Whether resources of the type have others inside. */
bool res_has_inner(enum res_type type);
/* The same for a property of a type. */
int prop_find(enum res_type type, const char *name, enum prop_id *ret_prop,
	      struct errmsg *e);

/**
 * prop_parse() - Check a value that a person wrote and make it canonical
 *
 * A value with %{tokens} is checked as it is after expansion (with stand-ins), and kept
 * unexpanded.
 *
 * Return: 0, -ENOMEM, -EINVAL with resource, property, value and what is allowed
 */
int prop_parse(enum prop_id prop, const char *text, char **ret_canonical,
	       struct errmsg *e);

/* What the property takes, for people: "high, normal or low", "1 to 64", … Cut to size.
 */
void prop_allowed(enum prop_id prop, char *out, size_t size);

/**
 * prop_expand() - Put the zone's name and the resource's id in the place of tokens
 * @id:		What %{id} gives, or NULL where that token is not allowed
 * @ret_text:	New string, owned by the caller
 *
 * A property without PF_TOKENS is copied as it is.
 *
 * Return: 0, -ENOMEM, -EINVAL (unknown token, with the known ones)
 */
int prop_expand(enum prop_id prop, const char *text, const char *zonename, const char *id,
		char **ret_text, struct errmsg *e);

/* A canonical size or number as a number, a decimal in hundredths, of a range the lower
 * end, of a resource control the limit: what prop_parse() made always works. */
uint64_t prop_number(enum prop_id prop, const char *canonical);

/**
 * mac_parse() - "2:8:20:a:b:c" to its six bytes, the first in the highest
 *
 * Return: 0 or -EINVAL (not a MAC address, of a group, or all zero)
 */
int mac_parse(const char *text, uint64_t *ret_mac);

/* What a property of KIND_KEY holds when the key itself is in the key file: see keys.h.
 */
#define KEY_REF_PREFIX "key:"
#define KEY_HEX_LEN    32
#define KEY_REF_LEN    (4 + 16)
bool key_is_ref(const char *value);

#endif
