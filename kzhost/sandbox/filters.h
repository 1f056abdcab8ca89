/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * filters.h - the compiled filters (filters.c is made when the project is built)
 */
#ifndef KZ_SANDBOX_FILTERS_H
#define KZ_SANDBOX_FILTERS_H

#include "kzhost/sandbox/sandbox.h"

#include <linux/filter.h>

struct sandbox_filter {
	const struct sock_filter *insns;
	unsigned short n_insns;
};

extern const struct sandbox_filter sandbox_filters[SANDBOX_KIND_N];

#endif
