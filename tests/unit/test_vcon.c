/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_vcon.c - the console and its ports on their thread, driven through the bus
 */
#include "tests/unit/vcon_bed.h"

TEST(vcon, offers_ports_and_says_how_many)
{
	BED(b);

	T_EQ(vdriver_offered(&b->d) & 0xffffff, VCON_F_MULTIPORT);
	T_EQ(vdriver_read(&b->d, b->d.device, 4), 0); /* columns and rows */
	T_EQ(vdriver_read(&b->d, b->d.device + 4, 4), VCON_PORTS);
	T_EQ(vdriver_read(&b->d, b->d.device + 4, 1), VCON_PORTS);
	T_EQ(vdriver_read(&b->d, b->d.device + 8, 4), 0xffffffff);
	T_EQ(vdriver_read(&b->d, b->d.common + VD_N_QUEUES, 2), VCON_QUEUES);
}

TEST(vcon, tells_its_ports_with_names)
{
	BED(b);

	bring_up_ports(b, 0);
	expect_healthy(b);
}

TEST(vcon, output_of_each_port_stays_its_own)
{
	static const uint64_t features[] = { 0, VIRTIO_F_EVENT_IDX };
	BED(b);

	for (unsigned f = 0; f < ARRAY_SIZE(features); f++) {
		bring_up_ports(b, features[f]);
		send(b, TX0, "console", 7);
		send(b, TX2, "x", 1);
		send(b, TX1, "agent", 5);
		send(b, TX0, " more", 5);
		T_STREQ(read_all(b, VCON_CONSOLE), "console more");
		T_STREQ(read_all(b, VCON_AGENT), "agent");
		T_STREQ(read_all(b, VCON_GOALS), "x");
		vbed_wait_irq(&b->m, SLOT, TX2 + 1);
	}
}

TEST(vcon, input_goes_into_buffers_as_they_come)
{
	static const uint64_t features[] = { 0, VIRTIO_F_EVENT_IDX };
	char got[PAGE];
	BED(b);

	for (unsigned f = 0; f < ARRAY_SIZE(features); f++) {
		bring_up_ports(b, features[f]);
		/* Buffers first. */
		offer(b, RX0, 0, PAGE);
		T_EQ(vcon_write(b->v, VCON_CONSOLE, "first", 5), 5);
		T_EQ(receive(b, RX0, got), 5);
		T_EQ(memcmp(got, "first", 5), 0);
		vbed_wait_irq(&b->m, SLOT, RX0 + 1);
		/* Input first, and buffers too small for all of it. */
		T_EQ(vcon_write(b->v, VCON_AGENT, "abcdef", 6), 6);
		offer(b, RX1, 0, 4);
		T_EQ(receive(b, RX1, got), 4);
		T_EQ(memcmp(got, "abcd", 4), 0);
		T_EQ(receive(b, RX1, got), 2);
		T_EQ(memcmp(got, "ef", 2), 0);
		T_EQ(vring_used_idx(&b->ring[RX2]), 0);
	}
}

TEST(vcon, console_input_is_taken_as_it_fits_and_room_wakes)
{
	uint8_t data[10000], got[PAGE];
	size_t n, given = 0;
	BED(b);

	for (unsigned i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7);
	bring_up_ports(b, 0);
	n = vcon_write(b->v, VCON_CONSOLE, data, sizeof(data));
	T_EQ(n, 4096);
	while (was_woken(b))
		;
	offer(b, RX0, 0, PAGE);
	while (given < sizeof(data)) {
		uint32_t len;

		if (n < sizeof(data) && given == n) {
			wait_woken(b);
			n += vcon_write(b->v, VCON_CONSOLE, data + n, sizeof(data) - n);
		}
		len = receive(b, RX0, got);
		T_EQ(memcmp(got, data + given, len), 0);
		given += len;
	}
}

