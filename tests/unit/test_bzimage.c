/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_bzimage.c - the 64-bit boot protocol: boot_params, placing, hostile headers
 */
#include "kzhost/vm/image.h"
#include "kzhost/vm/layout.h"
#include "tests/harness/harness.h"

#include <asm/bootparam.h>
#include <sys/mman.h>

#define RAM_SIZE  (64 * MIB)
#define SETUP_LEN (5 * 512u) /* setup_sects = 4 */
#define CODE_LEN  8192u
#define PREF      (16 * MIB)

struct good {
	uint8_t setup[SETUP_LEN];
	uint8_t code[CODE_LEN];
};

/* The setup header lies unaligned in the file: changed through a copy. */
static struct setup_header header(const struct good *g)
{
	struct setup_header h;

	memcpy(&h, g->setup + 0x1f1, sizeof(h));
	return h;
}

static void put_header(struct good *g, const struct setup_header *h)
{
	memcpy(g->setup + 0x1f1, h, sizeof(*h));
}

static void good_image(struct good *g)
{
	struct setup_header h = {
		.setup_sects = 4,
		.boot_flag = 0xaa55,
		.jump = 0x66eb, /* to 0x268: the header's end */
		.header = 0x53726448,
		.version = 0x20f,
		.loadflags = LOADED_HIGH,
		.syssize = CODE_LEN / 16,
		.initrd_addr_max = 0x7fffffff,
		.kernel_alignment = 0x200000,
		.relocatable_kernel = 1,
		.xloadflags = XLF_KERNEL_64,
		.cmdline_size = 2047,
		.pref_address = PREF,
		.init_size = 4 * MIB,
	};

	memset(g, 0, sizeof(*g));
	put_header(g, &h);
	for (unsigned i = 0; i < CODE_LEN; i++)
		g->code[i] = (uint8_t)(i * 5 + 3);
}

struct loaded {
	struct ram ram;
	struct boot_state boot;
	struct errmsg e;
	int r;
};

static void load(struct loaded *l, const struct good *g, size_t len, int initrd,
		 const char *cmdline, uint64_t ram_size)
{
	cleanup(closep) int fd = memfd_create("image", MFD_CLOEXEC);

	memset(l, 0, sizeof(*l));
	T_EQ(write(fd, g, len), (ssize_t)len);
	T_OK(ram_init(&l->ram, ram_size, &l->e));
	l->r = image_load(&l->ram, fd, initrd, cmdline, &l->boot, &l->e);
}

static void refused(const struct good *g, size_t len, const char *text)
{
	struct loaded l;

	load(&l, g, len, -1, "", RAM_SIZE);
	T_EQ(l.r, -ENOEXEC);
	T_HAS(l.e.text, text);
	ram_fini(&l.ram);
}

TEST(bzimage, a_good_image_is_loaded_with_boot_params)
{
	const struct boot_params *bp;
	const uint64_t *gdt, *pml4, *pdpt, *pd;
	struct loaded l;
	struct good g;

	good_image(&g);
	load(&l, &g, sizeof(g), -1, "console=ttyS0", RAM_SIZE);
	T_OK(l.r);
	T_EQ(l.boot.mode, BOOT_LINUX64);
	T_EQ(l.boot.entry, PREF + 0x200);
	T_MEMEQ(ram_slice(&l.ram, PREF, CODE_LEN), g.code, CODE_LEN);
	bp = ram_slice(&l.ram, l.boot.info, sizeof(*bp));
	T_EQ(bp->hdr.header, 0x53726448);
	T_EQ(bp->hdr.type_of_loader, 0xff);
	T_EQ(bp->hdr.code32_start, PREF);
	T_EQ(bp->hdr.ramdisk_size, 0);
	T_STREQ((char *)ram_slice(&l.ram, bp->hdr.cmd_line_ptr, 14), "console=ttyS0");
	T_EQ(bp->e820_entries, 6);
	T_EQ(bp->e820_table[0].size, LAYOUT_BASE_END);
	T_EQ(bp->e820_table[3].addr, MIB);
	T_EQ(bp->e820_table[3].size, RAM_SIZE - MIB);
	gdt = ram_slice(&l.ram, LAYOUT_GDT, 48);
	T_EQ(gdt[2], 0x00af9b000000ffff);
	T_EQ(gdt[3], 0x00cf93000000ffff);
	pml4 = ram_slice(&l.ram, LAYOUT_PAGE_TABLES, 4096);
	pdpt = ram_slice(&l.ram, pml4[0] & ~4095ull, 4096);
	for (unsigned i = 0; i < 4; i++) {
		pd = ram_slice(&l.ram, pdpt[i] & ~4095ull, 4096);
		T_EQ(pd[0], i * GIB | 0x83);
		T_EQ(pd[511], i * GIB + 511 * 2 * MIB + 0x83);
	}
	ram_fini(&l.ram);
}

