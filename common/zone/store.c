// SPDX-License-Identifier: BSD-2-Clause
/*
 * store.c - configurations and templates as files
 */
#include "common/zone/conf.h"

#include "common/base/utf8.h"
#include "common/sys/file.h"
#include "common/zone/templates.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

/* Reads and parses one file; -ENOENT comes without a text. */
static int load_file(const char *path, const char *zone, struct zconf **ret_conf,
		     struct errmsg *e)
{
	cleanup(freep) char *data = NULL;
	size_t len = 0;
	int r = file_read(path, ZCONF_MAX_BYTES, &data, &len);

	if (r == -ENOENT)
		return r;
	if (r == -EFBIG)
		return errmsg_set(e, -EINVAL, "%s: larger than %d bytes", path,
				  ZCONF_MAX_BYTES);
	if (r < 0)
		return errmsg_set(e, r, "%s: %s", path, strerror(-r));
	return zconf_parse(zone, data, len, path, ret_conf, e);
}

int zconf_load(const struct paths *p, const char *zone, struct zconf **ret_conf,
	       struct errmsg *e)
{
	cleanup(freep) char *path = NULL;
	int r = zone_name_check(zone, e);

	if (r < 0)
		return r;
	path = paths_get(p, PATH_ZONE_CONFIG, zone);
	if (!path)
		return errmsg_no_memory(e);
	r = load_file(path, zone, ret_conf, e);
	if (r == -ENOENT)
		return errmsg_set(e, r, "%s: No such zone configured", zone);
	return r;
}

int zconf_save(const struct paths *p, const struct zconf *c, struct errmsg *e)
{
	cleanup(freep) char *path = paths_get(p, PATH_ZONE_CONFIG, c->name);
	cleanup(freep) char *dir = paths_get(p, PATH_ETC, NULL);
	cleanup(freep) char *text = NULL;
	int r;

	if (!path || !dir || zconf_format(c, &text) < 0)
		return errmsg_no_memory(e);
	r = dir_make(dir, 0755);
	if (r < 0)
		return errmsg_set(e, r, "%s: cannot be made: %s", dir, strerror(-r));
	r = file_replace(path, text, strlen(text), 0644, true);
	if (r < 0)
		return errmsg_set(e, r, "%s: cannot be written: %s", path, strerror(-r));
	return 0;
}

int zconf_remove_file(const struct paths *p, const char *zone, struct errmsg *e)
{
	cleanup(freep) char *path = paths_get(p, PATH_ZONE_CONFIG, zone);
	cleanup(freep) char *dir = paths_get(p, PATH_ETC, NULL);
	cleanup(closep) int fd = -1;

	if (!path || !dir)
		return errmsg_no_memory(e);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || unlink(path) < 0 || fsync(fd) < 0)
		return errmsg_set(e, -errno, "%s: cannot be removed: %s", path,
				  strerror(errno));
	return 0;
}

int zconf_template(const struct paths *p, const char *template, const char *zone,
		   struct zconf **ret_conf, struct errmsg *e)
{
	cleanup(freep) char *dir = paths_get(p, PATH_TEMPLATES, NULL);
	char path[PATH_MAX];
	int r;

	if (!dir)
		return errmsg_no_memory(e);
	if (strchr(template, '/') || template[0] == '.' || !utf8_is_plain(template) ||
	    snprintf(path, sizeof(path), "%s/%s.json", dir, template) >=
		    (int)sizeof(path))
		return errmsg_set(e, -EINVAL, "%.80s: invalid template name", template);
	r = load_file(path, zone, ret_conf, e);
	if (r != -ENOENT)
		return r;
	for (unsigned i = 0; i < zone_templates_n; i++)
		if (strcmp(zone_templates[i].name, template) == 0)
			return zconf_parse(zone, zone_templates[i].json,
					   strlen(zone_templates[i].json), template,
					   ret_conf, e);
	return errmsg_set(e, -ENOENT, "%.80s: no such template (%s)", template, path);
}

int zconf_load_file(const char *path, const char *zone, struct zconf **ret_conf,
		    struct errmsg *e)
{
	int r = load_file(path, zone, ret_conf, e);

	return r == -ENOENT ? errmsg_set(e, r, "%s: %s", path, strerror(-r)) : r;
}

int zone_lock(const struct paths *p, const char *zone, int *ret_fd, struct errmsg *e)
{
	cleanup(freep) char *path = paths_get(p, PATH_ZONE_LOCK, zone);
	pid_t holder = 0;
	char *slash;
	int r;

	if (!path)
		return errmsg_no_memory(e);
	slash = strrchr(path, '/');
	*slash = '\0';
	r = dir_make(path, 0755);
	*slash = '/';
	if (r == 0)
		r = file_lock(path, ret_fd, &holder);
	if (r == -EBUSY)
		return errmsg_set(e, r, "%s: the zone is being configured by process %d",
				  zone, (int)holder);
	return r < 0 ? errmsg_set(e, r, "%s: cannot be locked: %s", path, strerror(-r))
		     : 0;
}

/* The zone's name when a directory entry is a zone's configuration: a new string. */
static int entry_zone(const char *entry, char **ret_name)
{
	size_t n = strlen(entry);

	*ret_name = NULL;
	if (n <= 5 || strcmp(entry + n - 5, ".json") != 0)
		return 0;
	*ret_name = strndup(entry, n - 5);
	if (!*ret_name)
		return -ENOMEM;
	if (zone_name_check(*ret_name, NULL) < 0) {
		free(*ret_name);
		*ret_name = NULL;
	}
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void zconf_list_free(char **names, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		free(names[i]);
	free(names);
}

static void closedirp(DIR **d)
{
	if (*d)
		closedir(*d);
}

int zconf_list(const struct paths *p, char ***ret_names, unsigned *ret_n)
{
	cleanup(freep) char *path = paths_get(p, PATH_ETC, NULL);
	cleanup(closedirp) DIR *dir = NULL;
	char **names = NULL;
	unsigned n = 0;
	int r = 0;

	if (!path)
		return -ENOMEM;
	dir = opendir(path);
	if (!dir && errno != ENOENT)
		return -errno;
	for (struct dirent *de; r == 0 && dir && (errno = 0, de = readdir(dir));) {
		char **more = reallocarray(names, n + 1, sizeof(*names));

		if (!more) {
			r = -ENOMEM;
			break;
		}
		names = more;
		r = entry_zone(de->d_name, &names[n]);
		n += r == 0 && names[n];
	}
	if (r == 0 && dir && errno)
		r = -errno;
	if (r < 0) {
		zconf_list_free(names, n);
		return r;
	}
	if (n)
		qsort(names, n, sizeof(*names), compare_names);
	*ret_names = names;
	*ret_n = n;
	return 0;
}
