// SPDX-License-Identifier: BSD-2-Clause
/*
 * away.c - zones whose storage is not there: unavailable, and back
 */
#include "restarter/away.h"
#include "common/sys/log.h"
#include "restarter/logs.h"
#include "restarter/monitor.h"
#include "restarter/status.h"

void away_note(struct shell *sh, struct zone *z, enum life_state from)
{
	const enum life_state now = zone_life(sh->core, z);

	if (now == from)
		return;
	log_info("zone=%s %s -> %s", z->name, life_state_names[from],
		 life_state_names[now]);
	if (sh->check_only)
		return;
	(void)log_message(&sh->paths, z->name, "%s -> %s", life_state_names[from],
			  life_state_names[now]);
	status_changed(sh->status);
	monitor_note(sh, z);
}

int away_set(struct shell *sh, struct zone *z, bool there, const char *why)
{
	struct core_event ev = { .type = there ? EV_ZONE_BACK : EV_ZONE_AWAY,
				 .zone = z->name,
				 .text = why };
	const enum life_state from = zone_life(sh->core, z);
	int r = shell_step(sh, &ev);

	if (r == 0)
		away_note(sh, z, from);
	return r;
}
