/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * harness.h - unit tests in C: TEST(), checks that print both sides, private roots
 *
 * A test program is one or more .c files with TEST()s linked with dep_harness, which
 * brings main(): it runs the tests in the order of the source (all, or those whose
 * "group.name" contains an argument) and prints TAP through cmocka.
 */
#ifndef KZ_TESTS_HARNESS_HARNESS_H
#define KZ_TESTS_HARNESS_HARNESS_H

#include "common/base/base.h"
#include "tests/harness/fault.h"

#include <string.h>

struct test_case {
	const char *name; /* "group.name" */
	const char *file;
	int line;
	void (*run)(void);
	struct test_case *next; /* owned by main.c */
};

/* Called by TEST()'s constructor only. */
void test_register(struct test_case *t);

/* TEST(group, what_must_hold) { body } */
#define TEST(group, tname) \
	static void test_##group##_##tname(void); \
	static __attribute__((constructor)) void register_##group##_##tname(void) \
	{ \
		static struct test_case t = { #group "." #tname, __FILE__, __LINE__, \
					      test_##group##_##tname, NULL }; \
		test_register(&t); \
	} \
	static void test_##group##_##tname(void)

/* Where a check stands, for its message. */
struct t_at {
	const char *file;
	int line;
};
#define T_AT ((struct t_at){ __FILE__, __LINE__ })

/* Numbers and pointers; negative errno values are printed with their names. */
#define T_EQ(a, b)         t_eq(T_AT, #a, #b, (intmax_t)(a), (intmax_t)(b), true)
#define T_NE(a, b)         t_eq(T_AT, #a, #b, (intmax_t)(a), (intmax_t)(b), false)
#define T_OK(a)            t_eq(T_AT, #a, "0", (intmax_t)(a), 0, true)
#define T_TRUE(a)          t_true(T_AT, #a, (a))
#define T_FALSE(a)         t_true(T_AT, "!(" #a ")", !(a))
#define T_NULL(p)          t_eq(T_AT, #p, "NULL", (intmax_t)(p), 0, true)
#define T_NOT_NULL(p)      t_eq(T_AT, #p, "NULL", (intmax_t)(p), 0, false)
#define T_STREQ(a, b)      t_streq(T_AT, #a, (a), (b))
#define T_HAS(s, part)     t_has(T_AT, #s, (s), (part))
#define T_MEMEQ(a, b, len) t_memeq(T_AT, #a, (a), (b), (len))
#define T_FAIL(...)        t_fail(T_AT, __VA_ARGS__)
#define T_SKIP(...)        t_skip(__VA_ARGS__)

void t_eq(struct t_at at, const char *a_text, const char *b_text, intmax_t a, intmax_t b,
	  bool equal);
void t_true(struct t_at at, const char *text, bool value);
void t_streq(struct t_at at, const char *text, const char *a, const char *b);
void t_has(struct t_at at, const char *text, const char *s, const char *part);
void t_memeq(struct t_at at, const char *text, const void *a, const void *b, size_t len);
_Noreturn void t_fail(struct t_at at, const char *fmt, ...) printf_like(2, 3);
/* Ends the test as skipped, with the reason. */
_Noreturn void t_skip(const char *fmt, ...) printf_like(1, 2);

/* Compares with tests/golden/NAME; UPDATE_GOLDEN=1 in the environment writes it instead.
 */
#define T_GOLDEN(name, text) t_golden(T_AT, (name), (text))
void t_golden(struct t_at at, const char *name, const char *text);

/* This test's private directory: made at the first call, removed when the test passes. */
const char *t_root(void);
/* A path below it (printf of what follows the slash), valid until the test ends. */
const char *t_path(const char *fmt, ...) printf_like(1, 2);
void t_write_file(const char *path, const char *text);
/* A file's text, valid until the test ends. */
const char *t_read_file(const char *path);

/* Waits until poll(2) reports one of the events; fails the test after 90 s. */
#define T_WAIT_FD(fd, events) t_wait_fd(T_AT, (fd), (events))
void t_wait_fd(struct t_at at, int fd, short events);

/* For main.c: around each test. */
void t_begin(void);
void t_end(bool passed);
extern bool t_skipped;

#endif
