/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * json.h - JSON values into buffers
 */
#ifndef KZ_BASE_JSON_H
#define KZ_BASE_JSON_H

#include "common/base/buf.h"

#include <jansson.h>

/**
 * buf_add_json() - Append a JSON value as text
 * @out:	Its sticky error says -ENOMEM
 * @v:		Borrowed; NULL is a failed allocation of the caller's
 * @flags:	JSON_INDENT() and the like
 *
 * The only way to text: json_dumps() of jansson 2.14 can lose a name when an allocation
 * fails, and say nothing; the buffer remembers.
 */
void buf_add_json(struct buf *out, const json_t *v, size_t flags);

/**
 * json_text() - A string of what may not be UTF-8: cut in the middle, or a guest's
 *
 * Such a text gets a "?" in the place of every byte that is not ASCII.
 *
 * Return: new value, NULL when memory is short
 */
json_t *json_text(const char *text);

/**
 * buf_add_text() - Append a JSON string, in quotes, of what json_text() takes
 *
 * Without a value in between: for documents that are written often.
 */
void buf_add_text(struct buf *out, const char *text);

#endif
