/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * power.c - the Generic Event Device's register, and the registers that switch off
 *
 * An event that comes before the guest read the last one adds its bit; the guest's
 * handler finds all bits in one read, which clears them. The PM1 registers (ACPI 6.4,
 * 4.8.3.1 and 4.8.3.2) report nothing: a machine that has them has the event device too.
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

#define PM1_ENABLE   2 /* offset */
#define PM1_BITS     0xffff
#define PM1_SCI_EN   0x0001u
#define PM1_SLP_TYPE 0x1c00u
#define PM1_SLP_EN   0x2000u

static uint64_t pm1_event_read(void *dev, uint64_t offset, unsigned size)
{
	struct power *p = dev;

	return offset == PM1_ENABLE ? atomic_load(&p->pm1_enable) : 0;
}

static void pm1_event_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
	struct power *p = dev;

	if (offset == PM1_ENABLE)
		atomic_store(&p->pm1_enable, (unsigned)value & PM1_BITS);
}

const struct bus_ops power_pm1_event_ops = {
	.widths = BUS_W2,
	.read = pm1_event_read,
	.write = pm1_event_write,
};

static uint64_t pm1_control_read(void *dev, uint64_t offset, unsigned size)
{
	return PM1_SCI_EN;
}

static void pm1_control_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
	struct power *p = dev;

	static_assert((KZ_PM1_SLEEP_S5 & ~(PM1_SLP_TYPE | PM1_SLP_EN)) == 0, "ACPI");
	if ((value & (PM1_SLP_TYPE | PM1_SLP_EN)) == KZ_PM1_SLEEP_S5)
		p->env.event(p->env.arg, VM_EV_POWEROFF, "the guest powered itself off");
}

const struct bus_ops power_pm1_control_ops = {
	.widths = BUS_W2,
	.read = pm1_control_read,
	.write = pm1_control_write,
};

void power_init(struct power *p, const struct dev_env *env)
{
	p->env = *env;
}

void power_raise(struct power *p, unsigned events)
{
	atomic_fetch_or(&p->ged, events);
	p->env.irq(p->env.arg, KZ_GED_GSI, true);
	p->env.irq(p->env.arg, KZ_GED_GSI, false);
}

/* The pulse of an event that was not read yet is saved with KVM's controllers. */
static const struct state_field fields[] = {
	STATE_FIELD_BITS(struct power, ged, 1,
			 KZ_GED_POWER | KZ_GED_SLEEP | KZ_GED_VMGEN),
	STATE_FIELD_BITS(struct power, pm1_enable, 1, PM1_BITS),
};

static const struct state_rest rest[] = {
	STATE_REST(struct power, env),
};

const struct state_table power_table = {
	.name = "power",
	.size = sizeof(struct power),
	STATE_FIELDS(fields),
	STATE_RESTS(rest),
};
