// SPDX-License-Identifier: BSD-2-Clause
/*
 * hosts.c - one kzhost as the restarter sees it
 */
#include "restarter/hosts.h"
#include "common/base/trace.h"
#include "common/sys/log.h"
#include "common/sys/sock.h"
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

const char *const host_state_names[HOST_STATE_N] = {
#define X(id, name) name,
	HOST_STATES(X)
#undef X
};

static const char *const host_event_names[HOST_EVENT_N] = {
#define X(id, name) name,
	HOST_EVENTS(X)
#undef X
};

/* What a rule does; every host_do_*() below is one of them. */
#define HOST_ACTIONS(X) \
	X(CREATE, "send CREATE") \
	X(START, "send START") \
	X(RUNNING, "tell that it runs") \
	X(PANIC, "tell that it panicked") \
	X(LEAVE, "wait for its end") \
	X(HALT, "send HALT") \
	X(KILL, "kill") \
	X(TELL, "tell its end")

enum host_action {
	HOST_ACT_NONE,
#define X(id, name) HOST_ACT_##id,
	HOST_ACTIONS(X)
#undef X
		HOST_ACTION_N
};

static const char *const host_action_names[HOST_ACTION_N] = { "-",
#define X(id, name) name,
							      HOST_ACTIONS(X)
#undef X
};

/* Every state in which kzhost is being started or runs. */
#define WHILE_STARTING(state) \
	{ state, HOST_EV_REFUSED, HOST_ENDING, 0, HOST_ACT_KILL }, \
		{ state, HOST_EV_LATE, HOST_ENDING, 0, HOST_ACT_KILL }, \
	{ \
		state, HOST_EV_HALT, HOST_ENDING, 0, HOST_ACT_KILL \
	}
#define WHILE_ALIVE(state) \
	{ state, HOST_EV_EXITING, HOST_ENDING, 0, HOST_ACT_LEAVE }, \
		{ state, HOST_EV_EOF, HOST_ENDING, 0, HOST_ACT_LEAVE }, \
		{ state, HOST_EV_BROKEN, HOST_ENDING, 0, HOST_ACT_KILL }, \
	{ \
		state, HOST_EV_ENDED, HOST_GONE, 0, HOST_ACT_TELL \
	}

static const struct fsm_rule host_rules[] = {
	{ HOST_HELLO, HOST_EV_ANSWERED, HOST_CREATE, 0, HOST_ACT_CREATE },
	WHILE_STARTING(HOST_HELLO),
	WHILE_ALIVE(HOST_HELLO),
	{ HOST_CREATE, HOST_EV_ANSWERED, HOST_START, 0, HOST_ACT_START },
	WHILE_STARTING(HOST_CREATE),
	WHILE_ALIVE(HOST_CREATE),
	{ HOST_START, HOST_EV_ANSWERED, HOST_RUNNING, 0, HOST_ACT_RUNNING },
	WHILE_STARTING(HOST_START),
	WHILE_ALIVE(HOST_START),
	{ HOST_RUNNING, HOST_EV_PANIC, HOST_RUNNING, 0, HOST_ACT_PANIC },
	{ HOST_RUNNING, HOST_EV_HALT, HOST_ENDING, 0, HOST_ACT_HALT },
	WHILE_ALIVE(HOST_RUNNING),
	/* EXITING may follow HALT; end of file comes before the end of the process. */
	FSM_IGNORE(HOST_ENDING, HOST_EV_EXITING),
	FSM_IGNORE(HOST_ENDING, HOST_EV_EOF),
	FSM_IGNORE(HOST_ENDING, HOST_EV_ANSWERED),
	FSM_IGNORE(HOST_ENDING, HOST_EV_REFUSED),
	FSM_IGNORE(HOST_ENDING, HOST_EV_PANIC),
	FSM_IGNORE(HOST_ENDING, HOST_EV_BROKEN),
	FSM_IGNORE(HOST_ENDING, HOST_EV_HALT),
	{ HOST_ENDING, HOST_EV_LATE, HOST_ENDING, 0, HOST_ACT_KILL },
	{ HOST_ENDING, HOST_EV_ENDED, HOST_GONE, 0, HOST_ACT_TELL },
};

const struct fsm host_fsm = {
	.name = "kzhost, as the restarter sees it",
	.state_names = host_state_names,
	.event_names = host_event_names,
	.action_names = host_action_names,
	.n_states = HOST_STATE_N,
	.n_events = HOST_EVENT_N,
	.initial = HOST_HELLO,
	.rules = host_rules,
	.n_rules = ARRAY_SIZE(host_rules),
};

static void host_on(struct host *h, enum host_event ev);

/* The first reason counts: what follows is its consequence. */
static void say(struct host *h, const char *fmt, ...) printf_like(2, 3);
static void say(struct host *h, const char *fmt, ...)
{
	va_list ap;

	if (*h->text)
		return;
	va_start(ap, fmt);
	vsnprintf(h->text, sizeof(h->text), fmt, ap);
	va_end(ap);
}

