/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zoneadm.h - what the subcommands of zoneadm share
 */
#ifndef KZ_CLI_ZONEADM_ZONEADM_H
#define KZ_CLI_ZONEADM_ZONEADM_H

#include "cli/client.h"
#include "cli/opts.h"
#include "cli/zoneadm/verbs.h"
#include "common/zone/conf.h"

struct zoneadm {
	struct paths paths;
	const char *zone; /* of -z, or of the uuid of -u; NULL: none was given */
	struct client client;
};

/* A subcommand: argv[0] is its name. Gives an exit status. */
typedef int subcommand_fn(struct zoneadm *z, int argc, char **argv);

struct subcommand {
	const char *name;
	const char *operands; /* for the usage line, options apart */
	const char *help;
	bool wants_zone; /* -z is required */
	subcommand_fn *run;
};

subcommand_fn zoneadm_boot, zoneadm_halt, zoneadm_reboot, zoneadm_shutdown;
subcommand_fn zoneadm_install, zoneadm_uninstall;
subcommand_fn zoneadm_attach, zoneadm_detach;
subcommand_fn zoneadm_list;
subcommand_fn zoneadm_mark;
subcommand_fn zoneadm_verify;

/* Prints "zoneadm: zone 'z': text" (without the zone when none is meant) to stderr. */
void zoneadm_error(const struct zoneadm *z, const char *fmt, ...) printf_like(2, 3);

/**
 * zoneadm_options() - Read a subcommand's options
 * @max_operands:	More of them are a mistake
 *
 * Return: index of the first operand, or -1 with *ret_status to exit with (the usage or
 * the mistake was printed)
 */
int zoneadm_options(const struct opt *opts, unsigned n, int max_operands, int argc,
		    char **argv, int *ret_status);

/* Connects when that has not been done. An exit status. */
int zoneadm_connect(struct zoneadm *z);

/* The zone's configuration, checked, for the caller to free. NULL: it was said why not.
 */
struct zconf *zoneadm_load(const struct zoneadm *z);

/* Says why a call failed, in Solaris' words where it is about the state. EXIT_FAILED. */
int zoneadm_failed(const struct zoneadm *z, enum verb verb, int err,
		   const struct client_error *e);

/* Begin of an operation; the reply is the caller's, NULL: not wanted. An exit status. */
int zoneadm_begin(struct zoneadm *z, enum verb verb, json_t **ret_reply);

/* End of it, for better or worse. An exit status. */
int zoneadm_end(struct zoneadm *z, enum verb verb, bool success);

#endif
