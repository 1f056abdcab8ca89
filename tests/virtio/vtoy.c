/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vtoy.c - configuration space that is read and written, and queues that stop
 */
#include "tests/virtio/vtoy.h"

#include "tests/harness/harness.h"

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

static const struct state_rest rest[] = {
	STATE_REST(struct vtoy, v),
	STATE_REST(struct vtoy, resets),
};

static const struct state_table table = {
	.name = "vtoy",
	.size = sizeof(struct vtoy),
	STATE_FIELDS(fields),
	STATE_RESTS(rest),
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
	.state = &table,
};

void vtoy_obey(struct vdev *v)
{
	for (unsigned i = 0; i < v->n_queues; i++) {
		if (vqueue_state(&v->queue[i]) == VQUEUE_STOPPING)
			vqueue_stopped(&v->queue[i]);
	}
}

struct vtoy_bed *vtoy_bed_new(void)
{
	struct vtoy_bed *b = calloc(1, sizeof(*b));
	struct vdev_env env;

	T_NOT_NULL(b);
	vbed_init(&b->m, VTOY_MEM);
	env = vbed_env(&b->m, &b->p);
	T_OK(vdev_init(&b->toy.v, &vtoy_class, &env, 7, 1, VTOY_N_QUEUES));
	vbed_add(&b->m, VTOY_SLOT, &b->p, &b->toy.v);
	vdriver_find(&b->d, &b->m.mmio, VTOY_SLOT);
	return b;
}

void vtoy_bed_free(struct vtoy_bed **b)
{
	vdev_stop(&(*b)->toy.v);
	vtoy_obey(&(*b)->toy.v);
	virtio_pci_fini(&(*b)->p);
	virtio_pci_fini(&(*b)->p);
	T_EQ((*b)->m.n_kicks, 0);
	for (unsigned i = 0; i < VBED_ROUTES; i++)
		T_FALSE((*b)->m.route[i].bound);
	vdev_fini(&(*b)->toy.v);
	vbed_fini(&(*b)->m);
	free(*b);
}
