/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_serial.c - the 16550 at register level: FIFO, interrupts, loopback, both buffers
 */
#include "kzhost/dev/serial.h"
#include "tests/harness/harness.h"

#include <linux/serial_reg.h>

/* The port and what it did to the world. */
struct port {
	struct serial s;
	bool line;
	unsigned edges; /* low to high */
	unsigned wakes;
};

static void on_irq(void *arg, unsigned gsi, bool level)
{
	struct port *p = arg;

	T_EQ(gsi, 4);
	T_NE(level, p->line);
	p->line = level;
	p->edges += level;
}

static void on_wake(void *arg)
{
	struct port *p = arg;

	p->wakes++;
}

static void port_free(struct port **pp)
{
	serial_fini(&(*pp)->s);
	free(*pp);
}

static struct port *port_new(void)
{
	struct port *p = calloc(1, sizeof(*p));
	struct dev_env env = { .irq = on_irq, .wake = on_wake, .arg = p };

	T_NOT_NULL(p);
	serial_init(&p->s, &env, 4);
	return p;
}

static uint8_t in(struct port *p, unsigned reg)
{
	return (uint8_t)serial_ops.read(&p->s, reg, 1);
}

static void out(struct port *p, unsigned reg, uint8_t value)
{
	serial_ops.write(&p->s, reg, 1, value);
}

TEST(serial, is_found_as_a_16550a)
{
	cleanup(port_free) struct port *p = port_new();

	/* What drivers do: registers that keep only their bits, loopback, FIFO enabled.
	 */
	out(p, UART_IER, 0xff);
	T_EQ(in(p, UART_IER), 0x0f);
	out(p, UART_IER, 0);
	out(p, UART_MCR, UART_MCR_LOOP | UART_MCR_OUT2 | UART_MCR_RTS);
	T_EQ(in(p, UART_MSR) & 0xf0, UART_MSR_DCD | UART_MSR_CTS);
	out(p, UART_MCR, UART_MCR_LOOP | UART_MCR_OUT1 | UART_MCR_DTR);
	T_EQ(in(p, UART_MSR) & 0xf0, UART_MSR_RI | UART_MSR_DSR);
	out(p, UART_MCR, 0);
	T_EQ(in(p, UART_MSR) & 0xf0, UART_MSR_DCD | UART_MSR_DSR | UART_MSR_CTS);
	T_EQ(in(p, UART_IIR) & 0xc0, 0);
	out(p, UART_FCR, UART_FCR_ENABLE_FIFO);
	T_EQ(in(p, UART_IIR) & 0xc0, 0xc0);
	out(p, UART_SCR, 0x5a);
	T_EQ(in(p, UART_SCR), 0x5a);
	T_EQ(in(p, UART_LSR), UART_LSR_THRE | UART_LSR_TEMT);
}

TEST(serial, divisor_hides_data_and_ier)
{
	cleanup(port_free) struct port *p = port_new();

	out(p, UART_LCR, UART_LCR_DLAB | UART_LCR_WLEN8);
	out(p, UART_DLL, 12);
	out(p, UART_DLM, 1);
	T_EQ(in(p, UART_DLL), 12);
	T_EQ(in(p, UART_DLM), 1);
	out(p, UART_LCR, UART_LCR_WLEN8);
	T_EQ(in(p, UART_LCR), UART_LCR_WLEN8);
	T_EQ(in(p, UART_IER), 0);
	T_EQ(p->wakes, 0);
}

TEST(serial, output_arrives_and_wakes_once)
{
	cleanup(port_free) struct port *p = port_new();
	uint64_t bytes, lost;
	char buf[16];

	out(p, UART_TX, 'h');
	out(p, UART_TX, 'i');
	T_EQ(p->wakes, 1);
	T_EQ(serial_read_out(&p->s, buf, sizeof(buf)), 2);
	T_MEMEQ(buf, "hi", 2);
	T_EQ(serial_read_out(&p->s, buf, sizeof(buf)), 0);
	out(p, UART_TX, '!');
	T_EQ(p->wakes, 2);
	serial_counts(&p->s, &bytes, &lost);
	T_EQ(bytes, 3);
	T_EQ(lost, 0);
}

