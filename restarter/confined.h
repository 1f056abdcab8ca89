/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * confined.h - what each kzhost is ordered to confine itself with
 *
 * DOC: What cannot be had
 *
 * As root, svc.zones gives each zone that runs a uid and a gid of its own, and makes
 * namespaces that all zones join (common/sys/jail.h). Then what should be possible and
 * fails is why a zone does not boot. Otherwise zones have the uid of svc.zones, and the
 * namespaces are tried inside a user namespace; a kernel that refuses that is no reason
 * not to boot, but is told.
 */
#ifndef KZ_RESTARTER_CONFINED_H
#define KZ_RESTARTER_CONFINED_H

#include "common/base/buf.h"
#include "restarter/hosts.h"

#define CONFINED_UIDS 65536u /* from config/first-zone-uid on; also the gids */

/**
 * confined_uid() - The uid and gid of the next kzhost
 * @ret_uid:	One that no kzhost has, adopted and stray ones included; 0 where svc.zones
 *		may not give uids: kzhost keeps that of svc.zones
 *
 * They are given one after the other and not to the same zone again: nothing of a zone
 * that has ended can belong to the next one that begins. No entry of passwd(5) is needed.
 *
 * Return: 0, or -EUSERS (all are in use) with a text
 */
int confined_uid(struct shell *sh, uid_t *ret_uid, struct errmsg *e);

/**
 * confined_jail() - See that there are namespaces for the next kzhost: sh->jail
 *
 * Return: 0, also when there can be none: sh->jail_why tells. What jail_make() gave, with
 * its text, when svc.zones has the privilege that they take; the next boot tries again.
 */
int confined_jail(struct shell *sh, struct errmsg *e);

/*
 * Appends "confinement": how the process is confined (status.schema.json), as it said
 * before its guest ran; what it lacks, and why. null until it has answered HELLO.
 */
void confined_view(const struct shell *sh, const struct host *h, struct buf *o);

#endif
