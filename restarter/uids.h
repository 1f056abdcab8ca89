/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uids.h - a uid for each zone that runs
 */
#ifndef KZ_RESTARTER_UIDS_H
#define KZ_RESTARTER_UIDS_H

#include "restarter/shell.h"

#define UIDS_N 65536u /* from config/first-zone-uid on; also the gids */

/**
 * uids_next() - The uid and gid of the next kzhost
 * @ret_uid:	One that no kzhost has, adopted and stray ones included; 0 where svc.zones
 *		may not give uids (it is not root): kzhost keeps that of svc.zones
 *
 * They are given one after the other and not to the same zone again: nothing of a zone
 * that has ended can belong to the next one that begins. No entry of passwd(5) is needed.
 *
 * Return: 0, or -EUSERS (all are in use) with a text
 */
int uids_next(struct shell *sh, uid_t *ret_uid, struct errmsg *e);

#endif
