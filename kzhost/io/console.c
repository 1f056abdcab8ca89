// SPDX-License-Identifier: BSD-2-Clause
/*
 * console.c - the console's clients, its scrollback and its log
 */
#include "kzhost/io/console.h"

#include "common/proto/ctl.h"
#include "common/sys/log.h"
#include "common/sys/sock.h"
#include "kzhost/io/fifo.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* At most this many bytes of input are read ahead of the guest. */
#define INPUT_SIZE 1024

#define LOST_TEXT 80
static_assert(CONSOLE_QUEUE > CONSOLE_SCROLLBACK + LOST_TEXT, "one that lags catches up");

struct client {
	struct console *con;
	uv_poll_t poll;
	int fd;
	pid_t pid;
	int watched;      /* for these events */
	bool input_ended; /* it may still read */
	struct fifo out;
	uint64_t lost; /* bytes up to now that it did not get; at first all */
	uint8_t in[INPUT_SIZE];
	size_t in_start, in_len; /* read and not yet taken by the guest */
};

struct console {
	uv_poll_t poll;
	uv_loop_t *loop;
	int listen_fd;
	int log_fd;
	uint64_t log_bytes; /* in the log; 0 when it is not a file */
	bool log_is_file;
	console_input_fn input;
	void *arg;
	struct client *client; /* owned; NULL when nobody is attached */
	struct fifo scrollback;
	bool in_line; /* the last byte of output was not a newline */
	bool log_failing;
	struct console_stats stats;
};

static void client_closed(uv_handle_t *handle)
{
	struct client *client = handle->data;

	close(client->fd);
	fifo_fini(&client->out);
	free(client);
}

static void client_close(struct console *con)
{
	struct client *client = con->client;

	con->client = NULL;
	uv_close((uv_handle_t *)&client->poll, client_closed);
}

