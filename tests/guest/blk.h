/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * blk.h - virtio block driver
 *
 * VIRTIO 1.2, 5.2.
 */
#ifndef GUEST_BLK_H
#define GUEST_BLK_H

#include "tests/guest/virtio.h"

#define BLK_SECTOR     512u
#define BLK_QUEUES_MAX 8
#define BLK_ID_BYTES   20
#define BLK_DMA_BYTES  0x800000u /* one area, shared by all disks */

#define BLK_F_SIZE_MAX (1ul << 1)
#define BLK_F_SEG_MAX  (1ul << 2)
#define BLK_F_RO       (1ul << 5)
#define BLK_F_BLK_SIZE (1ul << 6)
#define BLK_F_FLUSH    (1ul << 9)
#define BLK_F_TOPOLOGY (1ul << 10)
#define BLK_F_WCE      (1ul << 11)
#define BLK_F_MQ       (1ul << 12)
#define BLK_F_DISCARD  (1ul << 13)
#define BLK_F_ZEROES   (1ul << 14)

#define BLK_FEATURES \
	(VIRTIO_F_RINGS | BLK_F_SIZE_MAX | BLK_F_SEG_MAX | BLK_F_RO | BLK_F_BLK_SIZE | \
	 BLK_F_FLUSH | BLK_F_TOPOLOGY | BLK_F_WCE | BLK_F_MQ | BLK_F_DISCARD | \
	 BLK_F_ZEROES)

/* Device configuration (5.2.4). */
#define BLK_CFG_CAPACITY      0
#define BLK_CFG_SIZE_MAX      8
#define BLK_CFG_SEG_MAX       12
#define BLK_CFG_BLK_SIZE      20
#define BLK_CFG_TOPOLOGY      24
#define BLK_CFG_WRITEBACK     32
#define BLK_CFG_NUM_QUEUES    34
#define BLK_CFG_DISCARD_MAX   36
#define BLK_CFG_DISCARD_SEGS  40
#define BLK_CFG_DISCARD_ALIGN 44
#define BLK_CFG_ZEROES_MAX    48
#define BLK_CFG_ZEROES_SEGS   52
#define BLK_CFG_ZEROES_UNMAP  56

enum blk_type {
	BLK_IN = 0,
	BLK_OUT = 1,
	BLK_FLUSH = 4,
	BLK_GET_ID = 8,
	BLK_DISCARD = 11,
	BLK_ZEROES = 13,
};

/* Status byte (5.2.6); the last two are the driver's own. */
#define BLK_OK        0
#define BLK_IOERR     1
#define BLK_UNSUPP    2
#define BLK_NO_STATUS 0xfe /* the device completed and wrote none */
#define BLK_NO_ANSWER 0xff /* the device did not complete */

struct blk_header {
	uint32_t type, reserved;
	uint64_t sector;
};

struct blk_range {
	uint64_t sector;
	uint32_t n_sectors, flags; /* bit 0: unmap */
};

struct blk {
	struct virtio_dev *dev;
	uint64_t capacity; /* sectors of 512 */
	unsigned blk_size, n_queues;
	unsigned answer_ms; /* how long blk_do() waits; a start sets it */
	/* One a request slot of a queue; slot 0 of queue 0 is the synchronous one's. */
	struct blk_header *header;
	volatile uint8_t *status;
};

/**
 * blk_open() - The @n-th disk, started
 * @fresh:	Reset and start it even when it runs
 *
 * Says what is wrong when there is none or it does not start.
 *
 * Return: the disk, or NULL
 */
struct blk *blk_open(unsigned n, bool fresh);

/* Starts with these features at most and this many queues. Return: false, and said why */
bool blk_start(struct blk *b, uint64_t features, unsigned n_queues);

/* Memory for data, BLK_DMA_BYTES; NULL without memory, which is said. */
uint8_t *blk_dma(void);

/**
 * blk_do() - One request, waited for
 * @data:	For the device to read or to write, as the type says; NULL: none
 *
 * Return: status byte, or BLK_NO_STATUS, BLK_NO_ANSWER
 */
unsigned blk_do(struct blk *b, enum blk_type type, uint64_t sector, void *data,
		uint32_t bytes);

const char *blk_status_name(unsigned status);

#endif
