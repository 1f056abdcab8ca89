// SPDX-License-Identifier: BSD-2-Clause
/*
 * fuzz_vblk.c - any rings and requests to a disk, whose backing may fail
 *
 * The first four bytes say what kind of disk it is and how it fails; steps are those of a
 * driver (guest.h), register writes, kicks that come too early, and turns of the owners.
 * All runs in one thread. Beside not crashing: nothing but the buffers of requests in
 * flight is written, the backing neither changes its size nor behind the disk's end, a
 * read-only one not at all, the status register has legal bits, and a reset brings the
 * disk back.
 */
#include "kzhost/dev/vblk.h"
#include "kzhost/io/blkio_fault.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/guest.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define SECTORS    64u
#define FILE_BYTES (SECTORS * 512 + VBLK_HOST_DATA)
#define QUEUES     2u
#define KINDS      8u /* of the first three flags */
#define BLOCKS     4u /* sizes */

enum { TURN = GUEST_OP_N, REGISTER, CONFIG, RESET };

enum { READ_ONLY = 1, NO_DISCARD = 2, BOOTABLE = 4, FAULTS = 8, FEW_FEATURES = 16 };

/* Of every kind of disk one, for all inputs: making one takes long. */
static struct vdev *disks[KINDS][BLOCKS];
static struct blkio_fault script;
static int backing = -1;
static uint8_t *file; /* mapped */

static void interrupt(void *arg, unsigned vector)
{
	ASSERT(vector <= QUEUES);
}

static void problem(void *arg, const char *dev, const char *text)
{
	ASSERT(*dev && *text);
}

/* -1 where memory files have none: then there is no detour for odd memory either. */
static int open_direct(void)
{
	char self[32];

	snprintf(self, sizeof(self), "/proc/self/fd/%d", backing);
	return open(self, O_RDWR | O_DIRECT | O_CLOEXEC);
}

static struct vdev *make(const uint8_t *data)
{
	const struct vdev_env env = { &guest_ram, interrupt, problem, NULL };
	struct vblk_config c = {
		.bytes = data[0] & BOOTABLE ? FILE_BYTES : SECTORS * 512,
		.read_only = data[0] & READ_ONLY,
		.bootable = data[0] & BOOTABLE,
		.can_discard = !(data[0] & NO_DISCARD),
		.can_zero = !(data[0] & NO_DISCARD),
		.block_bytes = 512u << data[2] % BLOCKS,
		.serial = "fuzz",
		.n_queues = QUEUES,
		.engine = &script.engine,
	};
	struct errmsg e = { "" };
	struct vdev *v = NULL;

	c.take_backing = (struct blkio_backing){ data[2] & 1 ? open_direct() : -1,
						 dup(backing), 512, 512 };
	ASSERT(vblk_new(&c, &env, &v, &e) == 0);
	return v;
}

static struct vdev *disk_of(const uint8_t *data)
{
	struct vdev **disk = &disks[data[0] % KINDS][data[2] % BLOCKS];

	blkio_fault_init(&script, &blkio_sync, data[2]);
	script.turn_us = 0;
	for (unsigned i = 0; data[0] & FAULTS && i < BLKIO_FAULT_N; i++)
		script.per_mille[i] = data[3] >> i & 1 ? 300 : 0;
	if (!*disk)
		*disk = make(data);
	looked_vblk_begin(*disk);
	return *disk;
}

static void turn(struct vdev *v, unsigned queue)
{
	guest_allow_used(&v->queue[queue].vq);
	looked_vblk_turn(v, queue);
	guest_check();
}

/* A reset ends, whatever goes on. */
static void reset(struct vdev *v)
{
	guest_set(v, VDEV_STATUS, 0);
	for (unsigned i = 0; i < QUEUES; i++)
		turn(v, i);
	ASSERT(vdev_read(v, VDEV_STATUS) == 0);
	for (unsigned i = 0; i < QUEUES; i++)
		guest_forget(&v->queue[i].vq);
}

/* Only status writes that are no reset: that needs the owners' turns. */
static void write_register(struct vdev *v, const uint8_t *s)
{
	enum vdev_reg reg = s[1] % VDEV_REG_N;
	uint64_t value = 0;

	memcpy(&value, s + 2, 5);
	if (reg == VDEV_STATUS && (value & 0xff) == 0)
		reset(v);
	else
		vdev_write(v, reg, s[7] & 1 ? 0xffff : ~0ull, value);
	vdev_read(v, reg);
}

static void configuration(struct vdev *v, const uint8_t *s)
{
	uint8_t data[8] = { 0 };
	unsigned offset = s[1] | (unsigned)s[2] << 8, len = s[3] % 9;

	vdev_config_read(v, offset, data, len);
	vdev_config_write(v, offset, data, len);
}

static void step(struct vdev *v, const uint8_t *s, bool few)
{
	switch (s[0] % 16) {
	case REGISTER:
		write_register(v, s);
		break;
	case CONFIG:
		configuration(v, s);
		break;
	case RESET:
		reset(v);
		if (s[1] & 1)
			guest_drive(v, few ? VIRTIO_F_VERSION_1 : v->offered, QUEUES);
		break;
	default:
		turn(v, s[1] % QUEUES);
		break;
	}
}

/* What is not the guest's holds 0xa5, as before. */
static void check_file(const uint8_t *data)
{
	struct stat st;

	ASSERT(fstat(backing, &st) == 0 && st.st_size == FILE_BYTES);
	for (size_t i = SECTORS * 512; i < FILE_BYTES; i += i < SECTORS * 1024 ? 1 : 4001)
		ASSERT(file[i] == 0xa5);
	for (size_t i = 0; data[0] & READ_ONLY && i < SECTORS * 512; i++)
		ASSERT(file[i] == 0x5a);
}

static void begin(void)
{
	if (backing >= 0)
		goto fill;
	backing = memfd_create("fuzz", MFD_CLOEXEC);
	ASSERT(ftruncate(backing, FILE_BYTES) == 0);
	file = mmap(NULL, FILE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, backing, 0);
	ASSERT(file != MAP_FAILED);
	memset(file, 0xa5, FILE_BYTES);
fill:
	memset(file, 0x5a, SECTORS * 512);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vblk_stats before, after;
	struct vdev *v;

	if (size < 4)
		return 0;
	begin();
	guest_begin(data[1]);
	v = disk_of(data);
	vblk_stats(v, &before);
	guest_drive(v, data[0] & FEW_FEATURES ? VIRTIO_F_VERSION_1 : v->offered, QUEUES);
	for (size_t i = 4, n = 0; i + GUEST_STEP <= size && n < GUEST_STEPS;
	     i += GUEST_STEP, n++) {
		if (!guest_step(data + i))
			step(v, data + i, data[0] & FEW_FEATURES);
		ASSERT(!(vdev_read(v, VDEV_STATUS) & 0x30));
	}
	reset(v);
	guest_drive(v, v->offered, QUEUES);
	ASSERT(vdev_read(v, VDEV_STATUS) == 15);
	reset(v);
	vblk_stats(v, &after);
	ASSERT(data[0] & FAULTS || after.errors == before.errors);
	check_file(data);
	return 0;
}
