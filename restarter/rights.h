/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rights.h - what a zone's admin resources let their users do
 *
 * DOC: Who may do what
 *
 * Root, the user svc.zones runs as and the group zones may do everything, the consoles of
 * all zones included; everyone may read. A zone's admin resource gives one user rights on
 * that zone only: manage (boot, shut down, halt, reboot, clear, mark, enable and disable
 * until the next boot of the host, and the console), and config (with manage: enable and
 * disable for good, which changes autoboot). liveconfig lets the user change the zone
 * while it runs. login and clonefrom are kept for what does not exist yet.
 *
 * A connection brings a uid (SO_PEERCRED), a configuration has names. Names are looked up
 * when the configuration is read, not when somebody asks: the user data base may be slow,
 * and svc.zones has one thread. A user who is made later counts from the next refresh.
 */
#ifndef KZ_RESTARTER_RIGHTS_H
#define KZ_RESTARTER_RIGHTS_H

#include "common/zone/conf.h"

#include <sys/types.h>

#define MANAGERS_GROUP "zones" /* unless $KZONES_GROUP names another */

#define ZONE_AUTHS(X) \
	X(LOGIN, "login") \
	X(MANAGE, "manage") \
	X(CONFIG, "config") X(LIVECONFIG, "liveconfig") X(CLONEFROM, "clonefrom")

enum zone_auth {
#define X(id, name) AUTH_##id,
	ZONE_AUTHS(X)
#undef X
		AUTH_N
};

struct zone_rights {
	struct zone_right {
		uid_t uid;
		unsigned auths; /* bits 1 << enum zone_auth */
	} * v;                  /* owned */
	unsigned n;
};

void rights_fini(struct zone_rights *r);

/**
 * rights_load() - Take over what the admin resources of a configuration say
 * @r:	Replaced on success
 *
 * Users that do not exist get nothing; that is logged.
 *
 * Return: 0 or -ENOMEM
 */
int rights_load(struct zone_rights *r, const struct zconf *c);

bool rights_has(const struct zone_rights *r, uid_t uid, enum zone_auth auth);
const char *rights_name(enum zone_auth auth);

/* The group that may do everything; (gid_t)-1 when there is none. */
gid_t rights_managers(void);

/**
 * rights_on_console() - Let those who may manage the zone connect to its console
 * @managers:	The group that may, if it can be given to it: only root can; or (gid_t)-1
 * @path:	The socket; its group, mode and access list (acl(5)) are replaced
 *
 * Return: 0, -ENOMEM, or what chmod(2) or setxattr(2) gave (-ENOTSUP: a file system
 * without lists: the group has access, the users of admin resources do not)
 */
int rights_on_console(const struct zone_rights *r, gid_t managers, const char *path);

#endif
