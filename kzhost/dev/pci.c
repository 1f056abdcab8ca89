/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pci.c - configuration accesses, where BARs answer, dispatch to their handlers
 */
#include "kzhost/dev/pci.h"

#include "common/base/trace.h"
#include "common/proto/machine.h"

#include <string.h>

#define REG_CLASS      0x08 /* revision, then three bytes of class */
#define REG_CACHE_LINE 0x0c
#define REG_SUBSYSTEM  0x2c
#define REG_INT_LINE   0x3c
#define CAPS_BEGIN     0x40

#define STATUS_CLEARS     0xf900 /* errors: parity, target and master aborts */
#define BAR_WIDE          0x4    /* type: 64 bits */
#define BAR_FLAGS         0xfull
#define BRIDGE_PAM        0x59 /* PAM0 to PAM6 */
#define BRIDGE_PAM_N      7
#define ADDRESS_ENABLE    0x80000000u
#define ADDRESS_WRITABLE  0x80fffffcu
#define ECAM_FUNCTION     4096u
#define FUNCTIONS_OF_SLOT 8u

static uint64_t get_le(const uint8_t *p, unsigned size)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < size; i++)
		v |= (uint64_t)p[i] << i * 8;
	return v;
}

static void put_le(uint8_t *p, unsigned size, uint64_t v)
{
	for (unsigned i = 0; i < size; i++)
		p[i] = (uint8_t)(v >> i * 8);
}

void pci_function_init(struct pci_function *f, const struct pci_id *id, void *dev)
{
	*f = (struct pci_function){ .dev = dev, .caps_end = CAPS_BEGIN };
	put_le(f->config, 2, id->vendor);
	put_le(f->config + 2, 2, id->device);
	f->config[REG_CLASS] = id->revision;
	put_le(f->config + REG_CLASS + 1, 3, id->class);
	put_le(f->config + REG_SUBSYSTEM, 2, id->subvendor);
	put_le(f->config + REG_SUBSYSTEM + 2, 2, id->subdevice);
	put_le(f->writable + PCI_REG_COMMAND, 2,
	       PCI_COMMAND_MEM | PCI_COMMAND_BUSM | PCI_COMMAND_NOINTX);
	put_le(f->clears + PCI_REG_STATUS, 2, STATUS_CLEARS);
	f->writable[REG_CACHE_LINE] = 0xff;
	f->writable[REG_INT_LINE] = 0xff;
}

void pci_add_bar(struct pci_function *f, unsigned bar, uint64_t size, bool wide,
		 const struct bus_ops *ops)
{
	unsigned reg = PCI_REG_BAR + 4 * bar, len = wide ? 8 : 4;

	ASSERT(bar + wide < PCI_BARS && size >= 4096 && (size & (size - 1)) == 0);
	f->bar[bar] = (struct pci_bar){ .size = size, .wide = wide, .ops = ops };
	f->config[reg] = wide ? BAR_WIDE : 0;
	put_le(f->writable + reg, len, ~(size - 1));
}

unsigned pci_add_capability(struct pci_function *f, uint8_t id, const void *body,
			    unsigned len)
{
	unsigned at = f->caps_end;

	ASSERT(at + 2 + len <= PCI_CONFIG);
	f->config[f->last_cap ? f->last_cap + 1u : PCI_REG_CAPS] = (uint8_t)at;
	f->config[PCI_REG_STATUS] |= PCI_STATUS_CAPS;
	f->config[at] = id;
	memcpy(f->config + at + 2, body, len);
	f->last_cap = (uint8_t)at;
	f->caps_end = (at + 2 + len + 3) & ~3u;
	return at;
}

void pci_init(struct pci *pci, uint64_t high)
{
	/* 440FX, as the firmware of virtual machines knows it. */
	static const struct pci_id bridge = { .vendor = 0x8086,
					      .device = 0x1237,
					      .subvendor = 0x1af4,
					      .subdevice = 0x1100,
					      .revision = 2,
					      .class = 0x060000 };

	*pci = (struct pci){ .high = high };
	pthread_mutex_init(&pci->lock, NULL);
	pci_function_init(&pci->bridge, &bridge, NULL);
	memset(pci->bridge.writable + BRIDGE_PAM, 0xff, BRIDGE_PAM_N);
	pci->slot[0] = &pci->bridge;
}