TEST(vcon, a_named_port_takes_all_or_nothing_and_only_when_open)
{
	char message[600] = "";
	BED(b);

	T_EQ(vcon_write(b->v, VCON_AGENT, message, 10), 0);
	bring_up_ports(b, 0);
	T_EQ(vcon_write(b->v, VCON_AGENT, message, 600), 600);
	T_EQ(vcon_write(b->v, VCON_AGENT, message, 600), 0);
	T_EQ(vcon_write(b->v, VCON_AGENT, message, 424), 424);
	T_EQ(vcon_write(b->v, VCON_AGENT, message, 1), 0);
	/* Closed, what waits is gone; the others do not notice. */
	T_EQ(vcon_write(b->v, VCON_GOALS, "g", 1), 1);
	say(b, VCON_AGENT, VCON_PORT_OPEN, 0);
	T_EQ(vcon_is_open(b->v, VCON_AGENT), false);
	T_EQ(vcon_write(b->v, VCON_AGENT, message, 1), 0);
	say(b, VCON_AGENT, VCON_PORT_OPEN, 1);
	T_EQ(vcon_write(b->v, VCON_AGENT, "new", 3), 3);
	offer(b, RX1, 0, PAGE);
	T_EQ(receive(b, RX1, message), 3);
	T_EQ(memcmp(message, "new", 3), 0);
	offer(b, RX2, 0, PAGE);
	T_EQ(receive(b, RX2, message), 1);
}

TEST(vcon, opening_and_closing_wake)
{
	BED(b);

	bring_up_ports(b, 0);
	while (was_woken(b))
		;
	say(b, VCON_GOALS, VCON_PORT_OPEN, 1);
	T_EQ(was_woken(b), false); /* it was */
	say(b, VCON_GOALS, VCON_PORT_OPEN, 0);
	wait_woken(b);
	say(b, VCON_GOALS, VCON_PORT_OPEN, 1);
	wait_woken(b);
	vdriver_reset(&b->d);
	wait_woken(b);
	T_EQ(vcon_is_open(b->v, VCON_CONSOLE), false);
}

TEST(vcon, output_wakes_who_found_none_and_at_half)
{
	char data[PAGE] = "";
	BED(b);

	bring_up_ports(b, 0);
	while (was_woken(b))
		;
	T_STREQ(read_all(b, VCON_GOALS), "");
	send(b, TX2, data, 1);
	T_EQ(was_woken(b), true);
	send(b, TX2, data, 100);
	T_EQ(was_woken(b), false);
	send(b, TX2, data, 2000);
	T_EQ(was_woken(b), true);
	send(b, TX2, data, PAGE);
	T_EQ(was_woken(b), false);
}

TEST(vcon, what_nobody_reads_is_dropped_oldest_first_and_counted)
{
	uint64_t bytes, lost;
	char piece[PAGE], got[4100];
	BED(b);

	bring_up_ports(b, 0);
	for (unsigned i = 0; i < 200; i++) {
		memset(piece, 'a' + (int)(i % 26), sizeof(piece));
		send(b, TX1, piece, 1000);
	}
	vcon_counts(b->v, VCON_AGENT, &bytes, &lost);
	T_EQ(bytes, 200000);
	T_EQ(lost, 200000 - 4096);
	T_EQ(vcon_read(b->v, VCON_AGENT, got, sizeof(got)), 4096);
	T_EQ(got[0], 'a' + 195 % 26);
	T_EQ(got[4095], 'a' + 199 % 26);
	vcon_counts(b->v, VCON_CONSOLE, &bytes, &lost);
	T_EQ(bytes + lost, 0);
	expect_healthy(b);
}

