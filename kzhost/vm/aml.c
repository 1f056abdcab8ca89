/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * aml.c - encoding of ACPI machine language (ACPI 6.4, chapter 20)
 *
 * DOC: Lengths
 *
 * A block begins with its own length, in one to three bytes that count themselves. It is
 * known only at the end, so aml_end() moves the block's content up to make room.
 */
#include "kzhost/vm/aml.h"

#include <string.h>

#define EXT_PREFIX     0x5b
#define OP_NAME        0x08
#define OP_BUFFER      0x11
#define OP_PACKAGE     0x12
#define OP_METHOD      0x14
#define OP_SCOPE       0x10
#define OP_IF          0xa0
#define EXT_DEVICE     0x82
#define EXT_REGION     0x80
#define EXT_FIELD      0x81
#define DUAL_NAME      0x2e
#define SERIALIZED     0x08
#define SPACE_IO       1
#define ACCESS_DWORD   3
#define SEGMENT        4
#define PKG_LENGTH_MAX 3

void aml_op(struct buf *b, uint8_t op)
{
	buf_add(b, &op, 1);
}

static void add_le(struct buf *b, uint64_t value, unsigned n_bytes)
{
	while (n_bytes-- > 0) {
		aml_op(b, (uint8_t)value);
		value >>= 8;
	}
}

void aml_path(struct buf *b, const char *path)
{
	if (*path == '\\')
		aml_op(b, (uint8_t)*path++);
	if (strchr(path, '.'))
		aml_op(b, DUAL_NAME);
	for (; *path; path += path[SEGMENT] == '.' ? SEGMENT + 1 : SEGMENT)
		buf_add(b, path, SEGMENT);
}

void aml_int(struct buf *b, uint64_t value)
{
	static const struct {
		uint64_t max;
		uint8_t prefix, n_bytes;
	} sizes[] = { { 0xff, 0x0a, 1 },
		      { 0xffff, 0x0b, 2 },
		      { 0xffffffff, 0x0c, 4 },
		      { UINT64_MAX, 0x0e, 8 } };
	unsigned i = 0;

	if (value <= 1) {
		aml_op(b, (uint8_t)value);
		return;
	}
	while (value > sizes[i].max)
		i++;
	aml_op(b, sizes[i].prefix);
	add_le(b, value, sizes[i].n_bytes);
}

void aml_string(struct buf *b, const char *s)
{
	aml_op(b, 0x0d);
	buf_add(b, s, strlen(s) + 1);
}

void aml_eisa_id(struct buf *b, const char *id)
{
	unsigned vendor = (id[0] & 31u) << 10 | (id[1] & 31u) << 5 | (id[2] & 31u);
	unsigned product = (unsigned)strtoul(id + 3, NULL, 16);

	aml_op(b, 0x0c);
	add_le(b, vendor >> 8 | (vendor & 0xff) << 8, 2);
	add_le(b, product >> 8 | (product & 0xff) << 8, 2);
}

void aml_name(struct buf *b, const char *path)
{
	aml_op(b, OP_NAME);
	aml_path(b, path);
}

/* Opens a block after its operator. */
static size_t begin(struct buf *b)
{
	return b->len;
}

void aml_end(struct buf *b, size_t block)
{
	static const uint8_t room[PKG_LENGTH_MAX];
	size_t content = b->len - block, n = 1, len;
	uint8_t *p;

	if (content + 1 > 0x3f)
		n = content + 2 > 0xfff ? 3 : 2;
	len = content + n;
	buf_add(b, room, n);
	if (buf_error(b) < 0)
		return;
	p = (uint8_t *)b->p + block;
	memmove(p + n, p, content);
	p[0] = n == 1 ? (uint8_t)len : (uint8_t)((n - 1) << 6 | (len & 15));
	for (size_t i = 1; i < n; i++)
		p[i] = (uint8_t)(len >> (4 + 8 * (i - 1)));
}

size_t aml_scope(struct buf *b, const char *path)
{
	size_t block;

	aml_op(b, OP_SCOPE);
	block = begin(b);
	aml_path(b, path);
	return block;
}

size_t aml_device(struct buf *b, const char *path)
{
	size_t block;

	aml_op(b, EXT_PREFIX);
	aml_op(b, EXT_DEVICE);
	block = begin(b);
	aml_path(b, path);
	return block;
}

