/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vrng.c - fills what the driver makes available, a bounded portion a turn
 */
#include "kzhost/dev/vrng.h"

#include <stdlib.h>
#include <sys/random.h>

#define CLASS_SYSTEM 0x088000 /* base system peripheral, other */
#define QUEUE_SIZE   64
#define TURN_CHAINS  16

const struct dev_class vrng_class = {
	.name = "vrng",
	.virtio_id = 4,
	.pci_class = CLASS_SYSTEM,
	.queue_size = QUEUE_SIZE,
	.size = sizeof(struct vdev),
};

int vrng_new(const struct vdev_env *env, struct vdev **ret_vdev)
{
	struct vdev *v = calloc(1, sizeof(*v));
	int r;

	if (!v)
		return -ENOMEM;
	r = vdev_init(v, &vrng_class, env, 0, 0, 1);
	if (r < 0)
		vrng_free(v);
	else
		*ret_vdev = v;
	return r;
}

void vrng_free(struct vdev *v)
{
	vdev_fini(v);
	free(v);
}

/* Bytes stored in the chain's buffers, @max at most. */
static uint32_t fill(const struct virtq_chain *c, uint32_t max)
{
	uint32_t done = 0;

	for (unsigned i = 0; i < c->n_in && done < max; i++) {
		size_t len = MIN(c->iov[i].iov_len, max - done), part = 0;

		while (part < len) {
			ssize_t n = getrandom((uint8_t *)c->iov[i].iov_base + part,
					      len - part, 0);

			if (n < 0 && errno != EINTR)
				return done;
			part += n > 0 ? (size_t)n : 0;
			done += n > 0 ? (uint32_t)n : 0;
		}
	}
	return done;
}

/* The next chain; false: there is none, or the driver broke the rules. */
static bool next(struct vqueue *q, struct virtq_chain *ret_chain)
{
	if (!virtq_next(&q->vq, ret_chain)) {
		if (q->vq.error != VIRTQ_OK)
			vdev_broken(q, q->vq.error);
		return false;
	}
	/* Only buffers to be filled may come (5.4.6.1). */
	if (ret_chain->n_out > 0)
		vdev_broken(q, VIRTQ_ERR_REQUEST);
	return ret_chain->n_out == 0;
}

static bool serve(struct vqueue *q)
{
	struct virtq_chain chain;
	uint32_t bytes = 0;

	if (q->vq.error != VIRTQ_OK)
		return false;
	virtq_kicks_off(&q->vq);
	for (unsigned n = 0; n < TURN_CHAINS && bytes < VRNG_TURN_MAX; n++) {
		uint32_t written;

		if (!next(q, &chain))
			break;
		written = fill(&chain, VRNG_TURN_MAX - bytes);
		virtq_done(&q->vq, chain.head, written);
		bytes += written;
	}
	vqueue_push(q);
	return virtq_kicks_on(&q->vq);
}

const struct slow_ops vrng_ops = { .serve = serve };
