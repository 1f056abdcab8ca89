/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_machine.c - memory, memory map, MP table, CPUID, small devices
 */
#include "common/base/le.h"
#include "kzhost/dev/i8042.h"
#include "kzhost/dev/power.h"
#include "kzhost/dev/pvpanic.h"
#include "kzhost/vm/kvm.h"
#include "kzhost/vm/layout.h"
#include "kzhost/vm/mbox.h"
#include "kzhost/vm/memmap.h"
#include "kzhost/vm/mptable.h"
#include "tests/harness/harness.h"

#include <poll.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

TEST(ram, slices_are_checked)
{
	struct errmsg e = { 0 };
	struct ram ram;

	T_OK(ram_init(&ram, 4 * MIB, &e));
	T_NOT_NULL(ram_slice(&ram, 0, 4 * MIB));
	T_NOT_NULL(ram_slice(&ram, 4 * MIB - 1, 1));
	T_NULL(ram_slice(&ram, 4 * MIB, 1));
	T_NULL(ram_slice(&ram, 4 * MIB - 1, 2));
	T_NULL(ram_slice(&ram, 0, 0));
	T_NULL(ram_slice(&ram, UINT64_MAX, 2));
	T_NULL(ram_slice(&ram, 1, UINT64_MAX));
	T_NULL(ram_slice(&ram, KZ_GPA_RAM_HIGH, 1));
	T_EQ(ram_write(&ram, 4 * MIB - 2, "abc", 3), -EFAULT);
	T_EQ(ram_read(&ram, UINT64_MAX - 1, &e, 3), -EFAULT);
	ram_fini(&ram);
}

TEST(ram, continues_above_the_hole)
{
	struct memmap_entry map[MEMMAP_MAX];
	struct errmsg e = { 0 };
	struct ram ram;
	int r = ram_init(&ram, KZ_GPA_RAM_LOW_END + 2 * MIB, &e);
	char back[4] = "";

	if (r == -ENOMEM) {
		ram_fini(&ram);
		T_SKIP("%s", e.text);
	}
	T_OK(r);
	T_NULL(ram_slice(&ram, KZ_GPA_RAM_LOW_END, 1));
	T_NULL(ram_slice(&ram, KZ_GPA_RAM_LOW_END - 1, 2));
	T_NULL(ram_slice(&ram, KZ_GPA_RAM_HIGH - 1, 2));
	T_OK(ram_write(&ram, KZ_GPA_RAM_HIGH + 2 * MIB - 4, "end", 4));
	T_OK(ram_read(&ram, KZ_GPA_RAM_HIGH + 2 * MIB - 4, back, 4));
	T_STREQ(back, "end");
	T_EQ(memmap_build(&ram, map), 7);
	T_EQ(map[4].gpa, KZ_GPA_ECAM);
	T_EQ(map[4].size, KZ_ECAM_SIZE);
	T_EQ(map[4].type, MEMMAP_RESERVED);
	T_EQ(map[6].gpa, KZ_GPA_RAM_HIGH);
	T_EQ(map[6].size, 2 * MIB);
	for (unsigned i = 1; i < 7; i++)
		T_TRUE(map[i - 1].gpa + map[i - 1].size <= map[i].gpa);
	ram_fini(&ram);
}

TEST(ram, wrong_sizes_are_refused_with_amounts)
{
	static const uint64_t sizes[] = { 0, 1, MIB, 3 * MIB, UINT64_MAX };
	struct errmsg e;
	struct ram ram;

	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		T_EQ(ram_init(&ram, sizes[i], &e), -EINVAL);
		ram_fini(&ram);
	}
	T_EQ(ram_init(&ram, 1024 * GIB * 64, &e), -ENOMEM);
	T_HAS(e.text, "asked for 67108864 MiB, but the host has ");
	ram_fini(&ram);
}

/* A process of its own that may lock 1 MiB: does the text name what was asked and
 * allowed? */
