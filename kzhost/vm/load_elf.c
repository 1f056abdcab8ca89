/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * load_elf.c - 64-bit ELF kernels with the PVH entry point
 *
 * The entry is not that of the ELF header but the one in the note
 * XEN_ELFNOTE_PHYS32_ENTRY (name "Xen", type 18), a physical address where 32-bit code
 * begins. Segments go to their physical addresses; what is larger in memory than in the
 * file is zero, as guest memory is anyway before the first load: that is why segments may
 * not overlap.
 */
#include "kzhost/vm/image.h"
#include "kzhost/vm/layout.h"

#include <elf.h>
#include <string.h>

#define PHDRS_MAX   64
#define NOTES_MAX   (64 * KIB)
#define NOTE_PHYS32 18
#define ull(x)      ((unsigned long long)(x))

/* A loader's working state. */
struct elf {
	const struct ram *ram;
	const struct image_file *f;
	struct errmsg *e;
	Elf64_Ehdr ehdr;
	Elf64_Phdr phdr[PHDRS_MAX];
	uint64_t entry; /* 0 = no note yet */
	uint64_t low_end;
};

bool elf_probe(const uint8_t *head)
{
	return memcmp(head, ELFMAG, SELFMAG) == 0;
}

static int bad(const struct elf *elf, const char *what)
{
	return errmsg_set(elf->e, -ENOEXEC, "kernel: malformed ELF file: %s", what);
}

static int read_headers(struct elf *elf, const uint8_t *head)
{
	Elf64_Ehdr *h = &elf->ehdr;

	if (elf->f->size < sizeof(*h))
		return errmsg_set(elf->e, -ENOEXEC,
				  "kernel: truncated: an ELF file of %llu bytes",
				  ull(elf->f->size));
	memcpy(h, head, sizeof(*h));
	if (h->e_ident[EI_CLASS] != ELFCLASS64 || h->e_ident[EI_DATA] != ELFDATA2LSB ||
	    h->e_machine != EM_X86_64)
		return bad(elf, "not one for 64-bit x86");
	if (h->e_ident[EI_VERSION] != EV_CURRENT || h->e_version != EV_CURRENT)
		return bad(elf, "unknown version");
	if (h->e_type != ET_EXEC && h->e_type != ET_DYN)
		return bad(elf, "not an executable");
	if (h->e_phentsize != sizeof(elf->phdr[0]))
		return bad(elf, "program headers of an unknown size");
	if (h->e_phnum == 0 || h->e_phnum > PHDRS_MAX)
		return bad(elf, "no program headers, or too many");
	return image_file_read(elf->f, h->e_phoff, elf->phdr,
			       h->e_phnum * sizeof(elf->phdr[0]), elf->e);
}

/* True when [a, a + alen) and [b, b + blen) meet; neither wraps around. */
static bool overlap(uint64_t a, uint64_t alen, uint64_t b, uint64_t blen)
{
	return a < b + blen && b < a + alen;
}

static int check_segment(const struct elf *elf, unsigned n)
{
	const Elf64_Phdr *p = &elf->phdr[n];

	if (p->p_filesz > p->p_memsz)
		return bad(elf, "a segment is larger in the file than in memory");
	if (p->p_offset > elf->f->size || p->p_filesz > elf->f->size - p->p_offset)
		return errmsg_set(
			elf->e, -ENOEXEC,
			"kernel: truncated: segment %u has %llu bytes from %llu, the "
			"file has %llu",
			n, ull(p->p_filesz), ull(p->p_offset), ull(elf->f->size));
	if (p->p_paddr < LAYOUT_KERNEL_MIN)
		return errmsg_set(elf->e, -ENOEXEC,
				  "kernel: segment %u lies at 0x%llx, below 1 MiB", n,
				  ull(p->p_paddr));
	if (!ram_slice(elf->ram, p->p_paddr, p->p_memsz))
		return errmsg_set(
			elf->e, -ENOEXEC,
			"kernel: segment %u, %llu bytes at 0x%llx, does not fit into "
			"%llu MiB of memory",
			n, ull(p->p_memsz), ull(p->p_paddr), ull(elf->ram->size / MIB));
	for (unsigned i = 0; i < n; i++) {
		const Elf64_Phdr *q = &elf->phdr[i];

		if (q->p_type == PT_LOAD && q->p_memsz > 0 &&
		    overlap(p->p_paddr, p->p_memsz, q->p_paddr, q->p_memsz))
			return bad(elf, "segments overlap");
	}
	return 0;
}

