// SPDX-License-Identifier: BSD-2-Clause
/*
 * hosts.c - the process of one kzhost: start, adoption, deadlines, end
 */
#include "common/base/trace.h"
#include "common/sys/log.h"
#include "common/sys/sock.h"
#include "restarter/booted.h"
#include "restarter/confined.h"
#include "restarter/hosts_internal.h"
#include "restarter/spawn.h"

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

/* Deadlines of the steps, milliseconds; KZONES_STEP_TIMEOUT_MS replaces all of them. */
#define HELLO_MS  10000
#define CREATE_MS 60000
#define START_MS  30000
#define LEAVE_MS  2000 /* between HALT or EXITING and the end of the process */

void host_say(struct host *h, const char *fmt, ...)
{
	va_list ap;

	if (*h->text)
		return;
	va_start(ap, fmt);
	vsnprintf(h->text, sizeof(h->text), fmt, ap);
	va_end(ap);
}

uint64_t host_step_ms(uint64_t normal)
{
	const char *set = getenv("KZONES_STEP_TIMEOUT_MS");
	unsigned long long ms = set ? strtoull(set, NULL, 10) : 0;

	return ms ? ms : normal;
}

static void timer_fired(uv_timer_t *t)
{
	struct host *h = t->data;

	if (h->state == HOST_ENDING)
		host_say(h, "kzhost (process %d) did not end in time", h->pid);
	else
		host_say(h, "kzhost (process %d) did not answer %s in time", h->pid,
			 h->n_asked ? ctl_id_name(h->asked[0].id) : "anything");
	host_on(h, HOST_EV_LATE);
}

static void deadline(struct host *h, uint64_t ms)
{
	uv_timer_start(&h->timer, timer_fired, ms, 0);
}

static void send_kill(struct host *h)
{
	int r;

	uv_timer_stop(&h->timer);
	if (h->killed)
		return;
	h->killed = true;
	r = pidfd_kill(h->pidfd, SIGKILL);
	if (r < 0 && r != -ESRCH)
		log_err("zone=%s cannot kill kzhost (process %d): %s", h->zone->name,
			h->pid, strerror(-r));
}

/* What the ended process left as its exit status, if it is ours to reap. */
static void reap(struct host *h)
{
	siginfo_t info = { 0 };

	if (!h->child || waitid(P_PID, (id_t)h->pid, &info, WEXITED | WNOHANG) < 0 ||
	    h->said_why || h->killed)
		return;
	if (info.si_code == CLD_EXITED && info.si_status >= CTL_EXIT_STATUS(0) &&
	    info.si_status < CTL_EXIT_STATUS((int)CTL_CAUSE_N)) {
		h->said_why = true;
		h->cause = (enum ctl_cause)(info.si_status - CTL_EXIT_STATUS(0));
	} else if (info.si_code == CLD_EXITED) {
		host_say(h, "kzhost (process %d) ended with status %d and without a word",
			 h->pid, info.si_status);
	} else {
		host_say(h, "kzhost (process %d) was killed by signal %d (%s)", h->pid,
			 info.si_status, strsignal(info.si_status));
	}
}

/* What the end means to the core; a cause that cannot be is a crash. */
static enum vm_end end_of(struct host *h)
{
	if (h->said_why && h->was_running) {
		switch (h->cause) {
		case CTL_CAUSE_POWEROFF:
			return VM_END_POWEROFF;
		case CTL_CAUSE_RESET:
			return VM_END_RESET;
		case CTL_CAUSE_PANIC:
			return VM_END_PANIC;
		case CTL_CAUSE_HALTED:
			if (h->halt_asked || h->found_ended)
				return VM_END_HALTED;
			host_say(
				h,
				"kzhost (process %d) says halted, but nobody asked for it",
				h->pid);
			return VM_END_CRASH;
		default:
			break;
		}
	}
	if (h->halt_asked)
		return VM_END_HALTED;
	if (h->said_why)
		host_say(h, "kzhost (process %d) ended: %s", h->pid,
			 ctl_cause_names[h->cause]);
	host_say(h, "kzhost (process %d) ended without a word", h->pid);
	return VM_END_CRASH;
}

static void closed(uv_handle_t *handle)
{
	struct host *h = handle->data;

	if (--h->n_open)
		return;
	closep(&h->ctl_fd);
	closep(&h->pidfd);
	boot_free(h->boot);
	free(h->kernel);
	free(h->initrd);
	free(h);
}

