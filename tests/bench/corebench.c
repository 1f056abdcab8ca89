// SPDX-License-Identifier: BSD-2-Clause
/*
 * corebench.c - the restarter's core with many zones: a whole boot in simulated time
 *
 * corebench ZONES. Zone n depends on zones n / 2 and n / 3 and machines answer in order,
 * at once. Prints {"cpu_s": of everything from the first zone to the last online,
 * "step_us": the median step, "bytes_per_zone": what the core holds then}.
 */
#include "restarter/core.h"

#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define LIMIT 32

struct bench {
	unsigned n;
	struct core *core;
	struct core_actions actions;
	unsigned *starts; /* owned: zones whose machines answer next, in order */
	unsigned head, tail;
	double *step_us; /* owned */
	size_t n_steps;
};

static double cpu_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static void step(struct bench *b, struct core_event *ev)
{
	double begin = cpu_us();

	ASSERT(core_step(b->core, ev, &b->actions) == 0);
	b->step_us[b->n_steps++] = cpu_us() - begin;
	for (unsigned i = 0; i < b->actions.n; i++) {
		struct core_view v;

		if (b->actions.v[i].type != ACT_VM_START)
			continue;
		core_view(b->core, b->actions.v[i].inst, &v);
		b->starts[b->tail++] = (unsigned)strtoul(v.zone + 1, NULL, 10);
	}
}

static void tell_zone(struct bench *b, unsigned n)
{
	char name[16], fmri[2][48];
	struct core_dep deps[2] = { { "a", fmri[0], DEP_REQUIRE_ALL },
				    { "b", fmri[1], DEP_REQUIRE_ALL } };
	struct core_event ev = { .type = EV_ZONE_SET, .zone = name };

	snprintf(name, sizeof(name), "z%u", n);
	snprintf(fmri[0], sizeof(fmri[0]), CORE_FMRI_PREFIX "z%u", n / 2);
	snprintf(fmri[1], sizeof(fmri[1]), CORE_FMRI_PREFIX "z%u", n / 3);
	ev.spec = (struct core_spec){ .priority = (enum boot_priority)(n % 3),
				      .autoboot = true,
				      .deps = deps,
				      .n_deps = n ? 2 : 0 };
	step(b, &ev);
}

static void boot(struct bench *b)
{
	struct core_event ev = { .type = EV_LIMITS };

	ev.limits.boot_shutdown = LIMIT;
	step(b, &ev);
	for (unsigned n = 0; n < b->n; n++)
		tell_zone(b, n);
	ev = (struct core_event){ .type = EV_HOST_BOOT };
	step(b, &ev);
	while (b->head < b->tail) {
		char name[16];

		snprintf(name, sizeof(name), "z%u", b->starts[b->head++]);
		ev = (struct core_event){ .type = EV_VM_RUNNING, .zone = name };
		ev.now_ms = b->head;
		step(b, &ev);
	}
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	struct bench b = { .n = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 0 };
	struct core_totals t;
	size_t before, after;
	double begin, us;

	if (b.n == 0 || b.n > 1000000)
		return 2;
	b.starts = calloc(b.n, sizeof(*b.starts));
	b.step_us = calloc(2 * (size_t)b.n + 2, sizeof(*b.step_us));
	ASSERT(b.starts && b.step_us);
	before = mallinfo2().uordblks;
	ASSERT(core_new(&b.core) == 0);
	begin = cpu_us();
	boot(&b);
	us = cpu_us() - begin;
	core_actions_fini(&b.actions); /* the shell's, and one for all */
	after = mallinfo2().uordblks;
	core_totals(b.core, &t);
	if (t.by_state[INST_ONLINE] != b.n) {
		fprintf(stderr, "corebench: %u of %u are online\n",
			t.by_state[INST_ONLINE], b.n);
		return 1;
	}
	qsort(b.step_us, b.n_steps, sizeof(*b.step_us), compare);
	printf("{\"cpu_s\": %.4f, \"step_us\": %.3f, \"bytes_per_zone\": %.0f}\n",
	       us / 1e6, b.step_us[b.n_steps / 2], (double)(after - before) / b.n);
	core_free(b.core);
	free(b.starts);
	free(b.step_us);
	return 0;
}
