// SPDX-License-Identifier: BSD-2-Clause
/*
 * varlink.c - Varlink messages to and from text, and the checks of the method table; no
 * I/O
 */
#include "common/proto/varlink.h"
#include "common/base/json.h"

#include <string.h>

#define SERVICE_IFACE     "org.varlink.service"
#define ERR_NO_INTERFACE  SERVICE_IFACE ".InterfaceNotFound"
#define ERR_NO_METHOD     SERVICE_IFACE ".MethodNotFound"
#define ERR_BAD_PARAMETER SERVICE_IFACE ".InvalidParameter"

struct method {
	const char *name; /* full */
	enum varlink_right right;
	const char
		*params; /* "zone:s args?s": required zone, optional args, both strings */
};

static const struct method methods[KZ_METHOD_N] = {
#define X(id, name, right, params) [KZ_##id] = { KZ_IFACE "." name, right, params },
	KZ_METHODS(X)
#undef X
		[KZ_SERVICE_INFO] = { SERVICE_IFACE ".GetInfo", RIGHT_READ, "" },
	[KZ_SERVICE_DESCRIPTION] = { SERVICE_IFACE ".GetInterfaceDescription", RIGHT_READ,
				     "interface:s" },
};

/**
 * varlink_call_fini() - Free what a parsed call holds
 */
void varlink_call_fini(struct varlink_call *c)
{
	json_decref(c->params);
	c->params = NULL;
}

/**
 * kz_method_right() - Who may call
 */
enum varlink_right kz_method_right(enum kz_method m)
{
	return methods[m].right;
}

const char *kz_method_name(enum kz_method m)
{
	return methods[m].name;
}

/* One parameter of a method: steps through "zone:s args?s". */
struct param {
	const char *name;
	size_t name_len;
	bool required;
	char kind;
};

/* The next one at *at, which moves on; false at the end. */
static bool next_param(const char **at, struct param *p)
{
	const char *s = *at + strspn(*at, " ");

	if (!*s)
		return false;
	p->name = s;
	p->name_len = strcspn(s, ":?");
	p->required = s[p->name_len] == ':';
	p->kind = s[p->name_len + 1];
	*at = s + p->name_len + 2;
	return true;
}

static bool is_kind(const json_t *v, char kind)
{
	switch (kind) {
	case 's':
		return json_is_string(v);
	case 'b':
		return json_is_boolean(v);
	case 'i':
		return json_is_integer(v);
	case 'o':
		return json_is_object(v);
	default:
		ASSERT(!"a kind that the table may not have");
		return false;
	}
}

static const char *kind_text(char kind)
{
	return kind == 's'   ? "a string"
	       : kind == 'b' ? "a boolean"
	       : kind == 'i' ? "an integer"
			     : "an object";
}

/* Looks a parameter up by a name that the table knows. */
static bool find_param(const char *table, const char *name, size_t len, struct param *p)
{
	while (next_param(&table, p))
		if (p->name_len == len && memcmp(p->name, name, len) == 0)
			return true;
	return false;
}

static int check_params(const struct method *m, json_t *params, struct errmsg *e)
{
	const char *at = m->params, *key;
	struct param p;
	json_t *value;
	size_t len;

	json_object_keylen_foreach(params, key, len, value)
	{
		if (!find_param(m->params, key, len, &p))
			return errmsg_set(e, -EINVAL, "%s: unknown parameter %.64s",
					  m->name, key);
		if (json_is_null(value) && !p.required)
			continue;
		if (!is_kind(value, p.kind))
			return errmsg_set(e, -EINVAL, "%s: parameter %s must be %s",
					  m->name, key, kind_text(p.kind));
	}
	while (next_param(&at, &p))
		if (p.required && !json_object_getn(params, p.name, p.name_len))
			return errmsg_set(e, -EINVAL, "%s: parameter %.*s is missing",
					  m->name, (int)p.name_len, p.name);
	return 0;
}

static int find_method(const char *name, enum kz_method *ret, const char **ret_error,
		       struct errmsg *e)
{
	const char *dot = strrchr(name, '.');
	size_t len = dot ? (size_t)(dot - name) : 0;

	for (unsigned i = 0; i < KZ_METHOD_N; i++) {
		if (strcmp(methods[i].name, name) == 0) {
			*ret = (enum kz_method)i;
			return 0;
		}
	}
	if ((len == strlen(KZ_IFACE) && memcmp(name, KZ_IFACE, len) == 0) ||
	    (len == strlen(SERVICE_IFACE) && memcmp(name, SERVICE_IFACE, len) == 0)) {
		*ret_error = ERR_NO_METHOD;
		return errmsg_set(e, -EINVAL, "no method %.128s", name);
	}
	*ret_error = ERR_NO_INTERFACE;
	return errmsg_set(e, -EINVAL, "no interface for %.128s", name);
}

/* The envelope: a method, and nothing that a call does not have. */
static int check_envelope(const json_t *call, struct errmsg *e)
{
	static const struct {
		const char *key;
		char kind;
	} known[] = { { "method", 's' },
		      { "parameters", 'o' },
		      { "more", 'b' },
		      { "oneway", 'b' },
		      { "upgrade", 'b' } };
	const json_t *v;
	size_t n = 0;

	if (!json_is_object(call))
		return errmsg_set(e, -EPROTO, "not an object");
	for (unsigned i = 0; i < ARRAY_SIZE(known); i++) {
		v = json_object_get(call, known[i].key);
		if (!v)
			continue;
		if (!is_kind(v, known[i].kind))
			return errmsg_set(e, -EPROTO, "%s must be %s", known[i].key,
					  kind_text(known[i].kind));
		n++;
	}
	if (n != json_object_size(call))
		return errmsg_set(e, -EPROTO, "a call has no such member");
	if (!json_object_get(call, "method"))
		return errmsg_set(e, -EPROTO, "no method");
	return 0;
}

