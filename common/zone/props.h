/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * props.h - the property table: what a zone's configuration can say
 *
 * Parser, checker, printer, help, completion and the man page check are all driven from
 * these two lists.
 */
#ifndef KZ_ZONE_PROPS_H
#define KZ_ZONE_PROPS_H

#include "common/base/err.h"

/* Resource types: id, name, how many a zone may have (0 = any number), help. */
#define RES_TYPES(X) \
	X(GLOBAL, "global", 1, "the zone itself") \
	X(DIRECT_BOOT, "direct-boot", 1, "a kernel given from the host instead of firmware") \
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

/* Kinds of values; what each takes is checked by its row in props.c. */
enum prop_kind { KIND_TEXT, KIND_BOOL, KIND_NUMBER, KIND_SIZE, KIND_ENUM, KIND_PATH, KIND_FMRI };

/*
 * Properties: id, resource, name, kind, default (NULL = none), required at `end` (bool),
 * minimum and maximum of numbers (bytes for sizes) or NULL/allowed words separated by '|'
 * for enumerations, help.
 */
#define PROPS(X) \
	X(BRAND, GLOBAL, "brand", KIND_ENUM, "solaris-kz", 0, 0, 0, "solaris-kz", "kind of zone") \
	X(AUTOBOOT, GLOBAL, "autoboot", KIND_BOOL, "false", 0, 0, 0, NULL, \
	  "boot it when the host boots") \
	X(AUTOSHUTDOWN, GLOBAL, "autoshutdown", KIND_ENUM, "shutdown", 0, 0, 0, \
	  "shutdown|halt|suspend", "what to do when the host stops") \
	X(BOOTARGS, GLOBAL, "bootargs", KIND_TEXT, NULL, 0, 0, 1024, NULL, \
	  "command line of the guest's kernel") \
	X(BOOT_PRIORITY, GLOBAL, "boot-priority", KIND_ENUM, "normal", 0, 0, 0, \
	  "high|normal|low", "order among zones that could boot") \
	X(SHUTDOWN_TIMEOUT, GLOBAL, "shutdown-timeout", KIND_NUMBER, "60", 0, 1, 86400, NULL, \
	  "seconds to wait for the guest before it is halted") \
	X(ON_PANIC, GLOBAL, "on-panic", KIND_ENUM, "hold", 0, 0, 0, "hold|restart|halt", \
	  "what to do when the guest panics") \
	X(KERNEL, DIRECT_BOOT, "kernel", KIND_PATH, NULL, 1, 0, 0, NULL, \
	  "PVH ELF or bzImage, read when the zone boots") \
	X(INITRD, DIRECT_BOOT, "initrd", KIND_PATH, NULL, 0, 0, 0, NULL, "initial RAM disk") \
	X(STORAGE, DEVICE, "storage", KIND_TEXT, NULL, 0, 0, 1024, NULL, \
	  "file:PATH or dev:PATH of the disk") \
	X(DEVICE_ID, DEVICE, "id", KIND_NUMBER, NULL, 0, 0, 255, NULL, \
	  "place of the disk in the guest") \
	X(BOOTPRI, DEVICE, "bootpri", KIND_NUMBER, NULL, 0, 0, 255, NULL, \
	  "boot order; not set: not bootable") \
	X(PHYSICAL, CAPPED_MEMORY, "physical", KIND_SIZE, "4G", 1, 2 * MIB, 1024 * GIB, NULL, \
	  "RAM of the zone, rounded up to 2 MiB") \
	X(NCPUS, VIRTUAL_CPU, "ncpus", KIND_NUMBER, "4", 1, 1, 64, NULL, "number of vCPUs") \
	X(DEP_NAME, SMF_DEPENDENCY, "name", KIND_TEXT, NULL, 0, 0, 64, NULL, \
	  "dependencies of one name form one group") \
	X(DEP_FMRI, SMF_DEPENDENCY, "fmri", KIND_FMRI, NULL, 1, 0, 0, NULL, \
	  "service it depends on") \
	X(DEP_GROUPING, SMF_DEPENDENCY, "grouping", KIND_ENUM, "require_all", 0, 0, 0, \
	  "require_all|require_any|optional_all|exclude_all", "how the group is satisfied")

enum prop_id {
#define X(id, res, name, kind, def, req, min, max, words, help) PROP_##id,
	PROPS(X)
#undef X
		PROP_N
};

#define RES_PROPS_MAX 16 /* properties of one type; asserted in props.c */

struct prop_def {
	enum res_type res;
	const char *name;
	enum prop_kind kind;
	const char *def;
	bool required;
	uint64_t min, max;
	const char *words;
	const char *help;
	unsigned index; /* among the properties of its type: index into zres.value */
};

struct res_def {
	const char *name;
	unsigned max;
	const char *help;
};

extern const struct res_def res_defs[RES_TYPE_N];
const struct prop_def *prop_def(enum prop_id id);

/* -ENOENT with a text that lists what there is. */
int res_find(const char *name, enum res_type *ret_type, struct errmsg *e);
int prop_find(enum res_type type, const char *name, enum prop_id *ret_prop, struct errmsg *e);

/**
 * prop_parse() - Check a value that a person wrote and make it canonical
 *
 * Values with %{tokens} are checked after expansion.
 *
 * Return: 0, -ENOMEM, -EINVAL with resource, property, value and what is allowed
 */
int prop_parse(enum prop_id prop, const char *text, char **ret_canonical, struct errmsg *e);

#endif
