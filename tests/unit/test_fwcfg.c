/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_fwcfg.c - fw_cfg by ports and by transfers, and what firmware is told
 */
#include "common/base/le.h"
#include "common/proto/machine.h"
#include "kzhost/dev/fwcfg.h"
#include "kzhost/vm/bus.h"
#include "kzhost/vm/firmware.h"
#include "kzhost/vm/layout.h"
#include "tests/harness/harness.h"

#include <stdio.h>
#include <sys/mman.h>

#define RAM_SIZE (4 * MIB)
#define AT       0x1000u /* of the structure that asks for a transfer */
#define TO       0x2000u
#define ERROR    1u
#define READ     2u
#define SKIP     4u
#define SELECT   8u
#define WRITE    16u

struct box {
	struct ram ram;
	struct bus bus;
	struct fwcfg f;
};

static void box_open(struct box *b)
{
	struct errmsg e = { 0 };

	memset(b, 0, sizeof(*b));
	T_OK(ram_init(&b->ram, RAM_SIZE, &e));
	fwcfg_init(&b->f, &b->ram);
	T_OK(bus_add(&b->bus, KZ_FWCFG_PORT, FWCFG_PORTS, &fwcfg_ops, &b->f));
	T_OK(bus_add(&b->bus, KZ_FWCFG_DMA_PORT, FWCFG_DMA_PORTS, &fwcfg_dma_ops, &b->f));
	T_OK(fwcfg_add(&b->f, FWCFG_SIGNATURE, "QEMU", 4));
	T_OK(fwcfg_add_file(&b->f, "etc/one", "abcdef", 6));
	T_OK(fwcfg_add_file(&b->f, "two", "", 0));
}

static void box_close(struct box *b)
{
	fwcfg_fini(&b->f);
	ram_fini(&b->ram);
}

static uint64_t in(struct box *b, unsigned port, unsigned size)
{
	uint64_t v;

	bus_read(&b->bus, port, size, &v);
	return v;
}

static void out(struct box *b, unsigned port, unsigned size, uint64_t v)
{
	bus_write(&b->bus, port, size, v);
}

static void select_item(struct box *b, unsigned key)
{
	out(b, KZ_FWCFG_PORT, 2, key);
}

/* The next len bytes of the data port. */
static void take(struct box *b, void *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		((uint8_t *)data)[i] = (uint8_t)in(b, KZ_FWCFG_PORT + 1, 1);
}

static void put_be(uint8_t *p, unsigned n, uint64_t v)
{
	while (n-- > 0) {
		p[n] = (uint8_t)v;
		v >>= 8;
	}
}

/* Asks for a transfer; what `control` says afterwards. */
static uint32_t dma(struct box *b, uint64_t at, uint32_t control, uint32_t len,
		    uint64_t gpa)
{
	uint8_t t[16];

	put_be(t, 4, control);
	put_be(t + 4, 4, len);
	put_be(t + 8, 8, gpa);
	T_OK(ram_write(&b->ram, at, t, sizeof(t)));
	out(b, KZ_FWCFG_DMA_PORT, 4, __builtin_bswap32((uint32_t)(at >> 32)));
	out(b, KZ_FWCFG_DMA_PORT + 4, 4, __builtin_bswap32((uint32_t)at));
	T_OK(ram_read(&b->ram, at, t, 4));
	return (uint32_t)t[0] << 24 | (uint32_t)t[1] << 16 | (uint32_t)t[2] << 8 | t[3];
}

TEST(fwcfg, items_are_read_byte_by_byte)
{
	char data[9] = "xxxxxxxx";
	struct box b;

	box_open(&b);
	take(&b, data, 2); /* nothing is selected */
	T_MEMEQ(data, "\0\0xx", 4);
	select_item(&b, FWCFG_SIGNATURE);
	take(&b, data, 6);
	T_MEMEQ(data, "QEMU\0\0xx", 8);
	select_item(&b, FWCFG_FILE);
	take(&b, data, 3);
	T_MEMEQ(data, "abc", 3);
	select_item(&b, FWCFG_FILE); /* from the beginning again */
	take(&b, data, 6);
	T_MEMEQ(data, "abcdef", 6);
	select_item(&b, 0xffff);
	take(&b, data, 1);
	T_EQ(data[0], 0);
	box_close(&b);
}

TEST(fwcfg, the_directory_lists_the_files)
{
	static const uint8_t head[] = { 0, 0, 0, 2 };
	static const uint8_t one[] = { 0, 0, 0, 6, 0, FWCFG_FILE, 0, 0 };
	static const uint8_t two[] = { 0, 0, 0, 0, 0, FWCFG_FILE + 1, 0, 0 };
	uint8_t dir[4 + 2 * 64 + 1];
	struct box b;

	box_open(&b);
	select_item(&b, FWCFG_DIRECTORY);
	take(&b, dir, sizeof(dir));
	T_MEMEQ(dir, head, 4);
	T_MEMEQ(dir + 4, one, 8);
	T_STREQ((char *)dir + 12, "etc/one");
	T_MEMEQ(dir + 68, two, 8);
	T_STREQ((char *)dir + 76, "two");
	T_EQ(dir[132], 0);
	box_close(&b);
}

