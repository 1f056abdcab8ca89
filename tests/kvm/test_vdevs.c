/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_vdevs.c - virtio devices of a real machine, driven through its bus by the test
 *
 * The guest only halts; the test plays its driver. What KVM does with messages is seen by
 * its taking the count of their eventfds.
 */
#include "common/proto/machine.h"
#include "kzhost/dev/vrng.h"
#include "kzhost/vm/machine.h"
#include "tests/kvm/tiny.h"
#include "tests/virtio/vdriver.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/eventfd.h>

/* guests.S */
TINY(echoes);
TINY(halts);

#define RING 0x200000u
#define DATA 0x300000u

struct bed {
	struct tiny t;
	struct vmem mem; /* the machine's RAM, seen by the driver */
	struct vdriver d;
	struct vring ring;
};

static void bed_init(struct bed *b)
{
	TINY_RUN(&b->t, halts);
	b->mem = (struct vmem){ .ram = b->t.vm->ram, .size = b->t.vm->ram.size };
	vdriver_find(&b->d, &b->t.vm->mmio, KZ_PCI_SLOT_RNG);
}

static void bed_fini(struct bed *b)
{
	tiny_free(&b->t);
}
#define BED(b) \
	cleanup(bed_fini) struct bed b; \
	bed_init(&b)

static void bring_up(struct bed *b)
{
	vdriver_reset(&b->d); /* the ring is the device's until then */
	vring_init(&b->ring, &b->mem, RING, 16);
	memset(vmem_at(&b->mem, RING), 0, 0x3000);
	vdriver_negotiate(&b->d, VIRTIO_F_VERSION_1);
	vdriver_queue(&b->d, 0, &b->ring, 1);
	vdriver_ok(&b->d);
}

static void get(struct bed *b, uint32_t len)
{
	uint32_t id, got;

	vring_desc(&b->ring, 3, DATA, len, VRING_WRITE, 0);
	vring_post(&b->ring, 3);
	vdriver_kick(&b->d, 0);
	vdriver_wait_used(&b->ring, &id, &got);
	T_EQ(id, 3);
	T_EQ(got, len);
}

static void wait_pending(struct bed *b, uint64_t bits)
{
	for (unsigned i = 0; vdriver_read(&b->d, b->d.pba, 8) != bits; i++) {
		if (i > 1000000)
			T_FAIL("pending bits are %llx, not %llx",
			       (unsigned long long)vdriver_read(&b->d, b->d.pba, 8),
			       (unsigned long long)bits);
		sched_yield();
	}
}

TEST(vdevs, a_machine_has_an_entropy_device)
{
	BED(b);

	bring_up(&b);
	for (unsigned i = 0; i < 100; i++)
		get(&b, 32);
	T_EQ(b.t.vm->slot[KZ_PCI_SLOT_RNG] != NULL, true);
}

TEST(vdevs, kvm_takes_open_vectors_and_leaves_masked_ones_pending)
{
	BED(b);

	bring_up(&b);
	get(&b, 16);
	wait_pending(&b, 0); /* injected */
	vdriver_vector(&b.d, 1, KZ_GPA_LAPIC, 0x31, true);
	get(&b, 16);
	wait_pending(&b, 2);
	vdriver_vector(&b.d, 1, KZ_GPA_LAPIC, 0x32, false);
	wait_pending(&b, 0); /* injected when it was bound again */
	/* The mask of the function does the same. */
	vdriver_config_write(&b.d, b.d.msix + 2, 2, 0xc000);
	get(&b, 16);
	wait_pending(&b, 2);
	vdriver_config_write(&b.d, b.d.msix + 2, 2, 0x8000);
	wait_pending(&b, 0);
}

TEST(vdevs, an_interrupt_that_kvm_refuses_is_told_and_pends)
{
	BED(b);
	cleanup(closep) int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int vm_fd = b.t.vm->kvm.vm_fd;
	struct vm_event ev;

	bring_up(&b);
	vdriver_vector(&b.d, 1, KZ_GPA_LAPIC, 0x31, true);
	b.t.vm->kvm.vm_fd = null;
	vdriver_vector(&b.d, 1, KZ_GPA_LAPIC, 0x32, false);
	b.t.vm->kvm.vm_fd = vm_fd;
	T_TRUE(vm_take_event(b.t.vm, &ev));
	T_EQ(ev.type, VM_EV_DEVICE);
	T_HAS(ev.text, "dev=vrng0 interrupt 1 cannot be delivered: KVM: ");
	get(&b, 16);
	wait_pending(&b, 2);
	vdriver_vector(&b.d, 1, KZ_GPA_LAPIC, 0x32, false);
	wait_pending(&b, 0);
}

