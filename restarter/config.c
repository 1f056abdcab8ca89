// SPDX-License-Identifier: BSD-2-Clause
/*
 * config.c - the restarter's own properties, from one table
 */
#include "restarter/config.h"
#include "common/sys/file.h"

#include <jansson.h>
#include <string.h>

struct property {
	const char *name;
	size_t offset;
	unsigned min, max;
};

#define PROPERTY(name, field, min, max) \
	{ \
		name, offsetof(struct restarter_config, field), min, max \
	}

static const struct property properties[] = {
	PROPERTY("concurrent-boot-shutdown", concurrent_boot_shutdown, 0, 100000),
	PROPERTY("concurrent-suspend-resume", concurrent_suspend_resume, 0, 100000),
	PROPERTY("stop-timeout", stop_timeout_s, 1, 86400),
};

void config_defaults(struct restarter_config *ret_config)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned slots = n > 0 ? 2 * (unsigned)n : 2;

	*ret_config = (struct restarter_config){ .concurrent_boot_shutdown = slots,
						 .concurrent_suspend_resume = slots,
						 .stop_timeout_s = 90 };
}

static const struct property *find(const char *name)
{
	for (unsigned i = 0; i < ARRAY_SIZE(properties); i++)
		if (strcmp(properties[i].name, name) == 0)
			return &properties[i];
	return NULL;
}

static int take(const json_t *group, struct restarter_config *config, struct errmsg *e)
{
	const struct property *p;
	const char *name;
	json_t *value;
	json_int_t n;

	json_object_foreach ((json_t *)(uintptr_t)group, name, value) {
		p = find(name);
		if (!p)
			return errmsg_set(e, -EINVAL, "config/%s: no such property",
					  name);
		n = json_is_integer(value) ? json_integer_value(value) : -1;
		if (n < p->min || n > p->max)
			return errmsg_set(e, -EINVAL,
					  "config/%s: must be a number from %u to %u",
					  name, p->min, p->max);
		*(unsigned *)(void *)((char *)config + p->offset) = (unsigned)n;
	}
	return 0;
}

int config_load(const struct paths *p, struct restarter_config *ret_config,
		struct errmsg *e)
{
	cleanup(freep) char *path = paths_get(p, PATH_RESTARTER_CONFIG, NULL);
	cleanup(freep) char *text = NULL;
	struct restarter_config config;
	json_error_t je;
	json_t *root, *group;
	size_t len;
	int r;

	config_defaults(&config);
	if (!path)
		return errmsg_set(e, -ENOMEM, "out of memory");
	r = file_read(path, 1024 * 1024, &text, &len);
	if (r == -ENOENT) {
		*ret_config = config;
		return 0;
	}
	if (r < 0)
		return errmsg_set(e, r, "%s: %s", path, strerror(-r));
	root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &je);
	if (!root)
		return errmsg_set(e, -EINVAL, "%s: line %d: %s", path, je.line, je.text);
	group = json_object_get(root, "config");
	if (!json_is_object(root) || (group && !json_is_object(group)))
		r = errmsg_set(e, -EINVAL, "not an object with an object \"config\"");
	else
		r = take(group, &config, e);
	json_decref(root);
	if (r < 0)
		return errmsg_prefix(e, r, "%s", path);
	*ret_config = config;
	return 0;
}
