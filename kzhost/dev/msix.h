/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * msix.h - a function's MSI-X table, and the way from a vector to KVM
 *
 * DOC: The eventfd is the pending bit
 *
 * Each vector has an eventfd; a device raises the vector by writing to it, whatever the
 * state of the mask. While the vector is unmasked its eventfd is bound to KVM (irqfd with
 * an MSI route) and the kernel injects without us. While it is masked it is not bound,
 * and the eventfd's count is the pending bit: the PBA reads it by poll(2), and when the
 * vector is bound again KVM finds the count and injects (once: it takes what comes from
 * then on, but what was there before we must take). Nothing is lost and nothing is
 * polled. While MSI-X is switched off nothing pends: what is raised then is nowhere.
 *
 * (PCI Local Bus 3.0, 6.8.2 and 6.8.3.)
 */
#ifndef KZ_DEV_MSIX_H
#define KZ_DEV_MSIX_H

#include "common/proto/machine.h"
#include "kzhost/dev/pci.h"

#include <stdatomic.h>

#define MSIX_VECTORS_MAX \
	(KZ_VCPUS_MAX + 2) /* a queue per vCPU, a control queue, configuration */
#define MSIX_ENTRY_SIZE 16

/* What a table needs of KVM; on any thread. 0 or -errno. */
struct msix_ops {
	/* Routes the vector's GSI to an MSI and binds fd to it, which injects when it has
	 * a count, and leaves that; again: only re-routes. */
	int (*bind)(void *arg, unsigned gsi, int fd, uint64_t address, uint32_t data);
	int (*unbind)(void *arg, unsigned gsi, int fd);
	void *arg;
};

struct msix_vector {
	uint64_t address;
	uint32_t data;
	bool masked;
	bool bound;
	bool pending; /* in a record only: here the eventfd tells */
	int fd;       /* eventfd, owned */
};

struct msix {
	pthread_mutex_t lock; /* of all below; taken after the bus's */
	const struct msix_ops *ops;
	unsigned gsi; /* of vector 0; the others follow */
	unsigned n;
	atomic_bool enabled; /* message control; read without the lock to raise */
	bool all_masked;     /* message control */
	struct msix_vector vector[MSIX_VECTORS_MAX];
};

/* @m: zeroed. 0 or what eventfd(2) gave; msix_fini() may follow in every case. */
int msix_init(struct msix *m, const struct msix_ops *ops, unsigned gsi, unsigned n);
void msix_fini(struct msix *m);

/* The message control word was written. */
void msix_control(struct msix *m, uint16_t control);

/* Raises a vector; out of range: nothing happens. On any thread, without a lock. */
void msix_raise(struct msix *m, unsigned vector);

/* Table and pending bits. Natural accesses of 4 or 8 bytes inside them; all others read
 * all ones and are not written; beyond the last vector no bit is pending. */
uint64_t msix_table_read(struct msix *m, uint64_t offset, unsigned size);
void msix_table_write(struct msix *m, uint64_t offset, unsigned size, uint64_t value);
uint64_t msix_pba_read(struct msix *m, uint64_t offset, unsigned size);

/*
 * Saving and loading, devstate.h; no vCPU and no owner of a queue runs. What a bound
 * vector counted is KVM's already: its interrupt controllers are saved after this.
 */

extern const struct state_table msix_table, msix_vector_table;

void msix_save(struct msix *m, struct buf *out);

/**
 * msix_load() - Set entries and pending bits from a record, and tell KVM
 * @m:		Just made
 * @control:	The message control word
 *
 * Return: 0, or -EINVAL and a text (the record ends, an address that is not aligned, or
 * something pends while MSI-X is off); then nothing has changed
 */
int msix_load(struct msix *m, uint16_t control, struct state_reader *r, struct errmsg *e);

#endif
