/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_virtio_pci.c - the transport as a driver sees it: registers, kicks, vectors
 */
#include "common/proto/machine.h"
#include "tests/harness/harness.h"
#include "tests/virtio/vdriver.h"
#include "tests/virtio/vtoy.h"

#include <poll.h>

#define SLOT     VTOY_SLOT
#define MEM      VTOY_MEM
#define N_QUEUES VTOY_N_QUEUES
#define CONFIG   VTOY_CONFIG

#define BED(b) cleanup(vtoy_bed_free) struct vtoy_bed *b = vtoy_bed_new()

static uint64_t get(struct vtoy_bed *b, unsigned reg, unsigned size)
{
	return vdriver_read(&b->d, b->d.common + reg, size);
}

static void set(struct vtoy_bed *b, unsigned reg, unsigned size, uint64_t value)
{
	vdriver_write(&b->d, b->d.common + reg, size, value);
}

/* Up to DRIVER_OK, one queue. */
static void bring_up(struct vtoy_bed *b, struct vring *ring)
{
	vring_init(ring, &b->m.mem, 0x10000, 16);
	vdriver_negotiate(&b->d, VIRTIO_F_VERSION_1);
	vdriver_queue(&b->d, 1, ring, 2);
	set(b, VD_CONFIG_VECTOR, 2, 0);
	vdriver_ok(&b->d);
	T_EQ(vdriver_status(&b->d), 0x0f);
}

TEST(virtio_pci, is_a_modern_device_with_all_capabilities)
{
	BED(b);
	struct vdriver *d = &b->d;

	T_EQ(vdriver_config_read(d, 0, 4), 0x106a1af4);
	T_EQ(vdriver_config_read(d, 0x08, 4), 0x01800001);
	T_TRUE(vdriver_config_read(d, 0x2e, 2) >= 0x40);
	T_EQ(vdriver_config_read(d, 0x3d, 1), 0); /* no line interrupt */
	T_EQ(d->n_vectors, N_QUEUES + 1);
	T_EQ(d->notify_step, VIRTIO_PCI_NOTIFY_STEP);
	T_EQ(d->device_len, CONFIG);
	T_TRUE(d->device != 0);
	T_EQ(get(b, VD_N_QUEUES, 2), N_QUEUES);
	T_EQ(vdriver_offered(d) &
		     ~(VIRTIO_F_VERSION_1 | VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX),
	     1);
}

TEST(virtio_pci, registers_answer_at_their_own_offset_and_width_only)
{
	static const uint8_t width[VD_END] = {
		[0] = 4,  [4] = 4,  [8] = 4,  [12] = 4, [16] = 2, [18] = 2,
		[20] = 1, [21] = 1, [22] = 2, [24] = 2, [26] = 2, [28] = 2,
		[30] = 2, [32] = 8, [40] = 8, [48] = 8,
	};
	BED(b);

	for (unsigned size = 1; size <= 8; size *= 2) {
		for (unsigned reg = 0; reg < VIRTIO_PCI_PART; reg++) {
			bool whole = reg < VD_END && width[reg] == size;
			bool half =
				reg < VD_END && size == 4 && reg >= 32 && reg % 4 == 0;
			uint64_t v = get(b, reg, size);
			uint64_t none = size == 8 ? UINT64_MAX : (1ull << size * 8) - 1;

			if (!whole && !half) {
				T_EQ(v, none);
				set(b, reg, size, 0x0101010101010101);
			} else if (reg != VD_CONFIG_VECTOR && reg != VD_QUEUE_VECTOR) {
				T_NE(v, none);
			}
		}
	}
	T_EQ(b->toy.v.guest_errors, 0); /* nothing reached the device */
	T_EQ(vdriver_status(&b->d), 0);
}

