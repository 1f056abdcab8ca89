/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * firmware.c - the image in memory; memory map, ACPI tables, settings for SeaBIOS
 *
 * DOC: What is said
 *
 * "etc/e820": the memory map. "etc/acpi/rsdp", "etc/acpi/tables", "etc/table-loader":
 * tables whose addresses are offsets, and the steps that make them right once firmware
 * has found a place for them. "bootorder": device paths, a line each. Numbers are eight
 * bytes: the serial console's port, and that a zone without anything to boot from says so
 * and stops, instead of trying again for ever.
 */
#include "kzhost/vm/firmware.h"
#include "kzhost/vm/image.h"
#include "kzhost/vm/layout.h"
#include "kzhost/vm/memmap.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define FILE_RSDP   "etc/acpi/rsdp"
#define FILE_TABLES "etc/acpi/tables"
#define FOR_EVER    UINT32_MAX

/* One step of "etc/table-loader". */
enum step_command { STEP_ALLOCATE = 1, STEP_ADD_POINTER, STEP_ADD_CHECKSUM };
enum step_zone { ZONE_HIGH = 1, ZONE_F_SEGMENT };

struct loader_step {
	le32 command; /* enum step_command */
	union {
		struct {
			char file[FWCFG_NAME_SIZE];
			le32 align;
			uint8_t zone; /* enum step_zone */
		} allocate;
		struct {
			char in[FWCFG_NAME_SIZE]; /* the pointer stands there */
			char to[FWCFG_NAME_SIZE]; /* the address of this is added */
			le32 offset;
			uint8_t size;
		} pointer;
		struct {
			char file[FWCFG_NAME_SIZE];
			le32 offset;
			le32 start, length;
		} sum;
		uint8_t all[124];
	};
};
static_assert(sizeof(struct loader_step) == 128, "fw_cfg table loader");

struct e820_entry {
	le64 gpa;
	le64 size;
	le32 type;
};
static_assert(sizeof(struct e820_entry) == 20, "fw_cfg etc/e820");

/* The image. */

static int read_image(struct firmware *fw, int fd, struct errmsg *e)
{
	struct image_file f = { 0 };
	void *p;
	int r = image_file_open(&f, fd, "firmware", e);

	if (r < 0)
		return r;
	if (f.size % LAYOUT_FIRMWARE_UNIT || f.size > LAYOUT_FIRMWARE_MAX)
		return errmsg_set(e, -EINVAL,
				  "firmware: %llu bytes: a multiple of %u KiB, at most "
				  "%u MiB, is possible",
				  (unsigned long long)f.size,
				  (unsigned)(LAYOUT_FIRMWARE_UNIT / KIB),
				  (unsigned)(LAYOUT_FIRMWARE_MAX / MIB));
	p = mmap(NULL, f.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		 0);
	if (p == MAP_FAILED)
		return errmsg_set(e, -ENOMEM, "firmware: no memory for %llu bytes",
				  (unsigned long long)f.size);
	fw->image = p;
	fw->size = f.size;
	return image_file_read(&f, 0, fw->image, fw->size, e);
}

int firmware_load(struct firmware *fw, int fd, const struct ram *ram,
		  const struct kvm *kvm, struct errmsg *e)
{
	uint64_t shadow;
	int r = read_image(fw, fd, e);

	if (r < 0)
		return r;
	shadow = MIN(fw->size, LAYOUT_KERNEL_MIN - LAYOUT_FIRMWARE_SHADOW);
	r = ram_write(ram, LAYOUT_KERNEL_MIN - shadow, fw->image + fw->size - shadow,
		      shadow);
	if (r < 0)
		return errmsg_set(e, r, "firmware: it does not fit into memory");
	return kvm_add_rom(kvm, KZ_GPA_RAM_HIGH - fw->size, fw->image, fw->size, e);
}

void firmware_fini(struct firmware *fw)
{
	if (fw->image)
		munmap(fw->image, fw->size);
	*fw = (struct firmware){ 0 };
}

uint64_t firmware_generation_gpa(const struct ram *ram)
{
	return ram->region[0].size - LAYOUT_PAGE;
}

/* Items. */

static int add_number(struct fwcfg *f, const char *name, uint64_t value)
{
	le64 v = le64_of(value);

	return fwcfg_add_file(f, name, &v, sizeof(v));
}

static void add_range(struct buf *b, uint64_t gpa, uint64_t size, uint32_t type)
{
	struct e820_entry entry = { le64_of(gpa), le64_of(size), le32_of(type) };

	buf_add(b, &entry, sizeof(entry));
}

