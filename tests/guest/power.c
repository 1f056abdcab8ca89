/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * power.c - the ways in which the guest ends
 */
#include <stdint.h>

#include "common/proto/machine.h"
#include "tests/guest/boot.h"
#include "tests/guest/clock.h"
#include "tests/guest/firmware.h"
#include "tests/guest/gate.h"
#include "tests/guest/power.h"
#include "tests/guest/print.h"

#define DEBUG_EXIT_PORT 0x501 /* QEMU's isa-debug-exit, where the tests put it */
#define EFFECT_MS       50    /* how long one way may take before the next is tried */
#define NO_REGISTER     0xffffffffu

_Noreturn void power_off(void)
{
	const struct firmware_reg *r = &firmware.sleep_control;

	if (r->is_mmio)
		mmio_write8(r->addr, KZ_SLEEP_S5);
	else
		port_out8((uint16_t)r->addr, KZ_SLEEP_S5);
	clock_delay_ms(EFFECT_MS);
	port_out8(DEBUG_EXIT_PORT, 0);
	power_reboot();
}

_Noreturn void power_reboot(void)
{
	port_out8(KZ_I8042_CMD, KZ_I8042_RESET);
	clock_delay_ms(EFFECT_MS);
	gate_triple_fault();
}

_Noreturn void power_panic(const char *why)
{
	print("kzones guest: panic: %s\n", why);
	port_out8(KZ_PVPANIC_PORT, KZ_PVPANIC_PANICKED);
	gate_stop();
}

void power_button(void)
{
	const struct firmware_reg *r = &firmware.ged_event;
	uint32_t events =
		r->is_mmio ? mmio_read32(r->addr) : port_in32((uint16_t)r->addr);
	char value[2];

	if (events == NO_REGISTER || !(events & KZ_GED_POWER))
		return;
	if (boot_option("deaf", value, sizeof(value))) {
		print("\nkzones guest: power button, ignored\n");
		return;
	}
	print("\nkzones guest: power button, shutting down\n");
	power_off();
}
