// SPDX-License-Identifier: BSD-2-Clause
/*
 * json.c - a configuration as JSON text, both ways, by the property table; no I/O
 */
#include "common/base/json.h"
#include "common/zone/conf.h"

#include <stdio.h>
#include <string.h>

struct reader {
	const char *place; /* borrowed: the file's name */
	struct zconf *conf;
	struct errmsg *e;
};

static const char *kind_of(const json_t *j)
{
	switch (json_typeof(j)) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "an array";
	case JSON_STRING:
		return "a string";
	case JSON_INTEGER:
		return "a whole number";
	case JSON_REAL:
		return "a fraction";
	case JSON_TRUE:
	case JSON_FALSE:
		return "a truth value";
	default:
		return "null";
	}
}

static int wrong_kind(struct reader *rd, const char *where, const char *want,
		      const json_t *got)
{
	return errmsg_set(rd->e, -EINVAL, "%s: %.64s: has to be %s, is %s", rd->place,
			  where, want, kind_of(got));
}

/* One property of a resource; @where is the place inside the document. */
static int read_prop(struct reader *rd, struct zres *r, enum prop_id prop,
		     const char *where, const json_t *j)
{
	const struct prop_def *d = prop_def(prop);
	char num[32];
	const char *text;
	int err;

	if (d->kind == KIND_BOOL) {
		if (!json_is_boolean(j))
			return wrong_kind(rd, where, "true or false", j);
		text = json_is_true(j) ? "true" : "false";
	} else if (d->kind == KIND_NUMBER) {
		if (!json_is_integer(j))
			return wrong_kind(rd, where, "a whole number", j);
		snprintf(num, sizeof(num), "%lld", (long long)json_integer_value(j));
		text = num;
	} else {
		if (!json_is_string(j))
			return wrong_kind(rd, where, "a string", j);
		text = json_string_value(j);
	}
	if (d->kind == KIND_KEY && !key_is_ref(text))
		return errmsg_set(rd->e, -EINVAL,
				  "%s: %s: a key does not belong into this file",
				  rd->place, where);
	err = zres_set(r, prop, text, rd->e);
	if (err == -EINVAL)
		return errmsg_prefix(rd->e, err, "%s", rd->place);
	return err;
}

static int read_resources(struct reader *rd, struct zres *parent, enum res_type type,
			  const char *where, json_t *j);

/* A member of a resource: a property, or resources inside it. */
static int read_res_member(struct reader *rd, struct zres *r, const char *where,
			   const char *key, json_t *v)
{
	enum res_type inner;
	enum prop_id prop;
	char at[160];

	snprintf(at, sizeof(at), "%s.%.64s", where, key);
	if (res_has_inner(r->type) && res_find(r->type, key, &inner, NULL) == 0)
		return read_resources(rd, r, inner, at, v);
	if (prop_find(r->type, key, &prop, rd->e) < 0)
		return errmsg_prefix(rd->e, -EINVAL, "%s", rd->place);
	return read_prop(rd, r, prop, at, v);
}

/* One resource; @where names it inside the document, "device[1]". NULL as @parent: one of
 * the zone's. */
static int read_res(struct reader *rd, struct zres *parent, enum res_type type,
		    const char *where, json_t *j)
{
	unsigned n = parent ? parent->n_inner : rd->conf->n_res;
	unsigned max = parent ? ZCONF_MAX_INNER : ZCONF_MAX_RES;
	struct zres r = { .type = type };
	const char *key;
	json_t *v;
	int err = 0;

	if (!json_is_object(j))
		return wrong_kind(rd, where, "an object", j);
	json_object_foreach (j, key, v) {
		err = read_res_member(rd, &r, where, key, v);
		if (err < 0)
			break;
	}
	if (err == 0 && n >= max)
		err = errmsg_set(rd->e, -EINVAL, "%s: %s: more than %u resources",
				 rd->place, where, max);
	if (err == 0)
		err = parent ? zres_add(parent, &r) : zconf_add(rd->conf, &r);
	if (err == -ENOMEM)
		errmsg_no_memory(rd->e);
	if (err < 0)
		zres_fini(&r);
	return err;
}

static int read_resources(struct reader *rd, struct zres *parent, enum res_type type,
			  const char *where, json_t *j)
{
	char at[160];
	json_t *v;
	size_t i;
	int r;

	if (res_defs[type].max == 1)
		return read_res(rd, parent, type, where, j);
	if (!json_is_array(j))
		return wrong_kind(rd, where, "an array of objects", j);
	json_array_foreach (j, i, v) {
		snprintf(at, sizeof(at), "%.128s[%zu]", where, i);
		r = read_res(rd, parent, type, at, v);
		if (r < 0)
			return r;
	}
	return 0;
}

