/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * conform_pci.c - checks of virtio over PCI (VIRTIO 1.2, 4.1)
 */
#include "tests/guest/clock.h"
#include "tests/guest/conform.h"

#define DEVICE_BASE  0x1040
#define ISR_QUEUE    0x01
#define ISR_CONFIG   0x02
#define STATUS_INTX  0x0008
#define QUEUES_TRIED 70
#define CAP_LEN      2
#define CAP_KIND     3
#define CAP_BAR      4
#define CAP_OFFSET   8
#define CAP_LENGTH   12
#define CAP_DATA     16
#define CAP_BYTES    16
#define CAP_EXTRA    20

static bool is_power_of_2(uint64_t v)
{
	return v && !(v & (v - 1));
}

static enum conform_result header(struct conform *c)
{
	const struct pci_dev *p = c->d->pci;

	CONFORM(c, (pci_read(p, PCI_HEADER, 1) & 0x7f) == 0);
	CONFORM(c, pci_read(p, PCI_STATUS, 2) & PCI_STATUS_CAPS);
	for (unsigned i = 0; i < PCI_BARS; i++) {
		const struct pci_bar *b = &p->bar[i];

		CONFORM(c, !b->bytes || is_power_of_2(b->bytes));
		CONFORM(c, !b->bytes || b->gpa % b->bytes == 0);
	}
	return CONFORM_OK;
}

static enum conform_result vendor(struct conform *c)
{
	CONFORM(c, pci_read(c->d->pci, PCI_VENDOR, 2) == 0x1af4);
	return CONFORM_OK;
}

static enum conform_result device(struct conform *c)
{
	CONFORM(c, pci_read(c->d->pci, PCI_DEVICE, 2) == DEVICE_BASE + c->d->type);
	return CONFORM_OK;
}

static enum conform_result revision(struct conform *c)
{
	CONFORM(c, pci_read(c->d->pci, PCI_REVISION, 1) >= 1);
	return CONFORM_OK;
}

static enum conform_result subdevice(struct conform *c)
{
	CONFORM(c, pci_read(c->d->pci, PCI_SUBDEVICE, 2) >= 0x40);
	return CONFORM_OK;
}

static enum conform_result halves(struct conform *c)
{
	uint32_t low, high;

	CONFORM(c, virtio_reset(c->d));
	low = virtio_config32(c->d, BLK_CFG_CAPACITY);
	high = virtio_config32(c->d, BLK_CFG_CAPACITY + 4);
	CONFORM(c, virtio_config32(c->d, BLK_CFG_CAPACITY + 4) == high);
	CONFORM(c, virtio_config32(c->d, BLK_CFG_CAPACITY) == low);
	CONFORM(c, low || high);
	return CONFORM_OK;
}

static enum conform_result cap_len(struct conform *c)
{
	const struct pci_dev *p = c->d->pci;
	unsigned n = 0;

	for (unsigned cap = 0; (cap = pci_capability(p, cap, PCI_CAP_VENDOR)); n++) {
		unsigned kind = pci_read(p, cap + CAP_KIND, 1);
		unsigned len = pci_read(p, cap + CAP_LEN, 1);
		bool extra = kind == VIRTIO_CAP_NOTIFY || kind == VIRTIO_CAP_PCI;

		CONFORM(c, len >= (extra ? CAP_EXTRA : CAP_BYTES));
		CONFORM(c, cap + len <= 256);
	}
	CONFORM(c, n >= 4);
	return CONFORM_OK;
}

static enum conform_result regions(struct conform *c)
{
	for (unsigned i = VIRTIO_CAP_COMMON; i <= VIRTIO_CAP_DEVICE; i++) {
		const struct virtio_region *r = &c->d->region[i];

		CONFORM(c,
			!r->cap || (r->len <= c->d->pci->bar[r->bar].bytes &&
				    r->offset <= c->d->pci->bar[r->bar].bytes - r->len));
	}
	return CONFORM_OK;
}

