// SPDX-License-Identifier: BSD-2-Clause
/*
 * throttle.c - slots for booting and shutting down, and the queue for them
 *
 * DOC: Order of the queue
 *
 * What operators asked for comes first, then high, normal and low priority; inside each
 * of these, arrival. What arrives within one step arrives together: it is collected in a
 * list of its own (Q_FRESH) and appended in order of zone name when the step decides who
 * is admitted. A boot holds its slot until the instance is online or in maintenance, a
 * shutdown until the machine has ended; a halt needs none. Lowering the limit takes no
 * slot away.
 */
#include "restarter/core_internal.h"

#include <string.h>

static void append(struct throttle *t, enum queue_class class, struct inst *i)
{
	struct queue_list *l = &t->list[class];

	i->queue = class + 1u;
	i->q_next = NULL;
	i->q_prev = l->tail;
	if (l->tail)
		l->tail->q_next = i;
	else
		l->head = i;
	l->tail = i;
}

static void unlink_inst(struct throttle *t, struct inst *i)
{
	struct queue_list *l = &t->list[i->queue - 1];

	if (i->q_prev)
		i->q_prev->q_next = i->q_next;
	else
		l->head = i->q_next;
	if (i->q_next)
		i->q_next->q_prev = i->q_prev;
	else
		l->tail = i->q_prev;
	i->q_prev = i->q_next = NULL;
	i->queue = 0;
}

/**
 * throttle_enqueue() - Wait for a slot
 */
void throttle_enqueue(struct core *c, struct inst *i)
{
	ASSERT(!i->queue && !i->has_slot);
	append(&c->throttle, Q_FRESH, i);
	c->throttle.n_queued++;
	c->throttle.version++;
}

/**
 * throttle_dequeue() - Wait no longer; nothing happens when it does not wait
 */
void throttle_dequeue(struct core *c, struct inst *i)
{
	if (!i->queue)
		return;
	unlink_inst(&c->throttle, i);
	c->throttle.n_queued--;
	c->throttle.version++;
}

/**
 * throttle_take() - Hold a slot, whatever the limit says (adoption)
 */
void throttle_take(struct core *c, struct inst *i)
{
	ASSERT(!i->has_slot);
	i->has_slot = true;
	c->throttle.used++;
}

/**
 * throttle_release() - Give the slot back, if the instance holds one
 */
void throttle_release(struct core *c, struct inst *i)
{
	if (!i->has_slot)
		return;
	i->has_slot = false;
	c->throttle.used--;
}

/* Merges two lists linked by q_next, each sorted by name. */
static struct inst *merge(struct inst *a, struct inst *b)
{
	struct inst *head, **tail = &head;

	while (a && b) {
		struct inst **first = strcmp(a->name, b->name) < 0 ? &a : &b;

		*tail = *first;
		tail = &(*first)->q_next;
		*first = *tail;
	}
	*tail = a ? a : b;
	return head;
}

/* Sorts a list linked by q_next by name: bin n holds a sorted run of 2^n. */
static struct inst *sort_by_name(struct inst *list)
{
	struct inst *bins[32] = { NULL }, *run;
	unsigned n;

	while (list) {
		run = list;
		list = list->q_next;
		run->q_next = NULL;
		for (n = 0; bins[n]; n++) {
			run = merge(bins[n], run);
			bins[n] = NULL;
		}
		bins[n] = run;
	}
	run = NULL;
	for (n = 0; n < ARRAY_SIZE(bins); n++)
		run = merge(bins[n], run);
	return run;
}

static enum queue_class class_of(const struct inst *i)
{
	return i->by_operator ? Q_OPERATOR : (enum queue_class)(Q_HIGH + i->priority);
}

/**
 * throttle_reorder() - Its priority may be another now: wait among the others of that one
 */
void throttle_reorder(struct core *c, struct inst *i)
{
	if (!i->queue || i->queue == Q_FRESH + 1 || i->queue == class_of(i) + 1)
		return;
	throttle_dequeue(c, i);
	throttle_enqueue(c, i);
}

/* Puts what arrived in this step where it belongs. */
static void sort_in(struct throttle *t)
{
	struct inst *i = sort_by_name(t->list[Q_FRESH].head), *next;

	t->list[Q_FRESH] = (struct queue_list){ NULL, NULL };
	for (; i; i = next) {
		next = i->q_next;
		append(t, class_of(i), i);
	}
}

static struct inst *first_queued(const struct throttle *t)
{
	for (unsigned class = 0; class < Q_CLASS_N; class ++)
		if (t->list[class].head)
			return t->list[class].head;
	return NULL;
}

/**
 * throttle_admit() - Hand out the slots that are free
 *
 * Return: Whether anything was admitted
 */
bool throttle_admit(struct core *c)
{
	struct throttle *t = &c->throttle;
	bool any = false;
	struct inst *i;

	sort_in(t);
	while ((t->limit == 0 || t->used < t->limit) && (i = first_queued(t))) {
		throttle_dequeue(c, i);
		throttle_take(c, i);
		inst_event(c, i, IEV_SLOT);
		any = true;
	}
	return any;
}

/**
 * throttle_position() - Place in the queue
 *
 * All positions are counted at the first question after a change of the queue.
 *
 * Return: 1 = next; 0 = not queued
 */
unsigned throttle_position(const struct core *c, struct inst *i)
{
	const struct throttle *t = &c->throttle;
	unsigned pos = 0;

	if (!i->queue)
		return 0;
	if (i->queue_pos_version == t->version)
		return i->queue_pos;
	for (unsigned class = 0; class <= Q_FRESH; class ++)
		for (struct inst *q = t->list[class].head; q; q = q->q_next) {
			q->queue_pos = ++pos;
			q->queue_pos_version = t->version;
		}
	return i->queue_pos;
}
