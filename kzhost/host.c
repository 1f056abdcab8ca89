// SPDX-License-Identifier: BSD-2-Clause
/*
 * host.c - one zone's process: its state, what the restarter may ask, how it ends
 *
 * DOC: The end
 *
 * Whatever ends the zone (HALT, the guest, a failure) goes through end_zone(): threads
 * are stopped, the console is told and closed, the cause is kept. The cause then goes out
 * as EXITING: at once when a restarter is connected, to the next one that says HELLO
 * within CTL_TELL_MS when not. In both cases it is the exit status as well. Who ended the
 * zone by HALT, or has a request answered by its failure, knows that; anybody else has
 * to confirm by HALT that the cause was heard, as a restarter that dies with it unread
 * would leave one that takes the guest's reset for a crash.
 *
 * DOC: Console output in portions
 *
 * A guest writes its console byte by byte. The first byte wakes this thread and is passed
 * on at once; then it comes back every BATCH_MS, unwoken, until it finds nothing new. So
 * a guest that writes without end costs some calls each BATCH_MS and not some a byte.
 *
 * DOC: The power button, again
 *
 * A guest that still boots loses a press: its loader does not look, its kernel has no
 * driver yet, or nobody listens to that. So it is pressed again every PRESS_MS until the
 * guest ends; one that is on its way takes no notice.
 */
#include "kzhost/host.h"

#include "common/base/trace.h"
#include "common/sys/log.h"
#include "kzhost/assemble.h"
#include "kzhost/ctl_server.h"
#include "kzhost/fds.h"
#include "kzhost/goalwatch.h"
#include "kzhost/io/console.h"
#include "kzhost/io/turns.h"
#include "kzhost/sandbox/sandbox.h"
#include "kzhost/vm/vm.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* Console output is moved in portions, with a look at everything else in between. */
#define OUTPUT_PORTION 4096
#define OUTPUT_ROUNDS  16
#define BATCH_MS       2
#define PRESS_MS       5000

struct host {
	uv_loop_t loop;
	const char *zone;
	enum ctl_state state;
	uint32_t confined; /* flags of HELLO */
	uint64_t since_ms; /* CLOCK_REALTIME when the state was entered */
	uint8_t uuid[16];
	struct ctl_server *ctl;
	struct assembly machine; /* its vm: from CREATE until the end was told */
	struct console *console; /* from CREATE until the end */
	struct turns turns;      /* of the devices that write to it */
	bool log_told;           /* on this connection: the log is full */
	bool device_told;        /* and since the last STATUS: a device erred */
	bool cause_told;         /* and: EXITING */
	bool heard;              /* the cause is known; nobody has to confirm that */
	struct goalwatch goals;  /* from CREATE on */
	struct vm_stats last;    /* of a machine that is gone */
	uv_poll_t vm_poll;
	uv_idle_t more;   /* active while console output waits for another round */
	uv_timer_t batch; /* active while there may be more of it in a moment */
	uv_timer_t press; /* active while the guest is to shut down */
	uv_timer_t timer;
	enum ctl_cause cause; /* from ENDED on */
	char text[CTL_TEXT_SIZE];
	int status; /* to exit with */
};

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void set_state(struct host *h, enum ctl_state state)
{
	if (state != CTL_STOPPING)
		uv_timer_stop(&h->press);
	h->since_ms = now_ms();
	TRACE(ctl, "%s -> %s", ctl_state_names[h->state], ctl_state_names[state]);
	log_info("zone=%s %s -> %s", h->zone, ctl_state_names[h->state],
		 ctl_state_names[state]);
	h->state = state;
}

/* Nobody came: for a zone, or to hear why it ended. */
static void on_timeout(uv_timer_t *timer)
{
	struct host *h = timer->data;

	if (h->state == CTL_ENDED)
		log_warning("zone=%s no restarter came to hear the cause", h->zone);
	else
		log_notice("zone=%s no restarter came to create the zone", h->zone);
	uv_stop(&h->loop);
}

/*
 * Sends EXITING and leaves the loop when it was heard; else waits a while for that, or
 * for a listener. The machine is released after that: the kernel takes its time to do so.
 */
static void tell(struct host *h)
{
	struct ctl_exiting msg = { .cause = le32_of(h->cause) };

	memcpy(msg.text, h->text, sizeof(msg.text));
	if (!h->cause_told)
		h->cause_told =
			ctl_server_event(h->ctl, CTL_EV_EXITING, &msg.hdr, sizeof(msg));
	if (h->cause_told && h->heard)
		uv_stop(&h->loop);
	else if (!uv_is_active((uv_handle_t *)&h->timer))
		uv_timer_start(&h->timer, on_timeout, CTL_TELL_MS, 0);
	assembly_free(&h->machine);
}

