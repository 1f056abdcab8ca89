/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mbox.h - what vCPU threads have to tell the main thread
 */
#ifndef KZ_VM_MBOX_H
#define KZ_VM_MBOX_H

#include "kzhost/vm/vm.h"

#include <pthread.h>

#define MBOX_EVENTS 8

struct mbox {
	pthread_mutex_t lock; /* of all below */
	int eventfd;
	unsigned n;
	struct vm_event event[MBOX_EVENTS];
};

/* 0 or what eventfd(2) gave. mbox_fini() may follow in every case. */
int mbox_init(struct mbox *m);
void mbox_fini(struct mbox *m);

/* Adds an event; one too many is dropped: the first ones say what happened. VM_EV_DEVICE,
 * which a guest can make as it likes, leaves room for the others. */
void mbox_post(struct mbox *m, enum vm_event_type type, const char *text);

/* Makes the eventfd readable. */
void mbox_wake(struct mbox *m);

/* The oldest event, or false after the eventfd was cleared. */
bool mbox_take(struct mbox *m, struct vm_event *ret_event);

#endif