static enum conform_result common_cap(struct conform *c)
{
	const struct virtio_region *r = &c->d->region[VIRTIO_CAP_COMMON];

	CONFORM(c, r->cap);
	CONFORM(c, r->offset % 4 == 0);
	CONFORM(c, r->len >= CC_BYTES);
	return CONFORM_OK;
}

static enum conform_result features_beyond(struct conform *c)
{
	static const uint32_t selects[] = { 2, 3, 0x80000000, 0xffffffff };

	for (unsigned i = 0; i < sizeof(selects) / sizeof(selects[0]); i++) {
		cc_write32(c->d, CC_DEVICE_FEATURE_SELECT, selects[i]);
		CONFORM(c, cc_read32(c->d, CC_DEVICE_FEATURE_SELECT) == selects[i]);
		CONFORM(c, cc_read32(c->d, CC_DEVICE_FEATURE) == 0);
	}
	return CONFORM_OK;
}

static enum conform_result features_shown(struct conform *c)
{
	uint64_t want = c->offered & VIRTIO_F_RINGS;

	CONFORM(c, virtio_negotiate(c->d, VIRTIO_F_RINGS));
	cc_write32(c->d, CC_DRIVER_FEATURE_SELECT, 0);
	CONFORM(c, cc_read32(c->d, CC_DRIVER_FEATURE) == (uint32_t)want);
	cc_write32(c->d, CC_DRIVER_FEATURE_SELECT, 1);
	CONFORM(c, cc_read32(c->d, CC_DRIVER_FEATURE) == (uint32_t)(want >> 32));
	return CONFORM_OK;
}

static enum conform_result generation(struct conform *c)
{
	uint8_t before = mmio_read8(virtio_common(c->d) + CC_GENERATION);

	virtio_config32(c->d, 0);
	virtio_config32(c->d, 0);
	CONFORM(c, mmio_read8(virtio_common(c->d) + CC_GENERATION) == before);
	return CONFORM_OK;
}

static enum conform_result queues_reset(struct conform *c)
{
	CONFORM(c, conform_start(c, 0));
	CONFORM(c, cc_read16(c->d, CC_QUEUE_ENABLE) == 1);
	CONFORM(c, virtio_reset(c->d));
	for (unsigned i = 0; i < c->d->n_queues; i++) {
		cc_write16(c->d, CC_QUEUE_SELECT, (uint16_t)i);
		CONFORM(c, cc_read16(c->d, CC_QUEUE_ENABLE) == 0);
	}
	return CONFORM_OK;
}

static enum conform_result queue_sizes(struct conform *c)
{
	CONFORM(c, virtio_reset(c->d));
	for (unsigned i = 0; i < c->d->n_queues; i++) {
		unsigned size;

		cc_write16(c->d, CC_QUEUE_SELECT, (uint16_t)i);
		size = cc_read16(c->d, CC_QUEUE_SIZE);
		CONFORM(c, !size || (is_power_of_2(size) && size <= 32768));
	}
	return CONFORM_OK;
}

static enum conform_result queues_absent(struct conform *c)
{
	CONFORM(c, virtio_reset(c->d));
	for (unsigned i = c->d->n_queues; i < QUEUES_TRIED; i++) {
		cc_write16(c->d, CC_QUEUE_SELECT, (uint16_t)i);
		CONFORM(c, cc_read16(c->d, CC_QUEUE_SIZE) == 0);
	}
	cc_write16(c->d, CC_QUEUE_SELECT, 0xffff);
	CONFORM(c, cc_read16(c->d, CC_QUEUE_SIZE) == 0);
	return CONFORM_OK;
}

static enum conform_result size_reduced(struct conform *c)
{
	unsigned queue = c->d->type == VIRTIO_CONSOLE ? 1 : 0;
	uint16_t half;

