/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kvm_irq.c - messages by irqfd, kicks by ioeventfd
 *
 * DOC: One table
 *
 * KVM takes interrupt routes as one whole table, which replaces the one before. So the
 * table lives here, under a lock: first the routes that KVM itself begins with (pins of
 * the IOAPIC, the first sixteen also to the PICs), then a message a GSI. It only grows: a
 * route without an irqfd does nothing.
 */
#include "kzhost/vm/kvm.h"

#include <stdlib.h>

#define PIC_PINS   8u
#define PICS       2u
#define FIXED      (PICS * PIC_PINS + KVM_IOAPIC_NUM_PINS)
#define ROUTES_MAX 4096u /* KVM's */

static struct kvm_irq_routing_entry chip_route(unsigned gsi, unsigned chip, unsigned pin)
{
	return (struct kvm_irq_routing_entry){ .gsi = gsi,
					       .type = KVM_IRQ_ROUTING_IRQCHIP,
					       .u.irqchip = { .irqchip = chip,
							      .pin = pin } };
}

/* What KVM_CREATE_IRQCHIP sets up. */
static unsigned add_fixed(struct kvm_irq_routing_entry *e)
{
	unsigned n = 0;

	for (unsigned gsi = 0; gsi < KVM_IOAPIC_NUM_PINS; gsi++) {
		e[n++] = chip_route(gsi, KVM_IRQCHIP_IOAPIC, gsi);
		if (gsi < PIC_PINS)
			e[n++] = chip_route(gsi, KVM_IRQCHIP_PIC_MASTER, gsi);
		else if (gsi < PICS * PIC_PINS)
			e[n++] = chip_route(gsi, KVM_IRQCHIP_PIC_SLAVE, gsi - PIC_PINS);
	}
	ASSERT(n == FIXED);
	return n;
}

/* Makes room for one more route; the first time for the fixed ones too. */
static int make_room(struct kvm *kvm)
{
	unsigned n = kvm->routes ? kvm->routes->nr : FIXED;
	unsigned room = MAX(2 * kvm->routes_room, FIXED + 8);
	struct kvm_irq_routing *routes;

	if (kvm->routes && n < kvm->routes_room)
		return 0;
	if (n == ROUTES_MAX)
		return -ENOSPC;
	routes =
		realloc(kvm->routes, sizeof(*routes) + room * sizeof(routes->entries[0]));
	if (!routes)
		return -ENOMEM;
	if (!kvm->routes) {
		*routes = (struct kvm_irq_routing){ 0 };
		routes->nr = add_fixed(routes->entries);
	}
	kvm->routes = routes;
	kvm->routes_room = room;
	return 0;
}

static struct kvm_irq_routing_entry msi_route(unsigned gsi, uint64_t address,
					      uint32_t data)
{
	return (struct kvm_irq_routing_entry){
		.gsi = gsi,
		.type = KVM_IRQ_ROUTING_MSI,
		.u.msi = { .address_lo = (uint32_t)address,
			   .address_hi = (uint32_t)(address >> 32),
			   .data = data }
	};
}

/* The lock is held. On failure KVM has the table that it had. */
static int set_route(struct kvm *kvm, unsigned gsi, uint64_t address, uint32_t data)
{
	struct kvm_irq_routing_entry before, *e;
	unsigned i = FIXED;
	int r = make_room(kvm);
	bool is_new;

	if (r < 0)
		return r;
	while (i < kvm->routes->nr && kvm->routes->entries[i].gsi != gsi)
		i++;
	e = &kvm->routes->entries[i];
	is_new = i == kvm->routes->nr;
	before = *e;
	*e = msi_route(gsi, address, data);
	kvm->routes->nr += is_new;
	r = kvm_ioctl(kvm->vm_fd, KVM_SET_GSI_ROUTING, kvm->routes);
	if (r < 0) {
		kvm->routes->nr -= is_new;
		*e = before;
	}
	return r;
}

int kvm_msi_bind(struct kvm *kvm, unsigned gsi, int fd, uint64_t address, uint32_t data)
{
	struct kvm_irqfd irqfd = { .fd = (uint32_t)fd, .gsi = gsi };
	int r;

	if (gsi < KVM_MSI_GSI)
		return -EINVAL;
	pthread_mutex_lock(&kvm->route_lock);
	r = set_route(kvm, gsi, address, data);
	pthread_mutex_unlock(&kvm->route_lock);
	if (r == 0)
		r = kvm_ioctl(kvm->vm_fd, KVM_IRQFD, &irqfd);
	/* It is bound already: the new route is all there is to do. */
	return r == -EBUSY ? 0 : r;
}

int kvm_msi_unbind(const struct kvm *kvm, unsigned gsi, int fd)
{
	struct kvm_irqfd irqfd = { .fd = (uint32_t)fd,
				   .gsi = gsi,
				   .flags = KVM_IRQFD_FLAG_DEASSIGN };

	return kvm_ioctl(kvm->vm_fd, KVM_IRQFD, &irqfd);
}

int kvm_ioeventfd(const struct kvm *kvm, uint64_t gpa, int fd, bool on)
{
	struct kvm_ioeventfd e = { .addr = gpa,
				   .len = kvm->any_length ? 0 : 2,
				   .fd = fd,
				   .flags = on ? 0 : KVM_IOEVENTFD_FLAG_DEASSIGN };

	return kvm_ioctl(kvm->vm_fd, KVM_IOEVENTFD, &e);
}
