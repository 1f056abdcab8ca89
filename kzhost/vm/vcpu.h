/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vcpu.h - one virtual processor: its descriptor, its thread, its exits
 *
 * DOC: Stopping without a race
 *
 * A kick sets immediate_exit in the page that KVM shares with us, then sends
 * VCPU_KICK_SIGNAL. A signal that finds the thread in KVM_RUN ends KVM_RUN; one that
 * comes just before it is caught by the flag, which KVM looks at first. Nothing waits,
 * and no moment is lost between "should I stop?" and KVM_RUN.
 */
#ifndef KZ_VM_VCPU_H
#define KZ_VM_VCPU_H

#include "kzhost/vm/image.h"
#include "kzhost/vm/kvm.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#define VCPU_KICK_SIGNAL SIGUSR1

struct vm;

struct vcpu {
	struct vm *vm; /* owner */
	unsigned id;
	int fd;              /* -1 = none */
	struct kvm_run *run; /* NULL = none */
	pthread_t thread;
	atomic_ullong exits;  /* written by the thread alone */
	atomic_ullong strays; /* accesses that no device took */
};

/* Creates the vCPU in KVM. As kvm_vcpu_open(); vcpu_fini() may follow in every case. */
int vcpu_init(struct vcpu *c, struct vm *vm, unsigned id, struct errmsg *e);

/* The thread must have been joined. */
void vcpu_fini(struct vcpu *c);

/* Puts the first vCPU where the loader wants it. 0 or what KVM gave. */
int vcpu_set_boot(struct vcpu *c, const struct boot_state *boot, struct errmsg *e);

/* Thread function; the argument is the struct vcpu. Returns NULL when the machine ends.
 */
void *vcpu_main(void *arg);

/* Takes the thread out of the guest for good. It must exist and not have been joined. */
void vcpu_kick(struct vcpu *c);

/* "rip=… rflags=… …", for people. */
void vcpu_describe(const struct vcpu *c, char *text, size_t size);

#endif
