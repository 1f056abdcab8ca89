/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host.h - one zone's process: its state, what the restarter may ask, how it ends
 */
#ifndef KZHOST_HOST_H
#define KZHOST_HOST_H

#include "common/base/err.h"

/**
 * host_run() - Serve the control socket until the zone has ended
 * @zone:	Name of the zone, borrowed
 * @ctl_fd:	Listening SEQPACKET socket, borrowed
 * @confined:	CTL_HELLO_* flags of what was done to confine the process so far
 *
 * The process is confined from here on (sandbox.h).
 *
 * Return: the exit status, CTL_EXIT_STATUS() or 0 when nobody wanted a zone; a negative
 * errno with @e when it could not begin
 */
int host_run(const char *zone, int ctl_fd, uint32_t confined, struct errmsg *e);

#endif
