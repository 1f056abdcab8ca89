// SPDX-License-Identifier: BSD-2-Clause
/*
 * rights.c - what a zone's admin resources let their users do
 */
#include "restarter/rights.h"
#include "common/base/le.h"
#include "common/sys/log.h"

#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

static const char *const auth_names[AUTH_N] = {
#define X(id, name) name,
	ZONE_AUTHS(X)
#undef X
};

/* What the kernel takes as an access list: linux/posix_acl_xattr.h. */
#define ACL_XATTR   "system.posix_acl_access"
#define ACL_VERSION 2

enum { ACL_USER_OBJ = 1, ACL_USER = 2, ACL_GROUP_OBJ = 4, ACL_MASK = 16, ACL_OTHER = 32 };
enum { ACL_READ_WRITE = 6, ACL_NOBODY = -1 };

struct acl_entry {
	le16 tag, perm;
	le32 id;
};
static_assert(sizeof(struct acl_entry) == 8, "as the kernel has it");

void rights_fini(struct zone_rights *r)
{
	free(r->v);
	*r = (struct zone_rights){ 0 };
}

const char *rights_name(enum zone_auth auth)
{
	return auth_names[auth];
}

/* Bits of a list of words, as the property table checks them. */
static unsigned read_auths(const char *text)
{
	unsigned auths = 0;

	for (size_t len; *text; text += len) {
		text += strspn(text, ", ");
		len = strcspn(text, ", ");
		for (unsigned a = 0; a < AUTH_N; a++)
			if (strlen(auth_names[a]) == len &&
			    strncmp(auth_names[a], text, len) == 0)
				auths |= 1u << a;
	}
	return auths;
}

int rights_load(struct zone_rights *r, const struct zconf *c)
{
	struct zone_rights new = { 0 };
	const struct zres *admin = NULL;
	unsigned n = 0;

	while ((admin = zconf_next(c, RES_ADMIN, admin)))
		n++;
	new.v = calloc(n + 1, sizeof(*new.v));
	if (!new.v)
		return -ENOMEM;
	while ((admin = zconf_next(c, RES_ADMIN, admin))) {
		const char *user = zres_text(admin, PROP_ADMIN_USER);
		const char *auths = zres_text(admin, PROP_ADMIN_AUTHS);
		const struct passwd *pw = user && auths ? getpwnam(user) : NULL;

		if (pw)
			new.v[new.n++] =
				(struct zone_right){ pw->pw_uid, read_auths(auths) };
		else
			log_warning("zone=%s admin: user %s does not exist", c->name,
				    user ? user : "-");
	}
	rights_fini(r);
	*r = new;
	return 0;
}

bool rights_has(const struct zone_rights *r, uid_t uid, enum zone_auth auth)
{
	for (unsigned n = 0; n < r->n; n++)
		if (r->v[n].uid == uid && (r->v[n].auths & 1u << auth))
			return true;
	return false;
}

gid_t rights_managers(void)
{
	const char *name = getenv("KZONES_GROUP");
	const struct group *g = getgrnam(name && *name ? name : MANAGERS_GROUP);

	return g ? g->gr_gid : (gid_t)-1;
}

static void add_entry(struct acl_entry *e, unsigned tag, unsigned perm, uint32_t id)
{
	e->tag = le16_of((uint16_t)tag);
	e->perm = le16_of((uint16_t)perm);
	e->id = le32_of(id);
}

/* The list: its owner, users who may manage, the group, nobody else. 0 or -errno. */
static int set_list(const struct zone_rights *r, bool group, const char *path)
{
	size_t size = sizeof(le32) + (r->n + 4) * sizeof(struct acl_entry);
	cleanup(freep) char *acl = calloc(1, size);
	struct acl_entry *e;
	le32 version = le32_of(ACL_VERSION);

	if (!acl)
		return -ENOMEM;
	memcpy(acl, &version, sizeof(version));
	e = (struct acl_entry *)(acl + sizeof(version)); /* byte types: any alignment */
	add_entry(e++, ACL_USER_OBJ, ACL_READ_WRITE, (uint32_t)ACL_NOBODY);
	for (unsigned n = 0; n < r->n; n++)
		if (r->v[n].auths & 1u << AUTH_MANAGE)
			add_entry(e++, ACL_USER, ACL_READ_WRITE, r->v[n].uid);
	add_entry(e++, ACL_GROUP_OBJ, group ? ACL_READ_WRITE : 0, (uint32_t)ACL_NOBODY);
	add_entry(e++, ACL_MASK, ACL_READ_WRITE, (uint32_t)ACL_NOBODY);
	add_entry(e++, ACL_OTHER, 0, (uint32_t)ACL_NOBODY);
	if (setxattr(path, ACL_XATTR, acl, (size_t)((char *)e - acl), 0) < 0)
		return -errno;
	return 0;
}

int rights_on_console(const struct zone_rights *r, gid_t managers, const char *path)
{
	bool group = managers != (gid_t)-1 && lchown(path, (uid_t)-1, managers) == 0;
	int err = 0;

	if (r->n) {
		err = set_list(r, group, path);
		if (err == 0)
			return 0;
	} else {
		(void)removexattr(path, ACL_XATTR); /* of users who had it before */
	}
	if (chmod(path, group ? 0660 : 0600) < 0)
		return -errno;
	return err;
}