/* Writes what the socket takes now. False when the client is gone. */
static bool client_flush(struct client *client)
{
	const uint8_t *data;
	size_t len;

	while ((len = fifo_peek(&client->out, &data)) > 0) {
		ssize_t n = send(client->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN;
		fifo_drop(&client->out, (size_t)n);
	}
	return true;
}

/* Appends the last bytes of another queue, which keeps them. */
static void put_last(struct fifo *to, const struct fifo *from, size_t len)
{
	struct fifo rest = *from; /* borrows the bytes */
	const uint8_t *data;
	size_t n;

	fifo_drop(&rest, rest.len - len);
	for (; (n = fifo_peek(&rest, &data)) > 0; fifo_drop(&rest, n))
		fifo_put(to, data, n);
}

/* Once there is room, a client that lost output gets the last of it after all, and hears
 * how much of it is gone. */
static void client_catch_up(struct client *client)
{
	const struct fifo *back = &client->con->scrollback;
	size_t again = MIN(client->lost, back->len);
	uint64_t gone = client->lost - again;
	char text[LOST_TEXT];

	if (!client->lost || fifo_room(&client->out) < CONSOLE_SCROLLBACK + LOST_TEXT)
		return;
	if (gone > 0) {
		int n = snprintf(text, sizeof(text),
				 "\r\n[NOTICE: %llu bytes of output lost]\r\n",
				 (unsigned long long)gone);

		fifo_put(&client->out, text, (size_t)n);
	}
	put_last(&client->out, back, again);
	client->con->stats.client_lost += gone;
	client->lost = 0;
}

/* Queues output, which is in the scrollback already. */
static void client_put(struct client *client, const void *data, size_t len)
{
	client->lost += len - (client->lost ? 0 : fifo_put(&client->out, data, len));
}

/* Hands input to the guest; true when all of it was taken. */
static bool client_pump(struct client *client)
{
	struct console *con = client->con;

	while (client->in_len > 0) {
		size_t n = con->input(con->arg, client->in + client->in_start,
				      client->in_len);

		if (n == 0)
			return false;
		client->in_start += n;
		client->in_len -= n;
	}
	client->in_start = 0;
	return true;
}

/* Reads one portion. False when the client is gone. */
static bool client_read(struct client *client)
{
	ssize_t n = recv(client->fd, client->in, sizeof(client->in), MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (n == 0)
		client->input_ended = true;
	client->in_len = (size_t)n;
	client_pump(client);
	return true;
}

static bool client_hung_up(const struct client *client)
{
	struct pollfd pfd = { .fd = client->fd };

	return poll(&pfd, 1, 0) == 1 && (pfd.revents & (POLLHUP | POLLERR));
}

static void on_client(uv_poll_t *handle, int status, int events);

/* Watches for what the client can do next. */
static void client_watch(struct client *client)
{
	int events = 0;
	int r;

	client_catch_up(client);
	if (client->in_len == 0 && !client->input_ended)
		events |= UV_READABLE;
	if (client->out.len > 0)
		events |= UV_WRITABLE;
	/* Asked for the same again, libuv would tell the kernel all of it anew. */
	if (events == client->watched)
		return;
	client->watched = events;
	if (events)
		r = uv_poll_start(&client->poll, events, on_client);
	else
		r = uv_poll_stop(&client->poll);
	ASSERT(r == 0); /* fails only for a handle that is closing */
}

static void on_client(uv_poll_t *handle, int status, int events)
{
	struct client *client = handle->data;
	bool alive = status >= 0;

	if (alive && (events & UV_READABLE) && client->in_len == 0 &&
	    !client->input_ended)
		alive = client_read(client);
	/* Half closed is fine; closed on both sides is gone, once its input was taken. */
	if (alive && client->input_ended && client->in_len == 0 && client_hung_up(client))
		alive = false;
	if (alive && (events & UV_WRITABLE))
		alive = client_flush(client);
	if (alive)
		client_watch(client);
	else
		client_close(client->con);
}

/* The new client of an accepted socket, or NULL when memory is short. Takes fd. */
static struct client *client_new(struct console *con, int fd, pid_t pid)
{
	struct client *client = calloc(1, sizeof(*client));

	if (!client || fifo_init(&client->out, CONSOLE_QUEUE) < 0)
		goto fail;
	client->con = con;
	client->fd = fd;
	client->pid = pid;
	if (uv_poll_init(con->loop, &client->poll, fd) < 0)
		goto fail;
	client->poll.data = client;
	return client;
fail:
	if (client)
		fifo_fini(&client->out);
	free(client);
	close(fd);
	return NULL;
}

static void refuse(int fd, pid_t owner)
{
	char text[80];
	int n = snprintf(text, sizeof(text),
			 "Console already in use by process ID %ld.\r\n", (long)owner);

	/* A new socket has room for a line; if not, the closing says enough. */
	(void)!send(fd, text, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
	close(fd);
}

static void on_connect(uv_poll_t *handle, int status, int events)
{
	struct console *con = handle->data;
	struct ucred cred = { 0 };
	int fd = accept4(con->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	(void)sock_peer(fd, &cred); /* unknown: pid 0 */
	if (con->client && client_hung_up(con->client))
		client_close(con);
	if (con->client) {
		refuse(fd, con->client->pid);
		return;
	}
	con->client = client_new(con, fd, cred.pid);
	if (!con->client)
		return;
	con->client->lost = con->scrollback.len;
	client_watch(con->client);
}

/* One line in the messages log when the console log starts to fail and when it recovers.
 */
static void log_append(struct console *con, const void *data, size_t len)
{
	const uint8_t *p = data;
	bool full = con->log_is_file && con->log_bytes + len > CTL_LOG_MAX;

	if (con->log_fd < 0)
		return;
	if (full)
		con->log_bytes = CTL_LOG_MAX; /* for less, too: a log has no holes */
	while (len > 0 && !full) {
		ssize_t n = write(con->log_fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		p += n;
		len -= (size_t)n;
		con->log_bytes += (uint64_t)n;
	}
	con->stats.log_lost += len;
	if (len > 0 && !con->log_failing)
		log_warning("console log: %s; output is lost there",
			    full ? "full, and not replaced" : strerror(errno));
	if (len == 0 && con->log_failing)
		log_notice("console log: written again, %llu bytes were lost in all",
			   (unsigned long long)con->stats.log_lost);
	con->log_failing = len > 0;
}

static void use_log(struct console *con, int log_fd)
{
	struct stat st;

	con->log_fd = log_fd;
	con->log_is_file = log_fd >= 0 && fstat(log_fd, &st) == 0 && S_ISREG(st.st_mode);
	con->log_bytes = con->log_is_file ? (uint64_t)st.st_size : 0;
}

void console_set_log(struct console *con, int log_fd)
{
	closep(&con->log_fd);
	use_log(con, log_fd);
}

bool console_log_full(const struct console *con)
{
	return con->log_is_file && con->log_bytes >= CTL_LOG_FULL;
}

int console_new(uv_loop_t *loop, int listen_fd, int log_fd, console_input_fn input,
		void *arg, struct console **ret_console)
{
	cleanup(freep) struct console *con = calloc(1, sizeof(*con));
	int flags = fcntl(listen_fd, F_GETFL);
	int r;

	if (!con)
		return -ENOMEM;
	if (flags < 0 || fcntl(listen_fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	r = fifo_init(&con->scrollback, CONSOLE_SCROLLBACK);
	if (r < 0)
		return r;
	con->loop = loop;
	con->listen_fd = listen_fd;
	use_log(con, log_fd);
	con->input = input;
	con->arg = arg;
	r = uv_poll_init(loop, &con->poll, listen_fd);
	if (r < 0) {
		fifo_fini(&con->scrollback);
		return r;
	}
	con->poll.data = con;
	r = uv_poll_start(&con->poll, UV_READABLE, on_connect);
	ASSERT(r == 0); /* fails only for a handle that is closing */
	*ret_console = take_ptr(&con);
	return 0;
}

void console_output(struct console *con, const void *data, size_t len)
{
	if (len == 0)
		return;
	con->in_line = ((const uint8_t *)data)[len - 1] != '\n';
	fifo_put_over(&con->scrollback, data, len);
	log_append(con, data, len);
	if (!con->client)
		return;
	client_put(con->client, data, len);
	if (client_flush(con->client))
		client_watch(con->client);
	else
		client_close(con);
}

void console_notice(struct console *con, const char *text)
{
	char line[400];
	int n;

	if (!con)
		return;
	n = snprintf(line, sizeof(line), "%s\r\n[NOTICE: %.300s]\r\n",
		     con->in_line ? "\r\n" : "", text);
	console_output(con, line, (size_t)n);
}

void console_pump(struct console *con)
{
	struct client *client = con->client;

	if (client && client->in_len > 0 && client_pump(client))
		client_watch(client);
}

void console_stats(const struct console *con, struct console_stats *ret_stats)
{
	*ret_stats = con->stats;
}

static void console_closed(uv_handle_t *handle)
{
	struct console *con = handle->data;

	close(con->listen_fd);
	closep(&con->log_fd);
	fifo_fini(&con->scrollback);
	free(con);
}

void console_close(struct console *con)
{
	if (!con)
		return;
	if (con->client) {
		client_flush(con->client);
		client_close(con);
	}
	uv_close((uv_handle_t *)&con->poll, console_closed);
}
