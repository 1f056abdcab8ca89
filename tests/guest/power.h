/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * power.h - the ways in which the guest ends
 */
#ifndef GUEST_POWER_H
#define GUEST_POWER_H

/* Soft off; where that has no effect, a reset. */
_Noreturn void power_off(void);

_Noreturn void power_reboot(void);

/* Says why, tells the host by pvpanic, and halts. */
_Noreturn void power_panic(const char *why);

/* The event device interrupted: powers off when the button was pressed. */
void power_button(void);

#endif