/* Anything, anywhere in the BAR, in every width: nothing may break. */
TEST(virtio_pci, every_access_to_the_bar_is_safe)
{
	static const uint64_t values[] = { UINT64_MAX, 0, 1, 0x8000800080008000 };
	BED(b);
	uint64_t bar = b->p.fn.bar[0].gpa;

	for (unsigned i = 0; i < ARRAY_SIZE(values); i++) {
		for (unsigned size = 1; size <= 8; size *= 2) {
			for (unsigned off = 0; off < VIRTIO_PCI_BAR_SIZE; off++) {
				vdriver_write(&b->d, bar + off, size, values[i]);
				vdriver_read(&b->d, bar + off, size);
			}
		}
		vtoy_obey(&b->toy.v);
	}
	vdriver_reset(&b->d);
	T_EQ(get(b, VD_N_QUEUES, 2), N_QUEUES);
}

TEST(virtio_pci, a_vector_that_does_not_exist_is_no_vector)
{
	BED(b);

	set(b, VD_QUEUE_VECTOR, 2, N_QUEUES);
	T_EQ(get(b, VD_QUEUE_VECTOR, 2), N_QUEUES);
	set(b, VD_QUEUE_VECTOR, 2, N_QUEUES + 1);
	T_EQ(get(b, VD_QUEUE_VECTOR, 2), VDEV_NO_VECTOR);
	set(b, VD_CONFIG_VECTOR, 2, 0x1000);
	T_EQ(get(b, VD_CONFIG_VECTOR, 2), VDEV_NO_VECTOR);
}

TEST(virtio_pci, queue_addresses_are_written_by_halves_or_whole)
{
	BED(b);

	vdriver_negotiate(&b->d, VIRTIO_F_VERSION_1);
	set(b, VD_QUEUE_DESC, 4, 0x11223344);
	set(b, VD_QUEUE_DESC + 4, 4, 0x55667788);
	T_EQ(get(b, VD_QUEUE_DESC, 8), 0x5566778811223344);
	set(b, VD_QUEUE_DESC, 8, 0x0102030405060708);
	T_EQ(get(b, VD_QUEUE_DESC, 4), 0x05060708);
	T_EQ(get(b, VD_QUEUE_DESC + 4, 4), 0x01020304);
}

TEST(virtio_pci, device_configuration_of_every_width)
{
	BED(b);
	uint64_t at = b->d.device;

	for (unsigned i = 0; i < CONFIG; i++)
		vdriver_write(&b->d, at + i, 1, i + 1);
	T_EQ(vdriver_read(&b->d, at, 8), 0x0807060504030201);
	T_EQ(vdriver_read(&b->d, at + 8, 4), 0x0c0b0a09);
	T_EQ(vdriver_read(&b->d, at + 10, 2), 0x0c0b);
	T_EQ(vdriver_read(&b->d, at + 8, 8), -1); /* across the end */
	T_EQ(vdriver_read(&b->d, at + 12, 1), 0xff);
	T_EQ(vdriver_read(&b->d, at + 6, 4), 0xffffffff); /* not natural */
	vdriver_write(&b->d, at + 8, 8, 0);
	T_EQ(vdriver_read(&b->d, at + 8, 4), 0x0c0b0a09);
}

