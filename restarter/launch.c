// SPDX-License-Identifier: BSD-2-Clause
/*
 * launch.c - a boot on its way from VM_START to its kzhost
 */
#include "restarter/launch.h"
#include "common/base/trace.h"
#include "common/sys/log.h"
#include "restarter/admin.h"
#include "restarter/away.h"
#include "restarter/booted.h"
#include "restarter/hosts.h"
#include "restarter/monitor.h"
#include "restarter/slow.h"
#include "restarter/status.h"

#include <stdio.h>
#include <string.h>

#define PREPARE_MS 60000 /* KZONES_STEP_TIMEOUT_MS replaces it */
#define SAY_SHARE  20    /* after this part of it, what is waited for is said */

struct launch {
	struct slow slow;
	struct shell *sh;
	struct zone *zone; /* NULL: nobody wants it any more */
	struct boot *boot; /* owned; the thread's while that runs */
	bool has_thread;   /* else it waits for that of an earlier boot */
	int r;             /* what the thread returned, and its text */
	struct errmsg e;
	uint64_t begun_ms;               /* on the loop's clock */
	char waits[SLOW_PATH_SIZE + 64]; /* for what, in words, or "" */
	struct launch *next, **pprev;    /* of those that are wanted */
};

struct launches {
	struct slow_box *box; /* owned */
	uv_timer_t timer;     /* until one of them has waited for long */
	struct launch *wanted;
};

static void run(struct launch *l);

static struct launch *launch_of(struct slow *s)
{
	return container_of(s, struct launch, slow);
}

static void launch_free(struct launch *l)
{
	boot_free(l->boot);
	free(l);
}

static void unlist(struct launch *l)
{
	l->zone->launch = NULL;
	l->zone = NULL;
	*l->pprev = l->next;
	if (l->next)
		l->next->pprev = l->pprev;
}

/* Leaves it to its thread, if it has one. */
static void leave(struct launch *l)
{
	unlist(l);
	if (l->has_thread)
		slow_give_up(&l->slow);
	else
		launch_free(l);
}

static void fail(struct shell *sh, struct zone *z, int r, const char *why)
{
	struct core_event ev = { .type = EV_VM_FAILED,
				 .zone = z->name,
				 .text = why,
				 .storage = r == -ENOMEDIUM };

	if (!z->stray)
		booted_forget(sh, z);
	log_err("zone=%s boot failed: %s", z->name, why);
	(void)shell_step(sh, &ev);
	if (ev.storage)
		away_note(sh, z, LIFE_INSTALLED);
}

/* On the thread. */
static void work(struct slow *s)
{
	struct launch *l = launch_of(s);

	l->r = boot_open(l->boot, s, &l->e);
}

/* On the thread. */
static void release(struct slow *s)
{
	boot_free(take_ptr(&launch_of(s)->boot));
}

static void free_slow(struct slow *s)
{
	launch_free(launch_of(s));
}

/* What was given up has come back: a boot of the zone may wait for that. */
static void came_back(struct shell *sh, const struct launch *l)
{
	struct zone *z = zones_find(&sh->zones, l->slow.zone);

	if (*l->waits)
		log_notice(
			"zone=%s the storage that a boot was given up for has answered",
			l->slow.zone);
	if (z && z->launch && !z->launch->has_thread)
		run(z->launch);
}

static void done(struct slow *s)
{
	struct launch *l = launch_of(s);
	struct shell *sh = l->sh;
	struct zone *z = l->zone;
	int r;

	if (!z) {
		came_back(sh, l);
		launch_free(l);
		return;
	}
	unlist(l);
	r = boot_end(sh, z, l->boot, l->r, &l->e);
	if (r == 0)
		r = host_start(sh, z, take_ptr(&l->boot), &l->e);
	if (r < 0)
		fail(sh, z, r, l->e.text);
	launch_free(l);
}

/* Its configuration and all that cannot hang; then the thread. */
static void run(struct launch *l)
{
	struct shell *sh = l->sh;
	struct zone *z = l->zone;
	int r = boot_begin(sh, z, &l->boot, &l->e);

	shell_drop_args(z); /* they were for this boot */
	l->waits[0] = '\0';
	if (r == 0) {
		r = slow_start(sh->launches->box, &l->slow);
		if (r < 0)
			errmsg_set(&l->e, r, "cannot make a thread: %s", strerror(-r));
	}
	l->has_thread = r == 0;
	if (r == 0)
		return;
	unlist(l);
	fail(sh, z, r, l->e.text);
	launch_free(l);
}

