/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verbs.h - which subcommand is legal in which state of a zone, in Solaris' words
 */
#ifndef KZ_CLI_ZONEADM_VERBS_H
#define KZ_CLI_ZONEADM_VERBS_H

#include "common/base/buf.h"
#include "common/zone/states.h"

/* id, name, the states in which it is legal. */
#define S(state) (1u << ZONE_##state)
#define VERBS(X) \
	X(INSTALL, "install", S(CONFIGURED)) \
	X(UNINSTALL, "uninstall", S(INCOMPLETE) | S(UNAVAILABLE) | S(INSTALLED)) \
	X(ATTACH, "attach", S(CONFIGURED) | S(UNAVAILABLE)) \
	X(DETACH, "detach", S(UNAVAILABLE) | S(INSTALLED)) \
	X(MARK, "mark", S(INCOMPLETE) | S(UNAVAILABLE) | S(INSTALLED)) \
	X(BOOT, "boot", S(INSTALLED)) \
	X(HALT, "halt", S(READY) | S(RUNNING) | S(SHUTTING_DOWN) | S(DOWN)) \
	X(REBOOT, "reboot", S(READY) | S(RUNNING)) \
	X(SHUTDOWN, "shutdown", S(RUNNING) | S(SHUTTING_DOWN))

enum verb {
#define X(id, name, legal) VERB_##id,
	VERBS(X)
#undef X
		VERB_N
};

const char *verb_name(enum verb v);
bool verb_is_legal(enum verb v, enum zone_state state);

/**
 * verb_refusal() - Append why a verb is not legal in a state
 *
 * Appends nothing when it is legal.
 */
void verb_refusal(enum verb v, enum zone_state state, struct buf *out);

#endif