TEST(bzimage, initrd_stays_below_its_limit)
{
	cleanup(closep) int initrd = memfd_create("initrd", MFD_CLOEXEC);
	const struct boot_params *bp;
	struct setup_header h;
	struct loaded l;
	struct good g;

	good_image(&g);
	h = header(&g);
	h.initrd_addr_max = 32 * MIB - 1;
	put_header(&g, &h);
	T_EQ(write(initrd, g.code, 5000), 5000);
	load(&l, &g, sizeof(g), initrd, "", RAM_SIZE);
	T_OK(l.r);
	bp = ram_slice(&l.ram, l.boot.info, sizeof(*bp));
	T_EQ(bp->hdr.ramdisk_image, 32 * MIB - 8192);
	T_EQ(bp->hdr.ramdisk_size, 5000);
	T_MEMEQ(ram_slice(&l.ram, bp->hdr.ramdisk_image, 5000), g.code, 5000);
	ram_fini(&l.ram);
	h.initrd_addr_max = 20 * MIB; /* the kernel's own memory ends there */
	put_header(&g, &h);
	load(&l, &g, sizeof(g), initrd, "", RAM_SIZE);
	T_EQ(l.r, -ENOEXEC);
	T_HAS(l.e.text, "initrd: its 5000 bytes do not fit");
	ram_fini(&l.ram);
}

TEST(bzimage, placed_elsewhere_when_it_must_and_may)
{
	struct setup_header h;
	struct loaded l;
	struct good g;

	good_image(&g);
	load(&l, &g, sizeof(g), -1, "", 16 * MIB);
	T_OK(l.r);
	T_EQ(l.boot.entry, 2 * MIB + 0x200);
	ram_fini(&l.ram);
	h = header(&g);
	h.relocatable_kernel = 0;
	put_header(&g, &h);
	load(&l, &g, sizeof(g), -1, "", 16 * MIB);
	T_EQ(l.r, -ENOEXEC);
	T_HAS(l.e.text, "kernel: needs 4 MiB");
	ram_fini(&l.ram);
}

TEST(bzimage, command_line_limit_is_the_kernels)
{
	char line[2049];
	struct loaded l;
	struct good g;

	good_image(&g);
	memset(line, 'x', sizeof(line));
	line[2048] = '\0';
	load(&l, &g, sizeof(g), -1, line, RAM_SIZE);
	T_EQ(l.r, -EINVAL);
	T_HAS(l.e.text, "2048 bytes: the kernel takes 2047");
	ram_fini(&l.ram);
	load(&l, &g, sizeof(g), -1, line + 1, RAM_SIZE);
	T_OK(l.r);
	ram_fini(&l.ram);
}

TEST(bzimage, truncated_anywhere_is_refused)
{
	struct loaded l;
	struct good g;

	good_image(&g);
	for (size_t len = 1; len < sizeof(g); len += len < 0x280 ? 7 : 331) {
		load(&l, &g, len, -1, "", RAM_SIZE);
		T_EQ(l.r, -ENOEXEC);
		ram_fini(&l.ram);
	}
	refused(&g, 0x1f0, "neither");
	refused(&g, 0x300, "truncated");
	refused(&g, sizeof(g) - 1, "truncated");
}

TEST(bzimage, hostile_header_fields)
{
	struct setup_header h;
	struct good g;

#define WITH(field, value, text) \
	do { \
		good_image(&g); \
		h = header(&g); \
		h.field = value; \
		put_header(&g, &h); \
		refused(&g, sizeof(g), text); \
	} while (0)
	WITH(boot_flag, 0, "neither");
	WITH(header, 1, "neither");
	WITH(version, 0x20b, "protocol 2.11");
	WITH(loadflags, 0, "zImage");
	WITH(xloadflags, 0, "64-bit entry");
	WITH(setup_sects, 255, "truncated");
	WITH(syssize, UINT32_MAX, "truncated");
	WITH(syssize, CODE_LEN / 16 + 1, "truncated");
	WITH(syssize, 0, "no size");
	WITH(init_size, 0, "no size");
	WITH(init_size, UINT32_MAX, "needs 4096 MiB");
	WITH(kernel_alignment, 3, "alignment 0x3");
	WITH(jump, 0x00eb, "protocol 0.00"); /* a header that ends before its version */
}

TEST(bzimage, random_damage_never_does_harm)
{
	uint32_t x = 7;
	struct loaded l;
	struct good g;

	for (unsigned i = 0; i < 1500; i++) {
		good_image(&g);
		for (unsigned n = 0; n < 3; n++) {
			x = x * 1664525 + 1013904223;
			g.setup[0x1f1 + (x >> 8) % sizeof(struct setup_header)] ^=
				(uint8_t)x;
		}
		load(&l, &g, sizeof(g), -1, "", RAM_SIZE);
		T_TRUE(l.r == 0 || l.r == -ENOEXEC);
		ram_fini(&l.ram);
	}
}