void pci_fini(struct pci *pci)
{
	pthread_mutex_destroy(&pci->lock);
}

int pci_add(struct pci *pci, unsigned slot, struct pci_function *f)
{
	if (slot >= PCI_SLOTS)
		return -ENOSPC;
	if (pci->slot[slot])
		return -EBUSY;
	pci->slot[slot] = f;
	return 0;
}

/* Where BARs answer. */

/* What the BAR's register holds. */
static uint64_t bar_base(const struct pci_function *f, unsigned bar)
{
	unsigned len = f->bar[bar].wide ? 8 : 4;

	return get_le(f->config + PCI_REG_BAR + 4 * bar, len) & ~BAR_FLAGS;
}

static bool inside(uint64_t base, uint64_t size, uint64_t window, uint64_t window_size)
{
	return base >= window && size <= window_size &&
	       base - window <= window_size - size;
}

/* A BAR's address if it had the bus for itself; 0: nowhere. */
static uint64_t bar_wish(const struct pci *pci, const struct pci_function *f, unsigned i)
{
	uint64_t base = bar_base(f, i), size = f->bar[i].size;

	if (size == 0 || !(f->config[PCI_REG_COMMAND] & PCI_COMMAND_MEM))
		return 0;
	if (inside(base, size, KZ_GPA_PCI_LOW, KZ_GPA_PCI_LOW_END - KZ_GPA_PCI_LOW) ||
	    inside(base, size, pci->high, KZ_PCI_HIGH_SIZE))
		return base;
	return 0;
}

/* One that got its address. */
struct placed {
	uint64_t gpa, size;
};

static bool overlaps(const struct placed *p, unsigned n, uint64_t gpa, uint64_t size)
{
	for (unsigned i = 0; i < n; i++) {
		if (gpa < p[i].gpa + p[i].size && p[i].gpa < gpa + size)
			return true;
	}
	return false;
}

static void move_bar(struct pci_function *f, unsigned bar, uint64_t gpa)
{
	TRACE(dev, "pci device=0x%04llx bar=%u 0x%llx -> 0x%llx",
	      (unsigned long long)get_le(f->config + 2, 2), bar,
	      (unsigned long long)f->bar[bar].gpa, (unsigned long long)gpa);
	f->bar[bar].gpa = gpa;
	if (f->bar_moved)
		f->bar_moved(f->dev, bar, gpa);
}

/* Decides anew where every BAR answers: first all leave that must, then all come. */
static void place_bars(struct pci *pci)
{
	struct placed placed[PCI_SLOTS * PCI_BARS];
	uint64_t want[PCI_SLOTS][PCI_BARS] = { 0 };
	unsigned n = 0;

	for (unsigned s = 0; s < PCI_SLOTS; s++) {
		struct pci_function *f = pci->slot[s];

		for (unsigned b = 0; f && b < PCI_BARS; b++) {
			uint64_t gpa = bar_wish(pci, f, b), size = f->bar[b].size;

			if (gpa && !overlaps(placed, n, gpa, size)) {
				placed[n++] = (struct placed){ gpa, size };
				want[s][b] = gpa;
			}
			if (f->bar[b].gpa && f->bar[b].gpa != want[s][b])
				move_bar(f, b, 0);
		}
	}
	for (unsigned s = 0; s < PCI_SLOTS; s++) {
		for (unsigned b = 0; pci->slot[s] && b < PCI_BARS; b++) {
			if (pci->slot[s]->bar[b].gpa != want[s][b])
				move_bar(pci->slot[s], b, want[s][b]);
		}
	}
}

