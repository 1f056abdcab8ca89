/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * apic.h - local APIC with its timer, and I/O APIC
 */
#ifndef GUEST_APIC_H
#define GUEST_APIC_H

#include <stdint.h>

/* The APIC timer counts nanoseconds, as KVM's and QEMU's do. */
#define APIC_TIMER_MAX_NS 0xffffffffu

/* Enables the local APIC, as x2APIC where there is one; PIC interrupts are shut out. */
void apic_init(void);

/* Sends edges on I/O APIC line @gsi to this processor as @vector. */
void apic_route(unsigned gsi, unsigned vector);

/* Starts the one-shot timer, which sets IRQ_TIMER when it ends; 0 stops it. */
void apic_timer_start(uint32_t ns);

/* Return: nanoseconds that the timer has left */
uint32_t apic_timer_left(void);

/* Return: this processor's APIC number */
uint32_t apic_id(void);

/* Return: "x2APIC" or "xAPIC" */
const char *apic_name(void);

#endif