TEST(vcon, of_a_huge_buffer_the_end_is_kept)
{
	const uint32_t len = 3u << 20;
	uint64_t bytes, lost;
	uint32_t id, used;
	BED(b);

	bring_up_ports(b, 0);
	memset(vmem_at(&b->m.mem, 4u << 20), 'o', len);
	memcpy(vmem_at(&b->m.mem, (4u << 20) + len - 3), "end", 3);
	/* Many times the same: 130 buffers are the most of one chain, here 31. */
	for (unsigned i = 0; i < SIZE - 1; i++)
		vring_desc(&b->ring[TX0], i, 4u << 20, len, i < SIZE - 2 ? VRING_NEXT : 0,
			   i + 1);
	vring_post(&b->ring[TX0], 0);
	vdriver_kick(&b->d, TX0);
	vdriver_wait_used(&b->ring[TX0], &id, &used);
	vcon_counts(b->v, VCON_CONSOLE, &bytes, &lost);
	T_EQ(bytes, (uint64_t)len * (SIZE - 1));
	T_EQ(lost, bytes - 65536);
	T_STREQ(read_all(b, VCON_CONSOLE) + 65533, "end");
	expect_healthy(b);
}

TEST(vcon, one_that_floods_a_port_does_not_starve_another)
{
	BED(b);

	bring_up_ports(b, 0);
	for (unsigned round = 0; round < 50; round++) {
		struct vring *r = &b->ring[TX1];
		uint32_t id, len;

		while ((uint16_t)(r->avail_idx - r->used_seen) < SIZE) {
			unsigned i = r->avail_idx % SIZE;

			vring_desc(r, i, 4u << 20, 65536, 0, 0);
			vring_post(r, (uint16_t)i);
		}
		vdriver_kick(&b->d, TX1);
		send(b, TX0, "x", 1);
		T_STREQ(read_all(b, VCON_CONSOLE), "x");
		while (vring_take(r, &id, &len))
			T_EQ(len, 0);
	}
}

TEST(vcon, without_ports_there_is_a_console)
{
	char got[PAGE];
	BED(b);

	/* It sets up the other queues as well, which are none now. */
	bring_up(b, 0, VCON_QUEUES);
	send(b, TX0, "plain", 5);
	T_STREQ(read_all(b, VCON_CONSOLE), "plain");
	offer(b, RX0, 0, PAGE);
	T_EQ(vcon_is_open(b->v, VCON_CONSOLE), true);
	T_EQ(vcon_is_open(b->v, VCON_AGENT), false);
	T_EQ(vcon_write(b->v, VCON_CONSOLE, "in", 2), 2);
	T_EQ(receive(b, RX0, got), 2);
	offer(b, CTL_IN, 0, PAGE);
	vring_desc(&b->ring[CTL_OUT], 0, page(CTL_OUT, 0), 8, 0, 0);
	vring_post(&b->ring[CTL_OUT], 0);
	vdriver_kick(&b->d, CTL_OUT);
	expect_healthy(b);
	T_EQ(vring_used_idx(&b->ring[CTL_IN]) + vring_used_idx(&b->ring[CTL_OUT]), 0);
}

TEST(vcon, control_messages_that_make_no_sense_are_ignored_and_counted)
{
	static const struct {
		uint32_t id;
		unsigned event;
	} bad[] = {
		{ 0, VCON_DEVICE_ADD },
		{ 0, VCON_DEVICE_REMOVE },
		{ 0, VCON_CONSOLE_PORT },
		{ 0, VCON_RESIZE },
		{ 0, VCON_PORT_NAME },
		{ 0, 8 },
		{ 0, 0xffff },
		{ VCON_PORTS, VCON_PORT_READY },
		{ VCON_PORTS, VCON_PORT_OPEN },
		{ 0xffffffff, VCON_PORT_OPEN },
		{ 0x80000001, VCON_PORT_READY },
	};
	BED(b);

	bring_up_ports(b, 0);
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
		say(b, bad[i].id, bad[i].event, 1);
	for (uint32_t len = 1; len < 8; len++)
		send(b, CTL_OUT, "\0\0\0\0\0\0\0", len);
	T_EQ(atomic_load(&b->v->guest_errors), ARRAY_SIZE(bad) + 7);
	/* Nothing came of it; a longer one is read as far as it is known. */
	T_EQ(vring_used_idx(&b->ring[CTL_IN]), b->ring[CTL_IN].used_seen);
	send(b, CTL_OUT, "\1\0\0\0\3\0\1\0more", 12);
	expect_message(b, 1, VCON_PORT_NAME, "org.qemu.guest_agent.0");
	expect_message(b, 1, VCON_PORT_OPEN, "");
	T_EQ(atomic_load(&b->v->guest_errors), ARRAY_SIZE(bad) + 7);
	expect_healthy(b);
}

