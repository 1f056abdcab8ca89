// SPDX-License-Identifier: BSD-2-Clause
/*
 * adopt.c - find the kzhosts that an earlier restarter left
 *
 * DOC: Whose word counts
 *
 * The process to watch and, one day, to kill must not be one that a hostile kzhost names.
 * So the pid is taken from the credentials that the kernel puts beside the answer to
 * HELLO (SO_PASSCRED), never from its text. Between that message and pidfd_open(2) the
 * process could end and its number be used again: the connection is looked at once more
 * after, and a connection that has not been hung up has its process.
 *
 * One that does not answer, or sends what it may not, has no such credentials. Its socket
 * has some, of the process that called listen(2) last: spawn.c does so between fork and
 * exec, in what becomes the kzhost. They are taken from a new connection: the one that
 * was greeted may date from before that call.
 */
#include "restarter/adopt.h"
#include "common/base/trace.h"
#include "common/sys/log.h"
#include "common/sys/sock.h"
#include "restarter/booted.h"
#include "restarter/hosts.h"
#include "restarter/spawn.h"
#include "restarter/stray.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>

#define ADOPT_MS 10000
#define KILL_MS  5000

/* A kzhost that was greeted. */
struct found {
	struct zone *zone;
	int fd; /* owned; -1 when it is done with */
};

static int greet(struct shell *sh, struct zone *z, int *ret_fd)
{
	cleanup(freep) char *path = paths_get(&sh->paths, PATH_ZONE_CTL, z->name);
	struct ctl_hello m = { .hdr = { .id = le16_of(CTL_REQ_HELLO),
					.version = le16_of(CTL_VERSION),
					.seq = le32_of(1) },
			       .min_version = le32_of(CTL_VERSION) };
	cleanup(closep) int fd = -1;
	int on = 1, r;

	if (!path)
		return -ENOMEM;
	r = sock_connect(path, SOCK_SEQPACKET | SOCK_NONBLOCK, &fd);
	if (r == -ECONNREFUSED)
		(void)unlink(path); /* nobody listens any more */
	if (r < 0)
		return r;
	if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0)
		return -errno;
	r = sock_send(fd, &m, sizeof(m), NULL, 0);
	if (r == 0)
		*ret_fd = take_fd(&fd);
	return r;
}

/* One message and who sent it. Length, 0 or -errno. */
static ssize_t recv_with_cred(int fd, void *data, size_t size, struct ucred *ret_who)
{
	union {
		char bytes[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(64)];
		struct cmsghdr align;
	} room = { { 0 } };
	struct iovec iov = { .iov_base = data, .iov_len = size };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = room.bytes,
			      .msg_controllen = sizeof(room.bytes) };
	struct ucred cred = { 0 };
	bool extra = false;
	ssize_t n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);

	if (n < 0)
		return -errno;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_CREDENTIALS)
			memcpy(&cred, CMSG_DATA(c), sizeof(cred));
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		extra = true;
		for (size_t at = 0; at + CMSG_LEN(0) + sizeof(int) <= c->cmsg_len;
		     at += sizeof(int)) {
			int got;

			memcpy(&got, CMSG_DATA(c) + at, sizeof(got));
			close(got);
		}
	}
	if (extra || (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) || cred.pid <= 0)
		return -EPROTO;
	*ret_who = cred;
	return n;
}

/* Ends a kzhost that cannot be adopted and waits for that. */
static void put_down(struct shell *sh, struct zone *z, int take_pidfd,
		     const struct ucred *who, const char *why)
{
	struct pollfd p = { .fd = take_pidfd, .events = POLLIN };
	int pidfd = take_pidfd;

	log_warning("zone=%s kzhost (process %d) is not adopted: %s", z->name, who->pid,
		    why);
	(void)pidfd_kill(pidfd, SIGKILL);
	if (poll(&p, 1, KILL_MS) != 1) {
		log_err("zone=%s kzhost (process %d) does not end", z->name, who->pid);
		(void)stray_new(sh, z, who, take_fd(&pidfd));
	}
	closep(&pidfd);
}

