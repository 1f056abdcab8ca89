/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vdriver.c - a machine without KVM, and a driver that knows the specification only
 */
#include "tests/virtio/vdriver.h"

#include "common/proto/machine.h"
#include "tests/harness/harness.h"

#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <time.h>

#define TIMEOUT_S 90

#define CAP_VENDOR 0x09
#define CAP_MSIX   0x11

/* KVM's part. */

static int bind(void *arg, unsigned gsi, int fd, uint64_t address, uint32_t data)
{
	struct vbed *b = arg;

	T_TRUE(gsi < VBED_ROUTES);
	if (b->refuse)
		return b->refuse;
	if (!b->route[gsi].bound && poll(&(struct pollfd){ fd, POLLIN, 0 }, 1, 0) > 0)
		b->route[gsi].injected++;
	b->route[gsi].bound = true;
	b->route[gsi].fd = fd;
	b->route[gsi].address = address;
	b->route[gsi].data = data;
	b->route[gsi].binds++;
	return 0;
}

static int unbind(void *arg, unsigned gsi, int fd)
{
	struct vbed *b = arg;

	T_TRUE(gsi < VBED_ROUTES && b->route[gsi].bound && b->route[gsi].fd == fd);
	b->route[gsi].bound = false;
	b->route[gsi].unbinds++;
	return 0;
}

/* As KVM: an address twice is refused, and only what is there can be taken away. */
static int ioeventfd(void *arg, uint64_t gpa, int fd, bool on)
{
	struct vbed *b = arg;
	unsigned i = 0;

	if (b->refuse)
		return b->refuse;
	while (i < b->n_kicks && b->kick[i].gpa != gpa)
		i++;
	if (on) {
		if (i < b->n_kicks)
			return -EEXIST;
		T_TRUE(b->n_kicks < VBED_KICKS);
		b->kick[b->n_kicks++] = (struct vbed_kick){ gpa, fd };
	} else {
		if (i == b->n_kicks || b->kick[i].fd != fd)
			return -ENOENT;
		b->kick[i] = b->kick[--b->n_kicks];
	}
	return 0;
}

static void problem(void *arg, const char *dev, const char *text)
{
	const struct virtio_pci *p = arg;
	struct vbed *b = p->ops->arg;

	b->problems++;
	snprintf(b->problem, sizeof(b->problem), "%s: %s", dev, text);
}

void vbed_init(struct vbed *b, size_t mem_bytes)
{
	memset(b, 0, sizeof(*b));
	vmem_init(&b->mem, mem_bytes);
	b->ops = (struct virtio_pci_ops){
		.ioeventfd = ioeventfd,
		.msix = { .bind = bind, .unbind = unbind, .arg = b },
		.arg = b,
	};
	pci_init(&b->pci, VBED_HIGH);
	T_OK(bus_add(&b->pio, KZ_PCI_CONFIG_PORT, 8, &pci_port_ops, &b->pci));
	T_OK(bus_add(&b->mmio, KZ_GPA_ECAM, KZ_ECAM_SIZE, &pci_ecam_ops, &b->pci));
	T_OK(bus_add(&b->mmio, KZ_GPA_PCI_LOW, KZ_GPA_PCI_LOW_END - KZ_GPA_PCI_LOW,
		     &pci_low_ops, &b->pci));
	T_OK(bus_add(&b->mmio, VBED_HIGH, KZ_PCI_HIGH_SIZE, &pci_high_ops, &b->pci));
}

void vbed_fini(struct vbed *b)
{
	pci_fini(&b->pci);
	vmem_fini(&b->mem);
}

struct vdev_env vbed_env(struct vbed *b, struct virtio_pci *p)
{
	return (struct vdev_env){ .ram = &b->mem.ram,
				  .interrupt = virtio_pci_interrupt,
				  .isr = virtio_pci_isr,
				  .problem = problem,
				  .arg = p };
}

void vbed_add(struct vbed *b, unsigned slot, struct virtio_pci *p, struct vdev *v)
{
	T_OK(virtio_pci_init(p, v, &b->ops, slot * MSIX_VECTORS_MAX));
	T_OK(pci_add(&b->pci, slot, &p->fn));
	pci_assign(&b->pci);
}

static struct vbed_route *bound(struct vbed *b, unsigned slot, unsigned vector)
{
	struct vbed_route *r = &b->route[slot * MSIX_VECTORS_MAX + vector];

	T_TRUE(r->bound);
	return r;
}