TEST(vdevs, a_moved_device_goes_on)
{
	BED(b);
	uint64_t high = b.t.vm->pci.high;
	const uint64_t places[] = { high + 0x10000000, KZ_GPA_PCI_LOW + 0x8000000,
				    high + KZ_PCI_HIGH_SIZE - VIRTIO_PCI_BAR_SIZE,
				    KZ_GPA_PCI_LOW_END - VIRTIO_PCI_BAR_SIZE };

	T_TRUE(high >= KZ_GPA_RAM_HIGH && high % KZ_PCI_HIGH_SIZE == 0);
	bring_up(&b);
	for (unsigned i = 0; i < ARRAY_SIZE(places); i++) {
		vdriver_config_write(&b.d, PCI_REG_COMMAND, 2, PCI_COMMAND_BUSM);
		vdriver_config_write(&b.d, PCI_REG_BAR, 4, (uint32_t)places[i]);
		vdriver_config_write(&b.d, PCI_REG_BAR + 4, 4, places[i] >> 32);
		vdriver_find(&b.d, &b.t.vm->mmio, KZ_PCI_SLOT_RNG);
		get(&b, 16);
	}
}

TEST(vdevs, a_device_that_lost_the_bus_writes_nothing_more)
{
	BED(b);

	bring_up(&b);
	get(&b, 16);
	vdriver_config_write(&b.d, PCI_REG_COMMAND, 2, PCI_COMMAND_MEM);
	memset(vmem_at(&b.mem, RING), 0, 0x3000); /* is another kernel's now */
	memset(vmem_at(&b.mem, DATA), 0, 16);
	vring_desc(&b.ring, 3, DATA, 16, VRING_WRITE, 0);
	vring_post(&b.ring, 3);
	vdriver_kick(&b.d, 0);
	T_EQ(vdriver_status(&b.d), 0x4f);
	vdriver_find(&b.d, &b.t.vm->mmio, KZ_PCI_SLOT_RNG);
	vdriver_kick(&b.d, 0);
	vdriver_reset(&b.d); /* its owner has looked by then */
	T_EQ(vring_used_idx(&b.ring), 0);
	T_EQ(*(uint64_t *)vmem_at(&b.mem, DATA), 0);
	bring_up(&b);
	get(&b, 16);
}

TEST(vdevs, stopping_waits_for_no_driver)
{
	for (unsigned i = 0; i < 20; i++) {
		BED(b);

		bring_up(&b);
		for (unsigned k = 0; k < 16; k++) {
			vring_desc(&b.ring, k, DATA, 65536, VRING_WRITE, 0);
			vring_post(&b.ring, (uint16_t)k);
		}
		vdriver_kick(&b.d, 0);
		vm_stop(b.t.vm);
		/* Nothing is in flight any more. */
		memset(vmem_at(&b.mem, DATA), 0, 65536);
		T_EQ(*(uint64_t *)vmem_at(&b.mem, DATA), 0);
		vm_stop(b.t.vm);
	}
}

TEST(vdevs, a_drivers_mistakes_are_told_and_counted_but_not_without_end)
{
	BED(b);
	struct vm_event ev;
	struct vm_stats s;
	unsigned told = 0;

	for (unsigned i = 0; i < 40; i++) {
		uint8_t status = 0;

		bring_up(&b);
		vring_set_avail(&b.ring, 0x5000);
		vdriver_kick(&b.d, 0);
		while (!(status & VIRTIO_S_NEEDS_RESET)) {
			sched_yield();
			status = vdriver_status(&b.d);
		}
		while (vm_take_event(b.t.vm, &ev)) {
			T_EQ(ev.type, VM_EV_DEVICE);
			T_HAS(ev.text, "dev=vrng0 ");
			T_HAS(ev.text, virtq_error_texts[VIRTQ_ERR_AVAIL_JUMP]);
			told++;
		}
	}
	T_EQ(told, 8 + 2); /* the first eight, 16th, 32nd */
	vm_stats(b.t.vm, &s);
	T_EQ(s.guest_errors, 40);
	bring_up(&b);
	get(&b, 16);
}

