// SPDX-License-Identifier: BSD-2-Clause
/*
 * virtio_state.c - what of a virtio device is saved: registers, queues, its own fields
 *
 * DOC: Queues in a record
 *
 * A queue is saved with nothing in flight: the index of the next chain to take is then
 * that of the next to give back, and used.idx in guest memory. Which queues go to their
 * owners again is not saved; it follows from status and layouts exactly as it did at
 * DRIVER_OK, by the same checks. A queue that its driver has broken stays broken, and may
 * have lost chains; nothing else may.
 *
 * Counters and what only owners know are not saved: they begin anew.
 */
#include "kzhost/dev/virtio.h"

#define CONFIG_MAX 256 /* bytes of device configuration */

#define S_ACK         VIRTIO_S_ACKNOWLEDGE
#define S_DRIVER      (S_ACK | VIRTIO_S_DRIVER)
#define S_FEATURES_OK (S_DRIVER | VIRTIO_S_FEATURES_OK)
#define S_DRIVER_OK   (S_FEATURES_OK | VIRTIO_S_DRIVER_OK)

static const struct state_field vdev_fields[] = {
	STATE_FIELD(struct vdev, status, 1),
	STATE_FIELD(struct vdev, generation, 1),
	STATE_FIELD(struct vdev, feature_select, 1),
	STATE_FIELD(struct vdev, accept_select, 1),
	STATE_FIELD(struct vdev, features, 1),
	STATE_FIELD(struct vdev, config_vector, 1),
	STATE_FIELD(struct vdev, queue_select, 1),
};

static const struct state_rest vdev_rest[] = {
	STATE_REST(struct vdev, class),
	STATE_REST(struct vdev, env),
	STATE_REST(struct vdev, name),
	STATE_REST(struct vdev, offered),
	STATE_REST(struct vdev, n_queues),
	STATE_REST(struct vdev, lock),
	STATE_REST(struct vdev, stopped),
	STATE_REST(struct vdev, resetting), /* then nothing can be saved */
	STATE_REST(struct vdev, halted),    /* what it did to the queues lasts */
	STATE_REST(struct vdev, guest_errors),
	STATE_REST(struct vdev, queue), /* each by itself */
};

static int check_registers(const void *in, const void *now, struct errmsg *e);

const struct state_table vdev_table = {
	.name = "vdev",
	.size = sizeof(struct vdev),
	STATE_FIELDS(vdev_fields),
	STATE_RESTS(vdev_rest),
	.check = check_registers,
};

static const struct state_field queue_fields[] = {
	STATE_FIELD_MAX(struct vqueue, layout.size, 1, VIRTQ_SIZE_MAX),
	STATE_FIELD(struct vqueue, layout.desc_gpa, 1),
	STATE_FIELD(struct vqueue, layout.avail_gpa, 1),
	STATE_FIELD(struct vqueue, layout.used_gpa, 1),
	STATE_FIELD(struct vqueue, enabled, 1),
	STATE_FIELD_MAX(struct vqueue, vector, 1, VDEV_NO_VECTOR),
	STATE_FIELD_MAX(struct vqueue, vq.error, 1, VIRTQ_ERROR_N - 1),
	STATE_FIELD(struct vqueue, vq.next_avail, 1),
	STATE_FIELD(struct vqueue, vq.next_used, 1),
};

static const struct state_rest queue_rest[] = {
	STATE_REST(struct vqueue, vdev),
	STATE_REST(struct vqueue, index),
	STATE_REST(struct vqueue, kick_fd),
	STATE_REST(struct vqueue, run), /* at rest */
	STATE_REST(struct vqueue, kicks),
	STATE_REST(struct vqueue, interrupts),
	STATE_REST(struct vqueue, vq.ram), /* from here on by virtq_init() */
	STATE_REST(struct vqueue, vq.layout),
	STATE_REST(struct vqueue, vq.desc),
	STATE_REST(struct vqueue, vq.avail),
	STATE_REST(struct vqueue, vq.used),
	STATE_REST(struct vqueue, vq.event_idx),
	STATE_REST(struct vqueue, vq.indirect),
	STATE_REST(struct vqueue, vq.published), /* as next_used */
	STATE_REST(struct vqueue, vq.in_flight), /* nothing */
	STATE_REST(struct vqueue, vq.busy),
};

