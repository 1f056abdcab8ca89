/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * evil_accesses.c - odd accesses, BARs that move, MSI-X, resets at the wrong moment
 *
 * PCI Local Bus 3.0, 6.1 (configuration), 6.2.5 (BARs), 6.8 (MSI-X). Some of it is no
 * misdeed at all but seldom done, which is as good.
 */
#include "tests/guest/clock.h"
#include "tests/guest/event.h"
#include "tests/guest/evil.h"
#include "tests/guest/firmware.h"
#include "tests/guest/print.h"
#include "tests/guest/string.h"

#define FLIGHT      32 /* requests in flight */
#define FLIGHT_LEN  0x10000
#define RESETS      100
#define SETTLE_MS   50
#define CONFIG_MAX  256
#define REGION_MAX  0x1000
#define PATTERN     0x5a
#define PORT_CONFIG 0xcf8

/* Reads of every width at every offset. What they give is nobody's business. */
static void read_all(uintptr_t gpa, uint32_t len)
{
	for (uint32_t at = 0; at < len && at < REGION_MAX; at++) {
		mmio_read8(gpa + at);
		mmio_read16(gpa + at);
		mmio_read32(gpa + at);
		mmio_read64(gpa + at);
	}
}

static enum evil_outcome bar_reads(struct evil_ctx *c)
{
	struct virtio_dev *d = c->b->dev;

	for (unsigned i = VIRTIO_CAP_COMMON; i <= VIRTIO_CAP_DEVICE; i++) {
		if (d->region[i].cap)
			read_all(d->region[i].gpa,
				 d->region[i].len < 256 ? d->region[i].len + 16 : 256);
	}
	read_all(d->pci->msix_gpa, d->pci->n_vectors * MSIX_ENTRY_BYTES + 16);
	read_all(d->pci->msix_pba, 16);
	for (unsigned i = 0; i < PCI_BARS; i++) {
		if (d->pci->bar[i].bytes && !d->pci->bar[i].is_port)
			read_all(d->pci->bar[i].gpa + d->pci->bar[i].bytes - 16, 16);
	}
	return evil_works(c);
}

/* Writes of wrong width and alignment, where a right one would do something. */
static enum evil_outcome bar_writes(struct evil_ctx *c)
{
	struct virtio_dev *d = c->b->dev;
	uintptr_t common = virtio_common(d), msix = d->pci->msix_gpa;

	for (unsigned at = 0; at < CC_BYTES; at++) {
		if (at == CC_STATUS)
			continue;
		mmio_write8(common + at, 0xff);
		mmio_write64(common + at, 0);
		if (at & 1)
			mmio_write16(common + at, 0xffff);
		if (at & 3)
			mmio_write32(common + at, 0xffffffff);
	}
	for (unsigned at = 0; at < MSIX_ENTRY_BYTES; at++) {
		mmio_write8(msix + at, 0xff);
		mmio_write16(msix + at, 0xffff);
		if (at & 3)
			mmio_write32(msix + at, 0xffffffff);
		if (at & 7)
			mmio_write64(msix + at, ~0ul);
	}
	mmio_write64(d->pci->msix_pba, ~0ul);
	mmio_write32(d->region[VIRTIO_CAP_NOTIFY].gpa, 0);
	mmio_write8(d->region[VIRTIO_CAP_NOTIFY].gpa, 0);
	mmio_write64(d->region[VIRTIO_CAP_NOTIFY].gpa, 0);
	mmio_write32(d->region[VIRTIO_CAP_ISR].gpa, ~0u);
	return EVIL_OK;
}

/* Every aligned width has to tell the same, and ports the same as ECAM. */
static enum evil_outcome config_reads(struct evil_ctx *c)
{
	const struct pci_dev *p = c->b->dev->pci;

	for (unsigned ways = 0; ways < (firmware.ecam_gpa ? 2 : 1); ways++) {
		for (unsigned at = 0; at < CONFIG_MAX; at++) {
			uint32_t dword = pci_read_by(ways, p, at & ~3u, 4);
			unsigned shift = 8 * (at & 3);

			if (pci_read_by(ways, p, at, 1) != ((dword >> shift) & 0xff) ||
			    (!(at & 1) && pci_read_by(ways, p, at, 2) !=
						  ((dword >> shift) & 0xffff)) ||
			    pci_read_by(false, p, at & ~3u, 4) != dword) {
				print("evil: configuration %02x differs by width or "
				      "way\n",
				      at);
				return EVIL_BAD;
			}
		}
	}
	return EVIL_OK;
}

