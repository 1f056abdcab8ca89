// SPDX-License-Identifier: BSD-2-Clause
/*
 * main.c - main() of every unit test program: collects the TEST()s, runs them, prints TAP
 */
#include "tests/harness/harness.h"

#include <jansson.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>

#define TESTS_MAX 1024

static struct test_case *cases; /* in the order of file and line */
static bool passed;             /* the test in progress came to its end */

void test_register(struct test_case *t)
{
	struct test_case **at = &cases;

	while (*at && (strcmp((*at)->file, t->file) < 0 ||
		       (strcmp((*at)->file, t->file) == 0 && (*at)->line < t->line)))
		at = &(*at)->next;
	t->next = *at;
	*at = t;
}

static int before_test(void **state)
{
	passed = false;
	t_begin();
	return 0;
}

/* A failed check leaves by a long jump. */
static void run_case(void **state)
{
	const struct test_case *t = *state;

	t->run();
	passed = true;
}

static int after_test(void **state)
{
	fault_disarm();
	t_end(passed || t_skipped);
	return 0;
}

static bool wanted(const struct test_case *t, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strstr(t->name, argv[i]))
			return true;
	return argc == 1;
}

int main(int argc, char **argv)
{
	static struct CMUnitTest list[TESTS_MAX];
	size_t n = 0;

	for (struct test_case *t = cases; t; t = t->next) {
		if (!wanted(t, argc, argv))
			continue;
		ASSERT(n < TESTS_MAX);
		list[n++] = (struct CMUnitTest){ t->name, run_case, before_test,
						 after_test, t };
	}
	if (!n) {
		fprintf(stderr, "%s: no test by that name\n", argv[0]);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdout, NULL, _IOLBF, 0);
	json_set_alloc_funcs(malloc, free);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return _cmocka_run_group_tests("tests", list, n, NULL, NULL) ? 1 : 0;
}
