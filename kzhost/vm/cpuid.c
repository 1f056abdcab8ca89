/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cpuid.c - the CPUID table of one vCPU
 *
 * KVM answers with the host processor that made the call; its APIC id, core counts and
 * cache sharing describe the host. Here they come to describe the zone: one package with
 * n_vcpus cores of one thread, APIC ids 0 to n-1, the last level of cache shared by all.
 *
 * Of KVM's own features the asynchronous page faults are left out: they let a guest run
 * another task while the host fetches a page, and a zone's memory is locked, so that no
 * page is ever away; what is not there cannot lose a wake-up.
 */
#include "kzhost/vm/kvm.h"

#include <asm/kvm_para.h>
#include <string.h>

#define F1_ECX_X2APIC       (1u << 21)
#define F1_ECX_TSC_DEADLINE (1u << 24)
#define F1_ECX_HYPERVISOR   (1u << 31)
#define F1_EDX_HTT          (1u << 28)
#define LEAF_HYPERVISOR     0x40000000u
#define LEAF_KVM_FEATURES   0x40000001u
#define KVM_ASYNC_PF_BITS \
	(1u << KVM_FEATURE_ASYNC_PF | 1u << KVM_FEATURE_ASYNC_PF_VMEXIT | \
	 1u << KVM_FEATURE_ASYNC_PF_INT)

/* Bits that an APIC id of this many vCPUs needs. */
static unsigned id_bits(unsigned n_vcpus)
{
	unsigned bits = 0;

	while ((1u << bits) < n_vcpus)
		bits++;
	return bits;
}

static void fix_features(struct kvm_cpuid_entry2 *e, unsigned id, unsigned n_vcpus)
{
	e->ebx = (e->ebx & 0xffff) | (n_vcpus > 1 ? 1u << id_bits(n_vcpus) : 1u) << 16 |
		 id << 24;
	e->ecx |= F1_ECX_X2APIC | F1_ECX_TSC_DEADLINE | F1_ECX_HYPERVISOR;
	e->edx &= ~F1_EDX_HTT;
	if (n_vcpus > 1)
		e->edx |= F1_EDX_HTT;
}

/* Intel's cache leaf: cores in the package, and who shares this cache. */
static void fix_caches(struct kvm_cpuid_entry2 *e, unsigned n_vcpus)
{
	unsigned level = e->eax >> 5 & 7, ids = 1u << id_bits(n_vcpus);

	if ((e->eax & 0x1f) == 0)
		return;
	e->eax &= 0x3fff;
	e->eax |= (level >= 3 ? ids - 1 : 0) << 14 | (ids - 1) << 26;
}

/* The same of AMD: 0x8000001d. */
static void fix_amd_caches(struct kvm_cpuid_entry2 *e, unsigned n_vcpus)
{
	if ((e->eax & 0x1f) == 0)
		return;
	e->eax &= 0x3fff;
	if ((e->eax >> 5 & 7) >= 3)
		e->eax |= (n_vcpus - 1) << 14;
}

/* Extended topology, 0xb and 0x1f: threads of a core, cores of the package, end. */
static void fix_topology(struct kvm_cpuid_entry2 *e, unsigned id, unsigned n_vcpus)
{
	e->eax = e->ebx = 0;
	e->ecx = e->index & 0xff;
	e->edx = id;
	if (e->index > 1)
		return;
	e->ecx |= (e->index + 1) << 8; /* 1: thread level, 2: core level */
	e->eax = e->index == 0 ? 0 : id_bits(n_vcpus);
	e->ebx = e->index == 0 ? 1 : n_vcpus;
}

static void fix_hypervisor(struct kvm_cpuid_entry2 *e)
{
	static const char signature[12] = "KVMKVMKVM";

	e->eax = LEAF_KVM_FEATURES;
	memcpy(&e->ebx, signature, 4);
	memcpy(&e->ecx, signature + 4, 4);
	memcpy(&e->edx, signature + 8, 4);
}

static void fix_entry(struct kvm_cpuid_entry2 *e, unsigned id, unsigned n_vcpus)
{
	switch (e->function) {
	case 0x1:
		fix_features(e, id, n_vcpus);
		break;
	case 0x4:
		fix_caches(e, n_vcpus);
		break;
	case 0xb:
	case 0x1f:
		fix_topology(e, id, n_vcpus);
		break;
	case LEAF_HYPERVISOR:
		fix_hypervisor(e);
		break;
	case LEAF_KVM_FEATURES:
		e->eax &= ~KVM_ASYNC_PF_BITS;
		break;
	case 0x80000008:
		e->ecx = (e->ecx & ~0xf0ffu) | (n_vcpus - 1) | id_bits(n_vcpus) << 12;
		break;
	case 0x8000001d:
		fix_amd_caches(e, n_vcpus);
		break;
	case 0x8000001e:
		e->eax = id;
		e->ebx = id; /* core id, one thread each */
		e->ecx = 0;  /* node 0 of one */
		break;
	default:
		break;
	}
}

static struct kvm_cpuid_entry2 *find(struct kvm_cpuid_table *t, uint32_t function,
				     uint32_t index)
{
	for (uint32_t i = 0; i < t->n; i++) {
		if (t->entry[i].function == function && t->entry[i].index == index)
			return &t->entry[i];
	}
	return NULL;
}

/* Adds a leaf that must be there. */
static void need(struct kvm_cpuid_table *t, uint32_t function, uint32_t index,
		 uint32_t flags)
{
	if (find(t, function, index) || t->n >= KVM_CPUID_MAX)
		return;
	t->entry[t->n++] = (struct kvm_cpuid_entry2){ .function = function,
						      .index = index,
						      .flags = flags };
}

void cpuid_for_vcpu(struct kvm_cpuid_table *t, unsigned id, unsigned n_vcpus)
{
	need(t, LEAF_HYPERVISOR, 0, 0);
	if (find(t, 0xb, 0)) {
		need(t, 0xb, 1, KVM_CPUID_FLAG_SIGNIFCANT_INDEX);
		need(t, 0xb, 2, KVM_CPUID_FLAG_SIGNIFCANT_INDEX);
	}
	for (uint32_t i = 0; i < t->n; i++)
		fix_entry(&t->entry[i], id, n_vcpus);
}
