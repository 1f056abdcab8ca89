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
uint64_t rnd64(struct world *w)
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
	event_begin(w);
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
			event_random(&w);
	}
	reseed(&w, 2);
	if (chance(&w, 50) && !cut->no_calm)
		event_calm(&w);
	reseed(&w, 3);
	event_host_stop(&w);
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
