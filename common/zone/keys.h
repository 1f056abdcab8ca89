/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * keys.h - a zone's encryption key (keysource raw), apart from its configuration
 *
 * DOC: Where a key is
 *
 * In memory the property is the key itself (32 hexadecimal digits) from `set` or
 * zconf_fill_auto() as long as that session lasts, else a reference to it ("key:" and 16
 * digits). The configuration file holds only the reference; the key file
 * /etc/zones/keys/ZONE has lines of reference and key, and only its owner may read it.
 *
 * So a commit that brings a new key is atomic, though it changes two files: the key file
 * first gets the new line beside the old one, then the configuration is replaced, then
 * the old line goes. Whenever it is killed, the reference that the configuration holds
 * has its line.
 */
#ifndef KZ_ZONE_KEYS_H
#define KZ_ZONE_KEYS_H

#include "common/zone/conf.h"

/**
 * zone_key_load() - The key of a zone
 * @ret_hex:	The key and a NUL; the caller wipes it
 *
 * Return: 0, -ENODATA (the zone has no keysource), -ENOENT (its key is missing), -EPERM
 * (the file or its directory is open to others: the text says chmod), -EACCES (we may not
 * read it), -EINVAL (not a key file), -ENOMEM, or what reading gave
 */
int zone_key_load(const struct paths *p, const struct zconf *c,
		  char ret_hex[static KEY_HEX_LEN + 1], struct errmsg *e);

/**
 * zone_key_ensure() - Give a zone that has no key a random one, for good
 *
 * For install and whatever needs the key first. Takes the zone's lock for the time.
 *
 * Return: 0 (also: it had one), -EBUSY (somebody configures the zone), or as
 * zconf_load(), zone_key_load() and zconf_commit()
 */
int zone_key_ensure(const struct paths *p, const char *zone, struct errmsg *e);

/**
 * zconf_commit() - zconf_save(), and its key into the key file
 *
 * The caller holds the zone's lock, and that of its new name when it gets one: then it is
 * zconf_rename(). Killed at any moment it leaves the old configuration
 * with the old key or the new one with the new.
 *
 * Return: 0, -ENOMEM, as zone_key_load() of the old key, -EEXIST (another zone has the
 * new name), or what writing gave
 */
int zconf_commit(const struct paths *p, const struct zconf *c, struct errmsg *e);

/**
 * zconf_rename() - Commit a configuration that zconf_set_name() gave another name
 *
 * The caller holds the locks of both names. Killed at any moment it leaves the old
 * configuration, or the new values under the old name, or under the new one: without new
 * values there is nothing in between.
 *
 * Return: as zconf_commit()
 */
int zconf_rename(const struct paths *p, const struct zconf *c, struct errmsg *e);

/* Another name gets the key file of a zone, if that has one. 0, -ENOMEM, as
 * zone_key_load(), or what writing gave. */
int zone_key_copy(const struct paths *p, const char *from, const char *to,
		  struct errmsg *e);
/* Removes a zone's key file, if it has one, and what killed commits left of it. */
int zone_key_remove(const struct paths *p, const char *zone, struct errmsg *e);

/* zconf_remove_file(), and then the key. The caller holds the lock. 0 or what unlink(2)
 * gave. */
int zconf_delete(const struct paths *p, const char *zone, struct errmsg *e);

#endif
