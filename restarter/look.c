// SPDX-License-Identifier: BSD-2-Clause
/*
 * look.c - is the storage of a zone that is unavailable there again?
 */
#include "restarter/look.h"
#include "common/sys/log.h"
#include "common/zone/storage.h"
#include "restarter/admin.h"
#include "restarter/away.h"
#include "restarter/hosts.h"
#include "restarter/slow.h"

#include <stdio.h>
#include <string.h>

#define LOOK_MS   60000 /* KZONES_STEP_TIMEOUT_MS replaces it */
#define AT_A_TIME 8     /* when svc.zones starts */

struct look {
	struct slow slow;
	struct shell *sh;
	struct paths paths; /* owned, as the next */
	struct zconf *conf;
	uint64_t op; /* to be answered, or 0 */
	bool late;   /* its time is over, and that was said */
	int r;       /* what the thread found, and its text */
	struct errmsg e;
	uint64_t begun_ms; /* on the loop's clock */
	struct look *next, **pprev;
};

struct looks {
	struct slow_box *box; /* owned */
	uv_timer_t timer;     /* until the time of one of them may be over */
	struct look *first;
	unsigned n_prompt; /* those that are not late */
	unsigned next;     /* index of the zone that is next at the start; beyond: none */
};

static struct look *look_of(struct slow *s)
{
	return container_of(s, struct look, slow);
}

static void look_free(struct look *l)
{
	if (!l)
		return;
	paths_fini(&l->paths);
	zconf_free(l->conf);
	free(l);
}
DEFINE_FREEP(struct look, look_free)

static struct look *find(const struct looks *all, const char *zone)
{
	struct look *l = all->first;

	while (l && strcmp(l->slow.zone, zone) != 0)
		l = l->next;
	return l;
}

static int at(void *arg, const char *path)
{
	return slow_at(arg, path);
}

/* On the thread. */
static void work(struct slow *s)
{
	struct look *l = look_of(s);

	l->r = zone_storage_present(&l->paths, l->conf, at, s, &l->e);
}

/* On the thread: it has taken nothing. */
static void release(struct slow *s)
{
}

static void free_slow(struct slow *s)
{
	look_free(look_of(s));
}

static void answer(struct look *l, int err, const char *text)
{
	uint64_t op = l->op;

	l->op = 0;
	if (op && l->sh->admin)
		admin_op_done(l->sh->admin, op, err, text);
}

/* The zone is what it was; why is known better now. */
static void stays(struct look *l, const char *text)
{
	struct zone *z = zones_find(&l->sh->zones, l->slow.zone);

	if (z && zone_life(l->sh->core, z) == LIFE_UNAVAILABLE) {
		(void)away_set(l->sh, z, false, text);
		log_warning("zone=%s stays unavailable: %s", z->name, text);
	}
	answer(l, -EIO, text);
}

/* The storage is there: clear, or attach. */
static void comes_back(struct look *l)
{
	struct zone *z = zones_find(&l->sh->zones, l->slow.zone);
	struct core_event clear = { .type = EV_CLEAR, .op = l->op };

	if (!z || zone_life(l->sh->core, z) != LIFE_UNAVAILABLE) {
		answer(l, 0, "");
		return;
	}
	if (!l->op) {
		(void)away_set(l->sh, z, true, NULL);
		return;
	}
	clear.zone = z->name;
	l->op = 0; /* the core's from here on */
	(void)shell_step(l->sh, &clear);
	away_note(l->sh, z, LIFE_UNAVAILABLE);
}

/* Zones that are unavailable when svc.zones starts: not all at once. */
static void go_on(struct shell *sh)
{
	struct looks *all = sh->looks;

	while (all->n_prompt < AT_A_TIME && all->next < sh->zones.n) {
		struct zone *z = sh->zones.v[all->next++];
		struct errmsg e = { "" };

		if (zone_life(sh->core, z) == LIFE_UNAVAILABLE &&
		    look_begin(sh, z, 0, &e) < 0)
			log_warning("zone=%s stays unavailable: %s", z->name, e.text);
	}
}

