/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_loops.c - which file is behind which loop device, by a sysfs of our own
 */
#include "common/zone/loops.h"
#include "tests/harness/harness.h"

#include <stdio.h>
#include <sys/sysmacros.h>

static char sysfs[LOOP_PATH_SIZE];

/* loop0 has the file "writable", loop1 "read-only" and cannot write, loop2 none, sda is
 * none. */
static void make_sysfs(void)
{
	static const char *const dirs[] = {
		"sys",
		"sys/block",
		"sys/block/loop0",
		"sys/block/loop1",
		"sys/block/loop2",
		"sys/block/sda",
		"sys/block/loop0/loop",
		"sys/block/loop1/loop",
		"sys/block/sda/loop",
		"sys/dev",
		"sys/dev/block",
	};

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		T_OK(mkdir(t_path("%s", dirs[i]), 0755));
	snprintf(sysfs, sizeof(sysfs), "%s", t_path("sys"));
	t_write_file(t_path("writable"), "x");
	t_write_file(t_path("read-only"), "x");
	t_write_file(t_path("other"), "x");
	t_write_file(t_path("sys/block/loop0/ro"), "0\n");
	t_write_file(t_path("sys/block/loop1/ro"), "1\n");
	T_OK(symlink("../../block/loop0", t_path("sys/dev/block/7:0")));
	T_OK(symlink("../../block/sda", t_path("sys/dev/block/8:0")));
}

static void backing(const char *device, const char *file)
{
	char line[LOOP_PATH_SIZE];

	snprintf(line, sizeof(line), "%s\n", t_path("%s", file));
	t_write_file(t_path("sys/block/%s/loop/backing_file", device), line);
}

static bool found(const char *file, char name[LOOP_NAME_SIZE])
{
	struct stat st;

	T_OK(stat(t_path("%s", file), &st));
	return loop_of(&st, sysfs, name);
}

TEST(loops, files_and_their_devices)
{
	struct stat device = { .st_mode = S_IFBLK, .st_rdev = makedev(7, 0) };
	char name[LOOP_NAME_SIZE] = "", path[LOOP_PATH_SIZE];

	make_sysfs();
	T_FALSE(found("writable", name));
	T_FALSE(loop_file(&device, sysfs, path));
	backing("loop0", "writable");
	backing("loop1", "read-only");
	backing("sda", "other"); /* no loop device has that name */
	T_TRUE(found("writable", name));
	T_STREQ(name, "loop0");
	T_FALSE(found("read-only", name));
	T_FALSE(found("other", name));
	T_TRUE(loop_file(&device, sysfs, path));
	T_STREQ(path, t_path("writable"));
	device.st_rdev = makedev(8, 1);
	T_FALSE(loop_file(&device, sysfs, path));
	/* By whatever name; and not by one that leads elsewhere now. */
	T_OK(link(t_path("writable"), t_path("link")));
	T_TRUE(found("link", name));
	T_OK(unlink(t_path("writable")));
	T_FALSE(found("link", name));
	snprintf(sysfs, sizeof(sysfs), "%s", t_path("nowhere"));
	T_FALSE(found("link", name));
}
