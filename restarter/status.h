/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * status.h - /run/zones/status.json, replaced atomically when something has changed
 */
#ifndef KZ_RESTARTER_STATUS_H
#define KZ_RESTARTER_STATUS_H

struct shell;
struct status;

/* 0 or -ENOMEM. Nothing is written before status_begin(). */
int status_new(struct shell *sh, struct status **ret_status);
/* Frees it; its timer must have been closed with the loop's other handles. */
void status_free(struct status *s);
/* The loop runs from here on. */
void status_begin(struct status *s);

/* Something has changed: the file follows, at most ten times a second. */
void status_changed(struct status *s);
/* Writes now what has changed. */
void status_flush(struct status *s);

#endif
