// SPDX-License-Identifier: BSD-2-Clause
/*
 * conf.c - the configuration in memory: names, resources, values
 */
#include "common/zone/conf.h"

#include <stdio.h>
#include <string.h>

/* Names that are something else in one of the directories that zones share. */
static const char *const reserved_names[] = {
	"global", "lock", "boot-id", "status.json", "state.json",
};
static const char *const reserved_prefixes[] = { "SUNW", "SYS", "svc.zones" };

static bool name_is_reserved(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(reserved_names); i++)
		if (strcmp(name, reserved_names[i]) == 0)
			return true;
	for (size_t i = 0; i < ARRAY_SIZE(reserved_prefixes); i++)
		if (strncmp(name, reserved_prefixes[i], strlen(reserved_prefixes[i])) ==
		    0)
			return true;
	return false;
}

static bool is_alnum(char ch)
{
	return (ch >= '0' && ch <= '9') || ((ch | 0x20) >= 'a' && (ch | 0x20) <= 'z');
}

int zone_name_check(const char *name, struct errmsg *e)
{
	const char *rule = NULL;

	if (!is_alnum(name[0]))
		rule = "it has to begin with a letter or digit";
	else if (strlen(name) > ZONE_NAME_MAX)
		rule = "it is longer than 64 characters";
	else if (name_is_reserved(name))
		rule = "the name is reserved";
	for (const char *p = name; !rule && *p; p++)
		if (!is_alnum(*p) && !strchr("_-.", *p))
			rule = "only letters, digits, '_', '-' and '.' are allowed";
	if (rule)
		return errmsg_set(e, -EINVAL, "%.80s: invalid zone name: %s", name, rule);
	return 0;
}

const char *fmri_zone(const char *fmri)
{
	size_t n = strlen(ZONE_FMRI_PREFIX);

	return strncmp(fmri, ZONE_FMRI_PREFIX, n) == 0 ? fmri + n : NULL;
}

int zconf_new(const char *name, struct zconf **ret_conf, struct errmsg *e)
{
	struct zconf *c;
	int r = zone_name_check(name, e);

	if (r < 0)
		return r;
	c = calloc(1, sizeof(*c));
	if (!c) {
		errmsg_no_memory(e);
		return -ENOMEM;
	}
	memcpy(c->name, name, strlen(name) + 1);
	c->global.type = RES_GLOBAL;
	*ret_conf = c;
	return 0;
}

void zconf_free(struct zconf *c)
{
	if (!c)
		return;
	zres_fini(&c->global);
	for (unsigned i = 0; i < c->n_res; i++)
		zres_fini(&c->res[i]);
	free(c->res);
	free(c);
}

int zconf_copy(const struct zconf *c, const char *name, struct zconf **ret_conf,
	       struct errmsg *e)
{
	cleanup(zconf_freep) struct zconf *n = NULL;
	struct zres res = { 0 };
	int r = zconf_new(name, &n, e);

	if (r < 0)
		return r;
	if (strcmp(name, c->name) == 0)
		memcpy(n->stored_as, c->stored_as, sizeof(n->stored_as));
	r = zres_copy(&c->global, &n->global);
	for (unsigned i = 0; r == 0 && i < c->n_res; i++) {
		r = zres_copy(&c->res[i], &res);
		if (r == 0)
			r = zconf_add(n, &res);
		if (r < 0)
			zres_fini(&res);
	}
	if (r < 0)
		return errmsg_no_memory(e);
	*ret_conf = take_ptr(&n);
	return 0;
}

bool zconf_equal(const struct zconf *a, const struct zconf *b)
{
	if (strcmp(a->name, b->name) != 0 || a->n_res != b->n_res ||
	    !zres_equal(&a->global, &b->global))
		return false;
	for (unsigned t = RES_GLOBAL + 1; t < RES_TYPE_N; t++) {
		const struct zres *ra = zconf_next(a, (enum res_type)t, NULL);
		const struct zres *rb = zconf_next(b, (enum res_type)t, NULL);

		while (ra && rb && zres_equal(ra, rb)) {
			ra = zconf_next(a, (enum res_type)t, ra);
			rb = zconf_next(b, (enum res_type)t, rb);
		}
		if (ra || rb)
			return false;
	}
	return true;
}

