// SPDX-License-Identifier: BSD-2-Clause
/*
 * host_talk.c - what is said on a kzhost's control connection, and what is believed
 */
#include "common/base/trace.h"
#include "common/sys/log.h"
#include "common/sys/sock.h"
#include "restarter/hosts_internal.h"
#include "restarter/logs.h"
#include "restarter/status.h"

#include <stdio.h>
#include <string.h>

#define LOG_MS 1000 /* a console log is rotated no more often */

/* Sends a request whose answer is awaited from now on. 0 or -errno. */
static int post(struct host *h, unsigned id, void *msg, size_t len, const int *fds,
		unsigned n_fds)
{
	struct ctl_hdr *hdr = msg;
	int r = -ENOBUFS;

	h->seq = h->seq == UINT32_MAX ? 1 : h->seq + 1;
	hdr->id = le16_of((uint16_t)id);
	hdr->version = le16_of(CTL_VERSION);
	hdr->seq = le32_of(h->seq);
	if (h->n_asked < HOST_ASKED_MAX)
		r = sock_send(h->ctl_fd, msg, len, fds, n_fds);
	TRACE(ctl, "%s > %s %u: %d", h->zone->name, ctl_id_name(id), h->seq, r);
	if (r < 0)
		return r;
	h->asked[h->n_asked].id = (uint16_t)id;
	h->asked[h->n_asked++].seq = h->seq;
	return 0;
}

/* The same; a connection that takes nothing is broken. */
static void ask(struct host *h, unsigned id, void *msg, size_t len, const int *fds,
		unsigned n_fds)
{
	int r = post(h, id, msg, len, fds, n_fds);

	if (r == 0)
		return;
	host_say(h, "kzhost (process %d) takes no %s: %s", h->pid, ctl_id_name(id),
		 strerror(-r));
	host_on(h, HOST_EV_BROKEN);
}

void host_ask_plain(struct host *h, unsigned id)
{
	struct ctl_plain m = { 0 };

	ask(h, id, &m, sizeof(m), NULL, 0);
}

void host_ask_leave(struct host *h)
{
	struct ctl_plain m = { 0 };

	(void)post(h, CTL_REQ_HALT, &m, sizeof(m), NULL, 0);
}

void host_ask_hello(struct host *h)
{
	struct ctl_hello m = { .min_version = le32_of(CTL_VERSION) };

	ask(h, CTL_REQ_HELLO, &m, sizeof(m), NULL, 0);
}

void host_ask_create(struct host *h)
{
	struct boot *b = h->boot;
	int fds[CTL_FD_N];
	unsigned n = 0, mask = 0;

	for (unsigned i = 0; i < CTL_FD_N; i++) {
		if (b->fds[i] < 0)
			continue;
		fds[n++] = b->fds[i];
		mask |= 1u << i;
	}
	h->kernel = take_ptr(&b->kernel);
	h->initrd = take_ptr(&b->initrd);
	b->create.fd_mask = le32_of(mask);
	ask(h, CTL_REQ_CREATE, &b->create, sizeof(b->create), fds, n);
}

/* All at once: kzhost answers in order, and a disk that it refuses is the end. */
void host_ask_start(struct host *h)
{
	cleanup(boot_freep) struct boot *b = take_ptr(&h->boot);

	for (unsigned i = 0; i < b->disks.n && h->state == HOST_START; i++) {
		struct disk *d = &b->disks.disk[i];
		bool direct = d->fd[CTL_DISK_FD_DIRECT] >= 0;

		ask(h, CTL_REQ_DISK, &d->msg, sizeof(d->msg), d->fd,
		    direct ? CTL_DISK_FD_N : CTL_DISK_FD_DIRECT);
	}
	if (h->state == HOST_START)
		host_ask_plain(h, CTL_REQ_START);
}

/* "kernel: …" with its path, which kzhost does not know; false when it is not that. */
static bool say_of_file(struct host *h, const char *what, const char *path,
			const char *text)
{
	size_t len = strlen(what);
	char room[PATH_SAID + 4];

	if (!path || strncmp(text, what, len) != 0 || strncmp(text + len, ": ", 2) != 0)
		return false;
	host_say(h, "direct-boot %s %s%s", what, path_said(path, room), text + len);
	return true;
}

