/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sweep.h - files that a killed file_replace() left behind, removed at start
 */
#ifndef KZ_RESTARTER_SWEEP_H
#define KZ_RESTARTER_SWEEP_H

#include "common/sys/paths.h"

/**
 * sweep_leftovers() - Remove the temporary files of writers that were killed
 *
 * Only what file_replace() calls its own (".NAME.XXXXXX", a regular file) and only for
 * the NAMEs that are ours: the restarter's files, those of running zones among them,
 * which nobody else writes (its lock is held), and zones' configurations, each under its
 * lock, as zonecfg may be writing one now. Keys are left to the next commit of their
 * zone.
 *
 * Return: how many were removed
 */
unsigned sweep_leftovers(const struct paths *p);

#endif