/* Lets go of all that the loop holds; frees the host when that is closed. */
static void dismiss(struct host *h)
{
	if (h->zone)
		h->zone->host = NULL;
	h->zone = NULL;
	uv_close((uv_handle_t *)&h->timer, closed);
	uv_close((uv_handle_t *)&h->log_timer, closed);
	uv_close((uv_handle_t *)&h->ctl_poll, closed);
	uv_close((uv_handle_t *)&h->exit_poll, closed);
}

/* The process is gone: its sockets too, then the core hears of it. */
static void tell_end(struct host *h)
{
	cleanup(freep) char *ctl = paths_get(&h->sh->paths, PATH_ZONE_CTL, h->zone->name);
	struct core_event ev = { .zone = h->zone->name };
	char text[sizeof(h->text)];
	struct shell *sh = h->sh;
	struct zone *z = h->zone;

	reap(h);
	ev.end = end_of(h);
	ev.type = h->refused && !h->halt_asked ? EV_VM_FAILED : EV_VM_EXITED;
	memcpy(text, h->text, sizeof(text));
	ev.text = *text ? text : NULL;
	z->has_ended = false; /* the core persists what follows from it */
	dismiss(h);
	limits_end(sh, z);
	booted_forget(sh, z);
	if (ctl)
		(void)unlink(ctl);
	closep(&z->console_fd); /* whoever waits there waits for the dead one */
	shell_console_listen(sh, z);
	(void)shell_step(sh, &ev);
}

static void tell(struct host *h, enum core_ev type)
{
	struct core_event ev = { .type = type, .zone = h->zone->name };

	(void)shell_step(h->sh, &ev);
}

static void act(struct host *h, enum host_action action)
{
	switch (action) {
	case HOST_ACT_CREATE:
		deadline(h, host_step_ms(CREATE_MS));
		host_ask_create(h);
		break;
	case HOST_ACT_START:
		deadline(h, host_step_ms(START_MS));
		host_ask_start(h);
		break;
	case HOST_ACT_RUNNING:
		uv_timer_stop(&h->timer);
		h->was_running = true;
		tell(h, EV_VM_RUNNING);
		host_ask_counts(h);
		break;
	case HOST_ACT_PANIC:
		if (!h->panicked)
			tell(h, EV_VM_PANICKED);
		h->panicked = true;
		break;
	case HOST_ACT_GOALS:
		if (!h->goals)
			tell(h, EV_VM_GOALS);
		h->goals = true;
		break;
	case HOST_ACT_HALT:
		deadline(h, LEAVE_MS);
		host_ask_plain(h, CTL_REQ_HALT);
		break;
	case HOST_ACT_LEAVE:
		deadline(h, LEAVE_MS);
		break;
	case HOST_ACT_KILL:
		send_kill(h);
		break;
	case HOST_ACT_TELL:
		tell_end(h);
		break;
	case HOST_ACT_NONE:
	case HOST_ACTION_N:
		break;
	}
}

void host_on(struct host *h, enum host_event ev)
{
	const struct fsm_rule *rule = fsm_find(&host_fsm, h->state, ev);

	TRACE(shell, "%s kzhost %d: %s on %s", h->zone->name, h->pid,
	      host_state_names[h->state], host_event_names[ev]);
	if (!rule) {
		/* Only a peer can bring forth what is not in the table. */
		host_say(h, "kzhost (process %d) said %s while %s", h->pid,
			 host_event_names[ev], host_state_names[h->state]);
		if (ev != HOST_EV_BROKEN && h->state != HOST_GONE)
			host_on(h, HOST_EV_BROKEN);
		return;
	}
	if (rule->ignore)
		return;
	h->state = (enum host_state)rule->to;
	act(h, (enum host_action)rule->action);
}

static void on_readable(uv_poll_t *p, int status, int events)
{
	host_receive(p->data);
}

static void on_exit_poll(uv_poll_t *p, int status, int events)
{
	struct host *h = p->data;

	/* Its last words may still be in the socket. */
	uv_poll_stop(p);
	if (uv_is_active((uv_handle_t *)&h->ctl_poll))
		host_receive(h);
	host_on(h, HOST_EV_ENDED);
}

/* Handles the host's descriptors from now on. */
static void watch(struct host *h)
{
	uv_loop_t *loop = &h->sh->loop;

	h->timer.data = h->log_timer.data = h->ctl_poll.data = h->exit_poll.data = h;
	h->n_open = 4;
	ASSERT(uv_timer_init(loop, &h->timer) == 0);
	ASSERT(uv_timer_init(loop, &h->log_timer) == 0);
	ASSERT(uv_poll_init(loop, &h->ctl_poll, h->ctl_fd) == 0);
	ASSERT(uv_poll_init(loop, &h->exit_poll, h->pidfd) == 0);
	uv_poll_start(&h->ctl_poll, UV_READABLE, on_readable);
	uv_poll_start(&h->exit_poll, UV_READABLE, on_exit_poll);
}

