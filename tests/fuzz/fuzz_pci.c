// SPDX-License-Identifier: BSD-2-Clause
/*
 * fuzz_pci.c - any accesses of a guest to PCI, MSI-X, virtio-pci and the entropy device
 *
 * The input is a list of steps of 8 bytes: accesses to ports, to configuration space, to
 * the device's registers and to anywhere, and changes of guest memory, where the rings
 * lie; the device's own thread runs meanwhile, so memory changes between its looks. With
 * the first byte's lowest bit the device has been brought up by an honest driver before.
 * Beside not crashing: what is bound in KVM is bound once and gone when decoding and
 * MSI-X are switched off, and a reset brings the device back.
 */
#include "common/proto/machine.h"
#include "kzhost/dev/virtio_pci.h"
#include "kzhost/dev/vrng.h"
#include "tests/fuzz/fuzz.h"

#include <sched.h>
#include <string.h>

#define MEM       0x10000u
#define HIGH      0x400000000ull
#define SLOT      2u
#define ECAM      (KZ_GPA_ECAM + SLOT * 32768)
#define STEP      8u
#define STEPS_MAX 512u
#define RING_SIZE 8u

/* Of the common configuration. */
#define REG_ACCEPT_SELECT 8
#define REG_ACCEPTED      12
#define REG_STATUS        20
#define REG_QUEUE_SIZE    24
#define REG_QUEUE_ENABLE  28
#define REG_QUEUE_DESC    32

struct bed {
	struct ram ram;
	struct pci pci;
	struct bus pio, mmio;
	struct slow slow;
	struct slow_env env;
	struct virtio_pci_ops ops;
	struct virtio_pci p;
	struct vdev *v;
	bool bound[2];    /* vectors */
	uint64_t kick_at; /* of the one queue; 0: nowhere */
};

static _Alignas(4096) uint8_t memory[MEM];

static int bind(void *arg, unsigned gsi, int fd, uint64_t address, uint32_t data)
{
	struct bed *b = arg;

	ASSERT(gsi < ARRAY_SIZE(b->bound));
	b->bound[gsi] = true;
	return 0;
}

static int unbind(void *arg, unsigned gsi, int fd)
{
	struct bed *b = arg;

	ASSERT(gsi < ARRAY_SIZE(b->bound) && b->bound[gsi]);
	b->bound[gsi] = false;
	return 0;
}

static int ioeventfd(void *arg, uint64_t gpa, int fd, bool on)
{
	struct bed *b = arg;

	ASSERT(on ? b->kick_at == 0 : b->kick_at == gpa);
	ASSERT(gpa >= KZ_GPA_PCI_LOW && (gpa < KZ_GPA_PCI_LOW_END ||
					 (gpa >= HIGH && gpa < HIGH + KZ_PCI_HIGH_SIZE)));
	b->kick_at = on ? gpa : 0;
	return 0;
}

static void problem(void *arg, const char *dev, const char *text)
{
	ASSERT(*dev && *text);
}

static void begin(struct bed *b)
{
	const struct vdev_env env = { &b->ram, virtio_pci_interrupt, problem, &b->p,
				      virtio_pci_isr };

	b->ram.fd = -1;
	b->ram.base = memory;
	b->ram.size = MEM;
	b->ram.region[0] = (struct ram_region){ .size = MEM, .hva = memory };
	b->ops = (struct virtio_pci_ops){ ioeventfd, { bind, unbind, b }, b };
	pci_init(&b->pci, HIGH);
	ASSERT(bus_add(&b->pio, KZ_PCI_CONFIG_PORT, 8, &pci_port_ops, &b->pci) == 0);
	ASSERT(bus_add(&b->mmio, KZ_GPA_ECAM, KZ_ECAM_SIZE, &pci_ecam_ops, &b->pci) == 0);
	ASSERT(bus_add(&b->mmio, KZ_GPA_PCI_LOW, KZ_GPA_PCI_LOW_END - KZ_GPA_PCI_LOW,
		       &pci_low_ops, &b->pci) == 0);
	ASSERT(bus_add(&b->mmio, HIGH, KZ_PCI_HIGH_SIZE, &pci_high_ops, &b->pci) == 0);
	ASSERT(slow_init(&b->slow) == 0 && vrng_new(&env, &b->v) == 0);
	ASSERT(virtio_pci_init(&b->p, b->v, &b->ops, 0) == 0);
	ASSERT(pci_add(&b->pci, SLOT, &b->p.fn) == 0);
	ASSERT(slow_add(&b->slow, &b->v->queue[0], &vrng_ops) == 0);
	pci_assign(&b->pci);
	ASSERT(slow_start(&b->slow, &b->env) == 0);
}

