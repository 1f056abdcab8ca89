// SPDX-License-Identifier: BSD-2-Clause
/*
 * reason.c - the list of reasons as a table
 */
#include "common/proto/reason.h"

#include <string.h>

static const struct {
	const char *token, *next;
} reasons[KZ_WHY_N] = {
#define X(id, token, next) { token, next },
	KZ_REASONS(X)
#undef X
};

const char *kz_reason_token(enum kz_reason r)
{
	return reasons[r].token;
}

enum kz_reason kz_reason_of(const char *token)
{
	for (unsigned i = 0; i < KZ_WHY_N; i++)
		if (strcmp(reasons[i].token, token) == 0)
			return (enum kz_reason)i;
	return KZ_WHY_UNKNOWN;
}

const char *kz_reason_next(enum kz_reason r)
{
	return reasons[r].next;
}
