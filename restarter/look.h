/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * look.h - is the storage of a zone that is unavailable there again?
 *
 * DOC: Looking
 *
 * svc.zones looks when it starts, and when an operator asks by svcadm clear, on a thread
 * (slow.h): what has failed a boot may well be storage that does not answer. There is one
 * look a zone at most. When its time is over who has asked is told so; the thread is left
 * alone until it comes back, and another look at the zone is refused meanwhile.
 *
 * It sees what zoneadm attach sees, and takes nothing: what is left (a block device that
 * is mounted, say) a boot finds out.
 */
#ifndef KZ_RESTARTER_LOOK_H
#define KZ_RESTARTER_LOOK_H

#include "restarter/shell.h"

/* All looks that are under way. */
struct looks;
/* 0 or -ENOMEM. */
int looks_new(struct shell *sh, struct looks **ret_looks);
/* No thread is waited for, and nobody is answered. */
void looks_free(struct looks *all);

/* Looks at all zones that are unavailable, some at a time, and attaches those whose
 * storage is there. */
void looks_begin(struct shell *sh);

/**
 * look_begin() - Look at the storage of a zone that is unavailable
 * @op:		An operator's svcadm clear, which is carried out when the storage is there,
 *		and answered in any case but failure here; 0: the zone is attached then
 *
 * Return: 0, -EBUSY (there is a look at it already; the text says where it is), -ENOMEM,
 * or why the configuration cannot be read
 */
int look_begin(struct shell *sh, struct zone *z, uint64_t op, struct errmsg *e);

#endif
