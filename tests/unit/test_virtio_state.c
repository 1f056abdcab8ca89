/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_virtio_state.c - a saved device comes back, on its bus, as if nothing had been;
 * what no driver can bring about is refused
 */
#include "common/proto/machine.h"
#include "tests/harness/harness.h"
#include "tests/virtio/vdriver.h"
#include "tests/virtio/vtoy.h"

#define SLOT     VTOY_SLOT
#define MEM      VTOY_MEM
#define N_QUEUES VTOY_N_QUEUES
#define RING     0x10000u
#define RING_LEN 16u
#define DATA     0x40000u
#define MOVED    (VBED_HIGH + 0x7000000)
#define SERVED   6u /* chains before the device is saved */
#define QUEUE    1u /* of the only ring */
#define VECTOR   2u /* of that queue */

static struct vtoy_bed *bed_new(void)
{
	struct vtoy_bed *b = vtoy_bed_new();

	vring_init(&b->ring, &b->m.mem, RING, RING_LEN);
	return b;
}
#define BED(b) cleanup(vtoy_bed_free) struct vtoy_bed *b = bed_new()

static void stop(struct vtoy_bed *b)
{
	vdev_stop(&b->toy.v);
	vtoy_obey(&b->toy.v);
}

static struct vqueue *queue(struct vtoy_bed *b)
{
	return &b->toy.v.queue[QUEUE];
}

static void set(struct vtoy_bed *b, unsigned reg, unsigned size, uint64_t value)
{
	vdriver_write(&b->d, b->d.common + reg, size, value);
}

static uint64_t get(struct vtoy_bed *b, unsigned reg, unsigned size)
{
	return vdriver_read(&b->d, b->d.common + reg, size);
}

/* A chain of one buffer, posted; and what an owner does with it. */
static void post(struct vtoy_bed *b, uint16_t head)
{
	vring_desc(&b->ring, head, DATA + 64 * head, 64, VRING_WRITE, 0);
	vring_post(&b->ring, head);
}

static void serve(struct vtoy_bed *b, uint16_t head)
{
	struct virtq_chain chain;

	T_TRUE(virtq_next(&queue(b)->vq, &chain));
	T_EQ(chain.head, head);
	virtq_done(&queue(b)->vq, head, 64);
	vqueue_push(queue(b));
}

/* A device above 4 GiB up to DRIVER_OK. */
static void drive(struct vtoy_bed *b)
{
	vdriver_find(&b->d, &b->m.mmio, SLOT);
	vdriver_config_write(&b->d, PCI_REG_BAR, 4, (uint32_t)MOVED);
	vdriver_config_write(&b->d, PCI_REG_BAR + 4, 4, MOVED >> 32);
	vdriver_find(&b->d, &b->m.mmio, SLOT);
	vdriver_negotiate(&b->d, VIRTIO_F_VERSION_1);
	vdriver_queue(&b->d, QUEUE, &b->ring, VECTOR);
	set(b, VD_CONFIG_VECTOR, 2, 0);
	vdriver_ok(&b->d);
	T_EQ(vdriver_status(&b->d), 0x0f);
}

/* Each kind of state is other than in a new device; a chain waits in the ring. */
static void live(struct vtoy_bed *b)
{
	drive(b);
	for (uint16_t i = 0; i < SERVED; i++) {
		if (i == SERVED - 1)
			vdriver_vector(&b->d, VECTOR, KZ_GPA_LAPIC, 0x31, true);
		post(b, i);
		serve(b, i);
	}
	vdev_config_changed(&b->toy.v);
	vbed_wait_irq(&b->m, SLOT, 0);
	for (unsigned i = 0; i < VTOY_CONFIG; i++)
		vdriver_write(&b->d, b->d.device + i, 1, 0x40 + i);
	post(b, SERVED);
	vdriver_config_write(&b->d, 0x3c, 1, 0x77);
	vdriver_config_write(&b->d, b->d.window + 12, 4, 2);
	bus_write(&b->m.pio, KZ_PCI_CONFIG_PORT, 4, 0x80002810);
	bus_write(&b->m.mmio, KZ_GPA_ECAM + 0x59, 1, 0x33); /* PAM of the bridge */
	set(b, VD_FEATURE_SELECT, 4, 1);
	set(b, VD_ACCEPT_SELECT, 4, 7);
	set(b, VD_QUEUE_SELECT, 2, 2);
}

