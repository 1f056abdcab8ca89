// SPDX-License-Identifier: BSD-2-Clause
/*
 * random.c - random histories of the restarter's core
 *
 * random [-v] [--seed N] [--count N] [--steps N]: history n has seed N + n and depends on
 * nothing else; without --count there are as many as make N steps, a million. A failure,
 * be it a broken invariant, an ASSERT, a sanitizer's report or a signal (histories run in
 * a child, which may die), prints the seed and the history with all left out that it can
 * fail without; "--seed THAT
 * --count 1 -v" shows the whole of it.
 */
#include "tests/random/world.h"

#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

static bool probing; /* a child that only finds out whether it still fails */
static void shrink(uint64_t seed);

/* What the child that runs the histories leaves to its parent. */
static struct {
	uint64_t seed; /* of the history under way */
	uint64_t n_steps;
	bool told; /* why it ended was printed */
} * shared;

void broken(const struct world *w, const char *fmt, ...)
{
	va_list ap;

	if (probing && !w->verbose)
		_exit(1);
	shared->told = true;
	if (probing)
		printf("# and then: ");
	else
		printf("not ok 1 - random histories\n# seed %llu, step %u, %.3f s: ",
		       (unsigned long long)w->seed, w->n_steps, (double)w->now_ms / 1000);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n# to see it: random --seed %llu --count 1 -v\n",
	       (unsigned long long)w->seed);
	if (!probing && !w->verbose)
		shrink(w->seed);
	exit(1);
}

void say(const struct world *w, const char *fmt, ...)
{
	va_list ap;

	if (!w->verbose)
		return;
	printf("# [%.3f] ", (double)w->now_ms / 1000);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
}