/* Whatever the guest does at these ports, only the documented widths do something. */
TEST(fwcfg, every_width_and_offset_is_safe)
{
	struct box b;
	uint8_t c;

	box_open(&b);
	select_item(&b, FWCFG_FILE);
	for (unsigned port = KZ_FWCFG_PORT - 4; port < KZ_FWCFG_DMA_PORT + 12; port++) {
		for (unsigned size = 1; size <= 4; size *= 2) {
			bool data = port == KZ_FWCFG_PORT + 1 && size == 1;
			bool sign = (port == KZ_FWCFG_DMA_PORT ||
				     port == KZ_FWCFG_DMA_PORT + 4) &&
				    size == 4;
			bool inside = port >= KZ_FWCFG_DMA_PORT &&
				      port + size <= KZ_FWCFG_DMA_PORT + 8 && size == 4;
			uint64_t v = in(&b, port, size);
			uint64_t ones =
				size == 8 ? UINT64_MAX : (UINT64_C(1) << size * 8) - 1;

			if (!data && !inside)
				T_EQ(v & ones, ones);
			if (sign)
				T_EQ(v, port == KZ_FWCFG_DMA_PORT ? 0x554d4551u
								  : 0x47464320u);
			if (port != KZ_FWCFG_PORT || size != 2)
				out(&b, port, size, 0);
		}
	}
	take(&b, &c, 1); /* one byte was taken above; nothing chose another item */
	T_EQ(c, 'b');
	box_close(&b);
}

TEST(fwcfg, transfers_copy_skip_and_pad)
{
	char data[12];
	struct box b;

	box_open(&b);
	T_EQ(dma(&b, AT, FWCFG_FILE << 16 | SELECT | READ, 4, TO), 0);
	T_OK(ram_read(&b.ram, TO, data, 4));
	T_MEMEQ(data, "abcd", 4);
	T_OK(ram_write(&b.ram, TO, "xxxxxxxxxxxx", 12));
	T_EQ(dma(&b, AT, READ, 8, TO), 0); /* goes on; zero behind the end */
	T_OK(ram_read(&b.ram, TO, data, 12));
	T_MEMEQ(data, "ef\0\0\0\0\0\0xxxx", 12);
	T_EQ(dma(&b, AT, FWCFG_FILE << 16 | SELECT | SKIP, 5, 0), 0);
	take(&b, data, 2);
	T_MEMEQ(data, "f\0", 2);
	T_EQ(dma(&b, AT, FWCFG_FILE << 16 | SELECT, UINT32_MAX, UINT64_MAX), 0);
	T_EQ(dma(&b, AT, SKIP, UINT32_MAX, 0), 0);
	T_EQ(dma(&b, AT, SKIP, UINT32_MAX, 0), 0);
	T_EQ(dma(&b, AT, READ, 0, UINT64_MAX), 0);
	T_EQ(dma(&b, AT, 0x77 << 16 | SELECT | READ, 4, TO), 0); /* no such item */
	T_OK(ram_read(&b.ram, TO, data, 4));
	T_MEMEQ(data, "\0\0\0\0", 4);
	box_close(&b);
}

TEST(fwcfg, bad_transfers_fail_and_copy_nothing)
{
	static const struct {
		uint32_t control, len;
		uint64_t gpa;
	} bad[] = {
		{ READ, 1, RAM_SIZE },
		{ READ, 2, RAM_SIZE - 1 },
		{ READ, 1, UINT64_MAX },
		{ READ, 16, UINT64_MAX - 8 },
		{ READ, FWCFG_DMA_MAX + 1, 0x100000 },
		{ READ, UINT32_MAX, 0 },
		{ READ, 8, KZ_GPA_ECAM },
		{ WRITE, 4, TO },
		{ WRITE | SELECT | FWCFG_FILE << 16, 4, TO },
	};
	struct box b;
	uint8_t c;

	box_open(&b);
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		select_item(&b, FWCFG_FILE);
		T_EQ(dma(&b, AT, bad[i].control, bad[i].len, bad[i].gpa), ERROR);
		take(&b, &c, 1);
		T_EQ(c, 'a');
	}
	/* Both at once is a read. */
	T_EQ(dma(&b, AT, FWCFG_FILE << 16 | SELECT | READ | WRITE, 1, TO), 0);
	/* The most that is possible. */
	T_EQ(dma(&b, AT, READ, FWCFG_DMA_MAX, 0x100000), 0);
	T_EQ(dma(&b, RAM_SIZE - 16, READ, 1, TO), 0);
	box_close(&b);
}

