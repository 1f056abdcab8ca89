// SPDX-License-Identifier: BSD-2-Clause
/*
 * usage.c - what a zone's process has used
 */
#include "restarter/usage.h"
#include "common/sys/file.h"
#include "restarter/hosts.h"

#include <stdio.h>
#include <string.h>

#define STAT_UTIME 14 /* the field after it is the system's time */

/*
 * User and system time from the text of /proc/PID/stat; 0 or -EINVAL. Source: proc(5),
 * fields 14 and 15; field 2 may hold any byte.
 */
static int parse_stat(const char *text, uint64_t tick_hz, uint64_t *ret_usec)
{
	const char *at = strrchr(text, ')'); /* ends field 2 */
	unsigned long long user, kernel;

	for (unsigned field = 2; field < STAT_UTIME && at; field++)
		at = strchr(at + 1, ' ');
	if (!at || sscanf(at, "%llu %llu", &user, &kernel) != 2)
		return -EINVAL;
	*ret_usec = (user + kernel) * (1000000 / tick_hz);
	return 0;
}

uint64_t usage_cpu_usec(const struct shell *sh, struct zone *z)
{
	uint64_t now = shell_now_ms(sh);
	cleanup(freep) char *text = NULL;
	char path[40];
	size_t len;

	if (!z->host)
		return 0;
	if (z->usage.pid == z->host->pid && now - z->usage.at_ms < USAGE_AGE_MS)
		return z->usage.cpu_usec;
	z->usage.pid = z->host->pid;
	z->usage.at_ms = now;
	z->usage.cpu_usec = 0;
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)z->host->pid);
	if (file_read(path, 4096, &text, &len) == 0)
		(void)parse_stat(text, (uint64_t)sysconf(_SC_CLK_TCK),
				 &z->usage.cpu_usec);
	return z->usage.cpu_usec;
}
