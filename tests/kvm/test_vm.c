/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_vm.c - the machine on KVM, by guests of a few instructions
 */
#include "common/proto/machine.h"
#include "kzhost/vm/machine.h"
#include "tests/kvm/tiny.h"

#include <fcntl.h>
#include <poll.h>

__asm__(".macro put c\n"
	"	mov $\\c, %al\n	mov $0x3f8, %dx\n	out %al, (%dx)\n"
	".endm\n"
	".macro check value\n"
	"	cmp $\\value, %eax\n	mov $'P', %al\n	je 1f\n	mov $'F', %al\n"
	"1:	mov $0x3f8, %dx\n	out %al, (%dx)\n"
	".endm\n"
	".macro finish\n"
	"	mov $0x604, %dx\n	mov $0x34, %al\n	out %al, (%dx)\n1:	jmp 1b\n"
	".endm\n");

TINY(greets, "put 'h'; put 'i'; finish");

TEST(vm, a_guest_prints_and_powers_off)
{
	cleanup(tiny_free) struct tiny t;
	struct vm_stats s;

	TINY_RUN(&t, greets);
	tiny_expect_event(&t, VM_EV_POWEROFF);
	T_STREQ(t.console, "hi");
	vm_stats(t.vm, &s);
	T_EQ(s.console_bytes, 2);
	T_EQ(s.ram_bytes, 4 * MIB);
	T_TRUE(s.exits >= 3);
	T_TRUE(s.resident_bytes > 0);
}

TINY(unknown_ports, "mov $0x999, %dx; mov $0x1234, %eax; out %eax, (%dx);"
		    "xor %eax, %eax; in (%dx), %al; check 0xff;"
		    "mov $0x999, %dx; xor %eax, %eax; in (%dx), %ax; check 0xffff;"
		    "mov $0x999, %dx; xor %eax, %eax; in (%dx), %eax; check -1;"
		    "mov $0x3f8, %dx; xor %eax, %eax; in (%dx), %eax; check -1;"
		    "mov $0x505, %dx; xor %eax, %eax; in (%dx), %al; check 3;"
		    "finish");

TEST(vm, unknown_ports_and_widths_read_all_ones)
{
	cleanup(tiny_free) struct tiny t;

	TINY_RUN(&t, unknown_ports);
	tiny_expect_event(&t, VM_EV_POWEROFF);
	T_STREQ(t.console, "PPPPP");
	T_EQ(t.vm->vcpu[0].strays, 5);
}

TINY(unknown_mmio, "mov $0xd0000000, %ebx; movl $0x1234, (%ebx);"
		   "mov (%ebx), %eax; check -1;"
		   "xor %eax, %eax; mov 1(%ebx), %al; check 0xff;"
		   "mov $0x400000, %ebx; mov (%ebx), %eax; check -1;" /* where RAM ends */
		   "finish");

TEST(vm, unknown_addresses_read_all_ones)
{
	cleanup(tiny_free) struct tiny t;

	TINY_RUN(&t, unknown_mmio);
	tiny_expect_event(&t, VM_EV_POWEROFF);
	T_STREQ(t.console, "PPP");
	T_EQ(t.vm->vcpu[0].strays, 4);
}

TINY(string_io, "mov $" AT("2f") ", %esi; mov $5, %ecx; mov $0x3f8, %dx; cld; rep outsb;"
				 "finish; 2: .ascii \"12345\"");

TEST(vm, string_output_arrives_in_order)
{
	cleanup(tiny_free) struct tiny t;

	TINY_RUN(&t, string_io);
	tiny_expect_event(&t, VM_EV_POWEROFF);
	T_STREQ(t.console, "12345");
}

TINY(triple_fault,
     "lidt " AT("2f") "; mov $0xfff8, %ax; mov %ax, %ds; 1: jmp 1b; 2: .word 0; .long 0");

