/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * agent.h - one question to the guest agent: are you there?
 *
 * DOC: The question
 *
 * The QEMU guest agent speaks JSON over a serial port that may hold rests of earlier
 * conversations. Its command guest-sync-delimited is made for that: the asker sends a
 * byte 0xff, which no JSON holds, so that the agent forgets what it has of a command,
 * and a number; the agent answers with 0xff and that number.
 *
 *	ff {"execute":"guest-sync-delimited","arguments":{"id":N}} \n
 *	ff {"return": N} \n
 *
 * DOC: The answer is hostile
 *
 * Nothing is parsed. Behind each 0xff the bytes that are no blanks must be those of the
 * answer, one by one, up to its brace; the first that is not ends the look until the
 * next 0xff. So the cost of a byte is bounded, and nothing is kept.
 */
#ifndef KZ_IO_AGENT_H
#define KZ_IO_AGENT_H

#include "common/base/base.h"

#define AGENT_TEXT_MAX 80

struct agent {
	char question[AGENT_TEXT_MAX];
	uint8_t question_len;
	char answer[AGENT_TEXT_MAX]; /* without blanks */
	int matched;                 /* bytes of it; negative: wait for 0xff */
};

/* @id: chosen so that an answer to somebody else's question is not taken for ours. */
void agent_init(struct agent *a, uint32_t id);

/* What the agent wrote. True: it has answered. */
bool agent_feed(struct agent *a, const void *data, size_t len);

#endif
