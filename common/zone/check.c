// SPDX-License-Identifier: BSD-2-Clause
/*
 * check.c - does a resource make sense by itself and beside the others of its zone
 */
#include "common/zone/check.h"

#include <stdio.h>
#include <string.h>

/* -EINVAL when another resource of the type has the same (expanded) value. */
static int check_unique(const struct zconf *c, const struct zres *r,
			const struct zres *skip, enum prop_id prop, struct errmsg *e)
{
	const char *type = res_defs[r->type].name;
	cleanup(freep) char *mine = zres_get(c, r, prop);
	const struct zres *o = NULL;

	if (!mine)
		return errmsg_no_memory(e);
	while ((o = zconf_next(c, r->type, o))) {
		cleanup(freep) char *other = NULL;

		if (o == skip || !zres_is_set(o, prop))
			continue;
		other = zres_get(c, o, prop);
		if (!other)
			return errmsg_no_memory(e);
		if (strcmp(mine, other) == 0)
			return errmsg_set(e, -EINVAL,
					  "%s: %s: \"%.100s\": another %s has it already",
					  type, prop_def(prop)->name, mine, type);
	}
	return 0;
}

/* -EINVAL when a resource of the other type with the same numbers has this one. */
static int check_twin(const struct zconf *c, const struct zres *r, enum prop_id prop,
		      struct errmsg *e)
{
	enum prop_id twin = zconf_id_twin(prop);
	const struct zres *o = NULL;

	while (twin != prop && (o = zconf_next(c, prop_def(twin)->res, o)))
		if (zres_is_set(o, twin) &&
		    strcmp(zres_text(o, twin), zres_text(r, prop)) == 0)
			return errmsg_set(e, -EINVAL,
					  "%s: %s: \"%s\": the %s has it already",
					  res_defs[r->type].name, prop_def(prop)->name,
					  zres_text(r, prop), res_defs[o->type].name);
	return 0;
}

/* How many of the properties that exclude each other are set. */
static unsigned count_choice(const struct prop_choice *choice, const struct zres *r)
{
	enum prop_id prop;
	char name[32];
	unsigned n = 0;

	for (const char *p = choice->names; *p; p += strspn(p, "|")) {
		size_t len = strcspn(p, "|");

		snprintf(name, sizeof(name), "%.*s", (int)len, p);
		p += len;
		ASSERT(prop_find(r->type, name, &prop, NULL) == 0);
		n += zres_is_set(r, prop);
	}
	return n;
}

static int check_choices(const struct zres *r, struct errmsg *e)
{
	for (unsigned i = 0; i < prop_choices_n; i++) {
		const struct prop_choice *choice = &prop_choices[i];
		char names[64];
		unsigned n;

		if (choice->res != r->type)
			continue;
		snprintf(names, sizeof(names), "%s", choice->names);
		for (char *p = names; (p = strchr(p, '|'));)
			*p = '/';
		n = count_choice(choice, r);
		if (n > 1)
			return errmsg_set(e, -EINVAL,
					  "%s: %s: only one of them may be set: clear "
					  "the other",
					  res_defs[r->type].name, names);
		if (!n && choice->required)
			return errmsg_set(e, -EINVAL, "%s: %s: one of them is required",
					  res_defs[r->type].name, names);
	}
	return 0;
}

static bool is_integer(const char *text, bool negative)
{
	text += negative && *text == '-';
	return *text && text[strspn(text, "0123456789")] == '\0';
}

/* A note has a name of its own and a value of its type. */
static int check_attr(const struct zres *r, struct errmsg *e)
{
	const char *name = zres_text(r, PROP_ATTR_NAME);
	const char *type = zres_text(r, PROP_ATTR_TYPE);
	const char *value = zres_text(r, PROP_ATTR_VALUE);
	bool good = true;

	if (strncmp(name, "zone", 4) == 0)
		return errmsg_set(e, -EINVAL,
				  "attr: name: \"%s\": names that begin with zone are "
				  "reserved",
				  name);
	if (strcmp(type, "boolean") == 0)
		good = strcmp(value, "true") == 0 || strcmp(value, "false") == 0;
	else if (strcmp(type, "string") != 0)
		good = is_integer(value, strcmp(type, "int") == 0);
	return good ? 0
		    : errmsg_set(e, -EINVAL, "attr: value: \"%.100s\": not of type %s",
				 value, type);
}

/* A size of pages is for the policy that asks for one. */
static int check_pagesize(const struct zres *r, struct errmsg *e)
{
	const char *policy = zres_text(r, PROP_PAGESIZE_POLICY);
	bool fixed = policy && strcmp(policy, "fixed") == 0;

	if (fixed == zres_is_set(r, PROP_PAGESIZE))
		return 0;
	return errmsg_set(e, -EINVAL,
			  fixed ? "capped-memory: pagesize is required with "
				  "pagesize-policy fixed"
				: "capped-memory: pagesize: \"%s\": only with "
				  "pagesize-policy fixed",
			  fixed ? "" : zres_text(r, PROP_PAGESIZE));
}