TEST(vm, a_triple_fault_is_a_reset)
{
	cleanup(tiny_free) struct tiny t;

	TINY_RUN(&t, triple_fault);
	tiny_expect_event(&t, VM_EV_RESET);
}

TINY(keyboard_reset,
     "1: in $0x64, %al; test $2, %al; jnz 1b; mov $0xfe, %al; out %al, $0x64;"
     "2: jmp 2b");

TEST(vm, the_keyboard_controller_resets)
{
	cleanup(tiny_free) struct tiny t;

	TINY_RUN(&t, keyboard_reset);
	tiny_expect_event(&t, VM_EV_RESET);
}

TINY(panics, "mov $0x505, %dx; mov $1, %al; out %al, (%dx); put '!'; finish");

TEST(vm, a_panic_holds_the_machine)
{
	cleanup(tiny_free) struct tiny t;

	TINY_RUN(&t, panics);
	tiny_expect_event(&t, VM_EV_PANIC);
	vm_stop(t.vm);
	T_EQ(t.len, 0); /* it did not go on */
}

TINY(waits_for_button,
     "put 'w'; mov $0x600, %dx; 1: in (%dx), %eax; test %eax, %eax; jz 1b;"
     "check 2; mov $0x600, %dx; in (%dx), %eax; check 0; finish");

TEST(vm, the_power_button_is_an_event)
{
	cleanup(tiny_free) struct tiny t;

	TINY_RUN(&t, waits_for_button);
	tiny_expect_console(&t, "w");
	vm_power_button(t.vm);
	tiny_expect_event(&t, VM_EV_POWEROFF);
	T_STREQ(t.console, "wPP");
}

/*
 * Interrupts through the PIC: GDT for the handler's code segment, one gate per line, the
 * receiver's interrupt enabled, then halt. Echoes each byte plus one; line 9 powers off.
 * The handler drops its frame instead of iret, which KVM's emulator does not know.
 */
TINY(echoes,
     "lgdt " AT(
	     "gdtr_echo") "; mov $0x1000, %esp;"
			  "movl $" AT(
				  "irq4_echo") ", %eax; movw %ax, 0x5120; movw $0x10, 0x5122;"
					       "movw $0x8e00, 0x5124; shr $16, %eax; movw %ax, 0x5126;"
					       "movl $" AT(
						       "irq9_echo") ", %eax; movw %ax, 0x5148; movw $0x10, 0x514a;"
								    "movw $0x8e00, 0x514c; shr $16, %eax; movw %ax, 0x514e;"
								    "lidt " AT(
									    "idtr_echo") ";"
											 "mov $0x11, %al; out %al, $0x20; out %al, $0xa0;"
											 "mov $0x20, %al; out %al, $0x21; mov $0x28, %al; out %al, $0xa1;"
											 "mov $4, %al; out %al, $0x21; mov $2, %al; out %al, $0xa1;"
											 "mov $1, %al; out %al, $0x21; out %al, $0xa1;"
											 "mov $0xeb, %al; out %al, $0x21; mov $0xfd, %al; out %al, $0xa1;"
											 "mov $0x3f9, %dx; mov $1, %al; out %al, (%dx); put '>'; sti;"
											 "1: hlt; jmp 1b;"
											 "irq4_echo: mov $0x3f8, %dx; in (%dx), %al; inc %al; out %al, (%dx);"
											 "mov $0x20, %al; out %al, $0x20; add $12, %esp; sti; jmp 1b;"
											 "irq9_echo: finish;"
											 ".balign 8; gdt_echo: .quad 0, 0, 0x00cf9b000000ffff, 0x00cf93000000ffff;"
											 "gdtr_echo: .word 31; .long " AT(
												 "gdt_echo") ";"
													     "idtr_echo: .word 0x3ff; .long 0x5000");

