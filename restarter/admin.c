// SPDX-License-Identifier: BSD-2-Clause
/*
 * admin.c - the Varlink server for operators
 *
 * A connection's calls are served one after the other: while the core owes it an answer,
 * or it has not read the last one, only its end is looked for, and what it sends waits in
 * its buffer up to one call's size.
 *
 * The core's answers come in the middle of a commit, whose actions still name zones: what
 * waits behind such an answer is served in the loop's next turn, for it may remove them.
 */
#include "restarter/admin.h"
#include "common/base/trace.h"
#include "common/sys/log.h"
#include "common/sys/sock.h"
#include "restarter/monitor.h"

#include <stdio.h>
#include <string.h>

struct admin {
	struct shell *sh;
	uv_pipe_t listener;
	uv_timer_t resume; /* serves what waits behind answers of the core */
	char *path;        /* owned */
	struct conn *conns;
	unsigned n_conns, n_readers;
	uint64_t last_op;
	unsigned n_open; /* of listener and resume */
};

struct write_req {
	uv_write_t req;
	struct buf data; /* owned */
};

static void conn_close(struct conn *c);
static void serve_buffered(struct conn *c);

/* The server goes when its own handles and its last connection are closed. */
static void maybe_free(struct admin *a)
{
	if (a->n_open || a->conns)
		return;
	free(a->path);
	free(a);
}

static void written(uv_write_t *req, int status)
{
	struct write_req *w = container_of(req, struct write_req, req);
	struct conn *c = req->handle->data;

	buf_fini(&w->data);
	free(w);
	if (status < 0 && status != UV_ECANCELED)
		conn_close(c);
	else if (status == 0)
		serve_buffered(c);
}

/* Sends what was framed; a client that does not read is dropped. */
static void send_buf(struct conn *c, struct buf *take_out)
{
	struct write_req *w = calloc(1, sizeof(*w));
	uv_buf_t b;

	if (!w || buf_error(take_out) || c->closing ||
	    uv_stream_get_write_queue_size((uv_stream_t *)&c->pipe) + take_out->len >
		    ADMIN_UNSENT_MAX) {
		free(w);
		buf_fini(take_out);
		conn_close(c);
		return;
	}
	w->data = *take_out;
	b = uv_buf_init(w->data.p, (unsigned)w->data.len);
	if (uv_write(&w->req, (uv_stream_t *)&c->pipe, &b, 1, written) < 0) {
		buf_fini(&w->data);
		free(w);
		conn_close(c);
	}
}

void conn_reply(struct conn *c, json_t *take_params)
{
	struct buf out = { 0 };

	if (!c->oneway) {
		varlink_add_reply(&out, take_params, false);
		send_buf(c, &out);
	}
	json_decref(take_params);
}

void conn_reply_text(struct conn *c, struct buf *take_params)
{
	struct buf out = { 0 };

	if (!c->oneway) {
		varlink_add_reply_text(&out, take_params, false);
		send_buf(c, &out);
	}
	buf_fini(take_params);
}

void conn_error(struct conn *c, const char *error, const char *message)
{
	struct buf out = { 0 };

	if (c->oneway)
		return;
	varlink_add_error(&out, error, message);
	send_buf(c, &out);
}

void conn_bad_state(struct conn *c, const char *message, const char *state)
{
	struct buf out = { 0 };

	if (c->oneway)
		return;
	varlink_add_error_with(&out, KZ_ERR_BAD_STATE, message, "state", state);
	send_buf(c, &out);
}

uint64_t conn_expect(struct conn *c)
{
	c->op = ++c->admin->last_op;
	return c->op;
}

static struct conn *conn_of(struct admin *a, uint64_t op)
{
	for (struct conn *c = a->conns; c; c = c->next)
		if (c->op == op && !c->closing)
			return c;
	return NULL;
}

void admin_op_wait(struct admin *a, uint64_t op, const char *reason)
{
	struct conn *c = conn_of(a, op);
	struct buf out = { 0 };
	json_t *params;

	if (!c || !c->more || c->oneway)
		return;
	params = json_pack("{s:s}", "progress", reason);
	varlink_add_reply(&out, params, true);
	json_decref(params);
	send_buf(c, &out);
}

void admin_zone_waits(struct admin *a, const struct zone *z, const char *reason)
{
	for (struct conn *c = a->conns; c; c = c->next)
		if (c->op && c->op_zone == z)
			admin_op_wait(a, c->op, reason);
}

void conn_monitor(struct conn *c, const char *only, struct buf *take_params)
{
	struct buf out = { 0 };

	if (!c->more || c->oneway) {
		buf_fini(take_params);
		conn_error(c, VARLINK_ERR_MORE, "Monitor: more than one answer");
		return;
	}
	c->only = only ? strdup(only) : NULL;
	if (only && !c->only)
		out.err = -ENOMEM;
	c->monitor = true;
	varlink_add_reply_text(&out, take_params, true);
	buf_fini(take_params);
	send_buf(c, &out);
}

