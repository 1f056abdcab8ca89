// SPDX-License-Identifier: BSD-2-Clause
/*
 * many.c - a host with 10,000 zones, in the shapes that hurt: all boot, all stop, in time
 *
 * many [ZONES]. Machines answer at once, so what is measured is the core: the work of a
 * step must not grow with the number of zones. Times are printed; the suite's timeout is
 * far above them and far below what quadratic work would take.
 */
#include "restarter/core.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

struct many {
	const char *shape;
	unsigned n, limit;
	struct core *core;
	struct core_actions actions;
	char (*fmri)[48], (*name)[16];
	struct core_dep *deps;
	/* what machines have to say, in order */
	struct core_event *queue;
	unsigned head, tail;
	unsigned n_starts, n_stops;
	uint64_t n_steps, now_ms;
	bool stopped, failed;
};

static uint64_t clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static unsigned number_of(struct many *m, const struct inst *i)
{
	struct core_view v;

	core_view(m->core, i, &v);
	return (unsigned)strtoul(v.zone + 1, NULL, 10);
}

static void expect(struct many *m, const struct core_action *a, enum core_ev type)
{
	struct core_event *ev = &m->queue[m->tail++ % m->n];

	*ev = (struct core_event){ .type = type,
				   .zone = m->name[number_of(m, a->inst)],
				   .end = VM_END_POWEROFF };
}

static void step(struct many *m, struct core_event *ev)
{
	ev->now_ms = m->now_ms;
	m->n_steps++;
	if (core_step(m->core, ev, &m->actions) < 0)
		m->failed = true;
	for (unsigned n = 0; n < m->actions.n; n++) {
		const struct core_action *a = &m->actions.v[n];

		if (a->type == ACT_VM_START) {
			m->n_starts++;
			expect(m, a, EV_VM_RUNNING);
		} else if (a->type == ACT_VM_SHUTDOWN) {
			m->n_stops++;
			expect(m, a, EV_VM_EXITED);
		} else if (a->type == ACT_STOPPED) {
			m->stopped = true;
		}
	}
}

static void run(struct many *m)
{
	while (m->head != m->tail) {
		struct core_event ev = m->queue[m->head++ % m->n];

		step(m, &ev);
	}
}

/* Dependencies of zone @i in this shape; how many, written to m->deps. */
static unsigned dependencies(struct many *m, unsigned i)
{
	unsigned n = 0;

	if (strcmp(m->shape, "chain") == 0 && i)
		m->deps[n++].fmri = m->fmri[i - 1];
	else if (strcmp(m->shape, "ring") == 0)
		m->deps[n++].fmri = m->fmri[(i + m->n - 1) % m->n];
	else if (strcmp(m->shape, "hub") == 0 && i)
		m->deps[n++].fmri = m->fmri[0];
	else if (strcmp(m->shape, "gatherer") == 0 && i == m->n - 1)
		for (; n < i; n++)
			m->deps[n].fmri = m->fmri[n];
	else if (strcmp(m->shape, "layers") == 0 && i >= 10)
		for (; n < 10; n++)
			m->deps[n].fmri = m->fmri[i / 10 * 10 - 10 + n];
	return n;
}

static void set_zone(struct many *m, unsigned i)
{
	struct core_event ev = { .type = EV_ZONE_SET, .zone = m->name[i] };

	ev.spec.autoboot = true;
	ev.spec.priority = (enum boot_priority)(i % 3);
	ev.spec.shutdown_timeout_ms = 60000;
	ev.spec.deps = m->deps;
	ev.spec.n_deps = dependencies(m, i);
	step(m, &ev);
}

/* Looks at everything once, as the status document does. */
static unsigned count_online(struct many *m)
{
	unsigned online = 0;
	struct core_view v;

	for (struct inst *i = core_next(m->core, NULL); i; i = core_next(m->core, i)) {
		core_view(m->core, i, &v);
		online += v.state == INST_ONLINE;
	}
	return online;
}

static bool init(struct many *m)
{
	m->fmri = calloc(m->n, sizeof(*m->fmri));
	m->name = calloc(m->n, sizeof(*m->name));
	m->deps = calloc(m->n, sizeof(*m->deps));
	m->queue = calloc(m->n, sizeof(*m->queue));
	if (!m->fmri || !m->name || !m->deps || !m->queue || core_new(&m->core) < 0)
		return false;
	for (unsigned i = 0; i < m->n; i++) {
		snprintf(m->name[i], sizeof(m->name[i]), "z%u", i);
		snprintf(m->fmri[i], sizeof(m->fmri[i]), CORE_FMRI_PREFIX "z%u", i);
	}
	return true;
}

static void fini(struct many *m)
{
	core_free(m->core);
	core_actions_fini(&m->actions);
	free(m->fmri);
	free(m->name);
	free(m->deps);
	free(m->queue);
}

/* Tells, boots, reconfigures, stops a whole host of that shape. */
static bool play(struct many *m)
{
	struct core_event limits = { .type = EV_LIMITS }, boot = { .type = EV_HOST_BOOT };
	struct core_event stop = { .type = EV_HOST_STOP, .stop_deadline_ms = 600000 };
	bool cycle = strcmp(m->shape, "ring") == 0;
	uint64_t t0 = clock_ms(), t1, t2;
	unsigned online;

	limits.limits.boot_shutdown = m->limit;
	step(m, &limits);
	for (unsigned i = 0; i < m->n; i++)
		set_zone(m, i);
	step(m, &boot);
	count_online(m);
	run(m);
	online = count_online(m);
	t1 = clock_ms();
	for (unsigned i = 0; i < m->n; i++)
		if (!cycle)
			set_zone(m, i);
	t2 = clock_ms();
	step(m, &stop);
	run(m);
	printf("# %-8s limit %4u: %u zones, %llu steps: boot %llu ms, refresh %llu ms, "
	       "stop %llu ms\n",
	       m->shape, m->limit, m->n, (unsigned long long)m->n_steps,
	       (unsigned long long)(t1 - t0), (unsigned long long)(t2 - t1),
	       (unsigned long long)(clock_ms() - t2));
	return !m->failed && m->stopped && online == (cycle ? 0 : m->n) &&
	       m->n_starts == online && m->n_stops == online;
}

int main(int argc, char **argv)
{
	static const char *const shapes[] = { "flat",     "chain",  "ring", "hub",
					      "gatherer", "layers", "flat", "layers" };
	unsigned n = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 10000, failed = 0;

	printf("1..%zu\n", ARRAY_SIZE(shapes));
	for (unsigned s = 0; s < ARRAY_SIZE(shapes); s++) {
		struct many m = { .shape = shapes[s], .n = n, .limit = s < 6 ? 0 : 16 };
		bool ok = init(&m) && play(&m);

		fini(&m);
		failed += !ok;
		printf("%sok %u - %u zones, %s, limit %u\n", ok ? "" : "not ", s + 1, n,
		       shapes[s], m.limit);
	}
	return failed != 0;
}
