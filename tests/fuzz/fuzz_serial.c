// SPDX-License-Identifier: BSD-2-Clause
/*
 * fuzz_serial.c - any accesses to the 16550, and any console behind it
 *
 * Steps of three bytes: what, which register, value. Beside not crashing: the line is up
 * when and only when IIR has a cause, registers show legal bits, output comes out as it
 * was written less what was counted as lost, and whoever found no output or no room is
 * woken.
 */
#include "kzhost/dev/serial.h"
#include "tests/fuzz/fuzz.h"

#include <linux/serial_reg.h>
#include <string.h>

enum { READ, WRITE, INPUT, OUTPUT, BURST, STEP_N };

#define BURST_LONG 252 /* and above: a part of the output ring */
#define STEPS      128u

static bool line;
static unsigned wakes;

static void irq(void *arg, unsigned gsi, bool level)
{
	ASSERT(gsi == 4 && level != line);
	line = level;
}

static void event(void *arg, enum vm_event_type type, const char *text)
{
	ASSERT(false);
}

static void wake(void *arg)
{
	wakes++;
}

/* Registers that nothing happens to when they are read. */
static void check(struct serial *s)
{
	uint8_t ier = s->ier, cause = UART_IIR_NO_INT;

	if (ier & UART_IER_RLSI && s->lsr_errors)
		cause = UART_IIR_RLSI;
	else if (ier & UART_IER_RDI && ring_used(&s->fifo) > 0)
		cause = UART_IIR_RDI;
	else if (ier & UART_IER_THRI && s->thr_empty)
		cause = UART_IIR_THRI;
	else if (ier & UART_IER_MSI && s->msr_delta)
		cause = UART_IIR_MSI;
	ASSERT(line == (cause != UART_IIR_NO_INT));
	ASSERT(ring_used(&s->fifo) <= SERIAL_FIFO && ring_used(&s->in) <= SERIAL_IN_BUF);
	ASSERT(ring_used(&s->out) <= SERIAL_OUT_BUF);
}

static void read_register(struct serial *s, unsigned reg)
{
	uint64_t value = serial_ops.read(s, reg, 1);

	ASSERT(value <= 0xff);
	if (reg == UART_LSR)
		ASSERT((value & (UART_LSR_THRE | UART_LSR_TEMT)) ==
			       (UART_LSR_THRE | UART_LSR_TEMT) &&
		       !(value & (UART_LSR_PE | UART_LSR_FE | UART_LSR_BI)));
	if (reg == UART_IIR)
		ASSERT(!(value & 0x30) && (value & 1 ? !(value & 0xe) : true));
}

static void take_output(struct serial *s, size_t size)
{
	uint8_t data[256];
	uint64_t bytes, lost;
	size_t there = ring_used(&s->out);

	ASSERT(serial_read_out(s, data, size) == MIN(size, there));
	serial_counts(s, &bytes, &lost);
	ASSERT(lost <= bytes && bytes - lost >= ring_used(&s->out));
	ASSERT(s->out_wanted == (MIN(size, there) == 0));
}

static void give_input(struct serial *s, size_t len)
{
	static const uint8_t data[256] = "input";
	size_t n = serial_write_in(s, data, len);

	ASSERT(n <= len && s->in_wanted == (n < len));
}

/* Writes of the transmitter, many at once. */
static void burst(struct serial *s, unsigned n, uint8_t value)
{
	bool sends = !(s->lcr & UART_LCR_DLAB) && !(s->mcr & UART_MCR_LOOP);
	bool wanted = s->out_wanted;
	unsigned before = wakes;

	for (unsigned i = 0; i < n; i++)
		serial_ops.write(s, UART_TX, 1, value);
	if (n > 0 && sends && wanted)
		ASSERT(wakes > before && !s->out_wanted);
}

static void step(struct serial *s, const uint8_t *d)
{
	switch (d[0] % STEP_N) {
	case READ:
		read_register(s, d[1] % SERIAL_PORTS);
		break;
	case WRITE:
		serial_ops.write(s, d[1] % SERIAL_PORTS, 1, d[2]);
		break;
	case INPUT:
		give_input(s, d[2]);
		break;
	case OUTPUT:
		take_output(s, d[2]);
		break;
	default:
		burst(s, d[1] < BURST_LONG ? d[1] : SERIAL_OUT_BUF / 8, d[2]);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct dev_env env = { .irq = irq, .event = event, .wake = wake };
	static struct serial s;

	memset(&s, 0, sizeof(s));
	line = false;
	serial_init(&s, &env, 4);
	for (size_t i = 0; i + 3 <= size && i < 3 * STEPS; i += 3) {
		step(&s, data + i);
		check(&s);
	}
	serial_fini(&s);
	return 0;
}
