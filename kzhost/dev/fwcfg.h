/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fwcfg.h - fw_cfg: what firmware is told, item by item
 *
 * DOC: Shape
 *
 * Items are bytes with a number; those with a name besides are files, listed in item
 * FWCFG_DIRECTORY. All are made before the first vCPU runs and only read from then on.
 * The guest writes a number to the selector, then takes the item's bytes one after the
 * other from the data port, or has them copied into its memory: it writes the address of
 * a small structure {control, length, address}, big-endian, to the transfer register, and
 * finds the result in `control`. Behind the end of an item, and in one that does not
 * exist, all bytes are zero. Nothing can be written. (QEMU, docs/specs/fw_cfg.)
 *
 * A transfer is at most FWCFG_DMA_MAX bytes, so that no vCPU is away for long; one that
 * asks for more, or for memory that is not there, fails with nothing copied.
 */
#ifndef KZ_DEV_FWCFG_H
#define KZ_DEV_FWCFG_H

#include "common/base/le.h"
#include "kzhost/dev/devstate.h"
#include "kzhost/vm/bus.h"
#include "kzhost/vm/ram.h"

#define FWCFG_PORTS     2
#define FWCFG_DMA_PORTS 8
#define FWCFG_DMA_MAX   MIB
#define FWCFG_NAME_SIZE 56
#define FWCFG_ITEMS     24

/* Numbers of items. */
#define FWCFG_SIGNATURE 0x00
#define FWCFG_ID        0x01 /* FWCFG_ID_* */
#define FWCFG_CPUS      0x05
#define FWCFG_BOOT_MENU 0x0e
#define FWCFG_CPUS_MAX  0x0f
#define FWCFG_DIRECTORY 0x19
#define FWCFG_FILE      0x20 /* and up */
#define FWCFG_NONE      0xffff

#define FWCFG_ID_PORTS 1
#define FWCFG_ID_DMA   2

struct fwcfg_item {
	uint16_t key;
	char name[FWCFG_NAME_SIZE]; /* "": no file */
	uint8_t *data;              /* owned */
	uint32_t size;
};

struct fwcfg {
	const struct ram *ram; /* borrowed */
	unsigned n, n_files;
	struct fwcfg_item item[FWCFG_ITEMS];

	pthread_mutex_t lock;              /* of all below */
	uint16_t key;                      /* that was selected */
	const struct fwcfg_item *selected; /* NULL: there is no such item */
	uint32_t at;
	uint32_t dma_high;
};

/* @f is zeroed memory. fwcfg_fini() when no vCPU runs any more. */
void fwcfg_init(struct fwcfg *f, const struct ram *ram);
void fwcfg_fini(struct fwcfg *f);

/**
 * fwcfg_add() - Add an item by its number
 * @data:	Copied
 *
 * Return: 0, -ENOMEM, -ENOSPC (no room for another item)
 */
int fwcfg_add(struct fwcfg *f, uint16_t key, const void *data, size_t len);

/**
 * fwcfg_add_file() - Add an item by its name, and to the directory
 * @name:	Shorter than FWCFG_NAME_SIZE, not used before
 * @data:	Copied
 *
 * Return: as above
 */
int fwcfg_add_file(struct fwcfg *f, const char *name, const void *data, size_t len);

/* The item, NULL: there is none of that name. */
const struct fwcfg_item *fwcfg_find(const struct fwcfg *f, const char *name);

extern const struct state_table fwcfg_table;
extern const struct bus_ops fwcfg_ops;     /* KZ_FWCFG_PORT, FWCFG_PORTS */
extern const struct bus_ops fwcfg_dma_ops; /* KZ_FWCFG_DMA_PORT, FWCFG_DMA_PORTS */

#endif
