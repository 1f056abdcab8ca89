// SPDX-License-Identifier: BSD-2-Clause
/*
 * keys.c - a zone's encryption key, apart from its configuration
 */
#include "common/zone/keys.h"

#include "common/sys/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#define FILE_MAX_BYTES 4096
#define LINE_LEN       (KEY_REF_LEN + 1 + KEY_HEX_LEN) /* without the newline */

/* -EPERM unless only its owner, who we are (or root is), may do anything with it. */
static int check_owner(int fd, const char *path, const char *mode, struct errmsg *e)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return errmsg_set(e, -errno, "%s: %s", path, strerror(errno));
	if (st.st_mode & 077)
		return errmsg_set(e, -EPERM,
				  "%s: others than its owner may use it (mode %04o): "
				  "chmod %s %s",
				  path, (unsigned)st.st_mode & 07777, mode, path);
	if (st.st_uid != geteuid())
		return errmsg_set(e, -EPERM, "%s: belongs to another user: chown it",
				  path);
	return 0;
}

static int open_checked(const char *path, int flags, const char *mode, int *ret_fd,
			struct errmsg *e)
{
	cleanup(closep) int fd =
		open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | flags);
	int r;

	if (fd < 0)
		return errmsg_set(e, -errno, "%s: %s", path, strerror(errno));
	r = check_owner(fd, path, mode, e);
	if (r == 0)
		*ret_fd = take_fd(&fd);
	return r;
}

/* The whole file; -ENOENT: there is none. The caller wipes and frees it. */
static int read_keys(const struct paths *p, const char *zone, struct buf *ret,
		     struct errmsg *e)
{
	cleanup(freep) char *path = paths_get(p, PATH_ZONE_KEY, zone);
	cleanup(freep) char *dir = paths_get(p, PATH_KEYS, NULL);
	cleanup(closep) int dir_fd = -1;
	cleanup(closep) int fd = -1;
	char block[FILE_MAX_BYTES + 1];
	ssize_t n;
	int r;

	if (!path || !dir)
		return errmsg_no_memory(e);
	r = open_checked(dir, O_DIRECTORY, "700", &dir_fd, e);
	if (r == 0)
		r = open_checked(path, 0, "600", &fd, e);
	if (r < 0)
		return r;
	n = read(fd, block, sizeof(block));
	if (n < 0)
		return errmsg_set(e, -errno, "%s: %s", path, strerror(errno));
	if (n > FILE_MAX_BYTES)
		r = errmsg_set(e, -EINVAL, "%s: not a key file", path);
	else
		buf_add(ret, block, (size_t)n);
	explicit_bzero(block, sizeof(block));
	return buf_error(ret) ? errmsg_no_memory(e) : r;
}

/* The key of a reference in the text of a file; NULL: it is not there. */
static const char *find_key(const struct buf *keys, const char *ref)
{
	for (const char *line = keys->p; line && *line; line += strcspn(line, "\n")) {
		line += *line == '\n';
		if (strcspn(line, "\n") == LINE_LEN &&
		    memcmp(line, ref, KEY_REF_LEN) == 0 && line[KEY_REF_LEN] == ' ')
			return line + KEY_REF_LEN + 1;
	}
	return NULL;
}

/* What a configuration says of its key: a reference, the key, or NULL. */
static const char *raw_of(const struct zconf *c)
{
	const struct zres *r = zconf_next(c, RES_KEYSOURCE, NULL);

	return r ? zres_text(r, PROP_KEY_RAW) : NULL;
}

int zone_key_load(const struct paths *p, const struct zconf *c,
		  char ret_hex[static KEY_HEX_LEN + 1], struct errmsg *e)
{
	cleanup(buf_fini) struct buf keys = { .wipe = true };
	const char *raw = raw_of(c);
	const char *key = raw;
	int r;

	if (!raw)
		return errmsg_set(e, -ENODATA, "%s: the zone has no key", c->name);
	if (key_is_ref(raw)) {
		r = read_keys(p, zconf_stored_name(c), &keys, e);
		if (r < 0 && r != -ENOENT)
			return errmsg_prefix(e, r, "keysource: raw");
		key = find_key(&keys, raw);
		if (!key)
			return errmsg_set(
				e, -ENOENT,
				"keysource: raw: the key of zone %s is missing; "
				"set it from an export of the zone",
				c->name);
	}
	memcpy(ret_hex, key, KEY_HEX_LEN);
	ret_hex[KEY_HEX_LEN] = '\0';
	return 0;
}

