// SPDX-License-Identifier: BSD-2-Clause
/*
 * cycle.c - dependency cycles: who is on one, and how it reads
 *
 * DOC: Method
 *
 * Instances on a cycle are those of a strongly connected component with more than one
 * member, or with an edge to itself: found in one walk (Tarjan's), without recursion, as
 * a chain may be as long as the host has zones. A change of one zone's dependencies can
 * only close a cycle through that zone, so the walk over everything is repeated only when
 * it reaches itself, or was on a cycle before.
 *
 * DOC: Knots
 *
 * An exclusion orders nothing, and is no part of a cycle. But two that exclude each
 * other, or one that excludes what requires it, wait for each other all the same: an
 * exclusion inside of a component of all edges is a knot (edge.knot), found by the same
 * walk. It blocks its owner from the begin, not only when the other is up. Whoever
 * belongs to such a component (inst.on_knot) may open the knots of the others.
 */
#include "restarter/core_internal.h"

#include <stdio.h>
#include <string.h>

#define SPELL_MAX 32 /* members; larger knots are told by their beginning */
#define SPELL_CUT 5

static bool visit(struct core *c, struct inst *i)
{
	if (i->walk_epoch == c->walk_epoch)
		return false;
	i->walk_epoch = c->walk_epoch;
	return true;
}

/**
 * cycle_reaches_itself() - Whether an instance depends on itself, however far around,
 * also by exclusions
 */
bool cycle_reaches_itself(struct core *c, struct inst *start)
{
	struct inst *stack = NULL, *i = start;

	if (!start->dependents || !start->deps.n_edges)
		return false;
	c->walk_epoch++;
	while (i) {
		for (unsigned n = 0; n < i->deps.n_edges; n++) {
			struct edge *e = &i->deps.edges[n];

			if (!edge_to_zone(e))
				continue;
			if (e->to == start)
				return true;
			if (!visit(c, e->to))
				continue;
			e->to->walk_next = stack;
			stack = e->to;
		}
		i = stack;
		if (stack)
			stack = stack->walk_next;
	}
	return false;
}

struct tarjan {
	bool exclusions; /* are edges, too */
	unsigned next_index;
	struct inst *stack; /* of the components under way, by scc_next */
};

static void enter(struct tarjan *t, struct inst *i, struct inst *parent)
{
	i->scc_index = i->scc_low = ++t->next_index;
	i->scc_edge = 0;
	i->walk_parent = parent;
	i->scc_next = t->stack;
	i->scc_on_stack = true;
	t->stack = i;
}

static bool depends_on_itself(const struct inst *i)
{
	for (unsigned n = 0; n < i->deps.n_edges; n++)
		if (edge_orders(&i->deps.edges[n]) && i->deps.edges[n].to == i)
			return true;
	return false;
}

/* Takes the component that @root closes off the stack. */
static void close_component(struct tarjan *t, struct inst *root)
{
	struct inst *i, *end = root->scc_next;
	unsigned size = 0;

	for (i = t->stack; i != end; i = i->scc_next)
		size++;
	for (i = t->stack; i != end; i = i->scc_next) {
		i->scc_on_stack = false;
		i->scc_root = root;
		i->scc_size = size;
		if (!t->exclusions)
			i->on_cycle = size > 1 || depends_on_itself(i);
	}
	t->stack = end;
}

/* Goes one edge further from @i. Where the walk is then; NULL when it has ended. */
static struct inst *walk(struct tarjan *t, struct inst *i)
{
	struct inst *parent = i->walk_parent;
	struct edge *e;

	if (i->scc_edge < i->deps.n_edges) {
		e = &i->deps.edges[i->scc_edge++];
		if (!edge_to_zone(e) || (!t->exclusions && !edge_orders(e)))
			return i;
		if (!e->to->scc_index) {
			enter(t, e->to, i);
			return e->to;
		}
		if (e->to->scc_on_stack)
			i->scc_low = MIN(i->scc_low, e->to->scc_index);
		return i;
	}
	if (i->scc_low == i->scc_index)
		close_component(t, i);
	if (parent)
		parent->scc_low = MIN(parent->scc_low, i->scc_low);
	return parent;
}

