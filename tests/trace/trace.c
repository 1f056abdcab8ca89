// SPDX-License-Identifier: BSD-2-Clause
/*
 * trace.c - runs the restarter's core through scenarios whose expected log is the
 * scenario
 *
 * DOC: A scenario
 *
 * A line that begins with "> " is an event; the lines behind it are what the core has to
 * answer, with the simulated time in seconds; "#" begins a comment, and empty lines are
 * kept. The runner prints what happens in the same form and compares the whole with the
 * file; UPDATE_GOLDEN=1 writes it instead. Events:
 *
 *	set ZONE [autoboot] [prio=high|low] [auto=halt|suspend] [panic=restart|halt]
 *		[goals=SECONDS] [stop=SECONDS] [dep=ZONE|FMRI]... [any=GROUP:ZONE]...
 *		[all=GROUP:ZONE]... [optional=ZONE]... [exclude=ZONE]...
 *	limit N, ready, host-boot, host-stop SECONDS (from now)
 *	boot|shutdown|halt|reboot|restart|clear ZONE (operations are numbered from 1)
 *	mark-maintenance ZONE [-I] [-t], mark-degraded ZONE
 *	enable|disable ZONE [-t]
 *	unit NAME unknown|absent|disabled|offline|online|maintenance (of the host)
 *	running|goals|gone|back ZONE, failed|no-storage|panicked ZONE [TEXT], away ZONE TEXT
 *	exited ZONE poweroff|reset|halted|panic|crash [TEXT]
 *	wait SECONDS (timers come at their deadlines), show
 *	restarter (persisted states go to a new core; then adopt, goals, ready follow;
 *		autoboot is as svcadm enable and disable wrote it)
 *	jitter SHARE (of what chance may take, 0 to 1, from now on)
 *	clock SECONDS (is that from now on, which may be earlier)
 *	adopt ZONE running|stopping SECONDS (since)
 *
 * With --oom every step first meets every failing allocation; the log must not differ.
 */
#include "restarter/core.h"
#include "common/base/buf.h"
#include "tests/harness/fault.h"

#include <stdio.h>
#include <string.h>

#define ZONES_MAX 32
#define WORDS_MAX 24
#define DEPS_MAX  16

struct zone {
	char name[32], line[200]; /* the line of its last set */
	bool has_saved, wrote_autoboot, autoboot;
	struct core_saved saved;
};

struct world {
	struct core *core;
	struct core_actions actions;
	uint64_t now_ms, next_op;
	uint32_t jitter;
	struct zone zones[ZONES_MAX];
	unsigned n_zones;
	bool oom;
	unsigned n_failed; /* steps that got no memory */
	struct buf log;
};

static int bad(const char *what, const char *word)
{
	printf("# %s: %s\n", what, word ? word : "(missing)");
	return -EINVAL;
}

static struct zone *zone_of(struct world *w, const char *name)
{
	for (unsigned n = 0; n < w->n_zones; n++)
		if (strcmp(w->zones[n].name, name) == 0)
			return &w->zones[n];
	snprintf(w->zones[w->n_zones].name, sizeof(w->zones[0].name), "%s", name);
	return &w->zones[w->n_zones++];
}

static void log_state(struct buf *log, enum inst_state state, enum inst_state next)
{
	buf_addf(log, "%s%s", inst_state_names[state], state == next ? "" : "*");
}

