/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * slow.c - the loop of the thread that serves slow devices
 */
#include "kzhost/io/slow.h"

#include "common/sys/thread.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>

#define SLOW_STACK (64 * KIB)

int slow_init(struct slow *s)
{
	s->n = 0;
	s->running = false;
	atomic_init(&s->quit, false);
	s->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return s->wake < 0 ? -errno : 0;
}

void slow_fini(struct slow *s)
{
	slow_stop(s);
	closep(&s->wake);
}

int slow_add(struct slow *s, struct vqueue *q, const struct slow_ops *ops)
{
	if (s->n == SLOW_QUEUES_MAX)
		return -ENOSPC;
	s->queue[s->n++] = (struct slow_queue){ q, ops };
	return 0;
}

static void kick(int fd)
{
	uint64_t one = 1;

	/* Fails only when the counter is full, and then it is readable anyway. */
	(void)!write(fd, &one, sizeof(one));
}

static void take_turn(const struct slow_queue *sq)
{
	struct vqueue *q = sq->q;
	uint64_t count;

	if (read(q->kick_fd, &count, sizeof(count)) != sizeof(count))
		return;
	switch (vqueue_state(q)) {
	case VQUEUE_IDLE:
		break;
	case VQUEUE_ACTIVE:
		atomic_fetch_add_explicit(&q->kicks, 1, memory_order_relaxed);
		if (sq->ops->serve(q))
			kick(q->kick_fd);
		break;
	case VQUEUE_STOPPING:
		if (sq->ops->stop)
			sq->ops->stop(q);
		vqueue_stopped(q);
		break;
	}
}

static void *slow_main(void *arg)
{
	struct slow *s = arg;
	struct pollfd p[SLOW_QUEUES_MAX + 1];
	int r;

	thread_set_name("devices");
	r = s->env->init ? s->env->init() : 0;
	if (r < 0) {
		s->env->failed(s->env->arg, r);
		return NULL;
	}
	for (unsigned i = 0; i < s->n; i++)
		p[i] = (struct pollfd){ s->queue[i].q->kick_fd, POLLIN, 0 };
	p[s->n] = (struct pollfd){ s->wake, POLLIN, 0 };
	while (!atomic_load(&s->quit)) {
		if (poll(p, s->n + 1, -1) < 0)
			continue; /* EINTR */
		for (unsigned i = 0; i < s->n; i++) {
			if (p[i].revents)
				take_turn(&s->queue[i]);
		}
	}
	return NULL;
}

int slow_start(struct slow *s, const struct slow_env *env)
{
	pthread_attr_t attr;
	int r;

	s->env = env;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, SLOW_STACK);
	r = pthread_create(&s->thread, &attr, slow_main, s);
	pthread_attr_destroy(&attr);
	s->running = r == 0;
	return -r;
}

void slow_stop(struct slow *s)
{
	if (!s->running)
		return;
	atomic_store(&s->quit, true);
	kick(s->wake);
	pthread_join(s->thread, NULL);
	s->running = false;
}
