// SPDX-License-Identifier: BSD-2-Clause
/*
 * test_zone_keys.c - keys apart from configurations, MAC addresses among zones, what may
 * be a disk
 */
#include "common/zone/keys.h"
#include "common/zone/storage.h"
#include "tests/harness/harness.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define KEY_A "00112233445566778899aabbccddeeff"
#define KEY_B "ffeeddccbbaa99887766554433221100"

static struct paths root_paths(void)
{
	struct paths p;

	T_OK(paths_init(&p, t_root(), NULL));
	return p;
}

/* A configuration with that key; NULL: with a keysource without one. */
static struct zconf *conf_with(const char *zone, const char *key)
{
	struct zres r = { .type = RES_KEYSOURCE };
	struct zconf *c = NULL;

	T_OK(zconf_new(zone, &c, NULL));
	if (key)
		T_OK(zres_set(&r, PROP_KEY_RAW, key, NULL));
	T_OK(zconf_add(c, &r));
	return c;
}

static void commit(const struct paths *p, const char *zone, const char *key)
{
	struct zconf *c = conf_with(zone, key);
	struct errmsg e = { "" };

	T_OK(zconf_commit(p, c, &e));
	zconf_free(c);
}

/* What loading the stored zone's key gives, and the key or the error text. */
static int load(const struct paths *p, const char *zone, char *out, size_t size)
{
	char hex[KEY_HEX_LEN + 1] = "";
	struct errmsg e = { "" };
	struct zconf *c = NULL;
	int r;

	T_OK(zconf_load(p, zone, &c, &e));
	r = zone_key_load(p, c, hex, &e);
	snprintf(out, size, "%s", r == 0 ? hex : e.text);
	zconf_free(c);
	return r;
}

TEST(keys, are_kept_apart_and_found_again)
{
	struct paths p = root_paths();
	struct stat st;
	char out[600];

	commit(&p, "db", KEY_A);
	commit(&p, "web", KEY_B);
	T_OK(load(&p, "db", out, sizeof(out)));
	T_STREQ(out, KEY_A);
	T_OK(load(&p, "web", out, sizeof(out)));
	T_STREQ(out, KEY_B);
	T_NULL(strstr(t_read_file(t_path("etc/zones/db.json")), KEY_A));
	T_HAS(t_read_file(t_path("etc/zones/db.json")), "\"raw\": \"key:");
	T_OK(stat(t_path("etc/zones/keys"), &st));
	T_EQ(st.st_mode & 07777, 0700);
	T_OK(stat(t_path("etc/zones/keys/db"), &st));
	T_EQ(st.st_mode & 07777, 0600);
	T_EQ(st.st_size, KEY_REF_LEN + 1 + KEY_HEX_LEN + 1);

	commit(&p, "db", KEY_B); /* the old one goes */
	T_OK(load(&p, "db", out, sizeof(out)));
	T_STREQ(out, KEY_B);
	T_NULL(strstr(t_read_file(t_path("etc/zones/keys/db")), KEY_A));
	T_OK(zconf_delete(&p, "db", NULL));
	T_EQ(access(t_path("etc/zones/keys/db"), F_OK), -1);
	T_EQ(access(t_path("etc/zones/keys/web"), F_OK), 0);
	paths_fini(&p);
}

TEST(keys, stay_through_other_commits_and_go_with_the_resource)
{
	struct paths p = root_paths();
	struct zconf *c = NULL;
	char out[600];

	commit(&p, "db", KEY_A);
	T_OK(zconf_load(&p, "db", &c, NULL));
	T_OK(zres_set(&c->global, PROP_AUTOBOOT, "true", NULL));
	T_OK(zconf_commit(&p, c, NULL));
	T_OK(zconf_save(&p, c, NULL)); /* as svc.zones does */
	T_OK(load(&p, "db", out, sizeof(out)));
	T_STREQ(out, KEY_A);
	zconf_remove(c, 0);
	T_OK(zconf_commit(&p, c, NULL));
	T_EQ(load(&p, "db", out, sizeof(out)), -ENODATA);
	T_EQ(access(t_path("etc/zones/keys/db"), F_OK), -1);
	zconf_free(c);
	paths_fini(&p);
}

/*
 * A commit that was killed between its steps leaves a file with both keys: the
 * configuration says which counts, and the next commit tidies up.
 */
