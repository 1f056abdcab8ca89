/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd.c - the guest's commands, as a table
 */
#include <stddef.h>

#include "tests/guest/apic.h"
#include "tests/guest/clock.h"
#include "tests/guest/cmd.h"
#include "tests/guest/con.h"
#include "tests/guest/conform.h"
#include "tests/guest/disk.h"
#include "tests/guest/event.h"
#include "tests/guest/evil.h"
#include "tests/guest/gate.h"
#include "tests/guest/mem.h"
#include "tests/guest/pci.h"
#include "tests/guest/power.h"
#include "tests/guest/print.h"
#include "tests/guest/rng.h"
#include "tests/guest/serial.h"
#include "tests/guest/string.h"

#define ARRAY_SIZE(a)   (sizeof(a) / sizeof((a)[0]))
#define DEFAULT_SPIN_MS 1000

struct cmd {
	const char *name, *args, *help;
	void (*run)(char *args);
};

static void cmd_help(char *args);

static void cmd_echo(char *args)
{
	print("%s\n", args);
}

static void cmd_mem(char *args)
{
	const char *verb = str_word(&args), *number = str_word(&args);
	uint64_t seed;

	if (!str_to_u64(number, &seed))
		print("mem: SEED must be a number\n");
	else if (str_cmp(verb, "fill") == 0)
		mem_fill(seed);
	else if (str_cmp(verb, "check") == 0)
		mem_check(seed);
	else
		print("mem: fill or check, not '%s'\n", verb);
}

static void cmd_time(char *args)
{
	uint64_t us = clock_uptime_us();
	struct clock_date d;

	if (clock_read_cmos(&d))
		print("time: %04u-%02u-%02u %02u:%02u:%02u UTC", d.year, d.month, d.day,
		      d.hour, d.minute, d.second);
	else
		print("time: no clock");
	print(", up %lu.%06lu s, TSC %lu kHz, %s timer\n", us / 1000000, us % 1000000,
	      clock_ticks_per_ms(), apic_name());
}

/* Reads milliseconds from @args; says what is wrong with them otherwise. */
static _Bool read_ms(const char *cmd, char *args, uint64_t *ret)
{
	const char *word = str_word(&args);

	if (*word && !str_to_u64(word, ret)) {
		print("%s: '%s' is not a number of milliseconds\n", cmd, word);
		return 0;
	}
	return 1;
}

static void cmd_spin(char *args)
{
	uint64_t ms = DEFAULT_SPIN_MS, n = 0, end;

	if (!read_ms("spin", args, &ms))
		return;
	end = rdtsc() + ms * clock_ticks_per_ms();
	for (; rdtsc() < end && !serial_interrupted(); n++)
		event_poll();
	print("spin: %lu turns in %lu ms\n", n, ms);
}

static void cmd_sleep(char *args)
{
	uint64_t ms = DEFAULT_SPIN_MS, start = clock_uptime_us();

	if (!read_ms("sleep", args, &ms))
		return;
	clock_sleep_ms(ms);
	print("sleep: %lu us\n", clock_uptime_us() - start);
}

static void cmd_pci(char *args)
{
	pci_list();
}

static void cmd_panic(char *args)
{
	power_panic(*args ? args : "asked for");
}

static void cmd_fault(char *args)
{
	__asm__ volatile("ud2");
}

static void cmd_reboot(char *args)
{
	power_reboot();
}

static void cmd_poweroff(char *args)
{
	power_off();
}

static const struct cmd cmds[] = {
	{ "help", "", "list the commands", cmd_help },
	{ "echo", "TEXT", "print TEXT", cmd_echo },
	{ "mem", "fill|check SEED", "fill all free memory with a pattern, or check it",
	  cmd_mem },
	{ "time", "", "clock, uptime, TSC frequency", cmd_time },
	{ "spin", "[MS]", "use the processor", cmd_spin },
	{ "sleep", "[MS]", "halt, woken by the APIC timer", cmd_sleep },
	{ "pci", "", "list PCI bus 0", cmd_pci },
	{ "disk", "VERB [N...]",
	  "virtio disks: list, info, read, write, verify, bench,...", disk_command },
	{ "con", "list|write|read [PORT...]", "ports of the virtio console",
	  con_command },
	{ "rng", "[BYTES]", "entropy from virtio", rng_command },
	{ "evil", "[list|all|NAME [N [MS]]]", "misdeeds of a driver on disk N",
	  evil_command },
	{ "conform", "[quiet] [disk|con|rng [N]]", "check devices against VIRTIO 1.2",
	  conform_command },
	{ "panic", "[WHY]", "tell the host by pvpanic and halt", cmd_panic },
	{ "fault", "", "execute an invalid instruction", cmd_fault },
	{ "reboot", "", "reset by the keyboard controller", cmd_reboot },
	{ "poweroff", "", "soft off", cmd_poweroff },
};

static void cmd_help(char *args)
{
	for (size_t i = 0; i < ARRAY_SIZE(cmds); i++)
		print("%s%s%s: %s\n", cmds[i].name, *cmds[i].args ? " " : "",
		      cmds[i].args, cmds[i].help);
}

static void run_one(char *args)
{
	const char *name = str_word(&args);

	if (!*name)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(cmds); i++) {
		if (str_cmp(name, cmds[i].name) == 0) {
			cmds[i].run(args);
			return;
		}
	}
	print("no command '%s', try help\n", name);
}

void cmd_run(char *line)
{
	while (*line) {
		char *end = line;

		while (*end && *end != ';')
			end++;
		if (*end)
			*end++ = '\0';
		serial_interrupted(); /* a ^C typed before does not count */
		run_one(line);
		line = end;
	}
}
