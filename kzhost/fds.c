// SPDX-License-Identifier: BSD-2-Clause
/*
 * fds.c - what the descriptors that kzhost is given have to be
 *
 * A kind that can block (a pipe as log) or do something unexpected is refused here, so
 * that nothing later has to ask.
 */
#include "kzhost/fds.h"

#include "common/proto/ctl.h"

#include <sys/socket.h>
#include <sys/stat.h>

static const struct {
	const char *name, *kind;
	bool needed, file, character, listening;
} rules[CTL_FD_N] = {
	[CTL_FD_KVM] = { "/dev/kvm", "a character device", .needed = true,
			 .character = true },
	[CTL_FD_KERNEL] = { "kernel", "a regular file", .file = true },
	[CTL_FD_INITRD] = { "initrd", "a regular file", .file = true },
	[CTL_FD_LOG] = { "console log", "a file or device", .file = true,
			 .character = true },
	[CTL_FD_FIRMWARE] = { "firmware", "a regular file", .file = true },
	[CTL_FD_CONSOLE] = { "console", "a listening stream socket", .needed = true,
			     .listening = true },
};

bool fds_is_listening(int fd, int type)
{
	int is = 0, listening = 0;
	socklen_t len = sizeof(int);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &is, &len) == 0 && is == type &&
	       getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) == 0 &&
	       listening;
}

int fds_check(unsigned which, int fd, struct errmsg *e)
{
	struct stat st;
	bool good;

	if (fd < 0 && rules[which].needed)
		return errmsg_set(e, -EINVAL, "%s: no descriptor was sent",
				  rules[which].name);
	if (fd < 0)
		return 0;
	if (rules[which].listening)
		good = fds_is_listening(fd, SOCK_STREAM);
	else
		good = fstat(fd, &st) == 0 &&
		       ((rules[which].file && S_ISREG(st.st_mode)) ||
			(rules[which].character && S_ISCHR(st.st_mode)));
	if (!good)
		return errmsg_set(e, -EINVAL, "%s: not %s", rules[which].name,
				  rules[which].kind);
	return 0;
}

int fds_check_boot(const int *fd, struct errmsg *e)
{
	bool kernel = fd[CTL_FD_KERNEL] >= 0, firmware = fd[CTL_FD_FIRMWARE] >= 0;

	if (kernel && firmware)
		return errmsg_set(e, -EINVAL,
				  "kernel and firmware: only one of them can boot");
	if (!kernel && !firmware)
		return errmsg_set(e, -EINVAL,
				  "kernel, firmware: no descriptor was sent of either");
	if (!kernel && fd[CTL_FD_INITRD] >= 0)
		return errmsg_set(e, -EINVAL, "initrd: it goes with a kernel only");
	return 0;
}

static bool is_disk(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode));
}

int fds_check_disk(unsigned id, const int *fd, struct errmsg *e)
{
	for (unsigned i = 0; i < CTL_DISK_FD_N; i++) {
		if (fd[i] >= 0 && !is_disk(fd[i]))
			return errmsg_set(e, -EINVAL,
					  "device %u: neither a file nor a block device",
					  id);
	}
	return 0;
}
