/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kinds.h - what each kind of value accepts; shared inside common/zone only
 */
#ifndef KZ_ZONE_KINDS_H
#define KZ_ZONE_KINDS_H

#include "common/base/buf.h"
#include "common/zone/props.h"

/**
 * value_check() - Check a value and append its canonical form
 * @text:	Plain UTF-8, tokens expanded
 *
 * Return: NULL, or what is wrong with it; a failed allocation sticks in @out
 */
const char *value_check(const struct prop_def *d, const char *text, struct buf *out);

/* The canonical form of a good value with its tokens in place. 0 or -ENOMEM. */
int value_unexpanded(const struct prop_def *d, const char *text, char **ret_text);

#endif