TEST(serial, unread_output_drops_the_oldest_and_counts)
{
	cleanup(port_free) struct port *p = port_new();
	cleanup(freep) char *buf = malloc(SERIAL_OUT_BUF);
	uint64_t bytes, lost;

	for (unsigned i = 0; i < SERIAL_OUT_BUF + 100; i++)
		out(p, UART_TX, (uint8_t)(i % 251));
	T_EQ(serial_read_out(&p->s, buf, SERIAL_OUT_BUF), SERIAL_OUT_BUF);
	for (unsigned i = 0; i < SERIAL_OUT_BUF; i++)
		T_EQ((uint8_t)buf[i], (i + 100) % 251);
	serial_counts(&p->s, &bytes, &lost);
	T_EQ(bytes, SERIAL_OUT_BUF + 100);
	T_EQ(lost, 100);
	T_EQ(p->wakes, 2); /* the first byte, and the buffer half full */
}

TEST(serial, a_reader_that_comes_back_is_not_woken_for_each_byte)
{
	cleanup(port_free) struct port *p = port_new();
	char buf[16];

	for (unsigned i = 0; i < 1000; i++) {
		out(p, UART_TX, 'x');
		T_EQ(serial_read_out(&p->s, buf, sizeof(buf)), 1);
	}
	T_EQ(p->wakes, 1);
	T_EQ(serial_read_out(&p->s, buf, sizeof(buf)), 0);
	out(p, UART_TX, 'x');
	T_EQ(p->wakes, 2);
}

TEST(serial, transmitter_interrupt)
{
	cleanup(port_free) struct port *p = port_new();

	out(p, UART_IER, UART_IER_THRI);
	T_TRUE(p->line);
	T_EQ(in(p, UART_IIR), UART_IIR_THRI);
	T_FALSE(p->line);
	T_EQ(in(p, UART_IIR), UART_IIR_NO_INT);
	out(p, UART_TX, 'a');
	T_TRUE(p->line);
	T_EQ(p->edges, 2);
	/* Unread: the next byte is a new edge all the same. */
	out(p, UART_TX, 'b');
	T_EQ(p->edges, 3);
	out(p, UART_IER, 0);
	T_FALSE(p->line);
	out(p, UART_IER, UART_IER_THRI);
	T_TRUE(p->line);
}

TEST(serial, receive_interrupt_by_trigger_level)
{
	cleanup(port_free) struct port *p = port_new();

	out(p, UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR_TRIGGER_8);
	out(p, UART_IER, UART_IER_RDI);
	T_FALSE(p->line);
	T_EQ(serial_write_in(&p->s, "1234567", 7), 7);
	T_TRUE(p->line);
	T_EQ(in(p, UART_IIR), 0xc0 | UART_IIR_RX_TIMEOUT);
	T_EQ(serial_write_in(&p->s, "8", 1), 1);
	T_EQ(in(p, UART_IIR), 0xc0 | UART_IIR_RDI);
	for (char c = '1'; c <= '8'; c++) {
		T_TRUE(p->line);
		T_TRUE(in(p, UART_LSR) & UART_LSR_DR);
		T_EQ(in(p, UART_RX), c);
	}
	T_FALSE(p->line);
	T_FALSE(in(p, UART_LSR) & UART_LSR_DR);
	T_EQ(in(p, UART_RX), 0);
}

