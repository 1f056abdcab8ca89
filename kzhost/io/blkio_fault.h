/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * blkio_fault.h - an engine that makes a disk fail as a seed has it, for tests
 *
 * DOC: What happens to a request
 *
 * Each attempt to carry a request out passes through here on its way to a real engine.
 * The script's random numbers decide whether the attempt fails at once, moves only a part
 * of its data, or is carried out and its completion is kept back for some turns;
 * completions come back in any order. Data that is said to be moved was moved, and
 * nothing else.
 *
 * Builds with -Dfault=true use it in whole programs: see blkio_fault_from_env().
 */
#ifndef KZ_IO_BLKIO_FAULT_H
#define KZ_IO_BLKIO_FAULT_H

#include "kzhost/io/blkio.h"

/* What can be done to an attempt. */
#define BLKIO_FAULTS(X) \
	X(SHORT, "short")     /* moves a part */ \
	X(EIO, "eio")         /* fails */ \
	X(ENOSPC, "enospc")   /* writing fails */ \
	X(EAGAIN, "eagain")   /* fails, and may be tried again */ \
	X(EINTR, "eintr")     /* the same */ \
	X(SLOW, "slow")       /* completes some turns later */ \
	X(REORDER, "reorder") /* the next completion is not the first one there is */

enum blkio_fault_kind {
#define X(id, name) BLKIO_FAULT_##id,
	BLKIO_FAULTS(X)
#undef X
		BLKIO_FAULT_N
};

struct blkio_fault {
	struct blkio_engine engine; /* for blkio_new() and struct vblk_config */
	const struct blkio_engine *inner;
	uint64_t seed;
	uint16_t per_mille[BLKIO_FAULT_N];
	unsigned turns_max; /* that a slow request takes */
	unsigned turn_us;   /* how long a turn takes when there is nothing but waiting */
	unsigned n_opened; /* each has its own random numbers, from when it is attached */
};

/* Without faults: set per_mille afterwards. @f: borrowed by every blkio that uses it. */
void blkio_fault_init(struct blkio_fault *f, const struct blkio_engine *inner,
		      uint64_t seed);

/**
 * blkio_fault_parse() - Set a script from words
 * @text:	"seed=N", "pread", and names of faults with their share of attempts in a
 *		thousand: "eio=5 short=200", separated by blanks
 *
 * Return: 0 or -EINVAL (unknown word, number above 1000)
 */
int blkio_fault_parse(struct blkio_fault *f, const char *text);

/* The engine that KZ_BLKIO_FAULT in the environment asks for; NULL: it is not set. Ends
 * the process when it cannot be understood. Called before the process has threads. */
const struct blkio_engine *blkio_fault_from_env(void);

/* How often a kind of fault was used so far, on all threads. */
uint64_t blkio_fault_count(enum blkio_fault_kind kind);

#endif
