/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * begin.h - from an empty shell to one that serves, and the last things before it leaves
 */
#ifndef KZ_RESTARTER_BEGIN_H
#define KZ_RESTARTER_BEGIN_H

#include "restarter/shell.h"

/**
 * begin_lock() - Make the directories and be the only svc.zones of this root
 *
 * Return: 0, -EBUSY (the text names the process that is), or what the system gave, with
 * the path
 */
int begin_lock(const struct paths *p, int *ret_lock, struct errmsg *e);

/**
 * begin_load() - Read everything and tell the core; nothing acts yet
 * @plan:	As if the host had just booted
 *
 * Return: 0, -EINVAL (state.json and the generation before it are damaged), -ENOMEM, or
 * what reading gave
 */
int begin_load(struct shell *sh, bool plan, struct errmsg *e);

/* Adopt, act, listen, watch signals. 0 or -errno with a text. */
int begin_serve(struct shell *sh, struct errmsg *e);

/* After a clean stop nothing is left below /run but the lock; the next start boots. */
void begin_leave(struct shell *sh);

#endif
