/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * varlink.h - Varlink: messages, framing, and the method table of the admin interface
 *
 * JSON objects, each ended by one NUL byte (https://varlink.org). A call is
 * {"method", "parameters", "more", "oneway"}; an answer {"parameters", "continues"} or
 * {"error", "parameters"}. No I/O here: bytes go in and out of struct buf.
 */
#ifndef KZ_PROTO_VARLINK_H
#define KZ_PROTO_VARLINK_H

#include "common/base/buf.h"
#include "common/base/err.h"

#include <jansson.h>

#define VARLINK_CALL_MAX  (256 * 1024)       /* a client's call, bytes */
#define VARLINK_REPLY_MAX (64 * 1024 * 1024) /* what a client accepts, bytes */
#define KZ_IFACE          "org.kzones.restarter"

/* Who may call: everyone who can connect; root and group zones; and for one zone also
 * those to whom its admin resource gives manage (for Reconfigure: liveconfig). */
enum varlink_right { RIGHT_READ, RIGHT_MANAGE, RIGHT_ZONE };

/**
 * The admin interface: id, method, right, parameters as {name, jansson kind, required}.
 * Kinds as json_unpack() letters: s string, b boolean, i integer, o object.
 *
 * - Zones: all zones, or the one named: {"zones": [zone]}.
 *   zone: {name, id (-1 when not active), state, auxiliary [], uuid ("" until installed),
 *   brand, ip_type, path ("-")}; the global zone is not in it.
 * - Instances: {"instances": [instance]}: {fmri, zone, state, next_state, state_time_ms
 *   (CLOCK_REALTIME), enabled, enabled_temporary, blocked (bool), reason, contract (pid
 * or 0)}. Without a zone also restarter (svc.zones itself, a brief one) and units {fmri:
 * state} of the host that dependencies name. Brief ones are without zone, which ends the
 * fmri, reason and auxiliary_state, and without what is "none", false or 0.
 * - Status: {"status": the document of status.json}.
 * - Boot, Shutdown, Halt, Reboot: answer when the zone is there; called with "more" they
 *   send {"progress": text} with continues=true each time what they wait for changes.
 *   Boot takes args (replaces bootargs for this boot).
 * - Begin, End: bracket what zoneadm does by itself (operation "install",
 *   "uninstall", "attach" or "detach", where the last two leave it as it was instead);
 *   a connection that ends between them leaves the zone incomplete. End has success=true
 *   when it worked; Begin of install gives {"uuid"}.
 * - Mark: an installed zone becomes "incomplete" or "unavailable" (state).
 * - Refresh: the configuration of the zone was written or removed; without a zone: the
 *   restarter's own properties take effect.
 * - MarkInstance: svcadm mark; state is "maintenance" (temporary: gone when the host
 *   boots) or "degraded".
 * - Monitor: only with "more". First all instances, or that of the zone, then what
 *   changes: {"instances": [instance], "removed": [zone]}.
 * - Plan: what a boot of the host would do: {"boots": [{wave, zone, priority, waits}],
 *   "others": [{zone, reason}]}.
 * - GetProperties: {"properties": [{name, type, value, default, set, running, help}]}.
 *   SetProperty, DelProperty: change the file; value is as people write it.
 * - Reconfigure: changes a running zone, not its stored configuration; changes: members
 *   of the configuration document, null removes one.
 * - Clear: out of maintenance.  Enable, Disable: svcadm's, temporary or persistent.
 */
#define KZ_METHODS(X) \
	X(ZONES, "Zones", RIGHT_READ, "zone?s") \
	X(INSTANCES, "Instances", RIGHT_READ, "zone?s brief?b") \
	X(STATUS, "Status", RIGHT_READ, "") \
	X(BOOT, "Boot", RIGHT_ZONE, "zone:s args?s") \
	X(SHUTDOWN, "Shutdown", RIGHT_ZONE, "zone:s reboot?b") \
	X(HALT, "Halt", RIGHT_ZONE, "zone:s") \
	X(REBOOT, "Reboot", RIGHT_ZONE, "zone:s args?s") \
	X(BEGIN, "Begin", RIGHT_MANAGE, "zone:s operation:s") \
	X(END, "End", RIGHT_MANAGE, "zone:s success:b") \
	X(MARK, "Mark", RIGHT_MANAGE, "zone:s state:s") \
	X(REFRESH, "Refresh", RIGHT_MANAGE, "zone?s") \
	X(CLEAR, "Clear", RIGHT_ZONE, "zone:s") \
	X(ENABLE, "Enable", RIGHT_ZONE, "zone:s temporary?b") \
	X(DISABLE, "Disable", RIGHT_ZONE, "zone:s temporary?b") \
	X(MARK_INSTANCE, "MarkInstance", RIGHT_ZONE, \
	  "zone:s state:s immediate?b temporary?b") \
	X(MONITOR, "Monitor", RIGHT_READ, "zone?s") \
	X(PLAN, "Plan", RIGHT_READ, "") \
	X(GET_PROPERTIES, "GetProperties", RIGHT_READ, "") \
	X(SET_PROPERTY, "SetProperty", RIGHT_MANAGE, "name:s value:s") \
	X(DEL_PROPERTY, "DelProperty", RIGHT_MANAGE, "name:s") \
	X(RECONFIGURE, "Reconfigure", RIGHT_ZONE, "zone:s changes:o")

enum kz_method {
#define X(id, name, right, params) KZ_##id,
	KZ_METHODS(X)
#undef X
		KZ_SERVICE_INFO, /* org.varlink.service.GetInfo */
	KZ_SERVICE_DESCRIPTION,  /* org.varlink.service.GetInterfaceDescription */
	KZ_METHOD_N
};

/*
 * Errors of the interface; all carry {"message": text for people}. BadState also has
 * {"state"}, Denied {"right"}.
 */
#define KZ_ERR_NO_SUCH_ZONE KZ_IFACE ".NoSuchZone"
#define KZ_ERR_BAD_STATE    KZ_IFACE ".BadState"
#define KZ_ERR_FAILED       KZ_IFACE ".Failed"
#define KZ_ERR_DENIED       KZ_IFACE ".Denied"
#define VARLINK_ERR_MORE    "org.varlink.service.ExpectedMore"
#define KZ_ERR_INTERRUPTED  KZ_IFACE ".Interrupted"

struct varlink_call {
	enum kz_method method;
	bool more;
	bool oneway;
	json_t *params; /* owned; an object, never NULL */
};
void varlink_call_fini(struct varlink_call *c);

enum varlink_right kz_method_right(enum kz_method m);
const char *kz_method_name(enum kz_method m); /* full name */

/**
 * varlink_parse_call() - One message without its NUL into a checked call
 * @ret_error:	On failure the full error name to answer with
 *		(org.varlink.service.MethodNotFound, .InvalidParameter, …); static string
 *
 * Every parameter is known, of its kind, and the required ones are there.
 *
 * Return: 0, -EPROTO (not JSON or not a call: end the connection), -EINVAL (answer
 * @ret_error with @e as message), -ENOMEM
 */
int varlink_parse_call(const char *msg, size_t len, struct varlink_call *ret_call,
		       const char **ret_error, struct errmsg *e);

/* Append one framed message to out. parameters is borrowed and may be NULL ({}). */
void varlink_add_call(struct buf *out, enum kz_method m, json_t *parameters, bool more);
void varlink_add_reply(struct buf *out, json_t *parameters, bool continues);
/* The same with an object as text. */
void varlink_add_reply_text(struct buf *out, const struct buf *parameters,
			    bool continues);
void varlink_add_error(struct buf *out, const char *error, const char *message);
/* The same with one more text member: the state of BadState, the right of Denied. */
void varlink_add_error_with(struct buf *out, const char *error, const char *message,
			    const char *key, const char *value);

/**
 * varlink_add_service() - Answer the methods of org.varlink.service
 *
 * Return: true when @c was one of them and its answer was appended
 */
bool varlink_add_service(struct buf *out, const struct varlink_call *c);

/* The interface description (the text of org.kzones.restarter.varlink). */
extern const char kz_interface_description[];

#endif
