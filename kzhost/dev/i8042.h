/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * i8042.h - of the keyboard controller only the reset line
 */
#ifndef KZ_DEV_I8042_H
#define KZ_DEV_I8042_H

#include "kzhost/dev/dev.h"
#include "kzhost/dev/devstate.h"
#include "kzhost/vm/bus.h"

struct i8042 {
	struct dev_env env;
};

/* For the one port KZ_I8042_CMD; nothing answers at the data port. */
extern const struct bus_ops i8042_ops;
extern const struct state_table i8042_table;

void i8042_init(struct i8042 *k, const struct dev_env *env);

#endif