size_t aml_method(struct buf *b, const char *path, unsigned n_args)
{
	size_t block;

	aml_op(b, OP_METHOD);
	block = begin(b);
	aml_path(b, path);
	aml_op(b, (uint8_t)(SERIALIZED | n_args));
	return block;
}

size_t aml_if(struct buf *b)
{
	aml_op(b, OP_IF);
	return begin(b);
}

size_t aml_package(struct buf *b, unsigned n_elements)
{
	size_t block;

	aml_op(b, OP_PACKAGE);
	block = begin(b);
	aml_op(b, (uint8_t)n_elements);
	return block;
}

void aml_port_field(struct buf *b, const char *region, const char *field, uint16_t port)
{
	size_t block;

	aml_op(b, EXT_PREFIX);
	aml_op(b, EXT_REGION);
	aml_path(b, region);
	aml_op(b, SPACE_IO);
	aml_int(b, port);
	aml_int(b, 4);
	aml_op(b, EXT_PREFIX);
	aml_op(b, EXT_FIELD);
	block = begin(b);
	aml_path(b, region);
	aml_op(b, ACCESS_DWORD);
	aml_path(b, field);
	aml_op(b, 32);
	aml_end(b, block);
}

size_t aml_resources(struct buf *b)
{
	aml_name(b, "_CRS");
	aml_op(b, OP_BUFFER);
	return begin(b);
}

void aml_io(struct buf *b, uint16_t port, uint8_t len)
{
	aml_op(b, 0x47);
	aml_op(b, 1); /* decodes 16 bits */
	add_le(b, port, 2);
	add_le(b, port, 2);
	aml_op(b, 1);
	aml_op(b, len);
}

/* Address space descriptors (ACPI 6.4, 6.4.3.5): what a bridge produces. */

#define SPACE_MEMORY   0
#define SPACE_BUS      2
#define PRODUCER_FIXED 0x0c /* minimum and maximum do not move; positively decoded */
#define MEMORY_WRITE   0x01 /* read and write, not cacheable */

static void address_space(struct buf *b, uint8_t tag, uint8_t space, uint8_t type_flags,
			  unsigned width, uint64_t base, uint64_t size)
{
	aml_op(b, tag);
	add_le(b, 3 + 5 * width, 2);
	aml_op(b, space);
	aml_op(b, PRODUCER_FIXED);
	aml_op(b, type_flags);
	add_le(b, 0, width); /* granularity */
	add_le(b, base, width);
	add_le(b, base + size - 1, width);
	add_le(b, 0, width); /* translation */
	add_le(b, size, width);
}

void aml_bus_range(struct buf *b, uint8_t first, uint8_t last)
{
	address_space(b, 0x88, SPACE_BUS, 0, 2, first, last - first + 1u);
}

void aml_window32(struct buf *b, uint32_t base, uint32_t size)
{
	address_space(b, 0x87, SPACE_MEMORY, MEMORY_WRITE, 4, base, size);
}

void aml_window64(struct buf *b, uint64_t base, uint64_t size)
{
	address_space(b, 0x8a, SPACE_MEMORY, MEMORY_WRITE, 8, base, size);
}

void aml_memory32(struct buf *b, uint32_t base, uint32_t size)
{
	aml_op(b, 0x86); /* fixed memory */
	add_le(b, 9, 2);
	aml_op(b, 1); /* read and write */
	add_le(b, base, 4);
	add_le(b, size, 4);
}

void aml_isa_irq(struct buf *b, unsigned irq)
{
	aml_op(b, 0x22);
	add_le(b, UINT64_C(1) << irq, 2);
}

void aml_edge_interrupt(struct buf *b, uint32_t gsi)
{
	aml_op(b, 0x89);
	add_le(b, 6, 2);
	aml_op(b, 3); /* consumer, edge, active high, exclusive */
	aml_op(b, 1);
	add_le(b, gsi, 4);
}

void aml_resources_end(struct buf *b, size_t block)
{
	static const uint8_t end_tag[] = { 0x79, 0 }, room[2];
	size_t content;

	buf_add(b, end_tag, sizeof(end_tag));
	content = b->len - block;
	/* The buffer's size, a byte constant, stands before its bytes. */
	ASSERT(content <= UINT8_MAX);
	buf_add(b, room, sizeof(room));
	if (buf_error(b) < 0)
		return;
	memmove(b->p + block + 2, b->p + block, content);
	b->p[block] = 0x0a;
	b->p[block + 1] = (char)content;
	aml_end(b, block);
}
