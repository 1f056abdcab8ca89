/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_elf.c - the PVH ELF loader: a good image, and every field of it made hostile
 */
#include "common/base/le.h"
#include "kzhost/vm/image.h"
#include "kzhost/vm/layout.h"
#include "tests/harness/harness.h"

#include <elf.h>
#include <sys/mman.h>

#define RAM_SIZE (64 * MIB)
#define CODE     0x200000u /* where the good image lies and is entered */
#define TEXT_LEN 5004u     /* no padding behind it */

/* A good image: ELF header, two PT_LOAD and a PT_NOTE, the note, the bytes. */
struct good {
	Elf64_Ehdr ehdr;
	Elf64_Phdr phdr[3];
	struct {
		Elf64_Nhdr nhdr;
		char name[4];
		uint32_t entry;
	} note;
	uint8_t text[TEXT_LEN];
};

static void good_image(struct good *g)
{
	memset(g, 0, sizeof(*g));
	memcpy(g->ehdr.e_ident, ELFMAG, SELFMAG);
	g->ehdr.e_ident[EI_CLASS] = ELFCLASS64;
	g->ehdr.e_ident[EI_DATA] = ELFDATA2LSB;
	g->ehdr.e_ident[EI_VERSION] = EV_CURRENT;
	g->ehdr.e_type = ET_EXEC;
	g->ehdr.e_machine = EM_X86_64;
	g->ehdr.e_version = EV_CURRENT;
	g->ehdr.e_phoff = offsetof(struct good, phdr);
	g->ehdr.e_phentsize = sizeof(Elf64_Phdr);
	g->ehdr.e_phnum = 3;
	g->phdr[0] = (Elf64_Phdr){ .p_type = PT_LOAD,
				   .p_offset = offsetof(struct good, text),
				   .p_paddr = CODE,
				   .p_filesz = TEXT_LEN,
				   .p_memsz = 2 * TEXT_LEN };
	g->phdr[1] = (Elf64_Phdr){ .p_type = PT_NOTE,
				   .p_offset = offsetof(struct good, note),
				   .p_filesz = sizeof(g->note),
				   .p_memsz = sizeof(g->note),
				   .p_align = 4 };
	g->phdr[2] =
		(Elf64_Phdr){ .p_type = PT_LOAD, .p_paddr = 2 * CODE, .p_memsz = 4096 };
	g->note.nhdr = (Elf64_Nhdr){ .n_namesz = 4, .n_descsz = 4, .n_type = 18 };
	memcpy(g->note.name, "Xen", 4);
	g->note.entry = CODE + 16;
	for (unsigned i = 0; i < TEXT_LEN; i++)
		g->text[i] = (uint8_t)(i * 7 + 1);
}

static int memfd_of(const void *data, size_t len)
{
	int fd = memfd_create("image", MFD_CLOEXEC);

	T_TRUE(fd >= 0);
	T_EQ(write(fd, data, len), (ssize_t)len);
	return fd;
}

static_assert(sizeof(struct good) == offsetof(struct good, text) + TEXT_LEN,
	      "no padding");

struct loaded {
	struct ram ram;
	struct boot_state boot;
	struct errmsg e;
	int r;
};

static void load(struct loaded *l, const void *data, size_t len, int initrd,
		 const char *cmdline)
{
	cleanup(closep) int fd = memfd_of(data, len);

	memset(l, 0, sizeof(*l));
	T_OK(ram_init(&l->ram, RAM_SIZE, &l->e));
	l->r = image_load(&l->ram, fd, initrd, cmdline, &l->boot, &l->e);
}

/* Loads what must be refused with this in the text. */
static void refused(const void *data, size_t len, const char *text)
{
	struct loaded l;

	load(&l, data, len, -1, "");
	T_EQ(l.r, -ENOEXEC);
	T_HAS(l.e.text, text);
	ram_fini(&l.ram);
}

static uint64_t get(const struct ram *ram, uint64_t gpa, size_t len)
{
	le64 v = { 0 };

	T_OK(ram_read(ram, gpa, &v, len));
	return le64_get(v);
}

