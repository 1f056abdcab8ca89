/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio.h - a virtio device behind any transport: status, features, queues, life
 *
 * DOC: Who calls what
 *
 * The transport (virtio_pci.c) turns register accesses of vCPU threads into the vdev_*()
 * calls below. A device is constant data, struct dev_class, and an instance that begins
 * with struct vdev. Its queues are served by owner threads (io/); each queue has one.
 *
 *	vCPU thread                            owner thread of the queue
 *	DRIVER_OK: virtq_init(), run = ACTIVE,
 *	           kick_fd ------------------> vqueue_state() == ACTIVE: serve it
 *	driver kicks: ioeventfd = kick_fd ---> virtq_next() … virtq_done(), vqueue_push()
 *	reset:     run = STOPPING, kick_fd --> stop, cancel, drain; vqueue_stopped()
 *	           waits a little, then the status reads 0 as soon as all have stopped
 *
 * The status register is a state machine in a table: bits are only ever added, in the
 * order of the specification, except by writing 0; FEATURES_OK does not stick when the
 * driver asks for what was not offered; queue registers can be written between
 * FEATURES_OK and DRIVER_OK only, and not once the queue is enabled. Whatever else is
 * written is ignored and counted.
 *
 * DOC: Guest errors
 *
 * vdev_broken() sets DEVICE_NEEDS_RESET, counts, remembers the first text, and tells the
 * driver by a configuration interrupt. Other devices and the process are not touched.
 */
#ifndef KZ_DEV_VIRTIO_H
#define KZ_DEV_VIRTIO_H

#include "common/proto/machine.h"
#include "kzhost/dev/devstate.h"
#include "kzhost/dev/virtq.h"

#include <pthread.h>
#include <stdatomic.h>

#define VDEV_QUEUES_MAX KZ_VCPUS_MAX
#define VDEV_NO_VECTOR  0xffff

/* Feature bits of every device (VIRTIO 1.2, 6). */
#define VIRTIO_F_INDIRECT_DESC (1ull << 28)
#define VIRTIO_F_EVENT_IDX     (1ull << 29)
#define VIRTIO_F_VERSION_1     (1ull << 32)

/* Status bits (VIRTIO 1.2, 2.1). */
#define VIRTIO_S_ACKNOWLEDGE 0x01
#define VIRTIO_S_DRIVER      0x02
#define VIRTIO_S_DRIVER_OK   0x04
#define VIRTIO_S_FEATURES_OK 0x08
#define VIRTIO_S_NEEDS_RESET 0x40
#define VIRTIO_S_FAILED      0x80

struct vdev;

/* What a kind of device is. Constant. */
struct dev_class {
	const char *name;    /* "vblk" */
	uint16_t virtio_id;  /* VIRTIO 1.2, 5 */
	uint32_t pci_class;  /* class, subclass, programming interface */
	uint16_t queue_size; /* largest; a power of two */
	size_t config_size;  /* bytes of device configuration space */
	size_t size;         /* of the instance */

	/* Device configuration; vdev->lock is held, offset and len are inside
	 * config_size. config_write may be NULL: nothing is writable. */
	void (*config_read)(struct vdev *v, unsigned offset, void *data, unsigned len);
	void (*config_write)(struct vdev *v, unsigned offset, const void *data,
			     unsigned len);

	/* All queues have stopped: forget what the driver did. vdev->lock is held. May be
	 * NULL. */
	void (*reset)(struct vdev *v);

	/* What of the instance is saved beside what virtio_state.c saves of all; NULL:
	 * there is nothing beside struct vdev. */
	const struct state_table *state;
};

/* What the machine gives to a device. Both functions may be called on any thread. */
struct vdev_env {
	const struct ram *ram;
	void (*interrupt)(void *arg, unsigned vector);
	void (*problem)(void *arg, const char *dev, const char *text); /* rate-limited */
	void *arg;
	/* Something is to be told, VIRTIO_ISR_*, before the interrupt and also when there
	 * is no vector for it; may be NULL. On any thread. */
	void (*isr)(void *arg, unsigned bit);
	/* A thread of the device's own could not begin, for r: the machine ends. NULL for
	 * devices that have none. */
	void (*failed)(void *arg, const char *dev, int r);
};

#define VIRTIO_ISR_QUEUE  0x1
#define VIRTIO_ISR_CONFIG 0x2

enum vqueue_run { VQUEUE_IDLE, VQUEUE_ACTIVE, VQUEUE_STOPPING };

struct vqueue {
	struct vdev *vdev;
	unsigned index;
	int kick_fd;        /* eventfd: driver's kicks and orders of vCPU threads */
	atomic_int run;     /* enum vqueue_run */
	atomic_uint vector; /* MSI-X vector or VDEV_NO_VECTOR */
	struct virtq vq;    /* the owner's while ACTIVE or STOPPING */

	/* Registers; under vdev->lock */
	struct virtq_layout layout;
	bool enabled;

	atomic_ullong kicks, interrupts; /* counted by the owner */
};

struct vdev {
	const struct dev_class *class;
	struct vdev_env env;
	char name[16];    /* "vblk0": class and id */
	uint64_t offered; /* features */
	unsigned n_queues;

	pthread_mutex_t lock; /* of all below */
	pthread_cond_t stopped;
	uint8_t status;
	bool resetting; /* 0 was written; some queue has not stopped yet */
	bool halted;    /* until a reset queues give nothing any more */
	uint8_t generation;
	uint32_t feature_select, accept_select;
	uint64_t features; /* accepted */
	uint16_t config_vector;
	uint16_t queue_select;

