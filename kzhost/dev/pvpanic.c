/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pvpanic.c - reading tells which events are understood, writing says that one happened
 *
 * A panic holds the machine. "Crash loaded" means that the guest's own crash kernel is
 * about to save a dump: the guest goes on, and tells its end by a reset or by powering
 * off.
 */
#include "kzhost/dev/pvpanic.h"

#include "common/base/trace.h"
#include "common/proto/machine.h"

static uint64_t pvpanic_read(void *dev, uint64_t offset, unsigned size)
{
	return KZ_PVPANIC_PANICKED | KZ_PVPANIC_CRASHLOADED;
}

static void pvpanic_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
	struct pvpanic *p = dev;

	if (value & KZ_PVPANIC_PANICKED)
		p->env.event(p->env.arg, VM_EV_PANIC, "the guest panicked (pvpanic)");
	else if (value & KZ_PVPANIC_CRASHLOADED)
		TRACE(dev, "pvpanic: the guest panicked and runs its crash kernel");
}

const struct bus_ops pvpanic_ops = {
	.widths = BUS_W1,
	.read = pvpanic_read,
	.write = pvpanic_write,
};

void pvpanic_init(struct pvpanic *p, const struct dev_env *env)
{
	p->env = *env;
}

static const struct state_rest rest[] = {
	STATE_REST(struct pvpanic, env),
};

const struct state_table pvpanic_table = {
	.name = "pvpanic",
	.size = sizeof(struct pvpanic),
	STATE_RESTS(rest),
};