static size_t unsent(const struct conn *c)
{
	return uv_stream_get_write_queue_size((const uv_stream_t *)&c->pipe);
}

void admin_tell_monitors(struct admin *a)
{
	for (struct conn *c = a->conns; c; c = c->next) {
		struct buf out = { 0 };
		cleanup(buf_fini) struct buf news = { 0 };

		if (!c->monitor || c->closing)
			continue;
		if (unsent(c) > MONITOR_UNSENT_MAX) {
			log_warning("a monitor does not read and is dropped");
			conn_close(c);
			continue;
		}
		if (!monitor_news(a->sh, c->only, &news))
			continue;
		varlink_add_reply_text(&out, &news, true);
		send_buf(c, &out);
	}
}

static void resume(uv_timer_t *t)
{
	struct admin *a = t->data;

	for (struct conn *c = a->conns; c; c = c->next)
		serve_buffered(c);
}

void admin_op_done(struct admin *a, uint64_t op, int err, const char *reason)
{
	struct conn *c = conn_of(a, op);

	if (!c)
		return;
	c->op = 0;
	if (!err)
		conn_reply(c, NULL);
	else if (err == -EBUSY)
		conn_error(c, KZ_ERR_BAD_STATE, reason);
	else if (err == -ENOENT)
		conn_error(c, KZ_ERR_NO_SUCH_ZONE, reason);
	else if (err == -ECANCELED)
		conn_error(c, KZ_ERR_INTERRUPTED, reason);
	else
		conn_error(c, KZ_ERR_FAILED, reason);
	uv_timer_start(&a->resume, resume, 0, 0);
}

static void conn_closed(uv_handle_t *h)
{
	struct conn *c = h->data;
	struct admin *a = c->admin;
	struct conn **at = &a->conns;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	a->n_conns--;
	a->n_readers -= c->counted;
	buf_fini(&c->in);
	free(c->only);
	free(c);
	maybe_free(a);
}

static void conn_close(struct conn *c)
{
	if (c->closing)
		return;
	c->closing = true;
	if (c->work)
		method_abandon(c->admin->sh, c);
	uv_close((uv_handle_t *)&c->pipe, conn_closed);
}

/*
 * The right that the caller lacks for this call, or NULL. What changes autoboot is a
 * change of the configuration, too.
 */
static const char *lacks(const struct conn *c, const struct varlink_call *call)
{
	enum varlink_right right = kz_method_right(call->method);
	const char *name = json_string_value(json_object_get(call->params, "zone"));
	enum zone_auth needed =
		call->method == KZ_RECONFIGURE ? AUTH_LIVECONFIG : AUTH_MANAGE;
	const struct zone *z;
	bool persistent = (call->method == KZ_ENABLE || call->method == KZ_DISABLE) &&
			  !json_is_true(json_object_get(call->params, "temporary"));

	if (c->may_manage || right == RIGHT_READ)
		return NULL;
	z = right == RIGHT_ZONE && name ? zones_find(&c->admin->sh->zones, name) : NULL;
	if (!z || !rights_has(&z->rights, c->uid, needed))
		return rights_name(needed);
	if (persistent && !rights_has(&z->rights, c->uid, AUTH_CONFIG))
		return rights_name(AUTH_CONFIG);
	return NULL;
}

static void deny(struct conn *c, const struct varlink_call *call, const char *right)
{
	struct buf out = { 0 };
	char text[256];

	if (c->oneway)
		return;
	snprintf(text, sizeof(text),
		 kz_method_right(call->method) == RIGHT_ZONE
			 ? "only root, the group " MANAGERS_GROUP
			   " and users to whom an admin resource of the zone gives "
			   "'%s' may do this"
			 : "only root and the group " MANAGERS_GROUP " may do this",
		 right);
	varlink_add_error_with(&out, KZ_ERR_DENIED, text, "right", right);
	send_buf(c, &out);
}

/* One message, without its NUL. */
static void serve(struct conn *c, const char *msg, size_t len)
{
	struct varlink_call call = { 0 };
	const char *error = NULL, *right;
	struct errmsg e = { "" };
	struct buf out = { 0 };
	int r = varlink_parse_call(msg, len, &call, &error, &e);

	c->more = r == 0 && call.more;
	c->oneway = r == 0 && call.oneway;
	TRACE(admin, "call %s: %d", r ? e.text : kz_method_name(call.method), r);
	if (r == -EINVAL) {
		conn_error(c, error, e.text);
		return;
	}
	if (r < 0) {
		conn_close(c);
		return;
	}
	right = lacks(c, &call);
	if (right) {
		deny(c, &call, right);
	} else if (varlink_add_service(&out, &call)) {
		send_buf(c, &out);
	} else {
		method_serve(c->admin->sh, c, &call);
	}
	varlink_call_fini(&call);
}

