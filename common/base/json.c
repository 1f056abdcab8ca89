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
