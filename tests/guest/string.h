/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * string.h - memory and string functions, for want of a C library
 */
#ifndef GUEST_STRING_H
#define GUEST_STRING_H

#include <stddef.h>
#include <stdint.h>

void *memcpy(void *dst, const void *src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);

size_t str_len(const char *s);
int str_cmp(const char *a, const char *b);

/* Copies at most @n - 1 bytes; @n is at least 1, the result always terminated. */
void str_copy(char *dst, const char *src, size_t n);

/**
 * str_word() - Cut the next word off a string
 * @s:		Where to read; moved behind the word and the spaces that follow it
 *
 * Return: the word, terminated in place; "" at the end
 */
char *str_word(char **s);

/**
 * str_to_u64() - Read a whole string as a number, decimal or 0x hexadecimal
 * @s:		The string
 * @ret:	The number; untouched on failure
 *
 * Return: false when it is not one, or too large
 */
_Bool str_to_u64(const char *s, uint64_t *ret);

/**
 * str_u64() - Cut the next word off a string and read it as a number
 * @s:		As with str_word()
 * @ret:	The number; untouched when there is no word left
 *
 * Return: false when there is a word that is no number
 */
_Bool str_u64(char **s, uint64_t *ret);

#endif