/* VIRTIO 1.2, 4.1.4.5.1 */
TEST(virtio_pci, the_isr_tells_and_is_cleared_by_reading)
{
	BED(b);
	struct vring ring;

	T_EQ(vdriver_read(&b->d, b->d.isr, 1), 0);
	bring_up(b, &ring);
	/* MSI-X: the configuration only. */
	b->toy.v.queue[1].vq.next_used++;
	vqueue_push(&b->toy.v.queue[1]);
	T_EQ(vdriver_read(&b->d, b->d.isr, 1), 0);
	vdev_config_changed(&b->toy.v);
	T_EQ(vdriver_config_read(&b->d, PCI_REG_STATUS, 2), PCI_STATUS_CAPS);
	T_EQ(vdriver_read(&b->d, b->d.isr, 1), VIRTIO_ISR_CONFIG);
	T_EQ(vdriver_read(&b->d, b->d.isr, 1), 0);
	/* Without it: both, and the status says so until it is read. */
	vdriver_config_write(&b->d, b->d.msix + 2, 2, 0);
	b->toy.v.queue[1].vq.next_used++;
	vqueue_push(&b->toy.v.queue[1]);
	vdev_config_changed(&b->toy.v);
	T_EQ(vdriver_config_read(&b->d, PCI_REG_STATUS, 1),
	     PCI_STATUS_CAPS | PCI_STATUS_INTX);
	T_EQ(vdriver_read(&b->d, b->d.isr, 1), VIRTIO_ISR_CONFIG | VIRTIO_ISR_QUEUE);
	T_EQ(vdriver_read(&b->d, b->d.isr, 1), 0);
	T_EQ(vdriver_config_read(&b->d, PCI_REG_STATUS, 1), PCI_STATUS_CAPS);
	T_EQ(vdriver_read(&b->d, b->d.isr, 4), 0xffffffff);
	T_EQ(vdriver_read(&b->d, b->d.isr + 1, 1), 0xff);
}

static bool kicked(struct vtoy_bed *b, unsigned queue)
{
	uint64_t n;

	return read(b->toy.v.queue[queue].kick_fd, &n, sizeof(n)) == sizeof(n);
}

TEST(virtio_pci, kicks_are_bound_from_driver_ok_until_the_bar_moves)
{
	BED(b);
	uint64_t moved = VBED_HIGH + 0x7000000;
	struct vring ring;

	T_EQ(b->m.n_kicks, 0);
	bring_up(b, &ring);
	T_EQ(b->m.n_kicks, N_QUEUES);
	for (unsigned i = 0; i < N_QUEUES; i++) {
		T_EQ(b->m.kick[i].gpa, b->d.notify + 4 * i);
		T_EQ(b->m.kick[i].fd, b->toy.v.queue[i].kick_fd);
	}
	vdriver_config_write(&b->d, PCI_REG_COMMAND, 2, PCI_COMMAND_BUSM);
	T_EQ(b->m.n_kicks, 0);
	vdriver_config_write(&b->d, PCI_REG_BAR, 4, (uint32_t)moved);
	vdriver_config_write(&b->d, PCI_REG_BAR + 4, 4, moved >> 32);
	T_EQ(b->m.n_kicks, 0);
	vdriver_config_write(&b->d, PCI_REG_COMMAND, 2,
			     PCI_COMMAND_BUSM | PCI_COMMAND_MEM);
	T_EQ(b->m.n_kicks, N_QUEUES);
	T_EQ(b->m.kick[0].gpa, moved + VIRTIO_PCI_NOTIFY);
	vdriver_find(&b->d, &b->m.mmio, SLOT);
	T_EQ(vdriver_status(&b->d), 0x0f);
}

TEST(virtio_pci, a_kick_by_an_exit_arrives_at_its_queue)
{
	BED(b);
	struct vring ring;

	b->m.refuse = -ENOSPC; /* KVM has no room for ioeventfds */
	bring_up(b, &ring);
	T_TRUE(kicked(b, 1)); /* DRIVER_OK itself */
	vdriver_kick(&b->d, 1);
	T_TRUE(kicked(b, 1));
	T_FALSE(kicked(b, 0));
	/* Beside the queues' own addresses, and beyond the last queue. */
	vdriver_write(&b->d, b->d.notify + 4 + 2, 2, 1);
	vdriver_write(&b->d, b->d.notify + 4 * N_QUEUES, 2, 1);
	vdriver_write(&b->d, b->d.notify + 0xffc, 4, 1);
	for (unsigned i = 0; i < N_QUEUES; i++)
		T_FALSE(kicked(b, i));
	T_EQ(vdriver_read(&b->d, b->d.notify, 2), 0xffff);
}