/* An answer is owed, or not yet read. */
static bool busy(const struct conn *c)
{
	return c->op || c->monitor ||
	       uv_stream_get_write_queue_size((const uv_stream_t *)&c->pipe) > 0;
}

/* Whole messages that wait, until one has to be waited for. */
static void serve_buffered(struct conn *c)
{
	while (!c->closing && !busy(c) && c->in.len) {
		const char *end = memchr(c->in.p, '\0', c->in.len);
		size_t len;

		if (!end) {
			if (c->in.len > VARLINK_CALL_MAX)
				conn_close(c);
			return;
		}
		len = (size_t)(end - c->in.p);
		serve(c, c->in.p, len);
		buf_consume(&c->in, len + 1);
	}
}

static void alloc_read(uv_handle_t *h, size_t suggested, uv_buf_t *b)
{
	b->base = malloc(16 * KIB);
	b->len = b->base ? 16 * KIB : 0;
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *b)
{
	struct conn *c = s->data;

	if (n > 0) {
		buf_add(&c->in, b->base, (size_t)n);
		/* Calls ahead of an answer have to fit into one call's room. */
		if (buf_error(&c->in) || (busy(c) && c->in.len > VARLINK_CALL_MAX))
			n = UV_ENOBUFS;
	}
	free(b->base);
	if (n < 0)
		conn_close(c);
	else
		serve_buffered(c);
}

/* Root, the user this process runs as, and the members of the group zones. */
static bool may_manage(const struct admin *a, int fd, uid_t *ret_uid)
{
	struct ucred cred;
	gid_t groups[1024];
	socklen_t len = sizeof(groups);

	if (sock_peer(fd, &cred) < 0)
		return false;
	*ret_uid = cred.uid;
	if (cred.uid == 0 || cred.uid == geteuid())
		return true;
	if (a->sh->managers == (gid_t)-1)
		return false;
	if (cred.gid == a->sh->managers)
		return true;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) < 0)
		return false;
	for (unsigned i = 0; i < len / sizeof(gid_t); i++)
		if (groups[i] == a->sh->managers)
			return true;
	return false;
}

static void on_connection(uv_stream_t *listener, int status)
{
	struct admin *a = listener->data;
	struct conn *c = status < 0 ? NULL : calloc(1, sizeof(*c));
	uv_os_fd_t fd;

	if (!c)
		return;
	c->admin = a;
	c->pipe.data = c;
	uv_pipe_init(&a->sh->loop, &c->pipe, 0);
	c->next = a->conns;
	a->conns = c;
	a->n_conns++;
	if (uv_accept(listener, (uv_stream_t *)&c->pipe) < 0 ||
	    uv_fileno((uv_handle_t *)&c->pipe, &fd) < 0) {
		conn_close(c);
		return;
	}
	c->uid = (uid_t)-1;
	c->may_manage = may_manage(a, fd, &c->uid);
	c->counted = !c->may_manage;
	a->n_readers += c->counted;
	/* Readers just refused count until they are closed: to other readers only. A
	 * turn of the loop may have accepted hundreds of them.
	 */
	if (c->counted ? a->n_readers > ADMIN_READERS_MAX
		       : a->n_conns - a->n_readers > ADMIN_MANAGERS_MAX) {
		conn_close(c);
		return;
	}
	if (uv_read_start((uv_stream_t *)&c->pipe, alloc_read, on_read) < 0)
		conn_close(c);
}

static void handle_closed(uv_handle_t *h)
{
	struct admin *a = h->data;

	a->n_open--;
	maybe_free(a);
}

static void close_handles(struct admin *a)
{
	uv_close((uv_handle_t *)&a->listener, handle_closed);
	uv_close((uv_handle_t *)&a->resume, handle_closed);
}

int admin_listen(struct shell *sh, struct admin **ret_admin)
{
	struct admin *a = calloc(1, sizeof(*a));
	int fd = -1, r;

	if (!a)
		return -ENOMEM;
	a->sh = sh;
	a->path = paths_get(&sh->paths, PATH_SOCKET, NULL);
	r = a->path ? sock_listen(a->path, SOCK_STREAM, 0666, &fd) : -ENOMEM;
	if (r < 0) {
		free(a->path);
		free(a);
		return r;
	}
	a->listener.data = a->resume.data = a;
	a->n_open = 2;
	uv_pipe_init(&sh->loop, &a->listener, 0);
	uv_timer_init(&sh->loop, &a->resume);
	r = uv_pipe_open(&a->listener, fd);
	if (r < 0)
		close(fd);
	else
		r = uv_listen((uv_stream_t *)&a->listener, SOMAXCONN, on_connection);
	if (r < 0) {
		close_handles(a);
		return r;
	}
	*ret_admin = a;
	return 0;
}

void admin_free(struct admin *a)
{
	if (!a)
		return;
	for (struct conn *c = a->conns; c; c = c->next)
		conn_close(c);
	(void)unlink(a->path);
	close_handles(a);
}
