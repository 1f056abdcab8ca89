/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * admit.h - is there memory for one more zone?
 */
#ifndef KZ_RESTARTER_ADMIT_H
#define KZ_RESTARTER_ADMIT_H

#include "restarter/shell.h"

/**
 * admit_memory() - Check that a zone's RAM exists before it is booted
 *
 * What is there: MemAvailable, less what running zones were promised and have not
 * populated yet (kzhost fills a zone's RAM in the background).
 *
 * Return: 0, -ENOMEM (the text says how much was asked, is available, and who holds
 * what), or what reading /proc/meminfo gave
 */
int admit_memory(struct shell *sh, const struct zone *z, uint64_t bytes,
		 struct errmsg *e);

/**
 * admit_promised() - What the others were promised and have not populated yet
 * @z:		Not counted
 * @enough:	bytes; once it is not more than this, nobody is looked at again
 *
 * What a look found is kept with the host: RAM that was touched is locked and stays, so a
 * boot costs a look at other processes only when memory is short, and one at a zone whose
 * RAM is complete never.
 *
 * Return: bytes, at least what it really is
 */
uint64_t admit_promised(struct shell *sh, const struct zone *z, uint64_t enough);

#endif
