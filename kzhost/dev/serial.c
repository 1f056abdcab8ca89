/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * serial.c - a 16550A: registers, FIFO, interrupts, loopback
 *
 * DOC: Speed
 *
 * Time does not pass here: a byte that the guest writes is sent at once, so the
 * transmitter is always empty, and received bytes are there as soon as the FIFO has room.
 * The baud divisor is kept and means nothing.
 *
 * DOC: Two buffers each way
 *
 * The guest must never wait for a console that nobody reads: output goes to a ring, and
 * when that is full its oldest bytes go. Input waits in a ring of its own in front of the
 * 16 byte FIFO, so that a driver that clears the FIFO on start-up loses no more than a
 * real one would. The main thread is woken when there is output again after it found
 * none, when the output ring becomes half full, and when the input ring has room again
 * after it had none. A reader that comes back by itself a moment after it found output
 * (host.c does) is not woken for every byte.
 *
 * DOC: What is saved
 *
 * Registers and all three rings: what the guest wrote is not lost when nobody has read it
 * yet. The line follows from the registers; it is told when they are loaded, before KVM's
 * interrupt controllers are, which know whether the guest has seen it.
 */
#include "kzhost/dev/serial.h"

#include <linux/serial_reg.h>
#include <string.h>

#define FCR_KEPT    (UART_FCR_ENABLE_FIFO | UART_FCR_TRIGGER_MASK)
#define MCR_KEPT    0x1f
#define IER_KEPT    0x0f
#define DELTA_BITS  0x0f /* of the modem status */
#define IIR_TIMEOUT 0x0c /* bytes below the trigger level */
#define IIR_FIFO    0xc0 /* the FIFO is enabled */

static unsigned rx_trigger(const struct serial *s)
{
	static const uint8_t level[] = { 1, 4, 8, 14 };

	return s->fcr & UART_FCR_ENABLE_FIFO ? level[s->fcr >> 6] : 1;
}

/* The cause of the interrupt with the highest priority, as IIR says it. */
static uint8_t pending(const struct serial *s)
{
	unsigned n = ring_used(&s->fifo);

	if ((s->ier & UART_IER_RLSI) && s->lsr_errors)
		return UART_IIR_RLSI;
	if ((s->ier & UART_IER_RDI) && n > 0)
		return n >= rx_trigger(s) ? UART_IIR_RDI : IIR_TIMEOUT;
	if ((s->ier & UART_IER_THRI) && s->thr_empty)
		return UART_IIR_THRI;
	if ((s->ier & UART_IER_MSI) && s->msr_delta)
		return UART_IIR_MSI;
	return UART_IIR_NO_INT;
}

static void set_line(struct serial *s, bool level)
{
	if (s->line == level)
		return;
	s->line = level;
	s->env.irq(s->env.arg, s->gsi, level);
}

static void update_line(struct serial *s)
{
	set_line(s, pending(s) != UART_IIR_NO_INT);
}

static unsigned fifo_size(const struct serial *s)
{
	return s->fcr & UART_FCR_ENABLE_FIFO ? SERIAL_FIFO : 1;
}

static unsigned fifo_room(const struct serial *s)
{
	return fifo_size(s) - MIN(ring_used(&s->fifo), fifo_size(s));
}

/* Moves waiting input into the FIFO; in loopback the outside is cut off. */
static void refill(struct serial *s)
{
	unsigned n = MIN(fifo_room(s), ring_used(&s->in));

	if (s->mcr & UART_MCR_LOOP)
		return;
	while (n-- > 0)
		ring_put(&s->fifo, ring_get(&s->in));
	if (s->in_wanted && ring_room(&s->in) >= SERIAL_IN_BUF / 2) {
		s->in_wanted = false;
		s->env.wake(s->env.arg);
	}
}

static void loop_byte(struct serial *s, uint8_t byte)
{
	if (fifo_room(s) > 0)
		ring_put(&s->fifo, byte);
	else
		s->lsr_errors |= UART_LSR_OE;
}

static void out_byte(struct serial *s, uint8_t byte)
{
	if (ring_room(&s->out) == 0) {
		ring_get(&s->out);
		s->out_lost++;
	}
	ring_put(&s->out, byte);
	s->out_bytes++;
	if (s->out_wanted || ring_used(&s->out) == SERIAL_OUT_BUF / 2)
		s->env.wake(s->env.arg);
	s->out_wanted = false;
}

static void write_thr(struct serial *s, uint8_t byte)
{
	if (s->mcr & UART_MCR_LOOP)
		loop_byte(s, byte);
	else
		out_byte(s, byte);
	/* Full for no time at all, but the line goes down and up: ISA interrupts are
	 * edges. */
	s->thr_empty = false;
	update_line(s);
	s->thr_empty = true;
}

