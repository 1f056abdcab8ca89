// SPDX-License-Identifier: BSD-2-Clause
/*
 * zones.c - the table of zones, and what the core has to know of each configuration
 */
#include "restarter/zones.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

static void zone_free(struct zone *z)
{
	if (!z)
		return;
	ASSERT(!z->host && !z->launch && !z->stray);
	free(z->config_error);
	free(z->boot_args);
	free(z->op_error);
	rights_fini(&z->rights);
	free(z->record);
	closep(&z->console_fd);
	free(z);
}

void zones_fini(struct zones *t)
{
	for (unsigned i = 0; i < t->n; i++)
		zone_free(t->v[i]);
	free(t->v);
	*t = (struct zones){ 0 };
}

/* Index of the name, or of where it belongs. */
static unsigned place_of(const struct zones *t, const char *name)
{
	unsigned lo = 0, hi = t->n;

	while (lo < hi) {
		unsigned mid = lo + (hi - lo) / 2;

		if (strcmp(t->v[mid]->name, name) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct zone *zones_find(const struct zones *t, const char *name)
{
	unsigned i = place_of(t, name);

	return i < t->n && strcmp(t->v[i]->name, name) == 0 ? t->v[i] : NULL;
}

int zones_get(struct zones *t, const char *name, struct zone **ret_zone)
{
	unsigned i = place_of(t, name);
	struct zone *z;
	void *bigger;

	if (i < t->n && strcmp(t->v[i]->name, name) == 0) {
		*ret_zone = t->v[i];
		return 0;
	}
	if (zone_name_check(name, NULL) < 0)
		return -EINVAL;
	if (t->n == t->cap) {
		bigger = realloc(t->v, (t->cap * 2 + 16) * sizeof(void *));
		if (!bigger)
			return -ENOMEM;
		t->v = bigger;
		t->cap = t->cap * 2 + 16;
	}
	z = calloc(1, sizeof(*z));
	if (!z)
		return -ENOMEM;
	strcpy(z->name, name); /* zone_name_check() knows the length */
	z->id = -1;
	z->console_fd = -1;
	memmove(t->v + i + 1, t->v + i, (t->n - i) * sizeof(void *));
	t->v[i] = z;
	t->n++;
	*ret_zone = z;
	return 0;
}

void zones_remove(struct zones *t, struct zone *z)
{
	unsigned i = place_of(t, z->name);

	ASSERT(i < t->n && t->v[i] == z);
	memmove(t->v + i, t->v + i + 1, (t->n - i - 1) * sizeof(void *));
	t->n--;
	zone_free(z);
}

enum life_state zone_life(const struct core *core, const struct zone *z)
{
	const struct inst *i =
		z->life == LIFE_INSTALLED ? core_find(core, z->name) : NULL;

	return i && core_is_unavailable(i) ? LIFE_UNAVAILABLE : z->life;
}

int uuid_random(uint8_t uuid[16])
{
	uint8_t b[16];
	ssize_t n;

	do
		n = getrandom(b, sizeof(b), 0);
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)sizeof(b))
		return n < 0 ? -errno : -EIO;
	b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
	b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
	memcpy(uuid, b, sizeof(b));
	return 0;
}

bool uuid_is_zero(const uint8_t uuid[16])
{
	static const uint8_t zero[16];

	return memcmp(uuid, zero, sizeof(zero)) == 0;
}

void uuid_format(const uint8_t uuid[16], char text[UUID_TEXT_SIZE])
{
	char *p = text;

	for (unsigned i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*p++ = '-';
		p += sprintf(p, "%02x", uuid[i]);
	}
}

int uuid_parse(const char *text, uint8_t uuid[16])
{
	char again[UUID_TEXT_SIZE], two[3] = "";
	uint8_t b[16] = { 0 };
	const char *p = text;

	if (strlen(text) != UUID_TEXT_SIZE - 1)
		return -EINVAL;
	for (unsigned i = 0; i < 16; i++, p += 2) {
		p += *p == '-';
		if (!p[0] || !p[1])
			return -EINVAL;
		two[0] = p[0];
		two[1] = p[1];
		b[i] = (uint8_t)strtoul(two, NULL, 16);
	}
	/* Whatever was not a digit, or not in its place, reads differently now. */
	uuid_format(b, again);
	if (strcasecmp(again, text) != 0)
		return -EINVAL;
	memcpy(uuid, b, sizeof(b));
	return 0;
}

/**
 * zone_spec_fini() - Free what zone_spec_load() made
 */
void zone_spec_fini(struct zone_spec *s)
{
	for (unsigned i = 0; i < s->n_strings; i++)
		free(s->strings[i]);
	free(s->strings);
	free(s->deps);
	*s = (struct zone_spec){ 0 };
}

static int load_deps(const struct zconf *c, struct zone_spec *s)
{
	const struct zres *r = NULL;
	unsigned n = 0;

	while ((r = zconf_next(c, RES_SMF_DEPENDENCY, r)))
		n++;
	s->deps = calloc(n + 1, sizeof(*s->deps));
	s->strings = calloc(2 * (size_t)n + 1, sizeof(*s->strings));
	if (!s->deps || !s->strings)
		return -ENOMEM;
	while ((r = zconf_next(c, RES_SMF_DEPENDENCY, r))) {
		char *fmri = zres_get(c, r, PROP_DEP_FMRI);
		char *group = zres_get(c, r, PROP_DEP_NAME);
		struct core_dep *d = &s->deps[s->spec.n_deps];

		s->strings[s->n_strings++] = fmri;
		s->strings[s->n_strings++] = group;
		if (!fmri)
			return -ENOMEM;
		/* One without a name is a group of its own. */
		d->group = group ? group : fmri;
		d->fmri = fmri;
		d->grouping = (enum dep_grouping)zres_word(r, PROP_DEP_GROUPING);
		s->spec.n_deps++;
	}
	s->spec.deps = s->deps;
	return 0;
}

int zone_spec_load(const struct paths *p, struct zone *z, struct zone_spec *ret_spec)
{
	cleanup(zconf_freep) struct zconf *c = NULL;
	struct zone_spec s = { .spec = { .priority = PRIO_NORMAL,
					 .shutdown_timeout_ms = 60000 } };
	struct errmsg e = { "" };
	int r = zconf_load(p, z->name, &c, &e);

	if (r == -ENOMEM)
		return r;
	free(z->config_error);
	z->config_error = NULL;
	z->has_config = r != -ENOENT;
	if (r < 0) {
		rights_fini(&z->rights); /* who may do what is not known any more */
		z->config_error = strdup(*e.text ? e.text : strerror(-r));
		*ret_spec = s;
		return z->config_error ? 0 : -ENOMEM;
	}
	/* Indexes of words are the core's values: see DEP_GROUPINGS and its like. */
	s.spec.priority = (enum boot_priority)zres_word(&c->global, PROP_BOOT_PRIORITY);
	s.spec.autoshutdown = (enum autoshutdown)zres_word(&c->global, PROP_AUTOSHUTDOWN);
	s.spec.on_panic = (enum on_panic)zres_word(&c->global, PROP_ON_PANIC);
	s.spec.autoboot = zres_bool(c, &c->global, PROP_AUTOBOOT);
	s.spec.shutdown_timeout_ms =
		(uint32_t)zres_number(c, &c->global, PROP_SHUTDOWN_TIMEOUT) * 1000;
	if (strcmp(zres_text(&c->global, PROP_GOALS), "none") != 0)
		s.spec.goals_timeout_ms =
			(uint32_t)zres_number(c, &c->global, PROP_GOALS_TIMEOUT) * 1000;
	r = load_deps(c, &s);
	if (r == 0)
		r = rights_load(&z->rights, c);
	if (r < 0) {
		zone_spec_fini(&s);
		return r;
	}
	*ret_spec = s;
	return 0;
}
