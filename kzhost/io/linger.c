// SPDX-License-Identifier: BSD-2-Clause
/*
 * linger.c - let go of a descriptor whose last close takes the kernel long
 */
#include "kzhost/io/linger.h"

#include "common/base/base.h"

#include <linux/io_uring.h>
#include <sys/syscall.h>

int linger_open(void)
{
	struct io_uring_params params = { .flags = IORING_SETUP_R_DISABLED };
	long fd = syscall(SYS_io_uring_setup, 1, &params);

	return fd < 0 ? -errno : (int)fd;
}

void linger_close(int ring, int fd)
{
	/* Where this fails, the next line is the last close, and takes its time. */
	if (ring >= 0)
		syscall(SYS_io_uring_register, ring, IORING_REGISTER_FILES, &fd, 1);
	close(fd);
	if (ring >= 0)
		close(ring);
}
