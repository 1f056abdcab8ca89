// SPDX-License-Identifier: BSD-2-Clause
/*
 * autoboot.c - svcadm enable and disable without -t are the property autoboot
 *
 * The one place where the restarter writes what belongs to zonecfg: under the zone's
 * lock, as zonecfg itself does.
 */
#include "restarter/autoboot.h"
#include "common/sys/file.h"
#include "common/sys/log.h"

#include <string.h>

static int lock_zone(struct shell *sh, const struct zone *z, int *ret_fd,
		     struct errmsg *e)
{
	cleanup(freep) char *path = paths_get(&sh->paths, PATH_ZONE_LOCK, z->name);
	char *slash;
	pid_t holder = 0;
	int r;

	if (!path)
		return errmsg_set(e, -ENOMEM, "out of memory");
	slash = strrchr(path, '/');
	*slash = '\0';
	r = dir_make(path, 0755);
	*slash = '/';
	if (r == 0)
		r = file_lock(path, ret_fd, &holder);
	if (r == -EBUSY)
		return errmsg_set(e, r, "the configuration is being edited by process %d",
				  holder);
	return r < 0 ? errmsg_set(e, r, "%s: %s", path, strerror(-r)) : 0;
}

int autoboot_check(struct shell *sh, const struct zone *z, struct errmsg *e)
{
	cleanup(closep) int fd = -1;

	return lock_zone(sh, z, &fd, e);
}

void autoboot_write(struct shell *sh, struct zone *z, bool value)
{
	cleanup(zconf_freep) struct zconf *c = NULL;
	cleanup(closep) int fd = -1;
	struct errmsg e = { "" };
	int r = lock_zone(sh, z, &fd, &e);

	if (r == 0)
		r = zconf_load(&sh->paths, z->name, &c, &e);
	if (r == 0)
		r = zres_set(&c->global, PROP_AUTOBOOT, value ? "true" : "false", &e);
	if (r == 0)
		r = zconf_save(&sh->paths, c, &e);
	if (r < 0)
		log_err("zone=%s autoboot=%s could not be written: %s", z->name,
			value ? "true" : "false", *e.text ? e.text : strerror(-r));
}
