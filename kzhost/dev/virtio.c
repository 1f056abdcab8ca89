// SPDX-License-Identifier: BSD-2-Clause
/*
 * virtio.c - the registers of a virtio device, its status, and the life of its queues
 *
 * DOC: Order of locks
 *
 * What is called with vdev->lock held, the device's callbacks and what the machine gives
 * it (struct vdev_env), takes no lock that somebody holds who calls anything here, and
 * does not block.
 */
#include "kzhost/dev/virtio.h"

#include "common/base/trace.h"

#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>

#define EVERY_DEVICE (VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT_DESC)

static void init_queue(struct vdev *v, unsigned i)
{
	struct vqueue *q = &v->queue[i];

	q->vdev = v;
	q->index = i;
	q->layout.size = v->class->queue_size;
	atomic_init(&q->vector, VDEV_NO_VECTOR);
	q->kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

int vdev_init(struct vdev *v, const struct dev_class *class, const struct vdev_env *env,
	      unsigned id, uint64_t offered, unsigned n_queues)
{
	pthread_condattr_t attr;

	ASSERT(n_queues > 0 && n_queues <= VDEV_QUEUES_MAX);
	v->class = class;
	v->env = *env;
	v->offered = offered | EVERY_DEVICE;
	v->config_vector = VDEV_NO_VECTOR;
	snprintf(v->name, sizeof(v->name), "%s%u", class->name, id);
	pthread_mutex_init(&v->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&v->stopped, &attr);
	pthread_condattr_destroy(&attr);
	v->queue = calloc(n_queues, sizeof(v->queue[0]));
	if (!v->queue)
		return -ENOMEM;
	for (; v->n_queues < n_queues; v->n_queues++) {
		init_queue(v, v->n_queues);
		if (v->queue[v->n_queues].kick_fd < 0)
			return -errno;
	}
	return 0;
}

void vdev_fini(struct vdev *v)
{
	if (!v->class)
		return;
	for (unsigned i = 0; i < v->n_queues; i++)
		closep(&v->queue[i].kick_fd);
	free(v->queue);
	pthread_cond_destroy(&v->stopped);
	pthread_mutex_destroy(&v->lock);
}

static void kick(struct vqueue *q)
{
	uint64_t one = 1;

	/* Fails only when the counter is full: then the owner is woken already. */
	(void)!write(q->kick_fd, &one, sizeof(one));
}

static void interrupt(struct vdev *v, unsigned isr, unsigned vector)
{
	if (v->env.isr)
		v->env.isr(v->env.arg, isr);
	if (vector != VDEV_NO_VECTOR)
		v->env.interrupt(v->env.arg, vector);
}

/* The driver did what it must not; nothing happened. */
static void ignore(struct vdev *v, const char *what)
{
	atomic_fetch_add_explicit(&v->guest_errors, 1, memory_order_relaxed);
	TRACE(virtq, "dev=%s ignored: %s, status %02x", v->name, what, v->status);
}

static bool all_stopped(struct vdev *v)
{
	for (unsigned i = 0; i < v->n_queues; i++) {
		if (vqueue_state(&v->queue[i]) != VQUEUE_IDLE)
			return false;
	}
	return true;
}

static void set_status(struct vdev *v, uint8_t status)
{
	TRACE(virtq, "dev=%s status %02x -> %02x", v->name, v->status, status);
	v->status = status;
}

/* As it was made; the configuration's generation goes on. */
static void finish_reset(struct vdev *v)
{
	for (unsigned i = 0; i < v->n_queues; i++) {
		struct vqueue *q = &v->queue[i];

		q->layout = (struct virtq_layout){ .size = v->class->queue_size };
		q->enabled = false;
		atomic_store(&q->vector, VDEV_NO_VECTOR);
	}
	v->features = 0;
	v->feature_select = v->accept_select = 0;
	v->queue_select = 0;
	v->config_vector = VDEV_NO_VECTOR;
	v->resetting = v->halted = false;
	if (v->class->reset)
		v->class->reset(v);
	set_status(v, 0);
}

static void stop_queues(struct vdev *v)
{
	for (unsigned i = 0; i < v->n_queues; i++) {
		int active = VQUEUE_ACTIVE;

		if (atomic_compare_exchange_strong(&v->queue[i].run, &active,
						   VQUEUE_STOPPING))
			kick(&v->queue[i]);
	}
}

static bool wait_stopped(struct vdev *v, unsigned timeout_ms)
{
	struct timespec t;
	int r = 0;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += timeout_ms / 1000;
	t.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	while (!all_stopped(v) && r == 0)
		r = pthread_cond_timedwait(&v->stopped, &v->lock, &t);
	return all_stopped(v);
}

/* vqueue_stopped() finishes a reset that takes longer than we wait here. */
static void reset(struct vdev *v)
{
	v->resetting = true;
	stop_queues(v);
	if (wait_stopped(v, VDEV_RESET_WAIT_MS) && v->resetting)
		finish_reset(v);
}

static void needs_reset(struct vdev *v, enum virtq_error error, unsigned queue)
{
	char text[128];

	atomic_fetch_add_explicit(&v->guest_errors, 1, memory_order_relaxed);
	if (!(v->status & VIRTIO_S_NEEDS_RESET)) {
		snprintf(text, sizeof(text),
			 "the guest's driver broke the rules: queue %u: %s", queue,
			 virtq_error_texts[error]);
		v->env.problem(v->env.arg, v->name, text);
	}
	set_status(v, v->status | VIRTIO_S_NEEDS_RESET);
	interrupt(v, VIRTIO_ISR_CONFIG, v->config_vector);
}

/* FEATURES_OK: sticks when the driver asks for nothing that was not offered. */
static bool features_ok(struct vdev *v)
{
	return !(v->features & ~v->offered) && v->features & VIRTIO_F_VERSION_1;
}

enum virtq_error vdev_init_queues(struct vdev *v, unsigned *ret_queue)
{
	for (unsigned i = 0; i < v->n_queues; i++) {
		struct vqueue *q = &v->queue[i];
		enum virtq_error error = VIRTQ_OK;

		if (q->enabled)
			error = virtq_init(&q->vq, v->env.ram, &q->layout, v->features);
		if (error != VIRTQ_OK) {
			*ret_queue = i;
			return error;
		}
	}
	return VIRTQ_OK;
}

void vdev_start_queues(struct vdev *v)
{
	for (unsigned i = 0; i < v->n_queues; i++) {
		if (!v->queue[i].enabled)
			continue;
		atomic_store_explicit(&v->queue[i].run, VQUEUE_ACTIVE,
				      memory_order_release);
		kick(&v->queue[i]);
	}
}

/* DRIVER_OK: the queues as they are now go to their owners. */
static bool driver_ok(struct vdev *v)
{
	unsigned queue;
	enum virtq_error error = vdev_init_queues(v, &queue);

	if (error == VIRTQ_OK)
		vdev_start_queues(v);
	else
		needs_reset(v, error, queue);
	return true;
}

/* Bits that a driver sets, in order: what must stand before, and what happens. */
static const struct {
	uint8_t bit, needs;
	bool (*enter)(struct vdev *v);
} status_rules[] = {
	{ VIRTIO_S_ACKNOWLEDGE, 0, NULL },
	{ VIRTIO_S_DRIVER, VIRTIO_S_ACKNOWLEDGE, NULL },
	{ VIRTIO_S_FEATURES_OK, VIRTIO_S_DRIVER, features_ok },
	{ VIRTIO_S_DRIVER_OK, VIRTIO_S_FEATURES_OK, driver_ok },
	{ VIRTIO_S_FAILED, 0, NULL },
};

static void write_status(struct vdev *v, struct vqueue *q, uint64_t value)
{
	uint8_t keep = v->status & (uint8_t)~VIRTIO_S_NEEDS_RESET;

	if (value == 0) {
		reset(v);
		return;
	}
	if (keep & ~value) {
		ignore(v, "a status bit cleared");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(status_rules); i++) {
		uint8_t bit = status_rules[i].bit;

		if (!(value & bit) || v->status & bit)
			continue;
		if (status_rules[i].needs & ~v->status)
			ignore(v, "a status bit out of order");
		else if (!status_rules[i].enter || status_rules[i].enter(v))
			set_status(v, v->status | bit);
	}
}

static uint64_t read_features(struct vdev *v, struct vqueue *q)
{
	return v->feature_select < 2 ? (uint32_t)(v->offered >> 32 * v->feature_select)
				     : 0;
}

static uint64_t read_accepted(struct vdev *v, struct vqueue *q)
{
	return v->accept_select < 2 ? (uint32_t)(v->features >> 32 * v->accept_select)
				    : 0;
}

static void write_accepted(struct vdev *v, struct vqueue *q, uint64_t value)
{
	unsigned shift = 32 * v->accept_select;

	/* There are 64 features; a driver may clear the others. */
	if (v->accept_select < 2)
		v->features = (v->features & ~(0xffffffffull << shift)) | value << shift;
	else if (value != 0)
		ignore(v, "a feature above 63");
}

static void write_size(struct vdev *v, struct vqueue *q, uint64_t value)
{
	if (value == 0 || value > v->class->queue_size || value & (value - 1))
		ignore(v, "a queue size that is not offered");
	else
		q->layout.size = (uint16_t)value;
}

/* There is a vector a queue and one for the configuration. */
static uint64_t checked_vector(const struct vdev *v, uint64_t value)
{
	return value <= v->n_queues ? value : VDEV_NO_VECTOR;
}

static uint64_t read_vector(struct vdev *v, struct vqueue *q)
{
	return atomic_load(&q->vector);
}

static void write_vector(struct vdev *v, struct vqueue *q, uint64_t value)
{
	atomic_store(&q->vector, (unsigned)checked_vector(v, value));
}

static void write_config_vector(struct vdev *v, struct vqueue *q, uint64_t value)
{
	v->config_vector = (uint16_t)checked_vector(v, value);
}

static void write_enable(struct vdev *v, struct vqueue *q, uint64_t value)
{
	if (value == 1)
		q->enabled = true;
	else
		ignore(v, "a queue disabled");
}

#define READER(name, expression) \
	static uint64_t read_##name(struct vdev *v, struct vqueue *q) \
	{ \
		return (expression); \
	}
#define WRITER(name, target, type) \
	static void write_##name(struct vdev *v, struct vqueue *q, uint64_t value) \
	{ \
		(target) = (type)value; \
	}
READER(feature_select, v->feature_select)
WRITER(feature_select, v->feature_select, uint32_t)
READER(accept_select, v->accept_select)
WRITER(accept_select, v->accept_select, uint32_t)
READER(config_vector, v->config_vector)
READER(n_queues, v->n_queues)
READER(status, v->status)
READER(generation, v->generation)
READER(queue_select, v->queue_select)
WRITER(queue_select, v->queue_select, uint16_t)
READER(size, q->layout.size)
READER(enable, q->enabled)
READER(notify, q->index)
READER(desc, q->layout.desc_gpa)
WRITER(desc, q->layout.desc_gpa, uint64_t)
READER(driver, q->layout.avail_gpa)
WRITER(driver, q->layout.avail_gpa, uint64_t)
READER(device, q->layout.used_gpa)
WRITER(device, q->layout.used_gpa, uint64_t)

/* When a register may be written. */
enum when {
	ALWAYS,
	BEFORE_FEATURES_OK,
	SETUP,       /* between FEATURES_OK and DRIVER_OK */
	SETUP_QUEUE, /* the same, and the queue is not enabled */
};

static const struct {
	uint64_t (*read)(struct vdev *v, struct vqueue *q);
	void (*write)(struct vdev *v, struct vqueue *q, uint64_t value); /* NULL: never */
	enum when when;
	bool of_queue;
} regs[VDEV_REG_N] = {
	[VDEV_FEATURE_SELECT] = { read_feature_select, write_feature_select, ALWAYS, 0 },
	[VDEV_FEATURES] = { read_features, NULL, ALWAYS, 0 },
	[VDEV_ACCEPT_SELECT] = { read_accept_select, write_accept_select, ALWAYS, 0 },
	[VDEV_ACCEPTED] = { read_accepted, write_accepted, BEFORE_FEATURES_OK, 0 },
	[VDEV_CONFIG_VECTOR] = { read_config_vector, write_config_vector, ALWAYS, 0 },
	[VDEV_N_QUEUES] = { read_n_queues, NULL, ALWAYS, 0 },
	[VDEV_STATUS] = { read_status, write_status, ALWAYS, 0 },
	[VDEV_GENERATION] = { read_generation, NULL, ALWAYS, 0 },
	[VDEV_QUEUE_SELECT] = { read_queue_select, write_queue_select, ALWAYS, 0 },
	[VDEV_QUEUE_SIZE] = { read_size, write_size, SETUP_QUEUE, 1 },
	[VDEV_QUEUE_VECTOR] = { read_vector, write_vector, ALWAYS, 1 },
	[VDEV_QUEUE_ENABLE] = { read_enable, write_enable, SETUP, 1 },
	[VDEV_QUEUE_NOTIFY] = { read_notify, NULL, ALWAYS, 1 },
	[VDEV_QUEUE_DESC] = { read_desc, write_desc, SETUP_QUEUE, 1 },
	[VDEV_QUEUE_DRIVER] = { read_driver, write_driver, SETUP_QUEUE, 1 },
	[VDEV_QUEUE_DEVICE] = { read_device, write_device, SETUP_QUEUE, 1 },
};

static struct vqueue *selected(struct vdev *v)
{
	return v->queue_select < v->n_queues ? &v->queue[v->queue_select] : NULL;
}

uint64_t vdev_read(struct vdev *v, enum vdev_reg reg)
{
	struct vqueue *q;
	uint64_t value = 0;

	pthread_mutex_lock(&v->lock);
	q = selected(v);
	if (q || !regs[reg].of_queue)
		value = regs[reg].read(v, q);
	pthread_mutex_unlock(&v->lock);
	return value;
}

static bool may_write(const struct vdev *v, enum vdev_reg reg, const struct vqueue *q)
{
	bool features = v->status & VIRTIO_S_FEATURES_OK;
	bool setup = features && !(v->status & VIRTIO_S_DRIVER_OK);

	if (v->resetting || !regs[reg].write || (regs[reg].of_queue && !q))
		return false;
	switch (regs[reg].when) {
	case ALWAYS:
		return true;
	case BEFORE_FEATURES_OK:
		return !features;
	case SETUP:
		return setup;
	case SETUP_QUEUE:
		return setup && !q->enabled;
	}
	return false;
}

void vdev_write(struct vdev *v, enum vdev_reg reg, uint64_t mask, uint64_t value)
{
	struct vqueue *q;

	pthread_mutex_lock(&v->lock);
	q = selected(v);
	if (may_write(v, reg, q))
		regs[reg].write(v, q, (regs[reg].read(v, q) & ~mask) | (value & mask));
	else
		ignore(v, "a register that cannot be written now");
	pthread_mutex_unlock(&v->lock);
}

static bool in_config(const struct vdev *v, unsigned offset, unsigned len)
{
	return len <= v->class->config_size && offset <= v->class->config_size - len;
}

void vdev_config_read(struct vdev *v, unsigned offset, void *data, unsigned len)
{
	memset(data, 0xff, len);
	if (!in_config(v, offset, len))
		return;
	pthread_mutex_lock(&v->lock);
	v->class->config_read(v, offset, data, len);
	pthread_mutex_unlock(&v->lock);
}

void vdev_config_write(struct vdev *v, unsigned offset, const void *data, unsigned len)
{
	pthread_mutex_lock(&v->lock);
	if (v->class->config_write && !v->resetting && in_config(v, offset, len))
		v->class->config_write(v, offset, data, len);
	else
		ignore(v, "a write to the device configuration");
	pthread_mutex_unlock(&v->lock);
}

void vdev_kick(struct vdev *v, unsigned queue)
{
	if (queue < v->n_queues)
		kick(&v->queue[queue]);
}

void vdev_halt(struct vdev *v)
{
	pthread_mutex_lock(&v->lock);
	if (v->status & VIRTIO_S_DRIVER_OK && !v->resetting) {
		v->halted = true;
		set_status(v, v->status | VIRTIO_S_NEEDS_RESET);
		stop_queues(v);
		wait_stopped(v, VDEV_RESET_WAIT_MS);
	}
	pthread_mutex_unlock(&v->lock);
}

void vqueue_stopped(struct vqueue *q)
{
	struct vdev *v = q->vdev;

	pthread_mutex_lock(&v->lock);
	if (v->halted)
		q->vq.error = VIRTQ_ERR_HALTED;
	atomic_store(&q->run, VQUEUE_IDLE);
	if (v->resetting && all_stopped(v))
		finish_reset(v);
	pthread_cond_broadcast(&v->stopped);
	pthread_mutex_unlock(&v->lock);
}

void vqueue_push(struct vqueue *q)
{
	if (!virtq_publish(&q->vq))
		return;
	atomic_fetch_add_explicit(&q->interrupts, 1, memory_order_relaxed);
	interrupt(q->vdev, VIRTIO_ISR_QUEUE,
		  atomic_load_explicit(&q->vector, memory_order_relaxed));
}

void vdev_broken(struct vqueue *q, enum virtq_error error)
{
	struct vdev *v = q->vdev;

	q->vq.error = error;
	pthread_mutex_lock(&v->lock);
	needs_reset(v, error, q->index);
	pthread_mutex_unlock(&v->lock);
}

void vdev_config_changed(struct vdev *v)
{
	pthread_mutex_lock(&v->lock);
	v->generation++;
	if (v->status & VIRTIO_S_DRIVER_OK)
		interrupt(v, VIRTIO_ISR_CONFIG, v->config_vector);
	pthread_mutex_unlock(&v->lock);
}

void vdev_stop(struct vdev *v)
{
	pthread_mutex_lock(&v->lock);
	stop_queues(v);
	pthread_mutex_unlock(&v->lock);
}

bool vdev_wait_stopped(struct vdev *v, unsigned timeout_ms)
{
	bool r;

	pthread_mutex_lock(&v->lock);
	r = wait_stopped(v, timeout_ms);
	pthread_mutex_unlock(&v->lock);
	return r;
}
