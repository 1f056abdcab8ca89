// SPDX-License-Identifier: BSD-2-Clause
/*
 * ctl_server.c - the restarter's connection: one at a time, checked, answered in order
 *
 * DOC: What a peer can do wrong
 *
 * What is not a message (wrong size, unknown id, too long, empty, too many descriptors),
 * a first message that is not HELLO, and a peer that does not say HELLO in time or does
 * not read its answers end the connection. A message that is one but asks for what cannot
 * be is answered with an error. Neither changes the zone. Descriptors that came along are
 * closed in every case. While a connection is open the next one waits in the backlog, so
 * a new restarter is served as soon as the old one is gone.
 */
#include "kzhost/ctl_server.h"

#include "common/base/trace.h"
#include "common/sys/log.h"
#include "common/sys/sock.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define HELLO_TIMEOUT_MS 10000

struct conn {
	struct ctl_server *server;
	uv_poll_t poll;
	int fd;
	bool greeted; /* HELLO was answered without an error */
};

struct ctl_server {
	uv_loop_t *loop;
	uv_poll_t poll;
	uv_timer_t timer; /* until HELLO */
	int listen_fd;
	unsigned n_open; /* handles; the server is freed with the last */
	const struct ctl_server_ops *ops;
	void *arg;
	struct conn *conn; /* owned; NULL when nobody is connected */
};

static const size_t answer_sizes[] = {
#define X(id, name, req, reply, fds) [CTL_REQ_##id] = sizeof(struct reply),
	CTL_REQUESTS(X)
#undef X
};

static void on_connect(uv_poll_t *handle, int status, int events);

static void conn_closed(uv_handle_t *handle)
{
	struct conn *conn = handle->data;

	close(conn->fd);
	free(conn);
}

/* Ends the connection and serves the next. why: NULL when the peer closed it. */
static void conn_close(struct ctl_server *server, const char *why)
{
	struct conn *conn = server->conn;
	int r;

	if (why)
		log_warning("control connection ended: %s", why);
	TRACE(ctl, "connection ended: %s", why ? why : "end of file");
	server->conn = NULL;
	uv_close((uv_handle_t *)&conn->poll, conn_closed);
	uv_timer_stop(&server->timer);
	r = uv_poll_start(&server->poll, UV_READABLE, on_connect);
	ASSERT(r == 0); /* fails only for a handle that is closing */
	server->ops->connection(server->arg, false);
}

/* True when it went out; else the connection is closed, or was before. */
static bool conn_send(struct ctl_server *server, const void *msg, size_t len)
{
	char why[80];
	int r;

	if (!server->conn)
		return false; /* an event before the answer has ended it */
	r = sock_send(server->conn->fd, msg, len, NULL, 0);
	if (r == 0)
		return true;
	if (r == -EPIPE || r == -ECONNRESET)
		conn_close(server, NULL);
	else {
		snprintf(why, sizeof(why), "an answer could not be sent: %s",
			 strerror(-r));
		conn_close(server, why);
	}
	return false;
}

/* The error goes where the answer to this request has room for it; false: it has none. */
static bool answer_error(struct ctl_answer *answer, enum ctl_id id, int err,
			 const char *text)
{
	switch (id) {
	case CTL_REQ_HELLO:
		answer->hello.error = le32_of((uint32_t)-err);
		return true;
	case CTL_REQ_CREATE:
	case CTL_REQ_START:
	case CTL_REQ_SHUTDOWN:
	case CTL_REQ_HALT:
	case CTL_REQ_LOG:
	case CTL_REQ_DISK:
		answer->plain.error = le32_of((uint32_t)-err);
		snprintf(answer->plain.text, sizeof(answer->plain.text), "%s", text);
		return true;
	default:
		return false;
	}
}

/*
 * Checks and carries out one message. Returns NULL, or why the connection has to end.
 */
static const char *conn_message(struct ctl_server *server, const void *msg, size_t len,
				int *fds, unsigned n_fds)
{
	struct ctl_answer answer = { 0 };
	struct errmsg e = { "" };
	const struct ctl_hdr *hdr = msg;
	int id = ctl_check_request(msg, len, n_fds, &e);
	int err = id < 0 ? id : 0;

	TRACE(ctl, "request of %zu bytes, %u descriptors: %s", len, n_fds,
	      err ? e.text : ctl_id_name((unsigned)id));
	if (err == -EPROTO)
		return "not a control message";
	if (err)
		id = le16_get(hdr->id);
	if (id <= CTL_ID_NONE || id >= CTL_REQ_END)
		return "not a request";
	if (id != CTL_REQ_HELLO && !server->conn->greeted)
		return "the first message was not HELLO";
	answer.hdr =
		(struct ctl_hdr){ le16_of((uint16_t)id), le16_of(CTL_VERSION), hdr->seq };
	answer.len = answer_sizes[id];
	if (!err)
		server->ops->request(server->arg, (enum ctl_id)id, msg, fds, n_fds,
				     &answer);
	else if (!answer_error(&answer, (enum ctl_id)id, err, e.text))
		return "a request that cannot be answered with an error";
	if (id == CTL_REQ_HELLO && le32_get(answer.hello.error) == 0)
		server->conn->greeted = true;
	if (conn_send(server, &answer.hdr, answer.len))
		uv_timer_stop(&server->timer);
	server->ops->answered(server->arg);
	return NULL;
}

