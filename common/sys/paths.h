/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * paths.h - every path the project uses, below one root
 */
#ifndef KZ_SYS_PATHS_H
#define KZ_SYS_PATHS_H

#include "common/base/err.h"

#define ZONE_NAME_MAX 64 /* bytes, without the NUL */

/* %s is the zone's name; paths without it ignore the argument. */
#define PATHS(X) \
	X(ETC, "/etc/zones") \
	X(TEMPLATES, "/etc/zones/templates") \
	X(KEYS, "/etc/zones/keys") \
	X(ZONE_KEY, "/etc/zones/keys/%s") \
	X(ZONE_CONFIG, "/etc/zones/%s.json") \
	X(ZONE_LOCK, "/run/zones/lock/%s") \
	X(RESTARTER_CONFIG, "/etc/zones/svc.zones.json") \
	X(VAR, "/var/lib/zones") \
	X(STATE, "/var/lib/zones/state.json") \
	X(ZONE_VAR, "/var/lib/zones/%s") \
	X(RUN, "/run/zones") \
	X(SOCKET, "/run/zones/svc.zones.sock") \
	X(STATUS, "/run/zones/status.json") \
	X(METRICS, "/run/zones/metrics.sock") \
	X(BOOT_ID, "/run/zones/boot-id") \
	X(RESTARTER_LOCK, "/run/zones/svc.zones.lock") \
	X(ZONE_RUN, "/run/zones/%s") \
	X(ZONE_BOOTED, "/run/zones/%s/booted.json") \
	X(ZONE_CTL, "/run/zones/%s/ctl.sock") \
	X(ZONE_CONSOLE, "/run/zones/%s/console.sock") \
	X(LOG, "/var/log/zones") \
	X(CONSOLE_LOG, "/var/log/zones/console.%s") \
	X(MESSAGES_LOG, "/var/log/zones/messages.%s")

enum path_id {
#define X(id, fmt) PATH_##id,
	PATHS(X)
#undef X
		PATH_N
};

struct paths {
	char *root; /* owned; no trailing slash, "" for / */
};

/**
 * paths_init() - Choose the root
 * @root:	What -R gave, or NULL: then $KZONES_ROOT, then /
 *
 * Return: 0, -ENOMEM, -EINVAL (root is not absolute)
 */
int paths_init(struct paths *p, const char *root, struct errmsg *e);
void paths_fini(struct paths *p);

#define PATH_SAID 120 /* bytes of a path in a text that has to hold more than it */

/* The path, or in @room "..." and its end: what is wrong with it has to find room, too.
 */
const char *path_said(const char *path, char room[static PATH_SAID + 4]);

/* A path as a new string that the caller frees; NULL when memory is short. */
char *paths_get(const struct paths *p, enum path_id id, const char *zone);

/**
 * paths_libexec() - Path of a private program or file (kzhost, guest.elf)
 *
 * $KZONES_LIBEXEC, else the directory the build installs to. Not below the root.
 *
 * Return: new string, or NULL when memory is short
 */
char *paths_libexec(const char *name);

#endif
