/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * limits.h - how much CPU time each zone may have: a control group for each
 *
 * DOC: Groups
 *
 * Below the group that was delegated to svc.zones (common/sys/cgroup.h) there is one for
 * itself, "supervisor", and "zone-NAME" for each zone that has a machine. Its kzhost is
 * put there when it is made, with all its threads: vCPUs, disks, network.
 *
 * DOC: What the properties become
 *
 * cpu-shares is a share of what all zones together get: a zone with 20 shares gets twice
 * what one with 10 gets, when both want more than there is; a zone without has 1, as on
 * Solaris (FSS(4), zone.cpu-shares). cpu.weight has the same meaning between 1 and 10000
 * with 100 as its default (Linux: admin-guide/cgroup-v2). One share is a weight of 100
 * as long as no zone has more than 100 shares; otherwise the zone with the most shares
 * has 10000 and the others theirs in proportion, 1 at least.
 *
 * capped-cpu ncpus becomes cpu.max: that many times 100 ms in each 100 ms.
 *
 * DOC: A host that cannot
 *
 * Zones run without limits then; why is in the status, and in the messages of zones that
 * ask for some.
 */
#ifndef KZ_RESTARTER_LIMITS_H
#define KZ_RESTARTER_LIMITS_H

#include "common/sys/cgroup.h"
#include "common/zone/conf.h"

#define LIMITS_SHARES_DEFAULT 1

struct shell;
struct zone;

/* What a zone asks for. */
struct zone_limits {
	unsigned shares; /* 0: it says nothing */
	unsigned cap;    /* hundredths of a CPU; 0: no cap */
};

/* The restarter's part. */
struct limits {
	struct cgroup group; /* .dir NULL: zones run without limits */
	unsigned max_shares; /* the most that a zone in a group has */
	char why[256];       /* there are no limits, or "" */
};

/* What cpu-shares, capped-cpu and the rctls of the same meaning say. */
struct zone_limits limits_of(const struct zconf *c);
/* cpu.weight of a zone. @shares: 0 is the default; @max_shares: the most of any zone. */
unsigned limits_weight(unsigned shares, unsigned max_shares);
/* The text for cpu.max. @cap: hundredths of a CPU, 0: none. */
#define LIMITS_MAX_SIZE 40
void limits_max_text(unsigned cap, char text[LIMITS_MAX_SIZE]);

/* Makes the groups usable, after adoption: puts this process and the adopted kzhosts into
 * theirs, limits these, removes the groups of zones that have ended. Failure is noted. */
void limits_begin(struct shell *sh);
void limits_fini(struct limits *l);

/**
 * limits_prepare() - Make and fill the group of a zone that is about to boot
 * @c:		What it is booted with
 * @ret_fd:	Folder for its kzhost to be made in, or -1
 *
 * Without groups it only says, in the zone's messages, that limits are not kept.
 */
void limits_prepare(struct shell *sh, struct zone *z, const struct zconf *c, int *ret_fd);
/* The kzhost runs: puts it into its group when it was not made there. */
void limits_enter(struct shell *sh, struct zone *z, pid_t pid, bool is_there);
/* The zone has no machine any more: its group goes. */
void limits_end(struct shell *sh, struct zone *z);

/**
 * limits_change() - Give a running zone other limits
 *
 * Return: 0, or -errno with the property that could not be had and why; then the old
 * limits hold
 */
int limits_change(struct shell *sh, struct zone *z, const struct zone_limits *to,
		  struct errmsg *e);

/**
 * limits_release() - After the end of svc.zones under running zones
 *
 * Takes the controllers back from the zones' groups, so that a service manager can put
 * the next svc.zones where the last one was. That one sets all limits anew.
 *
 * Return: 0, or -errno with a text
 */
int limits_release(const struct paths *p, struct errmsg *e);

#endif