static void write_ier(struct serial *s, uint8_t value)
{
	/* Enabling the transmitter interrupt while it is empty raises it. */
	if ((value & UART_IER_THRI) && !(s->ier & UART_IER_THRI))
		s->thr_empty = true;
	s->ier = value & IER_KEPT;
}

static uint8_t fcr_kept(uint8_t value)
{
	return value & UART_FCR_ENABLE_FIFO ? value & FCR_KEPT : 0;
}

static void write_fcr(struct serial *s, uint8_t value)
{
	bool toggled = (value ^ s->fcr) & UART_FCR_ENABLE_FIFO;

	if (toggled || (value & UART_FCR_CLEAR_RCVR))
		s->fifo.head = s->fifo.tail;
	s->fcr = fcr_kept(value);
	refill(s);
}

/* Modem lines: all there, or in loopback those of MCR. */
static uint8_t modem_lines(const struct serial *s)
{
	uint8_t m = 0;

	if (!(s->mcr & UART_MCR_LOOP))
		return UART_MSR_DCD | UART_MSR_DSR | UART_MSR_CTS;
	if (s->mcr & UART_MCR_RTS)
		m |= UART_MSR_CTS;
	if (s->mcr & UART_MCR_DTR)
		m |= UART_MSR_DSR;
	if (s->mcr & UART_MCR_OUT1)
		m |= UART_MSR_RI;
	if (s->mcr & UART_MCR_OUT2)
		m |= UART_MSR_DCD;
	return m;
}

static void write_mcr(struct serial *s, uint8_t value)
{
	uint8_t before = modem_lines(s), changed;

	s->mcr = value & MCR_KEPT;
	changed = before ^ modem_lines(s);
	/* RI reports only its trailing edge; the others both. */
	if ((changed & UART_MSR_RI) && !(before & UART_MSR_RI))
		changed &= (uint8_t)~UART_MSR_RI;
	s->msr_delta |= changed >> 4;
	refill(s);
}

static uint8_t read_rbr(struct serial *s)
{
	uint8_t byte = 0;

	if (ring_used(&s->fifo) > 0)
		byte = ring_get(&s->fifo);
	refill(s);
	return byte;
}

static uint8_t read_iir(struct serial *s)
{
	uint8_t iir = pending(s);

	if (iir == UART_IIR_THRI)
		s->thr_empty = false;
	return iir | (s->fcr & UART_FCR_ENABLE_FIFO ? IIR_FIFO : 0);
}

static uint8_t read_lsr(struct serial *s)
{
	uint8_t lsr = UART_LSR_THRE | UART_LSR_TEMT | s->lsr_errors;

	if (ring_used(&s->fifo) > 0)
		lsr |= UART_LSR_DR;
	s->lsr_errors = 0;
	return lsr;
}

static uint8_t read_msr(struct serial *s)
{
	uint8_t msr = modem_lines(s) | s->msr_delta;

	s->msr_delta = 0;
	return msr;
}

static uint8_t read_reg(struct serial *s, unsigned reg)
{
	bool dlab = s->lcr & UART_LCR_DLAB;

	switch (reg) {
	case UART_RX:
		return dlab ? s->dll : read_rbr(s);
	case UART_IER:
		return dlab ? s->dlm : s->ier;
	case UART_IIR:
		return read_iir(s);
	case UART_LCR:
		return s->lcr;
	case UART_MCR:
		return s->mcr;
	case UART_LSR:
		return read_lsr(s);
	case UART_MSR:
		return read_msr(s);
	default:
		return s->scr;
	}
}

static void write_reg(struct serial *s, unsigned reg, uint8_t value)
{
	bool dlab = s->lcr & UART_LCR_DLAB;

	switch (reg) {
	case UART_TX:
		if (dlab)
			s->dll = value;
		else
			write_thr(s, value);
		break;
	case UART_IER:
		if (dlab)
			s->dlm = value;
		else
			write_ier(s, value);
		break;
	case UART_FCR:
		write_fcr(s, value);
		break;
	case UART_LCR:
		s->lcr = value;
		break;
	case UART_MCR:
		write_mcr(s, value);
		break;
	case UART_SCR:
		s->scr = value;
		break;
	default: /* LSR and MSR cannot be written */
		break;
	}
}

static uint64_t serial_read(void *dev, uint64_t offset, unsigned size)
{
	struct serial *s = dev;
	uint8_t value;

	pthread_mutex_lock(&s->lock);
	value = read_reg(s, (unsigned)offset);
	update_line(s);
	pthread_mutex_unlock(&s->lock);
	return value;
}

