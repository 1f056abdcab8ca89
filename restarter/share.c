// SPDX-License-Identifier: BSD-2-Clause
/*
 * share.c - what the CPU properties of a zone are for its control group; pure
 */
#include "restarter/limits.h"

#include <stdio.h>
#include <string.h>

#define WEIGHT_MAX     10000
#define WEIGHT_DEFAULT 100
#define PERIOD_USEC    100000

struct zone_limits limits_of(const struct zconf *c)
{
	const struct zres *cap = zconf_next(c, RES_CAPPED_CPU, NULL);
	const struct zres *r = NULL;
	struct zone_limits l = {
		.shares = (unsigned)zres_number(c, &c->global, PROP_CPU_SHARES),
		.cap = cap ? (unsigned)zres_number(c, cap, PROP_CAPPED_NCPUS) : 0,
	};

	while ((r = zconf_next(c, RES_RCTL, r))) {
		const char *name = zres_text(r, PROP_RCTL_NAME);
		unsigned n = (unsigned)zres_number(c, r, PROP_RCTL_VALUE);

		if (strcmp(name, "zone.cpu-shares") == 0)
			l.shares = n;
		else if (strcmp(name, "zone.cpu-cap") == 0)
			l.cap = n;
	}
	return l;
}

unsigned limits_weight(unsigned shares, unsigned max_shares)
{
	uint64_t n = shares ? shares : LIMITS_SHARES_DEFAULT;
	uint64_t most = MAX((uint64_t)max_shares, n);

	if (most <= WEIGHT_MAX / WEIGHT_DEFAULT)
		return (unsigned)(n * WEIGHT_DEFAULT);
	return (unsigned)MAX((n * WEIGHT_MAX + most / 2) / most, 1ull);
}

void limits_max_text(unsigned cap, char text[LIMITS_MAX_SIZE])
{
	if (!cap)
		snprintf(text, LIMITS_MAX_SIZE, "max %d", PERIOD_USEC);
	else
		snprintf(text, LIMITS_MAX_SIZE, "%llu %d",
			 (unsigned long long)cap * (PERIOD_USEC / 100), PERIOD_USEC);
}