/* What the console says when the zone ends. */
static const char *const last_notice[CTL_CAUSE_N] = {
	[CTL_CAUSE_HALTED] = "Zone halted",      [CTL_CAUSE_POWEROFF] = "Zone halted",
	[CTL_CAUSE_RESET] = "Zone rebooting",    [CTL_CAUSE_PANIC] = "Zone halted",
	[CTL_CAUSE_FAILED] = "Zone boot failed", [CTL_CAUSE_FAULT] = "Zone halted",
};

static size_t move_output(struct host *h, enum vm_console from);

static void end_zone(struct host *h, enum ctl_cause cause, const char *text)
{
	if (h->state == CTL_ENDED)
		return;
	if (h->machine.vm) {
		vm_stop(h->machine.vm);
		for (enum vm_console from = 0; from < VM_CONSOLE_N; from++) {
			while (move_output(h, from) > 0)
				;
		}
		vm_stats(h->machine.vm, &h->last);
		uv_close((uv_handle_t *)&h->vm_poll, NULL);
		uv_idle_stop(&h->more);
		uv_timer_stop(&h->batch);
		goalwatch_stop(&h->goals);
	}
	console_notice(h->console, last_notice[cause]);
	console_close(h->console);
	h->console = NULL;
	h->cause = cause;
	h->heard |= cause == CTL_CAUSE_FAILED; /* an answer says so, too */
	h->status = CTL_EXIT_STATUS(cause);
	snprintf(h->text, sizeof(h->text), "%s", text);
	log_info("zone=%s ends: %s%s%s", h->zone, ctl_cause_names[cause],
		 *text ? ": " : "", text);
	set_state(h, CTL_ENDED);
}

/* The machine: its events and its console. */

/* Goals are told when they are reached; who says HELLO later is told then. */
static void tell_goals(struct host *h)
{
	static const char *const who[CTL_GOALS_N] = {
		[CTL_GOALS_CONSOLE] = "the console said so",
		[CTL_GOALS_PORT] = "a byte on the port org.kzones.goals",
		[CTL_GOALS_AGENT] = "the guest agent answers",
	};
	struct ctl_plain msg;

	log_info("zone=%s goals reached: %s", h->zone, who[h->goals.kind]);
	if (h->state == CTL_RUNNING || h->state == CTL_STOPPING)
		ctl_server_event(h->ctl, CTL_EV_GOALS, &msg.hdr, sizeof(msg));
}

/* A restarter hears once that the log is full; the next one hears it again. */
static void watch_log(struct host *h)
{
	struct ctl_plain msg;

	if (!h->log_told && h->console && console_log_full(h->console))
		h->log_told =
			ctl_server_event(h->ctl, CTL_EV_LOG_FULL, &msg.hdr, sizeof(msg));
}

/* One portion of a device's console output: its length, 0 when there was none. */
static size_t move_output(struct host *h, enum vm_console from)
{
	char data[OUTPUT_PORTION];
	size_t len = vm_console_read(h->machine.vm, from, data, sizeof(data));

	if (len == 0)
		return 0;
	console_output(h->console, data, len);
	turns_said(&h->turns, from, data[len - 1], uv_now(&h->loop));
	if (goalwatch_console(&h->goals, from, data, len))
		tell_goals(h);
	watch_log(h);
	return len;
}

/* The same, of whoever has something to say and may; first who did not speak last. */
static size_t move_next(struct host *h)
{
	size_t len = 0;

	for (unsigned i = 1; i <= VM_CONSOLE_N && len == 0; i++) {
		enum vm_console from = (h->turns.speaker + i) % VM_CONSOLE_N;

		if (turns_may(&h->turns, from, uv_now(&h->loop)))
			len = move_output(h, from);
	}
	return len;
}

/* The counts have changed: the restarter may ask for them. */
static void tell_device(struct host *h)
{
	struct ctl_plain msg;

	if (!h->device_told && (h->state == CTL_RUNNING || h->state == CTL_STOPPING))
		h->device_told =
			ctl_server_event(h->ctl, CTL_EV_DEVICE, &msg.hdr, sizeof(msg));
}

