// SPDX-License-Identifier: BSD-2-Clause
/*
 * sweep.c - files that a killed file_replace() left behind, removed at start
 */
#include "restarter/sweep.h"
#include "common/zone/conf.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define RANDOM_LEN 6

/* ".NAME.XXXXXX" to NAME; false when it is not of that form. */
static bool name_of(const char *entry, char name[static NAME_MAX + 1])
{
	size_t len = strlen(entry);

	if (len < RANDOM_LEN + 3 || entry[0] != '.' || entry[len - RANDOM_LEN - 1] != '.')
		return false;
	len -= RANDOM_LEN + 2;
	memcpy(name, entry + 1, len);
	name[len] = '\0';
	return true;
}

/* Is it the last part of one of these paths, for whatever zone? */
static bool is_restarters(const struct paths *p, const char *name)
{
	static const enum path_id ours[] = { PATH_STATE, PATH_STATUS, PATH_BOOT_ID,
					     PATH_RESTARTER_CONFIG, PATH_ZONE_BOOTED };

	for (unsigned i = 0; i < ARRAY_SIZE(ours); i++) {
		cleanup(freep) char *path = paths_get(p, ours[i], "x");

		if (path && strcmp(strrchr(path, '/') + 1, name) == 0)
			return true;
	}
	return false;
}

/* The lock of the zone whose configuration @name is; -1: it is none, or is being written.
 */
static int lock_of(const struct paths *p, char *name)
{
	char *dot = strrchr(name, '.');
	int fd = -1;

	if (!dot || strcmp(dot, ".json") != 0)
		return -1;
	*dot = '\0';
	if (zone_name_check(name, NULL) < 0 || zone_lock(p, name, &fd, NULL) < 0)
		return -1;
	return fd;
}

/* @zone: of the directories of which each zone has one; else NULL */
static unsigned sweep_dir(const struct paths *p, enum path_id id, const char *zone)
{
	cleanup(freep) char *path = paths_get(p, id, zone);
	DIR *dir = path ? opendir(path) : NULL;
	char name[NAME_MAX + 1];
	unsigned n = 0;
	struct stat st;

	for (struct dirent *de; dir && (de = readdir(dir));) {
		cleanup(closep) int lock = -1;

		if (!name_of(de->d_name, name) ||
		    fstatat(dirfd(dir), de->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    !S_ISREG(st.st_mode))
			continue;
		if (!is_restarters(p, name)) {
			lock = id == PATH_ETC ? lock_of(p, name) : -1;
			if (lock < 0)
				continue;
		}
		n += unlinkat(dirfd(dir), de->d_name, 0) == 0;
	}
	if (dir)
		closedir(dir);
	return n;
}

static unsigned sweep_zones(const struct paths *p)
{
	cleanup(freep) char *path = paths_get(p, PATH_RUN, NULL);
	DIR *dir = path ? opendir(path) : NULL;
	unsigned n = 0;

	for (struct dirent *de; dir && (de = readdir(dir));)
		if (zone_name_check(de->d_name, NULL) == 0)
			n += sweep_dir(p, PATH_ZONE_RUN, de->d_name);
	if (dir)
		closedir(dir);
	return n;
}

unsigned sweep_leftovers(const struct paths *p)
{
	return sweep_dir(p, PATH_ETC, NULL) + sweep_dir(p, PATH_VAR, NULL) +
	       sweep_dir(p, PATH_RUN, NULL) + sweep_zones(p);
}
