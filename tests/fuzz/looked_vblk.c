// SPDX-License-Identifier: BSD-2-Clause
/*
 * looked_vblk.c - vblk.c and vblk_req.c, watched by guest.c; owners take their turns when
 * they are told
 */
#include "kzhost/dev/vblk.h"
#include "tests/fuzz/guest.h"

#define virtq_next guest_next
#define virtq_done guest_done
#define blkio_wait never_sleep

/* A wait for nobody but the disk. */
static int never_sleep(struct blkio *b);

#include "kzhost/dev/vblk.c"
#include "kzhost/dev/vblk_req.c"

#undef blkio_wait

static int never_sleep(struct blkio *b)
{
	return b->in_flight > 0 ? blkio_wait(b) : 0;
}

void looked_vblk_begin(struct vdev *v)
{
	atomic_store(&vblk_of(v)->lossy, false); /* that was another input's disk */
	for (unsigned i = 0; i < v->n_queues; i++)
		ASSERT(blkio_attach(vblk_of(v)->lane[i].io) == 0);
}

void looked_vblk_turn(struct vdev *v, unsigned queue)
{
	struct lane *l = &vblk_of(v)->lane[queue];

	memset(l->look_ns, 0, sizeof(l->look_ns));
	switch (vqueue_state(l->q)) {
	case VQUEUE_ACTIVE:
		serve(l);
		break;
	case VQUEUE_STOPPING:
		stop(l);
		guest_forget(&l->q->vq);
		break;
	case VQUEUE_IDLE:
		complete_all(l);
		break;
	}
}