static void on_vm_event(struct host *h, const struct vm_event *event)
{
	struct ctl_plain panic;

	switch (event->type) {
	case VM_EV_POWEROFF:
		end_zone(h, CTL_CAUSE_POWEROFF, event->text);
		break;
	case VM_EV_RESET:
		end_zone(h, CTL_CAUSE_RESET, event->text);
		break;
	case VM_EV_DEVICE:
		log_warning("zone=%s %s", h->zone, event->text);
		tell_device(h);
		break;
	case VM_EV_FAULT:
		end_zone(h, CTL_CAUSE_FAULT, event->text);
		break;
	case VM_EV_PANIC:
		if (h->state == CTL_PANICKED)
			break;
		set_state(h, CTL_PANICKED);
		console_notice(h->console, "Zone panicked");
		ctl_server_event(h->ctl, CTL_EV_PANIC, &panic.hdr, sizeof(panic));
		break;
	}
}

static void on_more(uv_idle_t *idle);
static void on_batch(uv_timer_t *timer);

/* Up to OUTPUT_ROUNDS portions, and when to look for more. */
static void move_outputs(struct host *h)
{
	size_t len = OUTPUT_PORTION;
	uint64_t left;
	bool more;

	for (int i = 0; i < OUTPUT_ROUNDS && len == OUTPUT_PORTION; i++)
		len = move_next(h);
	if (goalwatch_ports(&h->goals, &more))
		tell_goals(h);
	uv_idle_stop(&h->more);
	uv_timer_stop(&h->batch);
	if (len == OUTPUT_PORTION)
		uv_idle_start(&h->more, on_more);
	else if (len > 0 || more)
		uv_timer_start(&h->batch, on_batch, BATCH_MS, 0);
	else if ((left = turns_left(&h->turns, uv_now(&h->loop))) > 0)
		uv_timer_start(&h->batch, on_batch, left, 0);
}

/* Events first (that rearms the descriptor), then as much output as is fair to others. */
static void serve_vm(struct host *h)
{
	struct vm_event event;

	while (h->state != CTL_ENDED && vm_take_event(h->machine.vm, &event)) {
		move_outputs(h); /* what was said before it happened */
		on_vm_event(h, &event);
	}
	if (h->state == CTL_ENDED) {
		tell(h);
		return;
	}
	console_pump(h->console);
	move_outputs(h);
}

static void on_more(uv_idle_t *idle)
{
	serve_vm(idle->data);
}

static void on_batch(uv_timer_t *timer)
{
	serve_vm(timer->data);
}

static void on_vm_ready(uv_poll_t *handle, int status, int events)
{
	serve_vm(handle->data);
}

static size_t take_input(void *arg, const void *data, size_t len)
{
	struct host *h = arg;

	return h->machine.vm ? vm_console_write(h->machine.vm, data, len) : len;
}

/* Requests. Each returns 0 or a negative errno with a text. */

static int create_machine(struct host *h, const struct ctl_create *msg, const int *fd,
			  struct errmsg *e)
{
	int r = assembly_create(&h->machine, msg, fd, e);

	if (r < 0)
		return r;
	r = uv_poll_init(&h->loop, &h->vm_poll, vm_event_fd(h->machine.vm));
	if (r < 0) {
		assembly_free(&h->machine);
		return errmsg_set(e, r, "event loop: %s", strerror(-r));
	}
	h->vm_poll.data = h;
	r = uv_poll_start(&h->vm_poll, UV_READABLE, on_vm_ready);
	ASSERT(r == 0); /* fails only for a handle that is closing */
	return 0;
}

/*
 * A message that is wrong in itself leaves the host as it was; once its descriptors are
 * good, a failure is the end: the restarter starts over with a new process.
 */
static int do_create(struct host *h, const void *msg, int *fds, struct errmsg *e)
{
	const struct ctl_create *create = msg;
	int *slot[CTL_FD_N] = { NULL };
	int fd[CTL_FD_N];
	int r = 0;

	if (strcmp(create->zone, h->zone) != 0)
		return errmsg_set(e, -EINVAL, "zone %s: this is the host of zone %s",
				  create->zone, h->zone);
	for (unsigned i = 0, next = 0; i < CTL_FD_N; i++) {
		if (le32_get(create->fd_mask) & 1u << i)
			slot[i] = &fds[next++];
		fd[i] = slot[i] ? *slot[i] : -1;
		r = fds_check(i, fd[i], e);
		if (r < 0)
			return r;
	}
	r = fds_check_boot(fd, e);
	if (r < 0)
		return r;
	r = console_new(&h->loop, fd[CTL_FD_CONSOLE], fd[CTL_FD_LOG], take_input, h,
			&h->console);
	if (r < 0)
		return errmsg_set(e, r, "console: %s", strerror(-r));
	*slot[CTL_FD_CONSOLE] = -1;
	if (slot[CTL_FD_LOG])
		*slot[CTL_FD_LOG] = -1;
	r = create_machine(h, create, fd, e);
	if (r < 0) {
		end_zone(h, CTL_CAUSE_FAILED, e->text);
		return r;
	}
	goalwatch_set(&h->goals, le32_get(create->goals_kind), create->goals);
	memcpy(h->uuid, create->uuid, sizeof(h->uuid));
	return 0;
}