static void tell_core(struct shell *sh, struct zone *z, const struct ctl_hello_reply *m)
{
	enum ctl_state state = (enum ctl_state)le32_get(m->state);
	struct core_event ev = { .type = EV_ADOPT, .zone = z->name };

	ev.adopt.stopping = state == CTL_STOPPING;
	ev.adopt.since_ms = MIN(le64_get(m->since_ms), shell_now_ms(sh));
	(void)shell_step(sh, &ev);
	if (state == CTL_PANICKED)
		ev = (struct core_event){ .type = EV_VM_PANICKED, .zone = z->name };
	else if (le32_get(m->flags) & CTL_HELLO_GOALS)
		ev = (struct core_event){ .type = EV_VM_GOALS, .zone = z->name };
	else
		return;
	(void)shell_step(sh, &ev);
}

/* The RAM of a zone that was booted by someone else: what its configuration says. */
static void look_up_ram(struct shell *sh, struct zone *z)
{
	cleanup(zconf_freep) struct zconf *c = NULL;

	if (zconf_load(&sh->paths, z->name, &c, NULL) == 0)
		z->ram_bytes = zres_number(c, zconf_next(c, RES_CAPPED_MEMORY, NULL),
					   PROP_PHYSICAL);
}

/* Why the one that answered is not the zone's kzhost; NULL when it is. */
static const char *objection(const struct zone *z, const struct ctl_hello_reply *m)
{
	enum ctl_state state = (enum ctl_state)le32_get(m->state);

	if (le32_get(m->error))
		return "it refuses HELLO";
	if (state == CTL_EMPTY)
		return "it has no machine yet";
	/* Nobody knows which of its disks it was given; nothing has run, nothing is lost.
	 */
	if (state == CTL_CREATED)
		return "its machine was never started";
	if (memcmp(m->uuid, z->uuid, sizeof(z->uuid)) != 0)
		return "it says another uuid than the zone's";
	if (strncmp(m->zone, z->name, sizeof(m->zone)) != 0)
		return "it says another zone's name";
	return NULL;
}

/* The pidfd of who sent it; of one that is gone what stands for it, or -1. */
static int process_of(pid_t pid, int conn_fd, bool said_why)
{
	cleanup(closep) int pidfd = pidfd_of(pid);
	struct pollfd alive = { .fd = conn_fd };

	if (pidfd >= 0 && poll(&alive, 1, 0) >= 0 && !(alive.revents & POLLHUP))
		return take_fd(&pidfd);
	return said_why ? eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK) : -1;
}

/* Its kzhost does not answer, or not with what may come: who is it? */
static void note_stray(struct shell *sh, struct zone *z)
{
	cleanup(freep) char *path = paths_get(&sh->paths, PATH_ZONE_CTL, z->name);
	cleanup(closep) int fd = -1;
	struct ucred cred = { 0 };
	socklen_t len = sizeof(cred);
	struct pollfd alive;
	char text[256];
	int pidfd = -1;

	if (path && sock_connect(path, SOCK_SEQPACKET | SOCK_NONBLOCK, &fd) == 0 &&
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0 && cred.pid > 0)
		pidfd = pidfd_of(cred.pid);
	alive.fd = fd;
	alive.events = 0;
	if (fd >= 0 && poll(&alive, 1, 0) == 1 && (alive.revents & POLLHUP))
		closep(&pidfd); /* it has just ended; the number may be another's by now
				 */
	if (stray_new(sh, z, &cred, MAX(pidfd, -1)) < 0)
		return;
	stray_text(z, text, sizeof(text));
	log_err("zone=%s %s", z->name, text);
}

/* One of before an update, or after: its guest is not ended for that. */
static void leave_alone(struct shell *sh, struct zone *z, const struct ucred *who,
			int take_pidfd, unsigned version)
{
	char text[256];

	if (stray_new(sh, z, who, take_pidfd) < 0)
		return;
	stray_set_version(z, version);
	stray_text(z, text, sizeof(text));
	log_err("zone=%s %s", z->name, text);
}

