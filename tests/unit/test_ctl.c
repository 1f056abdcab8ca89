// SPDX-License-Identifier: BSD-2-Clause
/*
 * test_ctl.c - the control protocol's tables, and what a hostile peer may send
 */
#include "common/proto/ctl.h"
#include "tests/harness/harness.h"

#include <sys/random.h>

static struct ctl_hdr header(unsigned id, uint32_t seq)
{
	return (struct ctl_hdr){ le16_of((uint16_t)id), le16_of(CTL_VERSION),
				 le32_of(seq) };
}

static struct ctl_create good_create(void)
{
	struct ctl_create m = {
		.hdr = header(CTL_REQ_CREATE, 7),
		.ram_bytes = le64_of(64 * MIB),
		.n_vcpus = le32_of(2),
		.fd_mask = le32_of(1u << CTL_FD_KVM | 1u << CTL_FD_KERNEL |
				   1u << CTL_FD_LOG),
	};

	strcpy(m.zone, "web");
	strcpy(m.cmdline, "console=ttyS0");
	return m;
}

TEST(ctl, state_machine_is_sound)
{
	struct errmsg e = { "" };

	if (fsm_check(&ctl_fsm, &e) < 0)
		T_FAIL("%s", e.text);
}

TEST(ctl, every_id_has_a_name_and_no_two_the_same)
{
	for (unsigned i = 0; i < CTL_EV_END; i++) {
		bool message = (i > CTL_ID_NONE && i < CTL_REQ_END) || i > CTL_EV_BASE;

		T_EQ(strcmp(ctl_id_name(i), "?") != 0, message);
		for (unsigned j = 0; message && j < i; j++)
			T_TRUE(strcmp(ctl_id_name(i), ctl_id_name(j)) != 0);
	}
	T_STREQ(ctl_id_name(CTL_EV_END), "?");
	T_STREQ(ctl_id_name(CTL_REQ_SHUTDOWN), "shutdown");
	T_STREQ(ctl_id_name(CTL_EV_EXITING), "exiting");
	for (unsigned i = 0; i < CTL_STATE_N; i++)
		T_NOT_NULL(ctl_state_names[i]);
	for (unsigned i = 0; i < CTL_CAUSE_N; i++)
		T_NOT_NULL(ctl_cause_names[i]);
}

TEST(ctl, every_request_is_legal_somewhere)
{
	for (unsigned id = 1; id < CTL_REQ_END; id++) {
		unsigned legal = 0;

		for (unsigned s = 0; s < CTL_STATE_N; s++)
			legal += fsm_find(&ctl_fsm, s, id) != NULL;
		T_TRUE(legal > 0);
	}
	T_NULL(fsm_find(&ctl_fsm, CTL_RUNNING, CTL_REQ_CREATE));
	T_NULL(fsm_find(&ctl_fsm, CTL_EMPTY, CTL_REQ_START));
}

TEST(ctl, sound_requests_pass)
{
	struct ctl_plain plain = { header(CTL_REQ_START, 1) };
	struct ctl_hello hello = { .hdr = header(CTL_REQ_HELLO, 1),
				   .min_version = le32_of(1) };
	struct ctl_create create = good_create();
	struct errmsg e = { "" };

	T_EQ(ctl_check_request(&plain, sizeof(plain), 0, &e), CTL_REQ_START);
	T_EQ(ctl_check_request(&hello, sizeof(hello), 0, &e), CTL_REQ_HELLO);
	T_EQ(ctl_check_request(&create, sizeof(create), 3, &e), CTL_REQ_CREATE);
}

TEST(ctl, what_is_no_message_ends_the_connection)
{
	struct ctl_plain plain = { header(CTL_REQ_START, 1) };
	static const char big[CTL_MSG_MAX + 1];
	struct errmsg e = { "" };

	for (size_t len = 0; len < sizeof(struct ctl_hdr); len++)
		T_EQ(ctl_check_request(&plain, len, 0, &e), -EPROTO);
	T_EQ(ctl_check_request(big, sizeof(big), 0, &e), -EPROTO);
	plain.hdr.seq = le32_of(0);
	T_EQ(ctl_check_request(&plain, sizeof(plain), 0, &e), -EPROTO);
}