/* As with CREATE: once its descriptors are good, a failure is the end. */
static int do_disk(struct host *h, const void *msg, int *fds, struct errmsg *e)
{
	const struct ctl_disk *disk = msg;
	int r = fds_check_disk(le32_get(disk->id), fds, e);

	if (r < 0)
		return r;
	r = assembly_add_disk(&h->machine, disk, fds, e);
	if (r < 0)
		end_zone(h, CTL_CAUSE_FAILED, e->text);
	return r;
}

static int do_start(struct host *h, const void *msg, int *fds, struct errmsg *e)
{
	int r;

	console_notice(h->console, "Zone booting up");
	r = assembly_start(&h->machine, e);
	if (r == 0) {
		r = sandbox_thread(SANDBOX_RUN);
		if (r < 0)
			errmsg_set(e, r, "sandbox: %s", strerror(-r));
	}
	if (r < 0)
		end_zone(h, CTL_CAUSE_FAILED, e->text);
	else
		goalwatch_start(&h->goals, h->machine.vm);
	return r;
}

static void on_press(uv_timer_t *timer)
{
	struct host *h = timer->data;

	vm_power_button(h->machine.vm);
}

static int do_shutdown(struct host *h, const void *msg, int *fds, struct errmsg *e)
{
	uv_timer_start(&h->press, on_press, 0, PRESS_MS);
	return 0;
}

static int do_halt(struct host *h, const void *msg, int *fds, struct errmsg *e)
{
	h->heard = true;
	end_zone(h, h->state == CTL_PANICKED ? CTL_CAUSE_PANIC : CTL_CAUSE_HALTED, "");
	return 0;
}

static int do_log(struct host *h, const void *msg, int *fds, struct errmsg *e)
{
	int r = fds_check(CTL_FD_LOG, fds[0], e);

	if (r < 0)
		return r;
	console_set_log(h->console, take_fd(&fds[0]));
	h->log_told = false;
	return 0;
}

static void answer_hello(const struct host *h, struct ctl_hello_reply *reply)
{
	reply->state = le32_of(h->state);
	reply->since_ms = le64_of(h->since_ms);
	reply->pid = le32_of((uint32_t)getpid());
	reply->flags = le32_of(h->confined | (h->goals.reached ? CTL_HELLO_GOALS : 0));
	memcpy(reply->uuid, h->uuid, sizeof(reply->uuid));
	snprintf(reply->zone, sizeof(reply->zone), "%s", h->zone);
}

static void answer_status(struct host *h, struct ctl_status_reply *reply)
{
	struct vm_stats stats = h->last;

	if (h->machine.vm)
		vm_stats(h->machine.vm, &stats);
	reply->state = le32_of(h->state);
	reply->n_vcpus = le32_of(h->machine.n_vcpus);
	reply->ram_bytes = le64_of(stats.ram_bytes);
	reply->resident_bytes = le64_of(stats.resident_bytes);
	reply->exits = le64_of(stats.exits);
	reply->console_bytes = le64_of(stats.console_bytes);
	reply->console_lost = le64_of(stats.console_lost);
	reply->guest_errors = le64_of(stats.guest_errors);
	reply->disk_errors = le64_of(stats.disk_errors);
	reply->n_disks = le32_of(stats.n_disks);
	reply->n_page_cache = le32_of(stats.n_page_cache);
	reply->n_read_only = le32_of(stats.n_read_only);
	for (unsigned i = 0; stats.disk_engine && i < CTL_ENGINE_N; i++) {
		if (strcmp(stats.disk_engine, ctl_engine_names[i]) == 0)
			reply->disk_engine = le32_of(i);
	}
	h->device_told = false;
}

static void answer(struct host *h, enum ctl_id id, int r, const struct errmsg *e,
		   struct ctl_answer *out)
{
	if (id == CTL_REQ_HELLO) {
		answer_hello(h, &out->hello);
	} else if (id == CTL_REQ_STATUS) {
		answer_status(h, &out->status);
	} else {
		out->plain.error = le32_of((uint32_t)-r);
		snprintf(out->plain.text, sizeof(out->plain.text), "%.*s",
			 CTL_TEXT_SIZE - 1, e->text);
	}
}

