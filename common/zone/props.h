/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * props.h - the property table: what a zone's configuration can say
 *
 * Parser, checker, printer, JSON reader and writer, help, completion and the man page
 * check are all driven from the lists of this file. A new property is one line here and
 * one paragraph in docs/man/zonecfg.8.
 */
#ifndef KZ_ZONE_PROPS_H
#define KZ_ZONE_PROPS_H

#include "common/base/err.h"

/* Resource types: id, name, how many a zone may have (0 = any number), help. */
#define RES_TYPES(X) \
	X(GLOBAL, "global", 1, "the zone itself") \
	X(DIRECT_BOOT, "direct-boot", 1, \
	  "a kernel given from the host instead of firmware") \
	X(DEVICE, "device", 0, "a disk") \
	X(CAPPED_MEMORY, "capped-memory", 1, "the zone's RAM") \
	X(VIRTUAL_CPU, "virtual-cpu", 1, "the zone's vCPUs") \
	X(SMF_DEPENDENCY, "smf-dependency", 0, "a service that has to be online first")

enum res_type {
#define X(id, name, max, help) RES_##id,
	RES_TYPES(X)
#undef X
		RES_TYPE_N
};

/* Kinds of values: id, what a value of the kind looks like (for people). */
#define PROP_KINDS(X) \
	X(TEXT, "text") \
	X(BOOL, "true or false") \
	X(NUMBER, "a whole number") \
	X(SIZE, "a size: a whole number with K, M, G or T") \
	X(ENUM, "one of the words") \
	X(PATH, "an absolute path") \
	X(STORAGE, "file:PATH or dev:PATH with an absolute path") \
	X(FMRI, "a service's FMRI, such as svc:/system/zones/zone:NAME")

enum prop_kind {
#define X(id, help) KIND_##id,
	PROP_KINDS(X)
#undef X
		PROP_KIND_N
};

enum prop_flags {
	PF_NONE = 0,
	PF_REQUIRED = 1, /* the resource cannot be ended without it */
	PF_TOKENS = 2,   /* %{zonename}, %{id} and %% are expanded on use */
	PF_AUTO = 4,     /* not set at `end`: the lowest free number is given */
	PF_UNIQUE = 8,   /* no two resources of the type may have the same value */
};

/*
 * Properties by resource type: id, resource, name, kind, default (NULL = none), flags,
 * minimum, maximum, words, help. Minimum and maximum: of numbers, of sizes in bytes (a
 * size is rounded up to a multiple of its minimum), of texts in bytes. Words: what an
 * enumeration allows, separated by '|'.
 */
#define PROPS_GLOBAL(X) \
	X(BRAND, GLOBAL, "brand", ENUM, "solaris-kz", PF_NONE, 0, 0, "solaris-kz", \
	  "kind of zone") \
	X(AUTOBOOT, GLOBAL, "autoboot", BOOL, "false", PF_NONE, 0, 0, NULL, \
	  "boot it when the host boots") \
	X(AUTOSHUTDOWN, GLOBAL, "autoshutdown", ENUM, "shutdown", PF_NONE, 0, 0, \
	  "shutdown|halt|suspend", "what to do when the host stops") \
	X(BOOTARGS, GLOBAL, "bootargs", TEXT, NULL, PF_NONE, 0, 1024, NULL, \
	  "command line of the guest's kernel") \
	X(BOOT_PRIORITY, GLOBAL, "boot-priority", ENUM, "normal", PF_NONE, 0, 0, \
	  "high|normal|low", "order among zones that could boot") \
	X(SHUTDOWN_TIMEOUT, GLOBAL, "shutdown-timeout", NUMBER, "60", PF_NONE, 1, 86400, \
	  NULL, "seconds to wait for the guest before it is halted") \
	X(ON_PANIC, GLOBAL, "on-panic", ENUM, "hold", PF_NONE, 0, 0, \
	  "hold|restart|halt", "what to do when the guest panics")

#define PROPS_DIRECT_BOOT(X) \
	X(KERNEL, DIRECT_BOOT, "kernel", PATH, NULL, PF_REQUIRED | PF_TOKENS, 0, 0, \
	  NULL, "PVH ELF or bzImage, read when the zone boots") \
	X(INITRD, DIRECT_BOOT, "initrd", PATH, NULL, PF_TOKENS, 0, 0, NULL, \
	  "initial RAM disk")

#define PROPS_DEVICE(X) \
	X(STORAGE, DEVICE, "storage", STORAGE, NULL, PF_TOKENS | PF_UNIQUE, 0, 0, NULL, \
	  "the disk; not set: disk%{id} in the zone's own directory") \
	X(DEVICE_ID, DEVICE, "id", NUMBER, NULL, PF_AUTO | PF_UNIQUE, 0, 255, NULL, \
	  "place of the disk in the guest") \
	X(BOOTPRI, DEVICE, "bootpri", NUMBER, NULL, PF_NONE, 0, 255, NULL, \
	  "boot order; not set: not bootable")

#define PROPS_CAPPED_MEMORY(X) \
	X(PHYSICAL, CAPPED_MEMORY, "physical", SIZE, "4G", PF_REQUIRED, 2 * MIB, \
	  1024 * GIB, NULL, "RAM of the zone, rounded up to 2 MiB")

#define PROPS_VIRTUAL_CPU(X) \
	X(NCPUS, VIRTUAL_CPU, "ncpus", NUMBER, "4", PF_REQUIRED, 1, 64, NULL, \
	  "number of vCPUs")