TEST(serial, interrupts_come_by_priority)
{
	cleanup(port_free) struct port *p = port_new();

	out(p, UART_MCR, UART_MCR_LOOP);
	out(p, UART_TX, 'x');
	out(p, UART_TX, 'y'); /* one byte without FIFO: overrun */
	out(p, UART_MCR, UART_MCR_LOOP | UART_MCR_DTR);
	out(p, UART_IER, 0x0f);
	T_EQ(in(p, UART_IIR), UART_IIR_RLSI);
	T_TRUE(in(p, UART_LSR) & UART_LSR_OE);
	T_EQ(in(p, UART_IIR), UART_IIR_RDI);
	T_EQ(in(p, UART_RX), 'x');
	T_EQ(in(p, UART_IIR), UART_IIR_THRI);
	T_EQ(in(p, UART_IIR), UART_IIR_MSI);
	T_TRUE(p->line);
	in(p, UART_MSR);
	T_EQ(in(p, UART_IIR), UART_IIR_NO_INT);
	T_FALSE(p->line);
}

TEST(serial, loopback_is_cut_off_from_outside)
{
	cleanup(port_free) struct port *p = port_new();
	char buf[4];

	out(p, UART_FCR, UART_FCR_ENABLE_FIFO);
	out(p, UART_MCR, UART_MCR_LOOP);
	T_EQ(serial_write_in(&p->s, "typed", 5), 5);
	for (unsigned i = 0; i < SERIAL_FIFO + 1; i++)
		out(p, UART_TX, (uint8_t)('a' + i));
	T_TRUE(in(p, UART_LSR) & UART_LSR_OE);
	T_EQ(serial_read_out(&p->s, buf, sizeof(buf)), 0);
	for (unsigned i = 0; i < SERIAL_FIFO; i++)
		T_EQ(in(p, UART_RX), 'a' + i);
	T_FALSE(in(p, UART_LSR) & UART_LSR_DR);
	out(p, UART_MCR, 0);
	T_EQ(in(p, UART_RX), 't');
}

TEST(serial, clearing_the_fifo_keeps_what_waits_outside)
{
	cleanup(port_free) struct port *p = port_new();

	out(p, UART_FCR, UART_FCR_ENABLE_FIFO);
	T_EQ(serial_write_in(&p->s, "0123456789abcdefGH", 18), 18);
	out(p, UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR_CLEAR_RCVR);
	T_EQ(in(p, UART_RX), 'G');
	T_EQ(in(p, UART_RX), 'H');
	T_FALSE(in(p, UART_LSR) & UART_LSR_DR);
}

TEST(serial, input_without_room_is_told_and_later_woken_for)
{
	cleanup(port_free) struct port *p = port_new();
	static char typed[2 * SERIAL_IN_BUF];
	size_t n;

	memset(typed, 'k', sizeof(typed));
	n = serial_write_in(&p->s, typed, sizeof(typed));
	T_EQ(n, SERIAL_IN_BUF + 1); /* one byte is in the receiver */
	T_EQ(serial_write_in(&p->s, typed, 1), 0);
	T_EQ(p->wakes, 0);
	for (size_t i = 0; i < n; i++)
		T_EQ(in(p, UART_RX), 'k');
	T_EQ(p->wakes, 1);
	T_EQ(serial_write_in(&p->s, typed, 1), 1);
}

TEST(serial, any_sequence_of_accesses_leaves_it_sane)
{
	cleanup(port_free) struct port *p = port_new();
	uint32_t x = 12345;
	char buf[64];

	for (unsigned i = 0; i < 200000; i++) {
		x = x * 1664525 + 1013904223;
		switch (x >> 30) {
		case 0:
			in(p, x >> 8 & 7);
			break;
		case 1:
			serial_write_in(&p->s, &x, x >> 8 & 3);
			break;
		case 2:
			serial_read_out(&p->s, buf, x >> 8 & 63);
			break;
		default:
			out(p, x >> 8 & 7, (uint8_t)(x >> 16));
			break;
		}
		T_TRUE(ring_used(&p->s.fifo) <= SERIAL_FIFO);
		T_TRUE(ring_used(&p->s.in) <= SERIAL_IN_BUF);
		T_TRUE(ring_used(&p->s.out) <= SERIAL_OUT_BUF);
	}
}
