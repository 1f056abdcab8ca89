/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vdevs.c - the machine's PCI bus and the virtio devices in its slots
 *
 * DOC: Lives
 *
 * A slot is reserved (its device is told what the machine gives it), then filled; both
 * before vm_start(). Owner threads begin with vm_start(). vm_stop() first takes the vCPUs
 * out, then orders every queue to stop, and only then ends the owners, so that nothing is
 * in flight when guest memory goes. vm_free() closes KVM's machine before it takes the
 * functions down: what was bound in it goes with it, in one go.
 */
#include "kzhost/vm/vdevs.h"

#include "common/base/trace.h"
#include "common/proto/machine.h"
#include "kzhost/dev/vblk.h"
#include "kzhost/dev/vcon.h"
#include "kzhost/dev/virtio_pci.h"
#include "kzhost/dev/vrng.h"
#include "kzhost/vm/machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STOP_WAIT_MS  1000
#define TOLD_PROBLEMS 8 /* then only every power of two */

/* What sits in a slot. The function comes first: it is what the device knows of us. */
struct vm_slot {
	struct virtio_pci fn;
	struct vm *vm;
	struct virtio_pci_ops ops;
	struct vdev *vdev; /* owned; NULL: reserved only */
	const struct vdev_owner *owner;
	atomic_ullong problems;
};

/* Neither a driver that breaks the rules again and again nor a disk that fails shall fill
 * the zone's messages. On any thread, with locks of the device held. */
static void problem(void *arg, const char *dev, const char *text)
{
	struct vm_slot *s = container_of(arg, struct vm_slot, fn);
	uint64_t n = atomic_fetch_add(&s->problems, 1) + 1;
	char line[224];

	if (n > TOLD_PROBLEMS && (n & (n - 1)))
		return;
	snprintf(line, sizeof(line), "dev=%s %s", dev, text);
	mbox_post(&s->vm->mbox, VM_EV_DEVICE, line);
}

static void thread_failed(void *arg, const char *dev, int r)
{
	struct vm_slot *s = container_of(arg, struct vm_slot, fn);
	char text[96];

	snprintf(text, sizeof(text), "dev=%s a thread could not be set up: %s", dev,
		 strerror(-r));
	vm_end(s->vm, VM_EV_FAULT, text);
}

static int bind(void *arg, unsigned gsi, int fd, uint64_t address, uint32_t data)
{
	struct vm_slot *s = arg;
	int r = kvm_msi_bind(&s->vm->kvm, gsi, fd, address, data);
	char text[96];

	if (r < 0) {
		snprintf(text, sizeof(text), "interrupt %u cannot be delivered: KVM: %s",
			 (gsi - KVM_MSI_GSI) % MSIX_VECTORS_MAX, strerror(-r));
		problem(&s->fn, s->vdev->name, text);
	}
	return r;
}

/* A machine that KVM has closed has nothing bound. */
static int unbind(void *arg, unsigned gsi, int fd)
{
	const struct vm_slot *s = arg;

	return s->vm->kvm.vm_fd < 0 ? 0 : kvm_msi_unbind(&s->vm->kvm, gsi, fd);
}

static int ioeventfd(void *arg, uint64_t gpa, int fd, bool on)
{
	struct vm *vm = arg;

	return vm->kvm.vm_fd < 0 ? 0 : kvm_ioeventfd(&vm->kvm, gpa, fd, on);
}

/* Where the window above RAM begins. */
static uint64_t high_window(const struct ram *ram)
{
	const struct ram_region *high = &ram->region[1];
	uint64_t end = high->size ? high->gpa + high->size : KZ_GPA_RAM_HIGH;

	return (end + KZ_PCI_HIGH_SIZE - 1) / KZ_PCI_HIGH_SIZE * KZ_PCI_HIGH_SIZE;
}

static void wake_main(void *arg)
{
	struct vm *vm = arg;

	mbox_wake(&vm->mbox);
}

static int add_console(struct vm *vm)
{
	static const struct vdev_owner owner = { .slow = &vcon_ops, .free = vcon_free };
	struct vdev_env env;
	int r = vm_slot_env(vm, KZ_PCI_SLOT_CONSOLE, &env);

	if (r == 0)
		r = vcon_new(&env, wake_main, vm, &vm->con);
	return r < 0 ? r : vm_add_vdev(vm, KZ_PCI_SLOT_CONSOLE, vm->con, &owner);
}

static int add_rng(struct vm *vm)
{
	static const struct vdev_owner owner = { .slow = &vrng_ops, .free = vrng_free };
	struct vdev_env env;
	struct vdev *v = NULL;
	int r = vm_slot_env(vm, KZ_PCI_SLOT_RNG, &env);

	if (r == 0)
		r = vrng_new(&env, &v);
	return r < 0 ? r : vm_add_vdev(vm, KZ_PCI_SLOT_RNG, v, &owner);
}

int vdevs_init(struct vm *vm)
{
	const struct bus_range ranges[] = {
		{ KZ_GPA_ECAM, KZ_ECAM_SIZE, &pci_ecam_ops, &vm->pci },
		{ KZ_GPA_PCI_LOW, KZ_GPA_PCI_LOW_END - KZ_GPA_PCI_LOW, &pci_low_ops,
		  &vm->pci },
		{ high_window(&vm->ram), KZ_PCI_HIGH_SIZE, &pci_high_ops, &vm->pci },
	};
	int r;

	pci_init(&vm->pci, high_window(&vm->ram));
	r = bus_add(&vm->pio, KZ_PCI_CONFIG_PORT, 8, &pci_port_ops, &vm->pci);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(ranges); i++)
		r = bus_add(&vm->mmio, ranges[i].base, ranges[i].len, ranges[i].ops,
			    ranges[i].dev);
	if (r == 0)
		r = slow_init(&vm->slow);
	if (r == 0)
		r = add_console(vm);
	return r < 0 ? r : add_rng(vm);
}