	CONFORM(c, virtio_negotiate(c->d, VIRTIO_F_VERSION_1));
	cc_write16(c->d, CC_QUEUE_SELECT, (uint16_t)queue);
	half = cc_read16(c->d, CC_QUEUE_SIZE) / 2;
	if (half < 4)
		return CONFORM_NA;
	cc_write16(c->d, CC_QUEUE_SIZE, half);
	CONFORM(c, cc_read16(c->d, CC_QUEUE_SIZE) == half);
	c->r = virtio_queue(c->d, queue); /* takes the size that the register shows */
	CONFORM(c, c->r);
	conform_go(c);
	for (unsigned i = 0; i < 2 * c->r->size + 3; i++)
		CONFORM(c, conform_request(c));
	return CONFORM_OK;
}

static enum conform_result notify_cap(struct conform *c)
{
	const struct virtio_region *r = &c->d->region[VIRTIO_CAP_NOTIFY];
	uint32_t mult = c->d->notify_mult;

	CONFORM(c, r->cap);
	CONFORM(c, r->offset % 2 == 0);
	CONFORM(c, mult == 0 || (mult >= 2 && is_power_of_2(mult)));
	CONFORM(c, r->len >= 2);
	for (unsigned i = 0; i < c->d->n_queues; i++) {
		cc_write16(c->d, CC_QUEUE_SELECT, (uint16_t)i);
		CONFORM(c, r->len >= cc_read16(c->d, CC_QUEUE_NOTIFY_OFF) * mult + 2);
	}
	return CONFORM_OK;
}

static uint8_t read_isr(struct conform *c)
{
	return mmio_read8(c->d->region[VIRTIO_CAP_ISR].gpa);
}

static enum conform_result isr_cap(struct conform *c)
{
	CONFORM(c, c->d->region[VIRTIO_CAP_ISR].cap);
	CONFORM(c, c->d->region[VIRTIO_CAP_ISR].len >= 1);
	return CONFORM_OK;
}

static enum conform_result isr_config(struct conform *c)
{
	CONFORM(c, conform_start(c, 0));
	read_isr(c);
	if (!conform_break(c))
		return CONFORM_NA;
	CONFORM(c, read_isr(c) & ISR_CONFIG);
	CONFORM(c, read_isr(c) == 0);
	return CONFORM_OK;
}

static void msix_enable(struct conform *c, bool on)
{
	struct pci_dev *p = c->d->pci;
	uint32_t control = pci_read(p, p->msix_cap + MSIX_CONTROL, 2);

	control &= ~(uint32_t)MSIX_CONTROL_ENABLE;
	pci_write(p, p->msix_cap + MSIX_CONTROL, 2,
		  control | (on ? MSIX_CONTROL_ENABLE : 0));
}

/* One request with MSI-X off; INTx is masked, so that only the status tells. */
static enum conform_result isr_queue(struct conform *c)
{
	const struct pci_dev *p = c->d->pci;
	uint32_t command = pci_read(p, PCI_COMMAND, 2), intx;
	uint8_t first, second;
	uint64_t end;
	bool done;

	CONFORM(c, conform_start(c, 0));
	pci_write(p, PCI_COMMAND, 2, command | 0x400);
	if (p->msix_cap)
		msix_enable(c, false);
	read_isr(c);
	done = conform_request(c);
	end = rdtsc() + CONFORM_MS * clock_ticks_per_ms();
	do
		intx = pci_read(p, PCI_STATUS, 2) & STATUS_INTX;
	while (done && !intx && rdtsc() < end);
	first = read_isr(c);
	second = read_isr(c);
	if (p->msix_cap)
		msix_enable(c, true);
	pci_write(p, PCI_COMMAND, 2, command);
	CONFORM(c, done);
	CONFORM(c, first & ISR_QUEUE);
	CONFORM(c, intx);
	CONFORM(c, second == 0);
	return CONFORM_OK;
}