const struct zres *zconf_next(const struct zconf *c, enum res_type type,
			      const struct zres *after)
{
	if (type == RES_GLOBAL)
		return after ? NULL : &c->global;
	for (unsigned i = after ? (unsigned)(after - c->res) + 1 : 0; i < c->n_res; i++)
		if (c->res[i].type == type)
			return &c->res[i];
	return NULL;
}

unsigned zconf_count(const struct zconf *c, enum res_type type)
{
	unsigned n = 0;

	for (const struct zres *r = zconf_next(c, type, NULL); r;
	     r = zconf_next(c, type, r))
		n++;
	return n;
}

/* Adds to an array of at most @max resources. 0 or -ENOMEM. */
static int array_add(struct zres **array, unsigned *n, unsigned max,
		     struct zres *take_res)
{
	struct zres *res = NULL;

	if (*n < max)
		res = reallocarray(*array, *n + 1, sizeof(*res));
	if (!res)
		return -ENOMEM;
	*array = res;
	res[(*n)++] = *take_res;
	*take_res = (struct zres){ .type = take_res->type };
	return 0;
}

static void array_remove(struct zres *array, unsigned *n, unsigned index)
{
	ASSERT(index < *n);
	zres_fini(&array[index]);
	--*n;
	memmove(&array[index], &array[index + 1], (*n - index) * sizeof(*array));
}

int zconf_add(struct zconf *c, struct zres *take_res)
{
	return array_add(&c->res, &c->n_res, ZCONF_MAX_RES, take_res);
}

void zconf_remove(struct zconf *c, unsigned index)
{
	array_remove(c->res, &c->n_res, index);
}

int zres_add(struct zres *r, struct zres *take_inner)
{
	return array_add(&r->inner, &r->n_inner, ZCONF_MAX_INNER, take_inner);
}

void zres_remove(struct zres *r, unsigned index)
{
	array_remove(r->inner, &r->n_inner, index);
}

const char *zres_text(const struct zres *r, enum prop_id prop)
{
	const struct prop_def *d = prop_def(prop);

	ASSERT(!r || r->type == d->res);
	if (r && r->value[prop_index(prop)])
		return r->value[prop_index(prop)];
	return d->def;
}

bool zres_is_set(const struct zres *r, enum prop_id prop)
{
	return r && r->value[prop_index(prop)];
}

char *zres_get(const struct zconf *c, const struct zres *r, enum prop_id prop)
{
	const char *text = zres_text(r, prop);
	const char *id = NULL;
	enum prop_id id_prop;
	char *s = NULL;

	if (!text)
		return NULL;
	if (prop_find(prop_def(prop)->res, "id", &id_prop, NULL) == 0)
		id = zres_is_set(r, id_prop) ? zres_text(r, id_prop) : "0";
	return prop_expand(prop, text, c->name, id, &s, NULL) < 0 ? NULL : s;
}

bool zres_bool(const struct zconf *c, const struct zres *r, enum prop_id prop)
{
	const char *text = zres_text(r, prop);

	return text && strcmp(text, "true") == 0;
}

uint64_t zres_number(const struct zconf *c, const struct zres *r, enum prop_id prop)
{
	const char *text = zres_text(r, prop);

	return text ? prop_number(prop, text) : 0;
}

unsigned zconf_vcpus(const struct zconf *c)
{
	const struct zres *dedicated = zconf_next(c, RES_DEDICATED_CPU, NULL);
	const struct zres *cpu = zconf_next(c, RES_VIRTUAL_CPU, NULL);

	if (!cpu && zres_is_set(dedicated, PROP_DEDICATED_NCPUS))
		return (unsigned)zres_number(c, dedicated, PROP_DEDICATED_NCPUS);
	return (unsigned)zres_number(c, cpu, PROP_NCPUS);
}

