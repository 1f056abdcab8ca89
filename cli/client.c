// SPDX-License-Identifier: BSD-2-Clause
/*
 * client.c - a connection to svc.zones, for programs that ask and wait
 *
 * Answers are read as they come; svc.zones is trusted to mean well, yet its answers are
 * bounded and every one is checked to be what it claims.
 */
#include "cli/client.h"
#include "common/sys/file.h"
#include "common/sys/sock.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#define MOMENT_MS 400          /* what takes longer tells what it waits for */
#define READ_SIZE (128 * 1024) /* about what a socket holds */

static volatile sig_atomic_t interrupted;

static void on_interrupt(int sig)
{
	interrupted = 1;
}

int client_open(struct client *c, const struct paths *p, struct client_error *e)
{
	cleanup(freep) char *path = paths_get(p, PATH_SOCKET, NULL);
	int r;

	*c = (struct client){ .fd = -1 };
	e->state[0] = '\0';
	if (!path)
		return errmsg_no_memory(&e->msg);
	r = sock_connect(path, SOCK_STREAM, &c->fd);
	if (r == -ENOENT || r == -ECONNREFUSED || r == -ENOTDIR)
		return errmsg_set(&e->msg, -ENOTCONN, "svc.zones is not running (%s: %s)",
				  path, strerror(-r));
	if (r < 0)
		return errmsg_set(&e->msg, r, "cannot connect to svc.zones (%s: %s)",
				  path, strerror(-r));
	return 0;
}

/**
 * client_close() - Close the connection; it may never have been open
 */
void client_close(struct client *c)
{
	closep(&c->fd);
	buf_fini(&c->in);
}

static int send_call(struct client *c, enum kz_method m, json_t *take_params, bool more,
		     struct client_error *e)
{
	cleanup(buf_fini) struct buf out = { 0 };
	int r;

	e->state[0] = '\0';
	if (!take_params)
		return errmsg_no_memory(&e->msg);
	varlink_add_call(&out, m, take_params, more);
	json_decref(take_params);
	if (buf_error(&out))
		return errmsg_no_memory(&e->msg);
	r = fd_write_all(c->fd, out.p, out.len);
	if (r < 0)
		return errmsg_set(&e->msg, -ECONNRESET, "svc.zones: %s", strerror(-r));
	return 0;
}

/* Reads what there is. 0, -ECONNRESET, -EPROTO, -ENOMEM. */
static int read_more(struct client *c, struct client_error *e)
{
	char room[READ_SIZE];
	ssize_t n = read(c->fd, room, sizeof(room));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (n < 0)
		return errmsg_set(&e->msg, -ECONNRESET, "svc.zones: %s", strerror(errno));
	if (n == 0)
		return errmsg_set(&e->msg, -ECONNRESET,
				  "svc.zones closed the connection");
	if (c->in.len + (size_t)n > VARLINK_REPLY_MAX)
		return errmsg_set(&e->msg, -EPROTO, "svc.zones: answer too long");
	buf_add(&c->in, room, (size_t)n);
	return buf_error(&c->in) ? errmsg_no_memory(&e->msg) : 0;
}

/* Takes the first whole message out of what was received; NULL when there is none. */
static int take_message(struct client *c, json_t **ret_message, struct client_error *e)
{
	const size_t fresh = c->in.len - c->searched;
	const char *end = fresh ? memchr(c->in.p + c->searched, '\0', fresh) : NULL;
	json_t *j;

	*ret_message = NULL;
	c->searched = c->in.len;
	if (!end)
		return 0;
	j = json_loadb(c->in.p, (size_t)(end - c->in.p), 0, NULL);
	buf_consume(&c->in, (size_t)(end - c->in.p) + 1);
	c->searched = 0;
	if (!json_is_object(j)) {
		json_decref(j);
		return errmsg_set(&e->msg, -EPROTO,
				  "svc.zones: the answer is not an object");
	}
	*ret_message = j;
	return 0;
}

/* The text member of an object, or "". */
static const char *text_of(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? s : "";
}

/* An error answer as an errno and a text. */
static int error_of(const json_t *answer, struct client_error *e)
{
	static const struct {
		const char *name;
		int err;
	} known[] = {
		{ KZ_ERR_NO_SUCH_ZONE, -ENOENT }, { KZ_ERR_BAD_STATE, -EBUSY },
		{ KZ_ERR_DENIED, -EACCES },       { KZ_ERR_INTERRUPTED, -EINTR },
		{ KZ_ERR_FAILED, -EIO },
	};
	const char *name = text_of(answer, "error");
	const json_t *params = json_object_get(answer, "parameters");
	const char *message = text_of(params, "message");
	int err = -EPROTO;

	for (unsigned i = 0; i < ARRAY_SIZE(known); i++)
		if (strcmp(name, known[i].name) == 0)
			err = known[i].err;
	if (err == -EBUSY)
		strncat(e->state, text_of(params, "state"), sizeof(e->state) - 1);
	return errmsg_set(&e->msg, err, "%s", *message ? message : name);
}

