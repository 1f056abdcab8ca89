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
