/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * view.h - what the restarter knows, as JSON for clients and for status.json
 */
#ifndef KZ_RESTARTER_VIEW_H
#define KZ_RESTARTER_VIEW_H

#include "common/zone/states.h"
#include "restarter/shell.h"

#include <jansson.h>

#define STATUS_VERSION 1

/* State of the zone: its life, and above installed what its machine does. */
enum zone_state view_zone_state(const struct shell *sh, const struct zone *z);
/* The admin interface's objects (varlink.h); NULL when memory is short. */
json_t *view_zone(const struct shell *sh, const struct zone *z);
/* NULL also when the zone has no instance. */
json_t *view_instance(const struct shell *sh, const struct zone *z);
/* The document of status.json (manifests/schema/status.schema.json). */
json_t *view_status(const struct shell *sh);

#endif