/* Finds the components of all instances: scc_root, scc_size, and on_cycle. */
static void find_components(struct core *c, bool exclusions)
{
	struct tarjan t = { .exclusions = exclusions };

	for (unsigned n = 0; n < c->n; n++)
		c->by_name[n]->scc_index = 0;
	for (unsigned n = 0; n < c->n; n++) {
		struct inst *i = c->by_name[n];

		if (i->scc_index)
			continue;
		for (enter(&t, i, NULL); i; i = walk(&t, i))
			;
	}
}

static bool is_exclusion(const struct edge *e)
{
	return edge_to_zone(e) && !edge_orders(e);
}

static bool any_exclusion(const struct core *c)
{
	for (unsigned n = 0; n < c->n; n++)
		for (unsigned k = 0; k < c->by_name[n]->deps.n_edges; k++)
			if (is_exclusion(&c->by_name[n]->deps.edges[k]))
				return true;
	return false;
}

static void find_knots(struct core *c)
{
	if (!any_exclusion(c))
		return;
	find_components(c, true);
	for (unsigned n = 0; n < c->n; n++) {
		struct inst *i = c->by_name[n];

		i->on_knot = i->scc_size > 1;
		for (unsigned k = 0; k < i->deps.n_edges; k++) {
			struct edge *e = &i->deps.edges[k];

			if (is_exclusion(e))
				graph_set_knot(c, e, e->to->scc_root == i->scc_root);
		}
	}
}

/**
 * cycle_find_all() - Find out again who is on a cycle, and let those see to it
 */
void cycle_find_all(struct core *c)
{
	find_knots(c);
	find_components(c, false);
	c->cycles_stale = false;
	for (unsigned n = 0; n < c->n; n++)
		inst_reconsider(c, c->by_name[n]);
}

/* The next instance of the same component on a shortest way back to @start; breadth
 * first from @start, links in walk_parent. Returns the last one before @start. */
static struct inst *way_back(struct core *c, struct inst *start)
{
	struct inst *head = start, **tail = &start->walk_next;

	c->walk_epoch++;
	visit(c, start);
	start->walk_next = start->walk_parent = NULL;
	for (; head; head = head->walk_next)
		for (unsigned n = 0; n < head->deps.n_edges; n++) {
			struct edge *e = &head->deps.edges[n];

			if (!edge_orders(e) || e->to->scc_root != start->scc_root)
				continue;
			if (e->to == start)
				return head;
			if (!visit(c, e->to))
				continue;
			e->to->walk_parent = head;
			e->to->walk_next = NULL;
			*tail = e->to;
			tail = &e->to->walk_next;
		}
	return start;
}

static struct inst *next_in_component(const struct inst *i)
{
	for (unsigned n = 0; n < i->deps.n_edges; n++) {
		struct edge *e = &i->deps.edges[n];

		if (edge_orders(e) && e->to->scc_root == i->scc_root)
			return e->to;
	}
	return NULL;
}

static void add(char *text, size_t size, const char *s)
{
	size_t used = strlen(text);

	snprintf(text + used, size - used, "%s", s);
}

/**
 * cycle_text() - Spell the cycle that an instance is on: "dependency cycle: a -> b -> a"
 */
void cycle_text(struct core *c, struct inst *start, char *text, size_t size)
{
	struct inst *way[SPELL_MAX], *i;
	unsigned n = 0;

	snprintf(text, size, CYCLE_PREFIX "%s", start->name);
	if (start->scc_size > SPELL_MAX) {
		for (i = start; n < SPELL_CUT && i; n++) {
			i = next_in_component(i);
			add(text, size, " -> ");
			add(text, size, i ? i->name : "");
		}
		n = (unsigned)strlen(text);
		snprintf(text + n, size - n, " -> ... (%u zones)", start->scc_size);
		return;
	}
	for (i = way_back(c, start); i != start; i = i->walk_parent)
		way[n++] = i;
	while (n--) {
		add(text, size, " -> ");
		add(text, size, way[n]->name);
	}
	add(text, size, " -> ");
	add(text, size, start->name);
}
