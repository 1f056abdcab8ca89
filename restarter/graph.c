// SPDX-License-Identifier: BSD-2-Clause
/*
 * graph.c - zones by name, their dependencies, and how a change travels
 *
 * DOC: Counting instead of looking
 *
 * An edge remembers whether it is satisfied (ok) and whether its target cannot come up
 * without an administrator (stuck); a group counts its edges, an instance its unmet and
 * its dead groups. When an instance's status changes, each edge that points to it adjusts
 * these counts, so a change costs its number of dependents and nobody ever looks at all
 * dependencies of a zone. Who has to tell its dependents waits in core.changed; the step
 * ends when that list is empty. It empties, because blocked instances only depend on each
 * other along a graph whose cycles are in maintenance.
 *
 * Zones are kept in an array sorted by name: found by bisection, iterated in the order in
 * which everything that prints wants them. A name that only others' dependencies know is
 * a placeholder, freed with the last of them. Units of the host are placeholders whose
 * status is what the shell says: all that is done for a zone's dependents is done for
 * theirs. Their names have a '/', which those of zones have not.
 */
#include "restarter/core_internal.h"

#include <string.h>

/* Where @name is, or would have to be inserted. */
static unsigned bisect(const struct core *c, const char *name, bool *ret_found)
{
	unsigned low = 0, high = c->n;

	while (low < high) {
		unsigned mid = low + (high - low) / 2;
		int cmp = strcmp(c->by_name[mid]->name, name);

		if (cmp == 0) {
			*ret_found = true;
			return mid;
		}
		if (cmp < 0)
			low = mid + 1;
		else
			high = mid;
	}
	*ret_found = false;
	return low;
}

/**
 * graph_find() - The instance or placeholder of that name, or NULL
 */
struct inst *graph_find(const struct core *c, const char *name)
{
	bool found;
	unsigned at = bisect(c, name, &found);

	return found ? c->by_name[at] : NULL;
}

/**
 * graph_next() - The first one whose name comes behind @name; NULL behind the last
 */
struct inst *graph_next(const struct core *c, const char *name)
{
	bool found;
	unsigned at = bisect(c, name, &found);

	at += found;
	return at < c->n ? c->by_name[at] : NULL;
}

struct inst *core_next(const struct core *c, const struct inst *after)
{
	struct inst *i = graph_next(c, after ? after->name : "");

	while (i && !i->present)
		i = graph_next(c, i->name);
	return i;
}

/* Room for one more instance, in the array and in the heap. 0 or -ENOMEM. */
static int reserve_one(struct core *c)
{
	unsigned cap = c->cap ? c->cap * 2 : 16;
	struct inst **v;

	if (c->n < c->cap)
		return 0;
	v = reallocarray(c->heap, cap, sizeof(struct inst *));
	if (!v)
		return -ENOMEM;
	c->heap = v;
	v = reallocarray(c->by_name, cap, sizeof(struct inst *));
	if (!v)
		return -ENOMEM;
	c->by_name = v;
	c->cap = cap;
	return 0;
}

/* Finds or makes the instance or placeholder of that name. 0 or -ENOMEM. */
static int intern(struct core *c, const char *name, struct inst **ret_inst)
{
	bool found;
	unsigned at = bisect(c, name, &found);
	struct inst *i;

	if (found) {
		*ret_inst = c->by_name[at];
		return 0;
	}
	if (reserve_one(c) < 0)
		return -ENOMEM;
	i = calloc(1, sizeof(*i));
	if (i)
		i->name = strdup(name);
	if (!i || !i->name) {
		free(i);
		return -ENOMEM;
	}
	memmove(&c->by_name[at + 1], &c->by_name[at],
		(c->n - at) * sizeof(struct inst *));
	c->by_name[at] = i;
	c->n++;
	*ret_inst = i;
	return 0;
}

static void deps_free(struct deps *d)
{
	free(d->edges);
	free(d->groups);
	free(d->text);
	*d = (struct deps){ 0 };
}

void graph_inst_free(struct inst *i)
{
	if (!i)
		return;
	deps_free(&i->deps);
	free(i->name);
	free(i);
}

/* Forgets a placeholder that nobody names any more; it lives on until the next step. */
static void drop_unused(struct core *c, struct inst *i)
{
	bool found;
	unsigned at;

	if (i->present || i->dependents || i->changed)
		return;
	at = bisect(c, i->name, &found);
	ASSERT(found);
	c->n--;
	memmove(&c->by_name[at], &c->by_name[at + 1],
		(c->n - at) * sizeof(struct inst *));
	i->dead_next = c->dead;
	c->dead = i;
}