TEST(virtio_pci, interrupts_go_by_the_queues_vector)
{
	BED(b);
	struct vring ring;
	struct vbed_route *r = &b->m.route[SLOT * MSIX_VECTORS_MAX + 2];

	bring_up(b, &ring);
	T_TRUE(r->bound);
	T_EQ(r->address, KZ_GPA_LAPIC);
	T_EQ(r->data, 2);
	b->toy.v.queue[1].vq.next_used++; /* as if a chain had been given back */
	vqueue_push(&b->toy.v.queue[1]);
	vbed_wait_irq(&b->m, SLOT, 2);
	T_FALSE(vbed_take_irq(&b->m, SLOT, 0));
	vdev_config_changed(&b->toy.v);
	vbed_wait_irq(&b->m, SLOT, 0);
	/* Function mask: pending, then there. */
	vdriver_config_write(&b->d, b->d.msix + 2, 2, 0xc000);
	T_FALSE(r->bound);
	vdev_config_changed(&b->toy.v);
	T_EQ(vdriver_read(&b->d, b->d.pba, 8), 1);
	vdriver_config_write(&b->d, b->d.msix + 2, 2, 0x8000);
	T_TRUE(vbed_take_irq(&b->m, SLOT, 0));
	T_EQ(vdriver_read(&b->d, b->d.pba, 4), 0);
}

/* As Linux does it before it jumps into another kernel (PCI 3.0, 6.2.2). */
TEST(virtio_pci, without_bus_mastering_memory_is_left_alone_until_a_reset)
{
	struct virtq_chain chain;
	struct vring ring;
	BED(b);

	bring_up(b, &ring);
	vring_desc(&ring, 0, 0x20000, 8, VRING_WRITE, 0);
	vring_post(&ring, 0);
	vdriver_config_write(&b->d, PCI_REG_COMMAND, 2, PCI_COMMAND_MEM);
	T_EQ(vqueue_state(&b->toy.v.queue[1]), VQUEUE_STOPPING);
	vtoy_obey(&b->toy.v);
	T_EQ(vdriver_status(&b->d), 0x4f);
	/* Back again it still has to be reset. */
	vdriver_config_write(&b->d, PCI_REG_COMMAND, 2,
			     PCI_COMMAND_MEM | PCI_COMMAND_BUSM);
	vdriver_kick(&b->d, 1);
	T_EQ(vqueue_state(&b->toy.v.queue[1]), VQUEUE_IDLE);
	T_FALSE(virtq_next(&b->toy.v.queue[1].vq, &chain));
	T_EQ(vdriver_status(&b->d), 0x4f);
	T_EQ(b->toy.v.guest_errors + b->m.problems, 0);
	memset(vmem_at(&b->m.mem, 0x10000), 0, 3 * 4096);
	bring_up(b, &ring);
	vring_desc(&ring, 0, 0x20000, 8, VRING_WRITE, 0);
	vring_post(&ring, 0);
	T_TRUE(virtq_next(&b->toy.v.queue[1].vq, &chain));
	virtq_done(&b->toy.v.queue[1].vq, 0, 8);
}

TEST(virtio_pci, the_control_word_of_msix_takes_its_two_bits_only)
{
	BED(b);

	vdriver_config_write(&b->d, b->d.msix + 2, 2, 0xffff);
	T_EQ(vdriver_config_read(&b->d, b->d.msix + 2, 2), 0xc000 | N_QUEUES);
	vdriver_config_write(&b->d, b->d.msix + 3, 1, 0);
	T_EQ(vdriver_config_read(&b->d, b->d.msix + 2, 2), N_QUEUES);
	T_FALSE(b->p.msix.enabled);
	vdriver_config_write(&b->d, b->d.msix, 4, UINT32_MAX);
	T_TRUE(b->p.msix.enabled);
	vdriver_config_write(&b->d, b->d.msix + 4, 4, UINT32_MAX);
	T_EQ(vdriver_config_read(&b->d, b->d.msix + 4, 4), VIRTIO_PCI_MSIX);
}

