/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_vcon_state.c - what waits in a console's ports is saved, and what its driver knows
 */
#include "tests/unit/vcon_bed.h"

static void stop_and_save(struct bed *b, struct buf *out)
{
	vdev_stop(b->v);
	T_TRUE(vdev_wait_stopped(b->v, 10000));
	buf_clear(out);
	T_OK(virtio_pci_save(&b->p, out));
}

static int load(struct bed *b, const struct buf *record, struct errmsg *e)
{
	struct state_reader r;
	int err;

	T_OK(state_open(&r, DEVSTATE_VERSION, record->p, record->len, e));
	err = virtio_pci_load(&b->p, &r, e);
	return err < 0 ? err : state_end(&r, e);
}

/* The guest of @from goes on with @to. */
static void go_on(struct bed *to, struct bed *from)
{
	memcpy(vmem_at(&to->m.mem, 0), vmem_at(&from->m.mem, 0), MEM);
	memcpy(to->ring, from->ring, sizeof(to->ring));
	for (unsigned i = 0; i < VCON_QUEUES; i++)
		to->ring[i].mem = &to->m.mem;
	pci_place(&to->m.pci);
	T_OK(slow_start(&to->slow, &to->env));
}

TEST(vcon_state, what_waits_is_saved_and_comes_to_its_reader)
{
	cleanup(buf_fini) struct buf record = { 0 };
	struct errmsg e = { "" };
	uint8_t got[PAGE];
	BED(a);
	MADE(b);

	/* Two ports are open; of the last one the driver has not heard, nor yet of the
	 * name of the second. */
	bring_up(a, VCON_F_MULTIPORT, VCON_QUEUES);
	say(a, ~0u, VCON_DEVICE_READY, 1);
	say(a, VCON_AGENT, VCON_PORT_READY, 1);
	say(a, VCON_AGENT, VCON_PORT_OPEN, 1);
	say(a, VCON_CONSOLE, VCON_PORT_OPEN, 1);
	T_EQ(vcon_write(a->v, VCON_CONSOLE, "typed", 5), 5);
	T_EQ(vcon_write(a->v, VCON_AGENT, "ask", 3), 3);
	send(a, TX0, "said", 4);
	send(a, TX2, "goal", 4);
	stop_and_save(a, &record);
	T_OK(load(b, &record, &e));
	T_TRUE(was_woken(b));
	go_on(b, a);
	T_TRUE(vcon_is_open(b->v, VCON_CONSOLE) && vcon_is_open(b->v, VCON_AGENT));
	T_FALSE(vcon_is_open(b->v, VCON_GOALS));
	T_STREQ(read_all(b, VCON_CONSOLE), "said");
	T_STREQ(read_all(b, VCON_GOALS), "goal");
	for (unsigned i = 0; i < SIZE; i++)
		offer(b, CTL_IN, i, PAGE);
	expect_message(b, VCON_CONSOLE, VCON_DEVICE_ADD, "");
	expect_message(b, VCON_AGENT, VCON_PORT_NAME, "org.qemu.guest_agent.0");
	expect_message(b, VCON_AGENT, VCON_PORT_OPEN, "");
	expect_message(b, VCON_GOALS, VCON_DEVICE_ADD, "");
	offer(b, RX0, 0, PAGE);
	T_EQ(receive(b, RX0, got), 5);
	T_EQ(memcmp(got, "typed", 5), 0);
	offer(b, RX1, 0, PAGE);
	T_EQ(receive(b, RX1, got), 3);
	T_EQ(memcmp(got, "ask", 3), 0);
	expect_healthy(b);
}

/* In a record that ends with three empty ports: what is to be told, open, in, out; and
 * the configuration. */
#define PORT_BYTES   10u
#define CONFIG_BYTES 8u

TEST(vcon_state, ports_that_no_driver_can_bring_about_are_refused)
{
	enum { NOT_DRIVEN, NO_PORTS, PORTS };
	static const struct {
		unsigned driver, port, at;
		uint8_t value;
		const char *why;
	} sins[] = {
		{ PORTS, 0, 0, 0x10, "port[VCON_CONSOLE].tell is 10, only bits of f " },
		{ PORTS, 0, 0, 3, "port 0 is told 3" },  /* to add it, and about it */
		{ PORTS, 0, 0, 12, "port 0 is told c" }, /* it has no name */
		{ PORTS, 2, 0, 10, "port 2 is told a" }, /* it is no console */
		{ PORTS, 1, 1, 2, "port[VCON_AGENT].guest_open is 2, at most 1" },
		{ PORTS, 1, 3, 5, "port[VCON_AGENT].in has 1280 bytes, room is for " },
		{ PORTS, 2, 9, 1, "port[VCON_GOALS].out has 16777216 bytes" },
		{ PORTS, 2, 2, 4, "4 bytes wait for port 2" }, /* which is closed */
		{ NO_PORTS, 1, 1, 1, "port 1 is open" },
		{ NO_PORTS, 0, 0, 1, "port 0 is told 1" },
		{ NOT_DRIVEN, 0, 1, 1, "port 0 is open" },
		{ NOT_DRIVEN, 1, 0, 8, "port 1 is told 8" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(sins); i++) {
		cleanup(buf_fini) struct buf record = { 0 };
		struct errmsg e = { "" };
		size_t ports;
		BED(a);
		MADE(b);

		if (sins[i].driver != NOT_DRIVEN)
			bring_up(a, sins[i].driver == PORTS ? VCON_F_MULTIPORT : 0,
				 sins[i].driver == PORTS ? VCON_QUEUES : 2);
		stop_and_save(a, &record);
		ports = record.len - CONFIG_BYTES - VCON_PORTS * PORT_BYTES;
		record.p[ports + sins[i].port * PORT_BYTES + sins[i].at] =
			(char)sins[i].value;
		T_EQ(load(b, &record, &e), -EINVAL);
		T_HAS(e.text, sins[i].why);
		T_FALSE(was_woken(b));
	}
}