static int locked_out(void)
{
	struct rlimit rl = { .rlim_cur = MIB, .rlim_max = MIB };
	struct errmsg e = { 0 };
	struct ram ram;

	if (setrlimit(RLIMIT_MEMLOCK, &rl) < 0 || (geteuid() == 0 && setuid(65534) < 0))
		return 1;
	if (ram_init(&ram, 64 * MIB, &e) != -ENOMEM)
		return 2;
	return strstr(e.text, "asked to lock 64 MiB, but this process may lock 1 MiB")
		       ? 0
		       : 3;
}

TEST(ram, a_lock_limit_is_named)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(locked_out());
	T_EQ(waitpid(pid, &status, 0), pid);
	T_EQ(status, 0);
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* It waits a second before it begins. The machine may stand still as long, now and then. */
TEST(ram, the_filler_stops_at_once)
{
	int64_t took_ms = INT64_MAX;

	for (unsigned i = 0; i < 20 && took_ms >= 500; i++) {
		int64_t began_ms = now_ms();
		struct errmsg e = { 0 };
		struct ram ram;

		T_OK(ram_init(&ram, 64 * MIB, &e));
		T_OK(ram_fill_start(&ram, NULL));
		ram_fill_stop(&ram);
		ram_fill_stop(&ram);
		took_ms = now_ms() - began_ms;
		T_TRUE(took_ms >= 500 || ram_resident(&ram) == 0);
		ram_fini(&ram);
	}
	T_TRUE(took_ms < 500);
}

/* How much of a mapping is in huge pages, in KiB. */
static unsigned long huge_kib(const void *base)
{
	FILE *f = fopen("/proc/self/smaps", "re");
	unsigned long start, end, kib, found = 0;
	bool inside = false;
	char line[256];

	T_NOT_NULL(f);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			inside = start == (uintptr_t)base;
		else if (inside && sscanf(line, "ShmemPmdMapped: %lu", &kib) == 1)
			found = kib;
	}
	fclose(f);
	return found;
}

/* Has this host huge pages for shared memory, and one to give? */
static bool can_collapse(void)
{
	struct errmsg e = { 0 };
	struct ram ram;
	bool can;

	T_OK(ram_init(&ram, 2 * MIB, &e));
	*ram.base = 1;
	can = madvise(ram.base, 2 * MIB, 25 /* MADV_COLLAPSE */) == 0;
	ram_fini(&ram);
	return can;
}

TEST(ram, the_filler_fills_with_huge_pages_and_loses_nothing)
{
	struct errmsg e = { 0 };
	struct ram ram;

	T_OK(ram_init(&ram, 32 * MIB, &e));
	T_EQ((uintptr_t)ram.base % (2 * MIB), 0);
	for (uint64_t at = 0; at < 16 * MIB; at += 5 * 4096 + 8)
		memcpy(ram.base + at, &at, sizeof(at));
	T_OK(ram_fill_start(&ram, NULL));
	pthread_join(ram.filler, NULL);
	ram.filling = false;
	T_EQ(ram_resident(&ram), 32 * MIB);
	for (uint64_t at = 0; at < 16 * MIB; at += 5 * 4096 + 8)
		T_EQ(memcmp(ram.base + at, &at, sizeof(at)), 0);
	if (can_collapse())
		T_TRUE(huge_kib(ram.base) > 0);
	ram_fini(&ram);
}

static uint8_t sum(const uint8_t *p, size_t len)
{
	uint8_t s = 0;

	while (len-- > 0)
		s = (uint8_t)(s + *p++);
	return s;
}

TEST(mptable, every_processor_and_line_is_there)
{
	static const unsigned counts[] = { 1, 2, 7, KZ_VCPUS_MAX };

	for (unsigned i = 0; i < ARRAY_SIZE(counts); i++) {
		unsigned n = counts[i], found[5] = { 0 }, at = 44, entries;
		struct errmsg e = { 0 };
		const uint8_t *p, *t;
		struct ram ram;
		uint16_t len;

		T_OK(ram_init(&ram, 4 * MIB, &e));
		T_OK(mptable_write(&ram, n));
		p = ram_slice(&ram, LAYOUT_BIOS, LAYOUT_BIOS_SIZE);
		T_MEMEQ(p, "_MP_", 4);
		T_EQ(sum(p, 16), 0);
		t = p + 16;
		T_MEMEQ(t, "PCMP", 4);
		len = (uint16_t)(t[4] | t[5] << 8);
		T_EQ(sum(t, len), 0);
		entries = t[34] | t[35] << 8;
		while (entries-- > 0) {
			T_TRUE(t[at] <= 4);
			if (t[at] == 0)
				T_EQ(t[at + 1], found[0]);
			if (t[at] == 2)
				T_EQ(t[at + 1], n); /* no processor's id */
			found[t[at]]++;
			at += t[at] == 0 ? 20 : 8;
		}
		T_EQ(at, len);
		T_EQ(found[0], n);
		T_EQ(found[2], 1);
		T_EQ(found[3], 15);
		ram_fini(&ram);
	}
}