TEST(fwcfg, a_structure_that_is_not_there_is_ignored)
{
	static const uint64_t gpas[] = { RAM_SIZE,        RAM_SIZE - 15, UINT64_MAX,
					 UINT64_MAX - 15, KZ_GPA_ECAM,   1ull << 32 };
	struct box b;

	box_open(&b);
	for (unsigned i = 0; i < ARRAY_SIZE(gpas); i++) {
		uint64_t be = __builtin_bswap64(gpas[i]);

		out(&b, KZ_FWCFG_DMA_PORT, 4, be & UINT32_MAX);
		out(&b, KZ_FWCFG_DMA_PORT + 4, 4, be >> 32);
	}
	T_EQ(b.f.dma_high, 0); /* of one transfer only */
	/* Into itself: the result is what is left there. */
	T_EQ(dma(&b, AT, FWCFG_FILE << 16 | SELECT | READ, 16, AT), 0);
	box_close(&b);
}

TEST(fwcfg, it_is_full_some_time_and_survives_every_oom)
{
	struct box b;
	int r = 0;

	box_open(&b);
	for (unsigned i = 0; r == 0; i++) {
		char name[16];

		snprintf(name, sizeof(name), "file%u", i);
		r = fwcfg_add_file(&b.f, name, "x", 1);
	}
	T_EQ(r, -ENOSPC);
	T_EQ(b.f.n, FWCFG_ITEMS);
	box_close(&b);
	r = -ENOMEM;
	for (long n = 0; r == -ENOMEM; n++) {
		struct fwcfg f = { 0 };

		fwcfg_init(&f, &b.ram);
		fault_arm(n);
		r = fwcfg_add_file(&f, "a", "b", 1);
		T_EQ(r, fault.fired ? -ENOMEM : 0);
		fault_disarm();
		T_EQ(f.n_files, r == 0);
		T_TRUE(r == 0 || !fwcfg_find(&f, "a"));
		fwcfg_fini(&f);
	}
}

/* What firmware is told. */

static uint64_t get(const uint8_t *p, unsigned n)
{
	uint64_t v = 0;

	memcpy(&v, p, n);
	return v;
}

static uint8_t sum(const uint8_t *p, uint64_t len)
{
	uint8_t s = 0;

	while (len-- > 0)
		s = (uint8_t)(s + *p++);
	return s;
}

static const struct fwcfg_item *file(const struct box *b, const char *name)
{
	const struct fwcfg_item *i = fwcfg_find(&b->f, name);

	T_NOT_NULL(i);
	return i;
}

static void tell(struct box *b)
{
	const struct acpi_machine m = { .n_vcpus = 2,
					.pci_high = 0x400000000,
					.generation_gpa =
						firmware_generation_gpa(&b->ram),
					.firmware = true };
	const struct firmware fw = { .size = 256 * KIB };

	T_OK(firmware_tell(&fw, &b->f, &b->ram, &m));
}

TEST(firmware, the_memory_map_keeps_what_is_not_its_own)
{
	const struct fwcfg_item *map;
	struct box b;
	uint64_t gpa;

	box_open(&b);
	tell(&b);
	map = file(&b, "etc/e820");
	gpa = firmware_generation_gpa(&b.ram);
	T_EQ(map->size % 20, 0);
	for (uint32_t at = 0; at < map->size; at += 20) {
		uint64_t from = get(map->data + at, 8), size = get(map->data + at + 8, 8);
		bool ram = get(map->data + at + 16, 4) == 1;

		T_TRUE(!ram || from + size <= gpa || from > gpa);
		T_TRUE(!ram || ram_slice(&b.ram, from, size));
	}
	T_EQ(get(map->data, 8), 0);
	T_EQ(get(map->data + 8, 8), RAM_SIZE - LAYOUT_FIRMWARE_KEEPS);
	T_EQ(gpa, RAM_SIZE - 4096);
	box_close(&b);
}

/* Carries out the steps as firmware does; where it put the RSDP. */
struct loaded {
	const char *name;
	uint8_t *data;
	uint64_t gpa;
	uint32_t size;
};

static struct loaded *find_loaded(struct loaded *l, const char *name)
{
	for (unsigned i = 0; i < 2; i++) {
		if (l[i].name && strcmp(l[i].name, name) == 0)
			return &l[i];
	}
	T_FAIL("%s was not allocated", name);
	return NULL;
}