/* splitmix64 */
static uint64_t rnd64(struct world *w)
{
	uint64_t z = (w->rng += 0x9e3779b97f4a7c15ull);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

unsigned rnd(struct world *w, unsigned n)
{
	return (unsigned)(rnd64(w) % n);
}

bool chance(struct world *w, unsigned percent)
{
	return rnd(w, 100) < percent;
}

struct zone *zone_named(struct world *w, const char *name)
{
	return &w->zones[strtoul(name + 1, NULL, 10)];
}

struct zone *zone_of(struct world *w, const struct inst *i)
{
	struct core_view v;

	core_view(w->core, i, &v);
	return zone_named(w, v.zone);
}

/* A dependency: mostly on a zone that comes before, so that cycles are rare. */
static void random_dep(struct world *w, struct zone *z, unsigned number, unsigned n)
{
	static const char *const groups[] = { "", "", "data" };
	struct core_dep *d = &z->deps[n];
	unsigned dice = rnd(w, 100);

	z->target[n] = dice < 4 ? -1 : dice < 7 ? -2 : (int)rnd(w, number ? number : 1);
	if (dice > 94)
		z->target[n] = (int)rnd(w, w->n_zones);
	else if (dice > 88)
		z->target[n] = TARGET_UNIT((int)rnd(w, UNITS));
	dice = rnd(w, 100);
	d->grouping = dice < 70   ? DEP_REQUIRE_ALL
		      : dice < 80 ? DEP_REQUIRE_ANY
		      : dice < 92 ? DEP_OPTIONAL_ALL
				  : DEP_EXCLUDE_ALL;
	if (z->target[n] == (int)number && !chance(w, 20))
		z->target[n] = -1;
	d->group = d->grouping == DEP_REQUIRE_ANY ? groups[2] : groups[rnd(w, 2)];
	if (z->target[n] >= 0)
		snprintf(z->fmri[n], sizeof(z->fmri[n]), CORE_FMRI_PREFIX "%s",
			 w->zones[z->target[n]].name);
	else if (z->target[n] <= TARGET_UNIT(0))
		snprintf(z->fmri[n], sizeof(z->fmri[n]),
			 CORE_UNIT_FMRI_PREFIX "%d.service", TARGET_UNIT(z->target[n]));
	else
		snprintf(z->fmri[n], sizeof(z->fmri[n]), "svc:/%s",
			 z->target[n] == -1 ? "system/zones:default" : "network/x:y");
	d->fmri = z->fmri[n];
}

static void random_spec(struct world *w, struct zone *z)
{
	unsigned number = (unsigned)(z - w->zones);
	bool autoboot = z->spec.autoboot;

	z->spec = (struct core_spec){
		.priority = (enum boot_priority)rnd(w, 3),
		.autoshutdown = (enum autoshutdown)rnd(w, 3),
		.on_panic = (enum on_panic)rnd(w, 3),
		.autoboot = z->listed && chance(w, 70) ? autoboot : chance(w, 70),
		.shutdown_timeout_ms = 1000 * rnd(w, 30),
		.goals_timeout_ms = chance(w, 50) ? 0 : 1000 * (1 + rnd(w, 30)),
		.deps = z->deps,
		.n_deps = chance(w, 30) ? 0 : rnd(w, DEPS_MAX + 1),
	};
	for (unsigned n = 0; n < z->spec.n_deps; n++)
		random_dep(w, z, number, n);
}

static void step_failed(struct world *w, const struct core_event *ev, int r)
{
	if (r == -ENOENT && ev->type == EV_HOST_UNIT)
		return; /* no dependency names it now */
	if (r == -ENOENT && ev->zone && !zone_named(w, ev->zone)->listed)
		w->op_open[ev->op] = false;
	else if (r != -EBUSY || ev->type != EV_ZONE_GONE ||
		 zone_named(w, ev->zone)->m.phase == VM_NONE)
		broken(w, "%s gives %d", core_ev_names[ev->type], r);
}

/* One step. The first @limit of its actions are carried out (all: UINT_MAX). */
static int step_part(struct world *w, struct core_event *ev, unsigned limit)
{
	int r;

	ev->now_ms = w->now_ms;
	ev->jitter = chance(w, 50) ? (uint32_t)rnd64(w) : 0;
	w->ev = ev;
	w->n_steps++;
	say(w, "> %s %s", core_ev_names[ev->type], ev->zone ? ev->zone : "");
	check_slots_begin(w, ev);
	r = core_step(w->core, ev, &w->actions);
	if (r < 0) {
		step_failed(w, ev, r);
		return r;
	}
	if (limit != UINT32_MAX) {
		for (unsigned n = 0; n < MIN(limit, w->actions.n); n++)
			sim_action(w, &w->actions.v[n]);
		return 0;
	}
	check_actions(w);
	for (unsigned n = 0; n < w->actions.n; n++) {
		const struct core_action *a = &w->actions.v[n];

		say(w, "%s %s: %s", core_act_names[a->type],
		    a->inst ? zone_of(w, a->inst)->name : "", a->reason);
		if (a->type != ACT_PERSIST)
			sim_action(w, a);
	}
	return 0;
}

static int step(struct world *w, struct core_event *ev)
{
	int r = step_part(w, ev, UINT32_MAX);

	if (r == 0)
		check_step(w);
	return r;
}

static void host_event(struct world *w, enum core_ev type)
{
	struct core_event ev = { .type = type };

	step(w, &ev);
}

static void set_limit(struct world *w)
{
	struct core_event ev = { .type = EV_LIMITS };

	ev.limits.boot_shutdown = w->limit = chance(w, 30) ? 0 : 1 + rnd(w, 4);
	step(w, &ev);
}

static void tell_unit(struct world *w, unsigned n)
{
	struct core_event ev = { .type = EV_HOST_UNIT };
	char name[16];

	snprintf(name, sizeof(name), "%u.service", n);
	ev.unit.name = name;
	ev.unit.state = w->units[n];
	step(w, &ev);
}

/* Units that the core has not heard of, or no more, since it was last told. */
static void tell_units(struct world *w)
{
	for (unsigned n = 0; n < UNITS; n++)
		tell_unit(w, n);
}

static void change_unit(struct world *w)
{
	unsigned n = rnd(w, UNITS);

	w->units[n] = (enum unit_state)(UNIT_UNKNOWN + 1 + (int)rnd(w, UNIT_STATE_N - 1));
	tell_unit(w, n);
}

static void tell_zone(struct world *w, struct zone *z)
{
	struct core_event ev = { .type = EV_ZONE_SET, .zone = z->name, .spec = z->spec };

	z->listed = true;
	check_cycles(w);
	step(w, &ev);
}

static void adopt(struct world *w, struct zone *z, struct core_event *ev)
{
	struct core_view v;

	step(w, ev);
	core_view(w->core, core_find(w->core, z->name), &v);
	z->boot_slot = v.phase == VM_RUNNING && v.state == INST_OFFLINE;
	z->stop_slot = v.phase == VM_STOPPING;
}

/* All that a new restarter finds. */
static void tell_all(struct world *w)
{
	struct core_event limits = { .type = EV_LIMITS };

	limits.limits.boot_shutdown = w->limit;
	step(w, &limits);
	for (unsigned n = 0; n < w->n_zones; n++) {
		struct zone *z = &w->zones[n];
		struct core_event saved = { .type = EV_ZONE_RESTORE, .zone = z->name };
		struct core_event found = { .type = EV_ADOPT, .zone = z->name };
		struct core_event ev = { .zone = z->name };
		enum vm_phase phase;

		if (!z->installed)
			continue;
		sim_found(w, z);
		/* tell_zone() checks; the machine that is not adopted yet must not count
		 */
		saved.saved = z->saved;
		phase = z->m.phase;
		found.adopt.stopping = phase == VM_STOPPING;
		found.adopt.since_ms = z->m.since_ms;
		z->m.phase = VM_NONE;
		tell_zone(w, z);
		if (z->has_saved)
			step(w, &saved);
		z->m.phase = phase;
		if (phase != VM_NONE)
			adopt(w, z, &found);
		ev.type = z->m.panicked ? EV_VM_PANICKED : EV_VM_GOALS;
		if (phase == VM_RUNNING && !z->m.ending && (z->m.panicked || z->m.goals))
			step(w, &ev);
	}
}

/* The restarter dies, sometimes the host with it, and comes back. */
static void restart(struct world *w, bool host)
{
	say(w, "the %s dies", host ? "host" : "restarter");
	core_free(w->core);
	w->core = NULL;
	if (core_new(&w->core) < 0)
		broken(w, "no memory");
	memset(w->op_open, 0, sizeof(w->op_open));
	w->ready = w->stopping = w->stopped = false;
	for (unsigned n = 0; n < w->n_zones; n++) {
		w->zones[n].listed = false;
		w->zones[n].boot_slot = w->zones[n].stop_slot = false;
		if (host)
			w->zones[n].m.phase = VM_NONE;
	}
	if (!host && chance(w, 30))
		w->now_ms += rnd(w, 20000);
	tell_all(w);
	w->ready = true;
	check_cycles(w);
	host_event(w, host ? EV_HOST_BOOT : EV_READY);
}

static void install(struct world *w, struct zone *z)
{
	z->installed = true;
	z->has_saved = false;
	random_spec(w, z);
	tell_zone(w, z);
}

static void uninstall(struct world *w, struct zone *z)
{
	struct core_event ev = { .type = EV_ZONE_GONE, .zone = z->name };

	z->listed = false;
	check_cycles(w);
	if (z->m.phase != VM_NONE)
		z->listed = true;
	if (step(w, &ev) == 0)
		z->installed = false;
	check_cycles(w);
}

static void operate(struct world *w, struct zone *z, struct core_event *ev)
{
	static const enum core_ev verbs[] = { EV_BOOT,       EV_BOOT,         EV_BOOT,
					      EV_SHUTDOWN,   EV_HALT,         EV_REBOOT,
					      EV_RESTART,    EV_ENABLE,       EV_ENABLE,
					      EV_DISABLE,    EV_CLEAR,        EV_CLEAR,
					      EV_MARK_MAINT, EV_MARK_DEGRADED };

	*ev = (struct core_event){ .type = verbs[rnd(w, ARRAY_SIZE(verbs))],
				   .zone = z->name,
				   .temporary = chance(w, 50) };
	if (ev->type == EV_MARK_MAINT)
		ev->mark.immediate = chance(w, 50), ev->mark.temporary = chance(w, 50);
	if (chance(w, 90) && w->n_ops + 1 < OPS_MAX) {
		ev->op = ++w->n_ops;
		w->op_open[ev->op] = true;
	}
	if (z->m.phase != VM_NONE)
		z->operator_stop = true;
}

/* Something that was true before, or comes too late. */
static void noise(struct world *w, struct zone *z)
{
	static const enum core_ev late[] = { EV_VM_RUNNING, EV_VM_GOALS, EV_VM_EXITED,
					     EV_VM_FAILED, EV_VM_PANICKED };
	struct core_event ev = { .zone = z->name, .end = VM_END_CRASH };

	if (z->m.phase == VM_NONE)
		ev.type = late[rnd(w, ARRAY_SIZE(late))];
	else if (z->m.phase != VM_STARTING)
		ev.type = EV_VM_RUNNING;
	else
		return;
	step(w, &ev);
}

static void advance(struct world *w)
{
	uint64_t machine = sim_next_ms(w), core = core_deadline_ms(w->core);
	uint64_t next = MIN(machine, core);
	struct core_event ev;

	if (next == NEVER)
		return;
	w->now_ms = MAX(w->now_ms, next);
	if (core <= w->now_ms && (machine > w->now_ms || chance(w, 50))) {
		host_event(w, EV_TIMER);
		return;
	}
	for (unsigned n = 0; n < w->n_zones; n++)
		if (sim_due(w, &w->zones[n], &ev)) {
			step(w, &ev);
			return;
		}
}

/* Carries out only the begin of a step's actions, then dies. */
static void die_in_the_middle(struct world *w, struct zone *z)
{
	struct core_event ev = { .type = EV_TIMER };

	if (!w->stopping && z->listed)
		operate(w, z, &ev);
	if (step_part(w, &ev, rnd(w, 8)) == 0)
		restart(w, chance(w, 20));
}

static void change_zone(struct world *w, struct zone *z)
{
	if (!z->installed) {
		install(w, z);
	} else if (chance(w, 30)) {
		uninstall(w, z);
	} else {
		random_spec(w, z);
		tell_zone(w, z);
	}
}

static void random_event(struct world *w)
{
	struct zone *z = &w->zones[rnd(w, w->n_zones)];
	unsigned dice = rnd(w, 1000);
	struct core_event ev;

	if (dice < 700) {
		advance(w);
	} else if (dice < 715) {
		change_unit(w);
	} else if (dice < 720) {
		tell_units(w);
	} else if (dice < 900) {
		operate(w, z, &ev);
		step(w, &ev);
	} else if (dice < 940) {
		change_zone(w, z);
	} else if (dice < 965 && z->listed) {
		noise(w, z);
	} else if (dice < 980) {
		set_limit(w);
	} else if (dice < 990) {
		restart(w, chance(w, 20));
	} else {
		die_in_the_middle(w, z);
	}
}

/* Machines behave, nobody interferes: everything has to come to rest. */
static void calm_down(struct world *w)
{
	unsigned budget = 3000;

	w->calm = true;
	tell_units(w);
	while (sim_next_ms(w) != NEVER || core_deadline_ms(w->core) != NEVER) {
		if (!budget--)
			broken(w, "it does not come to rest");
		advance(w);
	}
	check_quiet(w);
	w->calm = false;
}

static void host_stop(struct world *w)
{
	struct core_event ev = { .type = EV_HOST_STOP };
	unsigned budget = 1000;

	w->stopping = true;
	ev.stop_deadline_ms = w->stop_deadline_ms = w->now_ms + 1000 * rnd(w, 120);
	step(w, &ev);
	while (!w->stopped) {
		if (!budget--)
			broken(w, "the host does not stop");
		if (chance(w, 5)) {
			operate(w, &w->zones[rnd(w, w->n_zones)], &ev);
			step(w, &ev);
		}
		advance(w);
	}
	if (w->now_ms > w->stop_deadline_ms + 1000)
		broken(w, "stopped after the deadline");
	for (uint64_t op = 1; op <= w->n_ops; op++)
		if (w->op_open[op])
			broken(w, "operation %llu was never answered",
			       (unsigned long long)op);
}

#define LENGTH_MAX 100

/* What of a history is left when it is made shorter: its events stay what they are. */
struct cut {
	bool skip[LENGTH_MAX], no_calm;
	unsigned n_zones; /* 0: as the seed says */
};

static const struct cut whole;

/* Every part of a history has numbers of its own, so that leaving one out changes none
 * of the others. */
static void reseed(struct world *w, unsigned part)
{
	w->rng = w->seed * 0x9e3779b97f4a7c15ull + part * 0xd1342543de82ef95ull;
	rnd64(w);
}

/* Mostly few, as few are enough for most mistakes, and a step of many takes longer. */
static unsigned random_size(struct world *w)
{
	unsigned dice = rnd(w, 1000);

	return 1 + (dice < 900 ? rnd(w, 12) : dice < 990 ? rnd(w, 40) : rnd(w, ZONES));
}

static void begin(struct world *w, uint64_t seed, const struct cut *cut, bool verbose)
{
	*w = (struct world){ .seed = seed, .verbose = verbose };
	reseed(w, 0);
	w->n_zones = random_size(w);
	if (cut->n_zones)
		w->n_zones = cut->n_zones;
	if (core_new(&w->core) < 0)
		broken(w, "no memory");
	for (unsigned n = 0; n < w->n_zones; n++)
		snprintf(w->zones[n].name, sizeof(w->zones[n].name), "z%u", n);
	w->now_ms = 1000000;
	set_limit(w);
	for (unsigned n = 0; n < w->n_zones; n++)
		if (chance(w, 80))
			install(w, &w->zones[n]);
	w->ready = true;
	check_cycles(w);
	host_event(w, EV_HOST_BOOT);
}

static unsigned history(uint64_t seed, const struct cut *cut, bool verbose)
{
	static struct world w;
	unsigned length;

	begin(&w, seed, cut, verbose);
	reseed(&w, 1);
	length = 20 + rnd(&w, LENGTH_MAX - 20);
	for (unsigned n = 0; n < length; n++) {
		reseed(&w, 4 + n);
		if (!cut->skip[n])
			random_event(&w);
	}
	reseed(&w, 2);
	if (chance(&w, 50) && !cut->no_calm)
		calm_down(&w);
	reseed(&w, 3);
	host_stop(&w);
	core_free(w.core);
	core_actions_fini(&w.actions);
	return w.n_steps;
}

/* Does it fail, too, when this is cut? */
static bool still_fails(uint64_t seed, const struct cut *cut)
{
	int status = 0;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		probing = true;
		(void)!freopen("/dev/null", "w", stderr);
		history(seed, cut, false);
		_exit(0);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && status != 0;
}

/* Leaves events out, in ever smaller portions, while it still fails. */
static void cut_events(uint64_t seed, struct cut *cut)
{
	for (unsigned size = LENGTH_MAX / 2; size; size /= 2) {
		for (unsigned at = 0; at < LENGTH_MAX; at += size) {
			struct cut less = *cut;

			for (unsigned n = at; n < MIN(at + size, LENGTH_MAX); n++)
				less.skip[n] = true;
			if (still_fails(seed, &less))
				*cut = less;
		}
	}
}

static void shrink(uint64_t seed)
{
	struct cut cut = { .no_calm = true };
	unsigned left = 0;

	if (!still_fails(seed, &cut))
		cut.no_calm = false;
	for (cut.n_zones = 1; cut.n_zones < ZONES; cut.n_zones++)
		if (still_fails(seed, &cut))
			break;
	if (cut.n_zones == ZONES)
		cut.n_zones = 0;
	cut_events(seed, &cut);
	for (unsigned n = 0; n < LENGTH_MAX; n++)
		left += !cut.skip[n];
	printf("# shrunk to %u events and %u zones (0: as before):\n", left, cut.n_zones);
	probing = true; /* what breaks now only ends it */
	history(seed, &cut, true);
}

/* Histories, until there were enough of them. */
static void run(uint64_t seed, uint64_t count, uint64_t steps, bool verbose)
{
	uint64_t n = 0;

	for (; n < count && (count != UINT64_MAX || shared->n_steps < steps); n++) {
		shared->seed = seed + n;
		shared->n_steps += history(seed + n, &whole, verbose);
	}
	printf("# %llu histories, %llu steps\nok 1 - random histories\n",
	       (unsigned long long)n, (unsigned long long)shared->n_steps);
}

/* Runs them in a child, and makes short what it died of. The exit status. */
static int watch(uint64_t seed, uint64_t count, uint64_t steps, bool verbose)
{
	int status = 0;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		run(seed, count, steps, verbose);
		exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return 1;
	if (status == 0)
		return 0;
	if (!shared->told) {
		printf("not ok 1 - random histories\n# seed %llu: it died of %s %d\n",
		       (unsigned long long)shared->seed,
		       WIFSIGNALED(status) ? "signal" : "exit status",
		       WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
		if (!verbose)
			shrink(shared->seed);
	}
	return 1;
}

int main(int argc, char **argv)
{
	uint64_t seed = 1, count = UINT64_MAX, steps = 1000000;
	bool verbose = false;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-v") == 0)
			verbose = true;
		else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc)
			seed = strtoull(argv[++i], NULL, 0);
		else if (strcmp(argv[i], "--count") == 0 && i + 1 < argc)
			count = strtoull(argv[++i], NULL, 0);
		else if (strcmp(argv[i], "--steps") == 0 && i + 1 < argc)
			steps = strtoull(argv[++i], NULL, 0);
		else {
			fprintf(stderr, "usage: random [-v] [--seed N] [--count N] "
					"[--steps N]\n");
			return 2;
		}
	}
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return 1;
	setvbuf(stdout, NULL, _IOLBF, 0); /* what was said is seen when it dies */
	printf("1..1\n");
	return watch(seed, count, steps, verbose);
}
