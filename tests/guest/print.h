/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * print.h - formatted output on the console
 */
#ifndef GUEST_PRINT_H
#define GUEST_PRINT_H

/**
 * print() - Print on the console
 * @fmt:	%s, %c, %u, %x, %lu, %lx and %%; a width, zero-padded when it begins with
 * 0
 */
void print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