static void log_action(struct world *w, const struct core_action *a)
{
	struct core_view v;

	buf_addf(&w->log, "[%.3f] %s", (double)w->now_ms / 1000, core_act_names[a->type]);
	if (a->inst) {
		core_view(w->core, a->inst, &v);
		buf_addf(&w->log, " %s", v.zone);
	}
	switch (a->type) {
	case ACT_STATE:
		buf_addf(&w->log, " %s -> ", inst_state_names[a->from]);
		log_state(&w->log, v.state, v.next);
		break;
	case ACT_AUTOBOOT:
		buf_adds(&w->log, a->value ? " true" : " false");
		zone_of(w, v.zone)->wrote_autoboot = true;
		zone_of(w, v.zone)->autoboot = a->value;
		break;
	case ACT_OP_WAIT:
		buf_addf(&w->log, " op %llu", (unsigned long long)a->op);
		break;
	case ACT_OP_DONE:
		buf_addf(&w->log, " op %llu: %s", (unsigned long long)a->op,
			 a->err ? strerrorname_np(-a->err) : "done");
		break;
	case ACT_PERSIST: {
		struct zone *z = zone_of(w, v.zone);

		core_saved_of(w->core, a->inst, &z->saved);
		z->has_saved = true;
		buf_addf(&w->log, " %s %s%s", inst_state_names[z->saved.state],
			 z->saved.enabled ? "enabled" : "disabled",
			 z->saved.enabled_temporary ? " (temporary)" : "");
		if (z->saved.to_maint)
			buf_adds(&w->log, " to maintenance");
		if (z->saved.again)
			buf_addf(&w->log, " to boot again by %s",
				 core_again_names[z->saved.again]);
		if (z->saved.marked)
			buf_adds(&w->log, " marked");
		if (z->saved.unavailable)
			buf_adds(&w->log, " unavailable");
		break;
	}
	default:
		break;
	}
	if (a->reason[0])
		buf_addf(&w->log, ": %s", a->reason);
	buf_adds(&w->log, "\n");
}

static int step(struct world *w, struct core_event *ev)
{
	int r = -ENOMEM;

	ev->now_ms = w->now_ms;
	ev->jitter = w->jitter;
	for (long n = 0; w->oom && r == -ENOMEM; n++) {
		fault_arm(n);
		r = core_step(w->core, ev, &w->actions);
		w->n_failed += r == -ENOMEM;
	}
	fault_disarm();
	if (!w->oom)
		r = core_step(w->core, ev, &w->actions);
	if (r < 0) {
		buf_addf(&w->log, "[%.3f] %s\n", (double)w->now_ms / 1000,
			 strerrorname_np(-r));
		return 0;
	}
	for (unsigned n = 0; n < w->actions.n; n++)
		log_action(w, &w->actions.v[n]);
	return 0;
}

static int wait_until(struct world *w, uint64_t until_ms)
{
	while (core_deadline_ms(w->core) <= until_ms) {
		struct core_event ev = { .type = EV_TIMER };
		uint64_t deadline = core_deadline_ms(w->core);

		w->now_ms = deadline > w->now_ms ? deadline : w->now_ms;
		step(w, &ev);
	}
	w->now_ms = until_ms;
	return 0;
}

static void log_view(struct world *w, const struct inst *i)
{
	struct core_view v;

	core_view(w->core, i, &v);
	buf_addf(&w->log, "[%.3f] %s ", (double)w->now_ms / 1000, v.zone);
	log_state(&w->log, v.state, v.next);
	buf_addf(&w->log, "%s%s%s%s", v.panicked ? " panicked" : "",
		 v.blocked ? " blocked" : "", v.unavailable ? " unavailable" : "",
		 v.reason[0] ? ": " : "");
	buf_addf(&w->log, "%s\n", v.reason);
}

static void show(struct world *w)
{
	core_tell_time(w->core, w->now_ms);
	for (struct inst *i = core_next(w->core, NULL); i; i = core_next(w->core, i))
		log_view(w, i);
}

struct spec_room {
	struct core_dep deps[DEPS_MAX];
	char fmri[DEPS_MAX][64], group[DEPS_MAX][32];
};

static void add_dep(struct core_spec *s, struct spec_room *room,
		    enum dep_grouping grouping, const char *group, const char *name)
{
	unsigned n = s->n_deps++;

	snprintf(room->fmri[n], sizeof(room->fmri[n]), "%s%s",
		 strncmp(name, "svc:", 4) == 0 ? "" : CORE_FMRI_PREFIX, name);
	snprintf(room->group[n], sizeof(room->group[n]), "%s", group);
	room->deps[n] = (struct core_dep){ room->group[n], room->fmri[n], grouping };
}

