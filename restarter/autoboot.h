/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * autoboot.h - svcadm enable and disable without -t are the property autoboot
 */
#ifndef KZ_RESTARTER_AUTOBOOT_H
#define KZ_RESTARTER_AUTOBOOT_H

#include "restarter/shell.h"

/**
 * autoboot_check() - May the zone's configuration be written now?
 *
 * Return: 0, -EBUSY (somebody edits it; the text names the process), or what the lock
 * gave
 */
int autoboot_check(struct shell *sh, const struct zone *z, struct errmsg *e);

/**
 * autoboot_write() - Write the property
 *
 * Return: 0 or -errno; what fails is logged, and the text says it
 */
int autoboot_write(struct shell *sh, const struct zone *z, bool value, struct errmsg *e);

#endif