TEST(vm, a_halted_guest_is_woken_by_console_and_button)
{
	cleanup(tiny_free) struct tiny t;

	TINY_RUN(&t, echoes);
	tiny_expect_console(&t, ">");
	tiny_type(&t, "a");
	tiny_expect_console(&t, ">b");
	tiny_type(&t, "x");
	tiny_expect_console(&t, ">by");
	vm_power_button(t.vm);
	tiny_expect_event(&t, VM_EV_POWEROFF);
}

TINY(spins, "put 's'; 1: jmp 1b");
TINY(halts, "put 's'; cli; hlt; 1: jmp 1b");

TEST(vm, stop_never_waits_for_the_guest)
{
	for (unsigned i = 0; i < 20; i++) {
		cleanup(tiny_free) struct tiny t;
		struct vm_event ev;

		if (i % 2)
			TINY_RUN(&t, spins);
		else
			TINY_RUN(&t, halts);
		if (i >= 10)
			tiny_expect_console(&t, "s");
		vm_stop(t.vm);
		vm_stop(t.vm);
		T_FALSE(vm_take_event(t.vm, &ev));
	}
}

TEST(vm, stop_and_the_guests_own_end_may_meet)
{
	for (unsigned i = 0; i < 30; i++) {
		struct vm_config c = tiny_config(tiny_greets, tiny_greets_end);
		cleanup(tiny_free) struct tiny t;

		c.n_vcpus = 2;
		tiny_run(&t, &c);
		for (unsigned spin = 0; spin < i * 1000; spin++)
			__asm__ volatile("pause");
		vm_stop(t.vm);
	}
}

/* Writes for ever: nobody reads. */
TINY(floods,
     "mov $100000, %ecx; mov $'x', %al; mov $0x3f8, %dx; 1: out %al, (%dx); loop 1b;"
     "finish");

TEST(vm, an_unread_console_never_blocks_the_guest)
{
	cleanup(tiny_free) struct tiny t;
	struct vm_stats s;
	struct vm_event ev;

	TINY_RUN(&t, floods);
	while (!vm_take_event(t.vm, &ev))
		T_WAIT_FD(vm_event_fd(t.vm), POLLIN);
	T_EQ(ev.type, VM_EV_POWEROFF);
	vm_stats(t.vm, &s);
	T_EQ(s.console_bytes, 100000);
	T_EQ(s.console_lost, 100000 - SERIAL_OUT_BUF);
}

/* INIT and start-up interrupts to APIC 1, whose real-mode code is copied to 0x8000. */
TINY(second_processor,
     "mov $" AT(
	     "ap_smp") ", %esi; mov $0x8000, %edi; mov $(ap_smp_end - ap_smp), %ecx; cld;"
		       "rep movsb; movl $0x1ff, 0xfee000f0; movl $0x01000000, 0xfee00310;"
		       "movl $0x4500, 0xfee00300; movl $0x01000000, 0xfee00310; movl $0x4608, 0xfee00300;"
		       "1: cmpb $1, 0x7000; jne 1b; put 'b'; finish;"
		       "ap_smp: .code16; mov $0x3f8, %dx; mov $'a', %al; out %al, (%dx); xor %ax, %ax;"
		       "mov %ax, %ds; movb $1, 0x7000; 2: hlt; jmp 2b; ap_smp_end: .code32");

TEST(vm, a_second_processor_starts)
{
	struct vm_config c =
		tiny_config(tiny_second_processor, tiny_second_processor_end);
	cleanup(tiny_free) struct tiny t;

	c.n_vcpus = 2;
	tiny_run(&t, &c);
	tiny_expect_event(&t, VM_EV_POWEROFF);
	T_STREQ(t.console, "ab");
}

/* Compatibility mode: 0 to 2 MiB one to one, and at 3 GiB the RAM that continues at 4
 * GiB. */
