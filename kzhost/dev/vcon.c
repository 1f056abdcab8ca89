// SPDX-License-Identifier: BSD-2-Clause
/*
 * vcon.c - moves bytes between queues and rings, and tells the driver of the ports
 *
 * DOC: Turns
 *
 * A turn of a queue moves at most TURN_CHAINS buffers and about TURN_BYTES bytes. Of a
 * buffer larger than a port's ring only the end is copied: the rest would be dropped.
 */
#include "kzhost/dev/vcon.h"

#include "common/base/trace.h"
#include "kzhost/dev/ring.h"

#include <stdlib.h>
#include <string.h>

#define CLASS_COMMUNICATION 0x078000 /* simple communication controller, other */
#define QUEUE_SIZE          64
#define TURN_CHAINS         16
#define TURN_BYTES          (64 * KIB)
#define PIECE               4096 /* no larger than any ring */

#define QUEUE_CONTROL_IN  2 /* to the guest */
#define QUEUE_CONTROL_OUT 3

/* Messages that the driver has not heard yet, in the order they are told. */
#define TELL_ADD     1u
#define TELL_CONSOLE 2u
#define TELL_NAME    4u
#define TELL_OPEN    8u
#define TELL_ALL     15u

#define NAME_MAX_BYTES 40

struct port {
	struct ring in, out;  /* to the guest, from it */
	uint8_t tell;         /* TELL_*; of the owner of the queues */
	bool guest_open;      /* from here on under the device's lock, as the rings */
	bool in_wanted;       /* the main thread had bytes that did not fit */
	bool out_wanted;      /* the main thread found no output */
	uint64_t bytes, lost; /* of the guest's output */
};

struct vcon {
	struct vdev vdev;
	void (*wake)(void *arg);
	void *wake_arg;
	pthread_mutex_t lock;
	struct port port[VCON_PORTS];
#define X(id, name, out, in) uint8_t out_##id[out], in_##id[in];
	VCON_PORTS_LIST(X)
#undef X
};

#define X(id, name, out, in) \
	static_assert((out) >= PIECE && !((out) & ((out)-1)) && !((in) & ((in)-1)) && \
			      (in) <= PIECE && sizeof(name) <= NAME_MAX_BYTES, \
		      "rings");
VCON_PORTS_LIST(X)
#undef X

static const char *const names[VCON_PORTS] = {
#define X(id, name, out, in) [VCON_##id] = (name),
	VCON_PORTS_LIST(X)
#undef X
};

static struct vcon *vcon_of(struct vdev *v)
{
	return container_of(v, struct vcon, vdev);
}

static void config_read(struct vdev *v, unsigned offset, void *data, unsigned len)
{
	/* The size is not known: not offered, and 0. */
	const struct {
		le16 cols, rows;
		le32 n_ports;
	} config = { .n_ports = le32_of(VCON_PORTS) };

	memcpy(data, (const uint8_t *)&config + offset, len);
}

/* What waits for a guest that is not there any more is dropped. */
static void set_open(struct vcon *c, struct port *p, bool open)
{
	if (!open) {
		p->in.head = p->in.tail;
		p->in_wanted = false;
	}
	if (p->guest_open != open)
		c->wake(c->wake_arg);
	p->guest_open = open;
}

static void reset(struct vdev *v)
{
	struct vcon *c = vcon_of(v);

	pthread_mutex_lock(&c->lock);
	for (unsigned i = 0; i < VCON_PORTS; i++) {
		c->port[i].tell = 0;
		set_open(c, &c->port[i], false);
	}
	pthread_mutex_unlock(&c->lock);
}

/* What a port that the driver has added is to be told, beginning with the first. */
static uint8_t news_of(unsigned port)
{
	return TELL_OPEN | (port == VCON_CONSOLE ? TELL_CONSOLE : TELL_NAME);
}

