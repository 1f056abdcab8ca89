// SPDX-License-Identifier: BSD-2-Clause
/*
 * devstate.c - copies fields between structs and records, and checks what comes in
 */
#include "kzhost/dev/devstate.h"

#include "common/base/le.h"

#include <string.h>

/* Fields are copied as they stand in memory. */
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "so are records");

static size_t bytes_of(const struct state_field *f)
{
	return (size_t)f->count * f->width;
}

static void put_ring(struct buf *out, const struct ring *from)
{
	struct ring r = *from; /* which is not emptied */
	le32 used = le32_of(ring_used(&r));
	uint8_t piece[256];
	size_t n;

	buf_add(out, &used, sizeof(used));
	while ((n = ring_read(&r, piece, sizeof(piece))) > 0)
		buf_add(out, piece, n);
}

void state_put(struct buf *out, const void *from, const struct state_table *t)
{
	for (const struct state_field *f = t->field; f < t->field + t->n_fields; f++) {
		const uint8_t *at = (const uint8_t *)from + f->offset;

		if (f->storage)
			put_ring(out, (const struct ring *)(const void *)at);
		else
			buf_add(out, at, bytes_of(f));
	}
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

/* The next bytes; NULL and a text: the record has no more of them. */
static const uint8_t *take(struct state_reader *r, const struct state_field *f,
			   size_t len, struct errmsg *e)
{
	const uint8_t *p = r->p;

	if (len > r->left) {
		errmsg_set(e, -EINVAL, "the record ends before %s", f->name);
		return NULL;
	}
	r->p += len;
	r->left -= len;
	return p;
}

static int check_value(const struct state_field *f, uint64_t v, struct errmsg *e)
{
	if (f->max > 0 && v > f->max)
		return errmsg_set(e, -EINVAL, "%s is %llu, at most %llu can be", f->name,
				  (unsigned long long)v, (unsigned long long)f->max);
	if (f->bits > 0 && v & ~f->bits)
		return errmsg_set(e, -EINVAL, "%s is %llx, only bits of %llx can be set",
				  f->name, (unsigned long long)v,
				  (unsigned long long)f->bits);
	return 0;
}

static int get_values(struct state_reader *r, uint8_t *to, const struct state_field *f,
		      struct errmsg *e)
{
	const uint8_t *p = take(r, f, bytes_of(f), e);
	int err = 0;

	if (!p)
		return -EINVAL;
	for (unsigned i = 0; err == 0 && i < f->count; i++) {
		uint64_t v = 0;

		memcpy(&v, p + (size_t)i * f->width, f->width);
		err = check_value(f, v, e);
	}
	if (err == 0)
		memcpy(to + f->offset, p, bytes_of(f));
	return err;
}

static int get_ring(struct state_reader *r, uint8_t *to, const struct state_field *f,
		    struct errmsg *e)
{
	struct ring *ring = (struct ring *)(void *)(to + f->offset);
	const uint8_t *p;
	le32 used;

	p = take(r, f, sizeof(used), e);
	if (!p)
		return -EINVAL;
	memcpy(&used, p, sizeof(used));
	if (le32_get(used) > f->count)
		return errmsg_set(e, -EINVAL, "%s has %u bytes, room is for %u", f->name,
				  le32_get(used), f->count);
	p = take(r, f, le32_get(used), e);
	if (!p)
		return -EINVAL;
	memcpy(to + f->storage, p, le32_get(used));
	ring->head = 0;
	ring->tail = le32_get(used);
	return 0;
}

int state_get(struct state_reader *r, void *to, const struct state_table *t,
	      struct errmsg *e)
{
	int err = 0;

	for (unsigned i = 0; err == 0 && i < t->n_fields; i++) {
		const struct state_field *f = &t->field[i];

		if (f->since <= r->version)
			err = f->storage ? get_ring(r, to, f, e)
					 : get_values(r, to, f, e);
	}
	return err;
}

static void copy_fields(void *to, const void *from, const struct state_table *t)
{
	for (const struct state_field *f = t->field; f < t->field + t->n_fields; f++) {
		size_t len = f->storage ? sizeof(struct ring) : bytes_of(f);

		memcpy((uint8_t *)to + f->offset, (const uint8_t *)from + f->offset, len);
		if (f->storage)
			memcpy((uint8_t *)to + f->storage,
			       (const uint8_t *)from + f->storage, f->count);
	}
}

int state_load(struct state_reader *r, void *dev, const struct state_table *t,
	       struct errmsg *e)
{
	cleanup(freep) void *in = malloc(t->size);
	int err;

	if (!in)
		return errmsg_no_memory(e);
	memcpy(in, dev, t->size);
	err = state_get(r, in, t, e);
	if (err == 0 && t->check)
		err = t->check(in, dev, e);
	if (err < 0)
		return err;
	copy_fields(dev, in, t);
	if (t->loaded)
		t->loaded(dev);
	return 0;
}

int state_end(const struct state_reader *r, struct errmsg *e)
{
	if (r->left > 0)
		return errmsg_set(e, -EINVAL, "%zu bytes too many in the record",
				  r->left);
	return 0;
}
