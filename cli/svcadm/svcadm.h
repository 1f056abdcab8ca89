/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * svcadm.h - what the parts of svcadm share
 */
#ifndef KZ_CLI_SVCADM_H
#define KZ_CLI_SVCADM_H

#include "cli/instances.h"
#include "cli/opts.h"

/* Exit statuses of -s, besides those of every program: why it will never be so. */
enum { EXIT_ITSELF = 3, EXIT_DEPENDENCY = 4 };

struct svcadm {
	struct paths paths;
	struct client client;
	struct instances list; /* as it was at the begin */
	bool recursive, synchronous, temporary, immediate, verbose;
	bool *chosen; /* owned; by index into list */
};

/* A message to standard error; EXIT_FAILED. */
int svcadm_failed(const char *fmt, ...) printf_like(1, 2);

/**
 * recurse_choose() - enable -r: choose what the chosen ones require, and so on
 *
 * Of a require_any group nothing is chosen when one of it is enabled, else there is no
 * telling which one is wanted: that is an error, unless it has only one.
 *
 * Return: an exit status
 */
int recurse_choose(struct svcadm *s);

/**
 * wait_chosen() - Wait until the chosen ones are up, or down, or will never be
 *
 * Return: EXIT_DONE, EXIT_FAILED, EXIT_ITSELF, EXIT_DEPENDENCY
 */
int wait_chosen(struct svcadm *s, bool up);

/* --plan: prints the order of a boot of the host. An exit status. */
int plan_show(struct svcadm *s);

#endif
