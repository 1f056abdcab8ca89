/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_vm.c - the machine on KVM, by guests of a few instructions (guests.S)
 */
#include "common/proto/machine.h"
#include "kzhost/dev/vblk.h"
#include "kzhost/vm/machine.h"
#include "kzhost/vm/platform.h"
#include "tests/kvm/tiny.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/resource.h>

/* guests.S */
TINY(greets);
TINY(unknown_ports);
TINY(unknown_mmio);
TINY(string_io);
TINY(triple_fault);
TINY(keyboard_reset);
TINY(panics);
TINY(waits_for_button);
TINY(echoes);
TINY(spins);
TINY(halts);
TINY(floods);
TINY(second_processor);
TINY(all_processors);
TINY(everywhere);
TINY(drivers);
TINY(bios_entry);
TINY(high_memory);
TINY(firmware);

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

TEST(vm, unknown_ports_and_widths_read_all_ones)
{
	cleanup(tiny_free) struct tiny t;

	TINY_RUN(&t, unknown_ports);
	tiny_expect_event(&t, VM_EV_POWEROFF);
	T_STREQ(t.console, "PPPPP");
	T_EQ(t.vm->vcpu[0].strays, 5);
}

TEST(vm, unknown_addresses_read_all_ones)
{
	cleanup(tiny_free) struct tiny t;

	TINY_RUN(&t, unknown_mmio);
	tiny_expect_event(&t, VM_EV_POWEROFF);
	T_STREQ(t.console, "PPP");
	T_EQ(t.vm->vcpu[0].strays, 4);
}

TEST(vm, string_output_arrives_in_order)
{
	cleanup(tiny_free) struct tiny t;

	TINY_RUN(&t, string_io);
	tiny_expect_event(&t, VM_EV_POWEROFF);
	T_STREQ(t.console, "12345");
}

TEST(vm, a_triple_fault_is_a_reset)
{
	cleanup(tiny_free) struct tiny t;

	TINY_RUN(&t, triple_fault);
	tiny_expect_event(&t, VM_EV_RESET);
}

TEST(vm, the_keyboard_controller_resets)
{
	cleanup(tiny_free) struct tiny t;

	TINY_RUN(&t, keyboard_reset);
	tiny_expect_event(&t, VM_EV_RESET);
}

TEST(vm, a_panic_holds_the_machine)
{
	cleanup(tiny_free) struct tiny t;

	TINY_RUN(&t, panics);
	tiny_expect_event(&t, VM_EV_PANIC);
	vm_stop(t.vm);
	T_EQ(t.len, 0); /* it did not go on */
}

TEST(vm, the_power_button_is_an_event)
{
	cleanup(tiny_free) struct tiny t;

	TINY_RUN(&t, waits_for_button);
	tiny_expect_console(&t, "w");
	vm_power_button(t.vm);
	tiny_expect_event(&t, VM_EV_POWEROFF);
	T_STREQ(t.console, "wPP");
}

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

TEST(vm, as_many_processors_as_there_may_be_start_by_the_ids_of_their_apics)
{
	struct vm_config c = tiny_config(tiny_all_processors, tiny_all_processors_end);
	char passed[KZ_VCPUS_MAX] = "";
	cleanup(tiny_free) struct tiny t;

	c.n_vcpus = KZ_VCPUS_MAX;
	tiny_run(&t, &c);
	tiny_expect_event(&t, VM_EV_POWEROFF);
	memset(passed, 'P', sizeof(passed) - 1);
	T_STREQ(t.console, passed);
}

TEST(vm, many_processors_stop_as_one_does)
{
	static const struct {
		const uint8_t *code, *end;
	} guests[] = { { tiny_spins, tiny_spins_end }, { tiny_halts, tiny_halts_end } };

	for (unsigned i = 0; i < ARRAY_SIZE(guests); i++) {
		struct vm_config c = tiny_config(guests[i].code, guests[i].end);
		cleanup(tiny_free) struct tiny t;

		c.n_vcpus = KZ_VCPUS_MAX;
		tiny_run(&t, &c);
		tiny_expect_console(&t, "s");
		vm_stop(t.vm);
	}
}

TEST(vm, the_bios_entry_resets)
{
	struct vm_config c = tiny_config(tiny_bios_entry, tiny_bios_entry_end);
	cleanup(tiny_free) struct tiny t;

	c.n_vcpus = 2;
	tiny_run(&t, &c);
	tiny_expect_event(&t, VM_EV_RESET);
}

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