TEST(ctl, short_and_long_requests_are_refused)
{
	struct ctl_create create = good_create();
	char room[sizeof(create) + 1] = { 0 };
	struct errmsg e = { "" };

	memcpy(room, &create, sizeof(create));
	for (size_t len = sizeof(struct ctl_hdr); len <= sizeof(room); len++) {
		int r = ctl_check_request(room, len, 3, &e);

		T_EQ(r, len == sizeof(create) ? CTL_REQ_CREATE : -EINVAL);
	}
	T_HAS(e.text, "create: 2305 bytes, expected 2304");
}

TEST(ctl, unknown_ids_are_refused)
{
	struct ctl_plain plain;
	struct errmsg e;

	for (unsigned id = 0; id <= UINT16_MAX; id++) {
		plain.hdr = header(id, 1);
		if (id == CTL_ID_NONE || id >= CTL_REQ_END)
			T_EQ(ctl_check_request(&plain, sizeof(plain), 0, &e), -EINVAL);
	}
}

TEST(ctl, versions_must_meet)
{
	struct ctl_plain plain = { header(CTL_REQ_START, 1) };
	struct ctl_hello hello = { .hdr = header(CTL_REQ_HELLO, 1),
				   .min_version = le32_of(1) };
	struct errmsg e = { "" };

	plain.hdr.version = le16_of(CTL_VERSION + 1);
	T_EQ(ctl_check_request(&plain, sizeof(plain), 0, &e), -EPROTONOSUPPORT);
	hello.hdr.version = le16_of(CTL_VERSION + 5);
	T_EQ(ctl_check_request(&hello, sizeof(hello), 0, &e), CTL_REQ_HELLO);
	hello.min_version = le32_of(CTL_VERSION + 1);
	T_EQ(ctl_check_request(&hello, sizeof(hello), 0, &e), -EPROTONOSUPPORT);
	hello.min_version = le32_of(0);
	hello.hdr.version = le16_of(0);
	T_EQ(ctl_check_request(&hello, sizeof(hello), 0, &e), -EPROTONOSUPPORT);
}

TEST(ctl, descriptors_are_counted)
{
	struct ctl_plain plain = { header(CTL_REQ_START, 1) };
	struct ctl_create create = good_create();
	struct errmsg e = { "" };

	T_EQ(ctl_check_request(&plain, sizeof(plain), 1, &e), -EINVAL);
	T_HAS(e.text, "start: 1 descriptors, at most 0");
	for (unsigned n = 0; n < 20; n++)
		T_EQ(ctl_check_request(&create, sizeof(create), n, &e),
		     n == 3 ? CTL_REQ_CREATE : -EINVAL);
	create.fd_mask = le32_of(1u << CTL_FD_N);
	T_EQ(ctl_check_request(&create, sizeof(create), 1, &e), -EINVAL);
	create.fd_mask = le32_of(UINT32_MAX);
	T_EQ(ctl_check_request(&create, sizeof(create), 5, &e), -EINVAL);
}

/* Changes one thing about a sound CREATE and looks at the refusal. */
#define REFUSED(change, words) \
	do { \
		struct ctl_create m = good_create(); \
		struct errmsg e = { "" }; \
		change; \
		T_EQ(ctl_check_request(&m, sizeof(m), 3, &e), -EINVAL); \
		T_HAS(e.text, words); \
	} while (0)

TEST(ctl, each_field_of_create_is_checked)
{
	REFUSED(m.ram_bytes = le64_of(0), "0 bytes of memory");
	REFUSED(m.ram_bytes = le64_of(64 * MIB + 4096), "bytes of memory");
	REFUSED(m.n_vcpus = le32_of(0), "0 vCPUs");
	REFUSED(m.n_vcpus = le32_of(65), "65 vCPUs");
	REFUSED(m.zone[0] = '\0', "bad zone name");
	REFUSED(memset(m.zone, 0, sizeof(m.zone)), "bad zone name");
	REFUSED(memset(m.zone, 'x', sizeof(m.zone)), "bad zone name");
	REFUSED(memset(m.zone, 'x', CTL_NAME_SIZE), "bad zone name");
	REFUSED(m.zone[10] = 'x', "bad zone name");
	REFUSED(memset(m.cmdline, 'x', sizeof(m.cmdline)), "not terminated");
	REFUSED(memset(m.goals, 'x', sizeof(m.goals)), "goals are not terminated");
	REFUSED(m.goals[0] = 'x', "goals of kind 0, with a text");
	REFUSED(m.goals_kind = le32_of(CTL_GOALS_CONSOLE), "goals of kind 1, without");
	REFUSED(m.goals_kind = le32_of(CTL_GOALS_N), "goals of kind 4, without");
	REFUSED(m.goals_kind = le32_of(0xffffffff), "goals of kind 4294967295");
	REFUSED((m.goals_kind = le32_of(CTL_GOALS_PORT), m.goals[0] = 'x'),
		"goals of kind 2, with a text");
	REFUSED(m.reserved = le32_of(1), "reserved field");
}

