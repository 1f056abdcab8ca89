// SPDX-License-Identifier: BSD-2-Clause
/*
 * wait.c - svcadm -s: wait until instances are where they shall be, or never will be
 *
 * svc.zones tells how all instances are and then every change (Monitor), so that nothing
 * is asked twice. What is true at the first look counts as well: the request has been
 * carried out by then.
 */
#include "cli/svcadm/svcadm.h"

#include <string.h>

enum outcome { WAITING, REACHED, NEVER_ITSELF, NEVER_DEPENDENCY };

static enum outcome outcome_of(const struct instance *i, bool up)
{
	bool moves = strcmp(i->next_state, "none") != 0;

	if (moves)
		return WAITING;
	if (strcmp(i->state, "maintenance") == 0)
		return NEVER_ITSELF;
	if (!up)
		return strcmp(i->state, "disabled") == 0 ? REACHED : WAITING;
	if (instance_runs(i))
		return REACHED;
	if (strcmp(i->state, "disabled") == 0)
		return NEVER_ITSELF;
	return i->blocked ? NEVER_DEPENDENCY : WAITING;
}

struct wait {
	struct svcadm *s;
	bool up;
	unsigned left;
	int status;
};

static void settle(struct wait *w, unsigned at, const struct instance *now)
{
	enum outcome o = now ? outcome_of(now, w->up) : NEVER_ITSELF;
	const char *reason = now ? now->reason : "it is gone";

	if (o == WAITING)
		return;
	w->s->chosen[at] = false;
	w->left--;
	if (o == REACHED)
		return;
	(void)svcadm_failed("Instance \"%s\" will not be %s: %s", w->s->list.v[at].fmri,
			    w->up ? "online" : "disabled", reason);
	w->status = MAX(w->status, o == NEVER_ITSELF ? EXIT_ITSELF : EXIT_DEPENDENCY);
}

/* Index of the one waited for; -1 when it is not. */
static int find(const struct wait *w, const char *zone)
{
	for (unsigned i = 0; i < w->s->list.n; i++)
		if (w->s->chosen[i] && strcmp(w->s->list.v[i].zone, zone) == 0)
			return (int)i;
	return -1;
}

/* One message of Monitor. 0 or as client_call(). */
static int take_news(struct wait *w, const json_t *news, struct client_error *e)
{
	const json_t *removed = json_object_get(news, "removed");
	struct instances now = { 0 };
	int r = instances_read(news, &now, e), at;

	if (r < 0)
		return r;
	for (unsigned i = 0; i < now.n; i++) {
		at = find(w, now.v[i].zone);
		if (at >= 0)
			settle(w, (unsigned)at, &now.v[i]);
	}
	for (size_t i = 0; i < json_array_size(removed); i++) {
		const char *zone = json_string_value(json_array_get(removed, i));

		at = zone ? find(w, zone) : -1;
		if (at >= 0)
			settle(w, (unsigned)at, NULL);
	}
	instances_fini(&now);
	return 0;
}

int wait_chosen(struct svcadm *s, bool up)
{
	struct wait w = { .s = s, .up = up, .status = EXIT_DONE };
	struct client_error e = { 0 };
	json_t *news;
	int r;

	for (unsigned i = 0; i < s->list.n; i++)
		w.left += s->chosen[i];
	if (!w.left)
		return EXIT_DONE;
	r = client_begin(&s->client, KZ_MONITOR, json_object(), &e);
	while (r == 0 && w.left) {
		r = client_next(&s->client, &news, &e);
		if (r == 0) {
			r = take_news(&w, news, &e);
			json_decref(news);
		}
	}
	return r < 0 ? svcadm_failed("%s", e.msg.text) : w.status;
}