	atomic_ullong guest_errors; /* since the machine was made */
	struct vqueue *queue;       /* n_queues of them */
};

/**
 * vdev_init() - Set up the part that all devices share
 * @v:		Zeroed; the beginning of class->size bytes
 * @class:	Constant
 * @id:		Number in its name
 * @offered:	Features of its own; those of every device are added
 * @n_queues:	1 to VDEV_QUEUES_MAX
 *
 * Return: 0, -ENOMEM or what eventfd(2) gave; vdev_fini() may follow in every case
 */
int vdev_init(struct vdev *v, const struct dev_class *class, const struct vdev_env *env,
	      unsigned id, uint64_t offered, unsigned n_queues);

/* All queues have stopped. */
void vdev_fini(struct vdev *v);

/*
 * The transport's half: the registers of VIRTIO 1.2, 4.1.4.3, whatever their addresses.
 */
#define VDEV_REGS(X) \
	X(FEATURE_SELECT) \
	X(FEATURES) /* offered, the selected half; read only */ \
	X(ACCEPT_SELECT) \
	X(ACCEPTED) /* by the driver, the selected half */ \
	X(CONFIG_VECTOR) \
	X(N_QUEUES) /* read only */ \
	X(STATUS) \
	X(GENERATION) /* of the device configuration; read only */ \
	X(QUEUE_SELECT) \
	X(QUEUE_SIZE) /* from here on: of the selected queue */ \
	X(QUEUE_VECTOR) \
	X(QUEUE_ENABLE) \
	X(QUEUE_NOTIFY) /* what to multiply for its notification address; read only */ \
	X(QUEUE_DESC)   /* 64 bits, as the next two */ \
	X(QUEUE_DRIVER) \
	X(QUEUE_DEVICE)

enum vdev_reg {
#define X(id) VDEV_##id,
	VDEV_REGS(X)
#undef X
		VDEV_REG_N
};

/**
 * vdev_read() - Read a register; on any thread
 *
 * Return: its value; 0 for a register of a queue that does not exist
 */
uint64_t vdev_read(struct vdev *v, enum vdev_reg reg);

/**
 * vdev_write() - Write a register; on any thread, any value
 * @mask:	Which bits of the register to replace: half of a 64-bit one is written
 * alone
 * @value:	The bits, in their place
 *
 * What is not allowed now is ignored and counted. Writing 0 to STATUS resets: it returns
 * when all queues have stopped, or after VDEV_RESET_WAIT_MS; then STATUS reads 0 later.
 */
void vdev_write(struct vdev *v, enum vdev_reg reg, uint64_t mask, uint64_t value);

#define VDEV_RESET_WAIT_MS 100

/* Device configuration space; what lies outside of it reads all ones. */
void vdev_config_read(struct vdev *v, unsigned offset, void *data, unsigned len);
void vdev_config_write(struct vdev *v, unsigned offset, const void *data, unsigned len);

/* A kick that came without an ioeventfd. */
void vdev_kick(struct vdev *v, unsigned queue);

/**
 * vdev_halt() - The device shall not access memory any more, until it is reset
 *
 * Its queues stop as by a reset, for which this waits as long as a reset does; the status
 * has NEEDS_RESET. Does nothing before DRIVER_OK.
 */
void vdev_halt(struct vdev *v);

/*
 * The owner threads' half.
 */

/* What the queue shall do now. Look after every wake-up of kick_fd. */
static inline enum vqueue_run vqueue_state(struct vqueue *q)
{
	return (enum vqueue_run)atomic_load_explicit(&q->run, memory_order_acquire);
}

/* Nothing of the queue is in flight any more: the order to stop is carried out. */
void vqueue_stopped(struct vqueue *q);

/* virtq_publish(), and the interrupt if one is wanted. */
void vqueue_push(struct vqueue *q);

/* The driver broke the rules (q->vq.error, or a request that is malformed). */
void vdev_broken(struct vqueue *q, enum virtq_error error);

/* The device's configuration changed: generation, interrupt. */
void vdev_config_changed(struct vdev *v);

/*
 * The machine's half.
 */

/* Orders every queue to stop, as a reset does, without waiting. */
void vdev_stop(struct vdev *v);

/* Have all queues stopped? Waits up to @timeout_ms (0: does not wait). */
bool vdev_wait_stopped(struct vdev *v, unsigned timeout_ms);

extern const struct state_table vdev_table, vqueue_table;

/**
 * vdev_save() - Append registers, queues and the device's own fields to a record
 *
 * All queues have stopped, after what was in flight was given back.
 *
 * Return: 0, -EBUSY (a reset is under way, a queue runs or has requests in flight) or
 * -ENOMEM
 */
int vdev_save(struct vdev *v, struct buf *out);

/**
 * vdev_load() - Make a device what a record says
 * @v:		Just made; no owner runs yet, and guest memory is what it was
 *
 * Queues go on where they were, as soon as their owners run.
 *
 * Return: 0, or -EINVAL and a text (a record that no driver could have brought about on
 * this device), or -ENOMEM; then the device can only be freed
 */
int vdev_load(struct vdev *v, struct state_reader *r, struct errmsg *e);

/*
 * For virtio_state.c: what DRIVER_OK does.
 */

/* Sets up all queues that are enabled. VIRTQ_OK, or what is wrong with *ret_queue. */
enum virtq_error vdev_init_queues(struct vdev *v, unsigned *ret_queue);

/* They go to their owners. */
void vdev_start_queues(struct vdev *v);

#endif
