/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * settings.h - svc.zones.json takes effect; the properties as operators see them
 */
#ifndef KZ_RESTARTER_SETTINGS_H
#define KZ_RESTARTER_SETTINGS_H

#include "restarter/shell.h"

#include <jansson.h>

/**
 * settings_load() - Read svc.zones.json and apply it, now and to everything
 *
 * Return: 0, or what config_load() gave with its text: then what was in force stays
 */
int settings_load(struct shell *sh, struct errmsg *e);

/* Listens for readers of metrics as config/metrics-listen says; logs when it cannot. */
void settings_listen(struct shell *sh);

/**
 * settings_view() - Every property: {name, type, value, default, set, running, help}
 * @ret_view:	Owned by the caller
 *
 * value is what the file says, else the default; running is what is in force.
 *
 * Return: 0 or what config_load() gave, with its text
 */
int settings_view(const struct shell *sh, json_t **ret_view, struct errmsg *e);

#endif
