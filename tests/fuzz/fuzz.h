/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz.h - the entry that every fuzzer has
 *
 * With -Dfuzz=true libFuzzer calls it; replay.c calls it with every file of a corpus, as
 * an ordinary test.
 */
#ifndef KZ_TESTS_FUZZ_FUZZ_H
#define KZ_TESTS_FUZZ_FUZZ_H

#include "common/base/base.h"

/* One input, in any state of disorder. Always 0; what is wrong ends the process. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
