// SPDX-License-Identifier: BSD-2-Clause
/*
 * zlogin_escape.c - the escape sequences in what is typed: ~. at the start of a line
 */
#include "cli/zlogin_escape.h"

bool escape_filter(struct escape *esc, const char *in, size_t len, char *out,
		   size_t *ret_len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		int c = (unsigned char)in[i];

		if (esc->escaped && c == '.') {
			*ret_len = n;
			return true;
		}
		if (!esc->in_line && !esc->escaped && c == esc->character) {
			esc->escaped = true;
			continue;
		}
		if (esc->escaped && c != esc->character)
			out[n++] = (char)esc->character;
		esc->escaped = false;
		out[n++] = in[i];
		esc->in_line = c != '\r' && c != '\n';
	}
	*ret_len = n;
	return false;
}
