// SPDX-License-Identifier: BSD-2-Clause
/*
 * config.c - the restarter's own properties, from one table
 */
#include "restarter/config.h"
#include "common/sys/file.h"

#include <arpa/inet.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

const struct config_prop config_props[CONFIG_N] = {
#define X(id, name, type, field, min, max, help) \
	[CONFIG_##id] = { name, CONFIG_##type, offsetof(struct restarter_config, field), \
			  min,  max,           help },
	CONFIG_PROPS(X)
#undef X
};

const char *const config_type_names[CONFIG_TYPE_N] = {
	[CONFIG_COUNT] = "count",
	[CONFIG_BOOLEAN] = "boolean",
	[CONFIG_ASTRING] = "astring",
};

/* The one place that knows how a field is kept. */
union field {
	unsigned *count;
	bool *boolean;
	char *text; /* CONFIG_TEXT_SIZE */
};

static union field field_of(struct restarter_config *config, enum config_id id)
{
	void *p = (char *)config + config_props[id].offset;

	switch (config_props[id].type) {
	case CONFIG_COUNT:
		return (union field){ .count = p };
	case CONFIG_BOOLEAN:
		return (union field){ .boolean = p };
	default:
		return (union field){ .text = p };
	}
}

void config_defaults(struct restarter_config *ret_config)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned slots = n > 0 ? 2 * (unsigned)n : 2;

	*ret_config = (struct restarter_config){ .concurrent_boot_shutdown = slots,
						 .concurrent_suspend_resume = slots,
						 .first_zone_uid = 1900000000,
						 .stop_timeout_s = 90,
						 .track_zone_goals = true };
}

void config_text(const struct restarter_config *config, enum config_id id,
		 char text[CONFIG_TEXT_SIZE])
{
	struct restarter_config copy = *config;
	union field f = field_of(&copy, id);

	switch (config_props[id].type) {
	case CONFIG_COUNT:
		snprintf(text, CONFIG_TEXT_SIZE, "%u", *f.count);
		break;
	case CONFIG_BOOLEAN:
		snprintf(text, CONFIG_TEXT_SIZE, "%s", *f.boolean ? "true" : "false");
		break;
	default:
		memcpy(text, f.text, CONFIG_TEXT_SIZE);
	}
}

static int port_of(const char *text, uint16_t *ret_port)
{
	unsigned long port = 0;

	if (!*text || strlen(text) > 5)
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		port = port * 10 + (unsigned long)(*text - '0');
	}
	if (port == 0 || port > UINT16_MAX)
		return -EINVAL;
	*ret_port = htons((uint16_t)port);
	return 0;
}

int config_listen_address(const char *text, struct sockaddr_storage *ret_addr,
			  socklen_t *ret_len)
{
	struct sockaddr_in in4 = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
				    .sin6_addr = IN6ADDR_LOOPBACK_INIT };

	in4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (strncmp(text, "127.0.0.1:", 10) == 0) {
		if (port_of(text + 10, &in4.sin_port) < 0)
			return -EINVAL;
		memcpy(ret_addr, &in4, sizeof(in4));
		*ret_len = sizeof(in4);
		return 0;
	}
	if (strncmp(text, "[::1]:", 6) != 0 || port_of(text + 6, &in6.sin6_port) < 0)
		return -EINVAL;
	memcpy(ret_addr, &in6, sizeof(in6));
	*ret_len = sizeof(in6);
	return 0;
}

static int find(const char *name, enum config_id *ret_id, struct errmsg *e)
{
	char known[256] = "";
	size_t len = 0;

	if (strncmp(name, CONFIG_GROUP, strlen(CONFIG_GROUP)) == 0)
		name += strlen(CONFIG_GROUP);
	for (unsigned i = 0; i < CONFIG_N; i++) {
		if (strcmp(config_props[i].name, name) == 0) {
			*ret_id = (enum config_id)i;
			return 0;
		}
	}
	for (unsigned i = 0; i < CONFIG_N && len < sizeof(known); i++)
		len += (size_t)snprintf(known + len, sizeof(known) - len, "%s%s%s",
					i ? ", " : "", CONFIG_GROUP,
					config_props[i].name);
	return errmsg_set(e, -ENOENT,
			  CONFIG_GROUP "%.64s: no such property; there are: %s", name,
			  known);
}

/* -EINVAL with what the property allows. */
static int refuse(enum config_id id, struct errmsg *e)
{
	const struct config_prop *p = &config_props[id];

	if (p->type == CONFIG_COUNT)
		return errmsg_set(e, -EINVAL,
				  CONFIG_GROUP "%s: must be a number from %u to %u",
				  p->name, p->min, p->max);
	if (p->type == CONFIG_BOOLEAN)
		return errmsg_set(e, -EINVAL, CONFIG_GROUP "%s: must be true or false",
				  p->name);
	return errmsg_set(e, -EINVAL,
			  CONFIG_GROUP
			  "%s: must be 127.0.0.1:PORT, [::1]:PORT or nothing",
			  p->name);
}

static bool text_allowed(const char *text)
{
	struct sockaddr_storage addr;
	socklen_t len;

	return strlen(text) < CONFIG_TEXT_SIZE &&
	       (!*text || config_listen_address(text, &addr, &len) == 0);
}

/* One member of the file. */
static int take_one(enum config_id id, const json_t *value,
		    struct restarter_config *config, struct errmsg *e)
{
	const struct config_prop *p = &config_props[id];
	union field f = field_of(config, id);
	json_int_t n;