/* VIRTIO 1.2, 4.1.4.9: registers through configuration space, decoding off. */
TEST(virtio_pci, the_window_reaches_every_register)
{
	BED(b);
	unsigned w = b->d.window;

	vdriver_config_write(&b->d, PCI_REG_COMMAND, 2, 0);
	vdriver_config_write(&b->d, w + 4, 1, 0);
	vdriver_config_write(&b->d, w + 8, 4, VIRTIO_PCI_COMMON + VD_N_QUEUES);
	vdriver_config_write(&b->d, w + 12, 4, 2);
	T_EQ(vdriver_config_read(&b->d, w + 16, 2), N_QUEUES);
	vdriver_config_write(&b->d, w + 8, 4, VIRTIO_PCI_COMMON + VD_STATUS);
	vdriver_config_write(&b->d, w + 12, 4, 1);
	vdriver_config_write(&b->d, w + 16, 4, VIRTIO_S_ACKNOWLEDGE);
	T_EQ(vdriver_config_read(&b->d, w + 16, 1), VIRTIO_S_ACKNOWLEDGE);
	T_EQ(vdev_read(&b->toy.v, VDEV_STATUS), VIRTIO_S_ACKNOWLEDGE);
	vdriver_config_write(&b->d, w + 8, 4, VIRTIO_PCI_DEVICE + 4);
	vdriver_config_write(&b->d, w + 12, 4, 4);
	vdriver_config_write(&b->d, w + 16, 4, 0xdeadbeef);
	T_EQ(b->toy.config[4], 0xef);
	T_EQ(b->toy.config[7], 0xde);
}

TEST(virtio_pci, a_window_of_nonsense_reaches_nothing)
{
	static const uint32_t lengths[] = { 0, 3, 5, 8, 0x80000000, UINT32_MAX };
	BED(b);
	unsigned w = b->d.window;

	vdriver_config_write(&b->d, w + 8, 4, VIRTIO_PCI_DEVICE);
	for (unsigned i = 0; i < ARRAY_SIZE(lengths); i++) {
		vdriver_config_write(&b->d, w + 12, 4, lengths[i]);
		vdriver_config_write(&b->d, w + 16, 4, UINT32_MAX);
		vdriver_config_read(&b->d, w + 16, 4);
	}
	vdriver_config_write(&b->d, w + 12, 4, 4);
	for (unsigned bar = 1; bar < 256; bar++) {
		vdriver_config_write(&b->d, w + 4, 1, bar);
		vdriver_config_write(&b->d, w + 16, 4, UINT32_MAX);
	}
	vdriver_config_write(&b->d, w + 4, 1, 0);
	vdriver_config_write(&b->d, w + 8, 4, UINT32_MAX - 3);
	vdriver_config_write(&b->d, w + 16, 4, UINT32_MAX);
	for (unsigned i = 0; i < CONFIG; i++)
		T_EQ(b->toy.config[i], 0);
}

TEST(virtio_pci, a_device_without_configuration_has_no_such_capability)
{
	static const struct dev_class plain = { .name = "plain",
						.virtio_id = 4,
						.queue_size = 8,
						.size = sizeof(struct vdev) };
	struct vbed *m = calloc(1, sizeof(*m));
	struct virtio_pci *p = calloc(1, sizeof(*p));
	struct vdev v = { 0 };
	struct vdev_env env;
	struct vdriver d;

	T_TRUE(m && p);
	vbed_init(m, MEM);
	env = vbed_env(m, p);
	T_OK(vdev_init(&v, &plain, &env, 0, 0, 1));
	vbed_add(m, 2, p, &v);
	vdriver_find(&d, &m->mmio, 2);
	T_EQ(d.device, 0);
	T_EQ(vdriver_read(&d, p->fn.bar[0].gpa + VIRTIO_PCI_DEVICE, 4), 0xffffffff);
	virtio_pci_fini(p);
	vdev_fini(&v);
	vbed_fini(m);
	free(p);
	free(m);
}