static const struct state_field fields[] = {
#define X(id, name, out_size, in_size) \
	STATE_FIELD_BITS(struct vcon, port[VCON_##id].tell, 1, TELL_ALL), \
		STATE_FIELD(struct vcon, port[VCON_##id].guest_open, 1), \
		STATE_RING(struct vcon, port[VCON_##id].in, in_##id, 1), \
		STATE_RING(struct vcon, port[VCON_##id].out, out_##id, 1),
	VCON_PORTS_LIST(X)
#undef X
};

static const struct state_rest rest[] = {
	STATE_REST(struct vcon, vdev), STATE_REST(struct vcon, wake),
	STATE_REST(struct vcon, wake_arg), STATE_REST(struct vcon, lock),
#define X(id, name, out_size, in_size) \
	STATE_REST(struct vcon, port[VCON_##id].in_wanted), /* of the main thread */ \
		STATE_REST(struct vcon, port[VCON_##id].out_wanted), \
		STATE_REST(struct vcon, port[VCON_##id].bytes), \
		STATE_REST(struct vcon, port[VCON_##id].lost),
	VCON_PORTS_LIST(X)
#undef X
};

/* The registers are what the record says already. */
static int check(const void *in, const void *now, struct errmsg *e)
{
	const struct vcon *c = in;
	bool driven = c->vdev.status & VIRTIO_S_DRIVER_OK;
	bool ports = driven && c->vdev.features & VCON_F_MULTIPORT;

	for (unsigned i = 0; i < VCON_PORTS; i++) {
		const struct port *p = &c->port[i];
		uint8_t t = p->tell;
		bool told = t == 0 || t == TELL_ADD || t == TELL_OPEN || t == news_of(i);

		if (!told || (t && !ports))
			return errmsg_set(e, -EINVAL, "port %u is told %x", i, t);
		if (p->guest_open && !(i == VCON_CONSOLE ? driven : ports))
			return errmsg_set(e, -EINVAL, "port %u is open", i);
		if (!p->guest_open && ring_used(&p->in) > 0)
			return errmsg_set(e, -EINVAL, "%u bytes wait for port %u",
					  ring_used(&p->in), i);
	}
	return 0;
}

/* There may be output, and ports are open. */
static void loaded(void *dev)
{
	struct vcon *c = dev;

	c->wake(c->wake_arg);
}

static const struct state_table table = {
	.name = "vcon",
	.size = sizeof(struct vcon),
	STATE_FIELDS(fields),
	STATE_RESTS(rest),
	.check = check,
	.loaded = loaded,
};

const struct dev_class vcon_class = {
	.name = "vcon",
	.virtio_id = 3,
	.pci_class = CLASS_COMMUNICATION,
	.queue_size = QUEUE_SIZE,
	.config_size = 8,
	.size = sizeof(struct vcon),
	.config_read = config_read,
	.reset = reset,
	.state = &table,
};

int vcon_new(const struct vdev_env *env, void (*wake)(void *arg), void *wake_arg,
	     struct vdev **ret_vdev)
{
	struct vcon *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	pthread_mutex_init(&c->lock, NULL);
	c->wake = wake;
	c->wake_arg = wake_arg;
#define X(id, name, o, i) \
	c->port[VCON_##id].out = (struct ring){ .data = c->out_##id, .size = (o) }; \
	c->port[VCON_##id].in = (struct ring){ .data = c->in_##id, .size = (i) }; \
	c->port[VCON_##id].out_wanted = true;
	VCON_PORTS_LIST(X)
#undef X
	r = vdev_init(&c->vdev, &vcon_class, env, 0, VCON_F_MULTIPORT, VCON_QUEUES);
	if (r < 0)
		vcon_free(&c->vdev);
	else
		*ret_vdev = &c->vdev;
	return r;
}

void vcon_free(struct vdev *v)
{
	struct vcon *c = vcon_of(v);

	vdev_fini(v);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

/* Queues. */

/* The next chain, whose buffers are all for one direction (5.3.6.1); false: there is
 * none, or the driver broke the rules. */
static bool next(struct vqueue *q, struct virtq_chain *ret_chain)
{
	bool to_guest = !(q->index & 1);

	if (!virtq_next(&q->vq, ret_chain)) {
		if (q->vq.error != VIRTQ_OK)
			vdev_broken(q, q->vq.error);
		return false;
	}
	if (to_guest ? ret_chain->n_out == 0 : ret_chain->n_in == 0)
		return true;
	vdev_broken(q, VIRTQ_ERR_REQUEST);
	return false;
}

static void put_output(struct vcon *c, struct port *p, const void *data, size_t len)
{
	unsigned before, half = p->out.size / 2;
	size_t over;

	pthread_mutex_lock(&c->lock);
	before = ring_used(&p->out);
	over = len > ring_room(&p->out) ? len - ring_room(&p->out) : 0;
	p->out.head += (unsigned)over;
	p->lost += over;
	p->bytes += len;
	ring_write(&p->out, data, len);
	if (p->out_wanted || (before < half && ring_used(&p->out) >= half))
		c->wake(c->wake_arg);
	p->out_wanted = false;
	pthread_mutex_unlock(&c->lock);
}

static void take_output(struct vcon *c, struct port *p, const struct virtq_chain *chain)
{
	uint8_t piece[PIECE];
	size_t skip = 0, n;

	if (chain->out_bytes > p->out.size) {
		skip = chain->out_bytes - p->out.size;
		pthread_mutex_lock(&c->lock);
		p->bytes += skip;
		p->lost += skip;
		pthread_mutex_unlock(&c->lock);
	}
	for (; (n = virtq_copy_out(chain, skip, piece, sizeof(piece))) > 0; skip += n)
		put_output(c, p, piece, n);
}

static bool serve_output(struct vqueue *q, struct vcon *c, struct port *p)
{
	struct virtq_chain chain;
	uint64_t bytes = 0;

	virtq_kicks_off(&q->vq);
	for (unsigned n = 0; n < TURN_CHAINS && bytes < TURN_BYTES; n++) {
		if (!next(q, &chain))
			break;
		take_output(c, p, &chain);
		virtq_done(&q->vq, chain.head, 0);
		bytes += chain.out_bytes;
	}
	vqueue_push(q);
	return virtq_kicks_on(&q->vq);
}

/* Does something wait for a guest that has the port open? */
static bool has_input(struct vcon *c, struct port *p)
{
	bool has;

	pthread_mutex_lock(&c->lock);
	has = p->guest_open && ring_used(&p->in) > 0;
	pthread_mutex_unlock(&c->lock);
	return has;
}

/* Bytes stored in the chain's buffers. */
static uint32_t give_input(struct vcon *c, struct port *p,
			   const struct virtq_chain *chain)
{
	uint8_t piece[PIECE];
	size_t n;

	pthread_mutex_lock(&c->lock);
	n = ring_read(&p->in, piece, MIN(chain->in_bytes, sizeof(piece)));
	if (p->in_wanted && ring_room(&p->in) >= p->in.size / 2) {
		p->in_wanted = false;
		c->wake(c->wake_arg);
	}
	pthread_mutex_unlock(&c->lock);
	return (uint32_t)virtq_copy_in(chain, 0, piece, n);
}

static bool serve_input(struct vqueue *q, struct vcon *c, struct port *p)
{
	struct virtq_chain chain;

	for (unsigned n = 0; n < TURN_CHAINS && has_input(c, p); n++) {
		if (!next(q, &chain))
			break;
		virtq_done(&q->vq, chain.head, give_input(c, p, &chain));
	}
	vqueue_push(q);
	if (has_input(c, p))
		return virtq_kicks_on(&q->vq);
	/* Buffers are looked for when there is something to put into them. */
	virtq_kicks_off(&q->vq);
	return false;
}

/* Control messages. */

static void ignored(struct vcon *c, const char *what)
{
	atomic_fetch_add_explicit(&c->vdev.guest_errors, 1, memory_order_relaxed);
	TRACE(virtq, "dev=%s ignored: %s", c->vdev.name, what);
}

struct message {
	struct vcon_control control;
	char name[NAME_MAX_BYTES];
};

/* The message that is told next, and its length; 0: there is none. It is not told yet. */
static size_t next_message(const struct vcon *c, struct message *ret_msg,
			   unsigned *ret_port)
{
	static const enum vcon_event events[] = { VCON_DEVICE_ADD, VCON_CONSOLE_PORT,
						  VCON_PORT_NAME, VCON_PORT_OPEN };
	unsigned i = 0, bit;
	size_t len = 0;

	while (i < VCON_PORTS && !c->port[i].tell)
		i++;
	if (i == VCON_PORTS)
		return 0;
	bit = (unsigned)__builtin_ctz(c->port[i].tell);
	ret_msg->control = (struct vcon_control){ .id = le32_of(i),
						  .event = le16_of(events[bit]),
						  .value = le16_of(1) };
	if (events[bit] == VCON_PORT_NAME) {
		len = strlen(names[i]);
		memcpy(ret_msg->name, names[i], len);
	}
	*ret_port = i;
	return sizeof(ret_msg->control) + len;
}

static bool serve_control_in(struct vqueue *q, struct vcon *c)
{
	struct virtq_chain chain;
	struct message msg;
	unsigned port;
	size_t len;

	virtq_kicks_off(&q->vq);
	while ((len = next_message(c, &msg, &port)) > 0 && next(q, &chain)) {
		c->port[port].tell &= (uint8_t)(c->port[port].tell - 1);
		if (chain.in_bytes < len) {
			ignored(c, "a buffer too small for a control message");
			len = 0;
		}
		virtq_copy_in(&chain, 0, &msg, len);
		virtq_done(&q->vq, chain.head, (uint32_t)len);
	}
	vqueue_push(q);
	return len > 0 && virtq_kicks_on(&q->vq);
}

static void port_message(struct vcon *c, unsigned id, unsigned event, bool value)
{
	struct port *p = &c->port[id];

	if (event == VCON_PORT_READY) {
		/* Without: the driver could not add it. */
		p->tell = value ? news_of(id) : 0;
		return;
	}
	pthread_mutex_lock(&c->lock);
	set_open(c, p, value);
	pthread_mutex_unlock(&c->lock);
}

static void take_message(struct vcon *c, const struct virtq_chain *chain)
{
	struct vcon_control m;
	unsigned event;

	if (virtq_copy_out(chain, 0, &m, sizeof(m)) < sizeof(m)) {
		ignored(c, "a control message that is too short");
		return;
	}
	event = le16_get(m.event);
	if (event == VCON_DEVICE_READY) {
		for (unsigned i = 0; i < VCON_PORTS; i++)
			c->port[i].tell = le16_get(m.value) ? TELL_ADD : 0;
	} else if (event != VCON_PORT_READY && event != VCON_PORT_OPEN) {
		ignored(c, "a control message that drivers do not send");
	} else if (le32_get(m.id) >= VCON_PORTS) {
		ignored(c, "a control message about no port");
	} else {
		port_message(c, le32_get(m.id), event, le16_get(m.value));
	}
}

static bool serve_control_out(struct vqueue *q, struct vcon *c)
{
	struct virtq_chain chain;

	virtq_kicks_off(&q->vq);
	for (unsigned n = 0; n < TURN_CHAINS && next(q, &chain); n++) {
		take_message(c, &chain);
		virtq_done(&q->vq, chain.head, 0);
	}
	vqueue_push(q);
	/* A port may have something to tell, or to give. */
	for (unsigned i = 0; i < VCON_QUEUES; i += 2)
		vdev_kick(&c->vdev, i);
	return virtq_kicks_on(&q->vq);
}

static bool serve(struct vqueue *q)
{
	struct vcon *c = vcon_of(q->vdev);
	bool ports = q->vdev->features & VCON_F_MULTIPORT;
	struct port *p;

	/* Without ports there are two queues, whatever the driver has enabled. */
	if (q->vq.error != VIRTQ_OK || (!ports && q->index >= QUEUE_CONTROL_IN))
		return false;
	if (q->index == QUEUE_CONTROL_IN)
		return serve_control_in(q, c);
	if (q->index == QUEUE_CONTROL_OUT)
		return serve_control_out(q, c);
	p = &c->port[q->index < 2 ? 0 : q->index / 2 - 1];
	if (!ports) {
		pthread_mutex_lock(&c->lock);
		set_open(c, p, true);
		pthread_mutex_unlock(&c->lock);
	}
	return q->index & 1 ? serve_output(q, c, p) : serve_input(q, c, p);
}

const struct slow_ops vcon_ops = { .serve = serve };

/* The main thread's half. */

size_t vcon_read(struct vdev *v, enum vcon_port_id port, void *data, size_t size)
{
	struct vcon *c = vcon_of(v);
	struct port *p = &c->port[port];
	size_t n;

	pthread_mutex_lock(&c->lock);
	n = ring_read(&p->out, data, size);
	p->out_wanted = n == 0;
	pthread_mutex_unlock(&c->lock);
	return n;
}

size_t vcon_write(struct vdev *v, enum vcon_port_id port, const void *data, size_t len)
{
	struct vcon *c = vcon_of(v);
	struct port *p = &c->port[port];
	size_t n = 0;

	pthread_mutex_lock(&c->lock);
	if (p->guest_open && (port == VCON_CONSOLE || len <= ring_room(&p->in)))
		n = ring_write(&p->in, data, len);
	p->in_wanted = port == VCON_CONSOLE && n < len;
	pthread_mutex_unlock(&c->lock);
	if (n > 0)
		vdev_kick(v, port == VCON_CONSOLE ? 0 : 2 * port + 2);
	return n;
}

bool vcon_is_open(struct vdev *v, enum vcon_port_id port)
{
	struct vcon *c = vcon_of(v);
	bool open;

	pthread_mutex_lock(&c->lock);
	open = c->port[port].guest_open;
	pthread_mutex_unlock(&c->lock);
	return open;
}

void vcon_counts(struct vdev *v, enum vcon_port_id port, uint64_t *ret_bytes,
		 uint64_t *ret_lost)
{
	struct vcon *c = vcon_of(v);

	pthread_mutex_lock(&c->lock);
	*ret_bytes = c->port[port].bytes;
	*ret_lost = c->port[port].lost;
	pthread_mutex_unlock(&c->lock);
}