	switch (p->type) {
	case CONFIG_COUNT:
		n = json_is_integer(value) ? json_integer_value(value) : -1;
		if (n < p->min || n > p->max)
			return refuse(id, e);
		*f.count = (unsigned)n;
		break;
	case CONFIG_BOOLEAN:
		if (!json_is_boolean(value))
			return refuse(id, e);
		*f.boolean = json_is_true(value);
		break;
	default:
		if (!json_is_string(value) || !text_allowed(json_string_value(value)))
			return refuse(id, e);
		strcpy(f.text, json_string_value(value));
	}
	return 0;
}

static int take(const json_t *root, struct restarter_config *config, unsigned *ret_set,
		struct errmsg *e)
{
	json_t *group = json_object_get(root, "config");
	enum config_id id = CONFIG_N;
	const char *name;
	json_t *value;
	int r;

	*ret_set = 0;
	if (!json_is_object(root) || (group && !json_is_object(group)))
		return errmsg_set(e, -EINVAL, "not an object with an object \"config\"");
	json_object_foreach (group, name, value) {
		r = find(name, &id, e);
		if (r == 0)
			r = take_one(id, value, config, e);
		if (r < 0)
			return -EINVAL;
		*ret_set |= 1u << id;
	}
	return 0;
}

/* The file as JSON, an empty object when there is none, and what it says. */
static int read_file(const char *path, json_t **ret_root, struct restarter_config *config,
		     unsigned *ret_set, struct errmsg *e)
{
	cleanup(freep) char *text = NULL;
	json_error_t je;
	json_t *root;
	size_t len;
	int r;

	r = file_read(path, 1024 * 1024, &text, &len);
	if (r < 0 && r != -ENOENT)
		return errmsg_set(e, r, "%s: %s", path, strerror(-r));
	root = r < 0 ? json_object() : json_loadb(text, len, JSON_REJECT_DUPLICATES, &je);
	if (!root && r < 0)
		return errmsg_set(e, -ENOMEM, "out of memory");
	if (!root)
		return errmsg_set(e, -EINVAL, "%s: line %d: %s", path, je.line, je.text);
	r = take(root, config, ret_set, e);
	if (r < 0) {
		json_decref(root);
		return errmsg_prefix(e, r, "%s", path);
	}
	*ret_root = root;
	return 0;
}

int config_load(const struct paths *p, struct restarter_config *ret_config,
		unsigned *ret_set, struct errmsg *e)
{
	cleanup(freep) char *path = paths_get(p, PATH_RESTARTER_CONFIG, NULL);
	struct restarter_config config;
	json_t *root = NULL;
	unsigned set = 0;
	int r;

	config_defaults(&config);
	if (!path)
		return errmsg_set(e, -ENOMEM, "out of memory");
	r = read_file(path, &root, &config, &set, e);
	if (r < 0)
		return r;
	json_decref(root);
	*ret_config = config;
	if (ret_set)
		*ret_set = set;
	return 0;
}

/* What a person wrote, as the file has it. NULL: it cannot be that. */
static json_t *value_of(enum config_id id, const char *text)
{
	char *end;
	long n;

	switch (config_props[id].type) {
	case CONFIG_COUNT:
		errno = 0;
		n = strtol(text, &end, 10);
		return *text >= '0' && *text <= '9' && !*end && !errno ? json_integer(n)
								       : NULL;
	case CONFIG_BOOLEAN:
		return strcmp(text, "true") == 0    ? json_true()
		       : strcmp(text, "false") == 0 ? json_false()
						    : NULL;
	default:
		return json_string(text);
	}
}

/* Puts the member in, or takes it out. */
static int edit(json_t *root, enum config_id id, const char *value, struct errmsg *e)
{
	struct restarter_config scratch;
	json_t *group = json_object_get(root, "config"), *v;
	int r;

	if (!value) {
		if (group)
			(void)json_object_del(group, config_props[id].name);
		return 0;
	}
	v = value_of(id, value);
	r = v ? take_one(id, v, &scratch, e) : refuse(id, e);
	if (r < 0) {
		json_decref(v);
		return r;
	}
	if (!group && json_object_set_new(root, "config", json_object()) == 0)
		group = json_object_get(root, "config");
	if (json_object_set_new(group, config_props[id].name, v) < 0)
		return errmsg_set(e, -ENOMEM, "out of memory");
	return 0;
}

static int write_file(const char *path, const json_t *root, struct errmsg *e)
{
	cleanup(freep) char *text = json_dumps(root, JSON_INDENT(2) | JSON_SORT_KEYS);
	int r = text ? file_replace(path, text, strlen(text), 0644, true) : -ENOMEM;

	return r < 0 ? errmsg_set(e, r, "%s: %s", path, strerror(-r)) : 0;
}

int config_set(const struct paths *p, const char *name, const char *value,
	       struct errmsg *e)
{
	cleanup(freep) char *path = paths_get(p, PATH_RESTARTER_CONFIG, NULL);
	enum config_id id = CONFIG_N;
	struct restarter_config old;
	json_t *root = NULL;
	unsigned set;
	int r;

	if (!path)
		return errmsg_set(e, -ENOMEM, "out of memory");
	r = find(name, &id, e);
	if (r == 0)
		r = read_file(path, &root, &old, &set, e);
	if (r < 0)
		return r;
	r = edit(root, id, value, e);
	if (r == 0 && (value || set & 1u << id))
		r = write_file(path, root, e);
	json_decref(root);
	return r;
}
