/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * deps.h - who depends on what, as the zones' configurations say
 */
#ifndef KZ_CLI_DEPS_H
#define KZ_CLI_DEPS_H

#include "cli/instances.h"

#define DEP_KINDS(X) \
	X(REQUIRE_ALL, "require_all") \
	X(REQUIRE_ANY, "require_any") \
	X(OPTIONAL_ALL, "optional_all") X(EXCLUDE_ALL, "exclude_all")

enum dep_kind {
#define X(id, name) DEP_##id,
	DEP_KINDS(X)
#undef X
		DEP_KIND_N
};

/* Instance @who depends on @fmri. */
struct dep {
	const struct instance *who; /* of the list that the caller has */
	char *fmri;                 /* owned */
	const struct instance *on;  /* the same in that list; NULL: it is not in it */
	const char *unit_state;     /* of a unit of the host, as far as that is known */
	unsigned next_on;           /* deps_link(): the next one on the same; -1u: none */
	unsigned group;             /* index of the first dependency of the group */
	enum dep_kind kind;         /* of the group: what its first dependency says */
};

struct deps {
	struct dep *v; /* owned; those of one instance are next to each other */
	unsigned n, cap;
	/* deps_link(): by index into the list, -1u: none; owned */
	unsigned *first_of, *first_on; /* first dependency of it, and on it */
};

/**
 * deps_read() - Append what an instance depends on
 * @list:	Where instances are found by FMRI; @who is one of them
 * @e:		Filled with -EINVAL and other errors of the configuration
 *
 * Return: 0, -ENOMEM, or what zconf_load() gave
 */
int deps_read(struct deps *deps, const struct paths *p, const struct instances *list,
	      const struct instance *who, struct errmsg *e);
void deps_fini(struct deps *deps);
/**
 * deps_link() - All was read: let the dependencies of and on an instance be found at once
 *
 * Return: 0 or -ENOMEM
 */
int deps_link(struct deps *deps, const struct instances *list);
const char *dep_kind_name(enum dep_kind kind);

/* Does the dependency keep its owner from running, as far as the list tells? */
bool dep_unmet(const struct deps *deps, const struct dep *d);

#endif