static void run_step(struct box *b, const uint8_t *step, struct loaded *l, uint64_t *next)
{
	const char *name = (const char *)step + 4;
	struct loaded *in_file;
	uint32_t command = (uint32_t)get(step, 4);
	uint64_t v;

	if (command == 1) {
		const struct fwcfg_item *item = file(b, name);
		unsigned i = l[0].name != NULL;

		*next = (*next + get(step + 60, 4) - 1) & ~(get(step + 60, 4) - 1);
		l[i] = (struct loaded){ name, item->data, *next, item->size };
		*next += item->size;
		return;
	}
	in_file = find_loaded(l, name);
	if (command == 2) {
		uint32_t at = (uint32_t)get(step + 116, 4);
		unsigned size = step[120];

		T_TRUE(at + size <= in_file->size);
		v = get(in_file->data + at, size) +
		    find_loaded(l, (const char *)step + 60)->gpa;
		memcpy(in_file->data + at, &v, size);
	} else {
		uint32_t at = (uint32_t)get(step + 60, 4);
		uint32_t from = (uint32_t)get(step + 64, 4),
			 len = (uint32_t)get(step + 68, 4);

		T_EQ(command, 3);
		T_TRUE(from + len <= in_file->size && at < in_file->size);
		in_file->data[at] =
			(uint8_t)(in_file->data[at] - sum(in_file->data + from, len));
	}
}

TEST(firmware, the_loader_steps_make_tables_that_are_right)
{
	const struct fwcfg_item *steps;
	struct loaded l[2] = { 0 };
	uint64_t next = 0x3f0010, tables;
	const uint8_t *xsdt, *fadt;
	struct box b;

	box_open(&b);
	tell(&b);
	steps = file(&b, "etc/table-loader");
	T_EQ(steps->size % 128, 0);
	for (uint32_t at = 0; at < steps->size; at += 128)
		run_step(&b, steps->data + at, l, &next);
	tables = find_loaded(l, "etc/acpi/tables")->gpa;
	T_EQ(sum(find_loaded(l, "etc/acpi/rsdp")->data, 20), 0);
	T_EQ(sum(find_loaded(l, "etc/acpi/rsdp")->data, 36), 0);
	xsdt = l[0].data + get(l[1].data + 24, 8) - tables;
	T_MEMEQ(xsdt, "XSDT", 4);
	for (uint64_t at = 36; at < get(xsdt + 4, 4); at += 8) {
		const uint8_t *t = l[0].data + get(xsdt + at, 8) - tables;

		T_EQ(sum(t, get(t + 4, 4)), 0);
	}
	fadt = l[0].data + get(xsdt + 36, 8) - tables;
	T_MEMEQ(l[0].data + get(fadt + 140, 8) - tables, "DSDT", 4);
	T_MEMEQ(l[0].data + get(fadt + 36, 4) - tables, "FACS", 4);
	T_EQ(get(fadt + 36, 4) % 64, 0);
	box_close(&b);
}

TEST(firmware, settings_and_boot_order)
{
	static const unsigned slots[] = { 4, 18 };
	struct box b;

	box_open(&b);
	tell(&b);
	T_EQ(get(file(&b, "etc/sercon-port")->data, 8), KZ_COM1_PORT);
	T_EQ(get(file(&b, "etc/boot-fail-wait")->data, 8), UINT32_MAX);
	T_OK(firmware_boot_order(&b.f, slots, 2));
	T_STREQ((char *)file(&b, "bootorder")->data,
		"/pci@i0cf8/scsi@4/disk@0,0\n/pci@i0cf8/scsi@12/disk@0,0\nHALT");
	box_close(&b);
}

static int load(const void *data, size_t len, off_t size, struct errmsg *e)
{
	const struct kvm no_kvm = { .vm_fd = -1 };
	int fd = memfd_create("bios", MFD_CLOEXEC);
	struct firmware fw = { 0 };
	struct ram ram;
	int r;

	T_TRUE(fd >= 0);
	T_EQ(write(fd, data, len), (ssize_t)len);
	T_OK(ftruncate(fd, size));
	T_OK(ram_init(&ram, RAM_SIZE, e));
	r = firmware_load(&fw, fd, &ram, &no_kvm, e);
	firmware_fini(&fw);
	ram_fini(&ram);
	close(fd);
	return r;
}

TEST(firmware, images_of_impossible_sizes_are_refused)
{
	static const off_t odd[] = { 1, 65535, 65537, 128 * 1024 + 512, 17 * (off_t)MIB };
	struct errmsg e = { 0 };

	T_EQ(load("", 0, 0, &e), -ENOEXEC);
	T_HAS(e.text, "firmware: the file is empty");
	for (unsigned i = 0; i < ARRAY_SIZE(odd); i++) {
		T_EQ(load("", 0, odd[i], &e), -EINVAL);
		T_HAS(e.text, "a multiple of 64 KiB, at most 16 MiB");
	}
	/* Good ones come as far as KVM, of which there is none. */
	T_EQ(load("", 0, 65536, &e), -EOPNOTSUPP);
	T_EQ(load("", 0, 16 * (off_t)MIB, &e), -EOPNOTSUPP);
}
