/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * file.h - whole files: read, replace atomically, lock, make directories
 */
#ifndef KZ_SYS_FILE_H
#define KZ_SYS_FILE_H

#include "common/base/base.h"

#include <sys/types.h>

/**
 * file_read() - Read a whole regular file
 * @max_bytes:	Larger files give -EFBIG
 * @ret_data:	New NUL-terminated block, owned by the caller
 *
 * Return: 0, -ENOMEM, -EFBIG, -EISDIR, or what open(2) and read(2) gave
 */
int file_read(const char *path, size_t max_bytes, char **ret_data, size_t *ret_len);

/**
 * file_replace() - Put a new file in the place of an old one, atomically
 * @durable:	true: fsync of the file before and of the directory after the rename
 *		(what lies below /run needs neither)
 *
 * A temporary file in the same directory is written and renamed. On failure the old file
 * is untouched and no temporary file stays.
 *
 * Return: 0, -ENOMEM or what the system gave (-ENOSPC, -EROFS, -EACCES, …)
 */
int file_replace(const char *path, const void *data, size_t len, mode_t mode,
		 bool durable);

/**
 * file_lock() - Take an exclusive lock on a file, creating it
 * @ret_holder:	On -EBUSY the pid of the holder, 0 when unknown; may be NULL
 *
 * The lock is an OFD lock and goes with the descriptor; the holder's pid is in the file.
 *
 * Return: 0, -EBUSY, or what open(2) gave
 */
int file_lock(const char *path, int *ret_fd, pid_t *ret_holder);

/* mkdir -p; an existing directory is fine. 0, -ENOTDIR, or what mkdir(2) gave. */
int dir_make(const char *path, mode_t mode);

/* Writes all of it, through EINTR and short writes. 0 or what write(2) gave. */
int fd_write_all(int fd, const void *data, size_t len);

#endif
