/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stray.h - a kzhost that serves a zone but did not answer at adoption, or by words of
 * another version
 *
 * Nothing is asked of it any more: its zone is not booted until its process is gone, and
 * halting the zone ends it. A zone has one at most (zone->stray), and then no host.
 */
#ifndef KZ_RESTARTER_STRAY_H
#define KZ_RESTARTER_STRAY_H

#include "restarter/shell.h"

#include <sys/socket.h>

/**
 * stray_new() - The zone has a kzhost that is not ours to command
 * @who:	Its process and uid; 0 when it is not known who it is
 * @take_pidfd:	Of that process, or -1; owned by the stray, also on failure
 *
 * Return: 0 or -ENOMEM
 */
int stray_new(struct shell *sh, struct zone *z, const struct ucred *who, int take_pidfd);

/* It said that it speaks that version of the protocol, and not ours. */
void stray_set_version(struct zone *z, unsigned version);

/* The uid that its process has, or 0. */
uid_t stray_uid(const struct stray *s);

/* What is known of it and the way out, for people. */
void stray_text(const struct zone *z, char *text, size_t size);

/**
 * stray_halt() - End it
 * @op:		Answered when its process is gone
 *
 * The instance is disabled then, as after any halt.
 *
 * Return: 0, or -ESRCH or what the kernel gave, with a text: it cannot be ended
 */
int stray_halt(struct zone *z, uint64_t op, struct errmsg *e);

/* Forgets it without ending it. */
void stray_forget(struct zone *z);

#endif
