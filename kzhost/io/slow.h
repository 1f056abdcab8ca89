/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * slow.h - one thread that owns the queues of all devices that need no speed
 *
 * DOC: Turns
 *
 * The thread waits for the kick_fd of every queue, and gives each one that is ready a
 * turn of bounded work. A queue that has more to do kicks itself and comes again after
 * the others, so none starves another. Orders of the machine and of the device's other
 * threads (input has come, stop) are kicks as well: a turn looks at everything.
 */
#ifndef KZ_IO_SLOW_H
#define KZ_IO_SLOW_H

#include "kzhost/dev/virtio.h"

#define SLOW_QUEUES_MAX 64

struct slow_ops {
	/* A turn of an active queue, bounded. True: it has more to do. */
	bool (*serve)(struct vqueue *q);
	/* Gives up what it holds of a queue that is to stop; may be NULL. */
	void (*stop)(struct vqueue *q);
};

struct slow {
	unsigned n;
	struct slow_queue {
		struct vqueue *q; /* borrowed */
		const struct slow_ops *ops;
	} queue[SLOW_QUEUES_MAX];
	int wake; /* eventfd: look at quit; -1 = none */
	atomic_bool quit;
	bool running; /* to be joined */
	pthread_t thread;
	const struct slow_env *env;
};

/* What the thread is given. */
struct slow_env {
	int (*init)(void);                /* run first on the thread; may be NULL */
	void (*failed)(void *arg, int r); /* init gave r; the thread ends */
	void *arg;
};

/* 0 or what eventfd(2) gave; slow_fini() may follow in every case. */
int slow_init(struct slow *s);
void slow_fini(struct slow *s);

/* Makes the thread the owner of a queue; before slow_start(). 0 or -ENOSPC */
int slow_add(struct slow *s, struct vqueue *q, const struct slow_ops *ops);

/* Starts the thread; signals stay blocked as the caller has them. @env: borrowed until
 * slow_stop(). 0 or what pthread_create(3) gave, negative */
int slow_start(struct slow *s, const struct slow_env *env);

/* Ends and joins it; a queue that is still active is not served any more. Does nothing
 * when it does not run. */
void slow_stop(struct slow *s);

#endif