static void save(struct vtoy_bed *b, struct buf *out)
{
	buf_clear(out);
	pci_save(&b->m.pci, out);
	T_OK(virtio_pci_save(&b->p, out));
}

static int load(struct vtoy_bed *b, unsigned version, const void *data, size_t len)
{
	struct state_reader r;
	int err;

	b->e.text[0] = '\0';
	err = state_open(&r, version, data, len, &b->e);
	if (err == 0)
		err = pci_load(&b->m.pci, &r, &b->e);
	if (err == 0)
		err = virtio_pci_load(&b->p, &r, &b->e);
	if (err == 0)
		err = state_end(&r, &b->e);
	if (err == 0)
		pci_place(&b->m.pci);
	T_EQ(err < 0, b->e.text[0] != '\0');
	return err;
}

/* What stands behind the machine: memory, and what the driver knows. */
static void move_guest(struct vtoy_bed *to, struct vtoy_bed *from)
{
	memcpy(vmem_at(&to->m.mem, 0), vmem_at(&from->m.mem, 0), MEM);
	to->d = from->d;
	to->d.mmio = &to->m.mmio;
	to->ring = from->ring;
	to->ring.mem = &to->m.mem;
}

static void same_registers(struct vtoy_bed *a, struct vtoy_bed *b)
{
	static const uint8_t regs[][2] = {
		{ VD_FEATURE_SELECT, 4 }, { VD_FEATURES, 4 },
		{ VD_ACCEPT_SELECT, 4 },  { VD_ACCEPTED, 4 },
		{ VD_CONFIG_VECTOR, 2 },  { VD_STATUS, 1 },
		{ VD_GENERATION, 1 },     { VD_QUEUE_SELECT, 2 },
		{ VD_QUEUE_SIZE, 2 },     { VD_QUEUE_VECTOR, 2 },
		{ VD_QUEUE_ENABLE, 2 },   { VD_QUEUE_DESC, 8 },
		{ VD_QUEUE_DRIVER, 8 },   { VD_QUEUE_DEVICE, 8 },
	};

	for (unsigned q = 0; q <= N_QUEUES; q++) {
		/* First with the selectors as they are. */
		for (unsigned i = 0; i < ARRAY_SIZE(regs); i++)
			T_EQ(get(a, regs[i][0], regs[i][1]),
			     get(b, regs[i][0], regs[i][1]));
		set(a, VD_QUEUE_SELECT, 2, q);
		set(b, VD_QUEUE_SELECT, 2, q);
		set(a, VD_ACCEPT_SELECT, 4, q);
		set(b, VD_ACCEPT_SELECT, 4, q);
	}
}

static void same_bus(struct vtoy_bed *a, struct vtoy_bed *b)
{
	uint64_t v, w;

	T_EQ(b->p.fn.bar[0].gpa, a->p.fn.bar[0].gpa);
	for (unsigned reg = 0; reg < PCI_CONFIG; reg += 4)
		T_EQ(vdriver_config_read(&a->d, reg, 4),
		     vdriver_config_read(&b->d, reg, 4));
	T_TRUE(bus_read(&a->m.pio, KZ_PCI_CONFIG_PORT, 4, &v));
	T_TRUE(bus_read(&b->m.pio, KZ_PCI_CONFIG_PORT, 4, &w));
	T_EQ(v, w);
	T_TRUE(bus_read(&b->m.mmio, KZ_GPA_ECAM + 0x59, 1, &w));
	T_EQ(w, 0x33);
	T_EQ(b->m.n_kicks, a->m.n_kicks);
	for (unsigned i = 0; i < a->m.n_kicks; i++)
		T_EQ(b->m.kick[i].gpa, a->m.kick[i].gpa);
}