const struct state_table vqueue_table = {
	.name = "vqueue",
	.size = sizeof(struct vqueue),
	STATE_FIELDS(queue_fields),
	STATE_RESTS(queue_rest),
};

/* Was there a DRIVER_OK that gave the enabled queues to their owners? It did not when one
 * of them had no sound layout. */
static bool was_started(const struct vdev *v)
{
	for (unsigned i = 0; i < v->n_queues; i++) {
		const struct vqueue *q = &v->queue[i];

		if (q->enabled && q->vq.error == VIRTQ_ERR_LAYOUT)
			return false;
	}
	return v->status & VIRTIO_S_DRIVER_OK;
}

static bool is_at_rest(const struct vqueue *q)
{
	return q->vq.in_flight == 0 || q->vq.error != VIRTQ_OK;
}

/* Of a queue that has no owner only the registers count. */
static void put_queue(struct buf *out, const struct vqueue *q, bool owned)
{
	struct vqueue copy = { .layout = q->layout, .enabled = q->enabled };

	atomic_init(&copy.vector, atomic_load(&q->vector));
	if (owned) {
		copy.vq.error = q->vq.error;
		copy.vq.next_avail = q->vq.next_avail;
		copy.vq.next_used = q->vq.next_used;
	}
	state_put(out, &copy, &vqueue_table);
}

/* Device configuration is not loaded but compared: a disk of another size is another
 * disk. What drivers write there is among the device's own fields. */
static void read_config(struct vdev *v, uint8_t config[CONFIG_MAX])
{
	ASSERT(v->class->config_size <= CONFIG_MAX);
	if (v->class->config_size > 0)
		vdev_config_read(v, 0, config, (unsigned)v->class->config_size);
}

static int check_config(struct vdev *v, struct state_reader *r, struct errmsg *e)
{
	size_t n = v->class->config_size;
	uint8_t config[CONFIG_MAX];

	if (n > r->left)
		return errmsg_set(e, -EINVAL, "the record ends before the configuration");
	read_config(v, config);
	for (size_t i = 0; i < n; i++) {
		if (config[i] != r->p[i])
			return errmsg_set(
				e, -EINVAL,
				"byte %zu of the configuration is %02x, here it is %02x",
				i, r->p[i], config[i]);
	}
	r->p += n;
	r->left -= n;
	return 0;
}

int vdev_save(struct vdev *v, struct buf *out)
{
	bool started = was_started(v);
	uint8_t config[CONFIG_MAX];

	if (v->resetting || !vdev_wait_stopped(v, 0))
		return -EBUSY;
	for (unsigned i = 0; started && i < v->n_queues; i++) {
		if (v->queue[i].enabled && !is_at_rest(&v->queue[i]))
			return -EBUSY;
	}
	state_put(out, v, &vdev_table);
	for (unsigned i = 0; i < v->n_queues; i++)
		put_queue(out, &v->queue[i], started && v->queue[i].enabled);
	if (v->class->state)
		state_put(out, v, v->class->state);
	read_config(v, config);
	buf_add(out, config, v->class->config_size);
	return buf_error(out);
}

/* Which bits a driver can have reached, NEEDS_RESET and FAILED aside. */
static bool is_status(uint8_t status)
{
	static const uint8_t reached[] = { 0, S_ACK, S_DRIVER, S_FEATURES_OK,
					   S_DRIVER_OK };
	uint8_t bits = status & (uint8_t) ~(VIRTIO_S_NEEDS_RESET | VIRTIO_S_FAILED);

	if (status & VIRTIO_S_NEEDS_RESET && bits != S_DRIVER_OK)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(reached); i++) {
		if (bits == reached[i])
			return true;
	}
	return false;
}

static bool is_vector(const struct vdev *v, unsigned vector)
{
	return vector <= v->n_queues || vector == VDEV_NO_VECTOR;
}

