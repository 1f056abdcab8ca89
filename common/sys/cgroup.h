/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cgroup.h - the control group (version 2) that was delegated to this program
 *
 * DOC: Delegation
 *
 * A service manager that delegates (systemd: Delegate=yes) gives a service a folder of
 * the cgroup2 file system to divide as it likes. A group that hands controllers on to
 * its children may hold no process itself (Linux: admin-guide/cgroup-v2, "No Internal
 * Process Constraint"), so the program goes into the child CGROUP_LEAF. The folder is
 * therefore the group of the calling process, or the group above when that is a leaf
 * made for this purpose, here (CGROUP_LEAF) or by systemd (".control").
 *
 * Below a private root (KZONES_ROOT, -R) the host's groups are never touched: there the
 * folder is ROOT/sys/fs/cgroup if it exists, a plain one, whose files are made when they
 * are written.
 */
#ifndef KZ_SYS_CGROUP_H
#define KZ_SYS_CGROUP_H

#include "common/base/err.h"
#include "common/sys/paths.h"

#define CGROUP_LEAF "supervisor"

struct cgroup {
	char *dir;  /* owned; NULL: none */
	bool plain; /* not the kernel's */
};

/**
 * cgroup_parse_self() - The path of the version 2 group in /proc/PID/cgroup
 * @text:	The file's text
 * @ret_path:	New string: below the root of the hierarchy, without a leaf as above
 *
 * Return: 0, -ENOMEM, -ENOTSUP (no version 2 hierarchy), -EPERM (the root group, which
 * nobody delegates)
 */
int cgroup_parse_self(const char *text, char **ret_path, struct errmsg *e);

/**
 * cgroup_parse_mounts() - The folder of a group, by /proc/PID/mountinfo
 * @text:	The file's text: see proc(5)
 * @path:	Of the group, from cgroup_parse_self()
 *
 * Return: 0, -ENOMEM, -ENOTSUP (no cgroup2 file system mounted that shows the group)
 */
int cgroup_parse_mounts(const char *text, const char *path, char **ret_dir,
			struct errmsg *e);

/* Whether one of the words (separated by blanks or newlines) of @text is @word. */
bool cgroup_has_word(const char *text, const char *word);

/**
 * cgroup_open() - Find the group that was delegated to this process
 *
 * Return: 0, -ENOTSUP, -EPERM, -ENOMEM, or what reading gave; with a text
 */
int cgroup_open(const struct paths *p, struct cgroup *ret_group, struct errmsg *e);
void cgroup_fini(struct cgroup *g);

/* Makes a child; one that is there is fine. 0 or what mkdir(2) gave. */
int cgroup_make(const struct cgroup *g, const char *child);

/* Removes a child. 0 (also when there was none), -EBUSY (processes are in it), … */
int cgroup_remove(const struct cgroup *g, const char *child);

/* A descriptor of the child's folder, or -errno; of a plain one -ENOTSUP. */
int cgroup_child_fd(const struct cgroup *g, const char *child);

/* Writes one of the files of a child, or (NULL) of the group. 0 or -errno. */
int cgroup_write(const struct cgroup *g, const char *child, const char *file,
		 const char *text);

/* Reads one. 0, -ENOMEM, -EFBIG or -errno; the new string is the caller's. */
int cgroup_read(const struct cgroup *g, const char *child, const char *file,
		char **ret_text);

#endif