/* Text to JSON. jansson leaves the error's text empty in some cases of no memory. */
static int load(const char *msg, size_t len, json_t **ret, struct errmsg *e)
{
	json_error_t err;
	json_t *j;

	if (len > VARLINK_CALL_MAX)
		return errmsg_set(e, -EPROTO, "a call of more than %d bytes",
				  VARLINK_CALL_MAX);
	j = json_loadb(msg, len, JSON_REJECT_DUPLICATES, &err);
	if (j) {
		*ret = j;
		return 0;
	}
	if (!err.text[0] || json_error_code(&err) == json_error_out_of_memory)
		return errmsg_no_memory(e);
	return errmsg_set(e, -EPROTO, "not JSON: %s", err.text);
}

static void decref(json_t **j)
{
	json_decref(*j);
}

int varlink_parse_call(const char *msg, size_t len, struct varlink_call *ret_call,
		       const char **ret_error, struct errmsg *e)
{
	cleanup(decref) json_t *call = NULL;
	cleanup(decref) json_t *params = NULL;
	enum kz_method m = KZ_METHOD_N;
	int r;

	r = load(msg, len, &call, e);
	if (r == 0)
		r = check_envelope(call, e);
	if (r < 0)
		return r;
	params = json_incref(json_object_get(call, "parameters"));
	if (!params)
		params = json_object();
	if (!params)
		return errmsg_no_memory(e);
	r = find_method(json_string_value(json_object_get(call, "method")), &m, ret_error,
			e);
	if (r < 0)
		return r;
	r = check_params(&methods[m], params, e);
	if (r == 0 && json_is_true(json_object_get(call, "upgrade")))
		r = errmsg_set(e, -EINVAL, "%s: upgrade is not supported",
			       methods[m].name);
	if (r < 0) {
		*ret_error = ERR_BAD_PARAMETER;
		return r;
	}
	*ret_call = (struct varlink_call){
		.method = m,
		.more = json_is_true(json_object_get(call, "more")),
		.oneway = json_is_true(json_object_get(call, "oneway")),
		.params = take_ptr(&params),
	};
	return 0;
}

/* Appends any JSON value; NULL is a failed allocation of the caller's. */
static void add_json(struct buf *out, const json_t *v)
{
	buf_add_json(out, v, JSON_COMPACT | JSON_ENCODE_ANY);
}

/* Appends a text as a JSON string. */
static void add_string(struct buf *out, const char *s)
{
	cleanup(decref) json_t *v = json_text(s);

	add_json(out, v);
}

static void add_parameters(struct buf *out, const json_t *parameters)
{
	buf_adds(out, "\"parameters\":");
	if (parameters)
		add_json(out, parameters);
	else
		buf_adds(out, "{}");
}

/**
 * varlink_add_call() - Append a call, framed
 * @out:	Where to; its sticky error says -ENOMEM
 * @parameters:	Borrowed; NULL for none
 */
void varlink_add_call(struct buf *out, enum kz_method m, json_t *parameters, bool more)
{
	buf_addf(out, "{\"method\":\"%s\",", methods[m].name);
	add_parameters(out, parameters);
	buf_adds(out, more ? ",\"more\":true}" : "}");
	buf_add(out, "", 1);
}

/**
 * varlink_add_reply() - Append an answer, framed
 * @continues:	More answers to the same call follow
 */
void varlink_add_reply(struct buf *out, json_t *parameters, bool continues)
{
	buf_adds(out, "{");
	add_parameters(out, parameters);
	buf_adds(out, continues ? ",\"continues\":true}" : "}");
	buf_add(out, "", 1);
}

void varlink_add_reply_text(struct buf *out, const struct buf *parameters, bool continues)
{
	if (buf_error(parameters))
		out->err = -ENOMEM;
	buf_adds(out, "{\"parameters\":");
	buf_add(out, parameters->p, parameters->len);
	buf_adds(out, continues ? ",\"continues\":true}" : "}");
	buf_add(out, "", 1);
}

void varlink_add_error(struct buf *out, const char *error, const char *message)
{
	varlink_add_error_with(out, error, message, NULL, NULL);
}

void varlink_add_error_with(struct buf *out, const char *error, const char *message,
			    const char *key, const char *value)
{
	buf_addf(out, "{\"error\":\"%s\",\"parameters\":{\"message\":", error);
	add_string(out, message);
	if (key) {
		buf_addf(out, ",\"%s\":", key);
		add_string(out, value);
	}
	buf_adds(out, "}}");
	buf_add(out, "", 1);
}

bool varlink_add_service(struct buf *out, const struct varlink_call *c)
{
	const char *iface;
	cleanup(decref) json_t *reply = NULL;

	if (c->method == KZ_SERVICE_INFO) {
		reply = json_pack("{s:s, s:s, s:s, s:s, s:[s, s]}", "vendor", "kzones",
				  "product", "svc.zones", "version", KZ_VERSION, "url",
				  "", "interfaces", SERVICE_IFACE, KZ_IFACE);
	} else if (c->method == KZ_SERVICE_DESCRIPTION) {
		iface = json_string_value(json_object_get(c->params, "interface"));
		if (strcmp(iface, KZ_IFACE) != 0) {
			varlink_add_error_with(out, ERR_NO_INTERFACE, "no such interface",
					       "interface", iface);
			return true;
		}
		reply = json_pack("{s:s}", "description", kz_interface_description);
	} else {
		return false;
	}
	if (!reply)
		out->err = -ENOMEM;
	else
		varlink_add_reply(out, reply, false);
	return true;
}