static int load_segment(struct elf *elf, unsigned n)
{
	const Elf64_Phdr *p = &elf->phdr[n];
	int r;

	if (p->p_memsz == 0)
		return 0;
	r = check_segment(elf, n);
	if (r < 0)
		return r;
	if (p->p_paddr < KZ_GPA_RAM_HIGH)
		elf->low_end = MAX(elf->low_end, p->p_paddr + p->p_memsz);
	if (p->p_filesz == 0)
		return 0;
	return image_file_to_ram(elf->f, p->p_offset, elf->ram, p->p_paddr, p->p_filesz,
				 elf->e);
}

/* One note at data; its whole size goes to *ret_size. False: it does not fit into len. */
static bool parse_note(const uint8_t *data, uint64_t len, uint64_t align,
		       uint64_t *ret_size, uint64_t *entry)
{
	uint64_t name_at = sizeof(Elf64_Nhdr), desc_at, end;
	Elf64_Nhdr nhdr;

	if (len < sizeof(nhdr))
		return false;
	memcpy(&nhdr, data, sizeof(nhdr));
	desc_at = (name_at + nhdr.n_namesz + align - 1) & ~(align - 1);
	end = desc_at + nhdr.n_descsz;
	if (end > len)
		return false;
	if (nhdr.n_type == NOTE_PHYS32 && nhdr.n_namesz == 4 &&
	    memcmp(data + name_at, "Xen", 4) == 0 &&
	    (nhdr.n_descsz == 4 || nhdr.n_descsz == 8)) {
		*entry = 0;
		memcpy(entry, data + desc_at, nhdr.n_descsz);
	}
	*ret_size = (end + align - 1) & ~(align - 1);
	return true;
}

static int read_notes(struct elf *elf, const Elf64_Phdr *p)
{
	uint64_t align = p->p_align == 8 ? 8 : 4, size = 0;
	cleanup(freep) uint8_t *data = NULL;
	int r;

	if (p->p_filesz > NOTES_MAX)
		return bad(elf, "notes of more than 64 KiB");
	if (p->p_filesz == 0)
		return 0;
	data = malloc(p->p_filesz);
	if (!data)
		return -ENOMEM;
	r = image_file_read(elf->f, p->p_offset, data, p->p_filesz, elf->e);
	for (uint64_t at = 0; r == 0 && at < p->p_filesz; at += size) {
		if (!parse_note(data + at, p->p_filesz - at, align, &size, &elf->entry))
			return bad(elf, "a note is longer than its segment");
	}
	return r;
}

static int check_entry(const struct elf *elf)
{
	if (elf->entry == 0)
		return errmsg_set(elf->e, -ENOEXEC,
				  "kernel: an ELF file without a PVH entry point (note "
				  "XEN_ELFNOTE_PHYS32_ENTRY)");
	for (unsigned i = 0; i < elf->ehdr.e_phnum; i++) {
		const Elf64_Phdr *p = &elf->phdr[i];

		if (p->p_type == PT_LOAD && elf->entry >= p->p_paddr &&
		    elf->entry - p->p_paddr < p->p_memsz && elf->entry <= UINT32_MAX)
			return 0;
	}
	return errmsg_set(
		elf->e, -ENOEXEC,
		"kernel: its PVH entry point 0x%llx lies in none of its segments",
		ull(elf->entry));
}

int elf_load(const struct ram *ram, const struct image_file *f, const uint8_t *head,
	     struct image *ret_image, struct errmsg *e)
{
	struct elf elf = { .ram = ram, .f = f, .e = e, .low_end = LAYOUT_KERNEL_MIN };
	int r = read_headers(&elf, head);

	for (unsigned i = 0; r == 0 && i < elf.ehdr.e_phnum; i++) {
		if (elf.phdr[i].p_type == PT_LOAD)
			r = load_segment(&elf, i);
		else if (elf.phdr[i].p_type == PT_NOTE)
			r = read_notes(&elf, &elf.phdr[i]);
	}
	if (r == 0)
		r = check_entry(&elf);
	if (r < 0)
		return r;
	*ret_image = (struct image){
		.boot = { .mode = BOOT_PVH, .entry = elf.entry, .info = LAYOUT_PVH_INFO },
		.low_end = elf.low_end,
		.initrd_end = KZ_GPA_RAM_LOW_END,
		.cmdline_max = LAYOUT_CMDLINE_SIZE - 1,
	};
	return 0;
}
