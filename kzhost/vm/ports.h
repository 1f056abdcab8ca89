/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ports.h - the zone's console, which is a serial port and hvc0, and the named ports
 *
 * DOC: One console, two devices
 *
 * What the guest writes to either goes to the zone's console. Input goes to one of them
 * only: to the serial port whenever the guest has its receive interrupt on, as every
 * system has that reads it; to hvc0 from when the guest writes there while the serial
 * port does not listen, until it does. So a stock system whose console is ttyS0 gets
 * each byte once, there, though it may run a login on hvc0 as well; one with
 * console=hvc0 gets it on hvc0; and firmware, which polls and knows no hvc0, gets it on
 * the serial port.
 */
#ifndef KZ_VM_PORTS_H
#define KZ_VM_PORTS_H

#include "kzhost/vm/vm.h"

/* Bytes the guest wrote to its console so far, and how many were dropped unread. */
void ports_console_counts(struct vm *vm, uint64_t *ret_bytes, uint64_t *ret_lost);

#endif
