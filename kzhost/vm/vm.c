/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm.c - building a machine from its parts, starting it, stopping it
 */
#include "kzhost/vm/vm.h"
#include "common/base/trace.h"
#include "kzhost/vm/acpi.h"
#include "kzhost/vm/layout.h"
#include "kzhost/vm/machine.h"
#include "kzhost/vm/mptable.h"
#include "kzhost/vm/platform.h"
#include "kzhost/vm/ports.h"

#include <string.h>
#include <sys/random.h>

#define VCPU_STACK (256 * KIB)

static void irq(void *arg, unsigned gsi, bool level)
{
	struct vm *vm = arg;
	int r = kvm_set_irq(&vm->kvm, gsi, level);

	if (r < 0)
		TRACE(dev, "gsi=%u level=%d: KVM_IRQ_LINE gave %d", gsi, level, r);
}

static void event(void *arg, enum vm_event_type type, const char *text)
{
	vm_end(arg, type, text);
}

static void wake(void *arg)
{
	struct vm *vm = arg;

	mbox_wake(&vm->mbox);
}

static int add_vcpus(struct vm *vm, struct errmsg *e)
{
	int r = 0;

	vm->vcpu = calloc(vm->n_vcpus, sizeof(vm->vcpu[0]));
	if (!vm->vcpu)
		return -ENOMEM;
	for (unsigned i = 0; i < vm->n_vcpus; i++)
		vm->vcpu[i] = (struct vcpu){ .vm = vm, .fd = -1 };
	for (unsigned i = 0; r == 0 && i < vm->n_vcpus; i++)
		r = vcpu_init(&vm->vcpu[i], vm, i, e);
	return r;
}

static struct vm *vm_new(const struct vm_config *config)
{
	struct vm *vm = calloc(1, sizeof(*vm));

	if (!vm)
		return NULL;
	vm->ram.fd = -1;
	vm->slow.wake = -1;
	vm->kvm.vm_fd = -1;
	vm->mbox.eventfd = -1;
	vm->n_vcpus = config->n_vcpus;
	vm->thread_init = config->thread_init;
	vm->slow_init = config->slow_init;
	vm->fill_init = config->fill_init;
	vm->kvm.close_vm = config->close_vm;
	vm->kvm.close_arg = config->close_arg;
	pthread_mutex_init(&vm->lock, NULL);
	pthread_cond_init(&vm->gate_open, NULL);
	return vm;
}

/*
 * Where a PC's firmware begins stands, in real-mode code, the one thing that is left of
 * it here: reset. Linux on hardware-reduced ACPI without EFI restarts by a jump there.
 */
static int write_bios_entry(struct vm *vm)
{
	static const uint8_t reset[] = {
		0xb0, KZ_I8042_RESET, /* mov al, RESET */
		0xe6, KZ_I8042_CMD,   /* out CMD, al */
		0xf4,                 /* hlt */
		0xeb, 0xfd,           /* jmp to the hlt */
	};

	return ram_write(&vm->ram, LAYOUT_BIOS_ENTRY, reset, sizeof(reset));
}

/* What needs no kernel file: memory, KVM, vCPUs, devices. */
static int build(struct vm *vm, const struct vm_config *config, struct errmsg *e)
{
	const struct dev_env env = {
		.irq = irq, .event = event, .wake = wake, .arg = vm
	};
	int r = mbox_init(&vm->mbox);

	if (r < 0)
		return errmsg_set(e, r, "eventfd: %s", strerror(-r));
	r = ram_init(&vm->ram, config->ram_bytes, e);
	if (r == 0)
		r = kvm_init(&vm->kvm, config->kvm_fd, &vm->ram, vm->n_vcpus, e);
	if (r == 0)
		r = add_vcpus(vm, e);
	if (r == 0)
		r = platform_init(vm, &env, config->tod_offset_s,
				  config->firmware_fd >= 0);
	if (r == 0)
		r = vdevs_init(vm);
	return r;
}

