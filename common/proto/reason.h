/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reason.h - why an instance is where it is, as one word (its auxiliary state), and what
 * an operator can do about it
 *
 * DOC: Reasons
 *
 * svc.zones tells a reason twice: in words, with all particulars, and as the token of
 * this list, which stays the same from version to version: dashboards compare it, svcs
 * finds the next step by it. In the text of the next step %F is the instance's FMRI, %Z
 * its zone, and %B the instance that is in its way.
 */
#ifndef KZ_COMMON_PROTO_REASON_H
#define KZ_COMMON_PROTO_REASON_H

#include "common/base/base.h"

#define KZ_REASONS(X) \
	X(NONE, "none", "") \
	X(UNKNOWN, "unknown", "Correct the cause (see the logs), then: svcadm clear %F") \
	/* uninitialized */ \
	X(NOT_EXAMINED, "not_examined", \
	  "Wait: svc.zones looks at all zones when it starts") \
	/* offline */ \
	X(DEPENDENCY, "dependency_unsatisfied", "svcs -x %B") \
	X(EXCLUDED, "dependency_excluded", \
	  "To run this one instead: svcadm disable -t %B") \
	X(HOST_STOPPING, "host_stopping", \
	  "Wait: it is booted again with the host when it is enabled") \
	X(RETRY, "waiting_to_retry", \
	  "Correct the cause (see the logs); to try at once: zoneadm -z %Z boot") \
	X(SLOT, "waiting_for_slot", \
	  "Wait, or boot it before the others: zoneadm -z %Z boot") \
	X(STARTING, "starting", "Wait, or give up with: zoneadm -z %Z halt") \
	X(WAITS_STORAGE, "waiting_for_storage", \
	  "See why it does not answer, or give up with: zoneadm -z %Z halt") \
	X(GOALS, "waiting_for_goals", \
	  "Watch it with: zlogin -C %Z; give up with: zoneadm -z %Z halt") \
	X(NOT_PERSISTED, "state_not_persisted", \
	  "Let svc.zones write below /var/lib/zones; it tries again every second") \
	X(STRAY, "stray_kzhost", "zoneadm -z %Z halt") \
	X(CONFIGURATION, "configuration_error", \
	  "Correct it with: zonecfg -z %Z; then: svcadm refresh %F") \
	/* on the way down */ \
	X(DEPENDENTS, "waiting_for_dependents", \
	  "Wait, or end it at once with: zoneadm -z %Z halt") \
	X(SLOT_TO_STOP, "waiting_for_slot_to_stop", \
	  "Wait, or end it at once with: zoneadm -z %Z halt") \
	X(STOPPING, "shutting_down", "Wait, or end it at once with: zoneadm -z %Z halt") \
	X(HALTING, "halting", "Wait") \
	/* disabled */ \
	X(DISABLED, "disabled", "svcadm enable %F") \
	X(OPERATOR, "disabled_by_operator", "svcadm enable %F") \
	X(POWEROFF, "guest_poweroff", "svcadm enable %F") \
	X(HALTED, "machine_halted", "svcadm enable %F") \
	X(STOP_TIMEOUT, "shutdown_timeout", \
	  "To give its guest more time: zonecfg -z %Z set shutdown-timeout=SECONDS") \
	/* degraded, maintenance */ \
	X(DEGRADED, "degraded_by_administrator", "svcadm clear %F") \
	X(ADMINISTRATOR, "administrative_request", "svcadm clear %F") \
	X(BOOT_FAILED, "boot_failed", \
	  "Correct what the reason names, then: svcadm clear %F") \
	X(STORAGE, "storage_unavailable", \
	  "Correct what the reason names, then: zoneadm -z %Z attach; or, to boot it at " \
	  "once when it is enabled: svcadm clear %F") \
	X(CYCLE, "dependency_cycle", \
	  "Remove a dependency of the cycle: zonecfg -z %Z; then: svcadm refresh %F") \
	X(FAULTS, "fault_threshold_reached", \
	  "Correct the cause (see the logs), then: svcadm clear %F") \
	X(TOO_QUICKLY, "restarting_too_quickly", \
	  "Correct the cause (see the logs), then: svcadm clear %F") \
	X(PANICKED, "guest_panicked", \
	  "Read the console's log; to boot it again: svcadm clear %F") \
	X(GOALS_TIMEOUT, "goals_timeout", \
	  "Read the console's log, or set goals-timeout (zonecfg -z %Z); then: " \
	  "svcadm clear %F")

enum kz_reason {
#define X(id, token, next) KZ_WHY_##id,
	KZ_REASONS(X)
#undef X
		KZ_WHY_N
};

/* The word of a reason. */
const char *kz_reason_token(enum kz_reason r);
/* The reason of a word; KZ_WHY_UNKNOWN when there is none of that name. */
enum kz_reason kz_reason_of(const char *token);
/* What to do next, with its %F, %Z and %B; "" when there is nothing to do. */
const char *kz_reason_next(enum kz_reason r);

#endif
