/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vcpu.c - the life of a vCPU thread: KVM_RUN, one table of exits, the end
 */
#include "kzhost/vm/vcpu.h"
#include "common/base/trace.h"
#include "common/sys/thread.h"
#include "kzhost/vm/layout.h"
#include "kzhost/vm/machine.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#define TRACED_STRAYS 16 /* then only every power of two */

#define CR0_PE   (1u << 0)
#define CR0_ET   (1u << 4)
#define CR0_PG   (1u << 31)
#define CR4_PAE  (1u << 5)
#define EFER_LME (1u << 8)
#define EFER_LMA (1u << 10)

int vcpu_init(struct vcpu *c, struct vm *vm, unsigned id, struct errmsg *e)
{
	c->vm = vm;
	c->id = id;
	c->fd = -1;
	return kvm_vcpu_open(&vm->kvm, id, vm->n_vcpus, &c->fd, &c->run, e);
}

void vcpu_fini(struct vcpu *c)
{
	if (c->run)
		munmap(c->run, c->vm->kvm.run_size);
	c->run = NULL;
	closep(&c->fd);
}

static struct kvm_segment flat_segment(uint16_t selector, uint8_t type, bool code64)
{
	bool code = type & 8;

	return (struct kvm_segment){ .limit = 0xffffffff,
				     .selector = selector,
				     .type = type,
				     .present = 1,
				     .db = !code || !code64,
				     .s = 1,
				     .l = code && code64,
				     .g = 1 };
}

/* Both boot protocols: flat segments, a task state, interrupts off; 64-bit: paging too.
 */
static void boot_sregs(struct kvm_sregs *s, enum boot_mode mode)
{
	bool code64 = mode == BOOT_LINUX64;
	struct kvm_segment data = flat_segment(0x18, 3, code64);

	s->cs = flat_segment(0x10, 11, code64);
	s->ds = s->es = s->fs = s->gs = s->ss = data;
	s->tr = (struct kvm_segment){
		.limit = 0x67, .selector = 0x20, .type = 11, .present = 1
	};
	s->ldt = (struct kvm_segment){ .unusable = 1, .type = 2 };
	s->idt = (struct kvm_dtable){ 0 };
	s->gdt = (struct kvm_dtable){ 0 };
	s->cr0 = CR0_PE | CR0_ET;
	s->cr4 = 0;
	if (!code64)
		return;
	s->gdt = (struct kvm_dtable){ .base = LAYOUT_GDT, .limit = 6 * 8 - 1 };
	s->cr3 = LAYOUT_PAGE_TABLES;
	s->cr4 = CR4_PAE;
	s->cr0 |= CR0_PG;
	s->efer |= EFER_LME | EFER_LMA;
}

int vcpu_set_boot(struct vcpu *c, const struct boot_state *boot, struct errmsg *e)
{
	struct kvm_regs regs = { .rflags = 2, .rip = boot->entry };
	struct kvm_sregs sregs;
	int r;

	if (boot->mode == BOOT_PVH)
		regs.rbx = boot->info;
	else
		regs.rsi = boot->info;
	r = kvm_ioctl(c->fd, KVM_GET_SREGS, &sregs);
	if (r < 0)
		return errmsg_set(e, r, "KVM_GET_SREGS: %s", strerror(-r));
	boot_sregs(&sregs, boot->mode);
	r = kvm_ioctl(c->fd, KVM_SET_SREGS, &sregs);
	if (r < 0)
		return errmsg_set(e, r, "KVM_SET_SREGS: %s", strerror(-r));
	r = kvm_ioctl(c->fd, KVM_SET_REGS, &regs);
	if (r < 0)
		return errmsg_set(e, r, "KVM_SET_REGS: %s", strerror(-r));
	return 0;
}

