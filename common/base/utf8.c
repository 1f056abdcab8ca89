// SPDX-License-Identifier: BSD-2-Clause
/*
 * utf8.c - characters of UTF-8, to the byte: no overlong forms, no surrogates
 */
#include "common/base/utf8.h"

unsigned utf8_char(const char *s)
{
	/* The least code point of each length; what is below is control or overlong. */
	static const uint32_t least[] = { 0x20, 0xa0, 0x800, 0x10000 };
	const unsigned char *p = (const unsigned char *)s;
	unsigned more = *p < 0x80 ? 0 : *p < 0xe0 ? 1 : *p < 0xf0 ? 2 : 3;
	uint32_t c = more ? *p & (0x3fu >> more) : *p;

	if ((*p >= 0x80 && *p < 0xc2) || *p > 0xf4 || *p == 0x7f)
		return 0;
	for (unsigned i = 1; i <= more; i++) {
		if ((p[i] & 0xc0) != 0x80) /* also at the end of the string */
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < least[more] || (c >= 0xd800 && c < 0xe000) || c > 0x10ffff)
		return 0;
	return more + 1;
}

bool utf8_is_plain(const char *s)
{
	while (*s) {
		unsigned n = utf8_char(s);

		if (!n)
			return false;
		s += n;
	}
	return true;
}

void utf8_make_plain(char *s)
{
	while (*s) {
		unsigned n = utf8_char(s);

		if (!n)
			*s = '?';
		s += n ? n : 1;
	}
}
