/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kvm.c - creating the virtual machine: capabilities, memory slots, interrupt chips,
 * vCPUs
 */
#include "kzhost/vm/kvm.h"
#include "common/base/trace.h"
#include "kzhost/vm/layout.h"

#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

/* Memory slots below are regions of RAM. */
#define SLOT_ROM RAM_REGIONS

/* What must be there, and what for. */
static const struct {
	int cap;
	const char *name;
} needed[] = {
	{ KVM_CAP_USER_MEMORY, "KVM_CAP_USER_MEMORY" },
	{ KVM_CAP_DESTROY_MEMORY_REGION_WORKS, "KVM_CAP_DESTROY_MEMORY_REGION_WORKS" },
	{ KVM_CAP_IRQCHIP, "KVM_CAP_IRQCHIP" },
	{ KVM_CAP_IRQ_ROUTING, "KVM_CAP_IRQ_ROUTING" },
	{ KVM_CAP_IRQFD, "KVM_CAP_IRQFD" },
	{ KVM_CAP_IOEVENTFD, "KVM_CAP_IOEVENTFD" },
	{ KVM_CAP_PIT2, "KVM_CAP_PIT2" },
	{ KVM_CAP_SET_TSS_ADDR, "KVM_CAP_SET_TSS_ADDR" },
	{ KVM_CAP_SET_IDENTITY_MAP_ADDR, "KVM_CAP_SET_IDENTITY_MAP_ADDR" },
	{ KVM_CAP_EXT_CPUID, "KVM_CAP_EXT_CPUID" },
	{ KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT" },
	{ KVM_CAP_MP_STATE, "KVM_CAP_MP_STATE" },
};

int kvm_ioctl(int fd, unsigned long request, void *arg)
{
	int r;

	do
		r = ioctl(fd, request, arg);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : r;
}

static int check_host(int kvm_fd, unsigned n_vcpus, struct errmsg *e)
{
	int r = kvm_ioctl(kvm_fd, KVM_GET_API_VERSION, NULL);

	if (r != KVM_API_VERSION)
		return errmsg_set(e, r < 0 ? r : -EINVAL,
				  "/dev/kvm: this is not KVM's device");
	for (unsigned i = 0; i < ARRAY_SIZE(needed); i++) {
		if (kvm_ioctl(kvm_fd, KVM_CHECK_EXTENSION,
			      (void *)(intptr_t)needed[i].cap) <= 0)
			return errmsg_set(e, -EOPNOTSUPP, "KVM of this host lacks %s",
					  needed[i].name);
	}
	r = kvm_ioctl(kvm_fd, KVM_CHECK_EXTENSION, (void *)(intptr_t)KVM_CAP_MAX_VCPUS);
	if (r > 0 && n_vcpus > (unsigned)r)
		return errmsg_set(e, -EINVAL, "%u vCPUs: KVM of this host allows %d",
				  n_vcpus, r);
	return 0;
}

static int add_memory(const struct kvm *kvm, const struct ram *ram, struct errmsg *e)
{
	for (uint32_t i = 0; i < RAM_REGIONS; i++) {
		struct kvm_userspace_memory_region slot = {
			.slot = i,
			.guest_phys_addr = ram->region[i].gpa,
			.memory_size = ram->region[i].size,
			.userspace_addr = (uintptr_t)ram->region[i].hva,
		};
		int r;

		if (slot.memory_size == 0)
			continue;
		r = kvm_ioctl(kvm->vm_fd, KVM_SET_USER_MEMORY_REGION, &slot);
		if (r < 0)
			return errmsg_set(e, r, "KVM: memory slot %u of %llu MiB: %s", i,
					  (unsigned long long)(slot.memory_size / MIB),
					  strerror(-r));
	}
	return 0;
}

int kvm_add_rom(const struct kvm *kvm, uint64_t gpa, void *hva, uint64_t size,
		struct errmsg *e)
{
	struct kvm_userspace_memory_region slot = {
		.slot = SLOT_ROM,
		.flags = KVM_MEM_READONLY,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (uintptr_t)hva,
	};
	int r = kvm_ioctl(kvm->vm_fd, KVM_CHECK_EXTENSION, (void *)KVM_CAP_READONLY_MEM);

	if (r <= 0)
		return errmsg_set(e, -EOPNOTSUPP,
				  "KVM of this host lacks KVM_CAP_READONLY_MEM");
	r = kvm_ioctl(kvm->vm_fd, KVM_SET_USER_MEMORY_REGION, &slot);
	if (r < 0)
		return errmsg_set(e, r, "KVM: read-only memory of %llu KiB: %s",
				  (unsigned long long)(size / KIB), strerror(-r));
	return 0;
}

static int add_chips(const struct kvm *kvm, struct errmsg *e)
{
	struct kvm_pit_config pit = { .flags = KVM_PIT_SPEAKER_DUMMY };
	uint64_t identity = LAYOUT_KVM_IDENTITY;
	int r;

	r = kvm_ioctl(kvm->vm_fd, KVM_SET_IDENTITY_MAP_ADDR, &identity);
	if (r < 0)
		return errmsg_set(e, r, "KVM_SET_IDENTITY_MAP_ADDR: %s", strerror(-r));
	r = kvm_ioctl(kvm->vm_fd, KVM_SET_TSS_ADDR, (void *)(uintptr_t)LAYOUT_KVM_TSS);
	if (r < 0)
		return errmsg_set(e, r, "KVM_SET_TSS_ADDR: %s", strerror(-r));
	r = kvm_ioctl(kvm->vm_fd, KVM_CREATE_IRQCHIP, NULL);
	if (r < 0)
		return errmsg_set(e, r, "KVM_CREATE_IRQCHIP: %s", strerror(-r));
	r = kvm_ioctl(kvm->vm_fd, KVM_CREATE_PIT2, &pit);
	if (r < 0)
		return errmsg_set(e, r, "KVM_CREATE_PIT2: %s", strerror(-r));
	return 0;
}

/*
 * Masks all lines of both PICs, as firmware leaves them: a kernel that was told by ACPI
 * that there is no legacy hardware never looks at them, yet LINT0 would deliver theirs.
 */
static int mask_pics(const struct kvm *kvm, struct errmsg *e)
{
	static const uint32_t pics[] = { KVM_IRQCHIP_PIC_MASTER, KVM_IRQCHIP_PIC_SLAVE };

	for (unsigned i = 0; i < ARRAY_SIZE(pics); i++) {
		struct kvm_irqchip chip = { .chip_id = pics[i] };
		int r = kvm_ioctl(kvm->vm_fd, KVM_GET_IRQCHIP, &chip);

		chip.chip.pic.imr = 0xff;
		if (r == 0)
			r = kvm_ioctl(kvm->vm_fd, KVM_SET_IRQCHIP, &chip);
		if (r < 0)
			return errmsg_set(e, r, "KVM_SET_IRQCHIP %u: %s", pics[i],
					  strerror(-r));
	}
	return 0;
}

int kvm_init(struct kvm *kvm, int kvm_fd, const struct ram *ram, unsigned n_vcpus,
	     struct errmsg *e)
{
	int r;

	kvm->vm_fd = -1;
	pthread_mutex_init(&kvm->route_lock, NULL);
	r = check_host(kvm_fd, n_vcpus, e);
	if (r < 0)
		return r;
	kvm->vm_fd = kvm_ioctl(kvm_fd, KVM_CREATE_VM, NULL);
	if (kvm->vm_fd < 0)
		return errmsg_set(e, kvm->vm_fd, "KVM_CREATE_VM: %s",
				  strerror(-kvm->vm_fd));
	r = kvm_ioctl(kvm_fd, KVM_GET_VCPU_MMAP_SIZE, NULL);
	if (r < (int)sizeof(struct kvm_run))
		return errmsg_set(e, r < 0 ? r : -EINVAL, "KVM_GET_VCPU_MMAP_SIZE: %d",
				  r);
	kvm->run_size = (size_t)r;
	kvm->any_length = kvm_ioctl(kvm_fd, KVM_CHECK_EXTENSION,
				    (void *)KVM_CAP_IOEVENTFD_ANY_LENGTH) > 0;
	kvm->cpuid.n = KVM_CPUID_MAX;
	r = kvm_ioctl(kvm_fd, KVM_GET_SUPPORTED_CPUID, &kvm->cpuid);
	if (r < 0)
		return errmsg_set(e, r, "KVM_GET_SUPPORTED_CPUID: %s", strerror(-r));
	r = add_memory(kvm, ram, e);
	if (r == 0)
		r = add_chips(kvm, e);
	return r < 0 ? r : mask_pics(kvm, e);
}

void kvm_fini(struct kvm *kvm)
{
	if (kvm->vm_fd >= 0 && kvm->close_vm)
		kvm->close_vm(kvm->close_arg, take_fd(&kvm->vm_fd));
	closep(&kvm->vm_fd);
	free(kvm->routes);
	kvm->routes = NULL;
}

int kvm_set_irq(const struct kvm *kvm, unsigned gsi, bool level)
{
	struct kvm_irq_level line = { .irq = gsi, .level = level };

	return kvm_ioctl(kvm->vm_fd, KVM_IRQ_LINE, &line);
}

/* struct kvm_msrs with one entry. */
struct one_msr {
	uint32_t n;
	uint32_t padding;
	struct kvm_msr_entry entry;
};
static_assert(offsetof(struct one_msr, entry) == sizeof(struct kvm_msrs), "KVM ABI");

/*
 * What firmware would have set up before a kernel: fast string instructions, and memory
 * write-back by default. The other bits are KVM's: some say what the processor lacks. A
 * KVM that refuses one of them has a reason; the guest goes without.
 */
static void set_msrs(int fd, unsigned id)
{
	static const struct {
		uint32_t index;
		uint64_t bits;
	} msrs[] = {
		{ 0x1a0, 0x1 },   /* MISC_ENABLE: fast strings */
		{ 0x2ff, 0x806 }, /* MTRR default type: enabled, write-back */
	};

	for (unsigned i = 0; i < ARRAY_SIZE(msrs); i++) {
		struct one_msr m = {
			.n = 1,
			.entry = { .index = msrs[i].index },
		};
		int r = kvm_ioctl(fd, KVM_GET_MSRS, &m);

		m.entry.data |= msrs[i].bits;
		if (r != 1 || kvm_ioctl(fd, KVM_SET_MSRS, &m) != 1)
			TRACE(vcpu, "vcpu=%u KVM refused MSR 0x%x", id, msrs[i].index);
	}
}

int kvm_vcpu_open(const struct kvm *kvm, unsigned id, unsigned n_vcpus, int *ret_fd,
		  struct kvm_run **ret_run, struct errmsg *e)
{
	struct kvm_cpuid_table cpuid = kvm->cpuid;
	cleanup(closep) int fd = -1;
	void *run;
	int r;

	fd = kvm_ioctl(kvm->vm_fd, KVM_CREATE_VCPU, (void *)(uintptr_t)id);
	if (fd < 0)
		return errmsg_set(e, fd, "KVM_CREATE_VCPU %u: %s", id, strerror(-fd));
	cpuid_for_vcpu(&cpuid, id, n_vcpus);
	r = kvm_ioctl(fd, KVM_SET_CPUID2, &cpuid);
	if (r < 0)
		return errmsg_set(e, r, "KVM_SET_CPUID2 of vCPU %u: %s", id,
				  strerror(-r));
	set_msrs(fd, id);
	run = mmap(NULL, kvm->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (run == MAP_FAILED)
		return errmsg_set(e, -errno, "mapping vCPU %u: %s", id, strerror(errno));
	*ret_fd = take_fd(&fd);
	*ret_run = run;
	return 0;
}
