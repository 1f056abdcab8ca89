// SPDX-License-Identifier: BSD-2-Clause
/*
 * rename.c - a zone's configuration and key under another name
 *
 * DOC: Steps
 *
 * What has changed besides the name is committed first, under the old name. Then the new
 * name gets a copy of the key, the configuration's file is renamed, which is the moment,
 * and the old name's key goes. Killed anywhere there is one configuration, under the old
 * name or the new, with its key; a key that was left without a configuration is replaced
 * or removed by the next commit under its name.
 */
#include "common/zone/check.h"
#include "common/zone/keys.h"

#include "common/sys/file.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

const char *zconf_stored_name(const struct zconf *c)
{
	return c->stored_as[0] ? c->stored_as : c->name;
}

int zconf_set_name(struct zconf *c, const char *name, struct errmsg *e)
{
	int r = zone_name_check(name, e);

	if (r < 0)
		return r;
	if (!c->stored_as[0])
		memcpy(c->stored_as, c->name, sizeof(c->stored_as));
	snprintf(c->name, sizeof(c->name), "%s", name);
	if (strcmp(c->name, c->stored_as) == 0)
		c->stored_as[0] = '\0';
	return 0;
}

static bool depends_on(const struct zconf *c, const char *zone)
{
	const struct zres *r = NULL;

	while ((r = zconf_next(c, RES_SMF_DEPENDENCY, r))) {
		const char *fmri = zres_text(r, PROP_DEP_FMRI);
		const char *name = fmri ? fmri_zone(fmri) : NULL;

		if (name && strcmp(name, zone) == 0)
			return true;
	}
	return false;
}

int rename_check(const struct paths *p, const struct zconf *c, struct errmsg *e)
{
	char **names = NULL;
	unsigned n = 0;
	int r;

	if (!c->stored_as[0])
		return 0;
	r = zconf_list(p, &names, &n);
	if (r < 0)
		return errmsg_set(e, r, "the other zones: %s", strerror(-r));
	for (unsigned i = 0; r == 0 && i < n; i++) {
		cleanup(zconf_freep) struct zconf *other = NULL;

		r = zconf_load(p, names[i], &other, NULL);
		if (r == -ENOMEM)
			errmsg_no_memory(e);
		else if (other && strcmp(names[i], c->stored_as) != 0 &&
			 depends_on(other, c->stored_as))
			r = errmsg_set(
				e, -EINVAL,
				"zonename: \"%s\": zone %s depends on %s: clear its "
				"smf-dependency first",
				c->name, names[i], c->stored_as);
		else
			r = 0;
	}
	zconf_list_free(names, n);
	return r;
}

/* Nothing has the new name. The caller holds its lock. */
static int check_free(const struct paths *p, const char *name, struct errmsg *e)
{
	cleanup(freep) char *path = paths_get(p, PATH_ZONE_CONFIG, name);

	if (!path)
		return errmsg_no_memory(e);
	return access(path, F_OK) == 0
		       ? errmsg_set(e, -EEXIST, "%s: zone already exists", name)
		       : 0;
}

/* What is stored under the old name becomes @old; -ENOENT: nothing is stored. */
static int commit_rest(const struct paths *p, const struct zconf *old, struct errmsg *e)
{
	cleanup(zconf_freep) struct zconf *stored = NULL;
	int r = zconf_load(p, old->name, &stored, e);

	if (r == -ENOENT || r == -ENOMEM || (r == 0 && zconf_equal(stored, old)))
		return r;
	return zconf_commit(p, old, e);
}

static int move_file(const struct paths *p, const char *from, const char *to,
		     struct errmsg *e)
{
	cleanup(freep) char *old_path = paths_get(p, PATH_ZONE_CONFIG, from);
	cleanup(freep) char *new_path = paths_get(p, PATH_ZONE_CONFIG, to);
	cleanup(freep) char *dir = paths_get(p, PATH_ETC, NULL);
	cleanup(closep) int fd = -1;

	if (!old_path || !new_path || !dir)
		return errmsg_no_memory(e);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || rename(old_path, new_path) < 0 || fsync(fd) < 0)
		return errmsg_set(e, -errno, "%s: cannot be renamed: %s", old_path,
				  strerror(errno));
	return 0;
}

int zconf_rename(const struct paths *p, const struct zconf *c, struct errmsg *e)
{
	cleanup(zconf_freep) struct zconf *old = NULL, *plain = NULL;
	int r = check_free(p, c->name, e);

	if (r == 0)
		r = zconf_copy(c, c->stored_as, &old, e);
	if (r == 0)
		r = commit_rest(p, old, e);
	if (r == -ENOENT) { /* it is a new zone */
		if (e)
			e->text[0] = '\0';
		r = zconf_copy(old, c->name, &plain, e);
		return r == 0 ? zconf_commit(p, plain, e) : r;
	}
	if (r == 0)
		r = zone_key_copy(p, old->name, c->name, e);
	if (r == 0)
		r = move_file(p, old->name, c->name, e);
	return r == 0 ? zone_key_remove(p, old->name, e) : r;
}