/* The answer is there. Takes f->fd. */
static void welcome(struct shell *sh, struct found *f)
{
	cleanup(closep) int fd = take_fd(&f->fd);
	cleanup(closep) int pidfd = -1;
	_Alignas(8) char msg[CTL_MSG_MAX];
	const struct ctl_hello_reply *m = (const void *)msg;
	struct errmsg e = { "" };
	const char *why;
	int off = 0, r, id;
	struct ucred who = { 0 };
	ssize_t n = recv_with_cred(fd, msg, sizeof(msg), &who);

	if (n <= 0) {
		log_err("zone=%s kzhost: %s", f->zone->name,
			n ? strerror((int)-n) : "ended while it was greeted");
		if (n == -EPROTO)
			note_stray(sh, f->zone);
		return;
	}
	id = ctl_check_answer(msg, (size_t)n, &e);
	why = id != CTL_REQ_HELLO ? "it does not answer HELLO" : objection(f->zone, m);
	pidfd = process_of(who.pid, fd, !why && le32_get(m->state) == CTL_ENDED);
	if (pidfd < 0) {
		log_err("zone=%s kzhost (process %d) has ended", f->zone->name, who.pid);
		return;
	}
	if (id == -EPROTONOSUPPORT) {
		leave_alone(sh, f->zone, &who, take_fd(&pidfd), le16_get(m->hdr.version));
		return;
	}
	if (why) {
		put_down(sh, f->zone, take_fd(&pidfd), &who, why);
		return;
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &off, sizeof(off));
	look_up_ram(sh, f->zone);
	r = host_adopt(sh, f->zone, fd, pidfd, &who, m);
	if (r < 0) {
		log_err("zone=%s kzhost (process %d) cannot be adopted: %s",
			f->zone->name, who.pid, strerror(-r));
		return;
	}
	(void)take_fd(&fd);
	(void)take_fd(&pidfd);
	log_notice("zone=%s adopted kzhost (process %d), %s", f->zone->name, who.pid,
		   ctl_state_names[le32_get(m->state)]);
	tell_core(sh, f->zone, m);
}

static unsigned greet_all(struct shell *sh, struct found *found)
{
	unsigned n = 0;

	for (unsigned i = 0; i < sh->zones.n; i++) {
		struct zone *z = sh->zones.v[i];
		int r;

		if (z->life != LIFE_INSTALLED)
			continue;
		r = greet(sh, z, &found[n].fd);
		if (r == 0) {
			found[n++].zone = z;
		} else if (r != -ENOENT && r != -ECONNREFUSED) {
			log_err("zone=%s its kzhost cannot be reached: %s", z->name,
				strerror(-r));
			(void)stray_new(sh, z, &(struct ucred){ 0 }, -1);
		}
	}
	return n;
}

static void await(struct shell *sh, struct found *found, struct pollfd *polls, unsigned n)
{
	uint64_t end = shell_now_ms(sh) + host_step_ms(ADOPT_MS), now;
	unsigned left = n;

	while (left && (now = shell_now_ms(sh)) < end) {
		for (unsigned i = 0; i < n; i++)
			polls[i] = (struct pollfd){ .fd = found[i].fd, .events = POLLIN };
		if (poll(polls, n, (int)(end - now)) < 0 && errno != EINTR)
			break;
		for (unsigned i = 0; i < n; i++) {
			if (found[i].fd < 0 || !polls[i].revents)
				continue;
			welcome(sh, &found[i]);
			left--;
		}
	}
	for (unsigned i = 0; i < n; i++) {
		if (found[i].fd < 0)
			continue;
		closep(&found[i].fd);
		note_stray(sh, found[i].zone);
	}
}

void adopt_all(struct shell *sh)
{
	cleanup(freep) struct found *found = calloc(sh->zones.n + 1, sizeof(*found));
	cleanup(freep) struct pollfd *polls = calloc(sh->zones.n + 1, sizeof(*polls));

	if (!found || !polls) {
		log_err("out of memory: no zone is adopted");
		return;
	}
	await(sh, found, polls, greet_all(sh, found));
	/* What is left of machines that ended, or were about to be, while nobody looked. */
	for (unsigned i = 0; i < sh->zones.n; i++)
		if (!sh->zones.v[i]->host && !sh->zones.v[i]->stray)
			booted_forget(sh, sh->zones.v[i]);
}
