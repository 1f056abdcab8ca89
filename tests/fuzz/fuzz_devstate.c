// SPDX-License-Identifier: BSD-2-Clause
/*
 * fuzz_devstate.c - any record for a PCI bus and a console device on it
 *
 * The first byte says how long the record is: 0 as it should be, else that many bytes
 * less; the rest are changes, three bytes each, to a record of a device whose driver is
 * at work: where, and what is xored there. Beside not crashing: what is taken saves as
 * the same record again, a turn of every queue and a look at every register do no harm,
 * and a reset brings the device back.
 */
#include "common/proto/machine.h"
#include "kzhost/dev/vcon.h"
#include "kzhost/dev/virtio_pci.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

#define MEM   0x20000u
#define HIGH  0x400000000ull
#define SLOT  1u
#define ECAM  (KZ_GPA_ECAM + SLOT * 32768)
#define RINGS 0x4000u /* three pages each */

struct bed {
	struct ram ram;
	struct pci pci;
	struct bus mmio;
	struct virtio_pci_ops ops;
	struct virtio_pci p;
	struct vdev *v;
};

static _Alignas(4096) uint8_t memory[MEM];

/* KVM has no room: what pends goes on pending. */
static int bind(void *arg, unsigned gsi, int fd, uint64_t address, uint32_t data)
{
	return -ENOSPC;
}

static int unbind(void *arg, unsigned gsi, int fd)
{
	return 0;
}

static int ioeventfd(void *arg, uint64_t gpa, int fd, bool on)
{
	return 0;
}

static void problem(void *arg, const char *dev, const char *text)
{
	ASSERT(*dev && *text);
}

static void wake(void *arg)
{
}

static void begin(struct bed *b)
{
	const struct vdev_env env = { &b->ram, virtio_pci_interrupt, problem, &b->p,
				      virtio_pci_isr };

	*b = (struct bed){ .ram = { .fd = -1, .base = memory, .size = MEM } };
	b->ram.region[0] = (struct ram_region){ .size = MEM, .hva = memory };
	b->ops = (struct virtio_pci_ops){ ioeventfd, { bind, unbind, b }, b };
	pci_init(&b->pci, HIGH);
	ASSERT(bus_add(&b->mmio, KZ_GPA_ECAM, KZ_ECAM_SIZE, &pci_ecam_ops, &b->pci) == 0);
	ASSERT(vcon_new(&env, wake, NULL, &b->v) == 0);
	ASSERT(virtio_pci_init(&b->p, b->v, &b->ops, 0) == 0);
	ASSERT(pci_add(&b->pci, SLOT, &b->p.fn) == 0);
}

static void stop(struct bed *b)
{
	vdev_stop(b->v);
	for (unsigned i = 0; i < b->v->n_queues; i++) {
		if (vqueue_state(&b->v->queue[i]) == VQUEUE_STOPPING)
			vqueue_stopped(&b->v->queue[i]);
	}
}

static void end(struct bed *b)
{
	stop(b);
	virtio_pci_fini(&b->p);
	vcon_free(b->v);
	pci_fini(&b->pci);
}

static void set(struct bed *b, enum vdev_reg reg, uint64_t value)
{
	vdev_write(b->v, reg, UINT64_MAX, value);
}

static void drive(struct bed *b)
{
	static const uint8_t order[] = { 1, 3, 11 };

	pci_assign(&b->pci);
	bus_write(&b->mmio, ECAM + b->p.msix_cap + 2, 2, 0x8000);
	msix_raise(&b->p.msix, 1);
	set(b, VDEV_ACCEPT_SELECT, 0);
	set(b, VDEV_ACCEPTED, VCON_F_MULTIPORT | VIRTIO_F_EVENT_IDX);
	set(b, VDEV_ACCEPT_SELECT, 1);
	set(b, VDEV_ACCEPTED, 1);
	for (unsigned i = 0; i < ARRAY_SIZE(order); i++)
		set(b, VDEV_STATUS, order[i]);
	for (unsigned i = 0; i < b->v->n_queues; i++) {
		set(b, VDEV_QUEUE_SELECT, i);
		set(b, VDEV_QUEUE_SIZE, 16);
		set(b, VDEV_QUEUE_DESC, RINGS + 0x3000 * i);
		set(b, VDEV_QUEUE_DRIVER, RINGS + 0x3000 * i + 0x1000);
		set(b, VDEV_QUEUE_DEVICE, RINGS + 0x3000 * i + 0x2000);
		set(b, VDEV_QUEUE_VECTOR, i);
		set(b, VDEV_QUEUE_ENABLE, 1);
	}
	set(b, VDEV_STATUS, 15);
	ASSERT(vdev_read(b->v, VDEV_STATUS) == 15);
}

static void save(struct bed *b, struct buf *out)
{
	stop(b);
	buf_clear(out);
	pci_save(&b->pci, out);
	ASSERT(virtio_pci_save(&b->p, out) == 0);
}

static bool load(struct bed *b, const void *data, size_t len)
{
	struct state_reader r;
	struct errmsg e;

	if (state_open(&r, DEVSTATE_VERSION, data, len, &e) < 0 ||
	    pci_load(&b->pci, &r, &e) < 0 || virtio_pci_load(&b->p, &r, &e) < 0 ||
	    state_end(&r, &e) < 0) {
		ASSERT(*e.text);
		return false;
	}
	pci_place(&b->pci);
	return true;
}

/* The machine goes on with it. */
static void use(struct bed *b)
{
	uint64_t v;

	for (unsigned i = 0; i < b->v->n_queues; i++) {
		if (vqueue_state(&b->v->queue[i]) == VQUEUE_ACTIVE)
			vcon_ops.serve(&b->v->queue[i]);
	}
	for (unsigned i = 0; i < VDEV_REG_N; i++)
		vdev_read(b->v, i);
	for (unsigned i = 0; i < PCI_CONFIG; i += 4)
		bus_read(&b->mmio, ECAM + i, 4, &v);
	for (unsigned i = 0; i < b->p.msix.n * MSIX_ENTRY_SIZE; i += 4)
		msix_table_write(&b->p.msix, i, 4, 0);
	vcon_write(b->v, VCON_CONSOLE, "x", 1);
	stop(b);
	set(b, VDEV_STATUS, 0);
	ASSERT(vdev_read(b->v, VDEV_STATUS) == 0);
	drive(b);
}

static void change(struct buf *record, size_t at, uint8_t bits)
{
	char *p = &record->p[at % record->len];

	*p = (char)((uint8_t)*p ^ bits);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct bed b;
	static struct buf honest, record, again;

	memset(memory, 0, sizeof(memory));
	if (honest.len == 0) {
		begin(&b);
		drive(&b);
		save(&b, &honest);
		end(&b);
	}
	if (size < 1)
		return 0;
	buf_clear(&record);
	buf_add(&record, honest.p, honest.len - MIN(data[0], honest.len));
	ASSERT(buf_error(&record) == 0);
	for (size_t i = 1; i + 3 <= size && record.len > 0; i += 3)
		change(&record, (size_t)(data[i] | data[i + 1] << 8), data[i + 2]);
	begin(&b);
	if (load(&b, record.p, record.len)) {
		save(&b, &again);
		ASSERT(again.len == record.len);
		ASSERT(!memcmp(again.p, record.p, record.len));
	}
	end(&b);
	begin(&b);
	if (load(&b, record.p, record.len))
		use(&b);
	end(&b);
	return 0;
}