static void same_vectors(struct vtoy_bed *a, struct vtoy_bed *b)
{
	for (unsigned i = 0; i <= N_QUEUES; i++) {
		const struct vbed_route *r = &a->m.route[SLOT * MSIX_VECTORS_MAX + i];
		const struct vbed_route *s = &b->m.route[SLOT * MSIX_VECTORS_MAX + i];

		for (unsigned at = 0; at < 16; at += 8)
			T_EQ(vdriver_read(&a->d, a->d.table + 16 * i + at, 8),
			     vdriver_read(&b->d, b->d.table + 16 * i + at, 8));
		T_EQ(s->bound, r->bound);
		if (r->bound) {
			T_EQ(s->address, r->address);
			T_EQ(s->data, r->data);
		}
	}
	T_EQ(vdriver_read(&a->d, a->d.pba, 8), 1 << VECTOR);
	T_EQ(vdriver_read(&b->d, b->d.pba, 8), 1 << VECTOR);
}

TEST(virtio_state, a_device_comes_back_as_it_was)
{
	cleanup(buf_fini) struct buf record = { 0 };
	BED(a);
	BED(b);

	live(a);
	stop(a);
	save(a, &record);
	T_OK(load(b, DEVSTATE_VERSION, record.p, record.len));
	move_guest(b, a);
	same_bus(a, b);
	same_vectors(a, b);
	same_registers(a, b);
	T_MEMEQ(b->toy.config, a->toy.config, VTOY_CONFIG);
	T_EQ(vdriver_read(&b->d, b->d.isr, 1), VIRTIO_ISR_CONFIG);
	T_EQ(b->toy.v.guest_errors + b->m.problems, 0);
}

TEST(virtio_state, its_queue_goes_on_at_its_index)
{
	cleanup(buf_fini) struct buf record = { 0 };
	uint32_t id, len;
	uint64_t kicks;
	BED(a);
	BED(b);

	live(a);
	stop(a);
	save(a, &record);
	T_OK(load(b, DEVSTATE_VERSION, record.p, record.len));
	move_guest(b, a);
	/* The owner has been told to look, and finds the chain that waited. */
	T_EQ(vqueue_state(queue(b)), VQUEUE_ACTIVE);
	T_EQ(vqueue_state(&b->toy.v.queue[0]), VQUEUE_IDLE);
	T_EQ(read(queue(b)->kick_fd, &kicks, sizeof(kicks)), (ssize_t)sizeof(kicks));
	T_EQ(vring_used_idx(&b->ring), SERVED);
	serve(b, SERVED);
	T_EQ(vring_used_idx(&b->ring), SERVED + 1);
	for (unsigned i = 0; i <= SERVED; i++) {
		T_TRUE(vring_take(&b->ring, &id, &len));
		T_EQ(id, i);
	}
	/* What was pending, and what came now, is one interrupt when it is unmasked. */
	vdriver_vector(&b->d, VECTOR, KZ_GPA_LAPIC, 0x32, false);
	vbed_wait_irq(&b->m, SLOT, VECTOR);
	T_EQ(vdriver_read(&b->d, b->d.pba, 8), 0);
	/* Around the ring, and a new life. */
	for (uint16_t i = 0; i < 2 * RING_LEN; i++) {
		post(b, i % RING_LEN);
		serve(b, i % RING_LEN);
		vbed_wait_irq(&b->m, SLOT, VECTOR);
	}
	stop(b);
	vring_init(&b->ring, &b->m.mem, RING, RING_LEN);
	memset(vmem_at(&b->m.mem, RING), 0, 3 * 4096);
	drive(b);
	post(b, 3);
	serve(b, 3);
}

TEST(virtio_state, saved_again_it_is_the_same_record)
{
	cleanup(buf_fini) struct buf first = { 0 };
	cleanup(buf_fini) struct buf second = { 0 };

	/* New, alive, and after a reset: then nothing of its life is left. */
	for (unsigned life = 0; life < 3; life++) {
		BED(a);
		BED(b);

		if (life > 0)
			live(a);
		stop(a);
		if (life > 1)
			vdriver_reset(&a->d);
		save(a, &first);
		T_OK(load(b, DEVSTATE_VERSION, first.p, first.len));
		stop(b);
		save(b, &second);
		T_EQ(first.len, second.len);
		T_MEMEQ(first.p, second.p, first.len);
	}
}

