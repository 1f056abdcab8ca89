/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * away.h - zones whose storage is not there: unavailable, and back
 *
 * DOC: Unavailable
 *
 * Of an installed zone the core remembers that it is unavailable (core.h, Storage): a
 * boot that found no storage, or an operator's mark, made it so. The zone's record says
 * installed meanwhile; zone_life() tells both. The ways back look for the storage first:
 * zoneadm attach by itself, svcadm clear and the start of svc.zones by look.h. They see
 * less than a boot, which opens the disks: what is left finds it out.
 */
#ifndef KZ_RESTARTER_AWAY_H
#define KZ_RESTARTER_AWAY_H

#include "restarter/shell.h"

/* Says to all who want to know that the zone's life has changed, if it has. */
void away_note(struct shell *sh, struct zone *z, enum life_state from);

/**
 * away_set() - Tell the core that the storage of an installed zone is not, or is, there
 * @why:	What is missing; when it is there: NULL
 *
 * Return: 0, -EBUSY (not there, yet the zone has a machine), -ENOENT (no instance)
 */
int away_set(struct shell *sh, struct zone *z, bool there, const char *why);

#endif