static void done(struct slow *s)
{
	struct look *l = look_of(s);
	struct shell *sh = l->sh;

	*l->pprev = l->next;
	if (l->next)
		l->next->pprev = l->pprev;
	sh->looks->n_prompt -= !l->late;
	if (l->late)
		log_notice("zone=%s its storage has answered", l->slow.zone);
	else if (l->r < 0)
		stays(l, l->e.text);
	else
		comes_back(l);
	look_free(l);
	go_on(sh);
}

static void too_late(struct look *l, uint64_t limit_ms)
{
	char path[SLOW_PATH_SIZE], text[sizeof(path) + 64];

	slow_where(&l->slow, path);
	snprintf(text, sizeof(text), "storage %s did not answer within %llu s", path,
		 (unsigned long long)(limit_ms + 999) / 1000);
	l->late = true;
	l->sh->looks->n_prompt--;
	stays(l, text);
}

static void on_timer(uv_timer_t *t)
{
	struct looks *all = t->data;
	const uint64_t limit_ms = host_step_ms(LOOK_MS), now_ms = uv_now(t->loop);
	struct shell *sh = NULL;
	uint64_t due_ms = 0;

	for (struct look *l = all->first; l; l = l->next) {
		const uint64_t its_ms = l->begun_ms + limit_ms;

		sh = l->sh;
		if (!l->late && its_ms <= now_ms)
			too_late(l, limit_ms);
		else if (!l->late && (!due_ms || its_ms < due_ms))
			due_ms = its_ms;
	}
	if (due_ms)
		uv_timer_start(t, on_timer, due_ms - now_ms, 0);
	if (sh)
		go_on(sh);
}

/* NULL: no memory. */
static struct look *look_new(struct shell *sh, const struct zone *z)
{
	cleanup(look_freep) struct look *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->slow = (struct slow){
		.work = work, .release = release, .done = done, .free = free_slow
	};
	strcpy(l->slow.zone, z->name);
	l->sh = sh;
	l->paths.root = strdup(sh->paths.root);
	if (!l->paths.root)
		return NULL;
	return take_ptr(&l);
}

int look_begin(struct shell *sh, struct zone *z, uint64_t op, struct errmsg *e)
{
	struct looks *all = sh->looks;
	cleanup(look_freep) struct look *l = NULL;
	struct look *other = find(all, z->name);
	char path[SLOW_PATH_SIZE] = "";
	int r;

	if (other) {
		slow_where(&other->slow, path);
		return errmsg_set(e, -EBUSY, "waits for storage %s to answer", path);
	}
	l = look_new(sh, z);
	if (!l)
		return errmsg_no_memory(e);
	r = zconf_load(&sh->paths, z->name, &l->conf, e);
	if (r < 0)
		return *e->text ? r : errmsg_set(e, r, "%s", strerror(-r));
	r = slow_start(all->box, &l->slow);
	if (r < 0)
		return errmsg_set(e, r, "cannot make a thread: %s", strerror(-r));
	l->op = op;
	uv_update_time(&sh->loop);
	l->begun_ms = uv_now(&sh->loop);
	l->next = all->first;
	l->pprev = &all->first;
	if (l->next)
		l->next->pprev = &l->next;
	all->first = take_ptr(&l);
	all->n_prompt++;
	if (!uv_is_active((uv_handle_t *)&all->timer))
		uv_timer_start(&all->timer, on_timer, host_step_ms(LOOK_MS), 0);
	return 0;
}

void looks_begin(struct shell *sh)
{
	sh->looks->next = 0;
	go_on(sh);
}

int looks_new(struct shell *sh, struct looks **ret_looks)
{
	struct looks *all = calloc(1, sizeof(*all));

	if (!all || slow_box_new(&sh->loop, &all->box) < 0) {
		free(all);
		return -ENOMEM;
	}
	all->next = UINT32_MAX;
	all->timer.data = all;
	ASSERT(uv_timer_init(&sh->loop, &all->timer) == 0);
	*ret_looks = all;
	return 0;
}

static void closed(uv_handle_t *h)
{
	free(h->data);
}

void looks_free(struct looks *all)
{
	if (!all)
		return;
	slow_box_free(all->box);
	uv_close((uv_handle_t *)&all->timer, closed);
}