/* The file with these lines (NULL: none); without any it goes away. */
static int write_keys(const struct paths *p, const char *zone, const char *old_ref,
		      const char *old_key, const char *ref, const char *key,
		      struct errmsg *e)
{
	cleanup(freep) char *path = paths_get(p, PATH_ZONE_KEY, zone);
	cleanup(freep) char *dir = paths_get(p, PATH_KEYS, NULL);
	cleanup(buf_fini) struct buf text = { .wipe = true };
	int r;

	if (old_key)
		buf_addf(&text, "%s %.*s\n", old_ref, KEY_HEX_LEN, old_key);
	if (key)
		buf_addf(&text, "%s %.*s\n", ref, KEY_HEX_LEN, key);
	if (!path || !dir || buf_error(&text))
		return errmsg_no_memory(e);
	if (!text.len) {
		if (unlink(path) < 0 && errno != ENOENT)
			return errmsg_set(e, -errno, "%s: cannot be removed: %s", path,
					  strerror(errno));
		return 0;
	}
	r = dir_make(dir, 0700);
	if (r < 0)
		return errmsg_set(e, r, "%s: cannot be made: %s", dir, strerror(-r));
	r = file_replace(path, text.p, text.len, 0600, true);
	return r < 0 ? errmsg_set(e, r, "%s: cannot be written: %s", path, strerror(-r))
		     : 0;
}

/* Files that file_replace() could not finish, because it was killed: they hold keys. The
 * zone's lock is ours, so nobody is writing one now. */
static void remove_leftovers(const struct paths *p, const char *zone)
{
	cleanup(freep) char *path = paths_get(p, PATH_KEYS, NULL);
	char begin[ZONE_NAME_MAX + 3];
	DIR *dir = path ? opendir(path) : NULL;
	size_t n = (size_t)snprintf(begin, sizeof(begin), ".%s.", zone);

	for (struct dirent *de; dir && (de = readdir(dir));)
		if (strncmp(de->d_name, begin, n) == 0 && strlen(de->d_name) == n + 6)
			(void)unlinkat(dirfd(dir), de->d_name, 0);
	if (dir)
		closedir(dir);
}

static int new_ref(char ref[static KEY_REF_LEN + 1], struct errmsg *e)
{
	uint64_t n = 0;

	if (getrandom(&n, sizeof(n), 0) != (ssize_t)sizeof(n))
		return errmsg_set(e, -EIO, "no random numbers");
	snprintf(ref, KEY_REF_LEN + 1, KEY_REF_PREFIX "%016llx", (unsigned long long)n);
	return 0;
}

/* What the stored configuration's key is, if it has one that can be found. */
static int stored_key(const struct paths *p, const char *zone,
		      char ref[static KEY_REF_LEN + 1], char hex[static KEY_HEX_LEN + 1],
		      struct errmsg *e)
{
	cleanup(zconf_freep) struct zconf *old = NULL;
	int r = zconf_load(p, zone, &old, NULL);
	const char *raw;

	if (r == -ENOMEM)
		return errmsg_no_memory(e);
	raw = r == 0 ? raw_of(old) : NULL;
	if (!raw)
		return -ENODATA;
	r = zone_key_load(p, old, hex, e);
	if (r == 0)
		memcpy(ref, raw, KEY_REF_LEN + 1);
	return r == -ENOENT ? -ENODATA : r;
}

/* Saves a configuration whose key is not in the key file yet. */
static int commit_key(const struct paths *p, const struct zconf *c, const char *key,
		      struct errmsg *e)
{
	char old_ref[KEY_REF_LEN + 1] = "", old_key[KEY_HEX_LEN + 1] = "";
	cleanup(zconf_freep) struct zconf *copy = NULL;
	char ref[KEY_REF_LEN + 1] = "";
	int r = stored_key(p, c->name, old_ref, old_key, e);