static struct host *host_new(struct shell *sh, struct zone *z)
{
	struct host *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->sh = sh;
	h->zone = z;
	h->ctl_fd = -1;
	h->pidfd = -1;
	return h;
}

/* Forks; on failure nothing runs. */
static int run_program(struct host *h, struct errmsg *e)
{
	cleanup(freep) char *program = paths_libexec("kzhost");
	cleanup(closep) int group_fd = -1;
	struct spawn s = { .program = program,
			   .zone = h->zone->name,
			   .jail = &h->sh->jail,
			   .listen_fd = h->boot->listen_fd,
			   .log_fd = h->boot->messages_fd };
	bool grouped;
	int r;

	if (!program)
		return errmsg_set(e, -ENOMEM, "out of memory");
	r = confined_jail(h->sh, e);
	if (r == 0)
		r = confined_uid(h->sh, &h->uid, e);
	if (r < 0)
		return r;
	s.uid = h->uid;
	limits_prepare(h->sh, h->zone, h->boot->conf, &group_fd);
	s.group_fd = group_fd;
	r = spawn_kzhost(&s, &h->pid, &h->pidfd, &grouped, e);
	if (r < 0)
		limits_end(h->sh, h->zone);
	if (r == 0) {
		limits_enter(h->sh, h->zone, h->pid, grouped);
		h->child = true;
		closep(&h->boot->listen_fd);
		closep(&h->boot->messages_fd);
	}
	return r;
}

int host_start(struct shell *sh, struct zone *z, struct boot *take_boot, struct errmsg *e)
{
	cleanup(boot_freep) struct boot *b = take_boot;
	cleanup(freep) char *path = paths_get(&sh->paths, PATH_ZONE_CTL, z->name);
	struct host *h = host_new(sh, z);
	int r;

	if (!h || !path) {
		free(h);
		return errmsg_set(e, -ENOMEM, "out of memory");
	}
	/* Connecting before the fork costs nothing: it is we who listen. */
	r = sock_connect(path, SOCK_SEQPACKET | SOCK_NONBLOCK, &h->ctl_fd);
	if (r < 0) {
		free(h);
		return errmsg_set(e, r, "%s: %s", path, strerror(-r));
	}
	h->boot = take_ptr(&b);
	r = run_program(h, e);
	if (r < 0) {
		closep(&h->ctl_fd);
		boot_free(h->boot);
		free(h);
		(void)unlink(path);
		return r;
	}
	z->host = h;
	watch(h);
	deadline(h, host_step_ms(HELLO_MS));
	host_ask_hello(h);
	return 0;
}

int host_adopt(struct shell *sh, struct zone *z, int take_ctl_fd, int take_pidfd,
	       const struct ucred *who, const struct ctl_hello_reply *m)
{
	const enum ctl_state state = (enum ctl_state)le32_get(m->state);
	struct host *h = host_new(sh, z);

	if (!h)
		return -ENOMEM;
	ASSERT(state != CTL_EMPTY && state != CTL_CREATED);
	h->ctl_fd = take_ctl_fd;
	h->pidfd = take_pidfd;
	h->pid = who->pid;
	h->uid = who->uid == geteuid() ? 0 : who->uid;
	h->confined = le32_get(m->flags);
	h->greeted = true;
	h->was_running = true;
	h->seq = 1; /* HELLO was asked already */
	h->found_ended = state == CTL_ENDED;
	z->host = h;
	watch(h);
	h->state = state == CTL_ENDED ? HOST_ENDING : HOST_RUNNING;
	if (state == CTL_ENDED)
		deadline(h, LEAVE_MS);
	else
		host_ask_counts(h);
	return 0;
}

void host_shutdown(struct host *h)
{
	if (h->state != HOST_RUNNING) {
		host_halt(h);
		return;
	}
	host_ask_plain(h, CTL_REQ_SHUTDOWN);
}

void host_halt(struct host *h)
{
	h->halt_asked = true;
	host_on(h, HOST_EV_HALT);
}

void host_kill(struct host *h)
{
	send_kill(h);
}

void host_confirm(struct host *h)
{
	h->to_confirm = false;
	host_ask_leave(h);
}

void host_detach(struct host *h)
{
	dismiss(h);
}
