// SPDX-License-Identifier: BSD-2-Clause
/*
 * ctl.c - names, legality and checks of the control protocol; no I/O
 */
#include "common/proto/ctl.h"

#include "common/proto/machine.h"

#include <string.h>

#define RAM_UNIT  (2 * MIB)
#define ALIGN_MAX 65536
#define ERRNO_MAX 4095

const char *const ctl_state_names[CTL_STATE_N] = {
#define X(id, name) name,
	CTL_STATES(X)
#undef X
};

const char *const ctl_cause_names[CTL_CAUSE_N] = {
#define X(id, name) name,
	CTL_CAUSES(X)
#undef X
};

const char *const ctl_goals_names[CTL_GOALS_N] = {
#define X(id, name) name,
	CTL_GOALS(X)
#undef X
};

const char *const ctl_engine_names[CTL_ENGINE_N] = {
#define X(id, name) name,
	CTL_ENGINES(X)
#undef X
};

/* Indexed by enum ctl_id; numbers in between are no messages. */
/* clang-format off */
static const char *const id_names[CTL_EV_END] = {
	[CTL_ID_NONE] = "?",
	[CTL_REQ_END ... CTL_EV_BASE] = "?",
#define X(id, name, req, reply, fds) [CTL_REQ_##id] = name,
	CTL_REQUESTS(X)
#undef X
#define X(id, name, ev) [CTL_EV_##id] = name,
	CTL_EVENTS(X)
#undef X
};
/* clang-format on */

