// SPDX-License-Identifier: BSD-2-Clause
/*
 * booted.c - what a zone was booted with, and changes to it while it runs
 */
#include "restarter/booted.h"
#include "common/base/json.h"
#include "common/sys/file.h"
#include "common/sys/log.h"
#include "restarter/limits.h"
#include "restarter/logs.h"
#include "restarter/shell.h"

#include <string.h>

static int write_file(struct shell *sh, const char *zone, const struct zconf *c,
		      struct errmsg *e)
{
	cleanup(freep) char *path = paths_get(&sh->paths, PATH_ZONE_BOOTED, zone);
	cleanup(freep) char *text = NULL;
	int r = path ? zconf_format(c, &text) : -ENOMEM;

	if (r == 0)
		r = file_replace(path, text, strlen(text), 0644, false);
	return r < 0 ? errmsg_set(e, r, "%s: %s", path ? path : "booted.json",
				  strerror(-r))
		     : 0;
}

void booted_do_without(struct shell *sh, const struct zone *z, const char *why)
{
	booted_forget(sh, z);
	log_warning("zone=%s it cannot be changed live: %s", z->name, why);
	(void)log_message(&sh->paths, z->name, "it cannot be changed live: %s", why);
}

void booted_write(struct shell *sh, const struct zone *z, struct zconf *c)
{
	struct errmsg e = { "" };
	int r = zconf_expand(c, &e);

	if (r == 0 && z->boot_args)
		r = zres_set(&c->global, PROP_BOOTARGS, z->boot_args, &e);
	if (r == 0)
		r = write_file(sh, z->name, c, &e);
	if (r == 0)
		return;
	booted_do_without(sh, z, e.text);
}

int booted_load(const struct paths *p, const char *zone, struct zconf **ret_conf,
		struct errmsg *e)
{
	cleanup(freep) char *path = paths_get(p, PATH_ZONE_BOOTED, zone);

	if (!path)
		return errmsg_set(e, -ENOMEM, "no memory");
	return zconf_load_file(path, zone, ret_conf, e);
}

void booted_forget(struct shell *sh, const struct zone *z)
{
	cleanup(freep) char *path = paths_get(&sh->paths, PATH_ZONE_BOOTED, z->name);

	if (path)
		(void)unlink(path);
}

/* @from with the changes, checked as any configuration is. */
static int merge(const struct zconf *from, json_t *changes, struct zconf **ret_to,
		 struct errmsg *e)
{
	cleanup(json_decrefp) json_t *doc = NULL;
	cleanup(freep) char *old_text = NULL;
	cleanup(buf_fini) struct buf text = { 0 };
	const char *key;
	json_t *v;
	int r;

	if (zconf_format(from, &old_text) < 0)
		return errmsg_set(e, -ENOMEM, "no memory");
	doc = json_loads(old_text, JSON_REJECT_DUPLICATES, NULL);
	json_object_foreach (changes, key, v) {
		if (json_is_null(v))
			(void)json_object_del(doc, key);
		else if (json_object_set(doc, key, v) < 0)
			return errmsg_set(e, -ENOMEM, "no memory");
	}
	buf_add_json(&text, doc, 0);
	if (!doc || buf_error(&text))
		return errmsg_set(e, -ENOMEM, "no memory");
	r = zconf_parse(from->name, text.p, text.len, "changes", ret_to, e);
	return r;
}

int booted_change(struct shell *sh, struct zone *z, json_t *changes, struct errmsg *e)
{
	cleanup(zconf_freep) struct zconf *from = NULL;
	cleanup(zconf_freep) struct zconf *to = NULL;
	struct zone_limits old = z->limits, wanted;
	int r = booted_load(&sh->paths, z->name, &from, e);

	if (r == 0)
		r = merge(from, changes, &to, e);
	if (r == 0)
		r = zconf_check_live(from, to, e);
	if (r == 0)
		r = zconf_verify_alone(to, e);
	if (r < 0)
		return r;
	wanted = limits_of(to);
	r = limits_change(sh, z, &wanted, e);
	if (r < 0)
		return r;
	r = write_file(sh, z->name, to, e);
	if (r < 0)
		(void)limits_change(sh, z, &old, NULL);
	return r;
}
