/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * machine.h - the parts of a struct vm, for the files of kzhost/vm that make it up
 */
#ifndef KZ_VM_MACHINE_H
#define KZ_VM_MACHINE_H

#include "kzhost/dev/cmos.h"
#include "kzhost/dev/fwcfg.h"
#include "kzhost/dev/i8042.h"
#include "kzhost/dev/pci.h"
#include "kzhost/dev/power.h"
#include "kzhost/dev/pvpanic.h"
#include "kzhost/dev/serial.h"
#include "kzhost/vm/bus.h"
#include "kzhost/vm/firmware.h"
#include "kzhost/vm/kvm.h"
#include "kzhost/vm/mbox.h"
#include "kzhost/vm/vcpu.h"
#include "kzhost/vm/vdevs.h"

struct vm {
	struct ram ram;
	struct kvm kvm;
	struct bus pio;
	struct bus mmio;
	struct mbox mbox;
	struct serial serial;
	struct cmos cmos;
	struct i8042 i8042;
	struct pvpanic pvpanic;
	struct power power;
	struct fwcfg fwcfg;
	struct firmware firmware;
	struct pci pci;
	bool direct; /* no firmware runs: BARs are placed at the start */
	struct vm_slot *slot[PCI_SLOTS]; /* vdevs.c; NULL: free */
	struct vdev *con;                /* in its slot */
	bool input_to_hvc;               /* ports.c; main thread only */
	struct slow slow;
	struct slow_env slow_env;
	int (*thread_init)(void);
	int (*slow_init)(void);
	int (*fill_init)(void);

	unsigned n_vcpus;
	struct vcpu *vcpu; /* n_vcpus of them */

	/*
	 * Held while quit is set and the kicks are sent, so that nobody kicks a thread
	 * that was joined; taken last, after any device's lock.
	 */
	pthread_mutex_t lock;
	pthread_cond_t gate_open;
	bool started;       /* the gate: every vCPU thread exists; under lock */
	unsigned n_threads; /* to be joined; main thread only */
	atomic_bool quit;   /* vCPU threads leave; set under lock, never cleared */
	atomic_bool ended;  /* the one event was posted */
};

/* Ends or holds the machine: posts the event unless there was one, stops all vCPUs. */
void vm_end(struct vm *vm, enum vm_event_type type, const char *text);

#endif
