/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zonecfg_live.h - zonecfg -r: the configuration that a running zone has
 */
#ifndef KZ_CLI_ZONECFG_LIVE_H
#define KZ_CLI_ZONECFG_LIVE_H

#include "common/base/buf.h"
#include "common/zone/conf.h"

#include <jansson.h>

/**
 * live_load() - What the running zone was booted with, and changed to since
 *
 * Return: 0, -EINVAL (it does not run, or svc.zones does not know what it was booted
 * with), -ENOMEM, or what asking svc.zones gave
 */
int live_load(const struct paths *p, const char *zone, struct zconf **ret_conf,
	      struct errmsg *e);

/* Appends a line for each thing that differs: what is about to be checked. */
void live_describe(struct buf *out, const struct zconf *from, const struct zconf *to);

/* The changes that make @to of @from, for Reconfigure: a new object; NULL: no memory. */
json_t *live_changes(const struct zconf *from, const struct zconf *to);

/**
 * live_apply() - Have svc.zones change the running zone
 *
 * Return: 0, -ENOTSUP (a property that is not live), or what client_call() gave, with
 * svc.zones' reason
 */
int live_apply(const struct paths *p, const struct zconf *from, const struct zconf *to,
	       struct errmsg *e);

#endif
