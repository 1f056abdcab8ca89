/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * plan.h - svc.zones -n: what a boot of the host would do, without doing it
 */
#ifndef KZ_RESTARTER_PLAN_H
#define KZ_RESTARTER_PLAN_H

#include "restarter/shell.h"

/**
 * plan_print() - Print the zones that would be booted, in order, and why others would not
 *
 * The core runs in imagined time with machines that all start.
 *
 * Return: 0, or -EINVAL when a configuration cannot be used (each is named)
 */
int plan_print(struct shell *sh);

#endif