int vm_slot_env(struct vm *vm, unsigned slot, struct vdev_env *ret_env)
{
	struct vm_slot *s;

	if (slot == 0 || slot >= PCI_SLOTS)
		return -ENOSPC;
	if (vm->slot[slot])
		return -EBUSY;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->vm = vm;
	s->ops = (struct virtio_pci_ops){
		.ioeventfd = ioeventfd,
		.msix = { .bind = bind, .unbind = unbind, .arg = s },
		.arg = vm,
	};
	vm->slot[slot] = s;
	*ret_env = (struct vdev_env){ .ram = &vm->ram,
				      .interrupt = virtio_pci_interrupt,
				      .isr = virtio_pci_isr,
				      .problem = problem,
				      .failed = thread_failed,
				      .arg = &s->fn };
	return 0;
}

int vm_add_vdev(struct vm *vm, unsigned slot, struct vdev *take_vdev,
		const struct vdev_owner *owner)
{
	struct vm_slot *s = vm->slot[slot];
	int r = 0;

	ASSERT(s && !s->vdev);
	s->vdev = take_vdev;
	s->owner = owner;
	for (unsigned i = 0; owner->slow && r == 0 && i < take_vdev->n_queues; i++)
		r = slow_add(&vm->slow, &take_vdev->queue[i], owner->slow);
	if (r == 0)
		r = virtio_pci_init(&s->fn, take_vdev, &s->ops,
				    KVM_MSI_GSI + slot * MSIX_VECTORS_MAX);
	return r < 0 ? r : pci_add(&vm->pci, slot, &s->fn.fn);
}

int vm_add_disk(struct vm *vm, const struct vblk_config *config, struct errmsg *e)
{
	static const struct vdev_owner owner = { .start = vblk_start,
						 .stop = vblk_stop,
						 .free = vblk_free };
	unsigned slot = KZ_PCI_SLOT_DISK + config->id;
	struct vdev_env env;
	struct vdev *v;
	int r = config->id < KZ_PCI_DISKS ? vm_slot_env(vm, slot, &env) : -ENOSPC;

	if (r < 0) {
		struct blkio_backing b = config->take_backing;

		closep(&b.direct_fd);
		closep(&b.buffered_fd);
		return errmsg_set(e, r, "device %u: %s", config->id,
				  r == -EBUSY ? "there is one with this id"
					      : strerror(-r));
	}
	r = vblk_new(config, &env, &v, e);
	if (r < 0)
		return r;
	r = vm_add_vdev(vm, slot, v, &owner);
	return r < 0 ? errmsg_set(e, r, "device %u: %s", config->id, strerror(-r)) : 0;
}

static void slow_failed(void *arg, int r)
{
	char text[128];

	snprintf(text, sizeof(text), "the thread of slow devices: %s", strerror(-r));
	vm_end(arg, VM_EV_FAULT, text);
}

int vdevs_start(struct vm *vm)
{
	int r;

	vm->slow_env = (struct slow_env){ vm->slow_init, slow_failed, vm };
	r = slow_start(&vm->slow, &vm->slow_env);
	for (unsigned i = 0; r == 0 && i < PCI_SLOTS; i++) {
		struct vm_slot *s = vm->slot[i];

		if (s && s->vdev && s->owner->start)
			r = s->owner->start(s->vdev);
	}
	return r;
}

void vdevs_stop(struct vm *vm)
{
	/* All are told before the first one is waited for. */
	for (unsigned i = 0; i < PCI_SLOTS; i++) {
		if (vm->slot[i] && vm->slot[i]->vdev)
			vdev_stop(vm->slot[i]->vdev);
	}
	for (unsigned i = 0; i < PCI_SLOTS; i++) {
		struct vm_slot *s = vm->slot[i];

		if (!s || !s->vdev)
			continue;
		if (s->owner->stop)
			s->owner->stop(s->vdev);
		else if (vm->slow.running && !vdev_wait_stopped(s->vdev, STOP_WAIT_MS))
			TRACE(dev, "dev=%s does not stop", s->vdev->name);
	}
	slow_stop(&vm->slow);
}

void vdevs_fini(struct vm *vm)
{
	for (unsigned i = 0; i < PCI_SLOTS; i++) {
		struct vm_slot *s = vm->slot[i];

		if (!s)
			continue;
		virtio_pci_fini(&s->fn);
		if (s->vdev)
			s->owner->free(s->vdev);
		free(s);
	}
	slow_fini(&vm->slow);
	pci_fini(&vm->pci);
}

static void disk_stats(const struct vdev *v, struct vm_stats *s)
{
	struct vblk_stats disk;

	vblk_stats(v, &disk);
	s->disk_errors += disk.errors;
	s->n_disks++;
	s->n_page_cache += disk.page_cache;
	s->n_read_only += disk.read_only;
	s->disk_engine = vblk_engine(v);
}

void vdevs_stats(const struct vm *vm, struct vm_stats *stats)
{
	for (unsigned i = 0; i < PCI_SLOTS; i++) {
		const struct vdev *v = vm->slot[i] ? vm->slot[i]->vdev : NULL;

		if (!v)
			continue;
		stats->guest_errors +=
			atomic_load_explicit(&v->guest_errors, memory_order_relaxed);
		if (v->class == &vblk_class)
			disk_stats(v, stats);
	}
}
