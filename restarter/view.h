/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * view.h - what the restarter knows, as JSON for clients and for status.json
 */
#ifndef KZ_RESTARTER_VIEW_H
#define KZ_RESTARTER_VIEW_H

#include "common/zone/states.h"
#include "restarter/shell.h"

#define STATUS_VERSION 1

/* State of the zone: its life, and above installed what its machine does. */
enum zone_state view_zone_state(const struct shell *sh, const struct zone *z);
/*
 * Append the admin interface's objects (varlink.h), as elements of an array; false, and
 * nothing, when there is none: an instance of a zone that is not installed.
 */
bool view_zone(const struct shell *sh, const struct zone *z, struct buf *o);
bool view_instance(const struct shell *sh, const struct zone *z, struct buf *o);
bool view_instance_brief(const struct shell *sh, const struct zone *z, struct buf *o);
/* Appends svc.zones itself, likewise, as brief instances are. */
void view_restarter(const struct shell *sh, struct buf *o);
/* Appends {fmri: state} of the units that dependencies name. */
void view_units(const struct shell *sh, struct buf *o);
/* Appends the document of status.json (manifests/schema/status.schema.json). */
void view_status(const struct shell *sh, struct buf *o);

#endif
