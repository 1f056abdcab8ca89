/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check.h - parts of zconf_verify(); shared inside common/zone only
 */
#ifndef KZ_ZONE_CHECK_H
#define KZ_ZONE_CHECK_H

#include "common/zone/conf.h"

/* The property that shares its numbers with this one: interfaces are numbered together,
 * whether anet or net. Else the property itself. */
enum prop_id zconf_id_twin(enum prop_id prop);

/* What cannot be set at once in different resources. 0 or -EINVAL. */
int check_together(const struct zconf *c, struct errmsg *e);

/* No two MAC addresses of @r, and of it and the rest of the zone without @skip, are the
 * same. 0, -EINVAL, -ENOMEM. */
int macs_check(const struct zconf *c, const struct zres *r, const struct zres *skip,
	       struct errmsg *e);

/* No other zone has a MAC address of this one; a zone that cannot be read has none.
 * 0, -EINVAL, -ENOMEM, or what reading the directory gave. */
int macs_check_zones(const struct paths *p, const struct zconf *c,
		     const struct zconf *old, struct errmsg *e);

/* rename.c: no other zone depends on one that gets another name. */
int rename_check(const struct paths *p, const struct zconf *c, struct errmsg *e);

#endif
