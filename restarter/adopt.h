/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * adopt.h - find the kzhosts that an earlier restarter left, at start
 */
#ifndef KZ_RESTARTER_ADOPT_H
#define KZ_RESTARTER_ADOPT_H

#include "restarter/shell.h"

/**
 * adopt_all() - Adopt the kzhost of every installed zone that has one
 *
 * Says HELLO to all of them at once and waits for all together at most ADOPT_MS, before
 * the loop runs. Each one found becomes ADOPT (and VM_PANICKED); a kzhost that has no
 * machine yet, or is not that of the zone, is killed; the zone of one
 * that does not answer gets a stray (stray.h): it is not booted until that process is
 * gone. Zones must have been set before.
 */
void adopt_all(struct shell *sh);

#endif
