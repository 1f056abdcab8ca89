/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * columns.h - text in columns of fixed width
 */
#ifndef KZ_CLI_COLUMNS_H
#define KZ_CLI_COLUMNS_H

#include "common/base/buf.h"

/* Appends a cell padded with blanks on its right, or on its left when width is negative.
 */
void columns_cell(struct buf *out, const char *text, int width);
/* Removes the blanks at the end of what was appended. */
void columns_trim(struct buf *out);

#endif
