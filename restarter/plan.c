// SPDX-License-Identifier: BSD-2-Clause
/*
 * plan.c - svc.zones -n: what a boot of the host would do, without doing it
 */
#include "restarter/plan.h"

#include <stdio.h>
#include <string.h>

/* Every machine that the core starts runs, in the order that it starts them. */
static void run_machines(struct shell *sh)
{
	struct core_actions todo = sh->step;
	unsigned n = 0;

	sh->step = (struct core_actions){ 0 };
	for (unsigned i = 0; i < todo.n; i++) {
		struct core_event ev = { .type = EV_VM_RUNNING };
		struct core_actions more = { 0 };
		struct core_view v;
		void *bigger;

		if (todo.v[i].type != ACT_VM_START)
			continue;
		core_view(sh->core, todo.v[i].inst, &v);
		printf("%3u. boot %s (priority %s)\n", ++n, v.zone,
		       boot_priority_names[v.priority]);
		ev.zone = v.zone;
		ev.now_ms = n;
		if (core_step(sh->core, &ev, &more) < 0)
			break;
		bigger = realloc(todo.v, (todo.n + more.n + 1) * sizeof(*todo.v));
		if (bigger) {
			todo.v = bigger;
			todo.cap = todo.n + more.n + 1;
			memcpy(todo.v + todo.n, more.v, more.n * sizeof(*todo.v));
			todo.n += more.n;
		}
		core_actions_fini(&more);
	}
	core_actions_fini(&todo);
}

static void print_rest(struct shell *sh)
{
	struct core_view v;

	for (struct inst *i = core_next(sh->core, NULL); i; i = core_next(sh->core, i)) {
		core_view(sh->core, i, &v);
		if (v.phase == VM_NONE)
			printf("     not %s: %s\n", v.zone,
			       *v.reason ? v.reason : inst_state_names[v.state]);
	}
}

int plan_print(struct shell *sh)
{
	struct core_event ev = { .type = EV_HOST_BOOT };
	int r = 0;

	for (unsigned i = 0; i < sh->zones.n; i++) {
		const struct zone *z = sh->zones.v[i];

		if (!z->config_error)
			continue;
		printf("     bad %s: %s\n", z->name, z->config_error);
		r = -EINVAL;
	}
	if (core_step(sh->core, &ev, &sh->step) < 0)
		return -ENOMEM;
	run_machines(sh);
	print_rest(sh);
	return r;
}