static uint64_t step_ms(uint64_t normal)
{
	const char *set = getenv("KZONES_STEP_TIMEOUT_MS");
	unsigned long long ms = set ? strtoull(set, NULL, 10) : 0;

	return ms ? ms : normal;
}

static void timer_fired(uv_timer_t *t)
{
	struct host *h = t->data;

	if (h->state == HOST_ENDING)
		say(h, "kzhost (process %d) did not end in time", h->pid);
	else
		say(h, "kzhost (process %d) did not answer %s in time", h->pid,
		    h->n_asked ? ctl_id_name(h->asked[0].id) : "anything");
	host_on(h, HOST_EV_LATE);
}

static void deadline(struct host *h, uint64_t ms)
{
	uv_timer_start(&h->timer, timer_fired, ms, 0);
}

/* Sends a request whose answer is awaited; a connection that takes none is broken. */
static void ask(struct host *h, unsigned id, void *msg, size_t len, const int *fds,
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
	if (r < 0) {
		say(h, "kzhost (process %d) takes no %s: %s", h->pid, ctl_id_name(id),
		    strerror(-r));
		host_on(h, HOST_EV_BROKEN);
		return;
	}
	h->asked[h->n_asked].id = (uint16_t)id;
	h->asked[h->n_asked++].seq = h->seq;
}

static void ask_plain(struct host *h, unsigned id)
{
	struct ctl_plain m = { 0 };

	ask(h, id, &m, sizeof(m), NULL, 0);
}

static void ask_hello(struct host *h)
{
	struct ctl_hello m = { .min_version = le32_of(CTL_VERSION) };

	deadline(h, step_ms(HELLO_MS));
	ask(h, CTL_REQ_HELLO, &m, sizeof(m), NULL, 0);
}

static void ask_create(struct host *h)
{
	cleanup(boot_freep) struct boot *b = take_ptr(&h->boot);
	int fds[CTL_FD_N];
	unsigned n = 0, mask = 0;

	for (unsigned i = 0; i < CTL_FD_N; i++) {
		if (b->fds[i] < 0)
			continue;
		fds[n++] = b->fds[i];
		mask |= 1u << i;
	}
	b->create.fd_mask = le32_of(mask);
	deadline(h, step_ms(CREATE_MS));
	ask(h, CTL_REQ_CREATE, &b->create, sizeof(b->create), fds, n);
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
		say(h, "kzhost (process %d) ended with status %d and without a word",
		    h->pid, info.si_status);
	} else {
		say(h, "kzhost (process %d) was killed by signal %d (%s)", h->pid,
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
			if (h->halt_asked)
				return VM_END_HALTED;
			say(h, "kzhost (process %d) says halted, but nobody asked for it",
			    h->pid);
			return VM_END_CRASH;
		default:
			break;
		}
	}
	if (h->halt_asked)
		return VM_END_HALTED;
	if (h->said_why)
		say(h, "kzhost (process %d) ended: %s", h->pid,
		    ctl_cause_names[h->cause]);
	say(h, "kzhost (process %d) ended without a word", h->pid);
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
	free(h);
}

