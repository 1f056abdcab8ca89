// SPDX-License-Identifier: BSD-2-Clause
/*
 * columns.c - text in columns of fixed width
 */
#include "cli/columns.h"

void columns_cell(struct buf *out, const char *text, int width)
{
	buf_addf(out, "%*s", -width, text);
}

void columns_trim(struct buf *out)
{
	while (out->len && out->p[out->len - 1] == ' ')
		out->p[--out->len] = '\0';
}
