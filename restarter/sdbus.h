/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sdbus.h - libsystemd's bus client, found when it is first needed
 *
 * svc.zones runs on hosts without libsystemd, too: what it takes from the library is
 * looked up at run time, and only its header is needed to build.
 */
#ifndef KZ_RESTARTER_SDBUS_H
#define KZ_RESTARTER_SDBUS_H

#include "common/base/err.h"

#include <systemd/sd-bus.h>

/* clang-format off */
#define SDBUS_FUNCTIONS(X) \
	X(open_system) \
	X(close_unref) \
	X(is_ready) \
	X(get_fd) \
	X(get_events) \
	X(get_timeout) \
	X(process) \
	X(slot_unref) \
	X(add_match_async) \
	X(match_signal_async) \
	X(call_method_async) \
	X(message_is_method_error) \
	X(message_get_error) \
	X(message_enter_container) \
	X(message_read)
/* clang-format on */

struct sdbus {
	void *lib; /* as dlopen(3) gave it; NULL: not loaded */
#define X(name) __typeof__(&sd_bus_##name) name;
	SDBUS_FUNCTIONS(X)
#undef X
};

/**
 * sdbus_load() - Load the library, once
 * @ret_bus:	Zero, or loaded already; its functions are set on success
 *
 * Return: 0 or -ENOSYS (no such library, or an old one; @e says which)
 */
int sdbus_load(struct sdbus *ret_bus, struct errmsg *e);

#endif
