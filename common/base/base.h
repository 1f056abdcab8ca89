/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * base.h - the few macros that every file uses
 */
#ifndef KZ_BASE_BASE_H
#define KZ_BASE_BASE_H

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#define ARRAY_SIZE(a)            (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b)                ((a) < (b) ? (a) : (b))
#define MAX(a, b)                ((a) > (b) ? (a) : (b))
#define KIB                      1024ull
#define MIB                      (1024ull * KIB)
#define GIB                      (1024ull * MIB)
#define container_of(p, type, m) ((type *)(void *)((char *)(p)-offsetof(type, m)))
#define printf_like(fmt, arg)    __attribute__((format(printf, fmt, arg)))

/* cleanup(f) runs f(&variable) at scope exit; take_ptr/take_fd pass ownership on. */
#define cleanup(f) __attribute__((cleanup(f)))
#define take_ptr(pp) \
	({ \
		__auto_type taken_ = *(pp); \
		*(pp) = NULL; \
		taken_; \
	})

static inline int take_fd(int *fd)
{
	int r = *fd;

	*fd = -1;
	return r;
}

static inline void freep(void *pp)
{
	free(*(void **)pp);
}

/* Closes *fd when it is open and leaves -1; keeps errno. */
static inline void closep(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	errno = saved;
}

/* Declares x_freep() for cleanup() from x_free(). */
#define DEFINE_FREEP(type, free_fn) \
	static inline void free_fn##p(type **pp) \
	{ \
		free_fn(*pp); \
	}

/* ASSERT is for our own bugs only: prints the trace ring and aborts. */
#define ASSERT(cond) \
	do { \
		if (__builtin_expect(!(cond), 0)) \
			assert_failed(#cond, __FILE__, __LINE__, __func__); \
	} while (0)

_Noreturn void assert_failed(const char *cond, const char *file, int line,
			     const char *func);

#endif
