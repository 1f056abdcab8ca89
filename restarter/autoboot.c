// SPDX-License-Identifier: BSD-2-Clause
/*
 * autoboot.c - svcadm enable and disable without -t are the property autoboot
 *
 * The one place where the restarter writes what belongs to zonecfg: under the zone's
 * lock, as zonecfg itself does.
 */
#include "restarter/autoboot.h"
#include "common/sys/log.h"

#include <string.h>

int autoboot_check(struct shell *sh, const struct zone *z, struct errmsg *e)
{
	cleanup(closep) int fd = -1;

	return zone_lock(&sh->paths, z->name, &fd, e);
}

int autoboot_write(struct shell *sh, const struct zone *z, bool value, struct errmsg *e)
{
	cleanup(zconf_freep) struct zconf *c = NULL;
	cleanup(closep) int fd = -1;
	const char *text = value ? "true" : "false";
	struct errmsg why = { "" };
	int r = zone_lock(&sh->paths, z->name, &fd, &why);

	if (r == 0)
		r = zconf_load(&sh->paths, z->name, &c, &why);
	if (r == 0)
		r = zres_set(&c->global, PROP_AUTOBOOT, text, &why);
	if (r == 0)
		r = zconf_save(&sh->paths, c, &why);
	if (r == 0)
		return 0;
	errmsg_set(e, r, "autoboot=%s could not be written: %s", text,
		   *why.text ? why.text : strerror(-r));
	log_err("zone=%s %s", z->name, e->text);
	return r;
}