TEST(vcon, a_driver_that_cannot_have_ports_hears_of_none)
{
	BED(b);

	bring_up(b, VCON_F_MULTIPORT, VCON_QUEUES);
	say(b, 0, VCON_DEVICE_READY, 1);
	say(b, 0, VCON_DEVICE_READY, 0);
	say(b, VCON_AGENT, VCON_PORT_READY, 1);
	say(b, VCON_AGENT, VCON_PORT_READY, 0);
	for (unsigned i = 0; i < 4; i++)
		offer(b, CTL_IN, i, PAGE);
	say(b, VCON_GOALS, VCON_PORT_READY, 1);
	expect_message(b, VCON_GOALS, VCON_PORT_NAME, "org.kzones.goals");
	expect_message(b, VCON_GOALS, VCON_PORT_OPEN, "");
	T_EQ(vring_used_idx(&b->ring[CTL_IN]), 2);
}

TEST(vcon, asking_again_and_again_makes_nothing_grow)
{
	BED(b);

	bring_up(b, VCON_F_MULTIPORT, VCON_QUEUES);
	for (unsigned i = 0; i < 500; i++)
		say(b, 0, VCON_DEVICE_READY, 1);
	for (unsigned i = 0; i < SIZE; i++)
		offer(b, CTL_IN, i, PAGE);
	for (unsigned i = 0; i < VCON_PORTS; i++)
		expect_message(b, i, VCON_DEVICE_ADD, "");
	say(b, 0, VCON_PORT_READY, 1);
	expect_message(b, 0, VCON_CONSOLE_PORT, "");
	expect_message(b, 0, VCON_PORT_OPEN, "");
	expect_healthy(b);
}

TEST(vcon, a_message_is_lost_in_a_buffer_that_is_too_small)
{
	uint32_t id, len;
	BED(b);

	bring_up(b, VCON_F_MULTIPORT, VCON_QUEUES);
	offer(b, CTL_IN, 0, 8);
	offer(b, CTL_IN, 1, 7);
	offer(b, CTL_IN, 2, 8);
	say(b, 0, VCON_DEVICE_READY, 1);
	for (unsigned i = 0; i < 3; i++) {
		vdriver_wait_used(&b->ring[CTL_IN], &id, &len);
		T_EQ(id, i);
		T_EQ(len, i == 1 ? 0 : 8);
	}
	T_EQ(atomic_load(&b->v->guest_errors), 1);
	expect_healthy(b);
}

/* Rings that break the rules. */
static void expect_broken(struct bed *b, unsigned queue, enum virtq_error error)
{
	char text[80];

	vdriver_kick(&b->d, queue);
	vbed_wait_irq(&b->m, SLOT, 0);
	T_TRUE(vdriver_status(&b->d) & VIRTIO_S_NEEDS_RESET);
	snprintf(text, sizeof(text), "queue %u: %s", queue, virtq_error_texts[error]);
	T_HAS(b->m.problem, text);
	bring_up_ports(b, 0);
	b->m.problems = 0;
	expect_healthy(b);
}

