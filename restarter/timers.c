// SPDX-License-Identifier: BSD-2-Clause
/*
 * timers.c - a binary heap of the instances' deadlines, earliest first, then by name
 */
#include "restarter/core_internal.h"

#include <string.h>

static bool earlier(const struct inst *a, const struct inst *b)
{
	if (a->deadline_ms != b->deadline_ms)
		return a->deadline_ms < b->deadline_ms;
	return strcmp(a->name, b->name) < 0;
}

static void put(struct core *c, unsigned at, struct inst *i)
{
	c->heap[at] = i;
	i->timer = at + 1;
}

/* Moves @i from @at towards the root or the leaves, to where it belongs. */
static void sift(struct core *c, unsigned at, struct inst *i)
{
	unsigned child;

	for (; at && earlier(i, c->heap[(at - 1) / 2]); at = (at - 1) / 2)
		put(c, at, c->heap[(at - 1) / 2]);
	while ((child = 2 * at + 1) < c->n_heap) {
		if (child + 1 < c->n_heap && earlier(c->heap[child + 1], c->heap[child]))
			child++;
		if (!earlier(c->heap[child], i))
			break;
		put(c, at, c->heap[child]);
		at = child;
	}
	put(c, at, i);
}

/**
 * timer_arm() - Set the instance's one deadline, in place of any earlier one
 */
void timer_arm(struct core *c, struct inst *i, uint64_t deadline_ms)
{
	timer_disarm(c, i);
	i->deadline_ms = deadline_ms;
	sift(c, c->n_heap++, i);
}

/**
 * timer_disarm() - Forget the instance's deadline, if there is one
 */
void timer_disarm(struct core *c, struct inst *i)
{
	unsigned at = i->timer - 1;
	struct inst *last;

	if (!i->timer)
		return;
	i->timer = 0;
	last = c->heap[--c->n_heap];
	if (last != i)
		sift(c, at, last);
}

/**
 * timer_expired() - Take the next instance whose deadline has passed
 *
 * Return: The instance, disarmed, or NULL
 */
struct inst *timer_expired(struct core *c)
{
	struct inst *i = c->n_heap ? c->heap[0] : NULL;

	if (!i || i->deadline_ms > c->now_ms)
		return NULL;
	timer_disarm(c, i);
	return i;
}