static struct kvm_cpuid_entry2 *leaf(struct kvm_cpuid_table *t, uint32_t f,
				     uint32_t index)
{
	for (uint32_t i = 0; i < t->n; i++) {
		if (t->entry[i].function == f && t->entry[i].index == index)
			return &t->entry[i];
	}
	T_FAIL("no leaf 0x%x.%u", f, index);
}

TEST(cpuid, describes_the_zone_and_not_the_host)
{
	static struct kvm_cpuid_table t;
	struct kvm_cpuid_entry2 host[] = {
		{ .function = 1, .ebx = 0xab12cd34, .edx = 1u << 28 },
		{ .function = 4, .eax = 0xfc01c121 },
		{ .function = 4, .index = 3, .eax = 0xfc01c163 },
		{ .function = 0xb, .ebx = 77, .ecx = 5, .edx = 99 },
		{ .function = 0x80000008, .ecx = 0x7031 },
		/* as Linux offers them, asynchronous page faults (bits 4, 10 and
		 * 14) among them */
		{ .function = 0x40000001, .eax = 0x01007efb, .edx = 1 },
	};

	memset(&t, 0, sizeof(t));
	memcpy(t.entry, host, sizeof(host));
	t.n = ARRAY_SIZE(host);
	cpuid_for_vcpu(&t, 5, 6);
	T_EQ(leaf(&t, 1, 0)->ebx, 0x0508cd34);
	T_EQ(leaf(&t, 1, 0)->ecx, 1u << 31 | 1u << 24 | 1u << 21);
	T_TRUE(leaf(&t, 1, 0)->edx & 1u << 28);
	T_EQ(leaf(&t, 4, 0)->eax >> 26, 7);
	T_EQ(leaf(&t, 4, 0)->eax >> 14 & 0xfff, 0);
	T_EQ(leaf(&t, 4, 3)->eax >> 14 & 0xfff, 7);
	T_EQ(leaf(&t, 0xb, 0)->ebx, 1);
	T_EQ(leaf(&t, 0xb, 0)->ecx, 0x100);
	T_EQ(leaf(&t, 0xb, 1)->eax, 3);
	T_EQ(leaf(&t, 0xb, 1)->ebx, 6);
	T_EQ(leaf(&t, 0xb, 1)->ecx, 0x201);
	T_EQ(leaf(&t, 0xb, 2)->ebx, 0);
	T_EQ(leaf(&t, 0xb, 2)->edx, 5);
	T_EQ(leaf(&t, 0x80000008, 0)->ecx & 0xf0ff, 0x3005);
	T_EQ(leaf(&t, 0x40000000, 0)->ebx, 0x4b4d564b);
	T_EQ(leaf(&t, 0x40000001, 0)->eax, 0x01003aeb);
	T_EQ(leaf(&t, 0x40000001, 0)->edx, 1);
}

