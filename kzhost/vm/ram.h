/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ram.h - the guest's memory, and the only way to it
 *
 * DOC: One accessor
 *
 * A guest physical address becomes a host pointer in ram_slice() and nowhere else. It
 * answers NULL for every range that is not wholly RAM. Guest memory may change at any
 * time while vCPUs run: copy once with ram_read(), check the copy, and never look again.
 */
#ifndef KZ_VM_RAM_H
#define KZ_VM_RAM_H

#include "common/base/err.h"

#include <pthread.h>
#include <stdatomic.h>

#define RAM_REGIONS 2 /* below the hole, from 4 GiB */

struct ram_region {
	uint64_t gpa;
	uint64_t size; /* 0: there is none */
	uint8_t *hva;
};

struct ram {
	int fd; /* memfd; -1 = none */
	uint8_t *base;
	uint64_t size;
	struct ram_region region[RAM_REGIONS];
	pthread_t filler;
	bool filling; /* the filler is to be joined */
	int (*fill_init)(void);
	pthread_mutex_t lock;
	pthread_cond_t wake; /* stop was set */
	atomic_bool stop;
};

/**
 * ram_init() - Get the memory of a guest; costs no time that grows with its size
 * @ram:	Set up in every case, so that ram_fini() may follow
 * @size:	Bytes, a multiple of 2 MiB, not 0
 *
 * Return: 0, -EINVAL (size), -ENOMEM (asked and available amounts in the text), or what
 * memfd_create(2) or mmap(2) gave
 */
int ram_init(struct ram *ram, uint64_t size, struct errmsg *e);

/* Stops the filler and gives the memory back. */
void ram_fini(struct ram *ram);

/* Host address of [gpa, gpa + len), NULL unless all of it is RAM of one region and len >
 * 0. */
void *ram_slice(const struct ram *ram, uint64_t gpa, uint64_t len);

/* Copy out of and into guest memory; 0 or -EFAULT with nothing copied. */
int ram_read(const struct ram *ram, uint64_t gpa, void *data, size_t len);
int ram_write(const struct ram *ram, uint64_t gpa, const void *data, size_t len);

/**
 * ram_fill_start() - Populate memory in the background, at the lowest priority
 * @init:	Run first on the thread, NULL = nothing; when it fails, nothing is filled
 *
 * Begins a moment later, so that a guest that boots or ends meanwhile is not in its way.
 *
 * Return: 0 or what pthread_create(3) gave, negative
 */
int ram_fill_start(struct ram *ram, int (*init)(void));

/* Tells the filler to end, and does not wait: at its priority, a busy host may let it
 * take long over the huge page that it is at. */
void ram_fill_cancel(struct ram *ram);

/* Stops the filler and joins it. Does nothing when it does not run. */
void ram_fill_stop(struct ram *ram);

/* Bytes of guest memory that the host has really given. */
uint64_t ram_resident(const struct ram *ram);

#endif
