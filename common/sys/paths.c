// SPDX-License-Identifier: BSD-2-Clause
/*
 * paths.c - every path the project uses, below one root
 */
#include "common/sys/paths.h"
#include "common/base/buf.h"

#include <stdio.h>
#include <string.h>

static const char *const path_formats[PATH_N] = {
#define X(id, fmt) fmt,
	PATHS(X)
#undef X
};

int paths_init(struct paths *p, const char *root, struct errmsg *e)
{
	size_t len;
	char *copy;

	if (!root)
		root = getenv("KZONES_ROOT");
	if (!root || !*root)
		root = "/";
	if (root[0] != '/')
		return errmsg_set(e, -EINVAL, "%s: the root must be an absolute path",
				  root);
	copy = strdup(root);
	if (!copy)
		return errmsg_no_memory(e);
	for (len = strlen(copy); len && copy[len - 1] == '/'; len--)
		copy[len - 1] = '\0';
	p->root = copy;
	return 0;
}

/**
 * paths_fini() - Free what paths_init() made
 */
void paths_fini(struct paths *p)
{
	free(p->root);
	p->root = NULL;
}

const char *path_said(const char *path, char room[static PATH_SAID + 4])
{
	size_t len = strlen(path);

	if (len <= PATH_SAID)
		return path;
	snprintf(room, PATH_SAID + 4, "...%s", path + len - PATH_SAID);
	return room;
}

char *paths_get(const struct paths *p, enum path_id id, const char *zone)
{
	cleanup(buf_fini) struct buf b = { 0 };
	const char *fmt = path_formats[id];
	const char *mark = strstr(fmt, "%s");
	char *s = NULL;

	buf_adds(&b, p->root);
	if (!mark) {
		buf_adds(&b, fmt);
	} else {
		ASSERT(zone && *zone && !strchr(zone, '/'));
		buf_add(&b, fmt, (size_t)(mark - fmt));
		buf_adds(&b, zone);
		buf_adds(&b, mark + 2);
	}
	return buf_take(&b, &s) < 0 ? NULL : s;
}

char *paths_libexec(const char *name)
{
	cleanup(buf_fini) struct buf b = { 0 };
	const char *dir = getenv("KZONES_LIBEXEC");
	char *s = NULL;

	buf_adds(&b, dir && *dir ? dir : KZ_LIBEXECDIR);
	buf_adds(&b, "/");
	buf_adds(&b, name);
	return buf_take(&b, &s) < 0 ? NULL : s;
}
