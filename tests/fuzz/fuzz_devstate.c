// SPDX-License-Identifier: BSD-2-Clause
/*
 * fuzz_devstate.c - any record for a PCI bus, a console device on it, and what is beside it
 *
 * The first byte says how long the record is: 0 as it should be, else that many bytes
 * less; the rest are changes, three bytes each, to a record of devices whose drivers are
 * at work: where, and what is xored there. Beside not crashing: what is taken saves as
 * the same record again, a turn of every queue and a look at every register do no harm,
 * and a reset brings the device back.
 */
#include "common/proto/machine.h"
#include "kzhost/dev/vcon.h"
#include "kzhost/dev/virtio_pci.h"
#include "kzhost/vm/machine.h"
#include "kzhost/vm/platform.h"
#include "tests/fuzz/fuzz.h"

#include <linux/serial_reg.h>
#include <string.h>

#define MEM   0x20000u
#define HIGH  0x400000000ull
#define SLOT  1u
#define ECAM  (KZ_GPA_ECAM + SLOT * 32768)
#define RINGS 0x4000u /* three pages each */

struct bed {
	struct vm vm; /* without KVM and threads */
	bool line;    /* of the serial port */
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

static void irq(void *arg, unsigned gsi, bool level)
{
	struct bed *b = arg;

	if (gsi == KZ_COM1_IRQ)
		b->line = level;
}

static void event(void *arg, enum vm_event_type type, const char *text)
{
}

static void begin(struct bed *b)
{
	const struct vdev_env env = { &b->vm.ram, virtio_pci_interrupt, problem, &b->p,
				      virtio_pci_isr };
	const struct dev_env plain = { irq, event, wake, b };
	struct ram *ram = &b->vm.ram;

	memset(b, 0, sizeof(*b));
	*ram = (struct ram){ .fd = -1, .base = memory, .size = MEM };
	ram->region[0] = (struct ram_region){ .size = MEM, .hva = memory };
	b->vm.n_vcpus = 1;
	b->ops = (struct virtio_pci_ops){ ioeventfd, { bind, unbind, b }, b };
	ASSERT(platform_init(&b->vm, &plain, 0, true) == 0);
	pci_init(&b->vm.pci, HIGH);
	ASSERT(bus_add(&b->vm.mmio, KZ_GPA_ECAM, KZ_ECAM_SIZE, &pci_ecam_ops,
		       &b->vm.pci) == 0);
	ASSERT(vcon_new(&env, wake, NULL, &b->v) == 0);
	ASSERT(virtio_pci_init(&b->p, b->v, &b->ops, 0) == 0);
	ASSERT(pci_add(&b->vm.pci, SLOT, &b->p.fn) == 0);
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
	pci_fini(&b->vm.pci);
	platform_fini(&b->vm);
}

static void set(struct bed *b, enum vdev_reg reg, uint64_t value)
{
	vdev_write(b->v, reg, UINT64_MAX, value);
}

static void out(struct bed *b, unsigned port, unsigned size, uint64_t value)
{
	bus_write(&b->vm.pio, port, size, value);
}

/* Something of everything: bytes on all ways, a clock that stands still, events. */
static void drive_platform(struct bed *b)
{
	out(b, KZ_COM1_PORT + UART_FCR, 1, UART_FCR_ENABLE_FIFO);
	out(b, KZ_COM1_PORT + UART_IER, 1, UART_IER_RDI | UART_IER_THRI);
	out(b, KZ_COM1_PORT + UART_TX, 1, 'o');
	serial_write_in(&b->vm.serial, "0123456789abcdefin", SERIAL_FIFO + 2);
	out(b, KZ_CMOS_PORT, 1, 0x0b);
	out(b, KZ_CMOS_PORT + 1, 1, 0x82);
	power_raise(&b->vm.power, KZ_GED_POWER);
	out(b, KZ_FWCFG_PORT, 2, FWCFG_SIGNATURE);
	out(b, KZ_FWCFG_DMA_PORT, 4, 0x01000000);
}

static void drive(struct bed *b)
{
	static const uint8_t order[] = { 1, 3, 11 };

	pci_assign(&b->vm.pci);
	bus_write(&b->vm.mmio, ECAM + b->p.msix_cap + 2, 2, 0x8000);
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
	pci_save(&b->vm.pci, out);
	ASSERT(virtio_pci_save(&b->p, out) == 0);
	ASSERT(platform_save(&b->vm, out) == 0);
}

static bool load(struct bed *b, const void *data, size_t len)
{
	struct state_reader r;
	struct errmsg e;

	if (state_open(&r, DEVSTATE_VERSION, data, len, &e) < 0 ||
	    pci_load(&b->vm.pci, &r, &e) < 0 || virtio_pci_load(&b->p, &r, &e) < 0 ||
	    platform_load(&b->vm, &r, &e) < 0 || state_end(&r, &e) < 0) {
		ASSERT(*e.text);
		return false;
	}
	pci_place(&b->vm.pci);
	return true;
}

static uint64_t in(struct bed *b, unsigned port, unsigned size)
{
	uint64_t v;

	bus_read(&b->vm.pio, port, size, &v);
	return v;
}

static void use_platform(struct bed *b)
{
	bool line = b->line;
	uint8_t data[256] = { 0 };

	ASSERT(line == !(in(b, KZ_COM1_PORT + UART_IIR, 1) & UART_IIR_NO_INT));
	for (unsigned port = KZ_COM1_PORT; port < KZ_COM1_PORT + SERIAL_PORTS; port++)
		in(b, port, 1);
	for (unsigned i = 0; i < 2 * SERIAL_FIFO; i++)
		in(b, KZ_COM1_PORT + UART_RX, 1);
	serial_write_in(&b->vm.serial, data, sizeof(data));
	serial_read_out(&b->vm.serial, data, sizeof(data));
	for (unsigned on = 0; on < 2; on++) { /* the clock stands still, and goes on */
		out(b, KZ_CMOS_PORT, 1, 0x0b);
		out(b, KZ_CMOS_PORT + 1, 1, on ? 0x02 : 0x82);
		for (unsigned i = 0; i < 128; i++) {
			out(b, KZ_CMOS_PORT, 1, i);
			in(b, KZ_CMOS_PORT + 1, 1);
		}
	}
	for (unsigned i = 0; i < 8; i++)
		in(b, KZ_FWCFG_PORT + 1, 1);
	out(b, KZ_FWCFG_DMA_PORT + 4, 4, 0);
	ASSERT(!(in(b, KZ_GED_PORT, 4) & ~(uint64_t)0xe));
	in(b, KZ_PM1_EVENT_PORT + 2, 2);
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
		bus_read(&b->vm.mmio, ECAM + i, 4, &v);
	for (unsigned i = 0; i < b->p.msix.n * MSIX_ENTRY_SIZE; i += 4)
		msix_table_write(&b->p.msix, i, 4, 0);
	vcon_write(b->v, VCON_CONSOLE, "x", 1);
	stop(b);
	set(b, VDEV_STATUS, 0);
	ASSERT(vdev_read(b->v, VDEV_STATUS) == 0);
	drive(b);
	use_platform(b);
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
		drive_platform(&b);
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
