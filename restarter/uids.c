// SPDX-License-Identifier: BSD-2-Clause
/*
 * uids.c - a uid for each zone that runs
 */
#include "restarter/uids.h"
#include "common/sys/jail.h"
#include "restarter/hosts.h"
#include "restarter/stray.h"

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

int uids_next(struct shell *sh, uid_t *ret_uid, struct errmsg *e)
{
	if (!jail_may_set_uid()) {
		*ret_uid = 0;
		return 0;
	}
	for (unsigned n = 0; n < UIDS_N; n++) {
		uid_t uid = sh->config.first_zone_uid + sh->next_uid;

		sh->next_uid = (sh->next_uid + 1) % UIDS_N;
		if (in_use(sh, uid))
			continue;
		*ret_uid = uid;
		return 0;
	}
	return errmsg_set(e, -EUSERS,
			  "all %u uids from config/first-zone-uid on are in use", UIDS_N);
}