TEST(cpuid, numbers_of_the_largest_machine_fit)
{
	static struct kvm_cpuid_table t;
	struct kvm_cpuid_entry2 host[] = {
		{ .function = 1 },
		{ .function = 4, .index = 3, .eax = 0x163 },
		{ .function = 0xb },
		{ .function = 0x80000008 },
		{ .function = 0x8000001d, .index = 3, .eax = 0x163 },
		{ .function = 0x8000001e },
	};
	unsigned last = KZ_VCPUS_MAX - 1;

	memcpy(t.entry, host, sizeof(host));
	t.n = ARRAY_SIZE(host);
	cpuid_for_vcpu(&t, last, KZ_VCPUS_MAX);
	T_EQ(leaf(&t, 1, 0)->ebx, last << 24 | KZ_VCPUS_MAX << 16);
	T_EQ(leaf(&t, 4, 3)->eax, last << 26 | last << 14 | 0x163);
	T_EQ(leaf(&t, 0xb, 1)->eax, 6);
	T_EQ(leaf(&t, 0xb, 1)->ebx, KZ_VCPUS_MAX);
	T_EQ(leaf(&t, 0xb, 0)->edx, last);
	T_EQ(leaf(&t, 0x80000008, 0)->ecx, 6 << 12 | last);
	T_EQ(leaf(&t, 0x8000001d, 3)->eax, last << 14 | 0x163);
	T_EQ(leaf(&t, 0x8000001e, 0)->eax, last);
}

TEST(cpuid, one_processor_has_no_siblings)
{
	static struct kvm_cpuid_table t = {
		.n = 1, .entry = { { .function = 1, .edx = 1u << 28 } }
	};

	cpuid_for_vcpu(&t, 0, 1);
	T_EQ(leaf(&t, 1, 0)->ebx, 0x00010000);
	T_FALSE(leaf(&t, 1, 0)->edx & 1u << 28);
}

/* What devices told the machine. */
struct told {
	enum vm_event_type type;
	unsigned events, pulses;
	bool line;
};

static void on_irq(void *arg, unsigned gsi, bool level)
{
	struct told *t = arg;

	T_EQ(gsi, KZ_GED_GSI);
	t->pulses += level && !t->line;
	t->line = level;
}

static void on_event(void *arg, enum vm_event_type type, const char *text)
{
	struct told *t = arg;

	t->type = type;
	t->events++;
}

/* One interrupt may tell of several; each is told once, whoever else comes meanwhile. */
TEST(power, events_add_up_until_the_guest_reads_them)
{
	static const unsigned events[] = { KZ_GED_POWER, KZ_GED_SLEEP, KZ_GED_VMGEN };
	struct told told = { 0 };
	struct dev_env env = { .irq = on_irq, .event = on_event, .arg = &told };
	struct power p = { 0 };

	power_init(&p, &env);
	for (unsigned i = 0; i < ARRAY_SIZE(events); i++) {
		power_raise(&p, events[i]);
		T_EQ(told.pulses, i + 1);
		T_FALSE(told.line);
		T_EQ(power_ged_ops.read(&p, 0, 4), events[i]);
		T_EQ(power_ged_ops.read(&p, 0, 4), 0);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(events); i++)
		power_raise(&p, events[i]);
	T_EQ(power_ged_ops.read(&p, 0, 4), KZ_GED_POWER | KZ_GED_SLEEP | KZ_GED_VMGEN);
	T_EQ(power_ged_ops.read(&p, 0, 4), 0);
	T_EQ(told.events, 0);
}

TEST(power, button_and_soft_off)
{
	struct told told = { 0 };
	struct dev_env env = { .irq = on_irq, .event = on_event, .arg = &told };
	struct power p = { 0 };

	power_init(&p, &env);
	T_EQ(power_ged_ops.read(&p, 0, 4), 0);
	power_raise(&p, KZ_GED_POWER);
	power_raise(&p, KZ_GED_POWER);
	T_EQ(told.pulses, 2);
	T_FALSE(told.line);
	T_EQ(power_ged_ops.read(&p, 0, 4), KZ_GED_POWER);
	T_EQ(power_ged_ops.read(&p, 0, 4), 0);
	power_sleep_ops.write(&p, 1, 1, KZ_SLEEP_S5); /* the status register */
	power_sleep_ops.write(&p, 0, 1, 0x14);        /* S5 without "enable" */
	power_sleep_ops.write(&p, 0, 1, 0x20);        /* S0 */
	T_EQ(told.events, 0);
	power_sleep_ops.write(&p, 0, 1, KZ_SLEEP_S5);
	T_EQ(told.events, 1);
	T_EQ(told.type, VM_EV_POWEROFF);
}