/* The link has every pthread_create() come here: the one of this number fails, if any. */
static int thread_to_fail = -1;

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
			  void *(*start)(void *), void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
			  void *(*start)(void *), void *arg);

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
			  void *(*start)(void *), void *arg)
{
	if (thread_to_fail >= 0 && thread_to_fail-- == 0)
		return EAGAIN;
	return __real_pthread_create(thread, attr, start, arg);
}

static int start_with_disk(struct tiny *t, const uint8_t *code, const uint8_t *end,
			   unsigned n_vcpus, int (*thread_init)(void), struct errmsg *e)
{
	struct vm_config c = tiny_config(code, end);
	struct vblk_config disk = { .bytes = MIB,
				    .block_bytes = 512,
				    .n_queues = 2,
				    .thread_init = thread_init };

	disk.take_backing.direct_fd = -1;
	disk.take_backing.buffered_fd = memfd_create("disk", MFD_CLOEXEC);
	T_OK(ftruncate(disk.take_backing.buffered_fd, MIB));
	c.n_vcpus = n_vcpus;
	memset(t, 0, sizeof(*t));
	T_OK(vm_create(&c, &t->vm, e));
	tiny_config_done(&c);
	T_OK(vm_add_disk(t->vm, &disk, e));
	return vm_start(t->vm, e);
}

TEST(vm, a_disks_thread_that_cannot_confine_itself_is_a_fault)
{
	struct errmsg e = { 0 };
	cleanup(tiny_free) struct tiny t;
	struct vm_event ev;

	T_OK(start_with_disk(&t, tiny_spins, tiny_spins_end, 1, no_filter, &e));
	while (!vm_take_event(t.vm, &ev))
		T_WAIT_FD(vm_event_fd(t.vm), POLLIN);
	T_EQ(ev.type, VM_EV_FAULT);
	T_STREQ(ev.text,
		"dev=vblk0 a thread could not be set up: Operation not permitted");
	vm_stop(t.vm);
}

TEST(vm, ends_whichever_of_its_threads_cannot_be_made)
{
	int r = -EAGAIN, n;

	for (n = 0; r < 0; n++) {
		struct errmsg e = { 0 };
		cleanup(tiny_free) struct tiny t;
		struct vm_event ev;

		thread_to_fail = n;
		r = start_with_disk(&t, tiny_spins, tiny_spins_end, 2, NULL, &e);
		if (r == 0)
			break;
		T_EQ(r, -EAGAIN);
		T_HAS(e.text, "starting the threads of a machine of 2 vCPUs: ");
		T_FALSE(vm_take_event(t.vm, &ev));
		T_EQ(vm_start(t.vm, &e), -EALREADY);
	}
	thread_to_fail = -1;
	T_EQ(n, 2 + 1 + 2 + 1); /* vCPUs, slow devices, queues, the filler */
}

/* For the thread sanitizer, above all: registers are the vCPU threads' work. The main
 * thread has its own, meanwhile. Returns how many events told of a driver's mistakes. */
static unsigned run_eight_processors(const uint8_t *code, const uint8_t *end)
{
	cleanup(tiny_free) struct tiny t;
	struct errmsg e = { 0 };
	unsigned mistakes = 0;
	struct vm_event ev;
	char out[256];

	T_OK(start_with_disk(&t, code, end, 8, NULL, &e));
	do {
		struct vm_stats s;

		for (ev.type = VM_EV_DEVICE; vm_take_event(t.vm, &ev); mistakes++)
			if (ev.type != VM_EV_DEVICE)
				break;
		vm_stats(t.vm, &s);
		vm_console_write(t.vm, "typed", 5);
		vm_port_write(t.vm, VM_PORT_AGENT, "asked", 5);
		vm_power_button(t.vm);
		while (vm_console_read(t.vm, VM_CONSOLE_SERIAL, out, sizeof(out)) > 0)
			;
	} while (ev.type == VM_EV_DEVICE);
	if (ev.type != VM_EV_POWEROFF)
		T_FAIL("event %d (%s)", ev.type, ev.text);
	return mistakes;
}

TEST(vm, eight_processors_on_all_ports_at_once)
{
	run_eight_processors(tiny_everywhere, tiny_everywhere_end);
}

