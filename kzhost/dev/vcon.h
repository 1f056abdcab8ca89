/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vcon.h - a console with ports (VIRTIO 1.2, 5.3)
 *
 * DOC: Ports and queues
 *
 *	port 0	the console, hvc0		queues 0 (to the guest), 1 (from it)
 *	port 1	org.qemu.guest_agent.0		queues 4, 5
 *	port 2	org.kzones.goals		queues 6, 7
 *	control messages			queues 2, 3
 *
 * A driver that does not accept MULTIPORT has port 0 only. The host has every port open
 * from the beginning: a guest whose script writes to a port must not wait for somebody to
 * take interest. The console's size is not known and not offered.
 *
 * DOC: Nobody waits for anybody
 *
 * What the guest writes goes to a ring for each port; when it is full its oldest bytes
 * go, and are counted. So a driver that waits for its buffers never waits for the main
 * thread. What the main thread has for the guest waits in a ring too, until the guest has
 * the port open and gives buffers; the writer is told how much fitted. Closing a port,
 * and a reset, drop what waits for the guest, not what it has written.
 *
 * Control messages for the guest are bits, not a queue: a driver that asks for them
 * without end makes nothing grow.
 *
 * Saved are the bytes that wait, both ways, which ports are open, and what the driver has
 * not been told yet. Names and the console's size cannot change.
 *
 * DOC: Threads
 *
 * Queues belong to the thread of slow devices. The rings, and what a port's state is, are
 * under a lock of their own, taken after vdev->lock and held for copies only.
 */
#ifndef KZ_DEV_VCON_H
#define KZ_DEV_VCON_H

#include "common/base/le.h"
#include "kzhost/io/slow.h"

#define VCON_PORTS_LIST(X) \
	X(CONSOLE, "", 65536, 4096) \
	X(AGENT, "org.qemu.guest_agent.0", 4096, 1024) \
	X(GOALS, "org.kzones.goals", 4096, 1024)

/* Ports: id, name in the guest, bytes from and to the guest that may wait. */
enum vcon_port_id {
#define X(id, name, out, in) VCON_##id,
	VCON_PORTS_LIST(X)
#undef X
		VCON_PORTS
};

#define VCON_F_MULTIPORT (1ull << 1)
#define VCON_QUEUES      (2 * VCON_PORTS + 2)

/* A control message (5.3.6.2). */
struct vcon_control {
	le32 id; /* of the port */
	le16 event;
	le16 value;
};
static_assert(sizeof(struct vcon_control) == 8, "VIRTIO 1.2, 5.3.6.2");

enum vcon_event {
	VCON_DEVICE_READY, /* driver: shall hear of the ports */
	VCON_DEVICE_ADD,
	VCON_DEVICE_REMOVE,
	VCON_PORT_READY, /* driver: has the port */
	VCON_CONSOLE_PORT,
	VCON_RESIZE,
	VCON_PORT_OPEN, /* both */
	VCON_PORT_NAME, /* a name follows, without a NUL */
};

extern const struct dev_class vcon_class;
extern const struct slow_ops vcon_ops; /* of all its queues */

/**
 * vcon_new() - A console and its ports
 * @wake:	Called on any thread, the device's locks held: output where there was
 * none, room for input where there was none, or a port was opened or closed
 *
 * Return: 0, -ENOMEM or what eventfd(2) gave
 */
int vcon_new(const struct vdev_env *env, void (*wake)(void *arg), void *wake_arg,
	     struct vdev **ret_vdev);

/* Its queues have stopped. */
void vcon_free(struct vdev *v);

/* What the guest wrote; 0 = nothing: then, and only then, the next byte wakes, and one
 * that makes the ring half full. On any thread, as all below. */
size_t vcon_read(struct vdev *v, enum vcon_port_id port, void *data, size_t size);

/**
 * vcon_write() - Bytes for the guest
 *
 * The console takes as many as fit, and wakes when there is room again; a named port
 * takes all or nothing.
 *
 * Return: bytes taken; 0 when the guest does not have the port open
 */
size_t vcon_write(struct vdev *v, enum vcon_port_id port, const void *data, size_t len);

/* Does the guest have the port open? */
bool vcon_is_open(struct vdev *v, enum vcon_port_id port);

/* Bytes the guest wrote to a port, and how many of them were dropped unread. */
void vcon_counts(struct vdev *v, enum vcon_port_id port, uint64_t *ret_bytes,
		 uint64_t *ret_lost);

#endif
