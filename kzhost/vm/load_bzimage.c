/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * load_bzimage.c - Linux kernels by the 64-bit boot protocol
 *
 * DOC: From file to first instruction
 *
 * A bzImage is real-mode code with the setup header in it, then the protected-mode
 * kernel. The real-mode code is not used: the kernel is placed where it prefers to be, or
 * at the next aligned address that fits when it is relocatable; it is entered 512 bytes
 * behind its start in 64-bit mode, with the first 4 GiB mapped one to one, the segments
 * 0x10 and 0x18 flat, and rsi pointing at boot_params: the setup header from the file
 * with our answers in it, the memory map, the command line, the initrd.
 * (Documentation/arch/x86/boot.rst, sections "The Real-Mode Kernel Header" and "64-bit
 * Boot Protocol".) It needs protocol 2.12 for xloadflags.
 */
#include "kzhost/vm/image.h"
#include "kzhost/vm/layout.h"
#include "kzhost/vm/memmap.h"

#include <asm/bootparam.h>
#include <string.h>

#define HDR_OFFSET   0x1f1u
#define BOOT_FLAG    0xaa55
#define HDR_MAGIC    0x53726448u /* "HdrS" */
#define VERSION_MIN  0x20c
#define SECTOR       512u
#define SETUP_SECTS  4 /* what 0 means */
#define ENTRY_64     0x200
#define LOADER_OTHER 0xff
#define VID_NORMAL   0xffff
#define ull(x)       ((unsigned long long)(x))

static_assert(offsetof(struct boot_params, hdr) == HDR_OFFSET, "boot protocol");
static_assert(sizeof(struct boot_params) == LAYOUT_PAGE, "boot protocol");
static_assert(HDR_OFFSET + sizeof(struct setup_header) < IMAGE_HEAD,
	      "the head holds the header");

static void get_header(const uint8_t *head, struct setup_header *hdr)
{
	/* The header's length is in the jump instruction at 0x200; newer fields read as
	 * 0. */
	size_t len = 0x202u + head[0x201] - HDR_OFFSET;

	memset(hdr, 0, sizeof(*hdr));
	memcpy(hdr, head + HDR_OFFSET, MIN(len, sizeof(*hdr)));
}

bool bzimage_probe(const uint8_t *head)
{
	uint16_t flag;
	uint32_t magic;

	memcpy(&flag, head + 0x1fe, sizeof(flag));
	memcpy(&magic, head + 0x202, sizeof(magic));
	return flag == BOOT_FLAG && magic == HDR_MAGIC;
}

static int check_header(const struct setup_header *hdr, struct errmsg *e)
{
	if (hdr->version < VERSION_MIN)
		return errmsg_set(
			e, -ENOEXEC,
			"kernel: a bzImage of boot protocol %u.%02u; 2.12 or later is "
			"needed",
			hdr->version >> 8, hdr->version & 0xff);
	if (!(hdr->loadflags & LOADED_HIGH))
		return errmsg_set(e, -ENOEXEC, "kernel: a zImage, not a bzImage");
	if (!(hdr->xloadflags & XLF_KERNEL_64))
		return errmsg_set(e, -ENOEXEC,
				  "kernel: a bzImage without a 64-bit entry point");
	if (hdr->init_size == 0 || hdr->syssize == 0)
		return errmsg_set(e, -ENOEXEC,
				  "kernel: a bzImage that says it has no size");
	if (hdr->kernel_alignment & (hdr->kernel_alignment - 1))
		return errmsg_set(e, -ENOEXEC, "kernel: a bzImage with alignment 0x%x",
				  hdr->kernel_alignment);
	return 0;
}

/* Address for the kernel and the memory it needs before it knows the memory map. */
static int place(const struct ram *ram, const struct setup_header *hdr, uint64_t need,
		 uint64_t *ret_gpa, struct errmsg *e)
{
	uint64_t align = MAX(hdr->kernel_alignment, LAYOUT_PAGE);
	uint64_t lowest = (LAYOUT_KERNEL_MIN + align - 1) & ~(align - 1);
	uint64_t want = hdr->pref_address, low = ram->region[0].size;

	if (want >= LAYOUT_KERNEL_MIN && want < low && need <= low - want) {
		*ret_gpa = want;
		return 0;
	}
	if (hdr->relocatable_kernel && lowest < low && need <= low - lowest) {
		*ret_gpa = lowest;
		return 0;
	}
	return errmsg_set(
		e, -ENOEXEC,
		"kernel: needs %llu MiB at 0x%llx%s, the zone has %llu MiB of memory",
		ull((need + MIB - 1) / MIB), ull(want),
		hdr->relocatable_kernel ? " or anywhere" : "", ull(ram->size / MIB));
}

int bzimage_load(const struct ram *ram, const struct image_file *f, const uint8_t *head,
		 struct image *ret_image, struct errmsg *e)
{
	uint64_t offset, len, need, gpa = 0;
	struct setup_header hdr;
	int r;

	get_header(head, &hdr);
	r = check_header(&hdr, e);
	if (r < 0)
		return r;
	offset = ((hdr.setup_sects ? hdr.setup_sects : SETUP_SECTS) + 1u) * SECTOR;
	len = (uint64_t)hdr.syssize * 16;
	need = MAX(len, (uint64_t)hdr.init_size);
	if (offset > f->size || len > f->size - offset)
		return errmsg_set(
			e, -ENOEXEC,
			"kernel: truncated: the bzImage says it has %llu bytes, the "
			"file has %llu",
			ull(offset + len), ull(f->size));
	r = place(ram, &hdr, need, &gpa, e);
	if (r == 0)
		r = image_file_to_ram(f, offset, ram, gpa, len, e);
	if (r < 0)
		return r;
	*ret_image = (struct image){
		.boot = { .mode = BOOT_LINUX64,
			  .entry = gpa + ENTRY_64,
			  .info = LAYOUT_BOOT_PARAMS },
		.low_end = gpa + need,
		.initrd_end = MIN((uint64_t)hdr.initrd_addr_max + 1, KZ_GPA_RAM_LOW_END),
		.cmdline_max = hdr.cmdline_size,
	};
	return 0;
}

static void fill_e820(const struct ram *ram, struct boot_params *bp)
{
	struct memmap_entry entries[MEMMAP_MAX];
	unsigned n = memmap_build(ram, entries);

	for (unsigned i = 0; i < n; i++) {
		bp->e820_table[i].addr = entries[i].gpa;
		bp->e820_table[i].size = entries[i].size;
		bp->e820_table[i].type = entries[i].type;
	}
	bp->e820_entries = (uint8_t)n;
}

/* Null, null, 64-bit code, data, task state (two entries): what the protocol asks for. */
static int write_gdt(const struct ram *ram)
{
	static const uint64_t gdt[] = {
		0, 0, 0x00af9b000000ffff, 0x00cf93000000ffff, 0x00008b0000000067, 0
	};

	return ram_write(ram, LAYOUT_GDT, gdt, sizeof(gdt));
}

/* The first 4 GiB one to one, in pages of 2 MiB. */
static int write_page_tables(const struct ram *ram)
{
	enum { PRESENT_WRITABLE = 3, LARGE = 0x80, PDS = 4, ENTRIES = 512 };
	uint64_t *table = ram_slice(ram, LAYOUT_PAGE_TABLES, (2 + PDS) * LAYOUT_PAGE);
	uint64_t *pdpt, *pd;

	if (!table)
		return -EFAULT;
	pdpt = table + ENTRIES;
	pd = pdpt + ENTRIES;
	table[0] = (LAYOUT_PAGE_TABLES + LAYOUT_PAGE) | PRESENT_WRITABLE;
	for (unsigned i = 0; i < PDS; i++)
		pdpt[i] = (LAYOUT_PAGE_TABLES + (2 + i) * LAYOUT_PAGE) | PRESENT_WRITABLE;
	for (uint64_t i = 0; i < PDS * ENTRIES; i++)
		pd[i] = i * 2 * MIB | PRESENT_WRITABLE | LARGE;
	return 0;
}

int bzimage_write_info(const struct ram *ram, const struct image *image,
		       const char *cmdline, const uint8_t *head, struct errmsg *e)
{
	struct boot_params *bp = ram_slice(ram, LAYOUT_BOOT_PARAMS, sizeof(*bp));
	int r;

	if (!bp)
		return -EFAULT;
	memset(bp, 0, sizeof(*bp));
	get_header(head, &bp->hdr);
	bp->hdr.type_of_loader = LOADER_OTHER;
	bp->hdr.vid_mode = VID_NORMAL;
	bp->hdr.cmd_line_ptr = LAYOUT_CMDLINE;
	bp->hdr.code32_start = (uint32_t)(image->boot.entry - ENTRY_64);
	bp->hdr.ramdisk_image = (uint32_t)image->initrd_gpa;
	bp->hdr.ramdisk_size = (uint32_t)image->initrd_size;
	bp->hdr.setup_data = 0;
	bp->acpi_rsdp_addr = LAYOUT_ACPI;
	fill_e820(ram, bp);
	r = write_gdt(ram);
	return r < 0 ? r : write_page_tables(ram);
}
