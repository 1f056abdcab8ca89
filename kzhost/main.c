// SPDX-License-Identifier: BSD-2-Clause
/*
 * main.c - kzhost: arguments, descriptors, exit status
 */
#include "common/base/trace.h"
#include "common/proto/ctl.h"
#include "common/sys/jail.h"
#include "common/sys/log.h"
#include "common/sys/paths.h"
#include "kzhost/fds.h"
#include "kzhost/host.h"
#include "kzhost/sandbox/confine.h"

#include <fcntl.h>
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define EXIT_USAGE 2

#if defined(__SANITIZE_ADDRESS__)
/* The leak checker stops the process with ptrace(2), which the sandbox forbids. */
const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
	return "detect_leaks=0:symbolize=0";
}
#endif

static const char usage[] = "usage: kzhost [-D flag[=level]] [-j n] [-u uid] -z zone\n"
			    "       kzhost --selftest | -h\n";

static int selftest(void)
{
	struct errmsg e = { "" };

	if (fsm_check(&ctl_fsm, &e) < 0) {
		printf("control protocol: %s\n", e.text);
		return EXIT_FAILURE;
	}
	printf("control protocol: good\n");
	return EXIT_SUCCESS;
}

struct options {
	const char *zone;
	struct confine confine;
	bool help;
	bool selftest;
};

/* From 1 to max; 0 or -EINVAL. */
static int parse_number(const char *text, unsigned max, unsigned *ret_number)
{
	unsigned long number;
	char *end;

	errno = 0;
	number = strtoul(text, &end, 10);
	if (*text < '1' || *text > '9' || *end || errno || number > max)
		return -EINVAL;
	*ret_number = (unsigned)number;
	return 0;
}

/* 0 or -EINVAL with a text. */
static int parse_options(int argc, char **argv, struct options *opt, struct errmsg *e)
{
	static const struct option longs[] = {
		{ "selftest", no_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int c, r;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "D:hj:u:z:", longs, NULL)) >= 0) {
		switch (c) {
		case 'D':
			r = trace_parse(optarg, e);
			if (r < 0)
				return r;
			break;
		case 'h':
			opt->help = true;
			break;
		case 'j':
			r = parse_number(optarg, JAIL_NS_N, &opt->confine.n_ns);
			if (r < 0)
				return errmsg_set(e, r,
						  "-j needs a number of namespaces");
			break;
		case 's':
			opt->selftest = true;
			break;
		case 'u':
			r = parse_number(optarg, UINT32_MAX - 1, &opt->confine.uid);
			if (r < 0)
				return errmsg_set(e, r, "-u needs a uid other than 0");
			break;
		case 'z':
			opt->zone = optarg;
			break;
		default:
			return errmsg_set(e, -EINVAL,
					  "unknown option or missing argument");
		}
	}
	if (optind < argc)
		return errmsg_set(e, -EINVAL, "%s: unexpected argument", argv[optind]);
	if (opt->help || opt->selftest)
		return 0;
	if (!opt->zone || !*opt->zone || strlen(opt->zone) > ZONE_NAME_MAX)
		return errmsg_set(e, -EINVAL, "-z needs the name of a zone");
	return 0;
}

/* Standard descriptors open, the control socket and namespaces in their places, nothing
 * else. */
static int prepare_descriptors(unsigned n_ns, struct errmsg *e)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd < 0)
		return errmsg_set(e, -errno, "/dev/null: %s", strerror(errno));
	if (fd >= CTL_NS_FD + (int)n_ns)
		close(fd);
	if (close_range(CTL_NS_FD + n_ns, ~0u, 0) < 0)
		return errmsg_set(e, -errno, "close_range: %s", strerror(errno));
	if (!fds_is_listening(CTL_LISTEN_FD, SOCK_SEQPACKET))
		return errmsg_set(
			e, -EBADF,
			"descriptor %d is not a listening SEQPACKET socket; kzhost is "
			"started by svc.zones",
			CTL_LISTEN_FD);
	return 0;
}

/* A terminal's signals, a full pipe and a file size limit are not reasons to end a zone.
 */
static void ignore_signals(void)
{
	static const int signals[] = {
		SIGPIPE, SIGHUP, SIGINT, SIGQUIT, SIGXFSZ, SIGTSTP
	};

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		signal(signals[i], SIG_IGN);
}

/* What the C library would do at first need, when the sandbox no longer lets it. */
static void prepare_library(void)
{
	/* One heap for all threads: a heap each would cost memory and gain nothing. */
	mallopt(M_ARENA_MAX, 1);
	/* The first gmtime_r() or timegm() of any kind reads the time zone's file. */
	setenv("TZ", "UTC0", 1);
	tzset();
	log_with_time();
}

int main(int argc, char **argv)
{
	struct options opt = { 0 };
	uint32_t confined = 0;
	struct errmsg e = { "" };
	int r;

	log_init("kzhost");
	if (parse_options(argc, argv, &opt, &e) < 0) {
		log_err("%s", e.text);
		fputs(usage, stderr);
		return EXIT_USAGE;
	}
	if (opt.help) {
		fputs(usage, stdout);
		return EXIT_SUCCESS;
	}
	if (opt.selftest)
		return selftest();
	r = prepare_descriptors(opt.confine.n_ns, &e);
	if (r == 0)
		r = confine_process(&opt.confine, &confined, &e);
	if (r == 0) {
		ignore_signals();
		prepare_library();
		r = host_run(opt.zone, CTL_LISTEN_FD, confined, &e);
	}
	if (r < 0) {
		log_err("zone=%s %s", opt.zone, e.text);
		return EXIT_FAILURE;
	}
	return r;
}
