/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bus.c - sorted table of ranges, one dispatcher that checks width and bounds
 */
#include "kzhost/vm/bus.h"

#include <string.h>

/* Number of ranges that begin at or below addr. */
static unsigned upper_bound(const struct bus *bus, uint64_t addr)
{
	unsigned lo = 0, hi = bus->n;

	while (lo < hi) {
		unsigned mid = (lo + hi) / 2;

		if (bus->range[mid].base <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

int bus_add(struct bus *bus, uint64_t base, uint64_t len, const struct bus_ops *ops,
	    void *dev)
{
	unsigned at = upper_bound(bus, base);
	uint64_t last;

	if (len == 0 || __builtin_add_overflow(base, len - 1, &last))
		return -EINVAL;
	if (at > 0 && base - bus->range[at - 1].base < bus->range[at - 1].len)
		return -EINVAL;
	if (at < bus->n && bus->range[at].base <= last)
		return -EINVAL;
	if (bus->n == BUS_RANGES)
		return -ENOSPC;
	memmove(&bus->range[at + 1], &bus->range[at],
		(bus->n - at) * sizeof(bus->range[0]));
	bus->range[at] =
		(struct bus_range){ .base = base, .len = len, .ops = ops, .dev = dev };
	bus->n++;
	return 0;
}

/* The range that takes an access of this width at this address, or NULL. */
static const struct bus_range *find(const struct bus *bus, uint64_t addr, unsigned size)
{
	unsigned at = upper_bound(bus, addr);
	const struct bus_range *r;

	if (at == 0 || (size != 1 && size != 2 && size != 4 && size != 8))
		return NULL;
	r = &bus->range[at - 1];
	if (addr - r->base >= r->len || size > r->len - (addr - r->base))
		return NULL;
	return r->ops->widths & size ? r : NULL;
}

static uint64_t all_ones(unsigned size)
{
	return size >= 8 ? UINT64_MAX : (UINT64_C(1) << size * 8) - 1;
}

bool bus_read(const struct bus *bus, uint64_t addr, unsigned size, uint64_t *ret_value)
{
	const struct bus_range *r = find(bus, addr, size);

	*ret_value = all_ones(size);
	if (!r || !r->ops->read)
		return false;
	*ret_value &= r->ops->read(r->dev, addr - r->base, size);
	return true;
}

bool bus_write(const struct bus *bus, uint64_t addr, unsigned size, uint64_t value)
{
	const struct bus_range *r = find(bus, addr, size);

	if (!r || !r->ops->write)
		return false;
	r->ops->write(r->dev, addr - r->base, size, value & all_ones(size));
	return true;
}