/* Edges between zones; all of them. */
bool edge_to_zone(const struct edge *e)
{
	return e->to && !e->to->is_unit;
}

/* Edges between zones that order booting and stopping, and that may not form a cycle. */
bool edge_orders(const struct edge *e)
{
	return edge_to_zone(e) && e->group->grouping != DEP_EXCLUDE_ALL;
}

static enum dep_status edge_status(const struct edge *e)
{
	if (e->to)
		return e->to->status;
	return fmri_is_restarter(e->fmri) ? DEP_UP : DEP_ABSENT;
}

static bool edge_ok(enum dep_grouping grouping, enum dep_status s)
{
	switch (grouping) {
	case DEP_REQUIRE_ALL:
	case DEP_REQUIRE_ANY:
		return s == DEP_UP;
	case DEP_OPTIONAL_ALL:
		return s != DEP_COMING && s != DEP_ENDING;
	case DEP_EXCLUDE_ALL:
		return s == DEP_ABSENT || s == DEP_STUCK;
	}
	return false;
}

/*
 * What excludes one that depends on it waits for that one to be disabled, and that one in
 * its turn: nobody but an administrator ends that (edge.knot). One that is being stopped
 * waits for nothing: it may be that an administrator has just ended it.
 */
static bool edge_stuck(enum dep_grouping grouping, enum dep_status s, bool knot)
{
	switch (grouping) {
	case DEP_REQUIRE_ALL:
	case DEP_REQUIRE_ANY:
		return s != DEP_UP && s != DEP_COMING && s != DEP_ENDING;
	case DEP_OPTIONAL_ALL:
		return false;
	case DEP_EXCLUDE_ALL:
		return s == DEP_UP || s == DEP_HELD || s == DEP_BLOCKED ||
		       (knot && s == DEP_COMING);
	}
	return false;
}

/* Counts the group in its instance again. */
static void group_update(struct inst *i, struct dep_group *g)
{
	bool any = g->grouping == DEP_REQUIRE_ANY;
	bool unmet = any ? g->n_ok == 0 : g->n_ok < g->n;
	bool dead = unmet && (any ? g->n_stuck == g->n : g->n_stuck > 0);

	i->n_unmet += (unsigned)unmet - (unsigned)g->unmet;
	i->n_dead += (unsigned)dead - (unsigned)g->dead;
	g->unmet = unmet;
	g->dead = dead;
}

/* Counts the edge in its group again. */
static void edge_update(struct edge *e)
{
	struct dep_group *g = e->group;
	bool ok = edge_ok(g->grouping, edge_status(e));
	bool stuck = edge_stuck(g->grouping, edge_status(e), e->knot);

	g->n_ok += (unsigned)ok - (unsigned)e->ok;
	g->n_stuck += (unsigned)stuck - (unsigned)e->stuck;
	e->ok = ok;
	e->stuck = stuck;
	group_update(e->from, g);
}

/**
 * graph_set_knot() - Say of an edge whether it closes a knot (cycle.c)
 */
void graph_set_knot(struct core *c, struct edge *e, bool knot)
{
	e->from->on_knot |= knot;
	if (e->knot == knot)
		return;
	if (c->ready)
		core_touch(c, e->from);
	e->knot = knot;
	edge_update(e);
}

/* A dependency and where it stood: to bring the members of a group together. */
struct dep_index {
	const char *group;
	unsigned at;
};

static int by_group(const void *va, const void *vb)
{
	const struct dep_index *a = va, *b = vb;
	int cmp = strcmp(a->group, b->group);

	return cmp ? cmp : (a->at > b->at) - (a->at < b->at);
}

/*
 * Gives every edge its group: those of one (not empty) name share one, whose grouping is
 * that of the first of them. 0 or -ENOMEM.
 */
static int assign_groups(struct deps *d, const struct core_dep *deps)
{
	cleanup(freep) struct dep_index *index = calloc(d->n_edges, sizeof(*index));
	struct dep_group *g = NULL;

	if (!index)
		return -ENOMEM;
	for (unsigned n = 0; n < d->n_edges; n++)
		index[n] = (struct dep_index){ deps[n].group ? deps[n].group : "", n };
	qsort(index, d->n_edges, sizeof(*index), by_group);
	for (unsigned n = 0; n < d->n_edges; n++) {
		if (!g || !*index[n].group ||
		    strcmp(index[n].group, index[n - 1].group) != 0) {
			g = &d->groups[d->n_groups++];
			g->grouping = deps[index[n].at].grouping;
		}
		g->n++;
		d->edges[index[n].at].group = g;
	}
	return 0;
}