/* A final answer: its parameters, or its error. */
static int finish(const json_t *answer, json_t **ret_reply, struct client_error *e)
{
	json_t *params = json_object_get(answer, "parameters");

	if (json_object_get(answer, "error"))
		return error_of(answer, e);
	if (!json_is_object(params))
		return errmsg_set(&e->msg, -EPROTO,
				  "svc.zones: an answer without parameters");
	if (ret_reply)
		*ret_reply = json_incref(params);
	return 0;
}

int client_begin(struct client *c, enum kz_method m, json_t *take_params,
		 struct client_error *e)
{
	return send_call(c, m, take_params, true, e);
}

int client_next(struct client *c, json_t **ret_reply, struct client_error *e)
{
	json_t *answer = NULL;
	int r = 0;

	while (r == 0) {
		r = take_message(c, &answer, e);
		if (r < 0 || answer)
			break;
		r = read_more(c, e);
	}
	if (r == 0)
		r = finish(answer, ret_reply, e);
	json_decref(answer);
	return r;
}

int client_call(struct client *c, enum kz_method m, json_t *take_params,
		json_t **ret_reply, struct client_error *e)
{
	int r = send_call(c, m, take_params, false, e);

	return r < 0 ? r : client_next(c, ret_reply, e);
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* What is waited for: kept back until the moment has passed, then told at once. */
struct waiting {
	client_progress *tell;
	void *arg;
	int64_t moment; /* when it has passed */
	json_t *latest; /* owned; NULL when all was told */
};

static void tell(struct waiting *w)
{
	if (w->latest && now_ms() >= w->moment) {
		w->tell(w->arg, json_string_value(w->latest));
		json_decref(w->latest);
		w->latest = NULL;
	}
}

/* Keeps a progress answer's text. */
static void keep(struct waiting *w, const json_t *answer)
{
	json_t *text = json_object_get(json_object_get(answer, "parameters"), "progress");

	if (!json_is_string(text))
		return;
	json_decref(w->latest);
	w->latest = json_incref(text);
}

/* Sleeps until something came, the moment has passed, or ^C. */
static int wait_readable(struct client *c, const struct waiting *w, const sigset_t *mask,
			 struct client_error *e)
{
	struct pollfd p = { .fd = c->fd, .events = POLLIN };
	int64_t left = MAX(w->moment - now_ms(), 0);
	struct timespec ts = { left / 1000, left % 1000 * 1000000 };
	int n = ppoll(&p, 1, w->latest ? &ts : NULL, mask);

	if (interrupted)
		return errmsg_set(&e->msg, -EINTR, "interrupted");
	return n > 0 ? read_more(c, e) : 0;
}

static int wait_answer(struct client *c, struct waiting *w, const sigset_t *mask,
		       struct client_error *e)
{
	json_t *answer;
	bool done;
	int r;

	for (;;) {
		r = take_message(c, &answer, e);
		if (r == 0 && !answer) {
			tell(w);
			r = wait_readable(c, w, mask, e);
			if (r == 0)
				continue;
		}
		if (r < 0)
			return r;
		done = !json_is_true(json_object_get(answer, "continues"));
		if (done)
			r = finish(answer, NULL, e);
		else
			keep(w, answer);
		json_decref(answer);
		if (done)
			return r;
	}
}

int client_wait(struct client *c, enum kz_method m, json_t *take_params,
		client_progress *progress, void *arg, struct client_error *e)
{
	struct sigaction act = { .sa_handler = on_interrupt }, old_act;
	struct waiting w = { .tell = progress,
			     .arg = arg,
			     .moment = now_ms() + MOMENT_MS };
	sigset_t block, old_mask;
	int r;

	interrupted = 0;
	sigemptyset(&block);
	sigaddset(&block, SIGINT);
	sigprocmask(SIG_BLOCK, &block, &old_mask);
	sigaction(SIGINT, &act, &old_act);
	r = send_call(c, m, take_params, true, e);
	if (r == 0)
		r = wait_answer(c, &w, &old_mask, e);
	json_decref(w.latest);
	sigaction(SIGINT, &old_act, NULL);
	sigprocmask(SIG_SETMASK, &old_mask, NULL);
	return r;
}