/* Accesses that cross registers, slots that are empty, the address port bytewise. */
static enum evil_outcome config_odd(struct evil_ctx *c)
{
	const struct pci_dev *p = c->b->dev->pci;
	struct pci_dev absent = { .slot = 31, .function = 7 };

	for (unsigned at = 0; at < CONFIG_MAX; at++) {
		pci_read_by(false, p, at, 4);
		pci_read_by(false, p, at, 2);
		if (firmware.ecam_gpa)
			mmio_read64(firmware.ecam_gpa + (p->slot << 15) + at);
	}
	for (uint16_t port = PORT_CONFIG; port < PORT_CONFIG + 4; port++) {
		port_in8(port);
		port_in16(port);
		port_out8(port, port == PORT_CONFIG + 1 ? 0 : 0x80); /* 0xcf9 resets */
	}
	port_out32(PORT_CONFIG, 0);
	if (port_in32(PORT_CONFIG + 4) != 0xffffffff ||
	    pci_read_by(false, &absent, 0, 4) != 0xffffffff)
		return EVIL_BAD;
	pci_write(&absent, PCI_COMMAND, 2, 0xffff);
	return evil_works(c);
}

/* Read-only configuration written: identity, class, header, capabilities. */
static enum evil_outcome config_written(struct evil_ctx *c)
{
	const struct pci_dev *p = c->b->dev->pci;
	static const uint8_t read_only[] = { 0x00, 0x08, 0x2c, 0x34, 0x40, 0x44, 0x48 };

	for (unsigned i = 0; i < sizeof(read_only); i++) {
		uint32_t before = pci_read(p, read_only[i], 4);

		/* Of the MSI-X capability bits 14 and 15 of the upper word are writable.
		 */
		if ((before & 0xff) == PCI_CAP_MSIX && read_only[i] >= 0x40)
			continue;
		pci_write(p, read_only[i], 4, ~before);
		if (pci_read(p, read_only[i], 4) != before) {
			pci_write(p, read_only[i], 4, before);
			return EVIL_TAKEN;
		}
	}
	return evil_works(c) == EVIL_OK ? EVIL_REFUSED : EVIL_BAD;
}

/* Does the device answer at this address of its common configuration? */
static bool answers(const struct virtio_dev *d, uintptr_t common)
{
	return mmio_read16(common + CC_NUM_QUEUES) == d->n_queues;
}

static enum evil_outcome bar_moved(struct evil_ctx *c, bool high)
{
	struct virtio_dev *d = c->b->dev;
	unsigned n = d->region[VIRTIO_CAP_COMMON].bar;
	struct pci_bar *bar = &d->pci->bar[n];
	uint64_t old = bar->gpa, at = pci_place(bar->bytes, high), moved;
	enum evil_outcome o;

	if (!at || (high && !bar->is_wide) || !pci_move_bar(d->pci, n, at))
		return EVIL_NOTHING;
	moved = at - old;
	for (unsigned i = 0; i < VIRTIO_CAP_N; i++)
		d->region[i].gpa += d->region[i].bar == n ? moved : 0;
	for (unsigned i = 0; i < c->b->n_queues; i++)
		d->queue[i]->doorbell += moved;
	o = evil_works(c);
	if (o == EVIL_OK && answers(d, virtio_common(d) - moved))
		o = EVIL_TAKEN;
	pci_move_bar(d->pci, n, old);
	for (unsigned i = 0; i < VIRTIO_CAP_N; i++)
		d->region[i].gpa -= d->region[i].bar == n ? moved : 0;
	for (unsigned i = 0; i < c->b->n_queues; i++)
		d->queue[i]->doorbell -= moved;
	return o == EVIL_OK ? evil_works(c) : o;
}

static enum evil_outcome bar_low(struct evil_ctx *c)
{
	return bar_moved(c, false);
}

static enum evil_outcome bar_high(struct evil_ctx *c)
{
	return bar_moved(c, true);
}

/* Many large reads in flight at once. */
static void fly(struct evil_ctx *c)
{
	struct blk *b = c->b;

	for (unsigned i = 0; i < FLIGHT; i++) {
		struct vring_seg seg[3] = {
			{ (uintptr_t)&b->header[i], sizeof(*b->header) },
			{ (uintptr_t)blk_dma() + i * FLIGHT_LEN, FLIGHT_LEN },
			{ (uintptr_t)&b->status[i], 1 },
		};

		b->header[i] = (struct blk_header){ .type = BLK_IN };
		vring_add(c->r, seg, 1, 2, i + 1);
	}
	vring_kick(c->r);
}

