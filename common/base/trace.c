// SPDX-License-Identifier: BSD-2-Clause
/*
 * trace.c - a ring of the last TRACE_RECORDS records
 *
 * DOC: How threads share the ring
 *
 * A writer takes a number (one atomic add), formats into its own stack, and copies the
 * line into slot number % TRACE_RECORDS as atomic words. The slot's stamp is 0 while it
 * is being written and number + 1 after. A reader copies the words and believes them when
 * the stamp was the expected one before and after. Words are stored with release and
 * loaded with acquire order: whoever sees a word of a later line also sees that the stamp
 * was taken away before it. (That is what fences would do; ThreadSanitizer knows no
 * fences.) Nobody ever waits, so the ring can be dumped from a signal handler and from a
 * failed ASSERT.
 */
#include "common/base/trace.h"
#include "common/base/buf.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define TRACE_WORDS (TRACE_TEXT / 8)
static_assert(TRACE_TEXT % 8 == 0, "a record is copied by words");

struct trace_slot {
	_Atomic uint64_t stamp; /* number + 1; 0: empty or being written */
	_Atomic uint64_t words[TRACE_WORDS];
};

static const char *const flag_names[TRACE_FLAG_N] = {
#define X(name, help) #name,
	TRACE_FLAGS(X)
#undef X
};

int trace_level[TRACE_FLAG_N];
static struct trace_slot ring[TRACE_RECORDS];
static _Atomic uint64_t ring_next;

/* Writes all of it or gives up: there is nobody to tell. */
static void put(int fd, const char *s, size_t len)
{
	while (len) {
		ssize_t n = write(fd, s, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		s += n;
		len -= (size_t)n;
	}
}

/**
 * trace_record() - Record one line; print it too when its flag is raised
 *
 * The line begins with the monotonic clock in seconds. errno is kept.
 */
void trace_record(enum trace_flag flag, const char *fmt, ...)
{
	uint64_t number = atomic_fetch_add_explicit(&ring_next, 1, memory_order_relaxed);
	struct trace_slot *slot = &ring[number % TRACE_RECORDS];
	union {
		char text[TRACE_TEXT];
		uint64_t words[TRACE_WORDS];
	} line = { { 0 } };
	int saved = errno, n;
	struct timespec ts;
	va_list ap;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	n = snprintf(line.text, sizeof(line.text),
		     "%lld.%06ld %s: ", (long long)ts.tv_sec, ts.tv_nsec / 1000,
		     flag_names[flag]);
	va_start(ap, fmt);
	vsnprintf(line.text + n, sizeof(line.text) - (size_t)n, fmt, ap);
	va_end(ap);

	atomic_store_explicit(&slot->stamp, 0, memory_order_relaxed);
	for (unsigned i = 0; i < TRACE_WORDS; i++)
		atomic_store_explicit(&slot->words[i], line.words[i],
				      memory_order_release);
	atomic_store_explicit(&slot->stamp, number + 1, memory_order_release);

	if (trace_level[flag]) {
		n = (int)strlen(line.text);
		line.text[MIN(n, TRACE_TEXT - 1)] = '\n';
		put(STDERR_FILENO, line.text, MIN((size_t)n + 1, (size_t)TRACE_TEXT));
	}
	errno = saved;
}

/* Copies a slot's line; false when it is empty, being written, or another one by now. */
static bool slot_read(const struct trace_slot *slot, uint64_t number, uint64_t *words)
{
	if (atomic_load_explicit(&slot->stamp, memory_order_acquire) != number + 1)
		return false;
	for (unsigned i = 0; i < TRACE_WORDS; i++)
		words[i] = atomic_load_explicit(&slot->words[i], memory_order_acquire);
	return atomic_load_explicit(&slot->stamp, memory_order_relaxed) == number + 1;
}

void trace_dump(int fd)
{
	uint64_t end = atomic_load_explicit(&ring_next, memory_order_acquire);
	uint64_t number = end > TRACE_RECORDS ? end - TRACE_RECORDS : 0;
	union {
		char text[TRACE_TEXT];
		uint64_t words[TRACE_WORDS];
	} line;
	size_t len;

	for (; number < end; number++) {
		if (!slot_read(&ring[number % TRACE_RECORDS], number, line.words))
			continue;
		len = strnlen(line.text, TRACE_TEXT - 1);
		line.text[len] = '\n';
		put(fd, line.text, len + 1);
	}
}

/* -EINVAL with the list of flags. */
static int unknown_flag(const char *arg, struct errmsg *e)
{
	cleanup(buf_fini) struct buf known = { 0 };

	for (unsigned i = 0; i < TRACE_FLAG_N; i++)
		buf_addf(&known, "%s%s", i ? ", " : "", flag_names[i]);
	return errmsg_set(e, -EINVAL, "%s: not a trace flag; known: %s", arg,
			  buf_error(&known) ? "(no memory)" : known.p);
}

int trace_parse(const char *arg, struct errmsg *e)
{
	const char *eq = strchrnul(arg, '=');
	size_t len = (size_t)(eq - arg);
	long level = 1;
	char *end;

	if (*eq) {
		errno = 0;
		level = strtol(eq + 1, &end, 10);
		if (end == eq + 1 || *end || errno || level < 0 || level > 9)
			return errmsg_set(e, -EINVAL, "%s: the level is a digit, 0 to 9",
					  arg);
	}
	for (unsigned i = 0; i < TRACE_FLAG_N; i++) {
		if (strlen(flag_names[i]) == len &&
		    memcmp(flag_names[i], arg, len) == 0) {
			trace_level[i] = (int)level;
			return 0;
		}
	}
	return unknown_flag(arg, e);
}
