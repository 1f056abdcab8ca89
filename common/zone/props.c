// SPDX-License-Identifier: BSD-2-Clause
/*
 * props.c - the property table as data, and what each kind of value accepts
 */
#include "common/zone/props.h"

#include "common/base/buf.h"
#include "common/base/utf8.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define ONE(id, res, name, kind, def, flags, min, max, words, help) +1
#define X(id, name, max, help) \
	static_assert(0 PROPS_##id(ONE) <= RES_PROPS_MAX, \
		      "zres.value has room for " name);
RES_TYPES(X)
#undef X

const struct res_def res_defs[RES_TYPE_N] = {
#define X(id, name, max, help) \
	[RES_##id] = { name, max, help, (enum prop_id)PROP_FIRST_##id, \
		       0 PROPS_##id(ONE) },
	RES_TYPES(X)
#undef X
};

const struct prop_def prop_defs[PROP_N] = {
#define P(id, res, name, kind, def, flags, min, max, words, help) \
	[PROP_##id] = { RES_##res, name, KIND_##kind, def, flags, min, max, words, help },
#define X(id, name, max, help) PROPS_##id(P)
	RES_TYPES(X)
#undef X
#undef P
};

const char *const prop_kind_help[PROP_KIND_N] = {
#define X(id, help) [KIND_##id] = help,
	PROP_KINDS(X)
#undef X
};

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

int res_find(const char *name, enum res_type *ret_type, struct errmsg *e)
{
	const char *reason = unsupported_reason(NULL, name);
	char known[256] = "";
	size_t len = 0;

	for (unsigned i = 0; i < RES_TYPE_N; i++) {
		if (strcmp(res_defs[i].name, name) == 0) {
			*ret_type = (enum res_type)i;
			return 0;
		}
	}
	if (reason)
		return errmsg_set(e, -ENOTSUP, "%s: %s", name, reason);
	for (unsigned i = RES_GLOBAL + 1; i < RES_TYPE_N && len < sizeof(known); i++)
		len += (size_t)snprintf(known + len, sizeof(known) - len, "%s%s",
					len ? ", " : "", res_defs[i].name);
	return errmsg_set(e, -ENOENT, "\"%.64s\": no such resource type; there are: %s",
			  name, known);
}

int prop_find(enum res_type type, const char *name, enum prop_id *ret_prop,
	      struct errmsg *e)
{
	const struct res_def *rd = &res_defs[type];
	const char *reason = unsupported_reason(rd->name, name);
	char known[256] = "";
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

/* A size in the largest unit that divides it. */
static int size_format(uint64_t bytes, char *out, size_t room)
{
	static const char units[] = "TGMK";
	uint64_t unit = 1024 * GIB;

	for (unsigned i = 0; units[i]; i++, unit /= 1024)
		if (bytes >= unit && bytes % unit == 0)
			return snprintf(out, room, "%llu%c",
					(unsigned long long)(bytes / unit), units[i]);
	return snprintf(out, room, "%llu", (unsigned long long)bytes);
}

void prop_allowed(enum prop_id prop, char *out, size_t size)
{
	const struct prop_def *d = prop_def(prop);
	char min[32], max[32];
	size_t len = 0;

	switch (d->kind) {
	case KIND_ENUM:
		for (const char *w = d->words; *w && len < size;) {
			size_t n = strcspn(w, "|");
			const char *sep = !len ? "" : w[n] ? ", " : " or ";

			len += (size_t)snprintf(out + len, size - len, "%s%.*s", sep,
						(int)n, w);
			w += n + (w[n] == '|');
		}
		break;
	case KIND_NUMBER:
		snprintf(out, size, "%llu to %llu", (unsigned long long)d->min,
			 (unsigned long long)d->max);
		break;
	case KIND_SIZE:
		size_format(d->min, min, sizeof(min));
		size_format(d->max, max, sizeof(max));
		snprintf(out, size, "%s to %s, %s", min, max, prop_kind_help[d->kind]);
		break;
	case KIND_TEXT:
		snprintf(out, size,
			 "%llu to %llu bytes of UTF-8 text without control characters",
			 (unsigned long long)d->min, (unsigned long long)d->max);
		break;
	default:
		snprintf(out, size, "%s", prop_kind_help[d->kind]);
	}
}

/* -EINVAL with resource, property, value and what is allowed. */
static int refuse(enum prop_id prop, const char *text, const char *why, struct errmsg *e)
{
	const struct prop_def *d = prop_def(prop);
	char allowed[200] = "";

	prop_allowed(prop, allowed, sizeof(allowed));
	return errmsg_set(e, -EINVAL, "%s: %s: \"%.100s\": %s; allowed: %s",
			  res_defs[d->res].name, d->name, text, why, allowed);
}

/* Digits only, with an optional unit. 0, -EINVAL (not one), -ERANGE (over 64 bits). */
static int number_parse(const char *text, bool units, uint64_t *ret)
{
	static const char letters[] = "KMGT";
	const char *p = text;
	uint64_t v = 0;

	if (*p < '0' || *p > '9')
		return -EINVAL;
	for (; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*p - '0'), &v))
			return -ERANGE;
	if (units && *p) {
		const char *u = strchr(letters, *p & ~0x20);

		if (!u || !*u)
			return -EINVAL;
		for (; u >= letters; u--)
			if (__builtin_mul_overflow(v, 1024, &v))
				return -ERANGE;
		p++;
	}
	if (*p)
		return -EINVAL;
	*ret = v;
	return 0;
}

uint64_t prop_number(const char *canonical)
{
	uint64_t v = 0;

	return number_parse(canonical, true, &v) < 0 ? 0 : v;
}

static int parse_number(enum prop_id prop, const char *text, char *out, size_t room,
			struct errmsg *e)
{
	const struct prop_def *d = prop_def(prop);
	bool size = d->kind == KIND_SIZE;
	uint64_t v = 0;
	int r = number_parse(text, size, &v);

	if (r == -EINVAL)
		return refuse(prop, text, size ? "not a size" : "not a number", e);
	if (r < 0 || v > d->max)
		return refuse(prop, text, "too large", e);
	if (v < d->min)
		return refuse(prop, text, "too small", e);
	if (!size)
		snprintf(out, room, "%llu", (unsigned long long)v);
	else
		size_format((v + d->min - 1) / d->min * d->min, out, room);
	return 0;
}

static bool word_in(const char *words, const char *text)
{
	size_t n = strlen(text);

	for (const char *w = words; *w;) {
		size_t len = strcspn(w, "|");

		if (n == len && memcmp(w, text, n) == 0)
			return true;
		w += len + (w[len] == '|');
	}
	return false;
}

/* svc:/ and names of letters, digits and "_-,." separated by '/', at most one :instance.
 */
static bool fmri_is_well_formed(const char *s)
{
	bool instance = false;
	bool start = true;

	if (strncmp(s, "svc:/", 5) != 0 || strlen(s) > 255)
		return false;
	for (s += 5; *s; s++) {
		bool alnum = (*s >= '0' && *s <= '9') ||
			     ((*s | 0x20) >= 'a' && (*s | 0x20) <= 'z');

		if (alnum || (!start && strchr("_-,.@\\", *s))) {
			start = false;
			continue;
		}
		if (start || instance || (*s != '/' && *s != ':'))
			return false;
		instance = *s == ':';
		start = true;
	}
	return !start;
}

static const char *check_path(const char *path)
{
	if (path[0] != '/')
		return "not an absolute path";
	return strlen(path) >= PATH_MAX ? "too long" : NULL;
}

/* What is wrong with an expanded value of the kinds that are kept as written, or NULL. */
static const char *check_text(const struct prop_def *d, const char *text)
{
	size_t n = strlen(text);

	if (!utf8_is_plain(text))
		return "control characters or invalid UTF-8";
	switch (d->kind) {
	case KIND_TEXT:
		return n < d->min ? "too short" : n > d->max ? "too long" : NULL;
	case KIND_PATH:
		return check_path(text);
	case KIND_STORAGE:
		if (strncmp(text, "file:", 5) != 0 && strncmp(text, "dev:", 4) != 0)
			return "unknown kind of storage";
		return check_path(strchr(text, ':') + 1);
	case KIND_FMRI:
		return fmri_is_well_formed(text) ? NULL : "not an FMRI";
	case KIND_BOOL:
		return word_in("true|false", text) ? NULL : "not a truth value";
	case KIND_ENUM:
		return word_in(d->words, text) ? NULL : "not one of the words";
	default:
		return NULL;
	}
}

static bool type_has_id(enum res_type type)
{
	enum prop_id id;

	return prop_find(type, "id", &id, NULL) == 0;
}

/* "file:///x" and "file:/x" are the same place: keep one slash. */
static char *storage_canonical(const char *text)
{
	size_t scheme = strcspn(text, ":") + 1;
	size_t slashes = strspn(text + scheme, "/");
	struct buf b = { 0 };
	char *s = NULL;

	buf_add(&b, text, scheme);
	buf_adds(&b, slashes ? text + scheme + slashes - 1 : text + scheme);
	return buf_take(&b, &s) < 0 ? NULL : s;
}

int prop_parse(enum prop_id prop, const char *text, char **ret_canonical,
	       struct errmsg *e)
{
	const struct prop_def *d = prop_def(prop);
	cleanup(freep) char *expanded = NULL;
	const char *why;
	char num[32];
	char *s;
	int r;

	if (d->kind == KIND_NUMBER || d->kind == KIND_SIZE) {
		r = parse_number(prop, text, num, sizeof(num), e);
		if (r < 0)
			return r;
		s = strdup(num);
	} else {
		r = prop_expand(prop, text, "zone", type_has_id(d->res) ? "0" : NULL,
				&expanded, e);
		if (r < 0)
			return r;
		why = check_text(d, expanded);
		if (why)
			return refuse(prop, text, why, e);
		s = d->kind == KIND_STORAGE ? storage_canonical(text) : strdup(text);
	}
	if (!s)
		return errmsg_set(e, -ENOMEM, "no memory");
	*ret_canonical = s;
	return 0;
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
		return errmsg_set(e, -ENOMEM, "no memory");
	return 0;
}