static void on_readable(uv_poll_t *handle, int status, int events)
{
	struct conn *conn = handle->data;
	struct ctl_server *server = conn->server;
	uint8_t msg[CTL_MSG_MAX];
	int fds[SOCK_FDS_MAX];
	const char *why;
	unsigned n_fds = 0;
	ssize_t len;

	len = sock_recv(conn->fd, msg, sizeof(msg), fds, &n_fds);
	if (len == -EAGAIN)
		return;
	if (len <= 0) {
		for (unsigned i = 0; len == 0 && i < n_fds; i++)
			closep(&fds[i]);
		conn_close(server, len == -EMSGSIZE ? "a message too long"
				   : len == -EPROTO ? "too many descriptors"
						    : NULL);
		return;
	}
	for (unsigned i = n_fds; len > 0 && i < SOCK_FDS_MAX; i++)
		fds[i] = -1; /* those that were not sent */
	why = conn_message(server, msg, (size_t)len, fds, n_fds);
	for (unsigned i = 0; i < n_fds; i++)
		closep(&fds[i]);
	if (why)
		conn_close(server, why);
}

static void on_no_hello(uv_timer_t *timer)
{
	struct ctl_server *server = timer->data;

	if (server->conn && !server->conn->greeted)
		conn_close(server, "no HELLO in time");
}

/* A connection for an accepted socket; takes fd. 0 or -errno. */
static int conn_open(struct ctl_server *server, int fd)
{
	struct conn *conn = calloc(1, sizeof(*conn));
	int r;

	if (!conn) {
		close(fd);
		return -ENOMEM;
	}
	*conn = (struct conn){ .server = server, .fd = fd };
	r = uv_poll_init(server->loop, &conn->poll, fd);
	if (r < 0) {
		close(fd);
		free(conn);
		return r;
	}
	conn->poll.data = conn;
	server->conn = conn;
	r = uv_poll_start(&conn->poll, UV_READABLE, on_readable);
	ASSERT(r == 0); /* fails only for a handle that is closing */
	return 0;
}

static void on_connect(uv_poll_t *handle, int status, int events)
{
	struct ctl_server *server = handle->data;
	int fd = accept4(server->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	int r;

	if (fd < 0)
		return;
	r = conn_open(server, fd);
	if (r < 0) {
		log_warning("control connection: %s", strerror(-r));
		return;
	}
	TRACE(ctl, "connection accepted");
	uv_poll_stop(&server->poll);
	uv_timer_start(&server->timer, on_no_hello, HELLO_TIMEOUT_MS, 0);
	server->ops->connection(server->arg, true);
}

static void handle_closed(uv_handle_t *handle)
{
	struct ctl_server *server = handle->data;

	if (--server->n_open == 0)
		free(server);
}

int ctl_server_new(uv_loop_t *loop, int listen_fd, const struct ctl_server_ops *ops,
		   void *arg, struct ctl_server **ret_server)
{
	struct ctl_server *server;
	int flags = fcntl(listen_fd, F_GETFL);
	int r;

	if (flags < 0 || fcntl(listen_fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	server = calloc(1, sizeof(*server));
	if (!server)
		return -ENOMEM;
	*server = (struct ctl_server){
		.loop = loop, .listen_fd = listen_fd, .ops = ops, .arg = arg
	};
	r = uv_poll_init(loop, &server->poll, listen_fd);
	if (r < 0) {
		free(server);
		return r;
	}
	uv_timer_init(loop, &server->timer);
	server->n_open = 2;
	server->poll.data = server;
	server->timer.data = server;
	r = uv_poll_start(&server->poll, UV_READABLE, on_connect);
	ASSERT(r == 0); /* fails only for a handle that is closing */
	*ret_server = server;
	return 0;
}

bool ctl_server_event(struct ctl_server *server, enum ctl_id id, struct ctl_hdr *msg,
		      size_t len)
{
	if (!server->conn || !server->conn->greeted)
		return false;
	TRACE(ctl, "event %s", ctl_id_name(id));
	*msg = (struct ctl_hdr){ le16_of((uint16_t)id), le16_of(CTL_VERSION),
				 le32_of(0) };
	return conn_send(server, msg, len);
}

void ctl_server_close(struct ctl_server *server)
{
	struct conn *conn;

	if (!server)
		return;
	conn = server->conn;
	server->conn = NULL;
	if (conn)
		uv_close((uv_handle_t *)&conn->poll, conn_closed);
	uv_close((uv_handle_t *)&server->poll, handle_closed);
	uv_close((uv_handle_t *)&server->timer, handle_closed);
}
