/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fds.h - what the descriptors that kzhost is given have to be
 */
#ifndef KZHOST_FDS_H
#define KZHOST_FDS_H

#include "common/base/err.h"

/* fd is a listening socket of that type (SOCK_STREAM, SOCK_SEQPACKET). */
bool fds_is_listening(int fd, int type);

/**
 * fds_check() - Check one descriptor of CREATE
 * @which:	enum ctl_fd
 * @fd:		Borrowed; -1 when it was not sent
 *
 * Return: 0 or -EINVAL with a text (one that is needed is missing, or the wrong kind)
 */
int fds_check(unsigned which, int fd, struct errmsg *e);

/**
 * fds_check_boot() - Check that there is one thing to boot
 * @fd:		CTL_FD_N of them, as with CREATE; -1 when it was not sent
 *
 * Return: 0 or -EINVAL with a text (a kernel and firmware, neither, an initrd without a
 * kernel)
 */
int fds_check_boot(const int *fd, struct errmsg *e);

/**
 * fds_check_disk() - Check that a disk's descriptors are files or block devices
 * @id:		Of the device, for the text
 * @fd:		CTL_DISK_FD_N of them, as with DISK; -1 when it was not sent
 *
 * Return: 0 or -EINVAL with a text
 */
int fds_check_disk(unsigned id, const int *fd, struct errmsg *e);

#endif
