// SPDX-License-Identifier: BSD-2-Clause
/*
 * monitor.c - connections that are told every change of an instance
 */
#include "restarter/monitor.h"
#include "common/base/json.h"
#include "restarter/view.h"

#include <string.h>

void monitor_note(struct shell *sh, struct zone *z)
{
	z->noted = true;
	sh->noted = true;
}

/* What a message says. */
struct news {
	struct buf instances, removed; /* elements of arrays */
};

/* Adds how the instance is now, or that it is gone. */
static void news_add(struct news *n, const struct shell *sh, const struct zone *z)
{
	if (!view_instance(sh, z, &n->instances) && z->told)
		jput_text(&n->removed, NULL, z->name);
}

/* The parameters that say it, into @out; frees it. */
static void news_take(struct news *n, struct buf *out)
{
	jput_open(out, NULL, "{");
	jput_open(out, "instances", "[");
	buf_add(out, n->instances.p, n->instances.len);
	jput_close(out, "]");
	jput_open(out, "removed", "[");
	buf_add(out, n->removed.p, n->removed.len);
	jput_close(out, "]}");
	if (buf_error(&n->instances) || buf_error(&n->removed))
		out->err = -ENOMEM;
	buf_fini(&n->instances);
	buf_fini(&n->removed);
}

bool monitor_news(struct shell *sh, const char *only, struct buf *out)
{
	struct zone *z = only ? zones_find(&sh->zones, only) : NULL;
	struct news n = { { 0 }, { 0 } };
	bool any;

	if (z && z->noted)
		news_add(&n, sh, z);
	for (unsigned i = 0; !only && i < sh->zones.n; i++)
		if (sh->zones.v[i]->noted)
			news_add(&n, sh, sh->zones.v[i]);
	any = n.instances.len || n.removed.len || buf_error(&n.instances) ||
	      buf_error(&n.removed);
	if (any)
		news_take(&n, out);
	return any;
}

void monitor_flush(struct shell *sh)
{
	if (!sh->noted)
		return;
	sh->noted = false;
	if (sh->admin)
		admin_tell_monitors(sh->admin);
	for (unsigned i = 0; i < sh->zones.n; i++) {
		struct zone *z = sh->zones.v[i];

		if (z->noted)
			z->told = z->life == LIFE_INSTALLED;
		z->noted = false;
	}
}

void monitor_begin(struct shell *sh, struct conn *c, const struct zone *zone)
{
	struct news n = { { 0 }, { 0 } };
	struct buf params = { 0 };

	for (unsigned i = 0; i < sh->zones.n; i++) {
		struct zone *z = sh->zones.v[i];

		if (zone && z != zone)
			continue;
		z->told = z->life == LIFE_INSTALLED;
		news_add(&n, sh, z);
	}
	news_take(&n, &params);
	conn_monitor(c, zone ? zone->name : NULL, &params);
}