static void mark(void)
{
	memset(blk_dma(), PATTERN, FLIGHT * FLIGHT_LEN);
}

/* Return: whether data of a flight arrives where mark() was, soon */
static bool is_written(void)
{
	clock_delay_ms(SETTLE_MS);
	for (unsigned i = 0; i < FLIGHT * FLIGHT_LEN; i++) {
		if (blk_dma()[i] != PATTERN)
			return true;
	}
	return false;
}

/* After the status reads 0 the device must not write to memory any more. */
static enum evil_outcome reset_in_flight(struct evil_ctx *c)
{
	for (unsigned round = 0; round < 10; round++) {
		c->b = blk_open(c->disk, true);
		if (!c->b)
			return EVIL_BAD;
		fly(c);
		if (!virtio_reset(c->b->dev)) {
			print("evil: the status does not become 0\n");
			return EVIL_BAD;
		}
		mark();
		if (is_written()) {
			print("evil: memory was written after the reset\n");
			return EVIL_BAD;
		}
	}
	return EVIL_OK;
}

static enum evil_outcome reset_loop(struct evil_ctx *c)
{
	for (unsigned i = 0; i < RESETS; i++) {
		virtio_set_status(c->b->dev, 0);
		virtio_set_status(c->b->dev, VIRTIO_S_ACKNOWLEDGE);
		virtio_set_status(c->b->dev, 0);
		if (!virtio_reset(c->b->dev))
			return EVIL_BAD;
	}
	for (unsigned i = 0; i < RESETS / 10; i++) {
		c->b = blk_open(c->disk, true);
		if (!c->b)
			return EVIL_BAD;
		fly(c);
	}
	return EVIL_OK;
}

static enum evil_outcome decode_off(struct evil_ctx *c)
{
	const struct pci_dev *p = c->b->dev->pci;
	uint32_t command = pci_read(p, PCI_COMMAND, 2);
	bool answered;

	fly(c);
	pci_write(p, PCI_COMMAND, 2, command & ~(uint32_t)PCI_COMMAND_MEM);
	answered = answers(c->b->dev, virtio_common(c->b->dev));
	pci_write(p, PCI_COMMAND, 2, command);
	return answered ? EVIL_TAKEN : EVIL_OK;
}

/* Nor when it may not use the bus any more (PCI 3.0, 6.2.2). */
static enum evil_outcome master_off(struct evil_ctx *c)
{
	const struct pci_dev *p = c->b->dev->pci;
	uint32_t command = pci_read(p, PCI_COMMAND, 2);
	enum evil_outcome o = EVIL_OK;

	fly(c);
	pci_write(p, PCI_COMMAND, 2, command & ~(uint32_t)PCI_COMMAND_MASTER);
	mark();
	fly(c);
	if (is_written()) {
		print("evil: memory was written without bus mastering\n");
		o = EVIL_BAD;
	}
	pci_write(p, PCI_COMMAND, 2, command);
	return o;
}

static enum evil_outcome vector_range(struct evil_ctx *c)
{
	struct virtio_dev *d = c->b->dev;

	cc_write16(d, CC_QUEUE_SELECT, 0);
	cc_write16(d, CC_QUEUE_VECTOR, (uint16_t)d->pci->n_vectors);
	cc_write16(d, CC_CONFIG_VECTOR, 0x7ff);
	if (cc_read16(d, CC_QUEUE_VECTOR) != VIRTIO_NO_VECTOR ||
	    cc_read16(d, CC_CONFIG_VECTOR) != VIRTIO_NO_VECTOR)
		return EVIL_TAKEN;
	return evil_works(c) == EVIL_OK ? EVIL_REFUSED : EVIL_BAD;
}

/* Return: whether @slot has interrupted more than @before times, soon */
static bool interrupted(unsigned slot, uint64_t before)
{
	uint64_t end = rdtsc() + VIRTIO_ANSWER_MS * clock_ticks_per_ms();

	while (event_msix_count(slot) == before) {
		if (rdtsc() > end)
			return false;
	}
	return true;
}

