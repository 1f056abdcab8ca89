// SPDX-License-Identifier: BSD-2-Clause
/*
 * cgroup.c - the control group (version 2) that was delegated to this program
 */
#include "common/sys/cgroup.h"
#include "common/base/buf.h"
#include "common/sys/file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_MAX MIB

/* Takes a last component of that name off. */
static void strip(char *path, const char *leaf)
{
	size_t len = strlen(path), n = strlen(leaf);

	if (len > n && path[len - n - 1] == '/' && strcmp(path + len - n, leaf) == 0)
		path[len - n - 1] = '\0';
}

int cgroup_parse_self(const char *text, char **ret_path, struct errmsg *e)
{
	cleanup(freep) char *path = NULL;

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, "0::/", 4) != 0)
			continue;
		path = strndup(line + 3, strcspn(line + 3, "\n"));
		if (!path)
			return errmsg_no_memory(e);
		strip(path, CGROUP_LEAF);
		strip(path, ".control");
		if (!path[0] || !path[1])
			return errmsg_set(e, -EPERM,
					  "this process is in the root control group, "
					  "not in one that was delegated to it");
		*ret_path = take_ptr(&path);
		return 0;
	}
	return errmsg_set(e, -ENOTSUP, "this host has no control groups version 2");
}

/* The next word of a line, unescaped (\040 and such), "" at its end; NULL: no memory. */
static char *take_word(const char **at)
{
	size_t len = strcspn(*at, " \n"), n = 0;
	char *word = strndup(*at, len);

	if (!word)
		return NULL;
	for (const char *p = word; *p; p++) {
		if (p[0] == '\\' && p[1] >= '0' && p[1] <= '3' && p[2] >= '0' &&
		    p[2] <= '7' && p[3] >= '0' && p[3] <= '7') {
			word[n++] = (char)((p[1] - '0') << 6 | (p[2] - '0') << 3 |
					   (p[3] - '0'));
			p += 3;
		} else {
			word[n++] = *p;
		}
	}
	word[n] = '\0';
	*at += len;
	*at += **at == ' ';
	return word;
}

/* Whether the line is about a cgroup2 file system: the word after "-" is its type. */
static bool is_cgroup2(const char *line)
{
	const char *end = line + strcspn(line, "\n");
	const char *dash = memmem(line, (size_t)(end - line), " - cgroup2 ", 11);

	return dash && dash < end;
}

/* "/a" is not above "/ab". NULL when @root is not above @path. */
static const char *below(const char *path, const char *root)
{
	size_t n = strcmp(root, "/") == 0 ? 0 : strlen(root);

	if (strncmp(path, root, n) != 0 || (path[n] && path[n] != '/'))
		return NULL;
	return path + n;
}

int cgroup_parse_mounts(const char *text, const char *path, char **ret_dir,
			struct errmsg *e)
{
	for (const char *line = text; line; line = strchr(line, '\n')) {
		cleanup(freep) char *root = NULL;
		cleanup(freep) char *mount = NULL;
		cleanup(buf_fini) struct buf dir = { 0 };
		const char *at, *rest;

		line += *line == '\n';
		if (!is_cgroup2(line))
			continue;
		at = line;
		for (unsigned i = 0; i < 3; i++) { /* id, parent, device */
			at += strcspn(at, " \n");
			at += *at == ' ';
		}
		root = take_word(&at);
		mount = take_word(&at);
		if (!root || !mount)
			return errmsg_no_memory(e);
		rest = *root && *mount ? below(path, root) : NULL;
		if (!rest)
			continue;
		buf_addf(&dir, "%s%s", mount, rest);
		if (buf_take(&dir, ret_dir) < 0)
			return errmsg_no_memory(e);
		return 0;
	}
	return errmsg_set(e, -ENOTSUP,
			  "no cgroup2 file system is mounted that shows group %s", path);
}

bool cgroup_has_word(const char *text, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = text; *p; p += strspn(p, " \n")) {
		size_t len = strcspn(p, " \n");

		if (len == n && memcmp(p, word, n) == 0)
			return true;
		p += len;
	}
	return false;
}

