// SPDX-License-Identifier: BSD-2-Clause
/*
 * stray.c - a kzhost that serves a zone but did not answer at adoption, or by words of
 * another version
 */
#include "restarter/stray.h"
#include "common/sys/log.h"
#include "restarter/admin.h"
#include "restarter/booted.h"
#include "restarter/spawn.h"
#include "restarter/status.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

struct stray {
	struct shell *sh;
	pid_t pid;
	uid_t uid;
	int pidfd;        /* owned; -1 when it is not known who it is */
	unsigned version; /* of the protocol, when that is why; else 0 */
	bool halting;
	uint64_t op; /* who waits for its end, or 0 */
	struct zone *zone;
	uv_poll_t poll; /* of pidfd */
};

static void stray_free(struct stray *s)
{
	closep(&s->pidfd);
	free(s);
}

static void closed(uv_handle_t *handle)
{
	stray_free(handle->data);
}

void stray_forget(struct zone *z)
{
	struct stray *s = take_ptr(&z->stray);

	if (!s)
		return;
	if (s->pidfd < 0)
		stray_free(s);
	else
		uv_close((uv_handle_t *)&s->poll, closed);
}

/* The instance as after any halt; one that is in maintenance leaves it. */
static void disable(struct shell *sh, struct zone *z)
{
	struct core_event halt = { .type = EV_HALT, .zone = z->name };
	struct core_event off = { .type = EV_DISABLE,
				  .zone = z->name,
				  .temporary = true };
	struct core_event clear = { .type = EV_CLEAR, .zone = z->name };
	const struct inst *i = core_find(sh->core, z->name);
	struct core_view v;

	if (!i)
		return;
	core_view(sh->core, i, &v);
	if (v.unavailable)
		return;
	if (v.state == INST_MAINT) {
		(void)shell_step(sh, &off);
		(void)shell_step(sh, &clear);
	} else {
		(void)shell_step(sh, &halt);
	}
}

static void on_exit_poll(uv_poll_t *p, int status, int events)
{
	struct stray *s = p->data;
	struct shell *sh = s->sh;
	struct zone *z = s->zone;
	cleanup(freep) char *ctl = paths_get(&sh->paths, PATH_ZONE_CTL, z->name);
	bool halting = s->halting;
	uint64_t op = s->op;

	log_notice("zone=%s kzhost (process %d), which %s, has ended", z->name, s->pid,
		   s->version ? "was of another version" : "did not answer");
	stray_forget(z);
	limits_end(sh, z);
	booted_forget(sh, z);
	if (ctl)
		(void)unlink(ctl);
	shell_console_listen(sh, z);
	status_changed(sh->status);
	if (halting)
		disable(sh, z);
	if (op)
		admin_op_done(sh->admin, op, 0, "");
}

uid_t stray_uid(const struct stray *s)
{
	return s->uid;
}

int stray_new(struct shell *sh, struct zone *z, const struct ucred *who, int take_pidfd)
{
	struct stray *s = calloc(1, sizeof(*s));

	if (!s) {
		closep(&take_pidfd);
		return -ENOMEM;
	}
	*s = (struct stray){ .sh = sh,
			     .pid = take_pidfd < 0 ? 0 : who->pid,
			     .uid = who->uid,
			     .pidfd = take_pidfd,
			     .zone = z };
	z->stray = s;
	if (s->pidfd < 0)
		return 0;
	s->poll.data = s;
	ASSERT(uv_poll_init(&sh->loop, &s->poll, s->pidfd) == 0);
	uv_poll_start(&s->poll, UV_READABLE, on_exit_poll);
	return 0;
}

void stray_set_version(struct zone *z, unsigned version)
{
	z->stray->version = version;
}

void stray_text(const struct zone *z, char *text, size_t size)
{
	if (z->stray->version)
		snprintf(text, size,
			 "a kzhost (process %d) of another version of kzones (protocol "
			 "%u, here %u) serves the zone: shut its guest down from within, "
			 "or zoneadm -z %s halt ends it",
			 z->stray->pid, z->stray->version, CTL_VERSION, z->name);
	else if (z->stray->pidfd >= 0)
		snprintf(
			text, size,
			"a kzhost (process %d) that does not answer svc.zones serves the "
			"zone: zoneadm -z %s halt ends it",
			z->stray->pid, z->name);
	else
		snprintf(text, size,
			 "an unknown process serves the zone's control socket: end it");
}

int stray_halt(struct zone *z, uint64_t op, struct errmsg *e)
{
	struct stray *s = z->stray;
	int r = s->pidfd < 0 ? -ESRCH : pidfd_kill(s->pidfd, SIGKILL);

	if (s->pidfd < 0) {
		stray_text(z, e->text, sizeof(e->text));
		return r;
	}
	if (r < 0 && r != -ESRCH) /* gone already: its end is about to be told */
		return errmsg_set(e, r, "cannot kill kzhost (process %d): %s", s->pid,
				  strerror(-r));
	if (s->op)
		admin_op_done(s->sh->admin, s->op, -ECANCELED, "halt took its place");
	s->halting = true;
	s->op = op;
	return 0;
}
