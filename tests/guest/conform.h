/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * conform.h - checks of a device against the device requirements of VIRTIO 1.2
 */
#ifndef GUEST_CONFORM_H
#define GUEST_CONFORM_H

#include "tests/guest/blk.h"

enum conform_result { CONFORM_FAIL, CONFORM_OK, CONFORM_NA };

/* Which devices a check is for. */
#define CONFORM_BLOCK   (1u << VIRTIO_BLOCK)
#define CONFORM_CONSOLE (1u << VIRTIO_CONSOLE)
#define CONFORM_ENTROPY (1u << VIRTIO_ENTROPY)
#define CONFORM_ALL     (CONFORM_BLOCK | CONFORM_CONSOLE | CONFORM_ENTROPY)

struct conform {
	struct virtio_dev *d;
	unsigned number;  /* of the device among those of its type */
	uint64_t offered; /* features */
	uint8_t *mem;     /* for buffers, CONFORM_MEM bytes */
	struct vring *r;  /* of conform_start() */
	unsigned n_out;   /* buffers of a request; those the device reads */
	unsigned n_descs;
	uint32_t used_id, used_len; /* of conform_used() */
	const char *why;            /* what did not hold */
};

#define CONFORM_CHAR   '\r' /* what a console gets: it may be ours, too */
#define CONFORM_MEM    0x10000
#define CONFORM_DATA   0x1000 /* in mem: data of a request */
#define CONFORM_TABLE  0x4000 /* an indirect table */
#define CONFORM_STATUS 0x20   /* status byte of a block request, header at 0 */

struct conform_check {
	const char *clause, *text;
	unsigned types;
	enum conform_result (*run)(struct conform *c);
};

/* Tables, ended by a NULL clause. */
extern const struct conform_check conform_basic[];  /* 2, 6 */
extern const struct conform_check conform_pci[];    /* 4.1 */
extern const struct conform_check conform_device[]; /* 5.2 to 5.4 */

/* Fails the check that it stands in, unless @cond holds. */
#define CONFORM(c, cond) \
	do { \
		if (!(cond)) { \
			(c)->why = #cond; \
			return CONFORM_FAIL; \
		} \
	} while (0)

/* Runs `conform ARGS`. */
void conform_command(char *args);

/**
 * conform_ready() - Everything up to, not including, DRIVER_OK
 * @features:	Besides VERSION_1
 *
 * Sets up the queue on which requests are made: 0, of a console 1. Interrupts are on,
 * MSI-X entry 0 for the configuration and 1 for the queue.
 *
 * Return: false when the device does not come that far
 */
bool conform_ready(struct conform *c, uint64_t features);

/* The same, and DRIVER_OK. */
bool conform_start(struct conform *c, uint64_t features);

/* Sets DRIVER_OK. */
void conform_go(struct conform *c);

/* Lays out a harmless request from descriptor @head on: read sector 0, 64 random bytes,
 * one character. */
void conform_fill(struct conform *c, uint16_t head);

/* Offers @head and kicks, wanted or not. */
void conform_offer(struct conform *c, uint16_t head);

/* Waits up to @ms for something used, not for a device that wants a reset. */
bool conform_used(struct conform *c, unsigned ms);

/* conform_fill(), conform_offer() and conform_used(), with success. */
bool conform_request(struct conform *c);

/* Interrupts so far on MSI-X entry @entry, or after waiting up to @ms for @more than
 * @before. */
uint64_t conform_interrupts(struct conform *c, unsigned entry);
bool conform_interrupted(struct conform *c, unsigned entry, uint64_t before, unsigned ms);

/* Makes the device enter an error state, by a head that is out of range; the status tells
 * whether it did. */
bool conform_break(struct conform *c);

#define CONFORM_MS       VIRTIO_ANSWER_MS /* what has to happen */
#define CONFORM_QUIET_MS 60               /* what must not happen */

#endif