static int check_registers(const void *in, const void *now, struct errmsg *e)
{
	const struct vdev *v = in;
	bool accepted = v->status & VIRTIO_S_FEATURES_OK;

	if (!is_status(v->status))
		return errmsg_set(e, -EINVAL, "no driver reaches status %02x", v->status);
	if (accepted &&
	    (v->features & ~v->offered || !(v->features & VIRTIO_F_VERSION_1)))
		return errmsg_set(e, -EINVAL, "features %llx of %llx were accepted",
				  (unsigned long long)v->features,
				  (unsigned long long)v->offered);
	if (!is_vector(v, v->config_vector))
		return errmsg_set(e, -EINVAL, "there is no vector %u", v->config_vector);
	return 0;
}

/* The registers of a queue; its indices come back in @in. */
static int get_queue(struct vqueue *q, struct state_reader *r, struct vqueue *in,
		     struct errmsg *e)
{
	const struct vdev *v = q->vdev;
	uint16_t size;
	int err = state_get(r, in, &vqueue_table, e);

	if (err < 0)
		return err;
	size = in->layout.size;
	if (size == 0 || size > v->class->queue_size || size & (size - 1))
		return errmsg_set(e, -EINVAL, "%u descriptors", size);
	if (in->enabled && !(v->status & VIRTIO_S_FEATURES_OK))
		return errmsg_set(e, -EINVAL, "enabled at status %02x", v->status);
	if (!is_vector(v, atomic_load(&in->vector)))
		return errmsg_set(e, -EINVAL, "there is no vector %u",
				  atomic_load(&in->vector));
	q->layout = in->layout;
	q->enabled = in->enabled;
	atomic_store(&q->vector, atomic_load(&in->vector));
	return 0;
}

/* The queue's virtq stands at 0; one that has an owner goes on where it was. */
static int go_on(struct vqueue *q, const struct virtq *in, bool owned, struct errmsg *e)
{
	uint16_t lost = (uint16_t)(in->next_avail - in->next_used);
	bool moved = in->next_avail || in->next_used || in->error;

	if ((moved && !owned) || in->error == VIRTQ_ERR_LAYOUT ||
	    lost > (in->error ? q->layout.size : 0))
		return errmsg_set(e, -EINVAL,
				  "queue %u: %u chains taken, %u given back, error %u",
				  q->index, in->next_avail, in->next_used, in->error);
	if (owned) {
		q->vq.error = in->error;
		q->vq.next_avail = in->next_avail;
		q->vq.next_used = q->vq.published = in->next_used;
	}
	return 0;
}

/* As at DRIVER_OK, if there was one. */
static int start(struct vdev *v, const struct vqueue *in, struct errmsg *e)
{
	bool driven = v->status & VIRTIO_S_DRIVER_OK;
	unsigned n = 0;
	enum virtq_error error = driven ? vdev_init_queues(v, &n) : VIRTQ_OK;
	bool started = driven && error == VIRTQ_OK;
	int err = 0;

	/* Then the driver was told, and no queue works until it resets the device. */
	if (error != VIRTQ_OK && !(v->status & VIRTIO_S_NEEDS_RESET))
		return errmsg_set(e, -EINVAL, "queue %u: %s", n,
				  virtq_error_texts[error]);
	for (unsigned i = 0; err == 0 && i < v->n_queues; i++) {
		struct vqueue *q = &v->queue[i];

		err = go_on(q, &in[i].vq, started && q->enabled, e);
	}
	if (err == 0 && started)
		vdev_start_queues(v);
	return err;
}

int vdev_load(struct vdev *v, struct state_reader *r, struct errmsg *e)
{
	cleanup(freep) struct vqueue *in = calloc(v->n_queues, sizeof(*in));
	int err;

	if (!in)
		return errmsg_set(e, -ENOMEM, "no memory");
	err = state_load(r, v, &vdev_table, e);
	for (unsigned i = 0; err == 0 && i < v->n_queues; i++) {
		in[i] = v->queue[i];
		err = get_queue(&v->queue[i], r, &in[i], e);
		if (err < 0)
			errmsg_prefix(e, err, "queue %u", i);
	}
	if (err == 0 && v->class->state)
		err = state_load(r, v, v->class->state, e);
	if (err == 0)
		err = check_config(v, r, e);
	return err < 0 ? err : start(v, in, e);
}