TEST(keys, of_an_interrupted_commit_the_configuration_decides)
{
	struct paths p = root_paths();
	struct zconf *c = NULL;
	char out[600], both[256];

	commit(&p, "db", KEY_A);
	snprintf(both, sizeof(both), "%skey:0000000000000001 " KEY_B "\n",
		 t_read_file(t_path("etc/zones/keys/db")));
	t_write_file(t_path("etc/zones/keys/db"), both);
	T_OK(chmod(t_path("etc/zones/keys/db"), 0600));
	T_OK(load(&p, "db", out, sizeof(out)));
	T_STREQ(out, KEY_A);
	c = conf_with("db", "key:0000000000000001");
	T_OK(zconf_save(&p, c, NULL));
	T_OK(load(&p, "db", out, sizeof(out)));
	T_STREQ(out, KEY_B);
	zconf_free(c);
	commit(&p, "db", KEY_A);
	T_NULL(strstr(t_read_file(t_path("etc/zones/keys/db")), KEY_B));
	paths_fini(&p);
}

TEST(keys, that_others_may_use_are_refused_with_what_to_do)
{
	struct paths p = root_paths();
	struct errmsg e = { "" };
	struct zconf *c = NULL;
	char out[600];

	commit(&p, "db", KEY_A);
	T_OK(chmod(t_path("etc/zones/keys/db"), 0640));
	T_EQ(load(&p, "db", out, sizeof(out)), -EPERM);
	T_HAS(out, "keysource: raw: ");
	T_HAS(out, "(mode 0640): chmod 600 ");
	T_HAS(out, "/etc/zones/keys/db");
	T_OK(zconf_load(&p, "db", &c, &e));
	T_EQ(zconf_verify(&p, c, &e), -EPERM);
	T_HAS(e.text, "chmod 600 ");
	T_OK(chmod(t_path("etc/zones/keys/db"), 0600));
	T_OK(chmod(t_path("etc/zones/keys"), 0755));
	T_EQ(load(&p, "db", out, sizeof(out)), -EPERM);
	T_HAS(out, "(mode 0755): chmod 700 ");
	T_OK(chmod(t_path("etc/zones/keys"), 0700));
	T_OK(zconf_verify(&p, c, &e));
	zconf_free(c);
	paths_fini(&p);
}

TEST(keys, that_are_missing_or_nonsense_are_said_to_be_so)
{
	struct paths p = root_paths();
	struct errmsg e = { "" };
	struct zconf *c = NULL;
	char out[600];
	char *big;

	commit(&p, "db", KEY_A);
	T_OK(zconf_load(&p, "db", &c, &e));
	t_write_file(t_path("etc/zones/keys/db"), "nonsense\nkey:1 2\n\n");
	T_OK(chmod(t_path("etc/zones/keys/db"), 0600));
	T_EQ(load(&p, "db", out, sizeof(out)), -ENOENT);
	T_STREQ(out,
		"keysource: raw: the key of zone db is missing; set it from an export "
		"of the zone");
	T_OK(unlink(t_path("etc/zones/keys/db")));
	T_EQ(zconf_verify(&p, c, &e), -ENOENT);
	big = calloc(1, 5001);
	T_NOT_NULL(big);
	memset(big, 'x', 5000);
	t_write_file(t_path("etc/zones/keys/db"), big);
	free(big);
	T_OK(chmod(t_path("etc/zones/keys/db"), 0600));
	T_EQ(load(&p, "db", out, sizeof(out)), -EINVAL);
	T_HAS(out, "/db: not a key file");
	T_OK(unlink(t_path("etc/zones/keys/db")));
	T_OK(symlink("/etc/hostname", t_path("etc/zones/keys/db")));
	T_EQ(load(&p, "db", out, sizeof(out)), -ELOOP);
	zconf_free(c);
	paths_fini(&p);
}

TEST(keys, are_made_when_first_needed)
{
	struct paths p = root_paths();
	struct errmsg e = { "" };
	struct zconf *c = NULL;
	char out[600], again[600];
	int lock_fd = -1;

	T_EQ(zone_key_ensure(&p, "db", &e), -ENOENT);
	T_HAS(e.text, "No such zone configured");
	T_OK(zconf_new("db", &c, NULL));
	T_OK(zconf_save(&p, c, NULL));
	T_OK(zone_lock(&p, "db", &lock_fd, &e));
	T_EQ(zone_key_ensure(&p, "db", &e), -EBUSY);
	close(lock_fd);
	T_OK(zone_key_ensure(&p, "db", &e));
	T_OK(load(&p, "db", out, sizeof(out)));
	T_EQ(strlen(out), KEY_HEX_LEN);
	T_OK(zone_key_ensure(&p, "db", &e));
	T_OK(load(&p, "db", again, sizeof(again)));
	T_STREQ(out, again);
	T_OK(chmod(t_path("etc/zones/keys/db"), 0644));
	T_EQ(zone_key_ensure(&p, "db", &e), -EPERM);
	zconf_free(c);
	paths_fini(&p);
}

