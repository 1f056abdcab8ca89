// SPDX-License-Identifier: BSD-2-Clause
/*
 * json.c - JSON values into buffers
 */
#include "common/base/json.h"

#include <string.h>

static int add(const char *data, size_t len, void *out)
{
	buf_add(out, data, len);
	return buf_error(out);
}

void buf_add_json(struct buf *out, const json_t *v, size_t flags)
{
	if (!v || json_dump_callback(v, add, out, flags) < 0)
		out->err = -ENOMEM;
}

json_t *json_text(const char *text)
{
	json_t *v = json_string(text);
	cleanup(freep) char *ascii = v ? NULL : strdup(text);

	for (char *p = ascii; p && *p; p++)
		if ((unsigned char)*p >= 0x80)
			*p = '?';
	return v ? v : ascii ? json_string(ascii) : NULL;
}

/* Nothing in it has to be escaped or looked at twice. */
static bool is_plain(const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p; p++)
		if (*p < ' ' || *p >= 0x7f || *p == '"' || *p == '\\')
			return false;
	return true;
}

void buf_add_text(struct buf *out, const char *text)
{
	json_t *v;

	if (is_plain(text)) {
		buf_add(out, "\"", 1);
		buf_adds(out, text);
		buf_add(out, "\"", 1);
		return;
	}
	v = json_text(text);
	buf_add_json(out, v, JSON_ENCODE_ANY);
	json_decref(v);
}

static void comma(struct buf *out)
{
	if (out->len && !strchr("{[: \n", out->p[out->len - 1]))
		buf_add(out, ",", 1);
}

static void put_key(struct buf *out, const char *key)
{
	comma(out);
	if (!key)
		return;
	buf_add(out, "\"", 1);
	buf_adds(out, key);
	buf_add(out, "\": ", 3);
}

void jput_text(struct buf *out, const char *key, const char *text)
{
	put_key(out, key);
	if (text)
		buf_add_text(out, text);
	else
		buf_add(out, "null", 4);
}

void jput_number(struct buf *out, const char *key, int64_t value)
{
	uint64_t left = value < 0 ? -(uint64_t)value : (uint64_t)value;
	char text[24], *p = text + sizeof(text);

	do
		*--p = (char)('0' + left % 10);
	while (left /= 10);
	if (value < 0)
		*--p = '-';
	put_key(out, key);
	buf_add(out, p, (size_t)(text + sizeof(text) - p));
}

void jput_bool(struct buf *out, const char *key, bool value)
{
	put_key(out, key);
	buf_adds(out, value ? "true" : "false");
}

void jput_null(struct buf *out, const char *key)
{
	jput_text(out, key, NULL);
}

void jput_open(struct buf *out, const char *key, const char *bracket)
{
	put_key(out, key);
	buf_adds(out, bracket);
}

void jput_close(struct buf *out, const char *bracket)
{
	buf_adds(out, bracket);
}

void jput_line(struct buf *out, unsigned indent)
{
	comma(out);
	buf_add(out, "\n", 1);
	while (indent--)
		buf_add(out, " ", 1);
}
