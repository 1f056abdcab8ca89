/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kvm.h - the kernel's half of the machine: address space, interrupt chips, vCPU
 * descriptors
 */
#ifndef KZ_VM_KVM_H
#define KZ_VM_KVM_H

#include "kzhost/vm/ram.h"

#include <linux/kvm.h>

#define KVM_MSI_GSI   24 /* numbers below are pins of the IOAPIC */
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
	bool any_length;              /* an ioeventfd takes writes of every width */

	pthread_mutex_t route_lock;     /* of the two below */
	struct kvm_irq_routing *routes; /* NULL: KVM's own, no message was routed yet */
	unsigned routes_room;
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
 * kvm_add_rom() - Map memory that the guest cannot write
 * @hva:	Page aligned, as @gpa and @size; mapped until kvm_fini()
 *
 * Return: 0, -EOPNOTSUPP, or what KVM gave
 */
int kvm_add_rom(const struct kvm *kvm, uint64_t gpa, void *hva, uint64_t size,
		struct errmsg *e);

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

/*
 * Interrupts by descriptor, kvm_irq.c; on any thread.
 */

/**
 * kvm_msi_bind() - Have writes to an eventfd injected as a message
 * @gsi:	From KVM_MSI_GSI on
 * @fd:		eventfd; what it counts already is injected at once
 *
 * Called again for the same @gsi and @fd it only changes the message.
 *
 * Return: 0, -ENOMEM, or what KVM gave; then @fd is bound as it was before
 */
int kvm_msi_bind(struct kvm *kvm, unsigned gsi, int fd, uint64_t address, uint32_t data);

/* Undoes that: the eventfd counts again. 0 or what KVM gave. */
int kvm_msi_unbind(const struct kvm *kvm, unsigned gsi, int fd);

/**
 * kvm_ioeventfd() - Have guest writes to an address counted by an eventfd, without exit
 * @gpa:	Not RAM; 2 bytes, or any width where KVM can
 * @on:		false: take it away again
 *
 * Return: 0, -EEXIST, -ENOSPC (KVM has room for some hundreds), -ENOENT, or what KVM gave
 */
int kvm_ioeventfd(const struct kvm *kvm, uint64_t gpa, int fd, bool on);

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
