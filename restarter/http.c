// SPDX-License-Identifier: BSD-2-Clause
/*
 * http.c - a server for two documents: /metrics and /status, to be read only
 */
#include "restarter/http.h"
#include "common/base/buf.h"
#include "common/base/trace.h"
#include "common/sys/sock.h"
#include "restarter/metrics.h"
#include "restarter/view.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

struct client {
	struct http *http;
	union {
		uv_stream_t stream;
		uv_pipe_t pipe;
		uv_tcp_t tcp;
	};
	uv_timer_t timer;
	bool loopback; /* came by the port */
	bool closing;
	unsigned n_open;
	char in[HTTP_REQUEST_MAX];
	size_t len;
	struct buf out; /* owned; the answer while it is being written */
	uv_write_t write;
	struct client *next;
};

struct http {
	struct shell *sh;
	uv_pipe_t listener;
	uv_tcp_t *tcp; /* owned; NULL: no port */
	char tcp_text[CONFIG_TEXT_SIZE];
	char *path; /* owned */
	struct client *clients;
	unsigned n_clients, n_open;
};

static void maybe_free(struct http *h)
{
	if (h->n_open || h->clients)
		return;
	free(h->path);
	free(h);
}

static void client_closed(uv_handle_t *handle)
{
	struct client *c = handle->data;
	struct http *h = c->http;
	struct client **at = &h->clients;

	if (--c->n_open)
		return;
	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	h->n_clients--;
	buf_fini(&c->out);
	free(c);
	maybe_free(h);
}

static void client_close(struct client *c)
{
	if (c->closing)
		return;
	c->closing = true;
	uv_close((uv_handle_t *)&c->stream, client_closed);
	uv_close((uv_handle_t *)&c->timer, client_closed);
}

static void written(uv_write_t *req, int status)
{
	struct client *c = req->data;

	client_close(c);
}

static void answer(struct client *c, const char *status, const char *type,
		   const struct buf *body)
{
	uv_buf_t b;

	uv_read_stop(&c->stream);
	buf_addf(&c->out,
		 "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
		 "%sConnection: close\r\nX-Content-Type-Options: nosniff\r\n\r\n",
		 status, type, body->len,
		 strncmp(status, "405", 3) == 0 ? "Allow: GET\r\n" : "");
	buf_add(&c->out, body->p ? body->p : "", body->len);
	c->write.data = c;
	b = uv_buf_init(c->out.p, (unsigned)c->out.len);
	if (buf_error(body) || buf_error(&c->out) ||
	    uv_write(&c->write, &c->stream, &b, 1, written) < 0)
		client_close(c);
}

static void refuse(struct client *c, const char *status)
{
	cleanup(buf_fini) struct buf body = { 0 };

	buf_addf(&body, "%s\n", status);
	answer(c, status, "text/plain", &body);
}

static void give_metrics(struct client *c)
{
	cleanup(buf_fini) struct buf body = { 0 };

	shell_commit(c->http->sh);
	metrics_add(&body, c->http->sh);
	answer(c, "200 OK", "text/plain; version=0.0.4", &body);
}

static void give_status(struct client *c)
{
	cleanup(buf_fini) struct buf body = { 0 };

	shell_commit(c->http->sh);
	view_status(c->http->sh, &body);
	buf_adds(&body, "\n");
	answer(c, "200 OK", "application/json", &body);
}

/* The value of a header, cut out of its line, or NULL. Lines end in \n or \r\n. */
static char *header(char *lines, const char *name)
{
	size_t len = strlen(name);

	for (char *at = lines; at; at = strchr(at, '\n')) {
		at += *at == '\n';
		if (strncasecmp(at, name, len) != 0 || at[len] != ':')
			continue;
		at += len + 1;
		at += strspn(at, " \t");
		at[strcspn(at, " \t\r\n")] = '\0';
		return at;
	}
	return NULL;
}

static bool host_is_loopback(const char *host)
{
	static const char *const names[] = { "localhost", "127.0.0.1", "[::1]" };

	for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
		size_t len = strlen(names[i]);

		if (strncasecmp(host, names[i], len) == 0 &&
		    (!host[len] || host[len] == ':'))
			return true;
	}
	return false;
}

/* A whole head: "GET /metrics HTTP/1.1" and headers. */
static void serve(struct client *c)
{
	char *line_end = strpbrk(c->in, "\r\n"), *lines = line_end, *host;
	char *path, *version;

	/* Headers first: cutting the line cuts what is behind it off. */
	host = header(lines, "Host");
	*line_end = '\0';
	path = strchr(c->in, ' ');
	version = path ? strchr(path + 1, ' ') : NULL;
	if (!version || strncmp(version, " HTTP/1.", 8) != 0 || path[1] != '/') {
		refuse(c, "400 Bad Request");
		return;
	}
	*path++ = *version = '\0';
	path[strcspn(path, "?")] = '\0';
	TRACE(admin, "http %s %s", c->in, path);
	if (strcmp(c->in, "GET") != 0)
		refuse(c, "405 Method Not Allowed");
	else if (c->loopback && (!host || !host_is_loopback(host)))
		refuse(c, "403 Forbidden");
	else if (strcmp(path, "/metrics") == 0)
		give_metrics(c);
	else if (strcmp(path, "/status") == 0)
		give_status(c);
	else
		refuse(c, "404 Not Found");
}

