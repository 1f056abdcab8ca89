/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * usage.h - what a zone's process has used
 */
#ifndef KZ_RESTARTER_USAGE_H
#define KZ_RESTARTER_USAGE_H

#include "restarter/shell.h"

#define USAGE_AGE_MS 5000 /* looked at again when older */

/**
 * usage_cpu_usec() - CPU time that the zone's kzhost has used, in microseconds
 *
 * From /proc/PID/stat, at most USAGE_AGE_MS old, so that many zones in many documents
 * cost little. 0 when the zone has no process or that cannot be read.
 */
uint64_t usage_cpu_usec(const struct shell *sh, struct zone *z);

#endif
