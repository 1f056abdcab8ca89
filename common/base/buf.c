// SPDX-License-Identifier: BSD-2-Clause
/*
 * buf.c - a growable byte buffer whose failure is sticky
 */
#include "common/base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define BUF_CAP_MIN 64

/**
 * buf_fini() - Free what the buffer holds and make it empty and usable again
 */
void buf_fini(struct buf *b)
{
	if (b->wipe && b->p)
		explicit_bzero(b->p, b->cap);
	free(b->p);
	*b = (struct buf){ .wipe = b->wipe };
}

/**
 * buf_clear() - Make it empty, to be filled again in the memory that it has
 *
 * Not for secrets: what it held stays there until it is overwritten.
 */
void buf_clear(struct buf *b)
{
	ASSERT(!b->wipe);
	b->len = 0;
	b->err = 0;
}

/* realloc() that leaves nothing behind when the buffer holds a secret. */
static char *grow(struct buf *b, size_t cap)
{
	char *p = b->wipe ? malloc(cap) : realloc(b->p, cap);

	if (!p || !b->wipe)
		return p;
	if (b->p) {
		memcpy(p, b->p, b->cap);
		explicit_bzero(b->p, b->cap);
		free(b->p);
	}
	return p;
}

/* Makes room for @more bytes and a NUL; false (and b->err) when memory is short. */
static bool buf_reserve(struct buf *b, size_t more)
{
	size_t need, cap;
	char *p;

	if (b->err)
		return false;
	if (__builtin_add_overflow(b->len, more, &need) ||
	    __builtin_add_overflow(need, 1, &need)) {
		b->err = -ENOMEM;
		return false;
	}
	if (need <= b->cap)
		return true;
	cap = MAX(need, MAX(b->cap + b->cap / 2, (size_t)BUF_CAP_MIN));
	p = grow(b, cap);
	if (!p) {
		b->err = -ENOMEM;
		return false;
	}
	b->p = p;
	b->cap = cap;
	return true;
}

/**
 * buf_add() - Append bytes
 * @data:	May be NULL when @len is 0; must not point into the buffer
 */
void buf_add(struct buf *b, const void *data, size_t len)
{
	if (!buf_reserve(b, len))
		return;
	if (len)
		memcpy(b->p + b->len, data, len);
	b->len += len;
	b->p[b->len] = '\0';
}

/**
 * buf_adds() - Append a string
 */
void buf_adds(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

/**
 * buf_addf() - Append printf output
 */
void buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap, again;
	size_t room = b->err ? 0 : b->cap - b->len;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(room ? b->p + b->len : NULL, room, fmt, ap);
	if (n < 0) {
		b->err = -ENOMEM;
	} else if ((size_t)n < room) {
		b->len += (size_t)n;
	} else if (buf_reserve(b, (size_t)n)) {
		vsnprintf(b->p + b->len, (size_t)n + 1, fmt, again);
		b->len += (size_t)n;
	}
	va_end(again);
	va_end(ap);
}

/**
 * buf_consume() - Drop the first bytes
 * @n:	At most b->len
 */
void buf_consume(struct buf *b, size_t n)
{
	ASSERT(n <= b->len);
	if (!n)
		return;
	b->len -= n;
	memmove(b->p, b->p + n, b->len + 1);
}

/**
 * buf_error() - What went wrong since the buffer was empty
 *
 * Return: 0 or -ENOMEM
 */
int buf_error(const struct buf *b)
{
	return b->err;
}

/**
 * buf_take() - Hand the string over to the caller
 * @ret_s:	New string, freed by the caller; untouched on failure
 *
 * The buffer is empty and usable again, also on failure.
 *
 * Return: 0 or -ENOMEM (now or at an earlier append)
 */
int buf_take(struct buf *b, char **ret_s)
{
	buf_add(b, NULL, 0);
	if (b->err) {
		buf_fini(b);
		return -ENOMEM;
	}
	*ret_s = b->p;
	*b = (struct buf){ .wipe = b->wipe };
	return 0;
}