TEST(virtio_state, what_is_in_flight_is_not_saved)
{
	cleanup(buf_fini) struct buf record = { 0 };
	struct virtq_chain chain;
	BED(b);

	drive(b);
	T_EQ(virtio_pci_save(&b->p, &record), -EBUSY); /* its queue runs */
	post(b, 0);
	T_TRUE(virtq_next(&queue(b)->vq, &chain));
	stop(b);
	T_EQ(virtio_pci_save(&b->p, &record), -EBUSY);
	virtq_done(&queue(b)->vq, 0, 0);
	vqueue_push(queue(b));
	T_OK(virtio_pci_save(&b->p, &record));
	set(b, VD_STATUS, 1, 0);
	T_OK(virtio_pci_save(&b->p, &record));
}

TEST(virtio_state, a_reset_that_is_under_way_is_not_saved)
{
	cleanup(buf_fini) struct buf record = { 0 };
	BED(b);

	drive(b);
	set(b, VD_STATUS, 1, 0); /* nobody stops the queue */
	T_EQ(virtio_pci_save(&b->p, &record), -EBUSY);
	vtoy_obey(&b->toy.v);
	T_OK(virtio_pci_save(&b->p, &record));
}

TEST(virtio_state, a_queue_that_was_broken_stays_broken)
{
	cleanup(buf_fini) struct buf record = { 0 };
	struct virtq_chain chain;
	BED(a);
	BED(b);

	live(a);
	T_TRUE(virtq_next(&queue(a)->vq, &chain)); /* and is lost */
	vdev_broken(queue(a), VIRTQ_ERR_REQUEST);
	stop(a);
	save(a, &record);
	T_OK(load(b, DEVSTATE_VERSION, record.p, record.len));
	move_guest(b, a);
	T_EQ(vdriver_status(&b->d), 0x4f);
	T_EQ(vqueue_state(queue(b)), VQUEUE_ACTIVE);
	T_FALSE(virtq_next(&queue(b)->vq, &chain));
	T_EQ(queue(b)->vq.error, VIRTQ_ERR_REQUEST);
}

TEST(virtio_state, a_device_that_was_halted_stays_halted)
{
	cleanup(buf_fini) struct buf record = { 0 };
	struct virtq_chain chain;
	BED(a);
	BED(b);

	live(a);
	vdriver_config_write(&a->d, PCI_REG_COMMAND, 2, PCI_COMMAND_MEM);
	vtoy_obey(&a->toy.v);
	save(a, &record);
	T_OK(load(b, DEVSTATE_VERSION, record.p, record.len));
	move_guest(b, a);
	T_EQ(vdriver_status(&b->d), 0x4f);
	T_FALSE(virtq_next(&queue(b)->vq, &chain));
}

TEST(virtio_state, a_driver_whose_rings_were_refused_comes_back)
{
	cleanup(buf_fini) struct buf record = { 0 };
	BED(a);
	BED(b);

	vdriver_find(&a->d, &a->m.mmio, SLOT);
	vdriver_negotiate(&a->d, VIRTIO_F_VERSION_1);
	a->ring.layout.used_gpa = MEM;
	vdriver_queue(&a->d, QUEUE, &a->ring, VECTOR);
	vdriver_ok(&a->d);
	T_EQ(vdriver_status(&a->d), 0x4f);
	save(a, &record);
	T_OK(load(b, DEVSTATE_VERSION, record.p, record.len));
	move_guest(b, a);
	T_EQ(vdriver_status(&b->d), 0x4f);
	T_EQ(vqueue_state(queue(b)), VQUEUE_IDLE);
	T_EQ(b->m.problems, 0);
}

/* As with a disk of another size: its configuration is not among its fields. */
TEST(virtio_state, a_device_that_is_configured_otherwise_is_refused)
{
	struct dev_class fixed = vtoy_class;
	cleanup(buf_fini) struct buf record = { 0 };

	fixed.state = NULL;
	for (unsigned other = 0; other < 2; other++) {
		BED(a);
		BED(b);

		a->toy.v.class = b->toy.v.class = &fixed;
		drive(a);
		stop(a);
		a->toy.config[3] = b->toy.config[3] = 7;
		b->toy.config[4] = (uint8_t)other;
		save(a, &record);
		T_EQ(load(b, DEVSTATE_VERSION, record.p, record.len),
		     other ? -EINVAL : 0);
		if (other)
			T_STREQ(b->e.text,
				"byte 4 of the configuration is 00, here it is 01");
	}
}

