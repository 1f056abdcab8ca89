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
 * DOC: Documents without values in between
 *
 * What is written often, or is long, goes straight into a buffer: a document of a
 * thousand objects would cost some twenty allocations for each of them. The commas need
 * no state: there is one before what follows neither a "{", "[" or ":" nor white space,
 * in which no value ends. Failure is the buffer's sticky error.
 */

/* A string, in quotes, of what json_text() takes. */
void buf_add_text(struct buf *out, const char *text);
/* A member (@key NULL: an element) of the object or array that is open. */
void jput_text(struct buf *out, const char *key, const char *text); /* NULL: null */
void jput_number(struct buf *out, const char *key, int64_t value);
void jput_bool(struct buf *out, const char *key, bool value);
void jput_null(struct buf *out, const char *key);
/* Opens one, "{" or "[", which jput_close() closes, with "}" or "]". */
void jput_open(struct buf *out, const char *key, const char *bracket);
void jput_close(struct buf *out, const char *bracket);
/* What follows begins a line, behind @indent blanks. */
void jput_line(struct buf *out, unsigned indent);

#endif
