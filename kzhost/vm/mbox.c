/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mbox.c - a few events under a lock and an eventfd
 *
 * The eventfd is cleared under the lock that events are added under, and before the
 * caller looks at the console, so that nothing which comes later can be missed.
 */
#include "kzhost/vm/mbox.h"

#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>

int mbox_init(struct mbox *m)
{
	pthread_mutex_init(&m->lock, NULL);
	m->n = 0;
	m->eventfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return m->eventfd < 0 ? -errno : 0;
}

void mbox_fini(struct mbox *m)
{
	closep(&m->eventfd);
	pthread_mutex_destroy(&m->lock);
}

void mbox_wake(struct mbox *m)
{
	uint64_t one = 1;

	/* Fails only when the counter is full, and then the eventfd is readable anyway.
	 */
	if (write(m->eventfd, &one, sizeof(one)) < 0)
		return;
}

void mbox_post(struct mbox *m, enum vm_event_type type, const char *text)
{
	unsigned room = type == VM_EV_DEVICE ? MBOX_EVENTS / 2 : MBOX_EVENTS;

	pthread_mutex_lock(&m->lock);
	if (m->n < room) {
		struct vm_event *ev = &m->event[m->n++];

		ev->type = type;
		snprintf(ev->text, sizeof(ev->text), "%s", text);
	}
	mbox_wake(m);
	pthread_mutex_unlock(&m->lock);
}

bool mbox_take(struct mbox *m, struct vm_event *ret_event)
{
	uint64_t count;
	bool have;

	pthread_mutex_lock(&m->lock);
	have = m->n > 0;
	if (have) {
		*ret_event = m->event[0];
		m->n--;
		memmove(&m->event[0], &m->event[1], m->n * sizeof(m->event[0]));
	} else if (read(m->eventfd, &count, sizeof(count)) < 0) {
		count = 0; /* it was not readable */
	}
	pthread_mutex_unlock(&m->lock);
	return have;
}