/* HELLO and STATUS change nothing: they only have an answer. */
static int (*const requests[])(struct host *h, const void *msg, int *fds,
			       struct errmsg *e) = {
	[CTL_REQ_CREATE] = do_create,     [CTL_REQ_START] = do_start,
	[CTL_REQ_SHUTDOWN] = do_shutdown, [CTL_REQ_HALT] = do_halt,
	[CTL_REQ_LOG] = do_log,           [CTL_REQ_DISK] = do_disk,
};

/* Control server callbacks. */

static int carry_out(struct host *h, enum ctl_id id, const void *msg, int *fds,
		     struct errmsg *e)
{
	const struct fsm_rule *rule = fsm_find(&ctl_fsm, h->state, id);
	int r;

	if (!rule)
		return errmsg_set(e, -EBUSY, "%s: not now, the zone is %s",
				  ctl_id_name(id), ctl_state_names[h->state]);
	if (rule->ignore)
		return 0;
	r = requests[id](h, msg, fds, e);
	if (r == 0 && rule->to != h->state && h->state != CTL_ENDED)
		set_state(h, rule->to);
	return r;
}

static void on_request(void *arg, enum ctl_id id, const void *msg, int *fds,
		       unsigned n_fds, struct ctl_answer *out)
{
	struct host *h = arg;
	struct errmsg e = { "" };
	int r = carry_out(h, id, msg, fds, &e);

	if (r < 0)
		log_warning("zone=%s %s: %s", h->zone, ctl_id_name(id),
			    *e.text ? e.text : strerror(-r));
	answer(h, id, r, &e, out);
}

static void on_answered(void *arg)
{
	struct host *h = arg;

	if (h->state == CTL_ENDED)
		tell(h);
	else
		watch_log(h);
}

/* The clock for "nobody comes" runs while nobody is connected and there is no zone to
 * run. */
static void on_connection(void *arg, bool up)
{
	struct host *h = arg;

	h->log_told = false;
	h->device_told = false;
	h->cause_told = false;
	if (h->state == CTL_ENDED)
		return;
	if (up)
		uv_timer_stop(&h->timer);
	else if (h->state == CTL_EMPTY)
		uv_timer_start(&h->timer, on_timeout, CTL_IDLE_MS, 0);
}

static const struct ctl_server_ops server_ops = {
	.request = on_request,
	.answered = on_answered,
	.connection = on_connection,
};

/* Everything that needs more rights than the sandbox leaves is done before it. */
static int begin(struct host *h, int ctl_fd, struct errmsg *e)
{
	uint32_t flags = 0;
	int r = uv_loop_init(&h->loop);

	if (r < 0)
		return errmsg_set(e, r, "event loop: %s", uv_strerror(r));
	uv_timer_init(&h->loop, &h->timer);
	h->timer.data = h;
	uv_idle_init(&h->loop, &h->more);
	h->more.data = h;
	uv_timer_init(&h->loop, &h->batch);
	h->batch.data = h;
	uv_timer_init(&h->loop, &h->press);
	h->press.data = h;
	goalwatch_init(&h->goals, &h->loop);
	assembly_init(&h->machine);
	r = sandbox_enter(&flags);
	if (r < 0)
		return errmsg_set(e, r, "sandbox: %s", strerror(-r));
	h->confined |= flags;
	r = ctl_server_new(&h->loop, ctl_fd, &server_ops, h, &h->ctl);
	if (r < 0)
		return errmsg_set(e, r, "control socket: %s", strerror(-r));
	return 0;
}

int host_run(const char *zone, int ctl_fd, uint32_t confined, struct errmsg *e)
{
	struct host h = { .zone = zone,
			  .confined = confined,
			  .since_ms = now_ms(),
			  .state = (enum ctl_state)ctl_fsm.initial };
	int r = begin(&h, ctl_fd, e);

	if (r < 0)
		return r;
	uv_timer_start(&h.timer, on_timeout, CTL_IDLE_MS, 0);
	uv_run(&h.loop, UV_RUN_DEFAULT);
	ctl_server_close(h.ctl);
	uv_close((uv_handle_t *)&h.timer, NULL);
	uv_close((uv_handle_t *)&h.more, NULL);
	uv_close((uv_handle_t *)&h.batch, NULL);
	uv_close((uv_handle_t *)&h.press, NULL);
	goalwatch_close(&h.goals);
	uv_run(&h.loop, UV_RUN_DEFAULT);
	return h.status;
}
