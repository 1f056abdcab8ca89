// SPDX-License-Identifier: BSD-2-Clause
/*
 * fault.c - an allocator that fails on the n-th call and counts live blocks
 *
 * The linker sends malloc() to __wrap_malloc() and leaves the true one as __real_malloc()
 * (which is the sanitizer's in a sanitizer build). What shared libraries allocate by
 * themselves is neither failed nor counted; freeing such a block is fine.
 */
#include "tests/harness/fault.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS (1u << 18) /* live blocks that can be told apart */

void *__real_malloc(size_t size);
void *__real_realloc(void *p, size_t size);
void __real_free(void *p);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_reallocarray(void *p, size_t n, size_t size);
void __wrap_free(void *p);
char *__wrap_strdup(const char *s);
char *__wrap_strndup(const char *s, size_t max);
int __wrap_vasprintf(char **ret, const char *fmt, va_list ap);
int __wrap_asprintf(char **ret, const char *fmt, ...);

struct fault fault;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool armed;
static long countdown;          /* allocations until the one that fails; below 0: none */
static uintptr_t blocks[SLOTS]; /* hash set: 0 empty, 1 removed */
static bool blocks_used;

void fault_arm(long n)
{
	pthread_mutex_lock(&lock);
	if (blocks_used)
		memset(blocks, 0, sizeof(blocks));
	blocks_used = false;
	fault = (struct fault){ 0 };
	countdown = n;
	armed = true;
	pthread_mutex_unlock(&lock);
}

void fault_disarm(void)
{
	pthread_mutex_lock(&lock);
	armed = false;
	pthread_mutex_unlock(&lock);
}

/* Says whether this allocation is the one that fails. */
static bool fails_now(void)
{
	bool fails;

	pthread_mutex_lock(&lock);
	fails = armed && countdown >= 0 && countdown-- == 0;
	if (fails)
		fault.fired = true;
	pthread_mutex_unlock(&lock);
	if (fails)
		errno = ENOMEM;
	return fails;
}

static unsigned slot_of(uintptr_t block)
{
	return (unsigned)((block >> 4) * 0x9e3779b97f4a7c15ull >> 40) % SLOTS;
}

/* Counts a new block; returns it. */
static void *add_block(void *p)
{
	unsigned at = slot_of((uintptr_t)p);

	pthread_mutex_lock(&lock);
	if (armed && p) {
		while (blocks[at] > 1)
			at = (at + 1) % SLOTS;
		blocks[at] = (uintptr_t)p;
		blocks_used = true;
		if (++fault.live > SLOTS / 2) {
			fprintf(stderr, "fault.c: too many live blocks; raise SLOTS\n");
			abort();
		}
	}
	pthread_mutex_unlock(&lock);
	return p;
}

/* Forgets a block; says whether it was counted. */
static bool remove_block(uintptr_t block)
{
	unsigned at = slot_of(block);
	bool found = false;

	pthread_mutex_lock(&lock);
	for (unsigned n = 0; armed && block && n < SLOTS && blocks[at]; n++) {
		if (blocks[at] == block) {
			blocks[at] = 1;
			fault.live--;
			found = true;
			break;
		}
		at = (at + 1) % SLOTS;
	}
	pthread_mutex_unlock(&lock);
	return found;
}

void *__wrap_malloc(size_t size)
{
	return fails_now() ? NULL : add_block(__real_malloc(size));
}

void *__wrap_calloc(size_t n, size_t size)
{
	size_t bytes;
	void *p;

	if (__builtin_mul_overflow(n, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	p = __wrap_malloc(bytes);
	if (p)
		memset(p, 0, bytes);
	return p;
}

void *__wrap_realloc(void *p, size_t size)
{
	bool counted;
	void *q;

	if (!p)
		return __wrap_malloc(size);
	if (fails_now())
		return NULL;
	counted = remove_block((uintptr_t)p);
	q = __real_realloc(p, size);
	return counted ? add_block(q) : q;
}

void *__wrap_reallocarray(void *p, size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return __wrap_realloc(p, bytes);
}

void __wrap_free(void *p)
{
	remove_block((uintptr_t)p);
	__real_free(p);
}

char *__wrap_strndup(const char *s, size_t max)
{
	size_t len = strnlen(s, max);
	char *copy = __wrap_malloc(len + 1);

	if (!copy)
		return NULL;
	memcpy(copy, s, len);
	copy[len] = '\0';
	return copy;
}

char *__wrap_strdup(const char *s)
{
	return __wrap_strndup(s, SIZE_MAX - 1);
}

int __wrap_vasprintf(char **ret, const char *fmt, va_list ap)
{
	va_list again;
	char *s;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n < 0)
		return -1;
	s = __wrap_malloc((size_t)n + 1);
	if (!s)
		return -1;
	vsnprintf(s, (size_t)n + 1, fmt, ap);
	*ret = s;
	return n;
}

int __wrap_asprintf(char **ret, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = __wrap_vasprintf(ret, fmt, ap);
	va_end(ap);
	return n;
}
