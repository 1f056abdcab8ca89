/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * probe.h - handlers of a device on a bus that remembers the last access, for tests
 */
#ifndef KZ_TESTS_UNIT_PROBE_H
#define KZ_TESTS_UNIT_PROBE_H

#include "kzhost/vm/bus.h"

#define PROBE_VALUE 0x8877665544332211 /* what every read gives */

/* The first member of the device, when it has others. */
struct probe {
	uint64_t offset, value;
	unsigned size, reads, writes;
};

static inline uint64_t probe_read(void *dev, uint64_t offset, unsigned size)
{
	struct probe *p = dev;

	p->offset = offset;
	p->size = size;
	p->reads++;
	return PROBE_VALUE;
}

static inline void probe_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
	struct probe *p = dev;

	p->offset = offset;
	p->size = size;
	p->value = value;
	p->writes++;
}

#endif
