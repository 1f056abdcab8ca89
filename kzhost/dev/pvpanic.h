/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pvpanic.h - the port on which a guest says that it panicked
 */
#ifndef KZ_DEV_PVPANIC_H
#define KZ_DEV_PVPANIC_H

#include "kzhost/dev/dev.h"
#include "kzhost/dev/devstate.h"
#include "kzhost/vm/bus.h"

struct pvpanic {
	struct dev_env env;
};

extern const struct bus_ops pvpanic_ops;
extern const struct state_table pvpanic_table;

void pvpanic_init(struct pvpanic *p, const struct dev_env *env);

#endif