void pci_assign(struct pci *pci)
{
	uint64_t next = KZ_GPA_PCI_LOW;

	pthread_mutex_lock(&pci->lock);
	for (unsigned s = 0; s < PCI_SLOTS; s++) {
		struct pci_function *f = pci->slot[s];

		for (unsigned b = 0; f && b < PCI_BARS; b++) {
			uint64_t size = f->bar[b].size;
			uint8_t *reg = f->config + PCI_REG_BAR + 4 * b;

			if (size == 0)
				continue;
			next = (next + size - 1) & ~(size - 1);
			put_le(reg, 4, next | (*reg & BAR_FLAGS));
			f->config[PCI_REG_COMMAND] |= PCI_COMMAND_MEM;
			next += size;
		}
	}
	ASSERT(next <= KZ_GPA_PCI_LOW_END);
	place_bars(pci);
	pthread_mutex_unlock(&pci->lock);
}

void pci_place(struct pci *pci)
{
	pthread_mutex_lock(&pci->lock);
	place_bars(pci);
	pthread_mutex_unlock(&pci->lock);
}

/* An access to a BAR's handlers: only what is natural and inside arrives there. */

static uint64_t bar_read(const struct pci_function *f, const struct pci_target *t)
{
	const struct bus_ops *ops = f->bar[t->bar].ops;

	if (t->offset % t->size || t->offset >= f->bar[t->bar].size || !ops->read ||
	    !(ops->widths & t->size))
		return UINT64_MAX;
	return ops->read(f->dev, t->offset, t->size);
}

static void bar_write(const struct pci_function *f, const struct pci_target *t,
		      uint64_t value)
{
	const struct bus_ops *ops = f->bar[t->bar].ops;

	if (t->offset % t->size || t->offset >= f->bar[t->bar].size || !ops->write ||
	    !(ops->widths & t->size))
		return;
	ops->write(f->dev, t->offset, t->size, value);
}

/* Configuration space. */

static bool in_window(const struct pci_function *f, unsigned reg, unsigned size,
		      struct pci_target *ret_target)
{
	return f->window && reg < f->window + 4 && f->window < reg + size &&
	       f->window_at(f->dev, ret_target) && ret_target->bar < PCI_BARS &&
	       f->bar[ret_target->bar].size > 0;
}

/* @where: slot, function, register as in ECAM. The function, or NULL: nobody answers. */
static struct pci_function *find_function(const struct pci *pci, uint64_t where,
					  unsigned size)
{
	uint64_t slot = where / (ECAM_FUNCTION * FUNCTIONS_OF_SLOT);
	uint64_t reg = where % (ECAM_FUNCTION * FUNCTIONS_OF_SLOT);

	/* Function 0 only, and no extended registers; nothing across a dword. */
	if (slot >= PCI_SLOTS || reg >= PCI_CONFIG || reg % 4 + size > 4)
		return NULL;
	return pci->slot[slot];
}

static uint64_t config_read(struct pci *pci, uint64_t where, unsigned size)
{
	struct pci_function *f = find_function(pci, where, size);
	unsigned reg = (unsigned)where % PCI_CONFIG;
	struct pci_target t;
	uint64_t v;

	if (!f)
		return UINT64_MAX;
	pthread_mutex_lock(&pci->lock);
	if (in_window(f, reg, size, &t)) {
		pthread_mutex_unlock(&pci->lock);
		v = bar_read(f, &t);
		pthread_mutex_lock(&pci->lock);
		put_le(f->config + f->window, t.size, v);
	}
	if (f->intx_pending) {
		f->config[PCI_REG_STATUS] &= (uint8_t)~PCI_STATUS_INTX;
		f->config[PCI_REG_STATUS] |=
			f->intx_pending(f->dev) ? PCI_STATUS_INTX : 0;
	}
	v = get_le(f->config + reg, size);
	pthread_mutex_unlock(&pci->lock);
	return v;
}

static void write_bytes(struct pci_function *f, unsigned reg, unsigned size,
			uint64_t value)
{
	for (unsigned i = 0; i < size; i++) {
		uint8_t v = (uint8_t)(value >> i * 8), *to = &f->config[reg + i];
		uint8_t mask = f->writable[reg + i];

		*to = (uint8_t)((*to & ~mask) | (v & mask));
		*to &= (uint8_t) ~(v & f->clears[reg + i]);
	}
}

static bool touches(unsigned reg, unsigned size, unsigned first, unsigned end)
{
	return reg < end && first < reg + size;
}

