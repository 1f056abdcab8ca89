/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * launch.h - a boot on its way from VM_START to its kzhost
 *
 * DOC: Storage that does not answer
 *
 * What an operator has named is opened on a thread (slow.h), so that nobody but this boot
 * waits for it. After some seconds the zone's reason says for which path; after a deadline
 * the boot has failed. A boot that is given up, by an operator, the host's stop or its
 * deadline, is over at once for everybody but its thread. As long as that has not come
 * back the zone's next boot waits for it: it would hang at the same place, and when
 * storage is there again the two would take each other's locks.
 */
#ifndef KZ_RESTARTER_LAUNCH_H
#define KZ_RESTARTER_LAUNCH_H

#include "restarter/shell.h"

/* All boots that are on their way. */
struct launches;
/* 0 or -ENOMEM. */
int launches_new(struct shell *sh, struct launches **ret_launches);
/* Gives all of them up without a word; no thread is waited for. */
void launches_free(struct launches *all);

/**
 * launch_begin() - Carry out VM_START
 * @z:		Has no machine; has a launch after this, or VM_FAILED has been told
 *
 * On success the zone has a host in the end, else VM_FAILED is told with the reason.
 */
void launch_begin(struct shell *sh, struct zone *z);

/* Gives the zone's boot up, if there is one on its way; telling is the caller's. */
bool launch_give_up(struct shell *sh, struct zone *z);

/* What the zone's boot waits for, in words; NULL: for nothing worth a word. */
const char *launch_waits(const struct zone *z);

#endif
