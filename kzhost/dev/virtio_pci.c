/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio_pci.c - registers of the modern transport, its capabilities, kicks, vectors
 *
 * DOC: Registers are a table
 *
 * Each register of the common configuration is a row: offset, width, what a read gives,
 * what a write does. An access must have exactly the register's offset and width; 64-bit
 * registers may also be accessed by their halves. All others read all ones and are not
 * written.
 */
#include "kzhost/dev/virtio_pci.h"

#include "common/base/le.h"
#include "common/base/trace.h"

#define VIRTIO_VENDOR    0x1af4
#define VIRTIO_DEVICE    0x1040 /* plus the virtio id: not transitional */
#define VIRTIO_SUBSYSTEM 0x1100

#define CAP_VENDOR       0x09
#define CAP_MSIX         0x11
#define MSIX_CONTROL_BIT 0xc0 /* high byte: enable and function mask are writable */

/* Kinds of capability (4.1.4). */
enum cfg_type { CFG_COMMON = 1, CFG_NOTIFY, CFG_ISR, CFG_DEVICE, CFG_PCI };

/* A virtio capability after its id and next. */
struct virtio_cap {
	uint8_t len; /* of all, id and next too */
	uint8_t type;
	uint8_t bar;
	uint8_t id;
	uint8_t padding[2];
	le32 offset;
	le32 length;
	le32 more; /* notify: step between queues; window: data */
};
static_assert(sizeof(struct virtio_cap) == 18, "VIRTIO 1.2, 4.1.4");
#define CAP_LEN_PLAIN 16
#define CAP_LEN_MORE  20

/* In configuration space, from the capability's beginning. */
#define WINDOW_BAR    4
#define WINDOW_OFFSET 8
#define WINDOW_LENGTH 12
#define WINDOW_DATA   16

struct msix_cap {
	le16 control;
	le32 table; /* offset, BAR in the low three bits */
	le32 pba;
};
static_assert(sizeof(struct msix_cap) == 10, "PCI 3.0, 6.8.2");

/* The common configuration (VIRTIO 1.2, 4.1.4.3). */
static const struct {
	uint8_t offset, size;
} regs[VDEV_REG_N] = {
	[VDEV_FEATURE_SELECT] = { 0, 4 }, [VDEV_FEATURES] = { 4, 4 },
	[VDEV_ACCEPT_SELECT] = { 8, 4 },  [VDEV_ACCEPTED] = { 12, 4 },
	[VDEV_CONFIG_VECTOR] = { 16, 2 }, [VDEV_N_QUEUES] = { 18, 2 },
	[VDEV_STATUS] = { 20, 1 },        [VDEV_GENERATION] = { 21, 1 },
	[VDEV_QUEUE_SELECT] = { 22, 2 },  [VDEV_QUEUE_SIZE] = { 24, 2 },
	[VDEV_QUEUE_VECTOR] = { 26, 2 },  [VDEV_QUEUE_ENABLE] = { 28, 2 },
	[VDEV_QUEUE_NOTIFY] = { 30, 2 },  [VDEV_QUEUE_DESC] = { 32, 8 },
	[VDEV_QUEUE_DRIVER] = { 40, 8 },  [VDEV_QUEUE_DEVICE] = { 48, 8 },
};
#define COMMON_SIZE 56

/* The register of an access, and how far left its bits stand; VDEV_REG_N: there is none.
 */
static enum vdev_reg find_reg(uint64_t offset, unsigned size, unsigned *ret_shift)
{
	for (unsigned i = 0; i < VDEV_REG_N; i++) {
		bool half = regs[i].size == 8 && size == 4;

		*ret_shift = half && offset & 4 ? 32 : 0;
		if ((half ? offset & ~4ull : offset) == regs[i].offset &&
		    (half || size == regs[i].size))
			return i;
	}
	return VDEV_REG_N;
}

static uint64_t common_read(struct virtio_pci *p, uint64_t offset, unsigned size)
{
	unsigned shift;
	enum vdev_reg reg = find_reg(offset, size, &shift);

	return reg == VDEV_REG_N ? UINT64_MAX : vdev_read(p->vdev, reg) >> shift;
}

