/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * power.c - the Generic Event Device's register, and the sleep control register
 *
 * An event that comes before the guest read the last one adds its bit; the guest's
 * handler finds all bits in one read, which clears them.
 */
#include "kzhost/dev/power.h"

#include "common/proto/machine.h"

static uint64_t ged_read(void *dev, uint64_t offset, unsigned size)
{
	struct power *p = dev;

	return atomic_exchange(&p->ged, 0);
}

const struct bus_ops power_ged_ops = { .widths = BUS_W4, .read = ged_read };

static uint64_t sleep_read(void *dev, uint64_t offset, unsigned size)
{
	return 0; /* never asleep, never woken */
}

static void sleep_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
	struct power *p = dev;

	if (offset == 0 && value == KZ_SLEEP_S5)
		p->env.event(p->env.arg, VM_EV_POWEROFF, "the guest powered itself off");
}

const struct bus_ops power_sleep_ops = {
	.widths = BUS_W1,
	.read = sleep_read,
	.write = sleep_write,
};

void power_init(struct power *p, const struct dev_env *env)
{
	p->env = *env;
}

void power_press(struct power *p)
{
	atomic_fetch_or(&p->ged, KZ_GED_POWER);
	p->env.irq(p->env.arg, KZ_GED_GSI, true);
	p->env.irq(p->env.arg, KZ_GED_GSI, false);
}