static struct ctl_disk good_disk(void)
{
	return (struct ctl_disk){ .hdr = header(CTL_REQ_DISK, 1),
				  .block_bytes = le32_of(4096),
				  .bytes = le64_of(1),
				  .mem_align = le32_of(512),
				  .offset_align = le32_of(512),
				  .serial = "kz-0" };
}

TEST(ctl, each_field_of_disk_is_checked)
{
	struct ctl_disk bad[] = { good_disk(), good_disk(), good_disk(), good_disk(),
				  good_disk(), good_disk(), good_disk(), good_disk() };
	static const char *const words[] = { "id 16",         "flags",
					     "no bytes",      "blocks of 256",
					     "blocks of 768", "alignment",
					     "alignment",     "serial" };
	struct ctl_disk good = good_disk();
	struct errmsg e = { "" };

	T_EQ(ctl_check_request(&good, sizeof(good), 3, &e), CTL_REQ_DISK);
	T_EQ(ctl_check_request(&good, sizeof(good), 2, &e), -EINVAL);
	T_EQ(ctl_check_request(&good, sizeof(good), 1, &e), -EINVAL);
	T_EQ(ctl_check_request(&good, sizeof(good), 4, &e), -EINVAL);
	good.mem_align = good.offset_align = le32_of(0);
	T_EQ(ctl_check_request(&good, sizeof(good), 2, &e), CTL_REQ_DISK);
	bad[0].id = le32_of(CTL_DISK_IDS);
	bad[1].flags = le32_of(CTL_DISK_FLAGS + 1);
	bad[2].bytes = le64_of(0);
	bad[3].block_bytes = le32_of(256);
	bad[4].block_bytes = le32_of(768);
	bad[5].mem_align = le32_of(3);
	bad[6].offset_align = le32_of(131072);
	memset(bad[7].serial, 'x', CTL_DISK_SERIAL + 1);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		T_EQ(ctl_check_request(&bad[i], sizeof(bad[i]), 3, &e), -EINVAL);
		T_HAS(e.text, words[i]);
	}
}

TEST(ctl, reserved_fields_of_hello_are_checked)
{
	struct ctl_hello hello = { .hdr = header(CTL_REQ_HELLO, 1),
				   .min_version = le32_of(1),
				   .reserved = le32_of(1) };
	struct errmsg e = { "" };

	T_EQ(ctl_check_request(&hello, sizeof(hello), 0, &e), -EINVAL);
}

TEST(ctl, sound_answers_pass)
{
	struct ctl_reply reply = { .hdr = header(CTL_REQ_CREATE, 3),
				   .error = le32_of(ENOMEM),
				   .text = "no memory" };
	struct ctl_hello_reply hello = { .hdr = header(CTL_REQ_HELLO, 1), .zone = "db" };
	struct ctl_status_reply status = { .hdr = header(CTL_REQ_STATUS, 2) };
	struct ctl_plain panic = { header(CTL_EV_PANIC, 0) };
	struct ctl_plain goals = { header(CTL_EV_GOALS, 0) };
	struct ctl_exiting exiting = { .hdr = header(CTL_EV_EXITING, 0),
				       .cause = le32_of(CTL_CAUSE_RESET) };
	struct errmsg e = { "" };

	T_EQ(ctl_check_answer(&reply, sizeof(reply), &e), CTL_REQ_CREATE);
	T_EQ(ctl_check_answer(&hello, sizeof(hello), &e), CTL_REQ_HELLO);
	T_EQ(ctl_check_answer(&status, sizeof(status), &e), CTL_REQ_STATUS);
	T_EQ(ctl_check_answer(&panic, sizeof(panic), &e), CTL_EV_PANIC);
	T_EQ(ctl_check_answer(&goals, sizeof(goals), &e), CTL_EV_GOALS);
	T_EQ(ctl_check_answer(&exiting, sizeof(exiting), &e), CTL_EV_EXITING);
}