/* A zone with one interface of that address. */
static struct zconf *conf_with_mac(const char *zone, const char *mac)
{
	struct zres r = { .type = RES_ANET }, inner = { .type = RES_ANET_MAC };
	struct zconf *c = NULL;

	T_OK(zconf_new(zone, &c, NULL));
	T_OK(zres_set(&r, PROP_ANET_ID, "0", NULL));
	T_OK(zres_set(&inner, PROP_MAC_ADDRESS, mac, NULL));
	T_OK(zres_add(&r, &inner));
	T_OK(zconf_add(c, &r));
	return c;
}

TEST(macs, are_not_given_to_two_zones)
{
	struct zconf *db = conf_with_mac("db", "2:8:20:1:2:3");
	struct zconf *web = conf_with_mac("web", "2:8:20:1:2:3");
	struct paths p = root_paths();
	struct errmsg e = { "" };

	T_OK(zconf_save(&p, db, NULL));
	T_OK(zconf_verify(&p, db, &e));
	T_EQ(zconf_verify(&p, web, &e), -EINVAL);
	T_STREQ(e.text,
		"anet: mac-address: \"02:08:20:01:02:03\": zone db has it already");
	/* however a person wrote it; but not where it is only text */
	t_write_file(t_path("etc/zones/db.json"),
		     "{\"version\": 1, \"anet\": [{\"id\": 0, \"auto-mac-address\": "
		     "\"2:8:20:01:2:03\"}]}");
	T_EQ(zconf_verify(&p, web, &e), -EINVAL);
	t_write_file(t_path("etc/zones/db.json"),
		     "{\"version\": 1, \"bootargs\": \"2:8:20:01:2:03\"}");
	T_OK(zconf_verify(&p, web, &e));
	t_write_file(t_path("etc/zones/db.json"), "nonsense \"2:8:20:1:2:3\"");
	T_OK(zconf_verify(&p, web, &e));
	zconf_free(db);
	zconf_free(web);
	paths_fini(&p);
}

TEST(macs, that_a_zone_has_already_are_not_looked_for_at_a_change)
{
	struct zconf *db = conf_with_mac("db", "2:8:20:1:2:3");
	struct zconf *web = conf_with_mac("web", "2:8:20:1:2:3");
	struct zconf *other = conf_with_mac("web", "2:8:20:1:2:4");
	struct paths p = root_paths();
	struct errmsg e = { "" };

	T_OK(zconf_save(&p, db, NULL));
	T_OK(zconf_verify_change(&p, web, web, &e));
	T_EQ(zconf_verify_change(&p, web, other, &e), -EINVAL);
	T_HAS(e.text, "zone db has it already");
	T_EQ(zconf_verify_change(&p, web, NULL, &e), -EINVAL);
	T_OK(zconf_verify_change(&p, other, web, &e));
	zconf_free(db);
	zconf_free(web);
	zconf_free(other);
	paths_fini(&p);
}

TEST(macs, that_cannot_be_compared_are_not_taken)
{
	struct zconf *db = conf_with_mac("db", "2:8:20:1:2:3");
	struct zconf *web = conf_with_mac("web", "2:8:20:1:2:3");
	struct paths p = root_paths();
	struct errmsg e = { "" };
	struct rlimit before, few;
	int next = dup(0); /* the lowest that is free */

	T_OK(zconf_save(&p, db, NULL));
	T_OK(getrlimit(RLIMIT_NOFILE, &before));
	close(next);
	few = before;
	few.rlim_cur = (rlim_t)next + 1; /* the folder, and nothing in it */
	T_OK(setrlimit(RLIMIT_NOFILE, &few));
	T_EQ(zconf_verify(&p, web, &e), -EMFILE);
	T_OK(setrlimit(RLIMIT_NOFILE, &before));
	T_STREQ(e.text, "anet: the mac-addresses of zone db cannot be compared: Too many "
			"open files");
	zconf_free(db);
	zconf_free(web);
	paths_fini(&p);
}

TEST(macs, are_random_below_a_fixed_beginning)
{
	struct zres a = { .type = RES_ANET }, b = { .type = RES_ANET };
	struct zconf *c = NULL;

	T_OK(zconf_new("db", &c, NULL));
	T_OK(zconf_fill_auto(c, &a, NULL, NULL, NULL));
	T_OK(zconf_fill_auto(c, &b, NULL, NULL, NULL));
	T_EQ(strncmp(zres_text(&a, PROP_ANET_AUTO_MAC), "02:08:20:", 9), 0);
	T_EQ(strlen(zres_text(&a, PROP_ANET_AUTO_MAC)), 17);
	T_TRUE(strcmp(zres_text(&a, PROP_ANET_AUTO_MAC),
		      zres_text(&b, PROP_ANET_AUTO_MAC)) != 0);
	zres_fini(&a);
	zres_fini(&b);
	zconf_free(c);
}

