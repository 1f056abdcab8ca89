/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vtoy.c - configuration space that is read and written, and queues that stop
 */
#include "tests/virtio/vtoy.h"

#include <string.h>

static struct vtoy *vtoy_of(struct vdev *v)
{
	return container_of(v, struct vtoy, v);
}

static void config_read(struct vdev *v, unsigned offset, void *data, unsigned len)
{
	memcpy(data, vtoy_of(v)->config + offset, len);
}

static void config_write(struct vdev *v, unsigned offset, const void *data, unsigned len)
{
	memcpy(vtoy_of(v)->config + offset, data, len);
}

static void reset(struct vdev *v)
{
	vtoy_of(v)->resets++;
}

static const struct state_field fields[] = {
	STATE_ARRAY(struct vtoy, config, 1),
};

const struct dev_class vtoy_class = {
	.name = "toy",
	.virtio_id = 42,
	.pci_class = 0x018000,
	.queue_size = VTOY_QUEUE,
	.config_size = VTOY_CONFIG,
	.size = sizeof(struct vtoy),
	.config_read = config_read,
	.config_write = config_write,
	.reset = reset,
	.fields = fields,
	.n_fields = ARRAY_SIZE(fields),
};

void vtoy_obey(struct vdev *v)
{
	for (unsigned i = 0; i < v->n_queues; i++) {
		if (vqueue_state(&v->queue[i]) == VQUEUE_STOPPING)
			vqueue_stopped(&v->queue[i]);
	}
}