TEST(elf, a_good_image_is_loaded_with_its_start_info)
{
	struct good g;
	struct loaded l;

	good_image(&g);
	load(&l, &g, sizeof(g), -1, "kzones.zone=web");
	T_OK(l.r);
	T_EQ(l.boot.mode, BOOT_PVH);
	T_EQ(l.boot.entry, CODE + 16);
	T_MEMEQ(ram_slice(&l.ram, CODE, TEXT_LEN), g.text, TEXT_LEN);
	T_EQ(get(&l.ram, CODE + TEXT_LEN, 8), 0);
	T_EQ(get(&l.ram, l.boot.info, 4), 0x336ec578);
	T_EQ(get(&l.ram, l.boot.info + 4, 4), 1);
	T_EQ(get(&l.ram, l.boot.info + 12, 4), 0); /* no module */
	T_STREQ((char *)ram_slice(&l.ram, get(&l.ram, l.boot.info + 24, 8), 16),
		"kzones.zone=web");
	T_EQ(get(&l.ram, l.boot.info + 48, 4), 6); /* memory map */
	ram_fini(&l.ram);
}

TEST(elf, initrd_lies_high_and_is_told)
{
	cleanup(closep) int initrd = -1;
	struct loaded l;
	struct good g;
	uint64_t mod, gpa;

	good_image(&g);
	initrd = memfd_of(g.text, TEXT_LEN);
	load(&l, &g, sizeof(g), initrd, "");
	T_OK(l.r);
	T_EQ(get(&l.ram, l.boot.info + 12, 4), 1);
	mod = get(&l.ram, l.boot.info + 16, 8);
	gpa = get(&l.ram, mod, 8);
	T_EQ(gpa, (RAM_SIZE - TEXT_LEN) & ~4095ull);
	T_EQ(get(&l.ram, mod + 8, 8), TEXT_LEN);
	T_MEMEQ(ram_slice(&l.ram, gpa, TEXT_LEN), g.text, TEXT_LEN);
	ram_fini(&l.ram);
}

TEST(elf, an_initrd_without_room_is_refused)
{
	cleanup(closep) int initrd = memfd_create("initrd", MFD_CLOEXEC);
	cleanup(closep) int empty = memfd_create("empty", MFD_CLOEXEC);
	struct loaded l;
	struct good g;

	good_image(&g);
	T_OK(ftruncate(initrd, (off_t)(RAM_SIZE - CODE)));
	load(&l, &g, sizeof(g), initrd, "");
	T_EQ(l.r, -ENOEXEC);
	T_HAS(l.e.text, "initrd: its");
	ram_fini(&l.ram);
	load(&l, &g, sizeof(g), empty, "");
	T_EQ(l.r, -ENOEXEC);
	T_HAS(l.e.text, "initrd: the file is empty");
	ram_fini(&l.ram);
}

TEST(elf, a_command_line_that_is_too_long_is_refused)
{
	cleanup(freep) char *line = malloc(LAYOUT_CMDLINE_SIZE + 1);
	struct loaded l;
	struct good g;

	good_image(&g);
	memset(line, 'x', LAYOUT_CMDLINE_SIZE);
	line[LAYOUT_CMDLINE_SIZE - 1] = '\0';
	load(&l, &g, sizeof(g), -1, line);
	T_OK(l.r);
	ram_fini(&l.ram);
	line[LAYOUT_CMDLINE_SIZE - 1] = 'x';
	line[LAYOUT_CMDLINE_SIZE] = '\0';
	load(&l, &g, sizeof(g), -1, line);
	T_EQ(l.r, -EINVAL);
	T_HAS(l.e.text, "command line of");
	ram_fini(&l.ram);
}

TEST(elf, truncated_anywhere_is_refused)
{
	struct loaded l;
	struct good g;

	good_image(&g);
	for (size_t len = 1; len < sizeof(g); len += len < 600 ? 1 : 97) {
		load(&l, &g, len, -1, "");
		T_EQ(l.r, -ENOEXEC);
		T_TRUE(l.e.text[0] != '\0');
		ram_fini(&l.ram);
	}
	refused(&g, 63, "truncated");
	refused(&g, sizeof(g) - 1, "truncated: segment 0");
	refused("\177EL", 3, "neither a PVH ELF nor a bzImage");
}

