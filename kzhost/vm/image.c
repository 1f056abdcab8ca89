/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * image.c - reading files, choosing the loader, placing the initrd
 */
#include "kzhost/vm/image.h"
#include "kzhost/vm/layout.h"

#include <string.h>
#include <sys/stat.h>

#define ull(x) ((unsigned long long)(x))

int image_file_open(struct image_file *f, int fd, const char *name, struct errmsg *e)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return errmsg_set(e, -errno, "%s: %s", name, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return errmsg_set(e, -EINVAL, "%s: not a regular file", name);
	if (st.st_size <= 0)
		return errmsg_set(e, -ENOEXEC, "%s: the file is empty", name);
	*f = (struct image_file){ .fd = fd, .name = name, .size = (uint64_t)st.st_size };
	return 0;
}

int image_file_read(const struct image_file *f, uint64_t offset, void *data, size_t len,
		    struct errmsg *e)
{
	uint8_t *to = data;

	if (offset > f->size || len > f->size - offset)
		return errmsg_set(e, -ENOEXEC,
				  "%s: truncated: needs %llu bytes, the file has %llu",
				  f->name, ull(offset) + ull(len), ull(f->size));
	while (len > 0) {
		ssize_t n = pread(f->fd, to, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errmsg_set(e, -errno, "%s: %s", f->name, strerror(errno));
		if (n == 0)
			return errmsg_set(e, -ENOEXEC,
					  "%s: the file became shorter while it was read",
					  f->name);
		to += n;
		offset += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

int image_file_to_ram(const struct image_file *f, uint64_t offset, const struct ram *ram,
		      uint64_t gpa, uint64_t len, struct errmsg *e)
{
	void *to = ram_slice(ram, gpa, len);

	if (!to)
		return errmsg_set(
			e, -ENOEXEC,
			"%s: %llu bytes at address 0x%llx do not fit into %llu MiB of memory",
			f->name, ull(len), ull(gpa), ull(ram->size / MIB));
	return image_file_read(f, offset, to, len, e);
}

/* As high as it may lie, so that the kernel has room to grow. */
static int load_initrd(const struct ram *ram, int fd, struct image *image,
		       struct errmsg *e)
{
	uint64_t end = MIN(image->initrd_end, ram->region[0].size);
	uint64_t start =
		(image->low_end + LAYOUT_PAGE - 1) & ~(uint64_t)(LAYOUT_PAGE - 1);
	struct image_file f = { 0 };
	int r;

	if (fd < 0)
		return 0;
	r = image_file_open(&f, fd, "initrd", e);
	if (r < 0)
		return r;
	if (start >= end || f.size > end - start)
		return errmsg_set(
			e, -ENOEXEC,
			"initrd: its %llu bytes do not fit between the kernel's end "
			"(0x%llx) and 0x%llx",
			ull(f.size), ull(start), ull(end));
	image->initrd_gpa = (end - f.size) & ~(uint64_t)(LAYOUT_PAGE - 1);
	image->initrd_size = f.size;
	return image_file_to_ram(&f, 0, ram, image->initrd_gpa, f.size, e);
}

static int write_cmdline(const struct ram *ram, const struct image *image,
			 const char *cmdline, struct errmsg *e)
{
	size_t most = MIN(image->cmdline_max, LAYOUT_CMDLINE_SIZE - 1),
	       len = strlen(cmdline);

	if (len > most)
		return errmsg_set(e, -EINVAL,
				  "command line of %zu bytes: the kernel takes %zu", len,
				  most);
	return ram_write(ram, LAYOUT_CMDLINE, cmdline, len + 1);
}

int image_load(const struct ram *ram, int kernel_fd, int initrd_fd, const char *cmdline,
	       struct boot_state *ret_boot, struct errmsg *e)
{
	uint8_t head[IMAGE_HEAD] = { 0 };
	struct image image = { 0 };
	struct image_file f = { 0 };
	bool elf;
	int r;

	r = image_file_open(&f, kernel_fd, "kernel", e);
	if (r == 0)
		r = image_file_read(&f, 0, head, MIN(f.size, sizeof(head)), e);
	if (r < 0)
		return r;
	elf = elf_probe(head);
	if (!elf && !bzimage_probe(head))
		return errmsg_set(
			e, -ENOEXEC,
			"kernel: neither a PVH ELF nor a bzImage (%llu bytes, beginning "
			"with %02x %02x %02x %02x)",
			ull(f.size), head[0], head[1], head[2], head[3]);
	r = elf ? elf_load(ram, &f, head, &image, e)
		: bzimage_load(ram, &f, head, &image, e);
	if (r == 0)
		r = load_initrd(ram, initrd_fd, &image, e);
	if (r == 0)
		r = write_cmdline(ram, &image, cmdline, e);
	if (r < 0)
		return r;
	r = elf ? pvh_write_info(ram, &image, cmdline, e)
		: bzimage_write_info(ram, &image, cmdline, head, e);
	if (r == 0)
		*ret_boot = image.boot;
	return r;
}
