/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio.c - virtio devices on PCI: registers, negotiation, queues
 *
 * VIRTIO 1.2, 3.1.1 (order of initialisation), 4.1.4 (structures), 4.1.5.1 (vectors).
 */
#include "tests/guest/apic.h"
#include "tests/guest/clock.h"
#include "tests/guest/event.h"
#include "tests/guest/gate.h"
#include "tests/guest/paging.h"
#include "tests/guest/print.h"
#include "tests/guest/serial.h"
#include "tests/guest/virtio.h"

#define VENDOR       0x1af4
#define DEVICE_FIRST 0x1040
#define DEVICE_LAST  0x107f
#define DEVS_MAX     32
#define POLL_US      200
#define SLICE_MS     4000 /* less than APIC_TIMER_MAX_NS */
#define NS_PER_MS    1000000u

/* A capability behind id, next and length. */
#define CAP_KIND   3
#define CAP_BAR    4
#define CAP_OFFSET 8
#define CAP_LENGTH 12
#define CAP_MULT   16

static struct {
	size_t n;
	struct virtio_dev *dev; /* DEVS_MAX of them; NULL: not looked for yet */
} virtio;

const char *virtio_type_name(unsigned type)
{
	static const char *const names[] = {
		[1] = "net",
		[VIRTIO_BLOCK] = "block",
		[VIRTIO_CONSOLE] = "console",
		[VIRTIO_ENTROPY] = "entropy",
	};

	return type < sizeof(names) / sizeof(names[0]) && names[type] ? names[type]
								      : "other";
}

/* Reads the capabilities; the first of each kind counts. */
static void read_regions(struct virtio_dev *d)
{
	const struct pci_dev *p = d->pci;

	for (unsigned cap = 0; (cap = pci_capability(p, cap, PCI_CAP_VENDOR));) {
		unsigned kind = pci_read(p, cap + CAP_KIND, 1);
		unsigned bar = pci_read(p, cap + CAP_BAR, 1);
		struct virtio_region *r = &d->region[kind % VIRTIO_CAP_N];

		if (!kind || kind >= VIRTIO_CAP_N || bar >= PCI_BARS || r->cap ||
		    (kind != VIRTIO_CAP_PCI && p->bar[bar].is_port))
			continue;
		r->cap = (uint8_t)cap;
		r->bar = (uint8_t)bar;
		r->offset = pci_read(p, cap + CAP_OFFSET, 4);
		r->len = pci_read(p, cap + CAP_LENGTH, 4);
		r->gpa = p->bar[bar].gpa + r->offset;
		if (kind == VIRTIO_CAP_NOTIFY)
			d->notify_mult = pci_read(p, cap + CAP_MULT, 4);
	}
}

static void scan(void)
{
	size_t n;
	struct pci_dev *p = pci_devices(&n);

	virtio.dev = paging_alloc(DEVS_MAX * sizeof(*virtio.dev));
	if (!virtio.dev)
		return;
	for (size_t i = 0; i < n && virtio.n < DEVS_MAX; i++) {
		struct virtio_dev *d = &virtio.dev[virtio.n];

		if (p[i].vendor != VENDOR || p[i].device < DEVICE_FIRST ||
		    p[i].device > DEVICE_LAST || !pci_open(&p[i]))
			continue;
		d->pci = &p[i];
		d->type = p[i].device - DEVICE_FIRST;
		read_regions(d);
		if (!d->region[VIRTIO_CAP_COMMON].cap ||
		    !d->region[VIRTIO_CAP_NOTIFY].cap)
			continue;
		d->n_queues = cc_read16(d, CC_NUM_QUEUES);
		virtio.n++;
	}
}

struct virtio_dev *virtio_find(unsigned type, unsigned n)
{
	if (!virtio.dev)
		scan();
	for (size_t i = 0; i < virtio.n; i++) {
		if (virtio.dev[i].type == type && n-- == 0)
			return &virtio.dev[i];
	}
	return NULL;
}

uint8_t virtio_status(const struct virtio_dev *d)
{
	return mmio_read8(virtio_common(d) + CC_STATUS);
}

void virtio_set_status(const struct virtio_dev *d, uint8_t status)
{
	mmio_write8(virtio_common(d) + CC_STATUS, status);
}

uint8_t virtio_config8(const struct virtio_dev *d, unsigned offset)
{
	return mmio_read8(d->region[VIRTIO_CAP_DEVICE].gpa + offset);
}

uint16_t virtio_config16(const struct virtio_dev *d, unsigned offset)
{
	return mmio_read16(d->region[VIRTIO_CAP_DEVICE].gpa + offset);
}

uint32_t virtio_config32(const struct virtio_dev *d, unsigned offset)
{
	return mmio_read32(d->region[VIRTIO_CAP_DEVICE].gpa + offset);
}

uint64_t virtio_config64(const struct virtio_dev *d, unsigned offset)
{
	uint64_t low = virtio_config32(d, offset);

	return (uint64_t)virtio_config32(d, offset + 4) << 32 | low;
}

bool virtio_reset(struct virtio_dev *d)
{
	uint64_t end = rdtsc() + VIRTIO_ANSWER_MS * clock_ticks_per_ms();

	virtio_set_status(d, 0);
	d->features = 0;
	while (virtio_status(d)) {
		if (rdtsc() > end)
			return false;
	}
	return true;
}

