/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * notify.h - tell the service manager (sd_notify(3)'s protocol, without its library)
 */
#ifndef KZ_RESTARTER_NOTIFY_H
#define KZ_RESTARTER_NOTIFY_H

#include "common/base/base.h"

/* One datagram of lines to $NOTIFY_SOCKET; 0 (also when it is not set) or -errno. */
int notify(const char *fmt, ...) printf_like(1, 2);

#endif
