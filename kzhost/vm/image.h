/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * image.h - from a kernel file to a machine that is ready to run it
 *
 * DOC: Who does what
 *
 * image_load() reads the head of the file and chooses a loader. A loader (load_elf.c,
 * load_bzimage.c) checks the file and puts the kernel into guest memory; image_load()
 * places the initrd behind what the loader said is taken; then the loader's boot
 * information (pvh.c, boot_params) is written. Files are hostile: every field is checked
 * before it is used, and a file is only ever read with pread(2).
 */
#ifndef KZ_VM_IMAGE_H
#define KZ_VM_IMAGE_H

#include "kzhost/vm/ram.h"

/* How the first vCPU starts. */
enum boot_mode {
	BOOT_PVH,     /* 32-bit protected mode, no paging, ebx = info */
	BOOT_LINUX64, /* 64-bit mode, identity mapped, rsi = info */
};

struct boot_state {
	enum boot_mode mode;
	uint64_t entry;
	uint64_t info; /* guest physical address */
};

/* A file, with what its errors call it. */
struct image_file {
	int fd;           /* borrowed */
	const char *name; /* "kernel", "initrd" */
	uint64_t size;
};

/* What a loader found out. */
struct image {
	struct boot_state boot;
	uint64_t low_end;     /* memory below this address (and 4 GiB) is taken */
	uint64_t initrd_end;  /* the initrd must end at or below this address */
	uint64_t initrd_gpa;  /* set by image_load() */
	uint64_t initrd_size; /* 0 = none */
	size_t cmdline_max; /* longest command line that the kernel takes, without NUL */
};

#define IMAGE_HEAD 4096

/**
 * image_file_open() - Look at a descriptor that was handed to us
 *
 * Return: 0, -EINVAL (not a regular file), -ENOEXEC (empty), or what fstat(2) gave
 */
int image_file_open(struct image_file *f, int fd, const char *name, struct errmsg *e);

/* Reads exactly len bytes. 0, -ENOEXEC (the file ends before), or what pread(2) gave. */
int image_file_read(const struct image_file *f, uint64_t offset, void *data, size_t len,
		    struct errmsg *e);

/* Reads from the file into guest memory. As above; -ENOEXEC also when it does not fit. */
int image_file_to_ram(const struct image_file *f, uint64_t offset, const struct ram *ram,
		      uint64_t gpa, uint64_t len, struct errmsg *e);

/**
 * image_load() - Load a kernel and all that it is given
 * @kernel_fd:	PVH ELF or bzImage, borrowed for the call
 * @initrd_fd:	-1 = none, borrowed for the call
 *
 * Return: 0, -ENOEXEC (neither format, truncated, malformed, does not fit), -EINVAL (not
 * a regular file, command line too long), or what reading gave
 */
int image_load(const struct ram *ram, int kernel_fd, int initrd_fd, const char *cmdline,
	       struct boot_state *ret_boot, struct errmsg *e);

/* The loaders. head: the first IMAGE_HEAD bytes, zero padded when the file is shorter. */
bool elf_probe(const uint8_t *head);
int elf_load(const struct ram *ram, const struct image_file *f, const uint8_t *head,
	     struct image *ret_image, struct errmsg *e);
bool bzimage_probe(const uint8_t *head);
int bzimage_load(const struct ram *ram, const struct image_file *f, const uint8_t *head,
		 struct image *ret_image, struct errmsg *e);

/* Boot information. The command line lies at LAYOUT_CMDLINE already. */
int pvh_write_info(const struct ram *ram, const struct image *image, const char *cmdline,
		   struct errmsg *e);
int bzimage_write_info(const struct ram *ram, const struct image *image,
		       const char *cmdline, const uint8_t *head, struct errmsg *e);

#endif