uint64_t virtio_offered(const struct virtio_dev *d)
{
	uint64_t low;

	cc_write32(d, CC_DEVICE_FEATURE_SELECT, 0);
	low = cc_read32(d, CC_DEVICE_FEATURE);
	cc_write32(d, CC_DEVICE_FEATURE_SELECT, 1);
	return (uint64_t)cc_read32(d, CC_DEVICE_FEATURE) << 32 | low;
}

void virtio_accept(struct virtio_dev *d, uint64_t features)
{
	cc_write32(d, CC_DRIVER_FEATURE_SELECT, 0);
	cc_write32(d, CC_DRIVER_FEATURE, (uint32_t)features);
	cc_write32(d, CC_DRIVER_FEATURE_SELECT, 1);
	cc_write32(d, CC_DRIVER_FEATURE, (uint32_t)(features >> 32));
	d->features = features;
}

bool virtio_negotiate(struct virtio_dev *d, uint64_t wanted)
{
	uint8_t status = VIRTIO_S_ACKNOWLEDGE | VIRTIO_S_DRIVER;

	if (!virtio_reset(d))
		return false;
	virtio_set_status(d, VIRTIO_S_ACKNOWLEDGE);
	virtio_set_status(d, status);
	virtio_accept(d, virtio_offered(d) & wanted);
	virtio_set_status(d, status | VIRTIO_S_FEATURES_OK);
	return virtio_status(d) & VIRTIO_S_FEATURES_OK;
}

unsigned virtio_entry(const struct virtio_dev *d, unsigned index)
{
	return d->pci->n_vectors < 2 ? 0 : 1 + index % (d->pci->n_vectors - 1);
}

void virtio_queue_program(struct virtio_dev *d, struct vring *r, unsigned entry)
{
	cc_write16(d, CC_QUEUE_SELECT, r->index);
	cc_write16(d, CC_QUEUE_SIZE, (uint16_t)r->size);
	cc_write16(d, CC_QUEUE_VECTOR,
		   d->pci->n_vectors ? (uint16_t)entry : VIRTIO_NO_VECTOR);
	cc_write64(d, CC_QUEUE_DESC, (uintptr_t)r->desc);
	cc_write64(d, CC_QUEUE_DRIVER, (uintptr_t)r->avail);
	cc_write64(d, CC_QUEUE_DEVICE, (uintptr_t)r->used);
	cc_write16(d, CC_QUEUE_ENABLE, 1);
}

struct vring *virtio_queue(struct virtio_dev *d, unsigned index)
{
	unsigned entry = virtio_entry(d, index), size;
	struct vring *r;

	if (index >= VIRTIO_QUEUES_MAX)
		return NULL;
	cc_write16(d, CC_QUEUE_SELECT, (uint16_t)index);
	size = cc_read16(d, CC_QUEUE_SIZE);
	if (!d->queue[index])
		d->queue[index] = vring_new();
	r = d->queue[index];
	if (!size || !r)
		return NULL;
	vring_reset(r, size < VRING_SIZE_MAX ? size : VRING_SIZE_MAX);
	r->index = (uint16_t)index;
	r->event_idx = d->features & VIRTIO_F_EVENT_IDX;
	r->indirect = d->features & VIRTIO_F_INDIRECT;
	r->doorbell = d->region[VIRTIO_CAP_NOTIFY].gpa +
		      cc_read16(d, CC_QUEUE_NOTIFY_OFF) * d->notify_mult;
	if (d->pci->n_vectors)
		pci_msix_unmask(d->pci, entry);
	virtio_queue_program(d, r, entry);
	return r;
}

bool virtio_start(struct virtio_dev *d, uint64_t wanted, unsigned n_queues)
{
	const char *type = virtio_type_name(d->type);

	if (!virtio_negotiate(d, wanted)) {
		print("virtio: %s in slot %u: status %02x, features refused\n", type,
		      d->pci->slot, virtio_status(d));
		return false;
	}
	if (d->pci->n_vectors) {
		pci_msix_unmask(d->pci, 0);
		cc_write16(d, CC_CONFIG_VECTOR, 0);
	}
	for (unsigned i = 0; i < n_queues; i++) {
		if (!virtio_queue(d, i)) {
			print("virtio: %s in slot %u: no queue %u\n", type, d->pci->slot,
			      i);
			return false;
		}
	}
	virtio_set_status(d, VIRTIO_S_ACKNOWLEDGE | VIRTIO_S_DRIVER |
				     VIRTIO_S_FEATURES_OK | VIRTIO_S_DRIVER_OK);
	return true;
}

bool virtio_wait(struct vring *r, unsigned ms)
{
	uint64_t per_ms = clock_ticks_per_ms(), start = rdtsc();
	bool stopped = false;

	while (!vring_has_used(r) && rdtsc() - start < POLL_US * per_ms / 1000)
		__builtin_ia32_pause();
	vring_interrupts_on(r);
	while (!vring_has_used(r) && !stopped && ms > 0) {
		unsigned slice = ms < SLICE_MS ? ms : SLICE_MS;

		event_timer_ended();
		apic_timer_start(slice * NS_PER_MS);
		do {
			event_wait();
			stopped = serial_interrupted();
		} while (!vring_has_used(r) && !stopped && !event_timer_ended());
		apic_timer_start(0);
		ms -= slice;
	}
	vring_interrupts_off(r);
	return vring_has_used(r);
}
