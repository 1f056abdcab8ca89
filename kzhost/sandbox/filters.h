/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * filters.h - the compiled filters (filters.c is made when the project is built)
 */
#ifndef KZ_SANDBOX_FILTERS_H
#define KZ_SANDBOX_FILTERS_H

#include "kzhost/sandbox/sandbox.h"

#include <linux/filter.h>

/* Stands in the filters for the pid of the process that puts them on. */
#define SANDBOX_SELF 0x53454c46u

struct sandbox_filter {
	const struct sock_filter *insns;
	unsigned short n_insns;
};

extern const struct sandbox_filter sandbox_filters[SANDBOX_KIND_N];

#endif
