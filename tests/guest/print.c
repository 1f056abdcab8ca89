/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * print.c - formatted output on the console
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "tests/guest/print.h"
#include "tests/guest/serial.h"
#include "tests/guest/string.h"

/* What is printed at once: a longer text takes several writes. */
struct line {
	char buf[128];
	size_t n;
};

static void line_flush(struct line *l)
{
	serial_write(l->buf, l->n);
	l->n = 0;
}

static void line_putc(struct line *l, char c)
{
	if (l->n == sizeof(l->buf))
		line_flush(l);
	l->buf[l->n++] = c;
}

static void line_puts(struct line *l, const char *s, size_t width)
{
	for (size_t n = str_len(s); n < width; n++)
		line_putc(l, ' ');
	for (; *s; s++)
		line_putc(l, *s);
}

static void line_number(struct line *l, uint64_t v, unsigned base, size_t width,
			bool zeros)
{
	char digits[24];
	size_t i = sizeof(digits);

	digits[--i] = '\0';
	do {
		digits[--i] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	while (zeros && i > 0 && sizeof(digits) - 1 - i < width)
		digits[--i] = '0';
	line_puts(l, digits + i, width);
}

void print(const char *fmt, ...)
{
	struct line l = { .n = 0 };
	va_list ap;

	va_start(ap, fmt);
	for (; *fmt; fmt++) {
		bool zeros, is_long = false;
		size_t width = 0;

		if (*fmt != '%') {
			line_putc(&l, *fmt);
			continue;
		}
		zeros = *++fmt == '0';
		for (; *fmt >= '0' && *fmt <= '9'; fmt++)
			width = width * 10 + (size_t)(*fmt - '0');
		for (; *fmt == 'l'; fmt++)
			is_long = true;
		switch (*fmt) {
		case 's':
			line_puts(&l, va_arg(ap, const char *), width);
			break;
		case 'u':
		case 'x':
			line_number(&l,
				    is_long ? va_arg(ap, uint64_t) : va_arg(ap, unsigned),
				    *fmt == 'u' ? 10 : 16, width, zeros);
			break;
		case 'c':
			line_putc(&l, (char)va_arg(ap, int));
			break;
		default:
			line_putc(&l, *fmt);
			break;
		}
	}
	va_end(ap);
	line_flush(&l);
}