#define PROPS_SMF_DEPENDENCY(X) \
	X(DEP_NAME, SMF_DEPENDENCY, "name", TEXT, NULL, PF_NONE, 1, 64, NULL, \
	  "dependencies of one name form one group") \
	X(DEP_FMRI, SMF_DEPENDENCY, "fmri", FMRI, NULL, PF_REQUIRED | PF_UNIQUE, 0, 0, \
	  NULL, "service it depends on") \
	X(DEP_GROUPING, SMF_DEPENDENCY, "grouping", ENUM, "require_all", PF_NONE, 0, 0, \
	  "require_all|require_any|optional_all|exclude_all", \
	  "how the group is satisfied")

/* Per type: PROP_FIRST_x is the number of its first property; properties are contiguous.
 */
enum prop_id {
#define P(id, res, name, kind, def, flags, min, max, words, help) PROP_##id,
#define X(id, name, max, help) \
	PROP_FIRST_##id, PROP_BEFORE_##id = PROP_FIRST_##id - 1, PROPS_##id(P)
	RES_TYPES(X)
#undef X
#undef P
		PROP_N
};

#define RES_PROPS_MAX 16 /* properties of one type; asserted in props.c */

/*
 * What Solaris knows and we do not: resource (NULL: "name" is itself a resource type),
 * name, reason. It is refused by name, never silently accepted.
 */
#define UNSUPPORTED_YET "not supported yet"
#define UNSUPPORTED(X) \
	X("global", "zonename", "a zone cannot be renamed yet") \
	X("global", "zonepath", "a kernel zone has no zonepath") \
	X("global", "limitpriv", \
	  "a kernel zone has its own kernel, and with it all privileges") \
	X("global", "fs-allowed", "a kernel zone mounts nothing from the host") \
	X("global", "file-mac-profile", UNSUPPORTED_YET) \
	X("global", "global-time", "a kernel zone has its own clock") \
	X("global", "ip-type", "a kernel zone has its own network stack") \
	X("global", "hostid", UNSUPPORTED_YET) \
	X("global", "tenant", UNSUPPORTED_YET) \
	X("global", "pool", UNSUPPORTED_YET) \
	X("global", "scheduling-class", UNSUPPORTED_YET) \
	X("global", "cpu-arch", UNSUPPORTED_YET) \
	X("global", "cpu-shares", UNSUPPORTED_YET) \
	X("global", "host-compatible", UNSUPPORTED_YET) \
	X("global", "boot-disk-protection", UNSUPPORTED_YET) \
	X("global", "goals", UNSUPPORTED_YET) \
	X("global", "goals-timeout", UNSUPPORTED_YET) \
	X("device", "match", "not supported yet: use storage") \
	X("device", "allow-partition", UNSUPPORTED_YET) \
	X("device", "allow-raw-io", UNSUPPORTED_YET) \
	X("capped-memory", "swap", "a kernel zone's swap is inside the guest") \
	X("capped-memory", "locked", "a kernel zone's memory is always locked") \
	X("capped-memory", "pagesize", UNSUPPORTED_YET) \
	X("capped-memory", "pagesize-policy", UNSUPPORTED_YET) \
	X("capped-memory", "memory-reserve", UNSUPPORTED_YET) \
	X(NULL, "anet", UNSUPPORTED_YET) \
	X(NULL, "net", UNSUPPORTED_YET) \
	X(NULL, "dedicated-cpu", UNSUPPORTED_YET) \
	X(NULL, "capped-cpu", UNSUPPORTED_YET) \
	X(NULL, "suspend", UNSUPPORTED_YET) \
	X(NULL, "keysource", UNSUPPORTED_YET) \
	X(NULL, "attr", UNSUPPORTED_YET) \
	X(NULL, "admin", UNSUPPORTED_YET) \
	X(NULL, "rctl", UNSUPPORTED_YET) \
	X(NULL, "verified-boot", UNSUPPORTED_YET) \
	X(NULL, "ib-vhca", UNSUPPORTED_YET) \
	X(NULL, "npiv", UNSUPPORTED_YET) \
	X(NULL, "fs", "a kernel zone mounts nothing from the host") \
	X(NULL, "inherit-pkg-dir", "a kernel zone mounts nothing from the host") \
	X(NULL, "dataset", "a kernel zone has no datasets of the host") \
	X(NULL, "rootzpool", "a kernel zone has no pools of the host: use device") \
	X(NULL, "zpool", "a kernel zone has no pools of the host: use device")

struct prop_def {
	enum res_type res;
	const char *name;
	enum prop_kind kind;
	const char *def;
	unsigned flags; /* enum prop_flags */
	uint64_t min, max;
	const char *words;
	const char *help;
};

struct res_def {
	const char *name;
	unsigned max;
	const char *help;
	enum prop_id first; /* its properties are first … first + n_props - 1 */
	unsigned n_props;
};

extern const struct res_def res_defs[RES_TYPE_N];
extern const struct prop_def prop_defs[PROP_N];
extern const char *const prop_kind_help[PROP_KIND_N];

const struct prop_def *prop_def(enum prop_id id);
/* Place of the property among those of its type: index into zres.value. */
unsigned prop_index(enum prop_id id);

/**
 * res_find() - Look a resource type up ("global" is one)
 *
 * Return: 0, -ENOENT (text lists what there is), -ENOTSUP (Solaris has it, with the
 * reason)
 */
int res_find(const char *name, enum res_type *ret_type, struct errmsg *e);
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

/* A canonical size or number as a number: what prop_parse() made always works. */
uint64_t prop_number(const char *canonical);

#endif
