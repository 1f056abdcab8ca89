/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * loops.h - which file is behind which loop device
 *
 * DOC: Two names of one disk that no lock compares
 *
 * A loop device takes no lock on its file. So a zone on /dev/loop0 and another on the
 * file behind it, or a file system of an image that is mounted on the host to mend it,
 * would write to the same disk without knowing. sysfs knows: a loop device that has a
 * file has "loop/backing_file". (That is a path. One that leads to another file by now,
 * or to none here, is not found out.)
 */
#ifndef KZ_ZONE_LOOPS_H
#define KZ_ZONE_LOOPS_H

#include "common/base/err.h"

#include <sys/stat.h>

#define LOOP_NAME_SIZE 32
#define LOOP_PATH_SIZE 4096

/**
 * loop_of() - The loop device that can write to a file
 * @file:	What stat(2) says of the file
 * @sysfs:	SYSFS_DEFAULT; another one in tests
 * @ret_name:	As in "loop0"; set when there is one
 *
 * Return: whether there is one
 */
bool loop_of(const struct stat *file, const char *sysfs, char ret_name[LOOP_NAME_SIZE]);

/**
 * loop_file() - The file behind a block device
 * @device:	What stat(2) says of the device
 * @sysfs:	SYSFS_DEFAULT; another one in tests
 * @ret_path:	Set when there is one
 *
 * Return: whether there is one: it is a loop device
 */
bool loop_file(const struct stat *device, const char *sysfs,
	       char ret_path[LOOP_PATH_SIZE]);

#endif
