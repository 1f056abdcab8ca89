/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmos.h - the clock and its 128 bytes of memory at port 0x70
 */
#ifndef KZ_DEV_CMOS_H
#define KZ_DEV_CMOS_H

#include "kzhost/dev/devstate.h"
#include "kzhost/vm/bus.h"

#include <pthread.h>
#include <time.h>

#define CMOS_PORTS 2

struct cmos {
	pthread_mutex_t lock; /* of all below */
	uint8_t index;
	uint8_t ram[128];
	int64_t offset_s;  /* guest clock minus host clock */
	struct tm stopped; /* the time while register B's SET is on */
};

extern const struct bus_ops cmos_ops;
extern const struct state_table cmos_table;

/* @c is zeroed memory. @low, @high: bytes of RAM below and from 4 GiB. */
void cmos_init(struct cmos *c, int64_t offset_s, uint64_t low, uint64_t high,
	       unsigned n_vcpus);
void cmos_fini(struct cmos *c);

/* The offset as it is now: a guest that sets its clock changes it. */
int64_t cmos_offset(struct cmos *c);

#endif