TINY(high_memory,
     "movl $0x11003, 0x10000; movl $0x12003, 0x11000; movl $0x13003, 0x11018;"
     "movl $0x83, 0x12000; movl $0x83, 0x13000; movl $1, 0x13004;"
     "mov $0x20, %eax; mov %eax, %cr4; mov $0x10000, %eax; mov %eax, %cr3;"
     "mov $0xc0000080, %ecx; xor %edx, %edx; mov $0x100, %eax; wrmsr;"
     "mov %cr0, %eax; or $0x80000000, %eax; mov %eax, %cr0;"
     "movl $0x600dcafe, 0xc0000010; mov 0xc0000010, %eax; check 0x600dcafe;"
     "finish");

TEST(vm, memory_continues_at_4_gib)
{
	struct vm_config c = tiny_config(tiny_high_memory, tiny_high_memory_end);
	cleanup(tiny_free) struct tiny t = { 0 };
	struct errmsg e = { 0 };
	uint32_t v = 0;
	int r;

	c.ram_bytes = KZ_GPA_RAM_LOW_END + 2 * MIB;
	r = vm_create(&c, &t.vm, &e);
	tiny_config_done(&c);
	if (r == -ENOMEM)
		T_SKIP("%s", e.text);
	T_OK(r);
	T_OK(vm_start(t.vm, &e));
	tiny_expect_event(&t, VM_EV_POWEROFF);
	T_STREQ(t.console, "P");
	T_OK(ram_read(&t.vm->ram, KZ_GPA_RAM_HIGH + 0x10, &v, 4));
	T_EQ(v, 0x600dcafe);
}

static int no_filter(void)
{
	return -EPERM;
}

TEST(vm, a_thread_that_cannot_confine_itself_is_a_fault)
{
	struct vm_config c = tiny_config(tiny_greets, tiny_greets_end);
	cleanup(tiny_free) struct tiny t;

	c.n_vcpus = 2;
	c.thread_init = no_filter;
	tiny_run(&t, &c);
	tiny_expect_event(&t, VM_EV_FAULT);
	vm_stop(t.vm);
	T_EQ(t.len, 0);
}

TEST(vm, is_started_once)
{
	cleanup(tiny_free) struct tiny t;
	struct errmsg e = { 0 };

	TINY_RUN(&t, spins);
	T_EQ(vm_start(t.vm, &e), -EALREADY);
	vm_stop(t.vm);
	T_EQ(vm_start(t.vm, &e), -EALREADY);
}

TEST(vm, a_machine_that_never_ran_is_freed)
{
	struct vm_config c = tiny_config(tiny_greets, tiny_greets_end);
	struct errmsg e = { 0 };
	struct vm *vm = NULL;

	T_OK(vm_create(&c, &vm, &e));
	vm_stop(vm);
	vm_free(vm);
	tiny_config_done(&c);
}

/* vm_create() fails with this, and says why. */
static void refused(const struct vm_config *c, int err, const char *text)
{
	struct errmsg e = { 0 };
	struct vm *vm = NULL;

	T_EQ(vm_create(c, &vm, &e), err);
	T_HAS(e.text, text);
	T_NULL(vm);
}

TEST(vm, impossible_configurations_are_refused)
{
	struct vm_config good = tiny_config(tiny_greets, tiny_greets_end), c = good;
	cleanup(closep) int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	c.ram_bytes = 1024 * GIB * 64;
	refused(&c, -ENOMEM, "asked for 67108864 MiB, but the host has");
	c.ram_bytes = 4 * MIB + 4096;
	refused(&c, -EINVAL, "multiple of 2 MiB");
	c = good;
	c.n_vcpus = 0;
	refused(&c, -EINVAL, "0 vCPUs");
	c.n_vcpus = 65;
	refused(&c, -EINVAL, "65 vCPUs");
	c = good;
	c.kvm_fd = null;
	refused(&c, -ENOTTY, "/dev/kvm");
	c = good;
	c.kernel_fd = null;
	refused(&c, -EINVAL, "kernel: not a regular file");
	tiny_config_done(&good);
}