TEST(vcon, buffers_of_the_wrong_direction_need_a_reset)
{
	BED(b);

	bring_up_ports(b, 0);
	for (unsigned queue = 0; queue < VCON_QUEUES; queue++) {
		struct vring *r = &b->ring[queue];
		bool to_guest = !(queue & 1);

		/* Input is looked for when there is some. */
		if (queue == RX0)
			T_EQ(vcon_write(b->v, VCON_CONSOLE, "x", 1), 1);
		if (queue == RX1 || queue == RX2)
			T_EQ(vcon_write(b->v, queue / 2 - 1, "x", 1), 1);
		if (queue == CTL_IN) {
			bring_up(b, VCON_F_MULTIPORT, VCON_QUEUES);
			say(b, 0, VCON_DEVICE_READY, 1);
		}
		vring_desc(r, 0, page(queue, 0), 16, to_guest ? 0 : VRING_WRITE, 0);
		vring_post(r, 0);
		expect_broken(b, queue, VIRTQ_ERR_REQUEST);
	}
}

TEST(vcon, bad_rings_need_a_reset)
{
	BED(b);

	bring_up_ports(b, 0);
	vring_desc(&b->ring[TX1], 0, MEM - 8, 16, 0, 0);
	vring_post(&b->ring[TX1], 0);
	expect_broken(b, TX1, VIRTQ_ERR_ADDRESS);
	vring_set_avail(&b->ring[CTL_OUT], 0x7000);
	expect_broken(b, CTL_OUT, VIRTQ_ERR_AVAIL_JUMP);
	vring_desc(&b->ring[TX0], 0, page(TX0, 0), 1, VRING_NEXT, 0);
	vring_post(&b->ring[TX0], 0);
	expect_broken(b, TX0, VIRTQ_ERR_LOOP);
}

TEST(vcon, a_reset_drops_what_waits_for_the_guest_and_keeps_what_it_wrote)
{
	char got[PAGE];
	BED(b);

	bring_up_ports(b, 0);
	send(b, TX0, "last words", 10);
	T_EQ(vcon_write(b->v, VCON_CONSOLE, "old", 3), 3);
	T_EQ(vcon_write(b->v, VCON_AGENT, "old", 3), 3);
	vdriver_reset(&b->d);
	T_EQ(vcon_write(b->v, VCON_CONSOLE, "nobody", 6), 0);
	T_STREQ(read_all(b, VCON_CONSOLE), "last words");
	bring_up_ports(b, 0);
	offer(b, RX0, 0, PAGE);
	offer(b, RX1, 0, PAGE);
	T_EQ(vcon_write(b->v, VCON_CONSOLE, "new", 3), 3);
	T_EQ(vcon_write(b->v, VCON_AGENT, "new", 3), 3);
	T_EQ(receive(b, RX0, got), 3);
	T_EQ(memcmp(got, "new", 3), 0);
	T_EQ(receive(b, RX1, got), 3);
	T_EQ(memcmp(got, "new", 3), 0);
}

TEST(vcon, resets_while_bytes_move)
{
	BED(b);

	for (unsigned round = 0; round < 50; round++) {
		bring_up_ports(b, round % 2 ? VIRTIO_F_EVENT_IDX : 0);
		for (unsigned i = 0; i < SIZE; i++) {
			vring_desc(&b->ring[TX0], i, 4u << 20, 65536, 0, 0);
			vring_post(&b->ring[TX0], (uint16_t)i);
			vring_desc(&b->ring[RX0], i, page(RX0, i), PAGE, VRING_WRITE, 0);
			vring_post(&b->ring[RX0], (uint16_t)i);
		}
		T_EQ(vcon_write(b->v, VCON_CONSOLE, vmem_at(&b->m.mem, 4u << 20), 4096),
		     4096);
		vdriver_kick(&b->d, TX0);
		vdriver_kick(&b->d, RX0);
		vdriver_reset(&b->d);
		/* Guest memory is the driver's again. */
		memset(vmem_at(&b->m.mem, page(RX0, 0)), 0, SIZE * PAGE);
		for (unsigned i = 0; i < SIZE; i++)
			T_EQ(*(uint64_t *)vmem_at(&b->m.mem, page(RX0, i)), 0);
	}
	T_EQ(b->m.problems, 0);
}