	if (r == 0 || r == -ENODATA)
		r = new_ref(ref, e);
	if (r == 0)
		r = write_keys(p, c->name, old_ref, *old_key ? old_key : NULL, ref, key,
			       e);
	explicit_bzero(old_key, sizeof(old_key));
	if (r == 0)
		r = zconf_copy(c, c->name, &copy, e);
	for (unsigned i = 0; r == 0 && i < copy->n_res; i++)
		if (copy->res[i].type == RES_KEYSOURCE)
			r = zres_set(&copy->res[i], PROP_KEY_RAW, ref, e);
	if (r == 0)
		r = zconf_save(p, copy, e);
	if (r == 0) /* only tidies up: the configuration is there */
		(void)write_keys(p, c->name, NULL, NULL, ref, key, NULL);
	remove_leftovers(p, c->name);
	return r;
}

int zone_key_copy(const struct paths *p, const char *from, const char *to,
		  struct errmsg *e)
{
	cleanup(buf_fini) struct buf keys = { .wipe = true };
	cleanup(freep) char *path = paths_get(p, PATH_ZONE_KEY, to);
	int r = path ? read_keys(p, from, &keys, e) : errmsg_no_memory(e);

	if (r == -ENOENT) {
		if (e)
			e->text[0] = '\0';
		return 0;
	}
	if (r < 0)
		return r;
	r = file_replace(path, keys.p, keys.len, 0600, true);
	return r < 0 ? errmsg_set(e, r, "%s: cannot be written: %s", path, strerror(-r))
		     : 0;
}

int zone_key_remove(const struct paths *p, const char *zone, struct errmsg *e)
{
	int r = write_keys(p, zone, NULL, NULL, NULL, NULL, e);

	if (r == 0)
		remove_leftovers(p, zone);
	return r;
}

int zconf_commit(const struct paths *p, const struct zconf *c, struct errmsg *e)
{
	const char *raw = raw_of(c);
	int r;

	if (c->stored_as[0])
		return zconf_rename(p, c, e);
	if (raw && !key_is_ref(raw))
		return commit_key(p, c, raw, e);
	r = zconf_save(p, c, e);
	if (r == 0 && !raw)
		r = write_keys(p, c->name, NULL, NULL, NULL, NULL, e);
	return r;
}

int zconf_delete(const struct paths *p, const char *zone, struct errmsg *e)
{
	int r = zconf_remove_file(p, zone, e);

	return r == 0 ? zone_key_remove(p, zone, e) : r;
}

/* Adds the resource when it is missing, and the key. */
static int add_key(struct zconf *c, struct errmsg *e)
{
	struct zres key = { .type = RES_KEYSOURCE };
	int r;

	for (unsigned i = 0; i < c->n_res; i++)
		if (c->res[i].type == RES_KEYSOURCE)
			return zconf_fill_auto(c, &c->res[i], &c->res[i], NULL, e);
	r = zconf_fill_auto(c, &key, NULL, NULL, e);
	if (r == 0 && zconf_add(c, &key) < 0)
		r = errmsg_no_memory(e);
	zres_fini(&key);
	return r;
}

int zone_key_ensure(const struct paths *p, const char *zone, struct errmsg *e)
{
	cleanup(zconf_freep) struct zconf *c = NULL;
	cleanup(closep) int lock_fd = -1;
	char hex[KEY_HEX_LEN + 1];
	int r = zone_lock(p, zone, &lock_fd, e);

	if (r < 0)
		return r;
	r = zconf_load(p, zone, &c, e);
	if (r < 0)
		return r;
	r = zone_key_load(p, c, hex, e);
	explicit_bzero(hex, sizeof(hex));
	if (r != -ENODATA)
		return r;
	if (e)
		e->text[0] = '\0';
	r = add_key(c, e);
	return r == 0 ? zconf_commit(p, c, e) : r;
}