TEST(vm, eight_processors_drive_the_same_devices)
{
	T_TRUE(run_eight_processors(tiny_drivers, tiny_drivers_end) > 0);
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

/* With KVM behind its lines; test_platform.c has the rest. */
TEST(vm, what_is_beside_its_bus_moves_to_another_machine)
{
	struct vm_config c = tiny_config(tiny_echoes, tiny_echoes_end);
	cleanup(buf_fini) struct buf first = { 0 };
	cleanup(buf_fini) struct buf second = { 0 };
	cleanup(vm_freep) struct vm *vm = NULL;
	cleanup(tiny_free) struct tiny t;
	struct errmsg e = { "" };
	struct state_reader r;

	T_OK(vm_create(&c, &vm, &e));
	tiny_run(&t, &c);
	tiny_expect_console(&t, ">");
	vm_stop(t.vm);
	tiny_type(&t, "typed to a guest that does not run");
	T_OK(platform_save(t.vm, &first));
	T_OK(state_open(&r, DEVSTATE_VERSION, first.p, first.len, &e));
	T_OK(platform_load(vm, &r, &e));
	T_OK(state_end(&r, &e));
	T_OK(platform_save(vm, &second));
	T_EQ(first.len, second.len);
	T_MEMEQ(first.p, second.p, first.len);
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

TEST(vm, whatever_a_machine_lacks_it_says_so)
{
	struct vm_config c = tiny_config(tiny_greets, tiny_greets_end);
	struct rlimit before, few;
	struct vm *vm = NULL;
	int r = -EMFILE;

	T_OK(getrlimit(RLIMIT_NOFILE, &before));
	few = before;
	for (few.rlim_cur = 3; r < 0; few.rlim_cur++) {
		struct errmsg e = { 0 };

		T_OK(setrlimit(RLIMIT_NOFILE, &few));
		r = vm_create(&c, &vm, &e);
		T_OK(setrlimit(RLIMIT_NOFILE, &before));
		T_EQ(r, r < 0 ? -EMFILE : 0);
		if (r < 0)
			T_HAS(e.text, ": ");
	}
	vm_free(vm);
	tiny_config_done(&c);
}

/* An image of this size, zeroes but for its last bytes. */
static int make_firmware(off_t size)
{
	size_t len = (size_t)(tiny_firmware_end - tiny_firmware);
	int fd = memfd_create("firmware", MFD_CLOEXEC);

	T_TRUE(fd >= 0);
	T_OK(ftruncate(fd, size));
	T_EQ(pwrite(fd, tiny_firmware, len, size - (off_t)len), (ssize_t)len);
	return fd;
}

TEST(vm, firmware_begins_at_the_reset_vector)
{
	static const off_t sizes[] = { 64 * KIB, 256 * KIB, 16 * MIB };

	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct vm_config c = tiny_config(tiny_greets, tiny_greets_end);
		cleanup(tiny_free) struct tiny t;
		int fd = make_firmware(sizes[i]);

		closep(&c.kernel_fd);
		c.n_vcpus = 2; /* the second one waits to be started, for ever */
		c.firmware_fd = fd;
		tiny_run(&t, &c);
		close(fd);
		tiny_expect_event(&t, VM_EV_POWEROFF);
		T_STREQ(t.console, "Q");
	}
}

TEST(vm, one_thing_boots)
{
	struct vm_config c = tiny_config(tiny_greets, tiny_greets_end);
	int kernel = c.kernel_fd, firmware = make_firmware(64 * KIB);
	struct errmsg e = { 0 };
	struct vm *vm = NULL;

	c.firmware_fd = firmware;
	T_EQ(vm_create(&c, &vm, &e), -EINVAL);
	T_HAS(e.text, "a kernel and firmware");
	c.kernel_fd = c.firmware_fd = -1;
	T_EQ(vm_create(&c, &vm, &e), -EINVAL);
	T_HAS(e.text, "neither a kernel nor firmware");
	c.firmware_fd = firmware;
	c.initrd_fd = kernel;
	T_EQ(vm_create(&c, &vm, &e), -EINVAL);
	T_HAS(e.text, "an initrd goes with a kernel only");
	T_NULL(vm);
	c.initrd_fd = -1;
	close(kernel);
	close(firmware);
	tiny_config_done(&c);
}