static void free_vdev(struct vdev *v)
{
	vdev_fini(v);
	free(v);
}

TEST(vdevs, every_slot_takes_one_device)
{
	static const struct vdev_owner owner = { .slow = &vrng_ops, .free = free_vdev };
	struct vm_config c = tiny_config(tiny_halts, tiny_halts_end);
	cleanup(vm_freep) struct vm *vm = NULL;
	struct errmsg e = { 0 };
	struct vdev_env env;
	struct vdriver d;

	T_OK(vm_create(&c, &vm, &e));
	tiny_config_done(&c);
	T_EQ(vm_slot_env(vm, 0, &env), -ENOSPC);
	T_EQ(vm_slot_env(vm, 32, &env), -ENOSPC);
	T_EQ(vm_slot_env(vm, KZ_PCI_SLOT_RNG, &env), -EBUSY);
	T_EQ(vm_slot_env(vm, KZ_PCI_SLOT_CONSOLE, &env), -EBUSY);
	for (unsigned slot = 1; slot < PCI_SLOTS; slot++) {
		struct vdev *v;

		if (slot == KZ_PCI_SLOT_RNG || slot == KZ_PCI_SLOT_CONSOLE)
			continue;
		T_OK(vm_slot_env(vm, slot, &env));
		T_EQ(vm_slot_env(vm, slot, &env), -EBUSY);
		T_OK(vrng_new(&env, &v));
		T_OK(vm_add_vdev(vm, slot, v, &owner));
	}
	pci_assign(&vm->pci);
	T_OK(vm_start(vm, &e));
	for (unsigned slot = 1; slot < PCI_SLOTS; slot++) {
		vdriver_find(&d, &vm->mmio, slot);
		vdriver_negotiate(&d, VIRTIO_F_VERSION_1);
		vdriver_ok(&d);
	}
}

/* The console: two devices. */

/* The guest's word on hvc0, which the zone's console gets. */
static void hvc_says(struct bed *b, struct vring *tx, const char *text)
{
	char got[16] = "";
	uint32_t id, len;

	strcpy(vmem_at(&b->mem, DATA), text);
	vring_desc(tx, 0, DATA, (uint32_t)strlen(text), 0, 0);
	vring_post(tx, 0);
	vdriver_kick(&b->d, 1);
	vdriver_wait_used(tx, &id, &len);
	T_EQ(vm_console_read(b->t.vm, VM_CONSOLE_HVC, got, sizeof(got) - 1),
	     strlen(text));
	T_STREQ(got, text);
	T_EQ(vm_console_read(b->t.vm, VM_CONSOLE_HVC, got, sizeof(got)), 0);
}

/* What is typed arrives on hvc0, and only there. */
static void hvc_gets(struct bed *b, struct vring *rx, char key)
{
	uint32_t id, len;
	uint64_t lsr;

	vring_desc(rx, 0, DATA + 4096, 64, VRING_WRITE, 0);
	vring_post(rx, 0);
	T_EQ(vm_console_write(b->t.vm, &key, 1), 1);
	vdriver_kick(&b->d, 0);
	vdriver_wait_used(rx, &id, &len);
	T_EQ(len, 1);
	T_EQ(*(char *)vmem_at(&b->mem, DATA + 4096), key);
	bus_read(&b->t.vm->pio, KZ_COM1_PORT + 5, 1, &lsr);
	T_EQ(lsr & 1, 0);
}

/* What is typed arrives on the serial port, and only there. */
static void serial_gets(struct bed *b, const struct vring *rx, char key)
{
	uint16_t used = vring_used_idx(rx);
	uint64_t byte;

	T_EQ(vm_console_write(b->t.vm, &key, 1), 1);
	bus_read(&b->t.vm->pio, KZ_COM1_PORT, 1, &byte);
	T_EQ(byte, key);
	T_EQ(vring_used_idx(rx), used);
}

