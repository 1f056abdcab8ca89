/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kvm.h - the kernel's half of the machine: address space, interrupt chips, vCPU
 * descriptors
 */
#ifndef KZ_VM_KVM_H
#define KZ_VM_KVM_H

#include "kzhost/vm/ram.h"

#include <linux/kvm.h>

#define KVM_VCPUS_MAX 64
#define KVM_CPUID_MAX 256

struct kvm_cpuid_table {
	uint32_t n;
	uint32_t padding;
	struct kvm_cpuid_entry2 entry[KVM_CPUID_MAX];
};
static_assert(offsetof(struct kvm_cpuid_table, entry) == sizeof(struct kvm_cpuid2),
	      "KVM ABI");

struct kvm {
	int vm_fd;                           /* -1 = none */
	void (*close_vm)(void *arg, int fd); /* see struct vm_config */
	void *close_arg;
	size_t run_size;
	struct kvm_cpuid_table cpuid; /* what KVM supports */
};

/**
 * kvm_init() - Create the machine's address space and interrupt chips
 * @kvm_fd:	/dev/kvm, borrowed for the call
 *
 * The memory slots come before the interrupt chips: the other way round each of them
 * waits several milliseconds for readers of the chips' routing.
 *
 * Return: 0, -EOPNOTSUPP (the missing capability is named), -EINVAL (not /dev/kvm, too
 * many vCPUs), or what KVM gave. kvm_fini() may follow in every case.
 */
int kvm_init(struct kvm *kvm, int kvm_fd, const struct ram *ram, unsigned n_vcpus,
	     struct errmsg *e);
void kvm_fini(struct kvm *kvm);

/**
 * kvm_vcpu_open() - Create a vCPU with its CPUID table and MSRs
 * @ret_fd:	New descriptor, owned by the caller
 * @ret_run:	Its shared page, kvm->run_size bytes, to be unmapped by the caller
 *
 * Return: 0 or what KVM gave
 */
int kvm_vcpu_open(const struct kvm *kvm, unsigned id, unsigned n_vcpus, int *ret_fd,
		  struct kvm_run **ret_run, struct errmsg *e);

/* Sets the level of an interrupt line. 0 or -errno. */
int kvm_set_irq(const struct kvm *kvm, unsigned gsi, bool level);

/* Repeats an ioctl that a signal interrupted; the result or -errno. */
int kvm_ioctl(int fd, unsigned long request, void *arg);

/**
 * cpuid_for_vcpu() - What KVM supports, made the table of one vCPU
 *
 * APIC ids and topology (one package, one thread a core), hypervisor bit and leaf, and
 * what KVM provides without listing it (TSC deadline timer, x2APIC). Has no effect
 * outside @t.
 */
void cpuid_for_vcpu(struct kvm_cpuid_table *t, unsigned id, unsigned n_vcpus);

#endif
