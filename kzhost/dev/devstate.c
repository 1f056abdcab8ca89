// SPDX-License-Identifier: BSD-2-Clause
/*
 * devstate.c - copies fields between structs and records, and checks what comes in
 */
#include "kzhost/dev/devstate.h"

#include <string.h>

/* Fields are copied as they stand in memory. */
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "so are records");

static size_t bytes_of(const struct state_field *f)
{
	return (size_t)f->count * f->width;
}

void state_put(struct buf *out, const void *from, const struct state_field *fields,
	       unsigned n)
{
	for (const struct state_field *f = fields; f < fields + n; f++)
		buf_add(out, (const uint8_t *)from + f->offset, bytes_of(f));
}

int state_open(struct state_reader *r, unsigned version, const void *data, size_t len,
	       struct errmsg *e)
{
	if (version == 0 || version > DEVSTATE_VERSION)
		return errmsg_set(e, -EOPNOTSUPP,
				  "device state of version %u, known are 1 to %u",
				  version, DEVSTATE_VERSION);
	*r = (struct state_reader){ .p = data, .left = len, .version = version };
	return 0;
}

static int check(const struct state_field *f, const uint8_t *p, struct errmsg *e)
{
	for (unsigned i = 0; f->max > 0 && i < f->count; i++) {
		uint64_t v = 0;

		memcpy(&v, p + (size_t)i * f->width, f->width);
		if (v > f->max)
			return errmsg_set(e, -EINVAL, "%s is %llu, at most %llu can be",
					  f->name, (unsigned long long)v,
					  (unsigned long long)f->max);
	}
	return 0;
}

int state_get(struct state_reader *r, void *to, const struct state_field *fields,
	      unsigned n, struct errmsg *e)
{
	for (const struct state_field *f = fields; f < fields + n; f++) {
		size_t len = bytes_of(f);
		int err;

		if (f->since > r->version)
			continue;
		if (len > r->left)
			return errmsg_set(e, -EINVAL, "the record ends before %s",
					  f->name);
		err = check(f, r->p, e);
		if (err < 0)
			return err;
		memcpy((uint8_t *)to + f->offset, r->p, len);
		r->p += len;
		r->left -= len;
	}
	return 0;
}

int state_end(const struct state_reader *r, struct errmsg *e)
{
	if (r->left > 0)
		return errmsg_set(e, -EINVAL, "%zu bytes too many in the record",
				  r->left);
	return 0;
}