unsigned zres_word(const struct zres *r, enum prop_id prop)
{
	const char *text = zres_text(r, prop);
	const char *words = prop_def(prop)->words;
	unsigned i = 0;

	ASSERT(words && text);
	for (const char *w = words; *w; i++) {
		size_t n = strcspn(w, "|");

		if (strlen(text) == n && memcmp(w, text, n) == 0)
			return i;
		w += n + (w[n] == '|');
	}
	return 0;
}

/* Keys leave no trace in memory. */
static void free_value(const struct zres *r, unsigned index, char *value)
{
	enum prop_id prop = (enum prop_id)(res_defs[r->type].first + index);

	if (value && prop_def(prop)->kind == KIND_KEY)
		explicit_bzero(value, strlen(value));
	free(value);
}

int zres_set(struct zres *r, enum prop_id prop, const char *text, struct errmsg *e)
{
	char *s = NULL;
	int err;

	ASSERT(r->type == prop_def(prop)->res);
	err = prop_parse(prop, text, &s, e);
	if (err < 0)
		return err;
	zres_clear(r, prop);
	r->value[prop_index(prop)] = s;
	return 0;
}

void zres_clear(struct zres *r, enum prop_id prop)
{
	free_value(r, prop_index(prop), r->value[prop_index(prop)]);
	r->value[prop_index(prop)] = NULL;
}

static int copy_inner(const struct zres *r, struct zres *to)
{
	struct zres inner;
	int err;

	for (unsigned i = 0; i < r->n_inner; i++) {
		err = zres_copy(&r->inner[i], &inner);
		if (err < 0)
			return err;
		err = zres_add(to, &inner);
		if (err < 0) {
			zres_fini(&inner);
			return err;
		}
	}
	return 0;
}

int zres_copy(const struct zres *r, struct zres *ret_res)
{
	struct zres n = { .type = r->type };
	int err = copy_inner(r, &n);

	for (unsigned i = 0; err == 0 && i < RES_PROPS_MAX; i++) {
		if (!r->value[i])
			continue;
		n.value[i] = strdup(r->value[i]);
		err = n.value[i] ? 0 : -ENOMEM;
	}
	if (err < 0) {
		zres_fini(&n);
		return err;
	}
	*ret_res = n;
	return 0;
}

bool zres_equal(const struct zres *a, const struct zres *b)
{
	if (a->type != b->type || a->n_inner != b->n_inner)
		return false;
	for (unsigned i = 0; i < RES_PROPS_MAX; i++) {
		const char *va = a->value[i];
		const char *vb = b->value[i];

		if (!va != !vb || (va && strcmp(va, vb) != 0))
			return false;
	}
	for (unsigned i = 0; i < a->n_inner; i++)
		if (!zres_equal(&a->inner[i], &b->inner[i]))
			return false;
	return true;
}

void zres_fini(struct zres *r)
{
	for (unsigned i = 0; i < res_defs[r->type].n_props; i++)
		free_value(r, i, r->value[i]);
	for (unsigned i = 0; i < r->n_inner; i++)
		zres_fini(&r->inner[i]);
	free(r->inner);
	*r = (struct zres){ .type = r->type };
}

static void forget_own(struct zres *r)
{
	for (unsigned i = 0; i < res_defs[r->type].n_props; i++) {
		enum prop_id prop = (enum prop_id)(res_defs[r->type].first + i);

		if (prop_def(prop)->flags & PF_OWN)
			zres_clear(r, prop);
	}
	for (unsigned i = 0; i < r->n_inner; i++)
		forget_own(&r->inner[i]);
}

void zconf_forget_own(struct zconf *c)
{
	forget_own(&c->global);
	for (unsigned i = c->n_res; i-- > 0;) {
		if (c->res[i].type == RES_KEYSOURCE)
			zconf_remove(c, i);
		else
			forget_own(&c->res[i]);
	}
}
