// SPDX-License-Identifier: BSD-2-Clause
/*
 * sdbus.c - look up what is needed of libsystemd
 */
#include "restarter/sdbus.h"

#include <dlfcn.h>

#define LIBRARY "libsystemd.so.0"

int sdbus_load(struct sdbus *ret_bus, struct errmsg *e)
{
	struct sdbus b = { 0 };

	if (ret_bus->lib)
		return 0;
	b.lib = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (!b.lib)
		return errmsg_set(e, -ENOSYS, "there is no %s", LIBRARY);
#define X(name) \
	*(void **)&b.name = dlsym(b.lib, "sd_bus_" #name); \
	if (!b.name) { \
		(void)dlclose(b.lib); \
		return errmsg_set(e, -ENOSYS, "%s has no sd_bus_%s", LIBRARY, #name); \
	}
	SDBUS_FUNCTIONS(X)
#undef X
	*ret_bus = b;
	return 0;
}