static int open_plain(const struct paths *p, struct cgroup *ret, struct errmsg *e)
{
	cleanup(buf_fini) struct buf dir = { 0 };
	cleanup(freep) char *path = NULL;
	struct stat st;

	buf_addf(&dir, "%s/sys/fs/cgroup", p->root);
	if (buf_take(&dir, &path) < 0)
		return errmsg_no_memory(e);
	if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode))
		return errmsg_set(e, -ENOTSUP,
				  "below a private root there are no control groups");
	*ret = (struct cgroup){ .dir = take_ptr(&path), .plain = true };
	return 0;
}

static int read_proc(const char *path, char **ret_text, struct errmsg *e)
{
	size_t len;
	int r = file_read(path, FILE_MAX, ret_text, &len);

	return r < 0 ? errmsg_set(e, r, "%s: %s", path, strerror(-r)) : 0;
}

int cgroup_open(const struct paths *p, struct cgroup *ret_group, struct errmsg *e)
{
	cleanup(freep) char *self = NULL;
	cleanup(freep) char *mounts = NULL;
	cleanup(freep) char *path = NULL;
	char *dir;
	int r;

	if (*p->root)
		return open_plain(p, ret_group, e);
	r = read_proc("/proc/self/cgroup", &self, e);
	if (r == 0)
		r = cgroup_parse_self(self, &path, e);
	if (r < 0)
		return r;
	ASSERT(path);
	r = read_proc("/proc/self/mountinfo", &mounts, e);
	if (r == 0)
		r = cgroup_parse_mounts(mounts, path, &dir, e);
	if (r == 0)
		*ret_group = (struct cgroup){ .dir = dir };
	return r;
}

void cgroup_fini(struct cgroup *g)
{
	free(g->dir);
	g->dir = NULL;
}

/* DIR[/child][/file]; NULL when memory is short. */
static char *path_of(const struct cgroup *g, const char *child, const char *file)
{
	cleanup(buf_fini) struct buf b = { 0 };
	char *s = NULL;

	buf_addf(&b, "%s%s%s%s%s", g->dir, child ? "/" : "", child ? child : "",
		 file ? "/" : "", file ? file : "");
	return buf_take(&b, &s) < 0 ? NULL : s;
}

int cgroup_make(const struct cgroup *g, const char *child)
{
	cleanup(freep) char *path = path_of(g, child, NULL);

	if (!path)
		return -ENOMEM;
	return mkdir(path, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

/* The kernel's own files go with their group; those of a plain folder do not. */
static void empty(const struct cgroup *g, const char *child)
{
	static const char *const files[] = { "cgroup.procs", "cpu.weight", "cpu.max" };

	for (unsigned i = 0; i < ARRAY_SIZE(files); i++) {
		cleanup(freep) char *path = path_of(g, child, files[i]);

		if (path)
			(void)unlink(path);
	}
}

int cgroup_remove(const struct cgroup *g, const char *child)
{
	cleanup(freep) char *path = path_of(g, child, NULL);

	if (!path)
		return -ENOMEM;
	if (g->plain)
		empty(g, child);
	return rmdir(path) < 0 && errno != ENOENT ? -errno : 0;
}

int cgroup_child_fd(const struct cgroup *g, const char *child)
{
	cleanup(freep) char *path = path_of(g, child, NULL);
	int fd;

	if (g->plain)
		return -ENOTSUP;
	if (!path)
		return -ENOMEM;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int cgroup_write(const struct cgroup *g, const char *child, const char *file,
		 const char *text)
{
	cleanup(freep) char *path = path_of(g, child, file);
	int make = g->plain ? O_CREAT | O_TRUNC : 0;
	cleanup(closep) int fd = -1;

	if (!path)
		return -ENOMEM;
	fd = open(path, O_WRONLY | O_CLOEXEC | make, 0644);
	/* One write(2): the kernel takes each as one whole value. */
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		return -errno;
	return 0;
}

int cgroup_read(const struct cgroup *g, const char *child, const char *file,
		char **ret_text)
{
	cleanup(freep) char *path = path_of(g, child, file);
	size_t len;

	return path ? file_read(path, FILE_MAX, ret_text, &len) : -ENOMEM;
}