/* Its own thread, or the one that it waits for. */
static struct slow *thread_of(struct launch *l)
{
	return l->has_thread ? &l->slow : slow_left(l->sh->launches->box, l->zone->name);
}

/* Tells everybody who looks, and who waits for the boot. */
static void say(struct launch *l)
{
	char path[SLOW_PATH_SIZE], text[sizeof(l->waits)];
	struct shell *sh = l->sh;

	slow_where(thread_of(l), path);
	if (!*path)
		return;
	snprintf(text, sizeof(text), "waits for storage %s to answer", path);
	if (strcmp(text, l->waits) == 0)
		return;
	memcpy(l->waits, text, sizeof(text));
	log_warning("zone=%s its boot %s", l->zone->name, text);
	status_changed(sh->status);
	monitor_note(sh, l->zone);
	if (sh->admin)
		admin_zone_waits(sh->admin, l->zone, text);
}

static void too_late(struct launch *l, uint64_t limit_ms)
{
	struct shell *sh = l->sh;
	struct zone *z = l->zone;
	char path[SLOW_PATH_SIZE], text[sizeof(path) + 64];

	slow_where(thread_of(l), path);
	snprintf(text, sizeof(text), "storage %s did not answer within %llu s", path,
		 (unsigned long long)(limit_ms + 999) / 1000);
	leave(l);
	fail(sh, z, -ENOMEDIUM, text);
}

/* When the launch has to be looked at again: 0, it is over. */
static uint64_t look_at(struct launch *l, uint64_t now_ms)
{
	const uint64_t limit_ms = host_step_ms(PREPARE_MS), say_ms = limit_ms / SAY_SHARE;

	if (now_ms >= l->begun_ms + limit_ms) {
		too_late(l, limit_ms);
		return 0;
	}
	if (!l->has_thread || now_ms >= l->begun_ms + say_ms)
		say(l);
	return MIN(now_ms + say_ms, l->begun_ms + limit_ms);
}

static void look(uv_timer_t *t)
{
	struct launches *all = t->data;
	uint64_t now_ms = uv_now(t->loop), due_ms = 0;
	struct launch *l = all->wanted;

	while (l) {
		uint64_t its_ms = look_at(l, now_ms);

		if (its_ms && (!due_ms || its_ms < due_ms))
			due_ms = its_ms;
		/* What follows when one is over may end others: from the first again. */
		l = its_ms ? l->next : all->wanted;
	}
	if (due_ms)
		uv_timer_start(t, look, due_ms - now_ms, 0);
}

void launch_begin(struct shell *sh, struct zone *z)
{
	struct launches *all = sh->launches;
	struct launch *l = calloc(1, sizeof(*l));

	ASSERT(!z->host && !z->launch);
	if (!l) {
		shell_drop_args(z);
		fail(sh, z, -ENOMEM, "out of memory");
		return;
	}
	l->slow = (struct slow){
		.work = work, .release = release, .done = done, .free = free_slow
	};
	strcpy(l->slow.zone, z->name);
	l->sh = sh;
	l->zone = z;
	uv_update_time(&sh->loop);
	l->begun_ms = uv_now(&sh->loop);
	l->next = all->wanted;
	l->pprev = &all->wanted;
	if (l->next)
		l->next->pprev = &l->next;
	all->wanted = l;
	z->launch = l;
	z->ram_bytes = 0; /* nothing is promised to it yet */
	if (slow_left(all->box, z->name))
		say(l);
	else
		run(l);
	if (all->wanted && !uv_is_active((uv_handle_t *)&all->timer))
		uv_timer_start(&all->timer, look, host_step_ms(PREPARE_MS) / SAY_SHARE,
			       0);
}

bool launch_give_up(struct shell *sh, struct zone *z)
{
	if (!z->launch)
		return false;
	leave(z->launch);
	if (!z->stray)
		booted_forget(sh, z);
	return true;
}

const char *launch_waits(const struct zone *z)
{
	return z->launch && *z->launch->waits ? z->launch->waits : NULL;
}

int launches_new(struct shell *sh, struct launches **ret_launches)
{
	struct launches *all = calloc(1, sizeof(*all));

	if (!all || slow_box_new(&sh->loop, &all->box) < 0) {
		free(all);
		return -ENOMEM;
	}
	all->timer.data = all;
	ASSERT(uv_timer_init(&sh->loop, &all->timer) == 0);
	*ret_launches = all;
	return 0;
}

static void closed(uv_handle_t *h)
{
	free(h->data);
}

void launches_free(struct launches *all)
{
	if (!all)
		return;
	while (all->wanted)
		leave(all->wanted);
	slow_box_free(all->box);
	uv_close((uv_handle_t *)&all->timer, closed);
}
