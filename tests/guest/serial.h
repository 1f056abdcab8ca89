/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * serial.h - the console: COM1
 */
#ifndef GUEST_SERIAL_H
#define GUEST_SERIAL_H

#include <stddef.h>

/* 115200 8n1, FIFO on, receive interrupt on. */
void serial_init(void);

/* Sends @n bytes, each '\n' as "\r\n"; returns when the last is in the transmitter. */
void serial_write(const char *buf, size_t n);

/* Moves what has been received into the type-ahead buffer; for event.c. */
void serial_receive(void);

/* Return: the next byte of the type-ahead buffer, or -1 */
int serial_getc(void);

/* Return: true, once, when ^C was received; what was typed before it is forgotten */
_Bool serial_interrupted(void);

#endif
