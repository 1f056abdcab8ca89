// SPDX-License-Identifier: BSD-2-Clause
/*
 * harness.c - checks that print both sides, golden files, private roots
 */
#include "tests/harness/harness.h"
#include "common/base/buf.h"
#include "common/sys/file.h"

#include <ftw.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <sys/stat.h>

#define WAIT_MS     90000
#define FILE_MAX    (64u << 20)
#define STRINGS_MAX 256

bool t_skipped;
static char *root;                 /* of the test in progress, or NULL */
static char *strings[STRINGS_MAX]; /* what t_path() and t_read_file() gave */
static unsigned n_strings;

_Noreturn void t_fail(struct t_at at, const char *fmt, ...)
{
	char text[2048];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fault_disarm();
	printf("# %s:%d: %s\n", at.file, at.line, text);
	_fail(at.file, at.line);
	abort(); /* _fail() does not return */
}

_Noreturn void t_skip(const char *fmt, ...)
{
	va_list ap;

	t_skipped = true;
	printf("# skip: ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	_skip(__FILE__, __LINE__);
	abort(); /* _skip() does not return */
}

/* "17", "-12 (ENOMEM)", "4096 (0x1000)" */
static const char *show(intmax_t v, char *text, size_t size)
{
	const char *name = v < 0 && v > -4096 ? strerrorname_np((int)-v) : NULL;

	if (name)
		snprintf(text, size, "%jd (%s)", v, name);
	else if (v > 255 || v < -4095)
		snprintf(text, size, "%jd (%#jx)", v, (uintmax_t)v);
	else
		snprintf(text, size, "%jd", v);
	return text;
}

void t_eq(struct t_at at, const char *a_text, const char *b_text, intmax_t a, intmax_t b,
	  bool equal)
{
	char left[64], right[64];

	if ((a == b) == equal)
		return;
	t_fail(at, "%s %s %s: %s, %s", a_text, equal ? "==" : "!=", b_text,
	       show(a, left, sizeof(left)), show(b, right, sizeof(right)));
}

void t_true(struct t_at at, const char *text, bool value)
{
	if (!value)
		t_fail(at, "%s is false", text);
}

void t_streq(struct t_at at, const char *text, const char *a, const char *b)
{
	if (a == b || (a && b && strcmp(a, b) == 0))
		return;
	t_fail(at, "%s:\n#   is       \"%s\"\n#   expected \"%s\"", text,
	       a ? a : "(null)", b ? b : "(null)");
}

void t_has(struct t_at at, const char *text, const char *s, const char *part)
{
	if (!s || !strstr(s, part))
		t_fail(at, "%s:\n#   is           \"%s\"\n#   shall contain \"%s\"", text,
		       s ? s : "(null)", part);
}

void t_memeq(struct t_at at, const char *text, const void *a, const void *b, size_t len)
{
	const uint8_t *x = a, *y = b;

	for (size_t i = 0; i < len; i++)
		if (x[i] != y[i])
			t_fail(at, "%s: byte %zu of %zu is %#x, expected %#x", text, i,
			       len, x[i], y[i]);
}

/* The first line in which two texts differ. */
static void show_difference(const char *name, const char *is, const char *expected)
{
	unsigned line = 1;
	size_t start = 0, i;

	for (i = 0; is[i] && is[i] == expected[i]; i++) {
		if (is[i] == '\n') {
			line++;
			start = i + 1;
		}
	}
	printf("# %s, line %u:\n#   is       \"%.*s\"\n#   expected \"%.*s\"\n", name,
	       line, (int)strcspn(is + start, "\n"), is + start,
	       (int)strcspn(expected + start, "\n"), expected + start);
}

void t_golden(struct t_at at, const char *name, const char *text)
{
	const char *source = getenv("KZ_SOURCE");
	const char *update = getenv("UPDATE_GOLDEN");
	cleanup(buf_fini) struct buf path = { 0 };
	cleanup(freep) char *expected = NULL;
	size_t len;
	int r;

	buf_addf(&path, "%s/tests/golden/%s", source ? source : ".", name);
	if (update && strcmp(update, "1") == 0) {
		r = file_replace(path.p, text, strlen(text), 0644, false);
		if (r < 0)
			t_fail(at, "%s: cannot write: %s", path.p, strerror(-r));
		return;
	}
	r = file_read(path.p, FILE_MAX, &expected, &len);
	if (r < 0)
		t_fail(at, "%s: cannot read: %s", path.p, strerror(-r));
	if (strcmp(text, expected) == 0)
		return;
	show_difference(name, text, expected);
	t_fail(at, "differs from tests/golden/%s (UPDATE_GOLDEN=1 accepts it)", name);
}

/* Keeps a string until the test ends. */
static const char *keep(char *s)
{
	ASSERT(s && n_strings < STRINGS_MAX);
	strings[n_strings++] = s;
	return s;
}

const char *t_root(void)
{
	const char *tmp = getenv("TMPDIR");
	cleanup(buf_fini) struct buf b = { 0 };

	if (root)
		return root;
	buf_addf(&b, "%s/kz-test.XXXXXX", tmp && *tmp ? tmp : "/tmp");
	if (buf_take(&b, &root) < 0 || !mkdtemp(root))
		T_FAIL("mkdtemp: %s", strerror(errno));
	return root;
}

const char *t_path(const char *fmt, ...)
{
	const char *dir = t_root();
	char tail[4096];
	struct buf b = { 0 };
	va_list ap;
	char *s = NULL;

	va_start(ap, fmt);
	vsnprintf(tail, sizeof(tail), fmt, ap);
	va_end(ap);
	buf_addf(&b, "%s/%s", dir, tail);
	T_OK(buf_take(&b, &s));
	return keep(s);
}

void t_write_file(const char *path, const char *text)
{
	int r = file_replace(path, text, strlen(text), 0644, false);

	if (r < 0)
		T_FAIL("%s: %s", path, strerror(-r));
}

const char *t_read_file(const char *path)
{
	char *text = NULL;
	size_t len;
	int r = file_read(path, FILE_MAX, &text, &len);

	if (r < 0)
		T_FAIL("%s: %s", path, strerror(-r));
	return keep(text);
}

void t_wait_fd(struct t_at at, int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };
	int n;

	do
		n = poll(&p, 1, WAIT_MS);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		t_fail(at, "descriptor %d: nothing happened in %d s", fd, WAIT_MS / 1000);
}

static int remove_entry(const char *path, const struct stat *st, int type,
			struct FTW *ftw)
{
	if (remove(path) < 0)
		printf("# cannot remove %s: %s\n", path, strerror(errno));
	return 0;
}

void t_begin(void)
{
	t_skipped = false;
}

void t_end(bool passed)
{
	if (root && passed)
		nftw(root, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	else if (root)
		printf("# kept: %s\n", root);
	free(root);
	root = NULL;
	while (n_strings)
		free(strings[--n_strings]);
}