/* Binds the kicks where they belong now, or takes them away. The lock is held. */
static void place_kicks(struct virtio_pci *p)
{
	uint64_t want = p->driven && p->bar_gpa ? p->bar_gpa + VIRTIO_PCI_NOTIFY : 0;

	if (want == p->notify_gpa)
		return;
	for (unsigned on = 0; on < 2; on++) {
		uint64_t at = on ? want : p->notify_gpa;

		for (unsigned i = 0; at && i < p->vdev->n_queues; i++) {
			int r = p->ops->ioeventfd(p->ops->arg,
						  at + i * VIRTIO_PCI_NOTIFY_STEP,
						  p->vdev->queue[i].kick_fd, on);

			if (r < 0)
				TRACE(dev, "dev=%s ioeventfd %u on=%u gave %d",
				      p->vdev->name, i, on, r);
		}
	}
	p->notify_gpa = want;
}

static void common_write(struct virtio_pci *p, uint64_t offset, unsigned size,
			 uint64_t value)
{
	unsigned shift;
	enum vdev_reg reg = find_reg(offset, size, &shift);
	uint64_t mask = size == 8 ? UINT64_MAX : (1ull << size * 8) - 1;

	if (reg == VDEV_REG_N)
		return;
	vdev_write(p->vdev, reg, mask << shift, (value & mask) << shift);
	if (reg == VDEV_STATUS && value == 0)
		atomic_store(&p->isr, 0);
	if (reg != VDEV_STATUS || !(value & VIRTIO_S_DRIVER_OK))
		return;
	pthread_mutex_lock(&p->lock);
	p->driven = true;
	place_kicks(p);
	pthread_mutex_unlock(&p->lock);
}

/* The other parts of the BAR. */

static uint64_t isr_read(struct virtio_pci *p, uint64_t offset, unsigned size)
{
	return offset == 0 && size == 1 ? atomic_exchange(&p->isr, 0) : UINT64_MAX;
}

static void nothing_write(struct virtio_pci *p, uint64_t offset, unsigned size,
			  uint64_t value)
{
}

static bool in_device(const struct virtio_pci *p, uint64_t offset, unsigned size)
{
	size_t config = p->vdev->class->config_size;

	return offset < config && size <= config - offset;
}

static uint64_t device_read(struct virtio_pci *p, uint64_t offset, unsigned size)
{
	uint8_t data[8] = { 0 };
	uint64_t value = 0;

	if (!in_device(p, offset, size))
		return UINT64_MAX;
	vdev_config_read(p->vdev, (unsigned)offset, data, size);
	for (unsigned i = 0; i < size; i++)
		value |= (uint64_t)data[i] << i * 8;
	return value;
}

static void device_write(struct virtio_pci *p, uint64_t offset, unsigned size,
			 uint64_t value)
{
	uint8_t data[8];

	if (!in_device(p, offset, size))
		return;
	for (unsigned i = 0; i < size; i++)
		data[i] = (uint8_t)(value >> i * 8);
	vdev_config_write(p->vdev, (unsigned)offset, data, size);
}

static uint64_t nothing_read(struct virtio_pci *p, uint64_t offset, unsigned size)
{
	return UINT64_MAX;
}

static void notify_write(struct virtio_pci *p, uint64_t offset, unsigned size,
			 uint64_t value)
{
	uint64_t queue = offset / VIRTIO_PCI_NOTIFY_STEP;

	if (offset % VIRTIO_PCI_NOTIFY_STEP == 0 && queue < p->vdev->n_queues)
		vdev_kick(p->vdev, (unsigned)queue);
}

static uint64_t table_read(struct virtio_pci *p, uint64_t offset, unsigned size)
{
	return msix_table_read(&p->msix, offset, size);
}

static void table_write(struct virtio_pci *p, uint64_t offset, unsigned size,
			uint64_t value)
{
	msix_table_write(&p->msix, offset, size, value);
}

static uint64_t pba_read(struct virtio_pci *p, uint64_t offset, unsigned size)
{
	return msix_pba_read(&p->msix, offset, size);
}

struct part {
	uint64_t (*read)(struct virtio_pci *p, uint64_t offset, unsigned size);
	void (*write)(struct virtio_pci *p, uint64_t offset, unsigned size,
		      uint64_t value);
};

/* By offset / VIRTIO_PCI_PART. */
static const struct part parts[VIRTIO_PCI_BAR_SIZE / VIRTIO_PCI_PART] = {
	[VIRTIO_PCI_COMMON / VIRTIO_PCI_PART] = { common_read, common_write },
	[VIRTIO_PCI_ISR / VIRTIO_PCI_PART] = { isr_read, nothing_write },
	[VIRTIO_PCI_DEVICE / VIRTIO_PCI_PART] = { device_read, device_write },
	[VIRTIO_PCI_NOTIFY / VIRTIO_PCI_PART] = { nothing_read, notify_write },
	[VIRTIO_PCI_MSIX / VIRTIO_PCI_PART] = { table_read, table_write },
	[VIRTIO_PCI_PBA / VIRTIO_PCI_PART] = { pba_read, nothing_write },
	[6] = { nothing_read, nothing_write },
	[7] = { nothing_read, nothing_write },
};