TEST(ctl, each_field_of_an_answer_is_checked)
{
	struct ctl_reply reply = { .hdr = header(CTL_REQ_START, 3) };
	struct ctl_exiting exiting = { .hdr = header(CTL_EV_EXITING, 0) };
	struct ctl_hello_reply hello = { .hdr = header(CTL_REQ_HELLO, 1), .zone = "db" };
	struct ctl_status_reply status = { .hdr = header(CTL_REQ_STATUS, 2),
					   .state = le32_of(CTL_STATE_N) };
	struct errmsg e = { "" };

	T_EQ(ctl_check_answer(&reply, sizeof(reply) - 1, &e), -EPROTO);
	T_EQ(ctl_check_answer(&reply, 7, &e), -EPROTO);
	memset(reply.text, 'x', sizeof(reply.text));
	T_EQ(ctl_check_answer(&reply, sizeof(reply), &e), -EPROTO);
	reply = (struct ctl_reply){ .hdr = header(CTL_REQ_START, 3),
				    .error = le32_of(4096) };
	T_EQ(ctl_check_answer(&reply, sizeof(reply), &e), -EPROTO);
	reply = (struct ctl_reply){ .hdr = header(CTL_REQ_START, 0) };
	T_EQ(ctl_check_answer(&reply, sizeof(reply), &e), -EPROTO);
	exiting.cause = le32_of(CTL_CAUSE_N);
	T_EQ(ctl_check_answer(&exiting, sizeof(exiting), &e), -EPROTO);
	exiting = (struct ctl_exiting){ .hdr = header(CTL_EV_EXITING, 1) };
	T_EQ(ctl_check_answer(&exiting, sizeof(exiting), &e), -EPROTO);
	T_EQ(ctl_check_answer(&status, sizeof(status), &e), -EPROTO);
	status.state = le32_of(CTL_RUNNING);
	status.disk_engine = le32_of(CTL_ENGINE_N);
	T_EQ(ctl_check_answer(&status, sizeof(status), &e), -EPROTO);
	hello.hdr.version = le16_of(2);
	T_EQ(ctl_check_answer(&hello, sizeof(hello), &e), -EPROTONOSUPPORT);
	hello.hdr.version = le16_of(CTL_VERSION);
	hello.state = le32_of(CTL_STATE_N);
	T_EQ(ctl_check_answer(&hello, sizeof(hello), &e), -EPROTO);
	hello.state = le32_of(CTL_RUNNING);
	hello.flags = le32_of(CTL_HELLO_FLAGS);
	T_EQ(ctl_check_answer(&hello, sizeof(hello), &e), CTL_REQ_HELLO);
	for (uint32_t bit = 1; bit; bit <<= 1) {
		hello.flags = le32_of(bit);
		T_EQ(ctl_check_answer(&hello, sizeof(hello), &e),
		     bit & CTL_HELLO_FLAGS ? CTL_REQ_HELLO : -EPROTO);
	}
}

TEST(ctl, garbage_never_passes_and_never_crashes)
{
	char *room = malloc(CTL_MSG_MAX);
	struct errmsg e;

	T_NOT_NULL(room);
	for (unsigned i = 0; i < 20000; i++) {
		size_t len;

		T_EQ(getrandom(&len, sizeof(len), 0), sizeof(len));
		len %= 400;
		T_EQ(getrandom(room, len, 0), len);
		if (len >= 2)
			room[1] = 0; /* known ids more often */
		T_TRUE(ctl_check_answer(room, len, &e) < 0 || len == 56 || len == 8);
		T_TRUE(ctl_check_request(room, len, i % 8, &e) < 0 || len == 8);
	}
	free(room);
}
