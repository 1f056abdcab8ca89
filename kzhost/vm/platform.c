// SPDX-License-Identifier: BSD-2-Clause
/*
 * platform.c - where serial port, clock, power, fw_cfg and the like answer; their state
 */
#include "kzhost/vm/platform.h"

#include "common/proto/machine.h"
#include "kzhost/vm/layout.h"
#include "kzhost/vm/machine.h"

/* Members of struct vm. Their order is that of saving: new ones are appended. */
#define DEVICES(X) X(serial) X(cmos) X(i8042) X(pvpanic) X(power) X(fwcfg)

static int add_ranges(struct vm *vm, const struct bus_range *range, size_t n)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = bus_add(&vm->pio, range[i].base, range[i].len, range[i].ops,
			    range[i].dev);
	return r;
}

/* What fw_cfg tells everybody. */
static int fill_fwcfg(struct vm *vm)
{
	static const le32 features = { { FWCFG_ID_PORTS | FWCFG_ID_DMA } };
	const le16 cpus = le16_of((uint16_t)vm->n_vcpus);
	static const le16 none = { { 0 } };
	int r = fwcfg_add(&vm->fwcfg, FWCFG_SIGNATURE, "QEMU", 4);

	if (r == 0)
		r = fwcfg_add(&vm->fwcfg, FWCFG_ID, &features, sizeof(features));
	if (r == 0)
		r = fwcfg_add(&vm->fwcfg, FWCFG_CPUS, &cpus, sizeof(cpus));
	if (r == 0)
		r = fwcfg_add(&vm->fwcfg, FWCFG_CPUS_MAX, &cpus, sizeof(cpus));
	if (r == 0)
		r = fwcfg_add(&vm->fwcfg, FWCFG_BOOT_MENU, &none, sizeof(none));
	return r;
}

int platform_init(struct vm *vm, const struct dev_env *env, int64_t tod_offset_s,
		  bool firmware)
{
	const struct bus_range ranges[] = {
		{ KZ_I8042_CMD, 1, &i8042_ops, &vm->i8042 },
		{ KZ_CMOS_PORT, CMOS_PORTS, &cmos_ops, &vm->cmos },
		{ KZ_COM1_PORT, SERIAL_PORTS, &serial_ops, &vm->serial },
		{ KZ_PVPANIC_PORT, 1, &pvpanic_ops, &vm->pvpanic },
		{ KZ_GED_PORT, 4, &power_ged_ops, &vm->power },
		{ KZ_SLEEP_CONTROL_PORT, 2, &power_sleep_ops, &vm->power },
		{ KZ_FWCFG_PORT, FWCFG_PORTS, &fwcfg_ops, &vm->fwcfg },
		{ KZ_FWCFG_DMA_PORT, FWCFG_DMA_PORTS, &fwcfg_dma_ops, &vm->fwcfg },
	};
	const struct bus_range pm1[] = {
		{ KZ_PM1_EVENT_PORT, 4, &power_pm1_event_ops, &vm->power },
		{ KZ_PM1_CONTROL_PORT, 2, &power_pm1_control_ops, &vm->power },
	};
	uint64_t kept = firmware ? LAYOUT_FIRMWARE_KEEPS : 0;
	int r;

	serial_init(&vm->serial, env, KZ_COM1_IRQ);
	cmos_init(&vm->cmos, tod_offset_s, vm->ram.region[0].size - kept,
		  vm->ram.region[1].size, vm->n_vcpus);
	i8042_init(&vm->i8042, env);
	pvpanic_init(&vm->pvpanic, env);
	power_init(&vm->power, env);
	fwcfg_init(&vm->fwcfg, &vm->ram);
	r = fill_fwcfg(vm);
	if (r == 0)
		r = add_ranges(vm, ranges, ARRAY_SIZE(ranges));
	if (r == 0 && firmware)
		r = add_ranges(vm, pm1, ARRAY_SIZE(pm1));
	return r;
}

void platform_fini(struct vm *vm)
{
	fwcfg_fini(&vm->fwcfg);
	cmos_fini(&vm->cmos);
	serial_fini(&vm->serial);
}

/* Saving and loading. */

static const struct state_field fields[] = {
	STATE_FIELD(struct vm, input_to_hvc, 1),
};

static const struct state_rest rest[] = {
#define X(device) STATE_REST(struct vm, device), /* by itself */
	DEVICES(X)
#undef X
		STATE_REST(struct vm, pci), /* with what sits in its slots */
	STATE_REST(struct vm, slot),
	STATE_REST(struct vm, con),
	STATE_REST(struct vm, ram), /* guest memory, and what KVM holds */
	STATE_REST(struct vm, kvm),
	STATE_REST(struct vm, vcpu),
	STATE_REST(struct vm, n_vcpus),
	STATE_REST(struct vm, firmware), /* made anew */
	STATE_REST(struct vm, direct),
	STATE_REST(struct vm, pio),
	STATE_REST(struct vm, mmio),
	STATE_REST(struct vm, mbox), /* of this process: threads, events, their ends */
	STATE_REST(struct vm, slow),
	STATE_REST(struct vm, slow_env),
	STATE_REST(struct vm, thread_init),
	STATE_REST(struct vm, slow_init),
	STATE_REST(struct vm, fill_init),
	STATE_REST(struct vm, lock),
	STATE_REST(struct vm, gate_open),
	STATE_REST(struct vm, started),
	STATE_REST(struct vm, n_threads),
	STATE_REST(struct vm, quit),
	STATE_REST(struct vm, ended),
};

const struct state_table vm_table = {
	.name = "machine",
	.size = sizeof(struct vm),
	STATE_FIELDS(fields),
	STATE_RESTS(rest),
};

static const struct {
	const struct state_table *table;
	size_t offset; /* in struct vm */
} devices[] = { { &vm_table, 0 },
#define X(device) { &device##_table, offsetof(struct vm, device) },
		DEVICES(X)
#undef X
};

const struct state_table *platform_device(struct vm *vm, unsigned i, void **ret_dev)
{
	if (i >= ARRAY_SIZE(devices))
		return NULL;
	*ret_dev = (char *)vm + devices[i].offset;
	return devices[i].table;
}

int platform_save(struct vm *vm, struct buf *out)
{
	const struct state_table *t;
	void *dev;

	for (unsigned i = 0; (t = platform_device(vm, i, &dev)); i++)
		state_put(out, dev, t);
	return buf_error(out);
}

int platform_load(struct vm *vm, struct state_reader *r, struct errmsg *e)
{
	const struct state_table *t;
	void *dev;
	int err = 0;

	for (unsigned i = 0; err == 0 && (t = platform_device(vm, i, &dev)); i++) {
		err = state_load(r, dev, t, e);
		if (err < 0)
			errmsg_prefix(e, err, "%s", t->name);
	}
	return err;
}
