/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * devstate.h - saved state of devices: tables of fields, to bytes and back
 *
 * DOC: A record
 *
 * What a device saves is said in tables: a field is a name, its place in a struct, its
 * width, the version of the state that has it first, and the largest value that it may
 * have. A record is the fields in the order of their tables, little-endian, without
 * padding. It has neither names nor counts: the version, which is kept beside it, and the
 * device itself, which is made from the zone's configuration, say what comes where.
 *
 * Fields are only ever appended to a table, with a new version; a record of an older one
 * leaves them as a device has them that was just made.
 *
 * DOC: Hostile records
 *
 * state_get() never reads beyond the record and takes no value above a field's largest.
 * What fields mean together is checked by who loads them: they go into a copy of the
 * struct first, and the device is changed once the copy is found possible: such as some
 * driver could have brought about by writing registers.
 */
#ifndef KZ_DEV_DEVSTATE_H
#define KZ_DEV_DEVSTATE_H

#include "common/base/buf.h"
#include "common/base/err.h"

#define DEVSTATE_VERSION 1 /* what is saved; all from 1 on can be loaded */

/* One field of a struct, or an array in it. */
struct state_field {
	const char *name;
	uint64_t max;    /* largest value; 0: any */
	uint32_t offset; /* in the struct */
	uint16_t count;  /* elements of the array, else 1 */
	uint8_t width;   /* bytes of each: 1, 2, 4 or 8 */
	uint8_t since;   /* version of the state */
};

#define STATE_MEMBER(type, member) (((type *)NULL)->member)

/* A bool holds 0 or 1 and nothing else. */
#define STATE_FIELD(type, member, version) \
	STATE_FIELD_MAX(type, member, version, \
			_Generic(STATE_MEMBER(type, member), bool : 1, default : 0))
#define STATE_FIELD_MAX(type, member, version, most) \
	{ \
		.name = #member, .max = (most), .offset = offsetof(type, member), \
		.count = 1, .width = sizeof(STATE_MEMBER(type, member)), \
		.since = (version), \
	}
#define STATE_ARRAY(type, member, version) \
	{ \
		.name = #member, .offset = offsetof(type, member), \
		.count = ARRAY_SIZE(STATE_MEMBER(type, member)), \
		.width = sizeof(STATE_MEMBER(type, member)[0]), .since = (version), \
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
void state_put(struct buf *out, const void *from, const struct state_field *fields,
	       unsigned n);

/**
 * state_get() - Take the fields of a struct out of a record
 * @to:		The struct; those that the record's version does not have stay
 *
 * Return: 0, or -EINVAL (the record ends, or a value is too large: the text has the
 * field's name); then @to may have changed in part
 */
int state_get(struct state_reader *r, void *to, const struct state_field *fields,
	      unsigned n, struct errmsg *e);

/* 0, or -EINVAL: there is more in the record than was taken out of it. */
int state_end(const struct state_reader *r, struct errmsg *e);

#endif
