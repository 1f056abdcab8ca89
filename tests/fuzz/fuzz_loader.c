// SPDX-License-Identifier: BSD-2-Clause
/*
 * fuzz_loader.c - any bytes as a kernel: PVH ELF or bzImage
 *
 * The first byte says the initrd and how far the file goes on with zeroes, the second how
 * long the command line is. Beside not crashing: a refusal has a text without control
 * characters and one of the documented errors; what is accepted is entered in RAM, and
 * no kernel reaches what lies below 1 MiB.
 */
#include "common/base/utf8.h"
#include "kzhost/vm/image.h"
#include "kzhost/vm/layout.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>
#include <sys/mman.h>

#define RAM (24 * MIB)

static struct ram ram;
static int kernel, initrd;

static void begin(void)
{
	ram.fd = -1;
	ram.size = RAM;
	ram.base = mmap(NULL, RAM, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ASSERT(ram.base != MAP_FAILED);
	ram.region[0] = (struct ram_region){ 0, RAM, ram.base };
	kernel = memfd_create("kernel", MFD_CLOEXEC);
	initrd = memfd_create("initrd", MFD_CLOEXEC);
	ASSERT(kernel >= 0 && initrd >= 0 && ftruncate(initrd, 5000) == 0);
}

static void check(int r, const struct boot_state *boot, const struct errmsg *e)
{
	if (r < 0) {
		ASSERT(e->text[0] && utf8_is_plain(e->text));
		ASSERT(r == -ENOEXEC || r == -EINVAL);
		return;
	}
	ASSERT(ram_slice(&ram, boot->entry, 1) && boot->entry >= LAYOUT_KERNEL_MIN);
	ASSERT(ram_slice(&ram, boot->info, 4096) && boot->info < LAYOUT_BASE_END);
	ASSERT(boot->mode == BOOT_PVH || boot->mode == BOOT_LINUX64);
	/* Nothing reached where firmware's tables go. */
	for (size_t i = LAYOUT_BASE_END; i < LAYOUT_KERNEL_MIN; i += 8)
		ASSERT(*(uint64_t *)(void *)(ram.base + (i & ~7ull)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct boot_state boot = { 0 };
	struct errmsg e = { "" };
	char cmdline[4096] = "";
	off_t more;
	int r;

	if (!ram.base)
		begin();
	if (size < 2)
		return 0;
	more = (off_t)(data[0] >> 1) * 4096;
	ASSERT(ftruncate(kernel, 0) == 0 &&
	       pwrite(kernel, data + 2, size - 2, 0) == (ssize_t)size - 2 &&
	       ftruncate(kernel, (off_t)size - 2 + more) == 0);
	memset(cmdline, 'x', data[1] * 16u);
	r = image_load(&ram, kernel, data[0] & 1 ? initrd : -1, cmdline, &boot, &e);
	check(r, &boot, &e);
	ASSERT(madvise(ram.base, RAM, MADV_DONTNEED) == 0);
	return 0;
}