static int spec_number(const char *value, uint32_t *ret_ms)
{
	*ret_ms = (uint32_t)(strtod(value, NULL) * 1000);
	return 0;
}

static int spec_word(struct core_spec *s, struct spec_room *room, char *word)
{
	char *value = strchr(word, '='), *name;

	if (strcmp(word, "autoboot") == 0) {
		s->autoboot = true;
		return 0;
	}
	if (!value)
		return bad("unknown word", word);
	*value++ = '\0';
	if (strcmp(word, "prio") == 0)
		s->priority = strcmp(value, "high") == 0 ? PRIO_HIGH : PRIO_LOW;
	else if (strcmp(word, "auto") == 0)
		s->autoshutdown = strcmp(value, "halt") == 0 ? AUTO_HALT : AUTO_SUSPEND;
	else if (strcmp(word, "panic") == 0)
		s->on_panic = strcmp(value, "halt") == 0 ? PANIC_HALT : PANIC_RESTART;
	else if (strcmp(word, "goals") == 0)
		return spec_number(value, &s->goals_timeout_ms);
	else if (strcmp(word, "stop") == 0)
		return spec_number(value, &s->shutdown_timeout_ms);
	else if (strcmp(word, "dep") == 0)
		add_dep(s, room, DEP_REQUIRE_ALL, "", value);
	else if (strcmp(word, "optional") == 0)
		add_dep(s, room, DEP_OPTIONAL_ALL, "", value);
	else if (strcmp(word, "exclude") == 0)
		add_dep(s, room, DEP_EXCLUDE_ALL, "", value);
	else if ((strcmp(word, "any") == 0 || strcmp(word, "all") == 0) &&
		 (name = strchr(value, ':'))) {
		*name++ = '\0';
		add_dep(s, room, word[1] == 'n' ? DEP_REQUIRE_ANY : DEP_REQUIRE_ALL,
			value, name);
	} else
		return bad("unknown word", word);
	return 0;
}

static int zone_set(struct world *w, char **words)
{
	struct spec_room room;
	struct core_event ev = { .type = EV_ZONE_SET,
				 .zone = words[1],
				 .spec = { .priority = PRIO_NORMAL,
					   .shutdown_timeout_ms = 60000,
					   .deps = room.deps } };

	for (words += 2; *words; words++)
		if (spec_word(&ev.spec, &room, *words) < 0)
			return -EINVAL;
	if (zone_of(w, ev.zone)->wrote_autoboot)
		ev.spec.autoboot = zone_of(w, ev.zone)->autoboot;
	return step(w, &ev);
}

static unsigned split(char *line, char **words)
{
	unsigned n = 0;
	char *save;

	for (char *s = strtok_r(line, " ", &save); s && n < WORDS_MAX - 1;
	     s = strtok_r(NULL, " ", &save))
		words[n++] = s;
	for (unsigned m = n; m < WORDS_MAX; m++)
		words[m] = NULL;
	return n;
}

/* The restarter dies, and another one begins. */
static int restarter(struct world *w)
{
	char line[200], *words[WORDS_MAX];

	core_free(w->core);
	w->core = NULL;
	if (core_new(&w->core) < 0)
		return -ENOMEM;
	for (unsigned n = 0; n < w->n_zones; n++) {
		struct core_event ev = { .type = EV_ZONE_RESTORE,
					 .zone = w->zones[n].name,
					 .saved = w->zones[n].saved };

		if (!w->zones[n].line[0])
			continue;
		memcpy(line, w->zones[n].line, sizeof(line));
		split(line, words);
		zone_set(w, words);
		if (w->zones[n].has_saved)
			step(w, &ev);
	}
	return 0;
}