/* The resource by itself, and what lies inside it. */
static int check_alone(const struct zres *r, struct errmsg *e)
{
	const struct res_def *rd = &res_defs[r->type];
	int err = 0;

	for (unsigned i = 0; i < rd->n_props; i++) {
		const struct prop_def *d = &prop_defs[rd->first + i];
		bool number = d->kind == KIND_NUMBER && (d->flags & PF_AUTO);

		if (((d->flags & PF_REQUIRED) || number) && !r->value[i])
			return errmsg_set(e, -EINVAL, "%s: %s is required (%s)", rd->name,
					  d->name, d->help);
	}
	for (unsigned i = 0; err == 0 && i < r->n_inner; i++)
		err = check_alone(&r->inner[i], e);
	if (err == 0)
		err = check_choices(r, e);
	if (err == 0 && r->type == RES_ATTR)
		err = check_attr(r, e);
	if (err == 0 && r->type == RES_CAPPED_MEMORY)
		err = check_pagesize(r, e);
	return err;
}

int zconf_check_res(const struct zconf *c, const struct zres *r, const struct zres *skip,
		    struct errmsg *e)
{
	const struct res_def *rd = &res_defs[r->type];
	unsigned others = zconf_count(c, r->type) - (skip ? 1 : 0);
	int err;

	if (rd->max && others >= rd->max)
		return errmsg_set(e, -EINVAL, "%s: a zone has at most %u", rd->name,
				  rd->max);
	err = check_alone(r, e);
	for (unsigned i = 0; err == 0 && i < rd->n_props; i++) {
		enum prop_id prop = (enum prop_id)(rd->first + i);

		if ((prop_def(prop)->flags & PF_UNIQUE) && zres_is_set(r, prop))
			err = check_unique(c, r, skip, prop, e);
		if (err == 0 && zres_is_set(r, prop))
			err = check_twin(c, r, prop, e);
	}
	if (err == 0 && r->type == RES_ANET)
		err = macs_check(c, r, skip, e);
	return err;
}

/* A control that is written in both ways. */
static int check_rctls(const struct zconf *c, struct errmsg *e)
{
	const struct zres *r = NULL;

	while ((r = zconf_next(c, RES_RCTL, r))) {
		const char *name = zres_text(r, PROP_RCTL_NAME);

		if (strcmp(name, "zone.cpu-shares") == 0 &&
		    zres_is_set(&c->global, PROP_CPU_SHARES))
			return errmsg_set(
				e, -EINVAL,
				"rctl: name: \"%s\": it is cpu-shares, which is "
				"set",
				name);
		if (strcmp(name, "zone.cpu-cap") == 0 &&
		    zconf_next(c, RES_CAPPED_CPU, NULL))
			return errmsg_set(
				e, -EINVAL,
				"rctl: name: \"%s\": it is capped-cpu, which is "
				"there",
				name);
	}
	return 0;
}

int check_together(const struct zconf *c, struct errmsg *e)
{
	const struct zres *dedicated = zconf_next(c, RES_DEDICATED_CPU, NULL);
	const struct zres *cpu = zconf_next(c, RES_VIRTUAL_CPU, NULL);
	uint64_t least = 0;

	if (dedicated && zconf_next(c, RES_CAPPED_CPU, NULL))
		return errmsg_set(e, -EINVAL,
				  "dedicated-cpu and capped-cpu exclude each other");
	if (dedicated && zres_is_set(&c->global, PROP_CPU_SHARES))
		return errmsg_set(e, -EINVAL,
				  "dedicated-cpu and cpu-shares exclude each other");
	if (dedicated && zres_is_set(dedicated, PROP_DEDICATED_NCPUS))
		least = zres_number(c, dedicated, PROP_DEDICATED_NCPUS);
	if (cpu && zres_number(c, cpu, PROP_NCPUS) < least)
		return errmsg_set(e, -EINVAL,
				  "virtual-cpu: ncpus: \"%s\": fewer than the %u CPUs "
				  "that dedicated-cpu takes",
				  zres_text(cpu, PROP_NCPUS), (unsigned)least);
	if (least > prop_def(PROP_NCPUS)->max)
		return errmsg_set(e, -EINVAL,
				  "dedicated-cpu: ncpus: \"%s\": a zone has at most "
				  "%u vCPUs",
				  zres_text(dedicated, PROP_DEDICATED_NCPUS),
				  (unsigned)prop_def(PROP_NCPUS)->max);
	return check_rctls(c, e);
}
