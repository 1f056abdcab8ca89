// SPDX-License-Identifier: BSD-2-Clause
/*
 * err.c - error texts that travel with a negative errno
 */
#include "common/base/err.h"

#include "common/base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int errmsg_set(struct errmsg *e, int err, const char *fmt, ...)
{
	va_list ap;

	if (!e)
		return err;
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	utf8_make_plain(e->text);
	return err;
}

int errmsg_no_memory(struct errmsg *e)
{
	return errmsg_set(e, -ENOMEM, "out of memory");
}

int errmsg_prefix(struct errmsg *e, int err, const char *fmt, ...)
{
	struct errmsg old;
	size_t used, room;
	va_list ap;

	if (!e)
		return err;
	old = *e;
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	used = strlen(e->text);
	room = sizeof(e->text) - used;
	snprintf(e->text + used, room, ": %s", old.text);
	utf8_make_plain(e->text);
	return err;
}