TEST(power, pm1_of_a_machine_with_firmware)
{
	struct told told = { 0 };
	struct dev_env env = { .irq = on_irq, .event = on_event, .arg = &told };
	struct power p = { 0 };

	power_init(&p, &env);
	T_EQ(power_pm1_control_ops.read(&p, 0, 2), 1); /* ACPI is on */
	power_pm1_event_ops.write(&p, 0, 2, 0xffff);
	T_EQ(power_pm1_event_ops.read(&p, 0, 2), 0); /* no event, ever */
	power_pm1_event_ops.write(&p, 2, 2, 0x120);
	T_EQ(power_pm1_event_ops.read(&p, 2, 2), 0x120);
	power_pm1_control_ops.write(&p, 0, 2, 0x1400); /* S5 without "enable" */
	power_pm1_control_ops.write(&p, 0, 2, 0x2000); /* S0 */
	T_EQ(told.events, 0);
	power_pm1_control_ops.write(&p, 0, 2, KZ_PM1_SLEEP_S5 | 1);
	T_EQ(told.events, 1);
	T_EQ(told.type, VM_EV_POWEROFF);
	T_EQ(told.pulses, 0);
}

TEST(pvpanic, panicked_ends_crash_loaded_does_not)
{
	struct told told = { 0 };
	struct dev_env env = { .event = on_event, .arg = &told };
	struct pvpanic p;

	pvpanic_init(&p, &env);
	T_EQ(pvpanic_ops.read(&p, 0, 1), 3);
	pvpanic_ops.write(&p, 0, 1, KZ_PVPANIC_CRASHLOADED);
	pvpanic_ops.write(&p, 0, 1, 0xf0);
	T_EQ(told.events, 0);
	pvpanic_ops.write(&p, 0, 1, KZ_PVPANIC_PANICKED);
	T_EQ(told.events, 1);
	T_EQ(told.type, VM_EV_PANIC);
}

TEST(i8042, only_the_reset_command_counts)
{
	struct told told = { 0 };
	struct dev_env env = { .event = on_event, .arg = &told };
	struct i8042 k;

	i8042_init(&k, &env);
	T_EQ(i8042_ops.read(&k, 0, 1) & 2, 0);
	for (unsigned v = 0; v < 256; v++)
		i8042_ops.write(&k, 0, 1, v);
	T_EQ(told.events, 1);
	T_EQ(told.type, VM_EV_RESET);
}

TEST(mbox, events_in_order_then_quiet)
{
	struct pollfd p = { .events = POLLIN };
	struct vm_event ev;
	struct mbox m;

	T_OK(mbox_init(&m));
	p.fd = m.eventfd;
	T_EQ(poll(&p, 1, 0), 0);
	mbox_post(&m, VM_EV_PANIC, "one");
	mbox_post(&m, VM_EV_RESET, "two");
	mbox_wake(&m);
	T_EQ(poll(&p, 1, 0), 1);
	T_TRUE(mbox_take(&m, &ev));
	T_STREQ(ev.text, "one");
	T_TRUE(mbox_take(&m, &ev));
	T_EQ(ev.type, VM_EV_RESET);
	T_EQ(poll(&p, 1, 0), 1);
	T_FALSE(mbox_take(&m, &ev));
	T_EQ(poll(&p, 1, 0), 0);
	/* A guest's own mistakes leave room for what matters. */
	for (unsigned i = 0; i < 2 * MBOX_EVENTS; i++)
		mbox_post(&m, VM_EV_DEVICE, "many");
	mbox_post(&m, VM_EV_FAULT, "last");
	for (unsigned i = 0; i < MBOX_EVENTS / 2; i++) {
		T_TRUE(mbox_take(&m, &ev));
		T_EQ(ev.type, VM_EV_DEVICE);
	}
	T_TRUE(mbox_take(&m, &ev));
	T_STREQ(ev.text, "last");
	for (unsigned i = 0; i < 2 * MBOX_EVENTS; i++)
		mbox_post(&m, VM_EV_FAULT, "many");
	for (unsigned i = 0; i < MBOX_EVENTS; i++)
		T_TRUE(mbox_take(&m, &ev));
	T_FALSE(mbox_take(&m, &ev));
	mbox_fini(&m);
}