/* New at every boot: a guest that was copied is to notice. */
static int write_generation(const struct vm *vm, uint64_t gpa, struct errmsg *e)
{
	uint8_t id[16];

	if (getrandom(id, sizeof(id), 0) != sizeof(id))
		return errmsg_set(e, -EIO, "no random number for the generation id");
	return ram_write(&vm->ram, gpa, id, sizeof(id));
}

/* The kernel, what it is told, and the first vCPU at its entry. */
static int boot_kernel(struct vm *vm, const struct vm_config *config, struct errmsg *e)
{
	const struct acpi_machine m = { .n_vcpus = vm->n_vcpus,
					.pci_high = vm->pci.high,
					.generation_gpa = LAYOUT_VMGENID };
	struct boot_state boot;
	int r;

	r = image_load(&vm->ram, config->kernel_fd, config->initrd_fd, config->cmdline,
		       &boot, e);
	if (r == 0)
		r = mptable_write(&vm->ram, vm->n_vcpus);
	if (r == 0)
		r = acpi_write(&vm->ram, &m);
	if (r == 0)
		r = write_generation(vm, m.generation_gpa, e);
	if (r == 0)
		r = write_bios_entry(vm);
	if (r == 0)
		r = vcpu_set_boot(&vm->vcpu[0], &boot, e);
	return r;
}

/* The first vCPU stays at the reset vector, the others wait to be started. */
static int boot_firmware(struct vm *vm, const struct vm_config *config, struct errmsg *e)
{
	const struct acpi_machine m = {
		.n_vcpus = vm->n_vcpus,
		.pci_high = vm->pci.high,
		.generation_gpa = firmware_generation_gpa(&vm->ram),
		.firmware = true,
	};
	int r = firmware_load(&vm->firmware, config->firmware_fd, &vm->ram, &vm->kvm, e);

	if (r == 0)
		r = write_generation(vm, m.generation_gpa, e);
	return r < 0 ? r : firmware_tell(&vm->firmware, &vm->fwcfg, &vm->ram, &m);
}

static int check_config(const struct vm_config *config, struct errmsg *e)
{
	bool kernel = config->kernel_fd >= 0, firmware = config->firmware_fd >= 0;

	if (config->n_vcpus == 0 || config->n_vcpus > KZ_VCPUS_MAX)
		return errmsg_set(e, -EINVAL, "%u vCPUs: 1 to %d are possible",
				  config->n_vcpus, KZ_VCPUS_MAX);
	if (kernel == firmware)
		return errmsg_set(e, -EINVAL,
				  kernel ? "a kernel and firmware: only one can boot"
					 : "neither a kernel nor firmware to boot");
	if (firmware && config->initrd_fd >= 0)
		return errmsg_set(e, -EINVAL, "an initrd goes with a kernel only");
	return 0;
}

int vm_create(const struct vm_config *config, struct vm **ret_vm, struct errmsg *e)
{
	cleanup(vm_freep) struct vm *vm = NULL;
	int r = check_config(config, e);

	if (r < 0)
		return r;
	vm = vm_new(config);
	if (!vm)
		return errmsg_set(e, -ENOMEM, "no memory for a machine's description");
	r = build(vm, config, e);
	if (r == 0)
		r = config->firmware_fd >= 0 ? boot_firmware(vm, config, e)
					     : boot_kernel(vm, config, e);
	if (r < 0) /* what can only lack memory or descriptors says so by its errno */
		return e && *e->text
			       ? r
			       : errmsg_set(e, r, "making the machine: %s", strerror(-r));
	vm->direct = config->kernel_fd >= 0;
	*ret_vm = take_ptr(&vm);
	return 0;
}

int vm_boot_order(struct vm *vm, const unsigned *slot, unsigned n)
{
	return firmware_boot_order(&vm->fwcfg, slot, n);
}

/* Lets the vCPU threads go, or sends them home when quit is set. */
static void open_gate(struct vm *vm, bool go)
{
	pthread_mutex_lock(&vm->lock);
	vm->started = go;
	if (!go)
		atomic_store(&vm->quit, true);
	pthread_cond_broadcast(&vm->gate_open);
	pthread_mutex_unlock(&vm->lock);
}

