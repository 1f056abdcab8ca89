/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * monitor.h - connections that are told every change of an instance
 *
 * A change is noted when it happens and told when the commit that it belongs to has been
 * carried out: several changes of one instance within a commit are told as one, as the
 * instance is then. A reader that leaves too much unread is dropped.
 */
#ifndef KZ_RESTARTER_MONITOR_H
#define KZ_RESTARTER_MONITOR_H

#include "restarter/admin.h"

/* The zone's instance has changed, or come, or gone. */
void monitor_note(struct shell *sh, struct zone *z);

/* Tells all that was noted. */
void monitor_flush(struct shell *sh);

/*
 * Appends what was noted, of all zones or of one, as the parameters of an answer; false,
 * and nothing, when there is nothing.
 */
bool monitor_news(struct shell *sh, const char *only, struct buf *out);

/* Begins to tell a connection, with all instances (or that of @zone) first. */
void monitor_begin(struct shell *sh, struct conn *c, const struct zone *zone);

#endif
