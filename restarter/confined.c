// SPDX-License-Identifier: BSD-2-Clause
/*
 * confined.c - a uid for each zone that runs, namespaces for all
 */
#include "restarter/confined.h"
#include "common/sys/log.h"
#include "restarter/hosts.h"
#include "restarter/stray.h"

#include <stdio.h>

static bool in_use(const struct shell *sh, uid_t uid)
{
	for (unsigned i = 0; i < sh->zones.n; i++) {
		const struct zone *z = sh->zones.v[i];

		if ((z->host && z->host->uid == uid) ||
		    (z->stray && stray_uid(z->stray) == uid))
			return true;
	}
	return false;
}

int confined_uid(struct shell *sh, uid_t *ret_uid, struct errmsg *e)
{
	if (!jail_may_set_uid()) {
		*ret_uid = 0;
		return 0;
	}
	for (unsigned n = 0; n < CONFINED_UIDS; n++) {
		uid_t uid = sh->config.first_zone_uid + sh->next_uid;

		sh->next_uid = (sh->next_uid + 1) % CONFINED_UIDS;
		if (in_use(sh, uid))
			continue;
		*ret_uid = uid;
		return 0;
	}
	return errmsg_set(e, -EUSERS,
			  "all %u uids from config/first-zone-uid on are in use",
			  CONFINED_UIDS);
}

int confined_jail(struct shell *sh, struct errmsg *e)
{
	struct errmsg why = { "" };
	int r;

	if (sh->jail.n || *sh->jail_why)
		return 0;
	r = jail_make(&sh->jail, &why);
	if (r == 0)
		return 0;
	if (jail_privileged())
		return errmsg_set(e, r, "confinement: %s", why.text);
	snprintf(sh->jail_why, sizeof(sh->jail_why), "%s", why.text);
	log_notice("zones run in the namespaces of svc.zones: %s", sh->jail_why);
	return 0;
}