TEST(elf, hostile_header_fields)
{
	struct good g;

#define WITH(change, text) \
	do { \
		good_image(&g); \
		change; \
		refused(&g, sizeof(g), text); \
	} while (0)
	WITH(g.ehdr.e_ident[EI_CLASS] = ELFCLASS32, "64-bit x86");
	WITH(g.ehdr.e_ident[EI_DATA] = ELFDATA2MSB, "64-bit x86");
	WITH(g.ehdr.e_machine = EM_AARCH64, "64-bit x86");
	WITH(g.ehdr.e_ident[EI_VERSION] = 9, "version");
	WITH(g.ehdr.e_type = ET_REL, "not an executable");
	WITH(g.ehdr.e_phentsize = 1, "unknown size");
	WITH(g.ehdr.e_phnum = 0, "no program headers");
	WITH(g.ehdr.e_phnum = 0xffff, "no program headers, or too many");
	WITH(g.ehdr.e_phoff = UINT64_MAX, "truncated");
	WITH(g.ehdr.e_phoff = sizeof(g) - 8, "truncated");
	WITH(g.ehdr.e_ident[0] = 'X', "neither");
}

TEST(elf, hostile_segments)
{
	struct good g;

	WITH(g.phdr[0].p_offset = UINT64_MAX, "truncated: segment 0");
	WITH(g.phdr[0].p_filesz = UINT64_MAX, "larger in the file");
	WITH(g.phdr[0].p_memsz = UINT64_MAX, "does not fit");
	WITH((g.phdr[0].p_memsz = UINT64_MAX, g.phdr[0].p_filesz = UINT64_MAX),
	     "truncated: segment 0");
	WITH(g.phdr[0].p_paddr = UINT64_MAX - 100, "does not fit");
	WITH(g.phdr[0].p_paddr = RAM_SIZE, "does not fit");
	WITH(g.phdr[0].p_paddr = RAM_SIZE - TEXT_LEN, "does not fit");
	WITH(g.phdr[0].p_paddr = LAYOUT_BOOT_PARAMS, "below 1 MiB");
	WITH(g.phdr[0].p_paddr = LAYOUT_BIOS, "below 1 MiB");
	WITH(g.phdr[2].p_paddr = CODE + 1, "overlap");
	WITH(g.phdr[2].p_paddr = CODE - 4095, "overlap");
	WITH(g.phdr[0].p_memsz = 1, "larger in the file");
}

TEST(elf, hostile_notes)
{
	struct good g;

	WITH(g.phdr[1].p_filesz = 0, "without a PVH entry");
	WITH(g.phdr[1].p_filesz = 5, "longer than its segment");
	WITH(g.phdr[1].p_filesz = UINT64_MAX, "64 KiB");
	WITH(g.phdr[1].p_offset = sizeof(g) - 3, "truncated");
	WITH(g.phdr[1].p_offset = UINT64_MAX, "truncated");
	WITH(g.note.nhdr.n_namesz = UINT32_MAX, "longer than its segment");
	WITH(g.note.nhdr.n_descsz = UINT32_MAX, "longer than its segment");
	WITH(g.note.nhdr.n_descsz = 3, "without a PVH entry");
	WITH(g.note.nhdr.n_type = 17, "without a PVH entry");
	WITH(g.note.name[0] = 'x', "without a PVH entry");
	WITH(g.note.entry = 0, "without a PVH entry");
	WITH(g.note.entry = CODE - 1, "in none of its segments");
	WITH(g.note.entry = CODE + 2 * TEXT_LEN, "in none of its segments");
	WITH(g.note.entry = UINT32_MAX, "in none of its segments");
}

TEST(elf, random_damage_never_does_harm)
{
	uint32_t x = 1;
	struct loaded l;
	struct good g;

	for (unsigned i = 0; i < 1500; i++) {
		good_image(&g);
		for (unsigned n = 0; n < 3; n++) {
			x = x * 1664525 + 1013904223;
			((uint8_t *)&g)[(x >> 8) % offsetof(struct good, text)] ^=
				(uint8_t)x;
		}
		load(&l, &g, sizeof(g), -1, "");
		T_TRUE(l.r == 0 || l.r == -ENOEXEC);
		T_EQ(l.r == 0, l.e.text[0] == '\0');
		ram_fini(&l.ram);
	}
}

TEST(elf, what_is_no_file_is_refused)
{
	struct boot_state boot;
	struct errmsg e = { 0 };
	struct ram ram;
	int fds[2];

	T_OK(ram_init(&ram, RAM_SIZE, &e));
	T_EQ(image_load(&ram, -1, -1, "", &boot, &e), -EBADF);
	T_OK(pipe(fds));
	T_EQ(image_load(&ram, fds[0], -1, "", &boot, &e), -EINVAL);
	T_HAS(e.text, "not a regular file");
	close(fds[0]);
	close(fds[1]);
	ram_fini(&ram);
}
