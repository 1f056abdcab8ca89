/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * main.c - start-up in ring 3, greeting and console dialogue
 */
#include <stddef.h>

#include "common/proto/machine.h"
#include "tests/guest/apic.h"
#include "tests/guest/boot.h"
#include "tests/guest/clock.h"
#include "tests/guest/cmd.h"
#include "tests/guest/event.h"
#include "tests/guest/firmware.h"
#include "tests/guest/paging.h"
#include "tests/guest/print.h"
#include "tests/guest/serial.h"
#include "tests/guest/string.h"
#include "tests/guest/trap.h"

#define LINE_MAX  256
#define BACKSPACE 0x08
#define DELETE    0x7f
#define CTRL_C    0x03
#define CTRL_U    0x15
#define MIB       0x100000ul

extern char bss_start[], bss_end[]; /* guest.ld */
_Noreturn void guest_main(void);    /* entry.S */

static int wait_char(void)
{
	int c;

	while ((c = serial_getc()) < 0)
		event_wait();
	return c;
}

/* Reads a line into @line of LINE_MAX bytes, with echo; ^C gives an empty one. */
static void read_line(char *line)
{
	size_t n = 0;

	for (;;) {
		int c = wait_char();

		if (c == '\r' || c == '\n' || c == CTRL_C) {
			print("\n");
			line[c == CTRL_C ? 0 : n] = '\0';
			return;
		}
		if ((c == BACKSPACE || c == DELETE) && n > 0) {
			print("\b \b");
			n--;
		}
		for (; c == CTRL_U && n > 0; n--)
			print("\b \b");
		if (c >= ' ' && c < DELETE && n < LINE_MAX - 1) {
			line[n++] = (char)c;
			print("%c", c);
		}
	}
}

_Noreturn void guest_main(void)
{
	static char line[BOOT_CMDLINE_MAX]; /* at least LINE_MAX */

	memset(bss_start, 0, (size_t)(bss_end - bss_start));
	clock_init();
	trap_init();
	boot_read();
	firmware_read();
	paging_map_high();
	serial_init();
	print(KZ_GREETING_PREFIX "%s ready, %lu MiB, %u vCPU%s\n", boot_info.zone,
	      (boot_info.ram_bytes + MIB - 1) / MIB, firmware.n_cpus,
	      firmware.n_cpus == 1 ? "" : "s");
	apic_init();
	event_init();
	if (boot_option("run=", line, sizeof(line)))
		cmd_run(line);
	if (boot_option("poweroff", line, sizeof(line))) {
		str_copy(line, "poweroff", sizeof(line));
		cmd_run(line);
	}
	for (;;) {
		print("%s> ", boot_info.zone);
		read_line(line);
		cmd_run(line);
	}
}
