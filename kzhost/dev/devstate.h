/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * devstate.h - saved state of devices: tables of fields, to bytes and back
 *
 * DOC: A record
 *
 * What a device saves is said in tables: a field is a name, its place in a struct, its
 * width, the version of the state that has it first, and which values it may have. A
 * record is the fields in the order of their tables, little-endian, without padding; a
 * ring is the number of its bytes, then these from the oldest on. It has no names: the
 * version, which is kept beside it, and the device itself, which is made from the zone's
 * configuration, say what comes where.
 *
 * Fields are only ever appended to a table, with a new version; a record of an older one
 * leaves them as a device has them that was just made.
 *
 * DOC: What is not saved
 *
 * A table names the rest of its struct, too, so that whoever adds a member has to say
 * which it is (test_saved.c fails otherwise). What is not saved is the machine's
 * (locks, descriptors, functions), or is made from the configuration, or follows from
 * what is saved, or counts since the start of this process.
 *
 * DOC: Hostile records
 *
 * state_get() never reads beyond the record and takes no value that its field cannot
 * have. What fields mean together is checked by who loads them: they go into a copy of
 * the struct first, and the device is changed once the copy is found possible: such as
 * some driver could have brought about by writing registers.
 */
#ifndef KZ_DEV_DEVSTATE_H
#define KZ_DEV_DEVSTATE_H

#include "common/base/buf.h"
#include "common/base/err.h"
#include "kzhost/dev/ring.h"

#define DEVSTATE_VERSION 1 /* what is saved; all from 1 on can be loaded */

/* One field of a struct, an array in it, or a struct ring with its storage. */
struct state_field {
	const char *name;
	uint64_t max;    /* largest value; 0: any */
	uint64_t bits;   /* that may be set; 0: any */
	uint32_t offset; /* in the struct */
	uint32_t count;  /* elements of the array, bytes that fit into the ring; else 1 */
	uint32_t storage; /* of a ring: offset of these bytes; else 0 */
	uint8_t width;    /* bytes of each element: 1, 2, 4 or 8 */
	uint8_t since;    /* version of the state */
};

/* A member that is not saved. */
struct state_rest {
	const char *name;
	uint32_t offset, size;
};

/* A struct: every member is either a field or in the rest. */
struct state_table {
	const char *name;
	size_t size;
	const struct state_field *field;
	unsigned n_fields;
	const struct state_rest *rest;
	unsigned n_rest;

	/* For state_load(): could a driver have brought @in about, on a device that is
	 * @now? 0, or -EINVAL and a text. May be NULL: always. */
	int (*check)(const void *in, const void *now, struct errmsg *e);
	/* The device is what the record says: tells the world. May be NULL. */
	void (*loaded)(void *dev);
};

#define STATE_FIELDS(array) .field = (array), .n_fields = ARRAY_SIZE(array)
#define STATE_RESTS(array)  .rest = (array), .n_rest = ARRAY_SIZE(array)

#define STATE_MEMBER(type, member) (((type *)NULL)->member)

#define STATE_PLACE(type, member, version) \
	.name = #member, .offset = offsetof(type, member), .count = 1, \
	.width = sizeof(STATE_MEMBER(type, member)), .since = (version)

/* A bool holds 0 or 1 and nothing else. */
#define STATE_FIELD(type, member, version) \
	STATE_FIELD_MAX(type, member, version, \
			_Generic(STATE_MEMBER(type, member), bool : 1, default : 0))
#define STATE_FIELD_MAX(type, member, version, most) \
	{ \
		STATE_PLACE(type, member, version), .max = (most) \
	}
#define STATE_FIELD_BITS(type, member, version, possible) \
	{ \
		STATE_PLACE(type, member, version), .bits = (possible) \
	}
#define STATE_ARRAY(type, member, version) \
	{ \
		.name = #member, .offset = offsetof(type, member), \
		.count = ARRAY_SIZE(STATE_MEMBER(type, member)), \
		.width = sizeof(STATE_MEMBER(type, member)[0]), .since = (version), \
	}
/* A struct ring whose bytes are the array @data of the same struct. */
#define STATE_RING(type, member, data, version) \
	{ \
		.name = #member, .offset = offsetof(type, member), \
		.count = sizeof(STATE_MEMBER(type, data)), \
		.storage = offsetof(type, data), .width = 1, .since = (version), \
	}
#define STATE_REST(type, member) \
	{ \
#member, offsetof(type, member), sizeof(STATE_MEMBER(type, member)) \
	}

/* What is left of a record. */
struct state_reader {
	const uint8_t *p; /* borrowed */
	size_t left;      /* bytes */
	unsigned version; /* 1 to DEVSTATE_VERSION */
};

/**
 * state_open() - Begin to read a record
 * @version:	As it was kept beside the record
 * @data:	Borrowed while it is read
 *
 * Return: 0, or -EOPNOTSUPP and a text: a version that is not known here
 */
int state_open(struct state_reader *r, unsigned version, const void *data, size_t len,
	       struct errmsg *e);

/* Appends the fields of a struct. The buffer's error is looked at once at the end. */
void state_put(struct buf *out, const void *from, const struct state_table *t);

/**
 * state_get() - Take the fields of a struct out of a record
 * @to:		The struct; those that the record's version does not have stay
 *
 * Return: 0, or -EINVAL (the record ends, or a value cannot be: the text has the field's
 * name); then @to may have changed in part
 */
int state_get(struct state_reader *r, void *to, const struct state_table *t,
	      struct errmsg *e);

/**
 * state_load() - Make a device what a record says, or leave it as it is
 * @dev:	The struct; nobody else looks at it
 *
 * Return: 0, -EINVAL and a text (as state_get(), or what the table's check found), or
 * -ENOMEM; then nothing has changed but the reader
 */
int state_load(struct state_reader *r, void *dev, const struct state_table *t,
	       struct errmsg *e);

/* 0, or -EINVAL: there is more in the record than was taken out of it. */
int state_end(const struct state_reader *r, struct errmsg *e);

#endif
