/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * buf.h - a growable byte buffer whose failure is sticky
 *
 * Append freely and look at the error once at the end: after a failed allocation every
 * append is a no-op and buf_error() says -ENOMEM. Always NUL terminated when p is set.
 */
#ifndef KZ_BASE_BUF_H
#define KZ_BASE_BUF_H

#include "common/base/base.h"

struct buf {
	char *p;    /* owned; NULL when empty */
	size_t len; /* bytes used, without the NUL */
	size_t cap;
	int err;   /* 0 or -ENOMEM */
	bool wipe; /* it holds a secret: memory is overwritten before it is freed */
};

void buf_fini(struct buf *b);
/* Empty, without an error, and with the memory that it has. */
void buf_clear(struct buf *b);
void buf_add(struct buf *b, const void *data, size_t len);
void buf_adds(struct buf *b, const char *s);
void buf_addf(struct buf *b, const char *fmt, ...) printf_like(2, 3);
/* Drops the first n bytes. */
void buf_consume(struct buf *b, size_t n);
int buf_error(const struct buf *b);
/* Hands the string over (never NULL on success); the buffer is empty again. 0 or -ENOMEM.
 */
int buf_take(struct buf *b, char **ret_s);

#endif
