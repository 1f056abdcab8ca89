/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * power.h - events for the guest and soft off, with and without hardware-reduced ACPI
 */
#ifndef KZ_DEV_POWER_H
#define KZ_DEV_POWER_H

#include "kzhost/dev/dev.h"
#include "kzhost/dev/devstate.h"
#include "kzhost/vm/bus.h"

#include <stdatomic.h>

struct power {
	struct dev_env env;
	atomic_uint ged; /* events that the guest has not read yet, KZ_GED_* */
	atomic_uint pm1_enable;
};

extern const struct bus_ops power_ged_ops;   /* KZ_GED_PORT, 4 bytes */
extern const struct bus_ops power_sleep_ops; /* KZ_SLEEP_CONTROL_PORT, 2 bytes */

/* Of a machine that boots by firmware; only 16 bits wide. */
extern const struct bus_ops power_pm1_event_ops;   /* KZ_PM1_EVENT_PORT, 4 bytes */
extern const struct bus_ops power_pm1_control_ops; /* KZ_PM1_CONTROL_PORT, 2 bytes */

extern const struct state_table power_table;

/* @p is zeroed memory. */
void power_init(struct power *p, const struct dev_env *env);

/* Tells the guest of events, KZ_GED_*: they are set and the line pulses. On any thread.
 */
void power_raise(struct power *p, unsigned events);

#endif
