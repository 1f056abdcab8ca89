// SPDX-License-Identifier: BSD-2-Clause
/*
 * monitor.c - connections that are told every change of an instance
 */
#include "restarter/monitor.h"
#include "restarter/view.h"

#include <string.h>

void monitor_note(struct shell *sh, struct zone *z)
{
	z->noted = true;
	sh->noted = true;
}

/* What a message says. */
struct news {
	json_t *instances, *removed; /* arrays; owned until packed */
};

static void news_begin(struct news *n)
{
	n->instances = json_array();
	n->removed = json_array();
}

static json_t *news_take(struct news *n)
{
	return json_pack("{s:o, s:o}", "instances", n->instances, "removed", n->removed);
}

/* Adds how the instance is now, or that it is gone. */
static void news_add(struct news *n, const struct shell *sh, const struct zone *z)
{
	json_t *one = view_instance(sh, z);

	if (one)
		json_array_append_new(n->instances, one);
	else if (z->told)
		json_array_append_new(n->removed, json_string(z->name));
}

json_t *monitor_news(struct shell *sh, const char *only)
{
	struct zone *z = only ? zones_find(&sh->zones, only) : NULL;
	struct news n;

	news_begin(&n);
	if (z && z->noted)
		news_add(&n, sh, z);
	for (unsigned i = 0; !only && i < sh->zones.n; i++)
		if (sh->zones.v[i]->noted)
			news_add(&n, sh, sh->zones.v[i]);
	if (json_array_size(n.instances) || json_array_size(n.removed))
		return news_take(&n);
	json_decref(n.instances);
	json_decref(n.removed);
	return NULL;
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
	struct news n;

	news_begin(&n);
	for (unsigned i = 0; i < sh->zones.n; i++) {
		struct zone *z = sh->zones.v[i];

		if (zone && z != zone)
			continue;
		z->told = z->life == LIFE_INSTALLED;
		news_add(&n, sh, z);
	}
	conn_monitor(c, zone ? zone->name : NULL, news_take(&n));
}
