// SPDX-License-Identifier: BSD-2-Clause
/*
 * admit.c - is there memory for one more zone?
 */
#include "restarter/admit.h"
#include "common/base/buf.h"
#include "restarter/hosts.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define HOLDERS_NAMED 5 /* zones spelled out in the text */

/* The "Key:  N kB" line of a file below /proc, in bytes; 0 when it is not there. */
static int proc_kb(const char *path, const char *key, uint64_t *ret_bytes)
{
	cleanup(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[8192];
	const char *p;
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, text, sizeof(text) - 1);
	if (n < 0)
		return -errno;
	text[n] = '\0';
	p = strstr(text, key);
	*ret_bytes = p ? strtoull(p + strlen(key), NULL, 10) * KIB : 0;
	return 0;
}

/* What a zone was promised and had not touched at the last look. */
static uint64_t unpopulated(const struct zone *z)
{
	if (z->launch)
		return z->ram_bytes;
	if (!z->host || z->ram_bytes <= z->host->resident_bytes)
		return 0;
	return z->ram_bytes - z->host->resident_bytes;
}

/* Looks how much of its RAM it has touched by now: what once was, is locked and stays. */
static void look(struct zone *z)
{
	char path[64];
	uint64_t resident = 0;

	snprintf(path, sizeof(path), "/proc/%d/status", z->host->pid);
	(void)proc_kb(path, "\nRssShmem:", &resident);
	z->host->resident_bytes = MAX(z->host->resident_bytes, resident);
}

uint64_t admit_promised(struct shell *sh, const struct zone *z, uint64_t enough)
{
	uint64_t promised = 0, before;

	for (unsigned i = 0; i < sh->zones.n; i++)
		if (sh->zones.v[i] != z)
			promised += unpopulated(sh->zones.v[i]);
	for (unsigned i = 0; i < sh->zones.n && promised > enough; i++) {
		if (sh->zones.v[i] == z)
			continue;
		before = unpopulated(sh->zones.v[i]);
		if (!before || !sh->zones.v[i]->host)
			continue;
		look(sh->zones.v[i]);
		promised -= before - unpopulated(sh->zones.v[i]);
	}
	return promised;
}

static void name_holders(struct shell *sh, struct buf *out)
{
	unsigned n = 0;

	for (unsigned i = 0; i < sh->zones.n; i++) {
		const struct zone *z = sh->zones.v[i];

		if (!z->host && !(z->launch && z->ram_bytes))
			continue;
		if (n++ < HOLDERS_NAMED)
			buf_addf(out, "%s %s %llu MiB", n == 1 ? "; held by" : ",",
				 z->name, (unsigned long long)(z->ram_bytes / MIB));
	}
	if (n > HOLDERS_NAMED)
		buf_addf(out, " and %u more zones", n - HOLDERS_NAMED);
}

int admit_memory(struct shell *sh, const struct zone *z, uint64_t bytes, struct errmsg *e)
{
	cleanup(buf_fini) struct buf holders = { 0 };
	uint64_t available = 0, promised;
	int r;

	r = proc_kb("/proc/meminfo", "MemAvailable:", &available);
	if (r < 0)
		return errmsg_set(e, r, "/proc/meminfo: %s", strerror(-r));
	promised = admit_promised(sh, z, available > bytes ? available - bytes : 0);
	available = available > promised ? available - promised : 0;
	if (bytes <= available)
		return 0;
	name_holders(sh, &holders);
	return errmsg_set(e, -ENOMEM,
			  "not enough memory: capped-memory asks for %llu MiB, %llu MiB "
			  "are available%s",
			  (unsigned long long)(bytes / MIB),
			  (unsigned long long)(available / MIB),
			  buf_error(&holders) || !holders.p ? "" : holders.p);
}