/* The text of a kzhost, as far as it is one: NUL terminated, printable. */
static void take_text(struct host *h, const char text[CTL_TEXT_SIZE], const char *or_else)
{
	char copy[CTL_TEXT_SIZE];

	memcpy(copy, text, sizeof(copy));
	copy[sizeof(copy) - 1] = '\0';
	for (char *p = copy; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	if (say_of_file(h, "kernel", h->kernel, copy) ||
	    say_of_file(h, "initrd", h->initrd, copy))
		return;
	if (*copy || or_else)
		host_say(h, "%s", *copy ? copy : or_else);
}

void host_give_log(uv_timer_t *t)
{
	struct host *h = t->data;
	cleanup(closep) int fd = -1;
	struct ctl_plain m = { 0 };
	int r;

	h->log_ms = uv_now(&h->sh->loop);
	if (h->state == HOST_START)
		uv_timer_start(t, host_give_log, LOG_MS, 0);
	if (h->state != HOST_RUNNING)
		return;
	r = log_open(&h->sh->paths, PATH_CONSOLE_LOG, h->zone->name, &fd);
	if (r < 0)
		log_err("zone=%s console log: %s", h->zone->name, strerror(-r));
	else
		ask(h, CTL_REQ_LOG, &m, sizeof(m), &fd, 1);
}

/* However often it says so. */
static void on_log_full(struct host *h)
{
	uint64_t now = uv_now(&h->sh->loop);
	uint64_t next = h->log_ms ? h->log_ms + LOG_MS : now;

	if (!uv_is_active((uv_handle_t *)&h->log_timer))
		uv_timer_start(&h->log_timer, host_give_log, MAX(next, now) - now, 0);
}

void host_ask_counts(struct host *h)
{
	if (!h->counts_asked)
		host_ask_plain(h, CTL_REQ_STATUS);
	h->counts_asked = true;
}

static void take_counts(struct host *h, const struct ctl_status_reply *m)
{
	h->counts_asked = false;
	h->guest_errors = le64_get(m->guest_errors);
	h->disk_errors = le64_get(m->disk_errors);
	h->n_disks = le32_get(m->n_disks);
	h->n_page_cache = le32_get(m->n_page_cache);
	h->n_read_only = le32_get(m->n_read_only);
	h->disk_engine = (enum ctl_engine)le32_get(m->disk_engine);
	status_changed(h->sh->status);
}

/* The answer to the oldest request. */
static void on_reply(struct host *h, unsigned id, const void *msg)
{
	const struct ctl_reply *reply = msg;
	const struct ctl_hello_reply *hello = msg;
	uint32_t error;

	h->n_asked--;
	memmove(h->asked, h->asked + 1, h->n_asked * sizeof(h->asked[0]));
	if (id == CTL_REQ_STATUS) {
		take_counts(h, msg);
		return;
	}
	error = le32_get(id == CTL_REQ_HELLO ? hello->error : reply->error);
	if (id == CTL_REQ_HELLO && !error && le32_get(hello->state) != CTL_EMPTY) {
		host_say(h, "a new kzhost (process %d) says that it has a zone already",
			 h->pid);
		host_on(h, HOST_EV_BROKEN);
		return;
	}
	if (id == CTL_REQ_HELLO && !error) {
		h->confined = le32_get(hello->flags);
		h->greeted = true;
	}
	if (id == CTL_REQ_SHUTDOWN || id == CTL_REQ_HALT || id == CTL_REQ_LOG) {
		if (error)
			log_warning("zone=%s kzhost refuses %s: %s", h->zone->name,
				    ctl_id_name(id), strerror((int)error));
		return;
	}
	if (id == CTL_REQ_DISK && !error)
		return;
	if (error) {
		h->refused = id != CTL_REQ_HELLO;
		if (id == CTL_REQ_HELLO)
			host_say(h, "kzhost refuses HELLO: %s",
				 strerror((int)(error & 0xfff)));
		else
			take_text(h, reply->text, strerror((int)(error & 0xfff)));
	}
	host_on(h, error ? HOST_EV_REFUSED : HOST_EV_ANSWERED);
}

/*
 * Has the guest ended its machine though nobody asked for that? Only who hears it can
 * know why: what follows from it must not be lost with this process.
 */
static bool ended_unasked(const struct host *h)
{
	const struct inst *i = core_find(h->sh->core, h->zone->name);
	struct core_view v = { 0 };

	if (i)
		core_view(h->sh->core, i, &v);
	return h->was_running && v.phase == VM_RUNNING &&
	       (h->cause == CTL_CAUSE_POWEROFF || h->cause == CTL_CAUSE_RESET);
}

static void on_exiting(struct host *h, const struct ctl_exiting *m)
{
	if (h->said_why)
		return;
	h->said_why = true;
	h->cause = (enum ctl_cause)MIN(le32_get(m->cause), CTL_CAUSE_N - 1u);
	if (h->cause == CTL_CAUSE_FAILED && !h->was_running)
		h->refused = true;
	take_text(h, m->text, NULL);
	if (ended_unasked(h)) {
		h->zone->has_ended = true;
		h->zone->ended = h->cause;
		h->zone->unsaved = true;
		h->to_confirm = h->sh->to_confirm = true;
	} else if (!h->halt_asked) {
		host_confirm(h);
	}
	host_on(h, HOST_EV_EXITING);
}

/* One message; true when it was one. */
static bool on_message(struct host *h, const void *msg, size_t len)
{
	const struct ctl_hdr *hdr = msg;
	struct errmsg e = { "" };
	int id = ctl_check_answer(msg, len, &e);

	TRACE(ctl, "%s < %s (%zu bytes)", h->zone->name,
	      id < 0 ? "garbage" : ctl_id_name((unsigned)id), len);
	if (id == -EPROTONOSUPPORT) {
		host_say(h, "kzhost (process %d) is of another version of kzones: %s",
			 h->pid, e.text);
		return false;
	}
	if (id < 0) {
		host_say(h, "kzhost (process %d) sent garbage: %.128s", h->pid, e.text);
		return false;
	}
	if (id == CTL_EV_EXITING) {
		on_exiting(h, msg);
	} else if (id == CTL_EV_LOG_FULL) {
		on_log_full(h);
	} else if (id == CTL_EV_DEVICE) {
		host_ask_counts(h);
	} else if (id == CTL_EV_PANIC) {
		host_on(h, HOST_EV_PANIC);
	} else if (id == CTL_EV_GOALS) {
		host_on(h, HOST_EV_GOALS);
	} else if (h->n_asked && h->asked[0].id == id &&
		   h->asked[0].seq == le32_get(hdr->seq)) {
		on_reply(h, (unsigned)id, msg);
	} else {
		host_say(h, "kzhost (process %d) answered %s, which was not asked",
			 h->pid, ctl_id_name((unsigned)id));
		return false;
	}
	return true;
}

void host_receive(struct host *h)
{
	/* A peer that talks without end gets its turn like everybody else. */
	for (int budget = 32; budget && h->state != HOST_GONE; budget--) {
		_Alignas(8) char msg[CTL_MSG_MAX];
		int fds[SOCK_FDS_MAX];
		unsigned n_fds = 0;
		ssize_t n = sock_recv(h->ctl_fd, msg, sizeof(msg), fds, &n_fds);
		bool ok = n > 0 && n_fds == 0;

		while (n >= 0 && n_fds)
			closep(&fds[--n_fds]);
		if (n == -EAGAIN)
			return;
		if (n > 0 && ok)
			ok = on_message(h, msg, (size_t)n);
		else if (n > 0)
			host_say(h, "kzhost (process %d) sent descriptors", h->pid);
		if (ok)
			continue;
		uv_poll_stop(&h->ctl_poll);
		if (n < 0 && !h->said_why) /* else it went with our HALT unread */
			host_say(h, "control connection of kzhost (process %d): %s",
				 h->pid, strerror((int)-n));
		/* At end of file the exit status may know more. */
		host_on(h, n == 0 ? HOST_EV_EOF : HOST_EV_BROKEN);
		return;
	}
}
