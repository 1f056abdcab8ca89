/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bus.h - which device answers at a port or at an address
 *
 * DOC: What a device may rely on
 *
 * bus_read() and bus_write() are the only callers of device handlers. They have checked
 * that the access is 1, 2, 4 or 8 bytes wide, that the device takes that width, and that
 * it lies wholly inside the device's range. Everything else reads as all ones and is not
 * written.
 *
 * A bus is filled before the first vCPU runs and only read from then on, without a lock.
 */
#ifndef KZ_VM_BUS_H
#define KZ_VM_BUS_H

#include "common/base/base.h"

#define BUS_RANGES 32

/* Widths that a device takes: the sum of the sizes themselves. */
#define BUS_W1    1u
#define BUS_W2    2u
#define BUS_W4    4u
#define BUS_W8    8u
#define BUS_W_ANY 15u

struct bus_ops {
	unsigned widths; /* BUS_W* */
	/* offset is inside the range; size is one of widths; only size bytes of value
	 * count */
	uint64_t (*read)(void *dev, uint64_t offset, unsigned size);
	void (*write)(void *dev, uint64_t offset, unsigned size, uint64_t value);
};

struct bus_range {
	uint64_t base;
	uint64_t len;
	const struct bus_ops *ops;
	void *dev; /* borrowed */
};

struct bus {
	unsigned n;
	struct bus_range range[BUS_RANGES]; /* sorted by base, disjoint */
};

/* -EINVAL: empty, wraps around or overlaps another; -ENOSPC: too many */
int bus_add(struct bus *bus, uint64_t base, uint64_t len, const struct bus_ops *ops,
	    void *dev);

/* True: a device answered. False: nobody took it; all ones in *ret_value. */
bool bus_read(const struct bus *bus, uint64_t addr, unsigned size, uint64_t *ret_value);

/* True: a device took it. */
bool bus_write(const struct bus *bus, uint64_t addr, unsigned size, uint64_t value);

#endif
