// SPDX-License-Identifier: BSD-2-Clause
/*
 * verbs.c - which subcommand is legal in which state of a zone, in Solaris' words
 *
 * svc.zones decides; this table only words the refusal that it sends.
 */
#include "cli/zoneadm/verbs.h"

static const struct {
	const char *name;
	unsigned legal; /* bits 1 << enum zone_state */
} verbs[VERB_N] = {
#define X(id, name, legal) { name, legal },
	VERBS(X)
#undef X
};

/**
 * verb_name() - The subcommand's name
 */
const char *verb_name(enum verb v)
{
	return verbs[v].name;
}

/**
 * verb_is_legal() - Is the subcommand legal in that state?
 */
bool verb_is_legal(enum verb v, enum zone_state state)
{
	return verbs[v].legal & 1u << state;
}

void verb_refusal(enum verb v, enum zone_state state, struct buf *out)
{
	bool active = state >= ZONE_READY;

	if (verb_is_legal(v, state))
		return;
	if ((v == VERB_INSTALL || v == VERB_ATTACH) && state == ZONE_INCOMPLETE)
		buf_addf(out, "must be uninstalled before %s.", verbs[v].name);
	else if (v == VERB_INSTALL || v == VERB_ATTACH)
		buf_adds(out, "is already installed.");
	else if (v == VERB_DETACH && state == ZONE_INCOMPLETE)
		buf_adds(out, "must be uninstalled.");
	else if ((v == VERB_UNINSTALL || v == VERB_DETACH) && active)
		buf_addf(out, "%s operation is invalid for running zones.",
			 verbs[v].name);
	else if (v == VERB_BOOT && (state == ZONE_READY || state == ZONE_RUNNING))
		buf_adds(out, "zone is already booted");
	else if (active)
		buf_addf(out, "cannot manage a zone which is in state '%s'",
			 zone_state_name(state));
	else
		buf_addf(out, "must be %s before %s.",
			 state < ZONE_INSTALLED ? "installed" : "running", verbs[v].name);
}
