/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dev.h - what every device model is given by the machine
 *
 * Devices know nothing of KVM or of threads' fates: they raise lines, say what happened
 * and wake the main thread through these. All three may be called on any thread, and with
 * the device's own lock held: they never call back into a device.
 */
#ifndef KZ_DEV_DEV_H
#define KZ_DEV_DEV_H

#include "kzhost/vm/vm.h"

struct dev_env {
	void (*irq)(void *arg, unsigned gsi, bool level);
	/* Ends or holds the machine; the first event wins. */
	void (*event)(void *arg, enum vm_event_type type, const char *text);
	/* Console output or room for input appeared where there was none. */
	void (*wake)(void *arg);
	void *arg;
};

#endif