static int find_name(const char *const *names, unsigned n, const char *name)
{
	for (unsigned at = 0; at < n; at++)
		if (strcmp(names[at], name) == 0)
			return (int)at;
	return -EINVAL;
}

static int host_event(struct world *w, char **words)
{
	struct core_event ev = { 0 };
	double number = words[1] ? strtod(words[1], NULL) : 0;

	if (strcmp(words[0], "ready") == 0) {
		ev.type = EV_READY;
	} else if (strcmp(words[0], "host-boot") == 0) {
		ev.type = EV_HOST_BOOT;
	} else if (strcmp(words[0], "host-stop") == 0) {
		ev.type = EV_HOST_STOP;
		ev.stop_deadline_ms = w->now_ms + (uint64_t)(number * 1000);
	} else if (strcmp(words[0], "limit") == 0) {
		ev.type = EV_LIMITS;
		ev.limits.boot_shutdown = (unsigned)number;
	} else if (strcmp(words[0], "unit") == 0 && words[1] && words[2]) {
		int at = find_name(unit_state_names, UNIT_STATE_N, words[2]);

		if (at < 0)
			return bad("which state", words[2]);
		ev.type = EV_HOST_UNIT;
		ev.unit.name = words[1];
		ev.unit.state = (enum unit_state)at;
	} else {
		return bad("unknown event", words[0]);
	}
	return step(w, &ev);
}

static int zone_event(struct world *w, char **words, const char *text)
{
	static const char *const ends[] = { "poweroff", "reset", "halted", "panic",
					    "crash" };
	struct core_event ev = { .zone = words[1], .text = text };
	char name[32], failed[] = "failed";
	int at;

	ev.storage = strcmp(words[0], "no-storage") == 0;
	if (ev.storage)
		words[0] = failed;
	snprintf(name, sizeof(name), "%s%s",
		 strstr("running goals failed panicked exited", words[0]) ? "vm-"
		 : strstr("gone away back", words[0])                     ? "zone-"
									  : "",
		 words[0]);
	at = find_name(core_ev_names, CORE_EV_N, name);
	if (at < 0 || at == EV_READY || at == EV_HOST_BOOT || at == EV_HOST_STOP)
		return host_event(w, words);
	if (!words[1])
		return bad("which zone", words[0]);
	ev.type = (enum core_ev)at;
	if (ev.type >= EV_BOOT && ev.type <= EV_MARK_DEGRADED)
		ev.op = ++w->next_op;
	if (ev.type == EV_ENABLE || ev.type == EV_DISABLE)
		ev.temporary = words[2] != NULL;
	if (ev.type == EV_MARK_MAINT)
		for (char **word = words + 2; *word; word++)
			*(strcmp(*word, "-I") == 0 ? &ev.mark.immediate
						   : &ev.mark.temporary) = true;
	if (ev.type == EV_ADOPT) {
		at = words[2] ? find_name(vm_phase_names, VM_PHASE_N, words[2]) : -1;
		if (at != VM_RUNNING && at != VM_STOPPING)
			return bad("which phase", words[2]);
		ev.adopt.stopping = at == VM_STOPPING;
		ev.adopt.since_ms =
			(uint64_t)(words[3] ? strtod(words[3], NULL) * 1000 : 0);
	}
	if (ev.type == EV_VM_EXITED) {
		at = words[2] ? find_name(ends, ARRAY_SIZE(ends), words[2]) : -1;
		if (at < 0)
			return bad("which end", words[2]);
		ev.end = (enum vm_end)at;
	}
	return step(w, &ev);
}

/* What stands behind the first @n words. */
static const char *rest(const char *line, unsigned n)
{
	while (n-- && (line = strchr(line, ' ')))
		line++;
	return line;
}