static enum conform_result device_cap(struct conform *c)
{
	CONFORM(c, c->d->region[VIRTIO_CAP_DEVICE].cap);
	CONFORM(c, c->d->region[VIRTIO_CAP_DEVICE].offset % 4 == 0);
	return CONFORM_OK;
}

/* One access of @width bytes at @offset of the common configuration by the window. */
static void window(struct conform *c, unsigned offset, unsigned width)
{
	const struct virtio_region *r = &c->d->region[VIRTIO_CAP_COMMON];
	unsigned cap = c->d->region[VIRTIO_CAP_PCI].cap;

	pci_write(c->d->pci, cap + CAP_BAR, 1, r->bar);
	pci_write(c->d->pci, cap + CAP_LENGTH, 4, width);
	pci_write(c->d->pci, cap + CAP_OFFSET, 4, r->offset + offset);
}

static enum conform_result window_read(struct conform *c)
{
	unsigned cap = c->d->region[VIRTIO_CAP_PCI].cap;

	CONFORM(c, cap);
	window(c, CC_NUM_QUEUES, 2);
	CONFORM(c, pci_read(c->d->pci, cap + CAP_DATA, 2) == c->d->n_queues);
	cc_write32(c->d, CC_DEVICE_FEATURE_SELECT, 0);
	window(c, CC_DEVICE_FEATURE, 4);
	CONFORM(c, pci_read(c->d->pci, cap + CAP_DATA, 4) ==
			   cc_read32(c->d, CC_DEVICE_FEATURE));
	window(c, CC_STATUS, 1);
	CONFORM(c, pci_read(c->d->pci, cap + CAP_DATA, 1) == virtio_status(c->d));
	return CONFORM_OK;
}

static enum conform_result window_write(struct conform *c)
{
	unsigned cap = c->d->region[VIRTIO_CAP_PCI].cap;

	CONFORM(c, cap);
	CONFORM(c, virtio_reset(c->d));
	window(c, CC_DEVICE_FEATURE_SELECT, 4);
	pci_write(c->d->pci, cap + CAP_DATA, 4, 1);
	CONFORM(c, cc_read32(c->d, CC_DEVICE_FEATURE_SELECT) == 1);
	window(c, CC_STATUS, 1);
	pci_write(c->d->pci, cap + CAP_DATA, 1, VIRTIO_S_ACKNOWLEDGE);
	CONFORM(c, virtio_status(c->d) == VIRTIO_S_ACKNOWLEDGE);
	return CONFORM_OK;
}

static enum conform_result vectors(struct conform *c)
{
	CONFORM(c, c->d->pci->msix_cap);
	CONFORM(c, c->d->pci->n_vectors >= 2);
	CONFORM(c, c->d->pci->n_vectors <= 0x800);
	return CONFORM_OK;
}

static enum conform_result mapping(struct conform *c)
{
	CONFORM(c, virtio_negotiate(c->d, VIRTIO_F_VERSION_1));
	for (uint16_t v = 0; v < c->d->pci->n_vectors; v++) {
		cc_write16(c->d, CC_CONFIG_VECTOR, v);
		CONFORM(c, cc_read16(c->d, CC_CONFIG_VECTOR) == v);
		for (unsigned q = 0; q < c->d->n_queues; q++) {
			cc_write16(c->d, CC_QUEUE_SELECT, (uint16_t)q);
			cc_write16(c->d, CC_QUEUE_VECTOR, v);
			CONFORM(c, cc_read16(c->d, CC_QUEUE_VECTOR) == v);
		}
	}
	return CONFORM_OK;
}