bool vbed_take_irq(struct vbed *b, unsigned slot, unsigned vector)
{
	struct vbed_route *r = bound(b, slot, vector);
	uint64_t count;
	bool raised = read(r->fd, &count, sizeof(count)) == sizeof(count);

	raised |= r->injected > 0;
	r->injected = 0;
	return raised;
}

void vbed_wait_irq(struct vbed *b, unsigned slot, unsigned vector)
{
	while (!vbed_take_irq(b, slot, vector))
		T_WAIT_FD(bound(b, slot, vector)->fd, POLLIN);
}

/* The driver. */

uint64_t vdriver_read(const struct vdriver *d, uint64_t gpa, unsigned size)
{
	uint64_t v;

	bus_read(d->mmio, gpa, size, &v);
	return v;
}

void vdriver_write(const struct vdriver *d, uint64_t gpa, unsigned size, uint64_t value)
{
	bus_write(d->mmio, gpa, size, value);
}

static uint64_t config_addr(const struct vdriver *d, unsigned reg)
{
	return KZ_GPA_ECAM + d->slot * 32768ull + reg;
}

uint64_t vdriver_config_read(const struct vdriver *d, unsigned reg, unsigned size)
{
	return vdriver_read(d, config_addr(d, reg), size);
}

void vdriver_config_write(const struct vdriver *d, unsigned reg, unsigned size,
			  uint64_t value)
{
	vdriver_write(d, config_addr(d, reg), size, value);
}

/* Where a BAR's register says that it is. */
static uint64_t bar_gpa(const struct vdriver *d, unsigned bar)
{
	uint64_t low = vdriver_config_read(d, PCI_REG_BAR + 4 * bar, 4);
	uint64_t high =
		low & 4 ? vdriver_config_read(d, PCI_REG_BAR + 4 + 4 * bar, 4) : 0;

	return high << 32 | (low & ~0xfull);
}

static void take_virtio_cap(struct vdriver *d, unsigned at)
{
	uint64_t *const where[] = { NULL, &d->common, &d->notify, &d->isr, &d->device };
	unsigned type = (unsigned)vdriver_config_read(d, at + 3, 1);
	unsigned bar = (unsigned)vdriver_config_read(d, at + 4, 1);
	uint64_t offset = vdriver_config_read(d, at + 8, 4);

	if (type > 0 && type < ARRAY_SIZE(where))
		*where[type] = bar_gpa(d, bar) + offset;
	if (type == 2)
		d->notify_step = (uint32_t)vdriver_config_read(d, at + 16, 4);
	else if (type == 4)
		d->device_len = (uint32_t)vdriver_config_read(d, at + 12, 4);
	else if (type == 5)
		d->window = at;
}

static void take_msix_cap(struct vdriver *d, unsigned at)
{
	uint64_t table = vdriver_config_read(d, at + 4, 4);
	uint64_t pba = vdriver_config_read(d, at + 8, 4);

	d->msix = at;
	d->n_vectors = (vdriver_config_read(d, at + 2, 2) & 0x7ff) + 1;
	d->table = bar_gpa(d, table & 7) + (table & ~7ull);
	d->pba = bar_gpa(d, pba & 7) + (pba & ~7ull);
}

void vdriver_find(struct vdriver *d, const struct bus *mmio, unsigned slot)
{
	unsigned at, n = 0;

	*d = (struct vdriver){ .mmio = mmio, .slot = slot };
	T_EQ(vdriver_config_read(d, 0, 2), 0x1af4);
	T_TRUE(vdriver_config_read(d, PCI_REG_STATUS, 2) & PCI_STATUS_CAPS);
	vdriver_config_write(d, PCI_REG_COMMAND, 2,
			     PCI_COMMAND_MEM | PCI_COMMAND_BUSM | PCI_COMMAND_NOINTX);
	at = (unsigned)vdriver_config_read(d, PCI_REG_CAPS, 1);
	for (; at != 0; at = (unsigned)vdriver_config_read(d, at + 1, 1)) {
		unsigned id = (unsigned)vdriver_config_read(d, at, 1);

		T_TRUE(n++ < 48);
		if (id == CAP_VENDOR)
			take_virtio_cap(d, at);
		else if (id == CAP_MSIX)
			take_msix_cap(d, at);
	}
	T_TRUE(d->common && d->notify && d->isr && d->window && d->table && d->pba);
}

static uint64_t get(const struct vdriver *d, enum vdriver_reg reg, unsigned size)
{
	return vdriver_read(d, d->common + reg, size);
}