static void set(struct bed *b, unsigned reg, unsigned size, uint64_t value)
{
	bus_write(&b->mmio, KZ_GPA_PCI_LOW + reg, size, value);
}

/* What an honest driver does, with the BAR where it was assigned. */
static void bring_up(struct bed *b)
{
	set(b, REG_STATUS, 1, 3);
	set(b, REG_ACCEPT_SELECT, 4, 1);
	set(b, REG_ACCEPTED, 4, 1);
	set(b, REG_STATUS, 1, 11);
	set(b, REG_QUEUE_SIZE, 2, RING_SIZE);
	for (unsigned i = 0; i < 3; i++)
		set(b, REG_QUEUE_DESC + 8 * i, 8, 0x1000 * (i + 1));
	set(b, REG_QUEUE_ENABLE, 2, 1);
	set(b, REG_STATUS, 1, 15);
}

/* Where a step's access goes: the nearer regions are the likelier ones. */
static uint64_t target(const struct bed *b, const uint8_t *s)
{
	uint64_t offset = (uint64_t)s[2] | (uint64_t)s[3] << 8;

	switch (s[1] >> 2 & 7) {
	case 0:
		return ECAM + offset % 512;
	case 1:
		return KZ_GPA_ECAM + (offset << 4 & 0xffff0) + s[4] % 16;
	case 2:
		return KZ_GPA_PCI_LOW + offset % 64;
	case 3:
		return KZ_GPA_PCI_LOW + offset % VIRTIO_PCI_BAR_SIZE;
	case 4: /* where the BAR really is now */
		return b->p.fn.bar[0].gpa + offset % VIRTIO_PCI_BAR_SIZE;
	case 5:
		return HIGH + (offset << 12);
	case 6:
		return offset << 16 | s[4];
	default:
		return KZ_GPA_PCI_LOW + VIRTIO_PCI_NOTIFY + offset % 16;
	}
}

static void change_memory(const uint8_t *s)
{
	uint32_t at = ((uint32_t)s[2] | (uint32_t)s[3] << 8) % (MEM - 4);

	for (unsigned i = 0; i < 4; i++)
		__atomic_store_n(&memory[at + i], s[4 + i], __ATOMIC_RELAXED);
}

static void take_step(struct bed *b, const uint8_t *s)
{
	uint32_t word;
	uint64_t value;
	unsigned size = 1u << (s[1] & 3);

	memcpy(&word, s + 4, 4);
	value = s[1] & 0x80 ? (uint64_t)word << 32 | word : word;
	switch (s[0] & 7) {
	case 0:
	case 1:
		bus_write(&b->mmio, target(b, s), size, value);
		break;
	case 2:
		bus_read(&b->mmio, target(b, s), size, &value);
		break;
	case 3:
		bus_write(&b->pio, KZ_PCI_CONFIG_PORT + s[2] % 8, size, value);
		break;
	case 4:
		bus_read(&b->pio, KZ_PCI_CONFIG_PORT + s[2] % 8, size, &value);
		break;
	case 5:
		sched_yield();
		break;
	default:
		change_memory(s);
		break;
	}
}

/*
 * Whatever was done to it, a reset brings the device back, and nothing stays bound. Then
 * all is as in the beginning.
 */
static void restore(struct bed *b)
{
	vdev_write(b->v, VDEV_STATUS, 0xff, 0);
	ASSERT(vdev_wait_stopped(b->v, 10000));
	ASSERT(vdev_read(b->v, VDEV_STATUS) == 0);
	ASSERT(vdev_read(b->v, VDEV_QUEUE_SIZE) == b->v->class->queue_size);
	bus_write(&b->mmio, ECAM + PCI_REG_COMMAND, 2, 0);
	bus_write(&b->mmio, ECAM + b->p.msix_cap + 2, 2, 0);
	ASSERT(!b->bound[0] && !b->bound[1] && !b->kick_at);
	for (unsigned i = 0; i < b->p.msix.n * MSIX_ENTRY_SIZE; i += 4)
		msix_table_write(&b->p.msix, i, 4, i % MSIX_ENTRY_SIZE == 12);
	bus_write(&b->mmio, ECAM + PCI_REG_BAR + 4, 4, 0);
	pci_assign(&b->pci);
	b->pci.address = 0;
	memset(memory, 0, sizeof(memory));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct bed
		bed; /* with its thread for all inputs: starting one takes long */
	static bool begun;

	if (size < 1)
		return 0;
	if (!begun)
		begin(&bed);
	begun = true;
	if (data[0] & 1)
		bring_up(&bed);
	for (size_t i = 1, n = 0; i + STEP <= size && n < STEPS_MAX; i += STEP, n++)
		take_step(&bed, data + i);
	restore(&bed);
	return 0;
}