static enum conform_result unmapping(struct conform *c)
{
	CONFORM(c, virtio_negotiate(c->d, VIRTIO_F_VERSION_1));
	cc_write16(c->d, CC_CONFIG_VECTOR, 0);
	cc_write16(c->d, CC_CONFIG_VECTOR, VIRTIO_NO_VECTOR);
	CONFORM(c, cc_read16(c->d, CC_CONFIG_VECTOR) == VIRTIO_NO_VECTOR);
	cc_write16(c->d, CC_QUEUE_SELECT, 0);
	cc_write16(c->d, CC_QUEUE_VECTOR, 1);
	cc_write16(c->d, CC_QUEUE_VECTOR, VIRTIO_NO_VECTOR);
	CONFORM(c, cc_read16(c->d, CC_QUEUE_VECTOR) == VIRTIO_NO_VECTOR);
	return CONFORM_OK;
}

static enum conform_result unmapped_by_reset(struct conform *c)
{
	CONFORM(c, conform_start(c, 0));
	CONFORM(c, virtio_reset(c->d));
	CONFORM(c, cc_read16(c->d, CC_CONFIG_VECTOR) == VIRTIO_NO_VECTOR);
	for (unsigned q = 0; q < c->d->n_queues; q++) {
		cc_write16(c->d, CC_QUEUE_SELECT, (uint16_t)q);
		CONFORM(c, cc_read16(c->d, CC_QUEUE_VECTOR) == VIRTIO_NO_VECTOR);
	}
	return CONFORM_OK;
}

static enum conform_result mapping_fails(struct conform *c)
{
	CONFORM(c, virtio_negotiate(c->d, VIRTIO_F_VERSION_1));
	cc_write16(c->d, CC_CONFIG_VECTOR, (uint16_t)c->d->pci->n_vectors);
	CONFORM(c, cc_read16(c->d, CC_CONFIG_VECTOR) == VIRTIO_NO_VECTOR);
	cc_write16(c->d, CC_QUEUE_SELECT, 0);
	cc_write16(c->d, CC_QUEUE_VECTOR, 0x7ff);
	CONFORM(c, cc_read16(c->d, CC_QUEUE_VECTOR) == VIRTIO_NO_VECTOR);
	return CONFORM_OK;
}

/* The queue's events on MSI-X entry @entry. */
static bool start_on(struct conform *c, uint16_t entry)
{
	if (!conform_ready(c, 0))
		return false;
	cc_write16(c->d, CC_QUEUE_VECTOR, entry);
	conform_go(c);
	return true;
}

static enum conform_result queue_vector(struct conform *c)
{
	for (unsigned entry = 0; entry < 2; entry++) {
		uint64_t here, there;

		CONFORM(c, start_on(c, (uint16_t)entry));
		here = conform_interrupts(c, entry);
		there = conform_interrupts(c, !entry);
		CONFORM(c, conform_request(c));
		CONFORM(c, conform_interrupted(c, entry, here, CONFORM_MS));
		CONFORM(c, conform_interrupts(c, !entry) == there);
	}
	return CONFORM_OK;
}

static enum conform_result queue_no_vector(struct conform *c)
{
	uint64_t before;

	CONFORM(c, start_on(c, VIRTIO_NO_VECTOR));
	before = conform_interrupts(c, 0) + conform_interrupts(c, 1);
	CONFORM(c, conform_request(c));
	CONFORM(c, !conform_used(c, CONFORM_QUIET_MS));
	CONFORM(c, conform_interrupts(c, 0) + conform_interrupts(c, 1) == before);
	return CONFORM_OK;
}

static enum conform_result config_vector(struct conform *c)
{
	for (uint16_t entry = 0; entry < 2; entry++) {
		uint64_t before = conform_interrupts(c, entry);

		CONFORM(c, conform_ready(c, 0));
		cc_write16(c->d, CC_CONFIG_VECTOR, entry);
		conform_go(c);
		if (!conform_break(c))
			return CONFORM_NA;
		CONFORM(c, conform_interrupted(c, entry, before, CONFORM_MS));
	}
	return CONFORM_OK;
}

static enum conform_result config_no_vector(struct conform *c)
{
	uint64_t before;

