/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * err.h - error texts that travel with a negative errno
 *
 * Functions that read what a person wrote (or that decide about it) take a
 * struct errmsg * as their last argument; NULL means the caller wants no text.
 */
#ifndef KZ_BASE_ERR_H
#define KZ_BASE_ERR_H

#include "common/base/base.h"

struct errmsg {
	char text[512]; /* one line of UTF-8, no control characters; "" until set */
};

/**
 * errmsg_set() - Write the text of an error
 * @e:		Where to; may be NULL
 * @err:	What to return, a negative errno
 * @fmt:	printf format; too long a text is cut, and what is not UTF-8 or a control
 *		character becomes '?': the text may hold what a stranger wrote
 *
 * Return: @err
 */
int errmsg_set(struct errmsg *e, int err, const char *fmt, ...) printf_like(3, 4);

/**
 * errmsg_prefix() - Put "context: " before the text that is there
 *
 * Return: @err
 */
int errmsg_prefix(struct errmsg *e, int err, const char *fmt, ...) printf_like(3, 4);

/* The text for want of memory. Return: -ENOMEM */
int errmsg_no_memory(struct errmsg *e);

#endif
