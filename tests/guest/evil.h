/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * evil.h - misdeeds of a driver, and what became of them
 */
#ifndef GUEST_EVIL_H
#define GUEST_EVIL_H

#include "tests/guest/blk.h"

/* What became of a misdeed; a set of them is what is right. */
enum evil_outcome {
	EVIL_OK = 1,      /* done, as if nothing were wrong; or: all is as it was */
	EVIL_ERROR = 2,   /* the request came back with an error */
	EVIL_RESET = 4,   /* the device set DEVICE_NEEDS_RESET */
	EVIL_NOTHING = 8, /* nothing at all happened */
	EVIL_REFUSED =
		16,      /* the register kept its value, or reads as told by the rules */
	EVIL_TAKEN = 32, /* the register took what it must not */
	EVIL_BAD = 64,   /* something worse, said in a line of its own */
};

struct evil_ctx {
	struct blk *b;   /* started anew, with all features and queues, interrupts off */
	struct vring *r; /* its queue 0 */
	unsigned disk;   /* its number */
	unsigned ms;     /* how long to wait for what becomes of the misdeed */
};

struct evil {
	const char *name, *what;
	unsigned expected; /* set of enum evil_outcome */
	enum evil_outcome (*run)(struct evil_ctx *c);
};

/* Tables, ended by a NULL name. */
extern const struct evil evil_rings[];    /* descriptors, rings and requests */
extern const struct evil evil_regs[];     /* status, features and queue registers */
extern const struct evil evil_accesses[]; /* PCI configuration, BARs, MSI-X, resets */
extern const struct evil evil_others[];   /* entropy device and console */

/* Runs `evil ARGS`. */
void evil_command(char *args);

/* Descriptors 0 to 2 become a read of sector 0: header, 512 bytes, status. */
void evil_read(struct evil_ctx *c);

/* Offers @head and kicks. */
void evil_go(struct evil_ctx *c, uint16_t head);

/* Waits for what becomes of it: EVIL_OK, ERROR, RESET or NOTHING. */
enum evil_outcome evil_see(struct evil_ctx *c);

/* The same until all that was offered is back: the last outcome. */
enum evil_outcome evil_see_all(struct evil_ctx *c);

/* evil_go() and evil_see(). */
enum evil_outcome evil_try(struct evil_ctx *c, uint16_t head);

/* A read through the driver: does the disk work on? EVIL_OK, or EVIL_BAD */
enum evil_outcome evil_works(struct evil_ctx *c);

/* An address at which there is neither RAM nor a device. */
uint64_t evil_nowhere(void);

#endif