void vcpu_kick(struct vcpu *c)
{
	__atomic_store_n(&c->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
	pthread_kill(c->thread, VCPU_KICK_SIGNAL);
}

void vcpu_describe(const struct vcpu *c, char *text, size_t size)
{
	struct kvm_regs r = { 0 };
	struct kvm_sregs s = { 0 };

	kvm_ioctl(c->fd, KVM_GET_REGS, &r);
	kvm_ioctl(c->fd, KVM_GET_SREGS, &s);
	snprintf(
		text, size,
		"rip=%llx cs=%x rflags=%llx rsp=%llx rax=%llx cr0=%llx cr2=%llx cr3=%llx "
		"cr4=%llx efer=%llx",
		r.rip, s.cs.selector, r.rflags, r.rsp, r.rax, s.cr0, s.cr2, s.cr3, s.cr4,
		s.efer);
}

/* Ends the machine with a fault: what happened, and where. */
static void fault(struct vcpu *c, const char *fmt, ...) printf_like(2, 3);

static void fault(struct vcpu *c, const char *fmt, ...)
{
	char what[96], regs[192], text[sizeof(what) + sizeof(regs) + 32];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	vcpu_describe(c, regs, sizeof(regs));
	snprintf(text, sizeof(text), "vCPU %u: %s: %s", c->id, what, regs);
	vm_end(c->vm, VM_EV_FAULT, text);
}

/* Only this vCPU's thread writes: no locked instruction is needed. */
static uint64_t count(atomic_ullong *counter)
{
	uint64_t n = atomic_load_explicit(counter, memory_order_relaxed) + 1;

	atomic_store_explicit(counter, n, memory_order_relaxed);
	return n;
}

static void stray(struct vcpu *c, const char *what, uint64_t addr, unsigned size)
{
	uint64_t n = count(&c->strays);

	if (n <= TRACED_STRAYS || (n & (n - 1)) == 0)
		TRACE(vcpu, "vcpu=%u stray=%llu %s 0x%llx size=%u", c->id,
		      (unsigned long long)n, what, (unsigned long long)addr, size);
}

static void port_access(struct vcpu *c, bool out, uint16_t port, unsigned size,
			uint8_t *data)
{
	uint64_t value = 0;
	bool taken;

	if (out) {
		memcpy(&value, data, size);
		taken = bus_write(&c->vm->pio, port, size, value);
	} else {
		taken = bus_read(&c->vm->pio, port, size, &value);
		memcpy(data, &value, size);
	}
	if (!taken)
		stray(c, out ? "out" : "in", port, size);
}

static void on_io(struct vcpu *c)
{
	const struct kvm_run *run = c->run;
	uint8_t *data = (uint8_t *)c->run + run->io.data_offset;
	bool out = run->io.direction == KVM_EXIT_IO_OUT;

	for (uint32_t i = 0; i < run->io.count; i++)
		port_access(c, out, run->io.port, run->io.size,
			    data + (size_t)i * run->io.size);
}

static void on_mmio(struct vcpu *c)
{
	uint64_t addr = c->run->mmio.phys_addr, value = 0;
	unsigned size = MIN(c->run->mmio.len, 8u);
	bool taken;

	if (c->run->mmio.is_write) {
		memcpy(&value, c->run->mmio.data, size);
		taken = bus_write(&c->vm->mmio, addr, size, value);
	} else {
		taken = bus_read(&c->vm->mmio, addr, size, &value);
		memcpy(c->run->mmio.data, &value, size);
	}
	if (!taken)
		stray(c, c->run->mmio.is_write ? "mmio write" : "mmio read", addr, size);
}

static void on_shutdown(struct vcpu *c)
{
	vm_end(c->vm, VM_EV_RESET, "the guest reset itself (triple fault)");
}

static void on_system_event(struct vcpu *c)
{
	switch (c->run->system_event.type) {
	case KVM_SYSTEM_EVENT_SHUTDOWN:
		vm_end(c->vm, VM_EV_POWEROFF,
		       "the guest powered itself off (system event)");
		break;
	case KVM_SYSTEM_EVENT_RESET:
		vm_end(c->vm, VM_EV_RESET, "the guest reset itself (system event)");
		break;
	case KVM_SYSTEM_EVENT_CRASH:
		vm_end(c->vm, VM_EV_PANIC, "the guest panicked (system event)");
		break;
	default:
		fault(c, "unknown system event %u", c->run->system_event.type);
		break;
	}
}

static void on_internal_error(struct vcpu *c)
{
	fault(c, "KVM internal error %u%s", c->run->internal.suberror,
	      c->run->internal.suberror == KVM_INTERNAL_ERROR_EMULATION
		      ? " (cannot emulate an instruction)"
		      : "");
}

static void on_fail_entry(struct vcpu *c)
{
	fault(c, "KVM cannot enter the guest, hardware reason 0x%llx",
	      c->run->fail_entry.hardware_entry_failure_reason);
}

static void on_nothing(struct vcpu *c)
{
}

static void (*const exit_handlers[])(struct vcpu *c) = {
	[KVM_EXIT_IO] = on_io,
	[KVM_EXIT_MMIO] = on_mmio,
	[KVM_EXIT_INTR] = on_nothing,
	[KVM_EXIT_SHUTDOWN] = on_shutdown,
	[KVM_EXIT_SYSTEM_EVENT] = on_system_event,
	[KVM_EXIT_INTERNAL_ERROR] = on_internal_error,
	[KVM_EXIT_FAIL_ENTRY] = on_fail_entry,
};

static void handle_exit(struct vcpu *c)
{
	uint32_t reason = c->run->exit_reason;

	count(&c->exits);
	if (reason < ARRAY_SIZE(exit_handlers) && exit_handlers[reason])
		exit_handlers[reason](c);
	else
		fault(c, "unexpected exit from KVM, reason %u", reason);
}

/* Waits until every vCPU thread exists. False: none of them is to run. */
static bool pass_gate(struct vm *vm)
{
	bool go;

	pthread_mutex_lock(&vm->lock);
	while (!vm->started && !atomic_load(&vm->quit))
		pthread_cond_wait(&vm->gate_open, &vm->lock);
	go = vm->started;
	pthread_mutex_unlock(&vm->lock);
	return go;
}

void *vcpu_main(void *arg)
{
	struct vcpu *c = arg;
	int r = 0;

	thread_set_name("vcpu%u", c->id);
	if (!pass_gate(c->vm))
		return NULL;
	if (c->vm->thread_init)
		r = c->vm->thread_init();
	if (r < 0)
		fault(c, "its thread could not be set up: %s", strerror(-r));
	while (!atomic_load_explicit(&c->vm->quit, memory_order_relaxed)) {
		/* EAGAIN: a processor that waits for its start-up interrupt was woken. */
		if (ioctl(c->fd, KVM_RUN, NULL) == 0)
			handle_exit(c);
		else if (errno != EINTR && errno != EAGAIN)
			fault(c, "KVM_RUN: %s", strerror(errno));
	}
	return NULL;
}
