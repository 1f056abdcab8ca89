/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * utf8.h - is a text UTF-8 without control characters: fit for a terminal, a log and JSON
 */
#ifndef KZ_BASE_UTF8_H
#define KZ_BASE_UTF8_H

#include "common/base/base.h"

/* Bytes of the character at s, 1 to 4; 0 for NUL, control characters and invalid UTF-8.
 */
unsigned utf8_char(const char *s);

/* True when every character is one. */
bool utf8_is_plain(const char *s);

/* Puts '?' in the place of every byte that is not part of one; also of one cut short. */
void utf8_make_plain(char *s);

#endif