static void serial_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
	struct serial *s = dev;

	pthread_mutex_lock(&s->lock);
	write_reg(s, (unsigned)offset, (uint8_t)value);
	update_line(s);
	pthread_mutex_unlock(&s->lock);
}

const struct bus_ops serial_ops = {
	.widths = BUS_W1,
	.read = serial_read,
	.write = serial_write,
};

void serial_init(struct serial *s, const struct dev_env *env, unsigned gsi)
{
	pthread_mutex_init(&s->lock, NULL);
	s->env = *env;
	s->gsi = gsi;
	s->dll = 1; /* 115200 baud */
	s->thr_empty = true;
	s->out_wanted = true;
	s->fifo = (struct ring){ .data = s->fifo_data, .size = SERIAL_FIFO };
	s->in = (struct ring){ .data = s->in_data, .size = SERIAL_IN_BUF };
	s->out = (struct ring){ .data = s->out_data, .size = SERIAL_OUT_BUF };
}

void serial_fini(struct serial *s)
{
	pthread_mutex_destroy(&s->lock);
}

size_t serial_read_out(struct serial *s, void *data, size_t size)
{
	size_t n;

	pthread_mutex_lock(&s->lock);
	n = ring_read(&s->out, data, size);
	s->out_wanted = n == 0;
	pthread_mutex_unlock(&s->lock);
	return n;
}

size_t serial_write_in(struct serial *s, const void *data, size_t len)
{
	size_t n;

	pthread_mutex_lock(&s->lock);
	n = ring_write(&s->in, data, len);
	refill(s);
	if (n < len)
		n += ring_write(&s->in, (const uint8_t *)data + n, len - n);
	s->in_wanted = n < len;
	update_line(s);
	pthread_mutex_unlock(&s->lock);
	return n;
}

bool serial_listens(struct serial *s)
{
	bool listens;

	pthread_mutex_lock(&s->lock);
	listens = s->ier & UART_IER_RDI;
	pthread_mutex_unlock(&s->lock);
	return listens;
}

void serial_counts(struct serial *s, uint64_t *ret_bytes, uint64_t *ret_lost)
{
	pthread_mutex_lock(&s->lock);
	*ret_bytes = s->out_bytes;
	*ret_lost = s->out_lost;
	pthread_mutex_unlock(&s->lock);
}

/* Saving and loading. */

static const struct state_field fields[] = {
	STATE_FIELD_BITS(struct serial, ier, 1, IER_KEPT),
	STATE_FIELD(struct serial, fcr, 1),
	STATE_FIELD(struct serial, lcr, 1),
	STATE_FIELD_BITS(struct serial, mcr, 1, MCR_KEPT),
	STATE_FIELD(struct serial, scr, 1),
	STATE_FIELD(struct serial, dll, 1),
	STATE_FIELD(struct serial, dlm, 1),
	STATE_FIELD_BITS(struct serial, lsr_errors, 1, UART_LSR_OE),
	STATE_FIELD_BITS(struct serial, msr_delta, 1, DELTA_BITS),
	STATE_FIELD(struct serial, thr_empty, 1),
	STATE_RING(struct serial, fifo, fifo_data, 1),
	STATE_RING(struct serial, in, in_data, 1),
	STATE_RING(struct serial, out, out_data, 1),
};

static const struct state_rest rest[] = {
	STATE_REST(struct serial, lock),       STATE_REST(struct serial, env),
	STATE_REST(struct serial, gsi),        STATE_REST(struct serial, line),
	STATE_REST(struct serial, in_wanted), /* of the main thread that was */
	STATE_REST(struct serial, out_wanted), STATE_REST(struct serial, out_bytes),
	STATE_REST(struct serial, out_lost),
};

static int check(const void *in, const void *now, struct errmsg *e)
{
	const struct serial *s = in;

	if (s->fcr != fcr_kept(s->fcr))
		return errmsg_set(e, -EINVAL, "fcr is %02x", s->fcr);
	if (ring_used(&s->fifo) > fifo_size(s))
		return errmsg_set(e, -EINVAL, "%u bytes in a FIFO of %u",
				  ring_used(&s->fifo), fifo_size(s));
	if (ring_used(&s->in) > 0 && fifo_room(s) > 0 && !(s->mcr & UART_MCR_LOOP))
		return errmsg_set(e, -EINVAL, "%u bytes wait for a FIFO that has room",
				  ring_used(&s->in));
	return 0;
}

static void loaded(void *dev)
{
	struct serial *s = dev;

	update_line(s);
	s->env.wake(s->env.arg); /* for the output that is there */
}

const struct state_table serial_table = {
	.name = "serial",
	.size = sizeof(struct serial),
	STATE_FIELDS(fields),
	STATE_RESTS(rest),
	.check = check,
	.loaded = loaded,
};
