// SPDX-License-Identifier: BSD-2-Clause
/*
 * agent.c - the question's bytes, and a look for those of its answer
 */
#include "kzhost/io/agent.h"

#include <stdio.h>
#include <string.h>

#define DELIMITER 0xff

void agent_init(struct agent *a, uint32_t id)
{
	*a = (struct agent){ .matched = -1 };
	a->question_len = (uint8_t)snprintf(a->question, sizeof(a->question),
					    "\xff{\"execute\":\"guest-sync-delimited\","
					    "\"arguments\":{\"id\":%u}}\n",
					    id);
	snprintf(a->answer, sizeof(a->answer), "{\"return\":%u}", id);
}

static bool is_blank(uint8_t byte)
{
	return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

bool agent_feed(struct agent *a, const void *data, size_t len)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < len; i++) {
		if (p[i] == DELIMITER)
			a->matched = 0;
		else if (a->matched < 0 || is_blank(p[i]))
			continue;
		else if (p[i] != (uint8_t)a->answer[a->matched])
			a->matched = -1;
		else if (!a->answer[++a->matched]) {
			a->matched = -1;
			return true;
		}
	}
	return false;
}