TEST(copy, has_numbers_of_its_own)
{
	struct zconf *c = conf_with_mac("db", "auto");
	struct zres key = { .type = RES_KEYSOURCE };

	T_OK(zconf_add(c, &key));
	T_OK(zconf_fill_all(c, NULL, NULL));
	T_TRUE(zres_is_set(&c->global, PROP_HOSTID));
	T_TRUE(zres_is_set(&c->res[0].inner[0], PROP_MAC_AUTO));
	T_FALSE(zres_is_set(&c->res[1], PROP_KEY_RAW)); /* not without being asked for */
	zconf_forget_own(c);
	T_FALSE(zres_is_set(&c->global, PROP_HOSTID));
	T_FALSE(zres_is_set(&c->res[0], PROP_ANET_AUTO_MAC));
	T_FALSE(zres_is_set(&c->res[0].inner[0], PROP_MAC_AUTO));
	T_EQ(zres_number(c, &c->res[0], PROP_ANET_ID), 0);
	T_EQ(c->n_res, 1);
	zconf_free(c);
}

TEST(storage, whole_disks_and_files_only)
{
	static const char *const dirs[] = {
		"sys",         "sys/dev",         "sys/dev/block",
		"sys/devices", "sys/devices/sda", "sys/devices/sda/sda1"
	};
	struct stat file = { .st_mode = S_IFREG | 0600 };
	struct stat disk = { .st_mode = S_IFBLK | 0600, .st_rdev = makedev(8, 0) };
	struct stat part = { .st_mode = S_IFBLK | 0600, .st_rdev = makedev(8, 1) };
	struct stat tty = { .st_mode = S_IFCHR | 0600 };
	struct stat dir = { .st_mode = S_IFDIR | 0700 };
	struct errmsg e = { "" };
	char sysfs[4096];

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		T_OK(mkdir(t_path("%s", dirs[i]), 0755));
	t_write_file(t_path("sys/devices/sda/sda1/partition"), "1\n");
	T_OK(symlink("../../devices/sda", t_path("sys/dev/block/8:0")));
	T_OK(symlink("../../devices/sda/sda1", t_path("sys/dev/block/8:1")));
	snprintf(sysfs, sizeof(sysfs), "%s", t_path("sys"));
	T_OK(storage_check("/x", &file, sysfs, &e));
	T_OK(storage_check("/dev/sda", &disk, sysfs, &e));
	T_EQ(storage_check("/dev/sda1", &part, sysfs, &e), -EINVAL);
	T_STREQ(e.text, "/dev/sda1: a partition: give the zone a whole disk (/dev/sda)");
	T_EQ(storage_check("/dev/tty", &tty, sysfs, &e), -EINVAL);
	T_STREQ(e.text, "/dev/tty: neither a block device nor a file");
	T_EQ(storage_check("/dev", &dir, sysfs, &e), -EINVAL);
}

TEST(storage, two_names_of_one_disk)
{
	static const char json[] = "{\"version\": 1, \"device\": [{\"id\": 0}, "
				   "{\"id\": 1, \"match\": \"%s\"}, "
				   "{\"id\": 2, \"storage\": \"file:%s\"}]}";
	struct paths p = root_paths();
	struct errmsg e = { "" };
	struct zconf *c = NULL;
	char text[9000], link[4096], file[4096];
	char *path = NULL;

	snprintf(link, sizeof(link), "%s", t_path("link"));
	snprintf(file, sizeof(file), "%s", t_path("file"));
	t_write_file(file, "x");
	snprintf(text, sizeof(text), json, link, file);
	T_OK(zconf_parse("db", text, strlen(text), "f", &c, &e));
	T_OK(zone_disks_check(&p, c, &e)); /* the link is not there yet */
	T_OK(symlink("file", link));
	T_EQ(zone_disks_check(&p, c, &e), -EINVAL);
	T_HAS(e.text, "device 2: ");
	T_HAS(e.text, "/file: device 1 is the same disk");
	T_OK(zone_disk_path(&p, c, &c->res[0], &path));
	T_STREQ(path, t_path("var/lib/zones/db/disk0"));
	free(path);
	T_TRUE(zone_disk_is_default(&c->res[0]));
	T_FALSE(zone_disk_is_default(&c->res[1]));
	T_OK(zone_disk_path(&p, c, &c->res[2], &path));
	T_STREQ(path, file);
	free(path);
	zconf_free(c);
	paths_fini(&p);
}