/* Memory below 1 MiB is firmware's to describe. */
static int add_memory_map(const struct firmware *fw, struct fwcfg *f,
			  const struct ram *ram)
{
	uint64_t low = ram->region[0].size - LAYOUT_FIRMWARE_KEEPS;
	cleanup(buf_fini) struct buf b = { 0 };

	add_range(&b, 0, low, MEMMAP_RAM);
	add_range(&b, low, LAYOUT_FIRMWARE_KEEPS, MEMMAP_RESERVED);
	add_range(&b, KZ_GPA_ECAM, KZ_ECAM_SIZE, MEMMAP_RESERVED);
	add_range(&b, LAYOUT_KVM_IDENTITY, LAYOUT_KVM_SIZE, MEMMAP_RESERVED);
	add_range(&b, KZ_GPA_RAM_HIGH - fw->size, fw->size, MEMMAP_RESERVED);
	if (ram->region[1].size > 0)
		add_range(&b, KZ_GPA_RAM_HIGH, ram->region[1].size, MEMMAP_RAM);
	return buf_error(&b) < 0 ? -ENOMEM : fwcfg_add_file(f, "etc/e820", b.p, b.len);
}

static void step_allocate(struct buf *b, const char *file, uint32_t align,
			  enum step_zone zone)
{
	struct loader_step s = { .command = le32_of(STEP_ALLOCATE) };

	memcpy(s.allocate.file, file, strlen(file));
	s.allocate.align = le32_of(align);
	s.allocate.zone = (uint8_t)zone;
	buf_add(b, &s, sizeof(s));
}

/* Every pointer is one to the tables. */
static void step_pointer(struct buf *b, const char *file, uint32_t offset, uint32_t size)
{
	struct loader_step s = { .command = le32_of(STEP_ADD_POINTER) };

	memcpy(s.pointer.in, file, strlen(file));
	memcpy(s.pointer.to, FILE_TABLES, strlen(FILE_TABLES));
	s.pointer.offset = le32_of(offset);
	s.pointer.size = (uint8_t)size;
	buf_add(b, &s, sizeof(s));
}

static void step_checksum(struct buf *b, const char *file, uint32_t offset,
			  uint32_t start, uint32_t length)
{
	struct loader_step s = { .command = le32_of(STEP_ADD_CHECKSUM) };

	memcpy(s.sum.file, file, strlen(file));
	s.sum.offset = le32_of(offset);
	s.sum.start = le32_of(start);
	s.sum.length = le32_of(length);
	buf_add(b, &s, sizeof(s));
}

/* Checksums come last: pointers change them. */
static int add_loader(struct fwcfg *f, const struct acpi_tables *t)
{
	cleanup(buf_fini) struct buf b = { 0 };

	step_allocate(&b, FILE_TABLES, ACPI_ALIGN, ZONE_HIGH);
	step_allocate(&b, FILE_RSDP, ACPI_RSDP_ALIGN, ZONE_F_SEGMENT);
	for (unsigned i = 0; i < t->n_pointers; i++)
		step_pointer(&b, FILE_TABLES, t->pointer[i].offset, t->pointer[i].size);
	step_pointer(&b, FILE_RSDP, ACPI_RSDP_XSDT, sizeof(le64));
	for (unsigned i = 0; i < t->n; i++)
		step_checksum(&b, FILE_TABLES, t->table[i].offset + ACPI_TABLE_SUM,
			      t->table[i].offset, t->table[i].size);
	step_checksum(&b, FILE_RSDP, ACPI_RSDP_SUM, 0, ACPI_RSDP_SUMMED);
	step_checksum(&b, FILE_RSDP, ACPI_RSDP_SUM_ALL, 0, ACPI_RSDP_SIZE);
	if (buf_error(&b) < 0)
		return -ENOMEM;
	return fwcfg_add_file(f, "etc/table-loader", b.p, b.len);
}

static int add_acpi(struct fwcfg *f, const struct acpi_machine *m)
{
	cleanup(acpi_fini) struct acpi_tables t;
	int r = acpi_build(&t, 0, m);

	if (r == 0)
		r = fwcfg_add_file(f, FILE_TABLES, t.tables.p, t.tables.len);
	if (r == 0)
		r = fwcfg_add_file(f, FILE_RSDP, t.rsdp, sizeof(t.rsdp));
	return r < 0 ? r : add_loader(f, &t);
}

int firmware_tell(const struct firmware *fw, struct fwcfg *f, const struct ram *ram,
		  const struct acpi_machine *m)
{
	static const struct {
		const char *name;
		uint64_t value;
	} numbers[] = {
		{ "etc/sercon-port", KZ_COM1_PORT },
		{ "etc/boot-fail-wait", FOR_EVER },
	};
	int r = add_memory_map(fw, f, ram);

	if (r == 0)
		r = add_acpi(f, m);
	for (unsigned i = 0; r == 0 && i < ARRAY_SIZE(numbers); i++)
		r = add_number(f, numbers[i].name, numbers[i].value);
	return r;
}

int firmware_boot_order(struct fwcfg *f, const unsigned *slot, unsigned n)
{
	cleanup(buf_fini) struct buf b = { 0 };

	for (unsigned i = 0; i < n; i++)
		buf_addf(&b, "/pci@i0cf8/scsi@%x/disk@0,0\n", slot[i]);
	buf_add(&b, "HALT", sizeof("HALT"));
	return buf_error(&b) < 0 ? -ENOMEM : fwcfg_add_file(f, "bootorder", b.p, b.len);
}
