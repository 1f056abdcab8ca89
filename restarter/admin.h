/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * admin.h - the Varlink server for operators: connections, rights, framing, answers
 */
#ifndef KZ_RESTARTER_ADMIN_H
#define KZ_RESTARTER_ADMIN_H

#include "common/proto/varlink.h"
#include "restarter/shell.h"

/* Limits that one client, and all of them together, cannot pass. */
#define ADMIN_MANAGERS_MAX 256
#define ADMIN_READERS_MAX  192 /* those without the right to manage are counted apart */
#define MONITOR_UNSENT_MAX MIB /* what a monitor may leave, when the next news come */
#define ADMIN_UNSENT_MAX   VARLINK_REPLY_MAX /* bytes a slow reader may leave */

/* One connection; owned by the server. */
struct conn {
	struct admin *admin;
	uv_pipe_t pipe;
	uid_t uid;       /* of the peer; (uid_t)-1 when it is not known */
	bool may_manage; /* everything */
	bool counted;    /* among the readers */
	bool closing;
	struct buf in;
	uint64_t op;                /* request that the core has not answered yet, or 0 */
	const struct zone *op_zone; /* borrowed; that this is about */
	bool more, oneway;          /* of the call being served */
	struct zone *work;          /* borrowed: between Begin and End */
	bool monitor;               /* is told changes; nothing else is served any more */
	char *only;                 /* owned; of this zone, NULL: of all */
	struct conn *next;
};

/* Binds and listens. 0, -ENOMEM or what sock_listen() gave. */
int admin_listen(struct shell *sh, struct admin **ret_admin);
/* Closes all connections and removes the socket; frees when the loop has closed them. */
void admin_free(struct admin *a);

/* What the core says to a request. */
void admin_op_wait(struct admin *a, uint64_t op, const char *reason);
/* What the zone's boot waits for, to who has asked for it. */
void admin_zone_waits(struct admin *a, const struct zone *z, const char *reason);
void admin_op_done(struct admin *a, uint64_t op, int err, const char *reason);

/* Answers of the method that is being served. */
void conn_reply(struct conn *c, json_t *take_params);
/* The same with an object as text; the buffer is freed. */
void conn_reply_text(struct conn *c, struct buf *take_params);
void conn_error(struct conn *c, const char *error, const char *message);
void conn_bad_state(struct conn *c, const char *message, const char *state);
/* The core will answer: a number for the event's op. */
uint64_t conn_expect(struct conn *c);

/* Answers with what there is, and from now on with what changes (monitor.h). */
void conn_monitor(struct conn *c, const char *only, struct buf *take_params);
/* Tells them the news. */
void admin_tell_monitors(struct admin *a);

/* methods.c: serves one checked and permitted call. */
void method_serve(struct shell *sh, struct conn *c, const struct varlink_call *call);
/* The connection has gone between Begin and End. */
void method_abandon(struct shell *sh, struct conn *c);

#endif
