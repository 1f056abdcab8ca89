// SPDX-License-Identifier: BSD-2-Clause
/*
 * main.c - svc.zones, the zones delegated restarter: options
 */
#include "common/base/buf.h"
#include "common/base/trace.h"
#include "common/proto/ctl.h"
#include "common/sys/log.h"
#include "restarter/begin.h"
#include "restarter/hosts.h"
#include "restarter/life.h"
#include "restarter/plan.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

static const char usage_text[] =
	"usage: svc.zones [-hn] [-R DIR] [-D FLAG[=LEVEL]]... [--selftest | --states]\n"
	"       svc.zones --release-cgroup\n"
	"\n"
	"The zones delegated restarter: boots, watches and stops kernel zones.\n"
	"\n"
	"  -R DIR    every path below DIR (default: $KZONES_ROOT, else /)\n"
	"  -n        check the configurations, print what would be booted in which\n"
	"            order, and act on nothing\n"
	"  -D FLAG   print trace records of FLAG (core, shell, admin, ctl)\n"
	"  --selftest  check the state tables of this program\n"
	"  --states    print them (docs/states.md)\n"
	"  --release-cgroup  after the end of a svc.zones under running zones: let its\n"
	"            successor be started in the same control group\n"
	"  -h        this text\n";

struct options {
	const char *root;
	bool plan;
	bool selftest;
	bool states;
	bool release;
	bool help;
};

/* 0, or 2 for a usage that was complained about. */
static int parse_options(int argc, char **argv, struct options *o)
{
	struct errmsg e = { "" };

	for (int i = 1; i < argc; i++) {
		const char *a = argv[i];
		bool wants = strcmp(a, "-R") == 0 || strcmp(a, "-D") == 0;

		if (wants && i + 1 == argc) {
			fprintf(stderr, "svc.zones: %s wants an argument\n", a);
			return 2;
		}
		if (strcmp(a, "-R") == 0) {
			o->root = argv[++i];
		} else if (strcmp(a, "-D") == 0) {
			if (trace_parse(argv[++i], &e) < 0) {
				fprintf(stderr, "svc.zones: %s\n", e.text);
				return 2;
			}
		} else if (strcmp(a, "-n") == 0) {
			o->plan = true;
		} else if (strcmp(a, "--selftest") == 0) {
			o->selftest = true;
		} else if (strcmp(a, "--states") == 0) {
			o->states = true;
		} else if (strcmp(a, "--release-cgroup") == 0) {
			o->release = true;
		} else if (strcmp(a, "-h") == 0 || strcmp(a, "--help") == 0) {
			o->help = true;
		} else {
			fprintf(stderr, "svc.zones: unknown argument '%s'\n%s", a,
				usage_text);
			return 2;
		}
	}
	return 0;
}

static const struct fsm *const machines[] = { &life_fsm, &inst_fsm, &host_fsm, &ctl_fsm };

/* The machines as docs/states.md shows them. */
static int print_states(void)
{
	cleanup(buf_fini) struct buf out = { 0 };

	buf_adds(&out,
		 "# States\n\nPrinted by `svc.zones --states` from the tables that the "
		 "programs run on; a test compares.\n"
		 "A zone above installed is ready, running, shutting_down or down by "
		 "what its machine does.\n\n");
	for (unsigned i = 0; i < ARRAY_SIZE(machines); i++) {
		fsm_print(machines[i], &out);
		if (machines[i] == &inst_fsm)
			core_print_tables(&out);
	}
	if (buf_error(&out))
		return 1;
	fputs(out.p, stdout);
	return 0;
}

static int selftest(void)
{
	struct errmsg e = { "" };
	int status = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(machines); i++) {
		int r = fsm_check(machines[i], &e);

		printf("%s: %s\n", machines[i]->name, r ? e.text : "sound");
		status |= r != 0;
	}
	return status;
}

static int daemon_main(struct shell *sh, struct errmsg *e)
{
	struct rlimit files;
	int lock = -1, r;

	/* Some ten descriptors a zone. */
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	r = begin_lock(&sh->paths, &lock, e);
	if (r == 0)
		r = begin_load(sh, false, e);
	if (r == 0)
		r = begin_serve(sh, e);
	if (r == 0) {
		(void)uv_run(&sh->loop, UV_RUN_DEFAULT);
		begin_leave(sh);
	}
	closep(&lock);
	return r;
}

static int plan_main(struct shell *sh, struct errmsg *e)
{
	int r = config_load(&sh->paths, &sh->config, NULL, e);

	if (r == 0)
		r = begin_load(sh, true, e);
	return r < 0 ? r : plan_print(sh);
}

int main(int argc, char **argv)
{
	struct options o = { 0 };
	struct shell sh = { 0 };
	struct errmsg e = { "" };
	int r;

	log_init("svc.zones");
	r = parse_options(argc, argv, &o);
	if (r)
		return r;
	if (o.help) {
		fputs(usage_text, stdout);
		return 0;
	}
	if (o.selftest)
		return selftest();
	if (o.states)
		return print_states();
	umask(022);
	r = paths_init(&sh.paths, o.root, &e);
	if (r == 0 && o.release) {
		r = limits_release(&sh.paths, &e);
		if (r < 0)
			log_err("%s", e.text);
		paths_fini(&sh.paths);
		return r < 0 ? 1 : 0;
	}
	if (r == 0)
		r = shell_init(&sh);
	if (r < 0) {
		log_err("%s", *e.text ? e.text : strerror(-r));
		return 1;
	}
	r = o.plan ? plan_main(&sh, &e) : daemon_main(&sh, &e);
	if (r < 0 && (*e.text || !o.plan))
		log_err("%s", *e.text ? e.text : strerror(-r));
	shell_fini(&sh);
	return r < 0 ? 1 : 0;
}