static uint64_t bar_read(void *dev, uint64_t offset, unsigned size)
{
	return parts[offset / VIRTIO_PCI_PART].read(dev, offset % VIRTIO_PCI_PART, size);
}

static void bar_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
	parts[offset / VIRTIO_PCI_PART].write(dev, offset % VIRTIO_PCI_PART, size, value);
}

static const struct bus_ops bar_ops = { BUS_W_ANY, bar_read, bar_write };

/* What the bus tells. */

static uint16_t message_control(const struct virtio_pci *p)
{
	const uint8_t *control = &p->fn.config[p->msix_cap + 2];

	return (uint16_t)(control[0] | control[1] << 8);
}

static void config_written(void *dev, unsigned offset, unsigned len)
{
	struct virtio_pci *p = dev;
	bool was_master = p->master;

	p->master = p->fn.config[PCI_REG_COMMAND] & PCI_COMMAND_BUSM;
	if (was_master && !p->master)
		vdev_halt(p->vdev);
	if (offset < p->msix_cap + 4 && p->msix_cap + 2 < offset + len)
		msix_control(&p->msix, message_control(p));
}

static void bar_moved(void *dev, unsigned bar, uint64_t gpa)
{
	struct virtio_pci *p = dev;

	pthread_mutex_lock(&p->lock);
	p->bar_gpa = gpa;
	place_kicks(p);
	pthread_mutex_unlock(&p->lock);
}

static bool intx_pending(void *dev)
{
	struct virtio_pci *p = dev;

	return atomic_load(&p->isr) && !atomic_load(&p->msix.enabled);
}

static uint32_t config32(const struct virtio_pci *p, unsigned at)
{
	const uint8_t *c = &p->fn.config[at];

	return c[0] | (uint32_t)c[1] << 8 | (uint32_t)c[2] << 16 | (uint32_t)c[3] << 24;
}

static bool window_at(void *dev, struct pci_target *ret_target)
{
	const struct virtio_pci *p = dev;
	uint32_t size = config32(p, p->window_cap + WINDOW_LENGTH);

	if (size != 1 && size != 2 && size != 4)
		return false;
	*ret_target = (struct pci_target){
		.bar = p->fn.config[p->window_cap + WINDOW_BAR],
		.offset = config32(p, p->window_cap + WINDOW_OFFSET),
		.size = size,
	};
	return true;
}

/* Setting up. */

static unsigned add_cap(struct virtio_pci *p, enum cfg_type type, uint32_t offset,
			uint32_t length, uint32_t more)
{
	bool has_more = type == CFG_NOTIFY || type == CFG_PCI;
	struct virtio_cap cap = {
		.len = has_more ? CAP_LEN_MORE : CAP_LEN_PLAIN,
		.type = (uint8_t)type,
		.offset = le32_of(offset),
		.length = le32_of(length),
		.more = le32_of(more),
	};

	return pci_add_capability(&p->fn, CAP_VENDOR, &cap, cap.len - 2u);
}

static void add_capabilities(struct virtio_pci *p)
{
	struct msix_cap msix = {
		.control = le16_of((uint16_t)(p->msix.n - 1)),
		.table = le32_of(VIRTIO_PCI_MSIX),
		.pba = le32_of(VIRTIO_PCI_PBA),
	};
	uint8_t *w;

	add_cap(p, CFG_COMMON, VIRTIO_PCI_COMMON, COMMON_SIZE, 0);
	add_cap(p, CFG_ISR, VIRTIO_PCI_ISR, 1, 0);
	if (p->vdev->class->config_size > 0)
		add_cap(p, CFG_DEVICE, VIRTIO_PCI_DEVICE,
			(uint32_t)p->vdev->class->config_size, 0);
	add_cap(p, CFG_NOTIFY, VIRTIO_PCI_NOTIFY,
		p->vdev->n_queues * VIRTIO_PCI_NOTIFY_STEP, VIRTIO_PCI_NOTIFY_STEP);
	p->window_cap = add_cap(p, CFG_PCI, 0, 0, 0);
	p->fn.window = p->window_cap + WINDOW_DATA;
	w = &p->fn.writable[p->window_cap];
	w[WINDOW_BAR] = 0xff;
	for (unsigned i = 0; i < WINDOW_DATA + 4 - WINDOW_OFFSET; i++)
		w[WINDOW_OFFSET + i] = 0xff;
	p->msix_cap = pci_add_capability(&p->fn, CAP_MSIX, &msix, sizeof(msix));
	p->fn.writable[p->msix_cap + 3] = MSIX_CONTROL_BIT;
}

