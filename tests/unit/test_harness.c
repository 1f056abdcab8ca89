// SPDX-License-Identifier: BSD-2-Clause
/*
 * test_harness.c - the harness itself: failing allocations, live blocks, roots
 */
#include "tests/harness/harness.h"
#include "common/base/buf.h"

#include <stdio.h>

TEST(fault, nth_allocation_fails_once)
{
	void *a, *b, *c;

	fault_arm(1);
	a = malloc(1);
	b = malloc(1);
	c = malloc(1);
	T_NOT_NULL(a);
	T_NULL(b);
	T_NOT_NULL(c);
	T_TRUE(fault.fired);
	T_EQ(fault.live, 2);
	free(a);
	free(c);
	T_EQ(fault.live, 0);
}

TEST(fault, every_entry_is_counted)
{
	char *s = NULL, *t, *u;
	void *v, *w;

	fault_arm(-1);
	T_EQ(asprintf(&s, "%d", 42), 2);
	t = strdup("x");
	u = strndup("xyz", 2);
	v = calloc(3, 5);
	w = realloc(NULL, 7);
	T_MEMEQ(v, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 15);
	T_STREQ(s, "42");
	T_STREQ(u, "xy");
	T_EQ(fault.live, 5);
	w = realloc(w, 4096);
	T_EQ(fault.live, 5);
	free(s);
	free(t);
	free(u);
	free(v);
	free(w);
	T_EQ(fault.live, 0);
	T_FALSE(fault.fired);
}

TEST(fault, blocks_from_before_are_not_counted)
{
	char *old = strdup("old");

	fault_arm(-1);
	old = realloc(old, 100);
	free(old);
	T_EQ(fault.live, 0);
}

TEST(root, files_come_and_go)
{
	t_write_file(t_path("a"), "one\n");
	T_STREQ(t_read_file(t_path("a")), "one\n");
	T_HAS(t_path("a"), t_root());
}