static void alloc_read(uv_handle_t *handle, size_t suggested, uv_buf_t *b)
{
	struct client *c = handle->data;

	b->base = c->in + c->len;
	b->len = sizeof(c->in) - 1 - c->len; /* room for a NUL */
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *b)
{
	struct client *c = s->data;

	if (n == 0)
		return;
	if (n < 0 && n != UV_ENOBUFS) {
		client_close(c);
		return;
	}
	c->len += n > 0 ? (size_t)n : 0;
	c->in[c->len] = '\0';
	if (memchr(c->in, '\0', c->len))
		refuse(c, "400 Bad Request");
	else if (strstr(c->in, "\r\n\r\n") || strstr(c->in, "\n\n"))
		serve(c);
	else if (c->len == sizeof(c->in) - 1)
		refuse(c, "431 Request Header Fields Too Large");
}

static void on_timeout(uv_timer_t *t)
{
	client_close(t->data);
}

static void on_connection(uv_stream_t *listener, int status)
{
	struct http *h = listener->data;
	struct client *c = status < 0 ? NULL : calloc(1, sizeof(*c));

	if (!c)
		return;
	c->http = h;
	c->loopback = listener == (uv_stream_t *)h->tcp;
	if (c->loopback)
		uv_tcp_init(&h->sh->loop, &c->tcp);
	else
		uv_pipe_init(&h->sh->loop, &c->pipe, 0);
	uv_timer_init(&h->sh->loop, &c->timer);
	c->n_open = 2;
	c->stream.data = c->timer.data = c;
	c->next = h->clients;
	h->clients = c;
	h->n_clients++;
	if (uv_accept(listener, &c->stream) < 0 || h->n_clients > HTTP_CLIENTS_MAX ||
	    uv_read_start(&c->stream, alloc_read, on_read) < 0)
		client_close(c);
	else
		uv_timer_start(&c->timer, on_timeout, HTTP_TIME_MS, 0);
}

static void listener_closed(uv_handle_t *handle)
{
	struct http *h = handle->data;

	h->n_open--;
	maybe_free(h);
}

static void tcp_closed(uv_handle_t *handle)
{
	struct http *h = handle->data;

	free(handle);
	h->n_open--;
	maybe_free(h);
}

static void tcp_close(struct http *h)
{
	if (h->tcp)
		uv_close((uv_handle_t *)take_ptr(&h->tcp), tcp_closed);
	h->tcp_text[0] = '\0';
}

int http_listen_tcp(struct http *h, const char *text)
{
	struct sockaddr_storage addr = { 0 };
	socklen_t len;
	int r;

	if (strcmp(text, h->tcp_text) == 0)
		return 0;
	tcp_close(h);
	if (!*text)
		return 0;
	r = config_listen_address(text, &addr, &len);
	if (r < 0)
		return r;
	h->tcp = calloc(1, sizeof(*h->tcp));
	if (!h->tcp)
		return -ENOMEM;
	uv_tcp_init(&h->sh->loop, h->tcp);
	h->n_open++;
	h->tcp->data = h;
	r = uv_tcp_bind(h->tcp, (struct sockaddr *)&addr, 0);
	if (r == 0)
		r = uv_listen((uv_stream_t *)h->tcp, SOMAXCONN, on_connection);
	if (r < 0) {
		tcp_close(h);
		return r;
	}
	snprintf(h->tcp_text, sizeof(h->tcp_text), "%s", text);
	return 0;
}

int http_listen(struct shell *sh, struct http **ret_http)
{
	struct http *h = calloc(1, sizeof(*h));
	int fd = -1, r;

	if (!h)
		return -ENOMEM;
	h->sh = sh;
	h->path = paths_get(&sh->paths, PATH_METRICS, NULL);
	r = h->path ? sock_listen(h->path, SOCK_STREAM, 0666, &fd) : -ENOMEM;
	if (r < 0) {
		free(h->path);
		free(h);
		return r;
	}
	uv_pipe_init(&sh->loop, &h->listener, 0);
	h->n_open = 1;
	h->listener.data = h;
	r = uv_pipe_open(&h->listener, fd);
	if (r < 0)
		close(fd);
	else
		r = uv_listen((uv_stream_t *)&h->listener, SOMAXCONN, on_connection);
	if (r < 0) {
		uv_close((uv_handle_t *)&h->listener, listener_closed);
		return r;
	}
	*ret_http = h;
	return 0;
}

void http_free(struct http *h)
{
	if (!h)
		return;
	for (struct client *c = h->clients; c; c = c->next)
		client_close(c);
	(void)unlink(h->path);
	tcp_close(h);
	uv_close((uv_handle_t *)&h->listener, listener_closed);
}
