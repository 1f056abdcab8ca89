/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * serial.h - a 16550A serial port, the zone's console
 */
#ifndef KZ_DEV_SERIAL_H
#define KZ_DEV_SERIAL_H

#include "kzhost/dev/dev.h"
#include "kzhost/dev/devstate.h"
#include "kzhost/dev/ring.h"
#include "kzhost/vm/bus.h"

#include <pthread.h>

#define SERIAL_PORTS   8
#define SERIAL_FIFO    16
#define SERIAL_OUT_BUF 65536
#define SERIAL_IN_BUF  4096

struct serial {
	pthread_mutex_t lock; /* of all below */
	struct dev_env env;
	unsigned gsi;
	uint8_t ier, fcr, lcr, mcr, scr, dll, dlm;
	uint8_t lsr_errors; /* overrun, until LSR is read */
	uint8_t msr_delta;
	bool thr_empty;   /* the transmitter interrupt is pending */
	bool line;        /* level of the interrupt line */
	bool in_wanted;   /* the main thread had bytes that did not fit */
	bool out_wanted;  /* the main thread found no output */
	struct ring fifo; /* what the guest reads */
	struct ring in;   /* waits for room in fifo */
	struct ring out;  /* waits for the main thread */
	uint64_t out_bytes, out_lost;
	uint8_t fifo_data[SERIAL_FIFO];
	uint8_t in_data[SERIAL_IN_BUF];
	uint8_t out_data[SERIAL_OUT_BUF];
};

extern const struct bus_ops serial_ops;
extern const struct state_table serial_table;

/* @s is zeroed memory. @env is copied. */
void serial_init(struct serial *s, const struct dev_env *env, unsigned gsi);
void serial_fini(struct serial *s);

/* What the guest wrote; 0 = nothing: then, and only then, the next byte wakes. */
size_t serial_read_out(struct serial *s, void *data, size_t size);

/* Bytes for the guest: as many as fit. After a short count a wake says that there is
 * room. */
size_t serial_write_in(struct serial *s, const void *data, size_t len);

/* Has the guest asked for an interrupt when bytes come? */
bool serial_listens(struct serial *s);

/* Bytes the guest wrote so far, and how many of them were dropped unread. */
void serial_counts(struct serial *s, uint64_t *ret_bytes, uint64_t *ret_lost);

#endif