/* Lets go of all that the loop holds; frees the host when that is closed. */
static void dismiss(struct host *h)
{
	if (h->zone)
		h->zone->host = NULL;
	h->zone = NULL;
	uv_close((uv_handle_t *)&h->timer, closed);
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
	dismiss(h);
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
		ask_create(h);
		break;
	case HOST_ACT_START:
		deadline(h, step_ms(START_MS));
		ask_plain(h, CTL_REQ_START);
		break;
	case HOST_ACT_RUNNING:
		uv_timer_stop(&h->timer);
		h->was_running = true;
		tell(h, EV_VM_RUNNING);
		break;
	case HOST_ACT_PANIC:
		if (!h->panicked)
			tell(h, EV_VM_PANICKED);
		h->panicked = true;
		break;
	case HOST_ACT_HALT:
		deadline(h, LEAVE_MS);
		ask_plain(h, CTL_REQ_HALT);
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

/* The one setter of a host's state. */
static void host_on(struct host *h, enum host_event ev)
{
	const struct fsm_rule *rule = fsm_find(&host_fsm, h->state, ev);

	TRACE(shell, "%s kzhost %d: %s on %s", h->zone->name, h->pid,
	      host_state_names[h->state], host_event_names[ev]);
	if (!rule) {
		/* Only a peer can bring forth what is not in the table. */
		say(h, "kzhost (process %d) said %s while %s", h->pid,
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

/* The text of a kzhost, as far as it is one: NUL terminated, printable. */
static void take_text(struct host *h, const char text[CTL_TEXT_SIZE], const char *or_else)
{
	char copy[CTL_TEXT_SIZE];

	memcpy(copy, text, sizeof(copy));
	copy[sizeof(copy) - 1] = '\0';
	for (char *p = copy; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	if (*copy || or_else)
		say(h, "%s", *copy ? copy : or_else);
}

/* The answer to the oldest request. */
static void on_reply(struct host *h, unsigned id, const void *msg)
{
	const struct ctl_reply *reply = msg;
	const struct ctl_hello_reply *hello = msg;
	uint32_t error;

	h->n_asked--;
	memmove(h->asked, h->asked + 1, h->n_asked * sizeof(h->asked[0]));
	if (id == CTL_REQ_STATUS)
		return;
	error = le32_get(id == CTL_REQ_HELLO ? hello->error : reply->error);
	if (id == CTL_REQ_HELLO && !error && le32_get(hello->state) != CTL_EMPTY) {
		say(h, "a new kzhost (process %d) says that it has a zone already",
		    h->pid);
		host_on(h, HOST_EV_BROKEN);
		return;
	}
	if (id == CTL_REQ_SHUTDOWN || id == CTL_REQ_HALT) {
		if (error)
			log_warning("zone=%s kzhost refuses %s: %s", h->zone->name,
				    ctl_id_name(id), strerror((int)error));
		return;
	}
	if (error) {
		h->refused = id != CTL_REQ_HELLO;
		if (id == CTL_REQ_HELLO)
			say(h, "kzhost speaks another version of the protocol");
		else
			take_text(h, reply->text, strerror((int)(error & 0xfff)));
	}
	host_on(h, error ? HOST_EV_REFUSED : HOST_EV_ANSWERED);
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
	if (id < 0) {
		say(h, "kzhost (process %d) sent garbage: %.128s", h->pid, e.text);
		return false;
	}
	if (id == CTL_EV_EXITING) {
		on_exiting(h, msg);
	} else if (id == CTL_EV_PANIC) {
		host_on(h, HOST_EV_PANIC);
	} else if (h->n_asked && h->asked[0].id == id &&
		   h->asked[0].seq == le32_get(hdr->seq)) {
		on_reply(h, (unsigned)id, msg);
	} else {
		say(h, "kzhost (process %d) answered %s, which was not asked", h->pid,
		    ctl_id_name((unsigned)id));
		return false;
	}
	return true;
}

/* Reads what is there; end of file or garbage ends the conversation. */
static void receive(struct host *h)
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
			say(h, "kzhost (process %d) sent descriptors", h->pid);
		if (ok)
			continue;
		uv_poll_stop(&h->ctl_poll);
		if (n < 0)
			say(h, "control connection of kzhost (process %d): %s", h->pid,
			    strerror((int)-n));
		/* At end of file the exit status may know more. */
		host_on(h, n == 0 ? HOST_EV_EOF : HOST_EV_BROKEN);
		return;
	}
}

static void on_readable(uv_poll_t *p, int status, int events)
{
	receive(p->data);
}

static void on_exit_poll(uv_poll_t *p, int status, int events)
{
	struct host *h = p->data;

	/* Its last words may still be in the socket. */
	uv_poll_stop(p);
	if (uv_is_active((uv_handle_t *)&h->ctl_poll))
		receive(h);
	host_on(h, HOST_EV_ENDED);
}

/* Handles the host's descriptors from now on. */
static void watch(struct host *h)
{
	uv_loop_t *loop = &h->sh->loop;

	h->timer.data = h->ctl_poll.data = h->exit_poll.data = h;
	h->n_open = 3;
	ASSERT(uv_timer_init(loop, &h->timer) == 0);
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
	struct spawn s = { .program = program,
			   .zone = h->zone->name,
			   .listen_fd = h->boot->listen_fd,
			   .log_fd = h->boot->messages_fd };
	int r;

	if (!program)
		return errmsg_set(e, -ENOMEM, "out of memory");
	r = spawn_kzhost(&s, &h->pid, &h->pidfd, e);
	if (r == 0) {
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
	ask_hello(h);
	return 0;
}

int host_adopt(struct shell *sh, struct zone *z, int take_ctl_fd, int take_pidfd,
	       pid_t pid, enum ctl_state state)
{
	struct host *h = host_new(sh, z);

	if (!h)
		return -ENOMEM;
	ASSERT(state != CTL_EMPTY);
	h->ctl_fd = take_ctl_fd;
	h->pidfd = take_pidfd;
	h->pid = pid;
	h->was_running = state != CTL_CREATED;
	h->seq = 1; /* HELLO was asked already */
	z->host = h;
	watch(h);
	h->state = state == CTL_CREATED ? HOST_START
		   : state == CTL_ENDED ? HOST_ENDING
					: HOST_RUNNING;
	if (state == CTL_CREATED)
		act(h, HOST_ACT_START);
	else if (state == CTL_ENDED)
		deadline(h, LEAVE_MS);
	return 0;
}

void host_shutdown(struct host *h)
{
	if (h->state != HOST_RUNNING) {
		host_halt(h);
		return;
	}
	ask_plain(h, CTL_REQ_SHUTDOWN);
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

void host_detach(struct host *h)
{
	dismiss(h);
}