/* Allocates what @spec's dependencies need, without their targets. 0 or -ENOMEM. */
static int deps_alloc(const struct core_spec *spec, struct deps *d)
{
	size_t len = 0;
	char *text;

	for (unsigned n = 0; n < spec->n_deps; n++)
		len += strlen(spec->deps[n].fmri) + 1;
	d->n_edges = spec->n_deps;
	d->edges = calloc(spec->n_deps, sizeof(struct edge));
	d->groups = calloc(spec->n_deps, sizeof(struct dep_group));
	d->text = text = malloc(len);
	if (!d->edges || !d->groups || !d->text)
		return -ENOMEM;
	for (unsigned n = 0; n < spec->n_deps; n++) {
		d->edges[n].fmri = text;
		text = stpcpy(text, spec->deps[n].fmri) + 1;
	}
	return assign_groups(d, spec->deps);
}

/* Finds or makes what the edge points to, if it is anything of ours. 0 or -ENOMEM. */
static int edge_target(struct core *c, struct edge *e)
{
	const char *name;
	bool unit;
	int r = 0;

	if (!fmri_names(e->fmri, &name, &unit))
		return 0;
	r = intern(c, name, &e->to);
	if (r == 0 && unit && !e->to->is_unit) {
		e->to->is_unit = true;
		graph_status_changed(c, e->to);
	}
	return r;
}

/* Makes the dependencies of @spec, not yet linked. 0 or -ENOMEM with nothing left over.
 */
static int deps_prepare(struct core *c, const struct core_spec *spec,
			struct deps *ret_deps)
{
	struct deps d = { 0 };
	unsigned n = 0;
	int r = 0;

	if (spec->n_deps)
		r = deps_alloc(spec, &d);
	for (; r == 0 && n < d.n_edges; n++)
		r = edge_target(c, &d.edges[n]);
	if (r < 0) {
		while (n--)
			if (d.edges[n].to && graph_find(c, d.edges[n].to->name))
				drop_unused(c, d.edges[n].to);
		deps_free(&d);
		return r;
	}
	*ret_deps = d;
	return 0;
}

/* An instance that has a machine holds up the stop of what it depends on. */
static void count_up(struct edge *e, bool up)
{
	if (edge_orders(e))
		e->to->n_up_dependents += up ? 1u : -1u;
}

/* Links @take_deps as the dependencies of @i, in place of those it has. */
static void deps_replace(struct core *c, struct inst *i, struct deps *take_deps)
{
	struct deps old = i->deps;
	struct edge *e;

	i->deps = *take_deps;
	i->n_unmet = i->n_dead = 0;
	for (unsigned n = 0; n < i->deps.n_edges; n++) {
		e = &i->deps.edges[n];
		e->from = i;
		if (inst_active(i))
			count_up(e, true);
		if (!e->to)
			continue;
		e->rev_next = e->to->dependents;
		if (e->rev_next)
			e->rev_next->rev_pprev = &e->rev_next;
		e->rev_pprev = &e->to->dependents;
		e->to->dependents = e;
	}
	for (unsigned n = 0; n < i->deps.n_edges; n++)
		edge_update(&i->deps.edges[n]);
	for (unsigned n = 0; n < old.n_edges; n++) {
		e = &old.edges[n];
		if (inst_active(i))
			count_up(e, false);
		if (!e->to)
			continue;
		*e->rev_pprev = e->rev_next;
		if (e->rev_next)
			e->rev_next->rev_pprev = e->rev_pprev;
		drop_unused(c, e->to);
	}
	deps_free(&old);
}

static void take_spec(struct inst *i, const struct core_spec *spec)
{
	i->priority = spec->priority;
	i->autoshutdown = spec->autoshutdown;
	i->on_panic = spec->on_panic;
	i->shutdown_timeout_ms = spec->shutdown_timeout_ms;
	i->goals_timeout_ms = spec->goals_timeout_ms;
}

/* Whether @d says what @i has already: most refreshes change no dependency. */
static bool deps_same(const struct inst *i, const struct deps *d)
{
	const struct deps *old = &i->deps;

	if (old->n_edges != d->n_edges || old->n_groups != d->n_groups)
		return false;
	for (unsigned n = 0; n < d->n_groups; n++)
		if (old->groups[n].grouping != d->groups[n].grouping)
			return false;
	for (unsigned n = 0; n < d->n_edges; n++)
		if (strcmp(old->edges[n].fmri, d->edges[n].fmri) != 0 ||
		    old->edges[n].group - old->groups != d->edges[n].group - d->groups)
			return false;
	return true;
}