static void config_write(struct pci *pci, uint64_t where, unsigned size, uint64_t value)
{
	struct pci_function *f = find_function(pci, where, size);
	unsigned reg = (unsigned)where % PCI_CONFIG;
	struct pci_target t;
	uint64_t data;
	bool through;

	if (!f)
		return;
	pthread_mutex_lock(&pci->lock);
	write_bytes(f, reg, size, value);
	if (touches(reg, size, PCI_REG_COMMAND, PCI_REG_COMMAND + 2) ||
	    touches(reg, size, PCI_REG_BAR, PCI_REG_BAR + 4 * PCI_BARS))
		place_bars(pci);
	if (f->config_written)
		f->config_written(f->dev, reg, size);
	through = in_window(f, reg, size, &t);
	data = through ? get_le(f->config + f->window, t.size) : 0;
	pthread_mutex_unlock(&pci->lock);
	if (through)
		bar_write(f, &t, data);
}

/* Ports: the address as a dword, then data of any width inside its dword. */

/* The register that a data port stands for, as in ECAM; all ones: none. */
static uint64_t port_target(struct pci *pci, uint64_t offset)
{
	uint32_t a;

	pthread_mutex_lock(&pci->lock);
	a = pci->address;
	pthread_mutex_unlock(&pci->lock);
	if (!(a & ADDRESS_ENABLE) || (a >> 16 & 0xff))
		return UINT64_MAX;
	return (uint64_t)(a >> 8 & 0xff) * ECAM_FUNCTION + (a & 0xfc) + (offset - 4);
}

static uint64_t port_read(void *dev, uint64_t offset, unsigned size)
{
	struct pci *pci = dev;
	uint64_t v;

	if (offset >= 4)
		return config_read(pci, port_target(pci, offset), size);
	if (offset != 0 || size != 4)
		return UINT64_MAX;
	pthread_mutex_lock(&pci->lock);
	v = pci->address;
	pthread_mutex_unlock(&pci->lock);
	return v;
}

static void port_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
	struct pci *pci = dev;

	if (offset >= 4) {
		config_write(pci, port_target(pci, offset), size, value);
	} else if (offset == 0 && size == 4) {
		pthread_mutex_lock(&pci->lock);
		pci->address = (uint32_t)value & ADDRESS_WRITABLE;
		pthread_mutex_unlock(&pci->lock);
	}
}

static uint64_t ecam_read(void *dev, uint64_t offset, unsigned size)
{
	return config_read(dev, offset, size);
}

static void ecam_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
	config_write(dev, offset, size, value);
}

/* Saving and loading. */

static const struct state_field function_fields[] = {
	STATE_ARRAY(struct pci_function, config, 1),
};

static const struct state_rest function_rest[] = {
	STATE_REST(struct pci_function, writable), /* what kind of device it is */
	STATE_REST(struct pci_function, clears),
	STATE_REST(struct pci_function, caps_end),
	STATE_REST(struct pci_function, last_cap),
	STATE_REST(struct pci_function, window),
	STATE_REST(struct pci_function, bar), /* where they answer: pci_place() */
	STATE_REST(struct pci_function, dev),
	STATE_REST(struct pci_function, config_written),
	STATE_REST(struct pci_function, intx_pending),
	STATE_REST(struct pci_function, bar_moved),
	STATE_REST(struct pci_function, window_at),
};

const struct state_table pci_function_table = {
	.name = "pci_function",
	.size = sizeof(struct pci_function),
	STATE_FIELDS(function_fields),
	STATE_RESTS(function_rest),
};

static const struct state_field bus_fields[] = {
	STATE_FIELD_BITS(struct pci, address, 1, ADDRESS_WRITABLE),
};

static const struct state_rest bus_rest[] = {
	STATE_REST(struct pci, lock),
	STATE_REST(struct pci, high),   /* by the size of RAM */
	STATE_REST(struct pci, bridge), /* a function, saved with the bus */
	STATE_REST(struct pci, slot),   /* saved each by its device */
};

