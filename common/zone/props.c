// SPDX-License-Identifier: BSD-2-Clause
/*
 * props.c - the property table as data: names, what is allowed, tokens
 */
#include "common/zone/kinds.h"

#include "common/base/utf8.h"

#include <stdio.h>
#include <string.h>

#define ONE(id, res, name, kind, def, flags, when, min, max, words, help) +1
#define X(id, name, parent, max, help) \
	static_assert(0 PROPS_##id(ONE) <= RES_PROPS_MAX, \
		      "zres.value has room for " name);
RES_TYPES(X)
#undef X

const struct res_def res_defs[RES_TYPE_N] = {
#define X(id, name, parent, max, help) \
	[RES_##id] = { name, \
		       RES_##parent, \
		       max, \
		       help, \
		       (enum prop_id)PROP_FIRST_##id, \
		       0 PROPS_##id(ONE) },
	RES_TYPES(X)
#undef X
};

const struct prop_def prop_defs[PROP_N] = {
#define P(id, res, name, kind, def, flags, when, min, max, words, help) \
	[PROP_##id] = { RES_##res,   name, KIND_##kind, def,   flags, \
			WHEN_##when, min,  max,         words, help },
#define X(id, name, parent, max, help) PROPS_##id(P)
	RES_TYPES(X)
#undef X
#undef P
};

const char *const prop_kind_help[PROP_KIND_N] = {
#define X(id, help) [KIND_##id] = help,
	PROP_KINDS(X)
#undef X
};

const char *const prop_when_help[PROP_WHEN_N] = {
#define X(id, help) [WHEN_##id] = help,
	PROP_WHENS(X)
#undef X
};

const struct prop_choice prop_choices[] = {
#define X(res, required, names) { RES_##res, required, names },
	PROP_CHOICES(X)
#undef X
};
const unsigned prop_choices_n = ARRAY_SIZE(prop_choices);

static const struct {
	const char *res, *name, *reason;
} unsupported[] = {
#define X(res, name, reason) { res, name, reason },
	UNSUPPORTED(X)
#undef X
};

const struct prop_def *prop_def(enum prop_id id)
{
	ASSERT((unsigned)id < PROP_N);
	return &prop_defs[id];
}

unsigned prop_index(enum prop_id id)
{
	return (unsigned)id - (unsigned)res_defs[prop_def(id)->res].first;
}

/* Why we lack a name that Solaris has, or NULL. */
static const char *unsupported_reason(const char *res, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(unsupported); i++) {
		const char *r = unsupported[i].res;

		if (strcmp(unsupported[i].name, name) == 0 &&
		    (r == res || (r && res && strcmp(r, res) == 0)))
			return unsupported[i].reason;
	}
	return NULL;
}

bool res_has_inner(enum res_type type)
{
	for (unsigned i = RES_GLOBAL + 1; i < RES_TYPE_N; i++)
		if (res_defs[i].parent == type)
			return true;
	return false;
}

int res_find(enum res_type in, const char *name, enum res_type *ret_type,
	     struct errmsg *e)
{
	const char *reason = in == RES_GLOBAL ? unsupported_reason(NULL, name) : NULL;
	char known[256] = "";
	size_t len = 0;

	for (unsigned i = 0; i < RES_TYPE_N; i++) {
		if (res_defs[i].parent == in && strcmp(res_defs[i].name, name) == 0) {
			*ret_type = (enum res_type)i;
			return 0;
		}
	}
	if (reason)
		return errmsg_set(e, -ENOTSUP, "%s: %s", name, reason);
	for (unsigned i = RES_GLOBAL + 1; i < RES_TYPE_N && len < sizeof(known); i++)
		if (res_defs[i].parent == in)
			len += (size_t)snprintf(known + len, sizeof(known) - len, "%s%s",
						len ? ", " : "", res_defs[i].name);
	return errmsg_set(e, -ENOENT, "\"%.64s\": no such resource type; there are: %s",
			  name, *known ? known : "none");
}

int prop_find(enum res_type type, const char *name, enum prop_id *ret_prop,
	      struct errmsg *e)
{
	const struct res_def *rd = &res_defs[type];
	const char *reason = unsupported_reason(rd->name, name);
	char known[320] = "";
	size_t len = 0;

	for (unsigned i = 0; i < rd->n_props; i++) {
		enum prop_id id = (enum prop_id)(rd->first + i);

		if (strcmp(prop_defs[id].name, name) == 0) {
			*ret_prop = id;
			return 0;
		}
	}
	if (reason)
		return errmsg_set(e, -ENOTSUP, "%s: %s: %s", rd->name, name, reason);
	for (unsigned i = 0; i < rd->n_props && len < sizeof(known); i++)
		len += (size_t)snprintf(known + len, sizeof(known) - len, "%s%s",
					len ? ", " : "", prop_defs[rd->first + i].name);
	return errmsg_set(e, -ENOENT, "%s: \"%.64s\": no such property; there are: %s",
			  rd->name, name, known);
}

static bool type_has_id(enum res_type type)
{
	enum prop_id id;

	return prop_find(type, "id", &id, NULL) == 0;
}

/* -EINVAL with resource, property, value and what is allowed; a key is never shown. */
static int refuse(enum prop_id prop, const char *text, const char *why, struct errmsg *e)
{
	const struct prop_def *d = prop_def(prop);
	char allowed[200] = "";

	prop_allowed(prop, allowed, sizeof(allowed));
	if (d->kind == KIND_KEY)
		return errmsg_set(e, -EINVAL, "%s: %s: %s; allowed: %s",
				  res_defs[d->res].name, d->name, why, allowed);
	return errmsg_set(e, -EINVAL, "%s: %s: \"%.100s\": %s; allowed: %s",
			  res_defs[d->res].name, d->name, text, why, allowed);
}

int prop_parse(enum prop_id prop, const char *text, char **ret_canonical,
	       struct errmsg *e)
{
	const struct prop_def *d = prop_def(prop);
	cleanup(buf_fini) struct buf out = { .wipe = d->kind == KIND_KEY };
	cleanup(freep) char *expanded = NULL;
	const char *why;
	int r = 0;

	if (d->flags & PF_READONLY)
		return errmsg_set(e, -EINVAL, "%s: %s: it cannot be set: %s",
				  res_defs[d->res].name, d->name, d->help);
	if (!utf8_is_plain(text))
		return refuse(prop, text, "control characters or invalid UTF-8", e);
	if (d->flags & PF_TOKENS)
		r = prop_expand(prop, text, "zone", type_has_id(d->res) ? "0" : NULL,
				&expanded, e);
	if (r < 0)
		return r;
	why = value_check(d, expanded ? expanded : text, &out);
	if (why)
		return refuse(prop, text, why, e);
	if (buf_error(&out))
		r = -ENOMEM;
	else if (d->flags & PF_TOKENS) /* kept with its tokens */
		r = value_unexpanded(d, text, ret_canonical);
	else
		r = buf_take(&out, ret_canonical);
	return r < 0 ? errmsg_no_memory(e) : 0;
}

int prop_expand(enum prop_id prop, const char *text, const char *zonename, const char *id,
		char **ret_text, struct errmsg *e)
{
	const struct prop_def *d = prop_def(prop);
	const char *p = text;
	struct buf b = { 0 };

	while (d->flags & PF_TOKENS) {
		size_t n = strcspn(p, "%");

		buf_add(&b, p, n);
		p += n;
		if (!*p)
			break;
		if (strncmp(p, "%%", 2) == 0) {
			buf_adds(&b, "%");
			p += 2;
		} else if (strncmp(p, "%{zonename}", 11) == 0) {
			buf_adds(&b, zonename);
			p += 11;
		} else if (id && strncmp(p, "%{id}", 5) == 0) {
			buf_adds(&b, id);
			p += 5;
		} else {
			buf_fini(&b);
			errmsg_set(e, -EINVAL,
				   "%s: %s: unknown token at \"%.40s\"; allowed: "
				   "%%{zonename}, %s%%%%",
				   res_defs[d->res].name, d->name, p,
				   id ? "%{id}, " : "");
			return -EINVAL;
		}
	}
	if (!(d->flags & PF_TOKENS))
		buf_adds(&b, text);
	if (buf_take(&b, ret_text) < 0)
		return errmsg_no_memory(e);
	return 0;
}