TEST(virtio_state, out_of_memory_is_an_error_and_no_half_record)
{
	cleanup(buf_fini) struct buf record = { 0 };
	int r = -ENOMEM;
	BED(a);
	BED(b);

	live(a);
	stop(a);
	for (long n = 0; r == -ENOMEM; n++) {
		buf_fini(&record);
		fault_arm(n);
		r = virtio_pci_save(&a->p, &record);
		T_EQ(r, fault.fired ? -ENOMEM : 0);
	}
	fault_disarm();
	save(a, &record);
	fault_arm(0);
	T_EQ(load(b, DEVSTATE_VERSION, record.p, record.len), -ENOMEM);
	fault_disarm();
}

/* Hostile records: what a device never was, and what is said of it. */

static void unaligned_bar(struct vtoy_bed *b)
{
	b->p.fn.config[PCI_REG_BAR + 1] |= 0x10;
}

static void bar_of_32_bits(struct vtoy_bed *b)
{
	b->p.fn.config[PCI_REG_BAR] &= (uint8_t)~4;
}

static void other_device(struct vtoy_bed *b)
{
	b->p.fn.config[2] ^= 1;
}

static void more_vectors(struct vtoy_bed *b)
{
	b->p.fn.config[b->p.msix_cap + 2]++;
}

static void other_bridge(struct vtoy_bed *b)
{
	b->m.pci.bridge.config[0x60] = 1;
}

static void odd_address(struct vtoy_bed *b)
{
	b->m.pci.address = 0x80000001;
}

static void odd_message(struct vtoy_bed *b)
{
	b->p.msix.vector[1].address |= 1;
}

static void pends_without_msix(struct vtoy_bed *b)
{
	b->p.fn.config[b->p.msix_cap + 3] = 0;
}

static void odd_isr(struct vtoy_bed *b)
{
	b->p.isr = 4;
}

static void size_of_no_power(struct vtoy_bed *b)
{
	queue(b)->layout.size = 48;
}

static void no_size(struct vtoy_bed *b)
{
	b->toy.v.queue[2].layout.size = 0;
}

static void size_not_offered(struct vtoy_bed *b)
{
	b->toy.v.queue[2].layout.size = 2 * VTOY_QUEUE;
}

static void size_of_no_queue(struct vtoy_bed *b)
{
	queue(b)->layout.size = 2 * VIRTQ_SIZE_MAX;
}

static void no_such_vector(struct vtoy_bed *b)
{
	queue(b)->vector = N_QUEUES + 1;
}

static void no_such_config_vector(struct vtoy_bed *b)
{
	b->toy.v.config_vector = 0x1000;
}

static void large_vector(struct vtoy_bed *b)
{
	queue(b)->vector = 0x10000;
}

static void no_such_error(struct vtoy_bed *b)
{
	queue(b)->vq.error = VIRTQ_ERROR_N;
}

static void status_out_of_order(struct vtoy_bed *b)
{
	b->toy.v.status = VIRTIO_S_DRIVER_OK;
}

static void status_unknown(struct vtoy_bed *b)
{
	b->toy.v.status |= 0x10;
}

static void reset_needed_too_early(struct vtoy_bed *b)
{
	b->toy.v.status = VIRTIO_S_NEEDS_RESET | 0x0b;
}

static void feature_not_offered(struct vtoy_bed *b)
{
	b->toy.v.features |= 1ull << 63;
}

static void no_version_1(struct vtoy_bed *b)
{
	b->toy.v.features = 0;
}

static void enabled_too_early(struct vtoy_bed *b)
{
	b->toy.v.status = 0x03;
}

static void ring_misaligned(struct vtoy_bed *b)
{
	queue(b)->layout.desc_gpa += 8;
}

static void ring_outside(struct vtoy_bed *b)
{
	queue(b)->layout.avail_gpa = MEM - 4;
}