TEST(vdevs, what_is_typed_goes_where_the_guest_listens)
{
	struct vring rx, tx;
	struct vm_stats s;
	BED(b);

	tiny_expect_console(&b.t, "s"); /* the guest halts now */
	vdriver_find(&b.d, &b.t.vm->mmio, KZ_PCI_SLOT_CONSOLE);
	vring_init(&rx, &b.mem, RING, 16);
	vring_init(&tx, &b.mem, RING + 0x4000, 16);
	memset(vmem_at(&b.mem, RING), 0, 0x8000);
	vdriver_negotiate(&b.d, VIRTIO_F_VERSION_1);
	serial_gets(&b, &rx, 'a'); /* as firmware, which polls */
	vdriver_queue(&b.d, 0, &rx, 1);
	vdriver_queue(&b.d, 1, &tx, 2);
	vdriver_ok(&b.d);
	serial_gets(&b, &rx, 'b');
	hvc_says(&b, &tx, "login: ");
	hvc_gets(&b, &rx, 'c');
	/* A driver for the serial port comes. */
	bus_write(&b.t.vm->pio, KZ_COM1_PORT + 1, 1, 1);
	serial_gets(&b, &rx, 'd');
	hvc_says(&b, &tx, "login: ");
	serial_gets(&b, &rx, 'e');
	/* It goes: not before hvc0 says something again. */
	bus_write(&b.t.vm->pio, KZ_COM1_PORT + 1, 1, 0);
	serial_gets(&b, &rx, 'f');
	hvc_says(&b, &tx, "login: ");
	hvc_gets(&b, &rx, 'g');
	vdriver_reset(&b.d);
	serial_gets(&b, &rx, 'h');
	vm_stats(b.t.vm, &s);
	T_EQ(s.console_bytes, 1 + 3 * strlen("login: "));
	T_EQ(s.console_lost, 0);
}

/* KVM's table of routes. */

TEST(kvm_irq, the_machines_own_lines_survive_many_messages)
{
	cleanup(tiny_free) struct tiny t;
	int fd[200];

	TINY_RUN(&t, echoes);
	tiny_expect_console(&t, ">");
	for (unsigned i = 0; i < ARRAY_SIZE(fd); i++) {
		fd[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		T_TRUE(fd[i] >= 0);
		T_OK(kvm_msi_bind(&t.vm->kvm, 1000 + 7 * i, fd[i], KZ_GPA_LAPIC, 0));
	}
	/* Its serial line and its power button still interrupt it. */
	tiny_type(&t, "a");
	tiny_expect_console(&t, ">b");
	for (unsigned i = 0; i < ARRAY_SIZE(fd); i++) {
		T_OK(kvm_msi_bind(&t.vm->kvm, 1000 + 7 * i, fd[i], KZ_GPA_LAPIC, 1));
		T_OK(kvm_msi_unbind(&t.vm->kvm, 1000 + 7 * i, fd[i]));
		close(fd[i]);
	}
	vm_power_button(t.vm);
	tiny_expect_event(&t, VM_EV_POWEROFF);
}

TEST(kvm_irq, refuses_the_pins_of_the_chips)
{
	cleanup(tiny_free) struct tiny t;

	TINY_RUN(&t, halts);
	for (unsigned gsi = 0; gsi < KVM_MSI_GSI; gsi++)
		T_EQ(kvm_msi_bind(&t.vm->kvm, gsi, 0, KZ_GPA_LAPIC, 0), -EINVAL);
}

TEST(kvm_irq, kicks_are_bound_once)
{
	cleanup(tiny_free) struct tiny t;
	cleanup(closep) int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	TINY_RUN(&t, halts);
	T_OK(kvm_ioeventfd(&t.vm->kvm, KZ_GPA_PCI_LOW, fd, true));
	T_EQ(kvm_ioeventfd(&t.vm->kvm, KZ_GPA_PCI_LOW, fd, true), -EEXIST);
	T_OK(kvm_ioeventfd(&t.vm->kvm, KZ_GPA_PCI_LOW, fd, false));
	T_EQ(kvm_ioeventfd(&t.vm->kvm, KZ_GPA_PCI_LOW, fd, false), -ENOENT);
}