	CONFORM(c, conform_ready(c, 0));
	cc_write16(c->d, CC_CONFIG_VECTOR, VIRTIO_NO_VECTOR);
	conform_go(c);
	before = conform_interrupts(c, 0) + conform_interrupts(c, 1);
	if (!conform_break(c))
		return CONFORM_NA;
	CONFORM(c, !conform_used(c, CONFORM_QUIET_MS));
	CONFORM(c, conform_interrupts(c, 0) + conform_interrupts(c, 1) == before);
	return CONFORM_OK;
}

#define ALL       CONFORM_ALL
#define HAVE_CONF (CONFORM_BLOCK | CONFORM_CONSOLE)

const struct conform_check conform_pci[] = {
	{ "4.1.1", "header type 0, sound BARs, capabilities", ALL, header },
	{ "4.1.2.1", "the vendor is 1af4", ALL, vendor },
	{ "4.1.2.1", "the device is 1040 and its type", ALL, device },
	{ "4.1.2.1", "the revision is at least 1 (SHOULD)", ALL, revision },
	{ "4.1.2.1", "the subsystem is at least 40 (SHOULD)", ALL, subdevice },
	{ "4.1.3.2", "64 bits of configuration are read by halves", CONFORM_BLOCK,
	  halves },
	{ "4.1.4.2", "cap_len covers each structure", ALL, cap_len },
	{ "4.1.4.2", "each structure lies in its BAR", ALL, regions },
	{ "4.1.4.3.1", "there is a common configuration, 4-aligned", ALL, common_cap },
	{ "4.1.4.3.1", "features beyond 63 read 0", ALL, features_beyond },
	{ "4.1.4.3.1", "accepted features are shown", ALL, features_shown },
	{ "4.1.4.3.1", "the generation stays when nothing changes", HAVE_CONF,
	  generation },
	{ "4.1.4.3.1", "queue_enable is 0 after a reset", ALL, queues_reset },
	{ "4.1.4.3.1", "queue sizes are 0 or a power of 2", ALL, queue_sizes },
	{ "4.1.4.3.1", "queues that are not there have size 0", ALL, queues_absent },
	{ "4.1.4.3.1", "a queue may be made smaller", ALL, size_reduced },
	{ "4.1.4.4.1", "notifications: alignment, multiplier, length", ALL, notify_cap },
	{ "4.1.4.5.1", "there is an ISR status", ALL, isr_cap },
	{ "4.1.4.5.1", "its configuration bit is set, and reset by reading", ALL,
	  isr_config },
	{ "4.1.4.5.1", "without MSI-X its queue bit and the PCI status are set", ALL,
	  isr_queue },
	{ "4.1.4.6.1", "there is a device configuration, 4-aligned", HAVE_CONF,
	  device_cap },
	{ "4.1.4.9.1", "reads by the PCI configuration window", ALL, window_read },
	{ "4.1.4.9.1", "writes by the PCI configuration window", ALL, window_write },
	{ "4.1.5.1.2.1", "at least two MSI-X vectors (SHOULD)", ALL, vectors },
	{ "4.1.5.1.2.1", "any event can be mapped to any vector", ALL, mapping },
	{ "4.1.5.1.2.1", "any event can be unmapped", ALL, unmapping },
	{ "4.1.5.1.2.1", "a reset unmaps all", ALL, unmapped_by_reset },
	{ "4.1.5.1.2.1", "a mapping that fails reads NO_VECTOR", ALL, mapping_fails },
	{ "4.1.5.3.1", "a used buffer interrupts by the queue's vector", ALL,
	  queue_vector },
	{ "4.1.5.3.1", "with NO_VECTOR it does not", ALL, queue_no_vector },
	{ "4.1.5.4.1", "a configuration change interrupts by its vector", ALL,
	  config_vector },
	{ "4.1.5.4.1", "with NO_VECTOR it does not", ALL, config_no_vector },
	{ NULL, NULL, 0, NULL },
};