/* Return: whether @entry pends, soon */
static bool pends(const struct pci_dev *p, unsigned entry)
{
	uint64_t end = rdtsc() + VIRTIO_ANSWER_MS * clock_ticks_per_ms();

	while (!(mmio_read32(p->msix_pba) >> entry & 1)) {
		if (rdtsc() > end)
			return false;
	}
	return true;
}

/* A vector masked, by itself or with all others: it has to pend, and to fire later. */
static enum evil_outcome masked(struct evil_ctx *c, bool by_function)
{
	struct pci_dev *p = c->b->dev->pci;
	unsigned entry = virtio_entry(c->b->dev, 0), slot = pci_msix_slot(p, entry);
	uint32_t control = pci_read(p, p->msix_cap + MSIX_CONTROL, 2);
	uint64_t before = event_msix_count(slot);
	enum evil_outcome o;
	bool pending;

	if (by_function)
		pci_write(p, p->msix_cap + MSIX_CONTROL, 2, control | MSIX_CONTROL_MASK);
	else
		pci_msix_mask(p, entry);
	evil_read(c);
	vring_interrupts_on(c->r);
	o = evil_try(c, 0);
	pending = o == EVIL_OK && pends(p, entry);
	clock_delay_ms(SETTLE_MS);
	if (o != EVIL_OK || event_msix_count(slot) != before || !pending) {
		print("evil: masked: %lu interrupts, pending %u\n",
		      event_msix_count(slot) - before, pending);
		return EVIL_BAD;
	}
	if (by_function)
		pci_write(p, p->msix_cap + MSIX_CONTROL, 2, control);
	else
		pci_msix_unmask(p, entry);
	if (!interrupted(slot, before) || mmio_read32(p->msix_pba) >> entry & 1) {
		print("evil: unmasked: %lu interrupts, pending %u\n",
		      event_msix_count(slot) - before,
		      mmio_read32(p->msix_pba) >> entry & 1);
		return EVIL_BAD;
	}
	vring_interrupts_off(c->r);
	return EVIL_OK;
}

static enum evil_outcome vector_masked(struct evil_ctx *c)
{
	return masked(c, false);
}

static enum evil_outcome vectors_masked(struct evil_ctx *c)
{
	return masked(c, true);
}

static enum evil_outcome msix_off(struct evil_ctx *c)
{
	struct pci_dev *p = c->b->dev->pci;
	uint32_t control = pci_read(p, p->msix_cap + MSIX_CONTROL, 2);
	enum evil_outcome o;

	pci_write(p, p->msix_cap + MSIX_CONTROL, 2,
		  control & ~(uint32_t)MSIX_CONTROL_ENABLE);
	evil_read(c);
	vring_interrupts_on(c->r);
	o = evil_try(c, 0);
	pci_write(p, p->msix_cap + MSIX_CONTROL, 2, control);
	mmio_read8(c->b->dev->region[VIRTIO_CAP_ISR].gpa);
	return o;
}

const struct evil evil_accesses[] = {
	{ "bar-reads", "reads of all widths everywhere in the BARs", EVIL_OK, bar_reads },
	{ "bar-writes", "writes of wrong width and alignment in the BARs", EVIL_OK,
	  bar_writes },
	{ "config-reads", "configuration by all widths and ways", EVIL_OK, config_reads },
	{ "config-odd", "configuration across registers and of empty slots", EVIL_OK,
	  config_odd },
	{ "config-readonly", "read-only PCI registers written", EVIL_REFUSED,
	  config_written },
	{ "bar-low", "a BAR moved while the disk runs, and back", EVIL_OK, bar_low },
	{ "bar-high", "the same to above 4 GiB", EVIL_OK | EVIL_NOTHING, bar_high },
	{ "decode-off", "memory decoding off with requests in flight", EVIL_OK,
	  decode_off },
	{ "master-off", "bus mastering off with requests in flight", EVIL_OK,
	  master_off },
	{ "vector-range", "MSI-X vectors that do not exist", EVIL_REFUSED, vector_range },
	{ "vector-masked", "a masked vector pends, and fires when unmasked", EVIL_OK,
	  vector_masked },
	{ "vectors-masked", "the same with all vectors masked", EVIL_OK, vectors_masked },
	{ "msix-off", "MSI-X switched off while the disk runs", EVIL_OK, msix_off },
	{ "reset-flight", "resets with requests in flight", EVIL_OK, reset_in_flight },
	{ "reset-loop", "300 resets, and 10 with requests in flight", EVIL_OK,
	  reset_loop },
	{ NULL, NULL, 0, NULL },
};
