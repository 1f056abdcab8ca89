// SPDX-License-Identifier: BSD-2-Clause
/*
 * macs.c - no MAC address is there twice, in a zone or among the zones of the host
 */
#include "common/zone/check.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

struct macs {
	uint64_t *mac; /* owned */
	unsigned n;
};

static void macs_fini(struct macs *m)
{
	free(m->mac);
}

static bool macs_have(const struct macs *m, uint64_t mac)
{
	for (unsigned i = 0; i < m->n; i++)
		if (m->mac[i] == mac)
			return true;
	return false;
}

static int macs_add(struct macs *m, uint64_t mac)
{
	uint64_t *more = reallocarray(m->mac, m->n + 1, sizeof(*more));

	if (!more)
		return -ENOMEM;
	m->mac = more;
	m->mac[m->n++] = mac;
	return 0;
}

/* The address that a resource has, as text; NULL: it has none (yet). */
static const char *mac_of(const struct zres *r)
{
	enum prop_id own, automatic;
	const char *text;

	if (prop_find(r->type, "mac-address", &own, NULL) < 0 ||
	    prop_find(r->type, "auto-mac-address", &automatic, NULL) < 0)
		return NULL;
	text = zres_text(r, own);
	return strcmp(text, "auto") == 0 ? zres_text(r, automatic) : text;
}

/* Adds those of a resource and of what is inside it. -EINVAL: one is there already. */
static int collect(struct macs *m, const struct zres *r, struct errmsg *e)
{
	const char *text = mac_of(r);
	uint64_t mac = 0;
	int err = 0;

	if (text && mac_parse(text, &mac) == 0) {
		if (macs_have(m, mac))
			return errmsg_set(e, -EINVAL,
					  "%s: mac-address: \"%s\": the zone has it "
					  "already",
					  res_defs[r->type].name, text);
		if (macs_add(m, mac) < 0)
			return errmsg_no_memory(e);
	}
	for (unsigned i = 0; err == 0 && i < r->n_inner; i++)
		err = collect(m, &r->inner[i], e);
	return err;
}

int macs_check(const struct zconf *c, const struct zres *r, const struct zres *skip,
	       struct errmsg *e)
{
	cleanup(macs_fini) struct macs m = { 0 };
	const struct zres *o = NULL;
	int err = 0;

	while (err == 0 && (o = zconf_next(c, RES_ANET, o)))
		if (o != skip && collect(&m, o, NULL) == -ENOMEM)
			err = errmsg_no_memory(e);
	return err == 0 ? collect(&m, r, e) : err;
}

/* Whether a text in quotes anywhere in a file is one of the addresses: most files need
 * not be parsed. */
static bool may_have(const char *data, const struct macs *m)
{
	for (const char *p = data; (p = strchr(p, '"')); p++) {
		size_t n = strcspn(p + 1, "\"");
		char text[24];
		uint64_t mac;

		if (n < 11 || n >= sizeof(text))
			continue;
		memcpy(text, p + 1, n);
		text[n] = '\0';
		if (mac_parse(text, &mac) == 0 && macs_have(m, mac))
			return true;
	}
	return false;
}

/* The other zone's resources with one of the addresses. */
static int check_resources(const struct zconf *other, const struct zres *r,
			   const struct macs *m, struct errmsg *e)
{
	const char *text = mac_of(r);
	uint64_t mac = 0;
	int err = 0;

	if (text && mac_parse(text, &mac) == 0 && macs_have(m, mac))
		return errmsg_set(e, -EINVAL,
				  "anet: mac-address: \"%s\": zone %s has it already",
				  text, other->name);
	for (unsigned i = 0; err == 0 && i < r->n_inner; i++)
		err = check_resources(other, &r->inner[i], m, e);
	return err;
}

/* A file that is not there or cannot be read is its own zone's fault to report. What this
 * process or the host has too little of is not: an address would pass that another has. */
static bool is_shortage(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM;
}

/*
 * A thousand zones are looked at in each commit: their files are opened below one
 * directory, read by one call into one block, and parsed only if an address may be there.
 * 1: parse it (also when it does not fit the block); -errno: of a shortage.
 */
static int look_at(int dir, const char *name, char *block, size_t size,
		   const struct macs *m)
{
	cleanup(closep) int fd = -1;
	char file[ZONE_NAME_MAX + 8];
	ssize_t n;

	snprintf(file, sizeof(file), "%s.json", name);
	fd = openat(dir, file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	n = fd < 0 ? -1 : read(fd, block, size - 1);
	if (n < 0)
		return is_shortage(errno) ? -errno : 0;
	block[n] = '\0';
	return (size_t)n == size - 1 || may_have(block, m);
}

static int cannot_compare(struct errmsg *e, const char *zone, int r)
{
	return errmsg_set(e, r,
			  "anet: the mac-addresses of zone %s cannot be compared: %s",
			  zone, strerror(-r));
}

static int check_zone(const struct paths *p, const char *name, const struct macs *m,
		      struct errmsg *e)
{
	cleanup(zconf_freep) struct zconf *c = NULL;
	int r = zconf_load(p, name, &c, NULL);

	if (r < 0 && is_shortage(-r))
		return cannot_compare(e, name, r);
	r = 0; /* a zone that cannot be read is its own fault to report */
	for (unsigned i = 0; c && r == 0 && i < c->n_res; i++)
		r = check_resources(c, &c->res[i], m, e);
	return r;
}

/* Leaves those that @old does not have. 0 or -ENOMEM. */
static int keep_new(struct macs *m, const struct zconf *old)
{
	cleanup(macs_fini) struct macs had = { 0 };
	const struct zres *o = NULL;
	unsigned n = 0;

	while (old && (o = zconf_next(old, RES_ANET, o)))
		if (collect(&had, o, NULL) == -ENOMEM)
			return -ENOMEM;
	for (unsigned i = 0; i < m->n; i++)
		if (!macs_have(&had, m->mac[i]))
			m->mac[n++] = m->mac[i];
	m->n = n;
	return 0;
}

int macs_check_zones(const struct paths *p, const struct zconf *c,
		     const struct zconf *old, struct errmsg *e)
{
	cleanup(freep) char *etc = paths_get(p, PATH_ETC, NULL);
	cleanup(macs_fini) struct macs m = { 0 };
	cleanup(closep) int dir = -1;
	const struct zres *o = NULL;
	char block[16 * KIB];
	char **names = NULL;
	unsigned n = 0;
	int r = 0, seen;

	if (!etc)
		return errmsg_no_memory(e);
	while (r == 0 && (o = zconf_next(c, RES_ANET, o)))
		r = collect(&m, o, e);
	if (r == 0 && keep_new(&m, old) < 0)
		r = errmsg_no_memory(e);
	if (r < 0 || !m.n)
		return r;
	r = zconf_list(p, &names, &n);
	if (r < 0)
		return errmsg_set(e, r, "the other zones: %s", strerror(-r));
	dir = open(etc, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 && n > 0)
		r = cannot_compare(e, names[0], -errno);
	for (unsigned i = 0; r == 0 && i < n; i++) {
		if (strcmp(names[i], c->name) == 0 || strcmp(names[i], c->stored_as) == 0)
			continue;
		seen = look_at(dir, names[i], block, sizeof(block), &m);
		if (seen < 0)
			r = cannot_compare(e, names[i], seen);
		else if (seen > 0)
			r = check_zone(p, names[i], &m, e);
	}
	zconf_list_free(names, n);
	return r;
}