/**
 * graph_set() - Make or reconfigure an instance: all of the spec but autoboot
 * @ret_inst:	The instance; !present when it is new
 *
 * Return: 0 or -ENOMEM (nothing was changed)
 */
int graph_set(struct core *c, const char *name, const struct core_spec *spec,
	      struct inst **ret_inst)
{
	struct deps d;
	struct inst *i;
	int r = intern(c, name, &i);

	if (r < 0)
		return r;
	i->changed =
		true; /* so that it is not dropped on failure as its own dependency */
	r = deps_prepare(c, spec, &d);
	i->changed = false;
	if (r < 0) {
		drop_unused(c, i);
		return r;
	}
	core_touch(c, i);
	take_spec(i, spec);
	*ret_inst = i;
	if (deps_same(i, &d)) {
		deps_free(&d);
		return 0;
	}
	deps_replace(c, i, &d);
	if (!c->ready || i->on_cycle || i->on_knot || cycle_reaches_itself(c, i))
		c->cycles_stale = true;
	return 0;
}

/**
 * graph_remove() - Take an instance away; others may go on naming it
 *
 * It is freed at the begin of the next step, or stays as a placeholder.
 */
void graph_remove(struct core *c, struct inst *i)
{
	struct deps none = { 0 };

	if (i->on_cycle || i->on_knot)
		c->cycles_stale = true;
	deps_replace(c, i, &none);
	i->present = i->on_cycle = i->on_knot = false;
	graph_status_changed(c, i);
	drop_unused(c, i);
}

static enum dep_status status_of(const struct inst *i)
{
	static const enum dep_status units[UNIT_STATE_N] = {
		[UNIT_UNKNOWN] = DEP_COMING, [UNIT_ABSENT] = DEP_ABSENT,
		[UNIT_DISABLED] = DEP_STUCK, [UNIT_OFFLINE] = DEP_COMING,
		[UNIT_ONLINE] = DEP_UP,      [UNIT_MAINT] = DEP_STUCK,
	};

	if (i->is_unit)
		return units[i->unit_state];
	if (!i->present)
		return DEP_ABSENT;
	switch (i->mode) {
	case MODE_DISABLED:
	case MODE_MAINT:
	case MODE_AWAY:
		return DEP_STUCK;
	case MODE_WAITING:
		return i->n_dead ? DEP_BLOCKED : DEP_COMING;
	case MODE_ONLINE:
	case MODE_DEGRADED:
		return DEP_UP;
	case MODE_HELD:
		return DEP_HELD;
	case MODE_STOPQ:
	case MODE_STOPPING:
	case MODE_HALTING:
		return DEP_ENDING;
	default:
		return DEP_COMING;
	}
}

/**
 * graph_status_changed() - See whether dependents have to be told, and remember it
 */
void graph_status_changed(struct core *c, struct inst *i)
{
	enum dep_status s = status_of(i);

	if (s == i->status)
		return;
	i->status = s;
	if (i->changed || !i->dependents)
		return;
	i->changed = true;
	i->changed_next = c->changed;
	c->changed = i;
}

/**
 * graph_unit_set() - What a unit of the host is now
 * @unit:	Its name, as HOST_UNIT has it
 *
 * Return: 0 or -ENOENT (no dependency names it)
 */
int graph_unit_set(struct core *c, const char *unit, enum unit_state state)
{
	struct inst *i;

	for (i = core_next_unit(c, NULL); i; i = core_next_unit(c, i))
		if (strcmp(core_unit_name(i), unit) == 0)
			break;
	if (!i)
		return -ENOENT;
	i->unit_state = state;
	graph_status_changed(c, i);
	return 0;
}

/**
 * graph_active_changed() - The instance got or lost its machine: count it where it
 * matters
 */
void graph_active_changed(struct core *c, struct inst *i)
{
	bool up = inst_active(i);

	for (unsigned n = 0; n < i->deps.n_edges; n++) {
		struct edge *e = &i->deps.edges[n];

		count_up(e, up);
		if (!up && edge_orders(e))
			stop_consider(c, e->to);
	}
}

/**
 * graph_propagate() - Tell dependents until nothing changes any more
 */
void graph_propagate(struct core *c)
{
	struct inst *i;

	while ((i = c->changed)) {
		c->changed = i->changed_next;
		i->changed = false;
		for (struct edge *e = i->dependents; e; e = e->rev_next) {
			if (e->from->mode == MODE_WAITING)
				core_touch(c, e->from);
			edge_update(e);
			inst_reconsider(c, e->from);
		}
	}
}
