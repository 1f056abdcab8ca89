/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * plan.h - what a boot of the host would do, without doing it
 */
#ifndef KZ_RESTARTER_PLAN_H
#define KZ_RESTARTER_PLAN_H

#include "restarter/shell.h"

#include <jansson.h>

/**
 * plan_make() - Imagine a boot of the host
 * @ret_plan:	Owned by the caller: {"boots": [{wave, zone, priority, waits}], "others":
 *		[{zone, reason}]}; waits is what the zone waited for before its wave, or
 * ""
 *
 * A core of its own runs in imagined time, with machines that all start and reach their
 * goals at once. A wave is what is started when the one before is online.
 *
 * Return: 0 or -ENOMEM
 */
int plan_make(struct shell *sh, json_t **ret_plan);

/**
 * plan_print() - svc.zones -n: print the zones that would be booted, in order, and why
 * others would not
 *
 * Return: 0, -ENOMEM, or -EINVAL when a configuration cannot be used (each is named)
 */
int plan_print(struct shell *sh);

#endif