static const struct {
	size_t request_size;
	size_t reply_size;
	unsigned fds; /* how many may come along */
} requests[CTL_REQ_END] = {
#define X(id, name, req, reply, fds) \
	[CTL_REQ_##id] = { sizeof(struct req), sizeof(struct reply), fds },
	CTL_REQUESTS(X)
#undef X
};

/* Indexed by an event's place after CTL_EV_BASE. */
static const size_t event_sizes[CTL_EV_END - CTL_EV_BASE] = {
#define X(id, name, ev) [CTL_EV_##id - CTL_EV_BASE] = sizeof(struct ev),
	CTL_EVENTS(X)
#undef X
};

#define X(id, name, req, reply, fds) \
	static_assert(sizeof(struct req) <= CTL_MSG_MAX && \
			      sizeof(struct reply) <= CTL_MSG_MAX, \
		      name " fits");
CTL_REQUESTS(X)
#undef X

static const struct fsm_rule ctl_rules[] = {
	/* from, on, to, ignored, action */
	FSM_IGNORE(CTL_EMPTY, CTL_REQ_HELLO),
	FSM_IGNORE(CTL_EMPTY, CTL_REQ_STATUS),
	{ CTL_EMPTY, CTL_REQ_CREATE, CTL_CREATED, 0, 0 },
	{ CTL_EMPTY, CTL_REQ_HALT, CTL_ENDED, 0, 0 },
	{ CTL_EMPTY, CTL_EV_EXITING, CTL_ENDED, 0, 0 },

	FSM_IGNORE(CTL_CREATED, CTL_REQ_HELLO),
	FSM_IGNORE(CTL_CREATED, CTL_REQ_STATUS),
	{ CTL_CREATED, CTL_REQ_LOG, CTL_CREATED, 0, 0 },
	{ CTL_CREATED, CTL_REQ_DISK, CTL_CREATED, 0, 0 },
	{ CTL_CREATED, CTL_REQ_START, CTL_RUNNING, 0, 0 },
	{ CTL_CREATED, CTL_REQ_HALT, CTL_ENDED, 0, 0 },
	{ CTL_CREATED, CTL_EV_EXITING, CTL_ENDED, 0, 0 },

	FSM_IGNORE(CTL_RUNNING, CTL_REQ_HELLO),
	FSM_IGNORE(CTL_RUNNING, CTL_REQ_STATUS),
	{ CTL_RUNNING, CTL_REQ_LOG, CTL_RUNNING, 0, 0 },
	{ CTL_RUNNING, CTL_REQ_SHUTDOWN, CTL_STOPPING, 0, 0 },
	{ CTL_RUNNING, CTL_REQ_HALT, CTL_ENDED, 0, 0 },
	{ CTL_RUNNING, CTL_EV_PANIC, CTL_PANICKED, 0, 0 },
	FSM_IGNORE(CTL_RUNNING, CTL_EV_GOALS),
	FSM_IGNORE(CTL_RUNNING, CTL_EV_LOG_FULL),
	FSM_IGNORE(CTL_RUNNING, CTL_EV_DEVICE),
	{ CTL_RUNNING, CTL_EV_EXITING, CTL_ENDED, 0, 0 },

	FSM_IGNORE(CTL_STOPPING, CTL_REQ_HELLO),
	FSM_IGNORE(CTL_STOPPING, CTL_REQ_STATUS),
	{ CTL_STOPPING, CTL_REQ_LOG, CTL_STOPPING, 0, 0 },
	FSM_IGNORE(CTL_STOPPING, CTL_REQ_SHUTDOWN),
	{ CTL_STOPPING, CTL_REQ_HALT, CTL_ENDED, 0, 0 },
	{ CTL_STOPPING, CTL_EV_PANIC, CTL_PANICKED, 0, 0 },
	FSM_IGNORE(CTL_STOPPING, CTL_EV_GOALS),
	FSM_IGNORE(CTL_STOPPING, CTL_EV_LOG_FULL),
	FSM_IGNORE(CTL_STOPPING, CTL_EV_DEVICE),
	{ CTL_STOPPING, CTL_EV_EXITING, CTL_ENDED, 0, 0 },

	FSM_IGNORE(CTL_PANICKED, CTL_REQ_HELLO),
	FSM_IGNORE(CTL_PANICKED, CTL_REQ_STATUS),
	{ CTL_PANICKED, CTL_REQ_LOG, CTL_PANICKED, 0, 0 },
	FSM_IGNORE(CTL_PANICKED, CTL_EV_PANIC),
	{ CTL_PANICKED, CTL_REQ_HALT, CTL_ENDED, 0, 0 },
	FSM_IGNORE(CTL_PANICKED, CTL_EV_LOG_FULL),
	FSM_IGNORE(CTL_PANICKED, CTL_EV_DEVICE),
	{ CTL_PANICKED, CTL_EV_EXITING, CTL_ENDED, 0, 0 },

	/* The asker may not know yet. */
	FSM_IGNORE(CTL_ENDED, CTL_REQ_HELLO),
	FSM_IGNORE(CTL_ENDED, CTL_REQ_STATUS),
	FSM_IGNORE(CTL_ENDED, CTL_REQ_LOG),
	FSM_IGNORE(CTL_ENDED, CTL_REQ_SHUTDOWN),
	{ CTL_ENDED, CTL_REQ_HALT, CTL_ENDED, 0, 0 }, /* it may go */
	FSM_IGNORE(CTL_ENDED, CTL_EV_EXITING),
};

const struct fsm ctl_fsm = {
	.name = "kzhost",
	.state_names = ctl_state_names,
	.event_names = id_names,
	.n_states = CTL_STATE_N,
	.n_events = CTL_EV_END,
	.initial = CTL_EMPTY,
	.rules = ctl_rules,
	.n_rules = ARRAY_SIZE(ctl_rules),
};

/**
 * ctl_id_name() - Name of a message
 *
 * Return: static string; "?" for a number that is none
 */
const char *ctl_id_name(unsigned id)
{
	return id < CTL_EV_END ? id_names[id] : "?";
}

/* The string ends inside its array and what follows it is zero. */
static bool text_is_sound(const char *s, size_t size)
{
	size_t len = strnlen(s, size);

	if (len == size)
		return false;
	for (; len < size; len++)
		if (s[len])
			return false;
	return true;
}

static int check_hello(const struct ctl_hello *m, struct errmsg *e)
{
	uint32_t min = le32_get(m->min_version), version = le16_get(m->hdr.version);

	if (version < CTL_VERSION || min > CTL_VERSION)
		return errmsg_set(e, -EPROTONOSUPPORT,
				  "hello: versions %u to %u asked, %u spoken here", min,
				  version, CTL_VERSION);
	if (le32_get(m->reserved))
		return errmsg_set(e, -EINVAL, "hello: reserved field is not 0");
	return 0;
}

static int check_create(const struct ctl_create *m, unsigned n_fds, struct errmsg *e)
{
	uint64_t ram = le64_get(m->ram_bytes);
	uint32_t vcpus = le32_get(m->n_vcpus), mask = le32_get(m->fd_mask);
	uint32_t kind = le32_get(m->goals_kind);

	if (mask >> CTL_FD_N)
		return errmsg_set(e, -EINVAL, "create: unknown descriptors, mask %#x",
				  mask);
	if ((unsigned)__builtin_popcount(mask) != n_fds)
		return errmsg_set(e, -EINVAL,
				  "create: %u descriptors came, mask %#x has %d", n_fds,
				  mask, __builtin_popcount(mask));
	if (ram == 0 || ram % RAM_UNIT)
		return errmsg_set(e, -EINVAL, "create: %llu bytes of memory",
				  (unsigned long long)ram);
	if (vcpus == 0 || vcpus > KZ_VCPUS_MAX)
		return errmsg_set(e, -EINVAL, "create: %u vCPUs", vcpus);
	if (!text_is_sound(m->zone, sizeof(m->zone)) || !m->zone[0] ||
	    strlen(m->zone) >= CTL_NAME_SIZE)
		return errmsg_set(e, -EINVAL, "create: bad zone name");
	if (!text_is_sound(m->cmdline, sizeof(m->cmdline)))
		return errmsg_set(e, -EINVAL, "create: command line is not terminated");
	if (!text_is_sound(m->goals, sizeof(m->goals)))
		return errmsg_set(e, -EINVAL, "create: goals are not terminated");
	if (kind >= CTL_GOALS_N || (kind == CTL_GOALS_CONSOLE) != (m->goals[0] != '\0'))
		return errmsg_set(e, -EINVAL, "create: goals of kind %u, %s a text", kind,
				  m->goals[0] ? "with" : "without");
	if (le32_get(m->reserved))
		return errmsg_set(e, -EINVAL, "create: reserved field is not 0");
	return 0;
}

/* A power of two from 1 to the largest. */
static bool is_power(uint32_t n, uint32_t largest)
{
	return n > 0 && n <= largest && !(n & (n - 1));
}

static int check_disk(const struct ctl_disk *m, unsigned n_fds, struct errmsg *e)
{
	uint32_t mem = le32_get(m->mem_align), offset = le32_get(m->offset_align);
	uint32_t block = le32_get(m->block_bytes);

	if (le32_get(m->id) >= CTL_DISK_IDS)
		return errmsg_set(e, -EINVAL, "disk: id %u, at most %u", le32_get(m->id),
				  CTL_DISK_IDS - 1);
	if (n_fds < CTL_DISK_FD_DIRECT)
		return errmsg_set(e, -EINVAL, "disk: %u descriptors", n_fds);
	if (le32_get(m->flags) & ~CTL_DISK_FLAGS)
		return errmsg_set(e, -EINVAL, "disk: unknown flags %#x",
				  le32_get(m->flags));
	if (le64_get(m->bytes) == 0)
		return errmsg_set(e, -EINVAL, "disk: no bytes");
	if (block < 512 || !is_power(block, ALIGN_MAX))
		return errmsg_set(e, -EINVAL, "disk: blocks of %u bytes", block);
	if (n_fds == CTL_DISK_FD_N
		    ? !is_power(mem, ALIGN_MAX) || !is_power(offset, ALIGN_MAX)
		    : mem || offset)
		return errmsg_set(e, -EINVAL,
				  "disk: alignment %u, %u with %u descriptors", mem,
				  offset, n_fds);
	if (!text_is_sound(m->serial, sizeof(m->serial)) ||
	    strlen(m->serial) > CTL_DISK_SERIAL)
		return errmsg_set(e, -EINVAL, "disk: bad serial");
	return 0;
}

int ctl_check_request(const void *msg, size_t len, unsigned n_fds, struct errmsg *e)
{
	const struct ctl_hdr *hdr = msg;
	unsigned id;
	int r = 0;

	if (len < sizeof(*hdr) || len > CTL_MSG_MAX)
		return errmsg_set(e, -EPROTO, "message of %zu bytes", len);
	id = le16_get(hdr->id);
	if (le32_get(hdr->seq) == 0)
		return errmsg_set(e, -EPROTO, "request %u without a sequence number", id);
	if (id == CTL_ID_NONE || id >= CTL_REQ_END)
		return errmsg_set(e, -EINVAL, "unknown request %u", id);
	if (id == CTL_REQ_HELLO && len >= sizeof(struct ctl_hello))
		r = check_hello(msg, e);
	else if (le16_get(hdr->version) != CTL_VERSION)
		r = errmsg_set(e, -EPROTONOSUPPORT, "%s: version %u, %u spoken here",
			       ctl_id_name(id), le16_get(hdr->version), CTL_VERSION);
	if (r < 0)
		return r;
	if (len != requests[id].request_size)
		return errmsg_set(e, -EINVAL, "%s: %zu bytes, expected %zu",
				  ctl_id_name(id), len, requests[id].request_size);
	if (n_fds > requests[id].fds)
		return errmsg_set(e, -EINVAL, "%s: %u descriptors, at most %u",
				  ctl_id_name(id), n_fds, requests[id].fds);
	if (id == CTL_REQ_LOG && n_fds != 1)
		return errmsg_set(e, -EINVAL, "log: no descriptor");
	if (id == CTL_REQ_CREATE)
		r = check_create(msg, n_fds, e);
	if (id == CTL_REQ_DISK)
		r = check_disk(msg, n_fds, e);
	return r < 0 ? r : (int)id;
}

static int bad_answer(struct errmsg *e, unsigned id, const char *what)
{
	return errmsg_set(e, -EPROTO, "%s: %s", ctl_id_name(id), what);
}

static int other_version(const struct ctl_hdr *hdr, struct errmsg *e)
{
	return errmsg_set(e, -EPROTONOSUPPORT, "hello: kzhost speaks version %u, not %u",
			  le16_get(hdr->version), CTL_VERSION);
}

static int check_hello_reply(const struct ctl_hello_reply *m, struct errmsg *e)
{
	if (le32_get(m->error) > ERRNO_MAX)
		return bad_answer(e, CTL_REQ_HELLO, "error out of range");
	if (le32_get(m->error) == EPROTONOSUPPORT)
		return other_version(&m->hdr, e);
	if (le32_get(m->state) >= CTL_STATE_N)
		return bad_answer(e, CTL_REQ_HELLO, "state out of range");
	if (le32_get(m->flags) & ~CTL_HELLO_FLAGS)
		return bad_answer(e, CTL_REQ_HELLO, "unknown flags");
	if (!text_is_sound(m->zone, sizeof(m->zone)) || strlen(m->zone) >= CTL_NAME_SIZE)
		return bad_answer(e, CTL_REQ_HELLO, "bad zone name");
	return 0;
}

static int check_reply(const struct ctl_reply *m, unsigned id, struct errmsg *e)
{
	if (le32_get(m->error) > ERRNO_MAX)
		return bad_answer(e, id, "error out of range");
	if (le32_get(m->reserved))
		return bad_answer(e, id, "reserved field is not 0");
	if (!text_is_sound(m->text, sizeof(m->text)))
		return bad_answer(e, id, "text is not terminated");
	return 0;
}

static int check_exiting(const struct ctl_exiting *m, struct errmsg *e)
{
	if (le32_get(m->cause) >= CTL_CAUSE_N)
		return bad_answer(e, CTL_EV_EXITING, "cause out of range");
	if (le32_get(m->reserved))
		return bad_answer(e, CTL_EV_EXITING, "reserved field is not 0");
	if (!text_is_sound(m->text, sizeof(m->text)))
		return bad_answer(e, CTL_EV_EXITING, "text is not terminated");
	return 0;
}

/* Expected size of an answer; 0 when there is none of that id. */
static size_t answer_size(unsigned id)
{
	if (id > CTL_ID_NONE && id < CTL_REQ_END)
		return requests[id].reply_size;
	if (id > CTL_EV_BASE && id < CTL_EV_END)
		return event_sizes[id - CTL_EV_BASE];
	return 0;
}

/* The fields of an answer whose size is right. */
static int check_body(unsigned id, const void *msg, struct errmsg *e)
{
	const struct ctl_status_reply *status = msg;

	switch (id) {
	case CTL_REQ_HELLO:
		return check_hello_reply(msg, e);
	case CTL_REQ_STATUS:
		if (le32_get(status->state) >= CTL_STATE_N)
			return bad_answer(e, id, "state out of range");
		if (le32_get(status->disk_engine) >= CTL_ENGINE_N)
			return bad_answer(e, id, "disk engine out of range");
		return 0;
	case CTL_EV_EXITING:
		return check_exiting(msg, e);
	case CTL_EV_PANIC:
	case CTL_EV_GOALS:
	case CTL_EV_LOG_FULL:
	case CTL_EV_DEVICE:
		return 0;
	default:
		return check_reply(msg, id, e);
	}
}

int ctl_check_answer(const void *msg, size_t len, struct errmsg *e)
{
	const struct ctl_hdr *hdr = msg;
	size_t expected;
	unsigned id;
	int r;

	if (len < sizeof(*hdr) || len > CTL_MSG_MAX)
		return errmsg_set(e, -EPROTO, "message of %zu bytes", len);
	id = le16_get(hdr->id);
	/* Of what else is in it only that version knows. */
	if (id == CTL_REQ_HELLO && le16_get(hdr->version) != CTL_VERSION)
		return other_version(hdr, e);
	expected = answer_size(id);
	if (!expected)
		return errmsg_set(e, -EPROTO, "unknown message %u", id);
	if (len != expected)
		return errmsg_set(e, -EPROTO, "%s: %zu bytes, expected %zu",
				  ctl_id_name(id), len, expected);
	if (le16_get(hdr->version) != CTL_VERSION)
		return bad_answer(e, id, "wrong version");
	if ((le32_get(hdr->seq) == 0) != (id > CTL_EV_BASE))
		return bad_answer(e, id, "wrong sequence number");
	r = check_body(id, msg, e);
	return r < 0 ? r : (int)id;
}