int virtio_pci_init(struct virtio_pci *p, struct vdev *vdev,
		    const struct virtio_pci_ops *ops, unsigned gsi)
{
	const struct pci_id id = {
		.vendor = VIRTIO_VENDOR,
		.device = (uint16_t)(VIRTIO_DEVICE + vdev->class->virtio_id),
		.subvendor = VIRTIO_VENDOR,
		.subdevice = VIRTIO_SUBSYSTEM,
		.revision = 1,
		.class = vdev->class->pci_class,
	};
	int r;

	p->vdev = vdev;
	p->ops = ops;
	pthread_mutex_init(&p->lock, NULL);
	r = msix_init(&p->msix, &ops->msix, gsi, vdev->n_queues + 1);
	pci_function_init(&p->fn, &id, p);
	pci_add_bar(&p->fn, 0, VIRTIO_PCI_BAR_SIZE, true, &bar_ops);
	p->fn.config_written = config_written;
	p->fn.bar_moved = bar_moved;
	p->fn.window_at = window_at;
	p->fn.intx_pending = intx_pending;
	add_capabilities(p);
	return r;
}

void virtio_pci_fini(struct virtio_pci *p)
{
	if (!p->vdev)
		return;
	pthread_mutex_lock(&p->lock);
	p->bar_gpa = 0;
	place_kicks(p);
	pthread_mutex_unlock(&p->lock);
	msix_fini(&p->msix);
	pthread_mutex_destroy(&p->lock);
	p->vdev = NULL;
}

/* Saving and loading. */

static const struct state_field fields[] = {
	STATE_FIELD_BITS(struct virtio_pci, isr, 1, VIRTIO_ISR_QUEUE | VIRTIO_ISR_CONFIG),
	STATE_FIELD(struct virtio_pci, driven, 1),
};

static const struct state_rest rest[] = {
	STATE_REST(struct virtio_pci, fn), /* these three are saved with it */
	STATE_REST(struct virtio_pci, msix),
	STATE_REST(struct virtio_pci, vdev),
	STATE_REST(struct virtio_pci, ops),
	STATE_REST(struct virtio_pci, msix_cap),
	STATE_REST(struct virtio_pci, window_cap),
	STATE_REST(struct virtio_pci, master), /* the command register has it */
	STATE_REST(struct virtio_pci, lock),
	STATE_REST(struct virtio_pci, bar_gpa), /* by pci_place() */
	STATE_REST(struct virtio_pci, notify_gpa),
};

const struct state_table virtio_pci_table = {
	.name = "virtio_pci",
	.size = sizeof(struct virtio_pci),
	STATE_FIELDS(fields),
	STATE_RESTS(rest),
};

int virtio_pci_save(struct virtio_pci *p, struct buf *out)
{
	pci_function_save(&p->fn, out);
	state_put(out, p, &virtio_pci_table);
	msix_save(&p->msix, out);
	return vdev_save(p->vdev, out);
}

int virtio_pci_load(struct virtio_pci *p, struct state_reader *r, struct errmsg *e)
{
	int err = pci_function_load(&p->fn, r, e);

	p->master = p->fn.config[PCI_REG_COMMAND] & PCI_COMMAND_BUSM;
	if (err == 0)
		err = state_get(r, p, &virtio_pci_table, e);
	if (err == 0)
		err = msix_load(&p->msix, message_control(p), r, e);
	if (err == 0)
		err = vdev_load(p->vdev, r, e);
	return err;
}

void virtio_pci_interrupt(void *arg, unsigned vector)
{
	struct virtio_pci *p = arg;

	msix_raise(&p->msix, vector);
}

void virtio_pci_isr(void *arg, unsigned bit)
{
	struct virtio_pci *p = arg;

	if (bit == VIRTIO_ISR_CONFIG || !atomic_load(&p->msix.enabled))
		atomic_fetch_or(&p->isr, bit);
}
