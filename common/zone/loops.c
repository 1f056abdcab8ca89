// SPDX-License-Identifier: BSD-2-Clause
/*
 * loops.c - which file is behind which loop device
 */
#include "common/zone/loops.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

/* The first line of a file below sysfs. */
static bool read_line(const char *path, char *line, int size)
{
	FILE *f = fopen(path, "re");
	bool good = f && fgets(line, size, f);

	if (f)
		fclose(f);
	if (good)
		line[strcspn(line, "\n")] = '\0';
	return good;
}

/* Has this loop device the file, and can write to it? */
static bool has_file(const char *sysfs, const char *name, const struct stat *file)
{
	char path[LOOP_PATH_SIZE], line[LOOP_PATH_SIZE];
	struct stat st;

	snprintf(path, sizeof(path), "%s/block/%s/ro", sysfs, name);
	if (read_line(path, line, sizeof(line)) && strcmp(line, "1") == 0)
		return false;
	snprintf(path, sizeof(path), "%s/block/%s/loop/backing_file", sysfs, name);
	return read_line(path, line, sizeof(line)) && stat(line, &st) == 0 &&
	       st.st_dev == file->st_dev && st.st_ino == file->st_ino;
}

bool loop_of(const struct stat *file, const char *sysfs, char ret_name[LOOP_NAME_SIZE])
{
	char path[LOOP_PATH_SIZE];
	const struct dirent *entry;
	bool found = false;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/block", sysfs);
	dir = opendir(path);
	while (dir && !found && (entry = readdir(dir))) {
		found = strncmp(entry->d_name, "loop", 4) == 0 &&
			strlen(entry->d_name) < LOOP_NAME_SIZE &&
			has_file(sysfs, entry->d_name, file);
		if (found)
			strcpy(ret_name, entry->d_name);
	}
	if (dir)
		closedir(dir);
	return found;
}

bool loop_file(const struct stat *device, const char *sysfs,
	       char ret_path[LOOP_PATH_SIZE])
{
	char path[LOOP_PATH_SIZE];

	snprintf(path, sizeof(path), "%s/dev/block/%u:%u/loop/backing_file", sysfs,
		 major(device->st_rdev), minor(device->st_rdev));
	return read_line(path, ret_path, LOOP_PATH_SIZE);
}