static void set(const struct vdriver *d, enum vdriver_reg reg, unsigned size,
		uint64_t value)
{
	vdriver_write(d, d->common + reg, size, value);
}

uint8_t vdriver_status(const struct vdriver *d)
{
	return (uint8_t)get(d, VD_STATUS, 1);
}

uint64_t vdriver_offered(const struct vdriver *d)
{
	uint64_t features = 0;

	for (unsigned half = 0; half < 2; half++) {
		set(d, VD_FEATURE_SELECT, 4, half);
		features |= get(d, VD_FEATURES, 4) << 32 * half;
	}
	return features;
}

static time_t now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

void vdriver_reset(const struct vdriver *d)
{
	time_t deadline = now_s() + TIMEOUT_S;

	set(d, VD_STATUS, 1, 0);
	while (vdriver_status(d) != 0) {
		if (now_s() > deadline)
			T_FAIL("status %02x after a reset", vdriver_status(d));
		sched_yield();
	}
}

void vdriver_vector(const struct vdriver *d, unsigned vector, uint64_t address,
		    uint32_t data, bool masked)
{
	uint64_t entry = d->table + 16ull * vector;

	vdriver_write(d, entry + 12, 4, 1);
	vdriver_write(d, entry, 4, (uint32_t)address);
	vdriver_write(d, entry + 4, 4, address >> 32);
	vdriver_write(d, entry + 8, 4, data);
	vdriver_write(d, entry + 12, 4, masked);
}

void vdriver_negotiate(const struct vdriver *d, uint64_t features)
{
	uint8_t status = VIRTIO_S_ACKNOWLEDGE;

	vdriver_reset(d);
	set(d, VD_STATUS, 1, status);
	status |= VIRTIO_S_DRIVER;
	set(d, VD_STATUS, 1, status);
	for (unsigned half = 0; half < 2; half++) {
		set(d, VD_ACCEPT_SELECT, 4, half);
		set(d, VD_ACCEPTED, 4, (uint32_t)(features >> 32 * half));
	}
	status |= VIRTIO_S_FEATURES_OK;
	set(d, VD_STATUS, 1, status);
	T_EQ(vdriver_status(d), status);
	vdriver_config_write(d, d->msix + 2, 2, 0x8000);
	for (unsigned i = 0; i < d->n_vectors; i++)
		vdriver_vector(d, i, KZ_GPA_LAPIC, i, false);
}

void vdriver_queue(const struct vdriver *d, unsigned queue, const struct vring *ring,
		   unsigned vector)
{
	set(d, VD_QUEUE_SELECT, 2, queue);
	T_TRUE(get(d, VD_QUEUE_SIZE, 2) >= ring->layout.size);
	set(d, VD_QUEUE_SIZE, 2, ring->layout.size);
	set(d, VD_QUEUE_VECTOR, 2, vector);
	T_EQ(get(d, VD_QUEUE_VECTOR, 2), vector);
	set(d, VD_QUEUE_DESC, 8, ring->layout.desc_gpa);
	/* By halves, as the specification has drivers do it. */
	set(d, VD_QUEUE_DRIVER, 4, (uint32_t)ring->layout.avail_gpa);
	set(d, VD_QUEUE_DRIVER + 4, 4, ring->layout.avail_gpa >> 32);
	set(d, VD_QUEUE_DEVICE, 4, (uint32_t)ring->layout.used_gpa);
	set(d, VD_QUEUE_DEVICE + 4, 4, ring->layout.used_gpa >> 32);
	set(d, VD_QUEUE_ENABLE, 2, 1);
	T_EQ(get(d, VD_QUEUE_ENABLE, 2), 1);
}

void vdriver_ok(const struct vdriver *d)
{
	set(d, VD_STATUS, 1, vdriver_status(d) | VIRTIO_S_DRIVER_OK);
}

void vdriver_kick(const struct vdriver *d, unsigned queue)
{
	uint64_t off;

	set(d, VD_QUEUE_SELECT, 2, queue);
	off = get(d, VD_QUEUE_NOTIFY, 2);
	vdriver_write(d, d->notify + off * d->notify_step, 2, queue);
}

void vdriver_wait_used(struct vring *ring, uint32_t *ret_id, uint32_t *ret_len)
{
	time_t deadline = now_s() + TIMEOUT_S;

	while (!vring_take(ring, ret_id, ret_len)) {
		if (now_s() > deadline)
			T_FAIL("nothing was used");
		sched_yield();
	}
}