static void on_kick(int sig)
{
}

/* vCPU threads take no signal but the kick; everything else is the main thread's. */
static int start_vcpus(struct vm *vm)
{
	struct sigaction kick = { .sa_handler = on_kick, .sa_flags = SA_RESTART };
	sigset_t all, before;
	pthread_attr_t attr;
	int r = 0;

	if (sigaction(VCPU_KICK_SIGNAL, &kick, NULL) < 0)
		return -errno;
	sigfillset(&all);
	sigdelset(&all, VCPU_KICK_SIGNAL);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, VCPU_STACK);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (unsigned i = 0; r == 0 && i < vm->n_vcpus; i++) {
		r = pthread_create(&vm->vcpu[i].thread, &attr, vcpu_main, &vm->vcpu[i]);
		vm->n_threads += r == 0;
	}
	if (r == 0)
		r = -vdevs_start(vm);
	if (r == 0)
		r = -ram_fill_start(&vm->ram, vm->fill_init);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	return -r;
}

int vm_start(struct vm *vm, struct errmsg *e)
{
	int r;

	if (vm->n_threads > 0 || atomic_load(&vm->quit))
		return errmsg_set(e, -EALREADY, "the machine was started before");
	if (vm->direct)
		pci_assign(&vm->pci);
	r = start_vcpus(vm);
	open_gate(vm, r == 0);
	if (r < 0) {
		vm_stop(vm);
		return errmsg_set(e, r,
				  "starting the threads of a machine of %u vCPUs: %s",
				  vm->n_vcpus, strerror(-r));
	}
	return 0;
}

/* Sets quit and kicks every vCPU; the first caller does it for all. */
static void quit(struct vm *vm)
{
	pthread_mutex_lock(&vm->lock);
	if (!atomic_exchange(&vm->quit, true) && vm->started) {
		for (unsigned i = 0; i < vm->n_vcpus; i++)
			vcpu_kick(&vm->vcpu[i]);
	}
	pthread_mutex_unlock(&vm->lock);
}

void vm_end(struct vm *vm, enum vm_event_type type, const char *text)
{
	if (!atomic_exchange(&vm->ended, true))
		mbox_post(&vm->mbox, type, text);
	quit(vm);
}

void vm_stop(struct vm *vm)
{
	quit(vm);
	ram_fill_cancel(&vm->ram);
	while (vm->n_threads > 0)
		pthread_join(vm->vcpu[--vm->n_threads].thread, NULL);
	vdevs_stop(vm);
}

void vm_free(struct vm *vm)
{
	if (!vm)
		return;
	vm_stop(vm);
	for (unsigned i = 0; vm->vcpu && i < vm->n_vcpus; i++)
		vcpu_fini(&vm->vcpu[i]);
	free(vm->vcpu);
	kvm_fini(&vm->kvm);
	vdevs_fini(vm);
	firmware_fini(&vm->firmware);
	ram_fini(&vm->ram);
	platform_fini(vm);
	mbox_fini(&vm->mbox);
	pthread_cond_destroy(&vm->gate_open);
	pthread_mutex_destroy(&vm->lock);
	free(vm);
}

int vm_event_fd(const struct vm *vm)
{
	return vm->mbox.eventfd;
}

bool vm_take_event(struct vm *vm, struct vm_event *ret_event)
{
	return mbox_take(&vm->mbox, ret_event);
}

void vm_power_button(struct vm *vm)
{
	power_raise(&vm->power, KZ_GED_POWER);
}

void vm_stats(struct vm *vm, struct vm_stats *ret_stats)
{
	struct vm_stats s = { .ram_bytes = vm->ram.size,
			      .resident_bytes = ram_resident(&vm->ram) };

	for (unsigned i = 0; i < vm->n_vcpus; i++)
		s.exits += atomic_load_explicit(&vm->vcpu[i].exits, memory_order_relaxed);
	ports_console_counts(vm, &s.console_bytes, &s.console_lost);
	vdevs_stats(vm, &s);
	*ret_stats = s;
}
