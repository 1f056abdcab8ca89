/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * booted.h - what a zone was booted with: /run/zones/<zone>/booted.json
 *
 * DOC: The configuration of a running zone
 *
 * Before a kzhost is started, the configuration that it gets is written down, tokens
 * expanded and with the boot arguments of this one boot. The stored configuration may
 * change or go meanwhile; this one is changed by Reconfigure alone, and goes with the
 * machine. zonecfg -r shows it, and the next svc.zones finds the zone's limits there.
 */
#ifndef KZ_RESTARTER_BOOTED_H
#define KZ_RESTARTER_BOOTED_H

#include "common/zone/conf.h"

#include <jansson.h>

struct shell;
struct zone;

/* Expands @c in place and writes it. A zone boots without: that is said in its messages,
 * and it cannot be changed live. */
void booted_write(struct shell *sh, const struct zone *z, struct zconf *c);
/* The zone boots without, and its messages say why; what there is goes. */
void booted_do_without(struct shell *sh, const struct zone *z, const char *why);
/* 0 or what zconf_load_file() gave. */
int booted_load(const struct paths *p, const char *zone, struct zconf **ret_conf,
		struct errmsg *e);
/* The machine is gone. */
void booted_forget(struct shell *sh, const struct zone *z);

/**
 * booted_change() - Change a running zone, all of it or nothing
 * @changes:	Members of the configuration document that are replaced; null removes one
 *
 * Return: 0, -EINVAL (not a configuration), -ENOTSUP (a property that is not live, or
 * that this host cannot give), -ENOENT (the zone has no machine), -ENOMEM, or what
 * writing gave; the text names the property and why
 */
int booted_change(struct shell *sh, struct zone *z, json_t *changes, struct errmsg *e);

#endif