const struct state_table pci_table = {
	.name = "pci",
	.size = sizeof(struct pci),
	STATE_FIELDS(bus_fields),
	STATE_RESTS(bus_rest),
};

void pci_function_save(const struct pci_function *f, struct buf *out)
{
	state_put(out, f, &pci_function_table);
}

/* Bits of a register that may be other than in a function that was just made. */
static uint8_t may_differ(const struct pci_function *f, unsigned reg)
{
	uint8_t intx = reg == PCI_REG_STATUS ? PCI_STATUS_INTX : 0;

	return f->writable[reg] | f->clears[reg] | intx;
}

int pci_function_load(struct pci_function *f, struct state_reader *r, struct errmsg *e)
{
	struct pci_function in = *f;
	int err = state_get(r, &in, &pci_function_table, e);

	if (err < 0)
		return err;
	for (unsigned i = 0; i < PCI_CONFIG; i++) {
		if ((in.config[i] ^ f->config[i]) & ~may_differ(f, i))
			return errmsg_set(e, -EINVAL,
					  "PCI register %02x is %02x, here it is %02x", i,
					  in.config[i], f->config[i]);
	}
	for (unsigned b = 0; b < PCI_BARS; b++) {
		if (f->bar[b].gpa)
			move_bar(f, b, 0);
	}
	memcpy(f->config, in.config, PCI_CONFIG);
	return 0;
}

void pci_save(const struct pci *pci, struct buf *out)
{
	state_put(out, pci, &pci_table);
	pci_function_save(&pci->bridge, out);
}

int pci_load(struct pci *pci, struct state_reader *r, struct errmsg *e)
{
	struct pci in = *pci;
	int err = state_get(r, &in, &pci_table, e);

	if (err == 0)
		err = pci_function_load(&pci->bridge, r, e);
	if (err == 0)
		pci->address = in.address;
	return err;
}

/* Memory windows. */

static struct pci_function *find_bar(struct pci *pci, uint64_t gpa, unsigned size,
				     struct pci_target *ret_target)
{
	struct pci_function *found = NULL;

	pthread_mutex_lock(&pci->lock);
	for (unsigned s = 0; !found && s < PCI_SLOTS; s++) {
		struct pci_function *f = pci->slot[s];

		for (unsigned b = 0; f && !found && b < PCI_BARS; b++) {
			const struct pci_bar *bar = &f->bar[b];

			if (bar->gpa == 0 || gpa < bar->gpa ||
			    gpa - bar->gpa >= bar->size)
				continue;
			*ret_target = (struct pci_target){ b, gpa - bar->gpa, size };
			found = f;
		}
	}
	pthread_mutex_unlock(&pci->lock);
	return found;
}

static uint64_t window_read(struct pci *pci, uint64_t gpa, unsigned size)
{
	struct pci_target t;
	const struct pci_function *f = find_bar(pci, gpa, size, &t);

	return f ? bar_read(f, &t) : UINT64_MAX;
}

static void window_write(struct pci *pci, uint64_t gpa, unsigned size, uint64_t value)
{
	struct pci_target t;
	const struct pci_function *f = find_bar(pci, gpa, size, &t);

	if (f)
		bar_write(f, &t, value);
}

static uint64_t low_read(void *dev, uint64_t offset, unsigned size)
{
	return window_read(dev, KZ_GPA_PCI_LOW + offset, size);
}

static void low_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
	window_write(dev, KZ_GPA_PCI_LOW + offset, size, value);
}

static uint64_t high_read(void *dev, uint64_t offset, unsigned size)
{
	struct pci *pci = dev;

	return window_read(pci, pci->high + offset, size);
}

static void high_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
	struct pci *pci = dev;

	window_write(pci, pci->high + offset, size, value);
}

const struct bus_ops pci_port_ops = { BUS_W1 | BUS_W2 | BUS_W4, port_read, port_write };
const struct bus_ops pci_ecam_ops = { BUS_W_ANY, ecam_read, ecam_write };
const struct bus_ops pci_low_ops = { BUS_W_ANY, low_read, low_write };
const struct bus_ops pci_high_ops = { BUS_W_ANY, high_read, high_write };