static void ring_wraps(struct vtoy_bed *b)
{
	queue(b)->layout.used_gpa = UINT64_MAX - 3;
}

static void index_beyond(struct vtoy_bed *b)
{
	queue(b)->vq.next_avail++;
}

static void index_behind(struct vtoy_bed *b)
{
	queue(b)->vq.next_used++;
}

static void lost_more_than_there_are(struct vtoy_bed *b)
{
	queue(b)->vq.error = VIRTQ_ERR_LOOP;
	queue(b)->vq.next_avail += RING_LEN + 1;
}

static const struct {
	void (*sin)(struct vtoy_bed *b);
	const char *text;
} sins[] = {
	{ unaligned_bar, "PCI register 11 is 10, here it is 00" },
	{ bar_of_32_bits, "PCI register 10 is 00, here it is 04" },
	{ other_device, "PCI register 02" },
	{ more_vectors, "PCI register " },
	{ other_bridge, "PCI register 60 is 01, here it is 00" },
	{ odd_address, "address is 80000001, only bits of 80fffffc can be set" },
	{ odd_message, "vector 1: address fee00001 is not aligned" },
	{ pends_without_msix, "vector 2: it pends while MSI-X is off" },
	{ odd_isr, "isr is 4, only bits of 3 can be set" },
	{ size_of_no_power, "queue 1: 48 descriptors" },
	{ no_size, "queue 2: 0 descriptors" },
	{ size_not_offered, "queue 2: 128 descriptors" },
	{ size_of_no_queue, "queue 1: layout.size is 512, at most 256 can be" },
	{ no_such_vector, "queue 1: there is no vector 4" },
	{ no_such_config_vector, "there is no vector 4096" },
	{ large_vector, "queue 1: vector is 65536, at most 65535 can be" },
	{ no_such_error, "queue 1: vq.error is " },
	{ status_out_of_order, "no driver reaches status 04" },
	{ status_unknown, "no driver reaches status 1f" },
	{ reset_needed_too_early, "no driver reaches status 4b" },
	{ feature_not_offered, "features 8000000100000000 of 130000001 were accepted" },
	{ no_version_1, "features 0 of 130000001 were accepted" },
	{ enabled_too_early, "queue 1: enabled at status 03" },
	{ ring_misaligned, "queue 1: a ring is misaligned or not in RAM" },
	{ ring_outside, "queue 1: a ring is misaligned or not in RAM" },
	{ ring_wraps, "queue 1: a ring is misaligned or not in RAM" },
	{ index_beyond, "queue 1: 7 chains taken, 6 given back" },
	{ index_behind, "queue 1: 6 chains taken, 7 given back" },
	{ lost_more_than_there_are, "queue 1: 23 chains taken, 6 given back" },
};

TEST(virtio_state, what_no_driver_can_bring_about_is_refused)
{
	cleanup(buf_fini) struct buf record = { 0 };

	for (unsigned i = 0; i < ARRAY_SIZE(sins); i++) {
		BED(a);
		BED(b);

		live(a);
		stop(a);
		sins[i].sin(a);
		save(a, &record);
		if (load(b, DEVSTATE_VERSION, record.p, record.len) != -EINVAL)
			T_FAIL("taken: %s", sins[i].text);
		T_HAS(b->e.text, sins[i].text);
		for (unsigned q = 0; q < N_QUEUES; q++)
			T_EQ(vqueue_state(&b->toy.v.queue[q]), VQUEUE_IDLE);
	}
}

TEST(virtio_state, a_devices_record_is_neither_shorter_nor_longer)
{
	cleanup(buf_fini) struct buf record = { 0 };
	BED(a);

	live(a);
	stop(a);
	save(a, &record);
	for (size_t len = 0; len <= record.len + 1; len++) {
		uint8_t *exact = calloc(1, len + 1);
		BED(b);

		T_NOT_NULL(exact);
		memcpy(exact + 1, record.p, MIN(len, record.len));
		T_EQ(load(b, DEVSTATE_VERSION, exact + 1, len),
		     len == record.len ? 0 : -EINVAL);
		free(exact);
	}
}
