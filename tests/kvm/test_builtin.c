/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_builtin.c - a dialogue with the built-in guest through the machine's own interface
 */
#include "common/proto/machine.h"
#include "tests/kvm/tiny.h"

#include <fcntl.h>
#include <stdio.h>
#include <time.h>

#define DAY 86400

/* The guest of the build tree with this command line. */
static void start(struct tiny *t, const char *cmdline, uint64_t ram_bytes,
		  unsigned n_vcpus, int64_t tod_offset_s)
{
	struct vm_config c = tiny_config(NULL, NULL);
	char path[512];

	snprintf(path, sizeof(path), "%s/tests/guest/guest.elf",
		 getenv("KZ_BUILD") ?: ".");
	closep(&c.kernel_fd);
	c.kernel_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (c.kernel_fd < 0)
		T_FAIL("%s: %s", path, strerror(errno));
	c.cmdline = cmdline;
	c.ram_bytes = ram_bytes;
	c.n_vcpus = n_vcpus;
	c.tod_offset_s = tod_offset_s;
	tiny_run(t, &c);
}

TEST(builtin, greets_with_its_zone_memory_and_processors)
{
	cleanup(tiny_free) struct tiny t;

	start(&t, "console=ttyS0 kzones.zone=web", 64 * MIB, 2, 0);
	tiny_expect_console(&t, KZ_GREETING_PREFIX "web ready, 64 MiB, 2 vCPUs");
	tiny_expect_console(&t, "web> ");
	tiny_type(&t, "echo one two three\r");
	tiny_expect_console(&t, "\none two three");
	tiny_type(&t, "poweroff\r");
	tiny_expect_event(&t, VM_EV_POWEROFF);
}

TEST(builtin, memory_holds_what_is_written)
{
	cleanup(tiny_free) struct tiny t;

	start(&t, "kzones.zone=m run='mem fill 7;mem check 7' poweroff", 32 * MIB, 1, 0);
	tiny_expect_event(&t, VM_EV_POWEROFF);
	T_HAS(t.console, ", ok");
}

TEST(builtin, the_clock_has_the_zones_offset)
{
	int64_t offset = -400 * (int64_t)DAY;
	time_t then = time(NULL) + offset;
	cleanup(tiny_free) struct tiny t;
	char date[2][16];

	for (int i = 0; i < 2; i++) {
		time_t day = then + i * 60; /* it may be midnight soon */
		struct tm tm;

		gmtime_r(&day, &tm);
		strftime(date[i], sizeof(date[i]), "%Y-%m-%d", &tm);
	}
	start(&t, "kzones.zone=c run=time poweroff", 32 * MIB, 1, offset);
	tiny_expect_event(&t, VM_EV_POWEROFF);
	T_TRUE(strstr(t.console, date[0]) || strstr(t.console, date[1]));
}

TEST(builtin, ends_as_it_is_told)
{
	static const struct {
		const char *command;
		enum vm_event_type type;
	} ends[] = {
		{ "poweroff\r", VM_EV_POWEROFF },
		{ "reboot\r", VM_EV_RESET },
		{ "panic now\r", VM_EV_PANIC },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(ends); i++) {
		cleanup(tiny_free) struct tiny t;

		start(&t, "kzones.zone=e", 32 * MIB, 1, 0);
		tiny_expect_console(&t, "e> ");
		tiny_type(&t, ends[i].command);
		tiny_expect_event(&t, ends[i].type);
	}
}

TEST(builtin, obeys_the_power_button)
{
	cleanup(tiny_free) struct tiny t;

	start(&t, "kzones.zone=b", 32 * MIB, 1, 0);
	tiny_expect_console(&t, "b> ");
	vm_power_button(t.vm);
	tiny_expect_event(&t, VM_EV_POWEROFF);
}

TEST(builtin, long_input_arrives_whole)
{
	cleanup(tiny_free) struct tiny t;
	char line[121] = "echo ";

	start(&t, "kzones.zone=l", 32 * MIB, 1, 0);
	tiny_expect_console(&t, "l> ");
	for (unsigned i = 5; i < sizeof(line) - 1; i++)
		line[i] = (char)('a' + i % 26);
	tiny_type(&t, line);
	tiny_type(&t, "\r");
	tiny_expect_console(&t, "\nfghij");
	tiny_type(&t, "poweroff\r");
	tiny_expect_event(&t, VM_EV_POWEROFF);
	T_TRUE(strstr(strstr(t.console, "\nfghij"), line + 5) != NULL);
}

TEST(builtin, finds_the_bridge_and_the_entropy_device)
{
	cleanup(tiny_free) struct tiny t;

	start(&t, "kzones.zone=p run=pci poweroff", 32 * MIB, 1, 0);
	tiny_expect_event(&t, VM_EV_POWEROFF);
	T_HAS(t.console, "pci 00:00.0: 8086:1237 class 0600");
	T_HAS(t.console, "pci 00:02.0: 1af4:1044");
}

/* Kicks by ioeventfd, interrupts by irqfd: what needs KVM of the way of a request. */
TEST(builtin, gets_entropy)
{
	cleanup(tiny_free) struct tiny t;
	struct vm_stats s;

	start(&t, "kzones.zone=r run='rng 65536;rng 16;rng 16' poweroff", 32 * MIB, 2, 0);
	tiny_expect_event(&t, VM_EV_POWEROFF);
	T_HAS(t.console, "rng: 65536 bytes");
	T_HAS(t.console, "rng: 16 bytes");
	vm_stats(t.vm, &s);
	T_EQ(s.guest_errors, 0);
}

TEST(builtin, finds_the_entropy_device_as_the_specification_has_it)
{
	cleanup(tiny_free) struct tiny t;

	start(&t, "kzones.zone=c run='conform quiet rng' poweroff", 32 * MIB, 2, 0);
	tiny_expect_event(&t, VM_EV_POWEROFF);
	if (!strstr(t.console, " ok, 0 failed"))
		T_FAIL("%s", t.console);
	T_TRUE(t.mistakes > 0); /* those that the checks make */
}