static int run_line(struct world *w, const char *line)
{
	char copy[200], *words[WORDS_MAX];
	struct zone *z;

	snprintf(copy, sizeof(copy), "%s", line);
	if (!split(copy, words))
		return bad("empty event", line);
	if (strcmp(words[0], "wait") == 0)
		return wait_until(w,
				  w->now_ms + (uint64_t)(strtod(words[1], NULL) * 1000));
	if (strcmp(words[0], "show") == 0) {
		show(w);
		return 0;
	}
	if (strcmp(words[0], "jitter") == 0) {
		w->jitter = (uint32_t)(strtod(words[1], NULL) * UINT32_MAX);
		return 0;
	}
	if (strcmp(words[0], "clock") == 0) {
		w->now_ms = (uint64_t)(strtod(words[1], NULL) * 1000);
		return 0;
	}
	if (strcmp(words[0], "restarter") == 0)
		return restarter(w);
	if (strcmp(words[0], "set") == 0) {
		z = zone_of(w, words[1]);
		z->wrote_autoboot = false;
		snprintf(z->line, sizeof(z->line), "%s", line);
		return zone_set(w, words);
	}
	if (strcmp(words[0], "gone") == 0)
		zone_of(w, words[1])->line[0] = '\0';
	return zone_event(w, words, rest(line, strcmp(words[0], "exited") == 0 ? 3 : 2));
}

/* Runs the events of @text; comments, empty lines and events go to the log as they are.
 */
static int run_text(struct world *w, char *text)
{
	char *save;
	int r = 0;

	for (char *line = text; r == 0 && line; line = save) {
		save = strchr(line, '\n');
		if (save)
			*save++ = '\0';
		if (line[0] == '[' || (!line[0] && !save))
			continue;
		buf_addf(&w->log, "%s\n", line);
		if (strncmp(line, "> ", 2) == 0)
			r = run_line(w, line + 2);
	}
	return r;
}

static char *read_all(const char *path)
{
	FILE *f = fopen(path, "r");
	struct buf b = { 0 };
	char chunk[4096];
	char *text = NULL;
	size_t n;

	if (!f)
		return NULL;
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		buf_add(&b, chunk, n);
	fclose(f);
	return buf_take(&b, &text) < 0 ? NULL : text;
}

static void print_diff(const char *path, const char *got)
{
	char command[512];
	FILE *f;

	snprintf(command, sizeof(command), "diff -u '%s' - | sed 's/^/# /'", path);
	fflush(stdout);
	f = popen(command, "w");
	if (!f)
		return;
	fputs(got, f);
	pclose(f);
}

static bool update(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");
	bool ok = f && fputs(text, f) >= 0;

	return (!f || fclose(f) == 0) && ok;
}

static bool run_file(const char *path, bool oom)
{
	struct world w = { .oom = oom };
	cleanup(freep) char *want = read_all(path);
	cleanup(freep) char *text = want ? strdup(want) : NULL;
	bool ok = false;

	if (!text || core_new(&w.core) < 0) {
		printf("# cannot read %s\n", path);
		return false;
	}
	if (run_text(&w, text) == 0 && buf_error(&w.log) == 0) {
		ok = strcmp(w.log.p, want) == 0;
		if (!ok && getenv("UPDATE_GOLDEN"))
			ok = update(path, w.log.p);
		else if (!ok)
			print_diff(path, w.log.p);
	}
	if (oom)
		printf("# %u steps got no memory\n", w.n_failed);
	ok = ok && (!oom || w.n_failed);
	core_free(w.core);
	core_actions_fini(&w.actions);
	buf_fini(&w.log);
	return ok;
}

int main(int argc, char **argv)
{
	bool oom = argc > 1 && strcmp(argv[1], "--oom") == 0;
	int first = oom ? 2 : 1, failed = 0;

	printf("1..%d\n", argc - first);
	for (int n = first; n < argc; n++) {
		const char *slash = strrchr(argv[n], '/');
		bool ok = run_file(argv[n], oom);

		failed += !ok;
		printf("%sok %d - %s%s\n", ok ? "" : "not ", n - first + 1,
		       slash ? slash + 1 : argv[n],
		       oom ? " with failing allocations" : "");
	}
	return failed != 0;
}
