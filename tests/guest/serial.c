/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * serial.c - 16550 driver
 *
 * Sends by polling, a FIFO's worth for each look at the line status and through the gate
 * (an exit from ring 0 is cheaper); receives by interrupt.
 */
#include <stdbool.h>
#include <stdint.h>

#include "common/proto/machine.h"
#include "tests/guest/gate.h"
#include "tests/guest/serial.h"

#define REG_DATA (KZ_COM1_PORT + 0)
#define REG_IER  (KZ_COM1_PORT + 1)
#define REG_FCR  (KZ_COM1_PORT + 2)
#define REG_LCR  (KZ_COM1_PORT + 3)
#define REG_MCR  (KZ_COM1_PORT + 4)
#define REG_LSR  (KZ_COM1_PORT + 5)

#define IER_RX        0x01
#define FCR_ENABLE    0x07 /* on, both FIFOs cleared */
#define LCR_8N1       0x03
#define LCR_DLAB      0x80
#define MCR_DTR_RTS   0x0b /* and OUT2, which gates the interrupt on a PC */
#define LSR_RX_READY  0x01
#define LSR_THR_EMPTY 0x20

#define FIFO_BYTES 16
#define RX_MAX     1024
#define CTRL_C     0x03

static struct {
	char rx[RX_MAX];
	unsigned head, tail;   /* free running; full: what comes is dropped */
	unsigned interrupt_at; /* behind the last ^C */
	bool interrupted;
} serial;

void serial_init(void)
{
	port_out8(REG_LCR, LCR_DLAB | LCR_8N1);
	port_out8(REG_DATA, 1); /* divisor of 115200 */
	port_out8(REG_IER, 0);
	port_out8(REG_LCR, LCR_8N1);
	port_out8(REG_FCR, FCR_ENABLE);
	port_out8(REG_MCR, MCR_DTR_RTS);
	port_out8(REG_IER, IER_RX);
}

static void send_fifo(const char *buf, size_t n)
{
	while (!(port_in8(REG_LSR) & LSR_THR_EMPTY))
		__builtin_ia32_pause();
	gate_outsb(REG_DATA, buf, n);
}

void serial_write(const char *buf, size_t n)
{
	char out[FIFO_BYTES];
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		if (k + 2 > sizeof(out)) {
			send_fifo(out, k);
			k = 0;
		}
		if (buf[i] == '\n')
			out[k++] = '\r';
		out[k++] = buf[i];
	}
	if (k)
		send_fifo(out, k);
}

void serial_receive(void)
{
	while (port_in8(REG_LSR) & LSR_RX_READY) {
		char c = (char)port_in8(REG_DATA);

		if (serial.head - serial.tail < RX_MAX)
			serial.rx[serial.head++ % RX_MAX] = c;
		if (c == CTRL_C) {
			serial.interrupted = true;
			serial.interrupt_at = serial.head;
		}
	}
}

int serial_getc(void)
{
	if (serial.head == serial.tail)
		return -1;
	return (unsigned char)serial.rx[serial.tail++ % RX_MAX];
}

_Bool serial_interrupted(void)
{
	if (!serial.interrupted)
		return false;
	serial.interrupted = false;
	if ((int)(serial.interrupt_at - serial.tail) > 0)
		serial.tail = serial.interrupt_at;
	return true;
}