static int read_member(struct reader *rd, const char *key, json_t *v)
{
	enum res_type type;
	enum prop_id prop;
	int r;

	if (strcmp(key, "version") == 0)
		return 0;
	if (prop_find(RES_GLOBAL, key, &prop, NULL) == 0)
		return read_prop(rd, &rd->conf->global, prop, key, v);
	if (strcmp(key, res_defs[RES_GLOBAL].name) != 0 &&
	    res_find(RES_GLOBAL, key, &type, rd->e) == 0)
		return read_resources(rd, NULL, type, key, v);
	r = prop_find(RES_GLOBAL, key, &prop, rd->e);
	if (r == -ENOENT) /* neither: one list of both would be too long, name the key */
		errmsg_set(rd->e, r,
			   "\"%.64s\": neither a global property nor a resource type",
			   key);
	return errmsg_prefix(rd->e, -EINVAL, "%s", rd->place);
}

static int read_document(struct reader *rd, json_t *j)
{
	const json_t *version = json_object_get(j, "version");
	const char *key;
	json_t *v;
	int r;

	if (!json_is_object(j))
		return wrong_kind(rd, "document", "an object", j);
	if (!json_is_integer(version) || json_integer_value(version) != ZCONF_VERSION)
		return errmsg_set(rd->e, -EINVAL, "%s: version: has to be %d", rd->place,
				  ZCONF_VERSION);
	json_object_foreach (j, key, v) {
		r = read_member(rd, key, v);
		if (r < 0)
			return r;
	}
	return 0;
}

int zconf_parse(const char *name, const char *data, size_t len, const char *place,
		struct zconf **ret_conf, struct errmsg *e)
{
	cleanup(zconf_freep) struct zconf *c = NULL;
	struct reader rd = { .place = place, .e = e };
	cleanup(json_decrefp) json_t *j = NULL;
	json_error_t je;
	int r;

	j = json_loadb(data, len, JSON_REJECT_DUPLICATES, &je);
	if (!j && (!je.text[0] || json_error_code(&je) == json_error_out_of_memory))
		return errmsg_no_memory(e);
	if (!j)
		return errmsg_set(e, -EINVAL, "%s: line %d, column %d: %s", place,
				  je.line, je.column, je.text);
	r = zconf_new(name, &c, e);
	if (r < 0)
		return r;
	rd.conf = c;
	r = read_document(&rd, j);
	if (r < 0)
		return r;
	*ret_conf = take_ptr(&c);
	return 0;
}

/* A value as JSON; NULL when memory is short. */
static json_t *write_value(enum prop_id prop, const char *text)
{
	switch (prop_def(prop)->kind) {
	case KIND_BOOL:
		return json_boolean(strcmp(text, "true") == 0);
	case KIND_NUMBER:
		return json_integer((json_int_t)prop_number(prop, text));
	default:
		return json_string(text);
	}
}

/* Adds the explicit values of a resource to @obj; a key that is not in its file is left
 * out. */
static int write_props(json_t *obj, const struct zres *r)
{
	const struct res_def *rd = &res_defs[r->type];

	for (unsigned i = 0; i < rd->n_props; i++) {
		enum prop_id prop = (enum prop_id)(rd->first + i);
		const char *text = r->value[i];

		if (!text || (prop_def(prop)->kind == KIND_KEY && !key_is_ref(text)))
			continue;
		if (json_object_set_new(obj, prop_def(prop)->name,
					write_value(prop, text)) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int write_type(json_t *doc, const struct zres *res, unsigned n,
		      enum res_type type);

/* A resource with what is inside it. */
static int write_res(json_t *obj, const struct zres *r)
{
	int err = write_props(obj, r);

	for (unsigned t = RES_GLOBAL + 1; err == 0 && t < RES_TYPE_N; t++)
		if (res_defs[t].parent == r->type)
			err = write_type(obj, r->inner, r->n_inner, (enum res_type)t);
	return err;
}

/* The resources of one type among @n. */
static int write_type(json_t *doc, const struct zres *res, unsigned n, enum res_type type)
{
	const struct res_def *rd = &res_defs[type];
	json_t *list = NULL;

	for (unsigned i = 0; i < n; i++) {
		json_t *obj;
		int err;

		if (res[i].type != type)
			continue;
		if (rd->max != 1 && !list) {
			list = json_array();
			if (json_object_set_new(doc, rd->name, list) < 0)
				return -ENOMEM;
		}
		obj = json_object();
		err = list ? json_array_append_new(list, obj)
			   : json_object_set_new(doc, rd->name, obj);
		if (err < 0 || write_res(obj, &res[i]) < 0)
			return -ENOMEM;
	}
	return 0;
}

int zconf_format(const struct zconf *c, char **ret_text)
{
	cleanup(json_decrefp) json_t *doc = json_object();
	cleanup(buf_fini) struct buf b = { 0 };

	if (!doc ||
	    json_object_set_new(doc, "version", json_integer(ZCONF_VERSION)) < 0 ||
	    write_props(doc, &c->global) < 0)
		return -ENOMEM;
	for (unsigned t = RES_GLOBAL + 1; t < RES_TYPE_N; t++)
		if (res_defs[t].parent == RES_GLOBAL &&
		    write_type(doc, c->res, c->n_res, (enum res_type)t) < 0)
			return -ENOMEM;
	buf_add_json(&b, doc, JSON_INDENT(2));
	buf_adds(&b, "\n");
	return buf_take(&b, ret_text);
}
