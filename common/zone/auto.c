// SPDX-License-Identifier: BSD-2-Clause
/*
 * auto.c - values that a configuration gives itself once and keeps: ids, MAC addresses,
 * the host id, the key
 */
#include "common/zone/check.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

/* The first three bytes of MAC addresses, as on Solaris: locally administered. */
#define MAC_PREFIX "02:08:20"

static int get_random(const struct zconf_random *rnd, void *bytes, size_t n,
		      struct errmsg *e)
{
	int r = 0;

	if (rnd)
		r = rnd->get(rnd->ctx, bytes, n);
	else if (getrandom(bytes, n, 0) != (ssize_t)n) /* up to 256 bytes are whole */
		r = -EIO;
	return r < 0 ? errmsg_set(e, r, "no random numbers: %s", strerror(-r)) : 0;
}

/* Whether a resource of the type of @prop has the number; @skip is not asked. */
static bool taken(const struct zconf *c, enum prop_id prop, const struct zres *skip,
		  uint64_t v)
{
	const struct zres *o = NULL;

	while ((o = zconf_next(c, prop_def(prop)->res, o)))
		if (o != skip && zres_is_set(o, prop) && zres_number(c, o, prop) == v)
			return true;
	return false;
}

enum prop_id zconf_id_twin(enum prop_id prop)
{
	return prop == PROP_ANET_ID  ? PROP_NET_ID
	       : prop == PROP_NET_ID ? PROP_ANET_ID
				     : prop;
}

/* The lowest number of @prop that is not taken; false: none is free. */
static bool lowest_free(const struct zconf *c, enum prop_id prop, const struct zres *skip,
			uint64_t *ret)
{
	const struct prop_def *d = prop_def(prop);

	for (uint64_t v = d->min; v <= d->max; v++) {
		if (taken(c, prop, skip, v) || taken(c, zconf_id_twin(prop), skip, v))
			continue;
		*ret = v;
		return true;
	}
	return false;
}

static int free_number(const struct zconf *c, enum prop_id prop, const struct zres *skip,
		       char text[static 40], struct errmsg *e)
{
	uint64_t v = 0;

	if (!lowest_free(c, prop, skip, &v))
		return errmsg_set(e, -EINVAL, "%s: no %s is free: a zone has at most %u",
				  res_defs[prop_def(prop)->res].name,
				  prop_def(prop)->name,
				  (unsigned)prop_def(prop)->max + 1);
	snprintf(text, 40, "%llu", (unsigned long long)v);
	return 0;
}

static int random_text(enum prop_kind kind, const struct zconf_random *rnd,
		       char text[static 40], struct errmsg *e)
{
	unsigned char b[KEY_HEX_LEN / 2] = { 0 };
	int r = get_random(rnd, b, kind == KIND_KEY ? sizeof(b) : 4, e);

	if (r < 0)
		return r;
	if (kind == KIND_MAC)
		snprintf(text, 40, MAC_PREFIX ":%02x:%02x:%02x", b[0], b[1], b[2]);
	else if (kind == KIND_HEX) /* never 0 */
		snprintf(text, 40, "0x%02x%02x%02x%02x", b[0], b[1], b[2], b[3] | 1);
	else
		for (size_t i = 0; i < sizeof(b); i++)
			snprintf(text + 2 * i, 3, "%02x", b[i]);
	explicit_bzero(b, sizeof(b));
	return 0;
}

/* Whether the resource's mac-address is one that stands for itself. */
static bool has_own_mac(const struct zres *r)
{
	enum prop_id prop;

	return prop_find(r->type, "mac-address", &prop, NULL) == 0 &&
	       strcmp(zres_text(r, prop), "auto") != 0;
}

static int fill_one(const struct zconf *c, struct zres *r, enum prop_id prop,
		    const struct zres *skip, const struct zconf_random *rnd,
		    struct errmsg *e)
{
	const struct prop_def *d = prop_def(prop);
	char text[40] = "";
	int err;

	if (d->kind == KIND_MAC && has_own_mac(r))
		return 0;
	if (d->kind == KIND_NUMBER)
		err = free_number(c, prop, skip, text, e);
	else
		err = random_text(d->kind, rnd, text, e);
	if (err == 0)
		err = zres_set(r, prop, text, e);
	explicit_bzero(text, sizeof(text));
	return err;
}

int zconf_fill_auto(const struct zconf *c, struct zres *r, const struct zres *skip,
		    const struct zconf_random *rnd, struct errmsg *e)
{
	const struct res_def *rd = &res_defs[r->type];
	int err = 0;

	for (unsigned i = 0; err == 0 && i < rd->n_props; i++) {
		enum prop_id prop = (enum prop_id)(rd->first + i);

		if ((prop_def(prop)->flags & PF_AUTO) && !zres_is_set(r, prop))
			err = fill_one(c, r, prop, skip, rnd, e);
	}
	for (unsigned i = 0; err == 0 && i < r->n_inner; i++)
		err = zconf_fill_auto(c, &r->inner[i], NULL, rnd, e);
	return err;
}

int zconf_fill_all(struct zconf *c, const struct zconf_random *rnd, struct errmsg *e)
{
	int r = zconf_fill_auto(c, &c->global, NULL, rnd, e);

	for (unsigned i = 0; r == 0 && i < c->n_res; i++)
		if (c->res[i].type != RES_KEYSOURCE)
			r = zconf_fill_auto(c, &c->res[i], &c->res[i], rnd, e);
	return r;
}
