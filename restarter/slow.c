// SPDX-License-Identifier: BSD-2-Clause
/*
 * slow.c - work that may hang, each on a thread of its own
 */
#include "restarter/slow.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

/* Shared by the loop and the threads, and freed by who is the last of them. */
struct slow_box {
	pthread_mutex_t lock; /* of what follows, and of given_up and at */
	unsigned refs;        /* the loop, its handle, each thread */
	bool closed;          /* the loop does not listen any more */
	struct slow *finished;
	/* the loop's */
	uv_async_t wake;
	struct slow *all;
};

/* With the lock held, which goes. */
static void unlock_and_drop(struct slow_box *box)
{
	bool last = --box->refs == 0;

	pthread_mutex_unlock(&box->lock);
	if (!last)
		return;
	pthread_mutex_destroy(&box->lock);
	free(box);
}

static void drop(struct slow_box *box)
{
	pthread_mutex_lock(&box->lock);
	unlock_and_drop(box);
}

static void closed(uv_handle_t *h)
{
	drop(h->data);
}

static void on_wake(uv_async_t *wake)
{
	struct slow_box *box = wake->data;
	struct slow *s, *next;

	pthread_mutex_lock(&box->lock);
	s = take_ptr(&box->finished);
	pthread_mutex_unlock(&box->lock);
	for (; s; s = next) {
		next = s->next_finished;
		*s->pprev = s->next;
		if (s->next)
			s->next->pprev = s->pprev;
		s->done(s);
	}
}

int slow_box_new(uv_loop_t *loop, struct slow_box **ret_box)
{
	struct slow_box *box = calloc(1, sizeof(*box));

	if (!box || uv_async_init(loop, &box->wake, on_wake)) {
		free(box);
		return -ENOMEM;
	}
	box->wake.data = box;
	box->refs = 2;
	pthread_mutex_init(&box->lock, NULL);
	*ret_box = box;
	return 0;
}

void slow_box_free(struct slow_box *box)
{
	struct slow *s, *next;

	if (!box)
		return;
	pthread_mutex_lock(&box->lock);
	box->closed = true;
	s = take_ptr(&box->finished);
	unlock_and_drop(box);
	for (; s; s = next) {
		next = s->next_finished;
		s->free(s);
	}
	uv_close((uv_handle_t *)&box->wake, closed);
}

/* Not wanted any more, or the loop has gone: lets go of everything, without the lock. */
static void release_unwanted(struct slow_box *box, struct slow *s)
{
	if (!s->given_up && !box->closed)
		return;
	pthread_mutex_unlock(&box->lock);
	s->release(s);
	pthread_mutex_lock(&box->lock);
}

static void *thread_main(void *arg)
{
	struct slow *s = arg;
	struct slow_box *box = s->box;

	(void)pthread_setname_np(pthread_self(), "storage");
	s->work(s);
	pthread_mutex_lock(&box->lock);
	s->at[0] = '\0';
	release_unwanted(box, s);
	if (box->closed) {
		pthread_mutex_unlock(&box->lock);
		s->free(s);
		pthread_mutex_lock(&box->lock);
	} else {
		s->next_finished = box->finished;
		box->finished = s;
		uv_async_send(&box->wake);
	}
	unlock_and_drop(box);
	return NULL;
}

/* Detached, and without signals: those are the loop's. 0 or -errno. */
static int run(struct slow *s)
{
	sigset_t all, before;
	pthread_attr_t attr;
	pthread_t thread;
	int r = pthread_attr_init(&attr);

	if (r)
		return -r;
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&thread, &attr, thread_main, s);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	return -r;
}

int slow_start(struct slow_box *box, struct slow *s)
{
	int r;

	s->box = box;
	pthread_mutex_lock(&box->lock);
	box->refs++;
	pthread_mutex_unlock(&box->lock);
	r = run(s);
	if (r < 0) {
		drop(box);
		return r;
	}
	s->next = box->all;
	s->pprev = &box->all;
	if (s->next)
		s->next->pprev = &s->next;
	box->all = s;
	return 0;
}

void slow_give_up(struct slow *s)
{
	pthread_mutex_lock(&s->box->lock);
	s->given_up = true;
	pthread_mutex_unlock(&s->box->lock);
}

struct slow *slow_left(const struct slow_box *box, const char *zone)
{
	for (struct slow *s = box->all; s; s = s->next)
		if (s->given_up && strcmp(s->zone, zone) == 0)
			return s;
	return NULL;
}

void slow_where(struct slow *s, char ret_path[static SLOW_PATH_SIZE])
{
	pthread_mutex_lock(&s->box->lock);
	memcpy(ret_path, s->at, SLOW_PATH_SIZE);
	pthread_mutex_unlock(&s->box->lock);
}

int slow_at(struct slow *s, const char *path)
{
	char room[SLOW_PATH_SIZE];
	bool unwanted;

	if (!s)
		return 0;
	pthread_mutex_lock(&s->box->lock);
	snprintf(s->at, sizeof(s->at), "%s", path_said(path, room));
	unwanted = s->given_up || s->box->closed;
	pthread_mutex_unlock(&s->box->lock);
	return unwanted ? -ECANCELED : 0;
}
