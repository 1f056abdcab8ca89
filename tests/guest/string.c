/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * string.c - memory and string functions, for want of a C library
 */
#include <stdbool.h>

#include "tests/guest/string.h"

void *memcpy(void *dst, const void *src, size_t n)
{
	void *d = dst;

	__asm__ volatile("rep movsb" : "+D"(d), "+S"(src), "+c"(n) : : "memory");
	return dst;
}

void *memmove(void *dst, const void *src, size_t n)
{
	if ((uintptr_t)dst - (uintptr_t)src >= n)
		return memcpy(dst, src, n);
	for (volatile char *d = dst; n > 0; n--)
		d[n - 1] = ((const char *)src)[n - 1];
	return dst;
}

void *memset(void *dst, int c, size_t n)
{
	void *d = dst;

	__asm__ volatile("rep stosb" : "+D"(d), "+c"(n) : "a"(c) : "memory");
	return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const unsigned char *x = a, *y = b;

	for (size_t i = 0; i < n; i++) {
		if (x[i] != y[i])
			return x[i] - y[i];
	}
	return 0;
}

size_t str_len(const char *s)
{
	const char *p = s;

	while (*p)
		p++;
	return (size_t)(p - s);
}

int str_cmp(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return (unsigned char)*a - (unsigned char)*b;
}

void str_copy(char *dst, const char *src, size_t n)
{
	while (n-- > 1 && *src)
		*dst++ = *src++;
	*dst = '\0';
}

char *str_word(char **s)
{
	char *p = *s, *word;

	while (*p == ' ')
		p++;
	word = p;
	while (*p && *p != ' ')
		p++;
	while (*p == ' ')
		*p++ = '\0';
	*s = p;
	return word;
}

_Bool str_to_u64(const char *s, uint64_t *ret)
{
	unsigned base = 10, digit;
	uint64_t v = 0;

	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X')) {
		base = 16;
		s += 2;
	}
	if (!*s)
		return false;
	for (; *s; s++) {
		if (*s >= '0' && *s <= '9')
			digit = (unsigned)(*s - '0');
		else if ((*s | 0x20) >= 'a' && (*s | 0x20) <= 'f')
			digit = (unsigned)((*s | 0x20) - 'a') + 10;
		else
			return false;
		if (digit >= base || __builtin_mul_overflow(v, base, &v) ||
		    __builtin_add_overflow(v, digit, &v))
			return false;
	}
	*ret = v;
	return true;
}

_Bool str_u64(char **s, uint64_t *ret)
{
	const char *word = str_word(s);

	return !*word || str_to_u64(word, ret);
}
