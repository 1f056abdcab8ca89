// SPDX-License-Identifier: BSD-2-Clause
/*
 * test_zone_conf.c - configurations in memory, as JSON (hostile JSON too), on disk,
 * verified
 */
#include "common/base/utf8.h"
#include "common/proto/machine.h"
#include "common/zone/conf.h"
#include "common/zone/templates.h"
#include "tests/harness/harness.h"

#include <jansson.h>
#include <stdio.h>
#include <sys/stat.h>

void *__real_malloc(size_t size);
void __real_free(void *p);

/*
 * jansson 2.14 reads over the end of a buffer when an allocation inside json_loadb()
 * fails, so its allocations are left alone: true in here means that they may fail again.
 */
static void json_may_fail(bool may)
{
	if (may)
		json_set_alloc_funcs(malloc, free);
	else
		json_set_alloc_funcs(__real_malloc, __real_free);
}

static struct paths root_paths(void)
{
	struct paths p;

	T_OK(paths_init(&p, t_root(), NULL));
	return p;
}

static void add_dep(struct zconf *c, const char *fmri)
{
	struct zres r = { .type = RES_SMF_DEPENDENCY };

	T_OK(zres_set(&r, PROP_DEP_FMRI, fmri, NULL));
	T_OK(zconf_add(c, &r));
}

/* A zone that depends on other zones, saved. */
static void save_zone(const struct paths *p, const char *name, const char *dep,
		      const char *dep2)
{
	struct zconf *c = NULL;
	struct errmsg e = { "" };
	char fmri[128];

	T_OK(zconf_new(name, &c, &e));
	for (int i = 0; i < 2; i++) {
		const char *d = i ? dep2 : dep;

		if (!d)
			continue;
		snprintf(fmri, sizeof(fmri), ZONE_FMRI_PREFIX "%s", d);
		add_dep(c, fmri);
	}
	T_OK(zconf_save(p, c, &e));
	zconf_free(c);
}

TEST(name, rules)
{
	static const struct {
		const char *name, *rule;
	} names[] = {
		{ "db", NULL },
		{ "0", NULL },
		{ "a_B-9.x", NULL },
		{ "svc", NULL },
		{ "", "letter or digit" },
		{ ".hidden", "letter or digit" },
		{ "../etc/passwd", "letter or digit" },
		{ "a/b", "only letters" },
		{ "a b", "only letters" },
		{ "gr\xc3\xbcn", "only letters" },
		{ "a\x1b[2J", "a?[2J: invalid zone name" },
		{ "global", "reserved" },
		{ "SUNWx", "reserved" },
		{ "SYSdefault", "reserved" },
		{ "svc.zones", "reserved" },
		{ "svc.zones.sock", "reserved" },
		{ "lock", "reserved" },
		{ "state.json", "reserved" },
	};
	char longest[66];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct errmsg e = { "" };

		T_EQ(zone_name_check(names[i].name, &e), names[i].rule ? -EINVAL : 0);
		if (names[i].rule)
			T_HAS(e.text, names[i].rule);
	}
	memset(longest, 'x', 65);
	longest[65] = '\0';
	T_EQ(zone_name_check(longest, NULL), -EINVAL);
	longest[64] = '\0';
	T_OK(zone_name_check(longest, NULL));
}

TEST(conf, defaults_and_tokens_are_put_in_on_use)
{
	struct zres dev = { .type = RES_DEVICE };
	struct zconf *c = NULL;
	char *s;

	T_OK(zconf_new("db", &c, NULL));
	T_EQ(zres_number(c, zconf_next(c, RES_CAPPED_MEMORY, NULL), PROP_PHYSICAL),
	     4 * GIB);
	T_EQ(zres_number(c, NULL, PROP_NCPUS), 4);
	T_FALSE(zres_bool(c, &c->global, PROP_AUTOBOOT));
	T_OK(zres_set(&c->global, PROP_AUTOBOOT, "true", NULL));
	T_TRUE(zres_bool(c, &c->global, PROP_AUTOBOOT));
	T_EQ(zres_word(&c->global, PROP_BOOT_PRIORITY), 1);
	T_OK(zres_set(&c->global, PROP_BOOT_PRIORITY, "low", NULL));
	T_EQ(zres_word(&c->global, PROP_BOOT_PRIORITY), 2);
	T_NULL(zres_get(c, &c->global, PROP_BOOTARGS));

	T_OK(zres_set(&dev, PROP_STORAGE, "file:/d/%{zonename}%{id}%%", NULL));
	T_OK(zres_set(&dev, PROP_DEVICE_ID, "7", NULL));
	s = zres_get(c, &dev, PROP_STORAGE);
	T_STREQ(s, "file:/d/db7%");
	free(s);
	T_STREQ(zres_text(&dev, PROP_STORAGE), "file:/d/%{zonename}%{id}%%");
	T_FALSE(zres_is_set(&dev, PROP_BOOTPRI));
	T_EQ(zres_set(&dev, PROP_DEVICE_ID, "x", NULL), -EINVAL);
	T_EQ(zres_number(c, &dev, PROP_DEVICE_ID), 7);
	zres_fini(&dev);
	zconf_free(c);
}

TEST(conf, ids_are_the_lowest_that_are_free)
{
	struct errmsg e = { "" };
	struct zconf *c = NULL;

	T_OK(zconf_new("db", &c, NULL));
	for (unsigned i = 0; i < ZONE_DISKS_MAX; i++) {
		struct zres r = { .type = RES_DEVICE };

		T_OK(zconf_fill_auto(c, &r, NULL, NULL, NULL));
		T_EQ(zres_number(c, &r, PROP_DEVICE_ID), i);
		T_OK(zconf_add(c, &r));
	}
	zconf_remove(c, 7);
	{
		struct zres r = { .type = RES_DEVICE };

		T_OK(zconf_fill_auto(c, &r, NULL, NULL, NULL));
		T_EQ(zres_number(c, &r, PROP_DEVICE_ID), 7);
		T_OK(zconf_add(c, &r));
		T_EQ(zconf_fill_auto(c, &r, NULL, NULL, &e), -EINVAL);
		T_STREQ(e.text, "device: no id is free: a zone has at most 16");
	}
	zconf_free(c);
}

static const char full_json[] =
	"{\"version\": 1, \"brand\": \"solaris-kz\", \"autoboot\": true,"
	" \"shutdown-timeout\": 90, \"bootargs\": \"a b\","
	" \"device\": [{\"id\": 0, \"bootpri\": 0}, {\"storage\": \"file:/x\", \"id\": 1}],"
	" \"capped-memory\": {\"physical\": \"2G\"}, \"virtual-cpu\": {\"ncpus\": 2},"
	" \"smf-dependency\": [{\"fmri\": \"svc:/system/zones/zone:db\"}]}";

TEST(json, is_written_as_it_was_read)
{
	struct zconf *a = NULL, *b = NULL;
	char *text = NULL, *again = NULL;

	T_OK(zconf_parse("web", full_json, strlen(full_json), "x", &a, NULL));
	T_EQ(zconf_count(a, RES_DEVICE), 2);
	T_EQ(zres_number(a, &a->global, PROP_SHUTDOWN_TIMEOUT), 90);
	T_OK(zconf_format(a, &text));
	T_OK(zconf_parse("web", text, strlen(text), "x", &b, NULL));
	T_TRUE(zconf_equal(a, b));
	T_OK(zconf_format(b, &again));
	T_STREQ(text, again);
	T_GOLDEN("zonecfg/web.json", text);
	free(text);
	free(again);
	zconf_free(a);
	zconf_free(b);
}

TEST(json, hostile_files_are_refused_with_file_and_place)
{
	static const struct {
		const char *json, *error;
	} cases[] = {
		{ "", "f.json: line 1, column 0:" },
		{ "nonsense", "f.json: line 1," },
		{ "{\"version\": 1,\n \"autoboot\": }", "f.json: line 2, column 14:" },
		{ "[]", "f.json: document: has to be an object, is an array" },
		{ "{}", "f.json: version: has to be 1" },
		{ "{\"version\": \"1\"}", "f.json: version: has to be 1" },
		{ "{\"version\": 2}", "f.json: version: has to be 1" },
		{ "{\"version\": 1, \"autoboot\": \"true\"}",
		  "f.json: autoboot: has to be true or false, is a string" },
		{ "{\"version\": 1, \"shutdown-timeout\": 1.5}",
		  "f.json: shutdown-timeout: has to be a whole number, is a fraction" },
		{ "{\"version\": 1, \"shutdown-timeout\": -1}",
		  "f.json: global: shutdown-timeout" },
		{ "{\"version\": 1, \"shutdown-timeout\": 0}", "allowed: 1 to 86400" },
		{ "{\"version\": 1, \"shutdown-timeout\": 99999999999999999999}",
		  "f.json: line 1" },
		{ "{\"version\": 1, \"bootargs\": null}", "has to be a string, is null" },
		{ "{\"version\": 1, \"bootargs\": \"a\\nb\"}",
		  "f.json: global: bootargs: \"a?b\"" },
		{ "{\"version\": 1, \"bootargs\": \"a\\u0000b\"}", "f.json: line 1" },
		{ "{\"version\": 1, \"bootargs\": \"\xff\"}", "f.json: line 1" },
		{ "{\"version\": 1, \"autoboot\": true, \"autoboot\": false}",
		  "duplicate" },
		{ "{\"version\": 1, \"colour\": 1}",
		  "f.json: \"colour\": neither a global property nor a resource type" },
		{ "{\"version\": 1, \"\\u001b[2J\": 1}", "\"?[2J\": neither" },
		{ "{\"version\": 1, \"pool\": \"x\"}",
		  "f.json: global: pool: Linux has no resource pools" },
		{ "{\"version\": 1, \"zonepath\": \"/x\"}",
		  "f.json: global: zonepath: it cannot be set" },
		{ "{\"version\": 1, \"mac\": []}", "\"mac\": neither a global property" },
		{ "{\"version\": 1, \"anet\": [{\"mac\": {}}]}",
		  "f.json: anet[0].mac: has to be an array of objects" },
		{ "{\"version\": 1, \"anet\": [{\"mac\": [{}, {\"id\": 1}]}]}",
		  "f.json: mac: \"id\": no such property" },
		{ "{\"version\": 1, \"anet\": [{\"mac\": [{}, {\"mac-address\": 1}]}]}",
		  "f.json: anet[0].mac[1].mac-address: has to be a string" },
		{ "{\"version\": 1, \"anet\": [{\"mac\": [{\"mac\": []}]}]}",
		  "f.json: mac: \"mac\": no such property" },
		{ "{\"version\": 1, \"keysource\": {\"raw\": "
		  "\"00112233445566778899aabbccddeeff\"}}",
		  "f.json: keysource.raw: a key does not belong into this file" },
		{ "{\"version\": 1, \"keysource\": {\"raw\": \"key:1\"}}",
		  "f.json: keysource: raw: not a key" },
		{ "{\"version\": 1, \"global\": {}}", "neither a global property" },
		{ "{\"version\": 1, \"device\": {}}",
		  "f.json: device: has to be an array of objects, is an object" },
		{ "{\"version\": 1, \"device\": [{}, 3]}",
		  "f.json: device[1]: has to be an object, is a whole number" },
		{ "{\"version\": 1, \"device\": [{\"id\": [0]}]}",
		  "f.json: device[0].id: has to be a whole number, is an array" },
		{ "{\"version\": 1, \"device\": [{\"id\": 16}]}",
		  "f.json: device: id: \"16\": too large; allowed: 0 to 15" },
		{ "{\"version\": 1, \"device\": [{\"size\": 1}]}",
		  "f.json: device: \"size\": no such property; there are: match, storage, id, bootpri" },
		{ "{\"version\": 1, \"capped-memory\": [{\"physical\": \"1G\"}]}",
		  "f.json: capped-memory: has to be an object, is an array" },
		{ "{\"version\": 1, \"capped-memory\": {\"physical\": 1}}",
		  "f.json: capped-memory.physical: has to be a string" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct errmsg e = { "" };
		struct zconf *c = NULL;

		T_EQ(zconf_parse("z", cases[i].json, strlen(cases[i].json), "f.json", &c,
				 &e),
		     -EINVAL);
		T_NULL(c);
		T_HAS(e.text, cases[i].error);
		T_TRUE(utf8_is_plain(e.text));
	}
}

TEST(json, deep_and_wide_files_are_refused)
{
	struct buf b = { 0 };
	struct zconf *c = NULL;
	struct errmsg e = { "" };

	for (int i = 0; i < 100000; i++)
		buf_adds(&b, "[");
	T_EQ(zconf_parse("z", b.p, b.len, "f", &c, &e), -EINVAL);
	buf_fini(&b);
	buf_adds(&b, "{\"version\": 1, \"device\": [{}");
	for (int i = 0; i < ZCONF_MAX_RES; i++)
		buf_adds(&b, ", {}");
	buf_adds(&b, "]}");
	T_EQ(zconf_parse("z", b.p, b.len, "f", &c, &e), -EINVAL);
	T_STREQ(e.text, "f: device[1024]: more than 1024 resources");
	buf_fini(&b);
}

TEST(json, reading_and_copying_survive_every_oom)
{
	struct zconf *c = NULL, *copy = NULL;
	int r = -ENOMEM;

	json_may_fail(false);
	for (long n = 0; r == -ENOMEM; n++) {
		fault_arm(n);
		r = zconf_parse("web", full_json, strlen(full_json), "x", &c, NULL);
		T_EQ(r, fault.fired ? -ENOMEM : 0);
		T_EQ(fault.live == 0, r != 0);
	}
	json_may_fail(true);
	r = -ENOMEM;
	for (long n = 0; r == -ENOMEM; n++) {
		fault_arm(n);
		r = zconf_copy(c, "other", &copy, NULL);
		T_EQ(r, fault.fired ? -ENOMEM : 0);
		T_EQ(fault.live == 0, r != 0);
	}
	fault_disarm();
	zconf_free(copy);
	zconf_free(c);
}

TEST(json, writing_survives_every_oom)
{
	struct zconf *c = NULL;
	char *text = NULL;
	int r = -ENOMEM;

	T_OK(zconf_parse("web", full_json, strlen(full_json), "x", &c, NULL));
	for (long n = 0; r == -ENOMEM; n++) {
		fault_arm(n);
		r = zconf_format(c, &text);
		T_EQ(r, fault.fired ? -ENOMEM : 0);
		T_EQ(fault.live, r == 0 ? 1 : 0);
	}
	fault_disarm();
	free(text);
	zconf_free(c);
}

TEST(store, saves_loads_lists_and_removes)
{
	struct paths p = root_paths();
	struct zconf *c = NULL;
	struct errmsg e = { "" };
	char **names = NULL;
	struct stat st;
	unsigned n = 9;

	T_OK(zconf_list(&p, &names, &n));
	T_EQ(n, 0);
	zconf_list_free(names, n);
	save_zone(&p, "web", "db", NULL);
	save_zone(&p, "db", NULL, NULL);
	t_write_file(t_path("etc/zones/svc.zones.json"), "{}");
	t_write_file(t_path("etc/zones/.tmp.json"), "{}");
	t_write_file(t_path("etc/zones/notes.txt"), "{}");
	T_OK(zconf_list(&p, &names, &n));
	T_EQ(n, 2);
	T_STREQ(names[0], "db");
	T_STREQ(names[1], "web");
	zconf_list_free(names, n);
	T_OK(stat(t_path("etc/zones/web.json"), &st));
	T_EQ(st.st_mode & 0777, 0644);

	T_OK(zconf_load(&p, "web", &c, &e));
	T_STREQ(zres_text(zconf_next(c, RES_SMF_DEPENDENCY, NULL), PROP_DEP_FMRI),
		"svc:/system/zones/zone:db");
	zconf_free(c);
	T_OK(zconf_remove_file(&p, "web", &e));
	T_EQ(zconf_load(&p, "web", &c, &e), -ENOENT);
	T_STREQ(e.text, "web: No such zone configured");
	T_EQ(zconf_remove_file(&p, "web", &e), -ENOENT);
	T_EQ(zconf_load(&p, "../web", &c, &e), -EINVAL);
	paths_fini(&p);
}

TEST(store, refuses_what_is_too_large_or_no_file)
{
	struct paths p = root_paths();
	struct errmsg e = { "" };
	struct zconf *c = NULL;
	char *big;

	save_zone(&p, "db", NULL, NULL);
	big = calloc(1, ZCONF_MAX_BYTES + 2);
	T_NOT_NULL(big);
	memset(big, ' ', ZCONF_MAX_BYTES + 1);
	t_write_file(t_path("etc/zones/db.json"), big);
	free(big);
	T_EQ(zconf_load(&p, "db", &c, &e), -EINVAL);
	T_HAS(e.text, "db.json: larger than 1048576 bytes");
	T_OK(mkdir(t_path("etc/zones/dir.json"), 0755));
	T_EQ(zconf_load(&p, "dir", &c, &e), -EISDIR);
	T_HAS(e.text, "dir.json: ");
	paths_fini(&p);
}

TEST(template, built_in_ones_are_good_and_files_come_first)
{
	struct paths p = root_paths();
	struct errmsg e = { "" };
	struct zconf *c = NULL;

	for (unsigned i = 0; i < zone_templates_n; i++) {
		T_OK(zconf_template(&p, zone_templates[i].name, "db", &c, &e));
		T_OK(zconf_verify(&p, c, &e));
		T_STREQ(c->name, "db");
		zconf_free(c);
	}
	T_EQ(zconf_template(&p, "SYSnone", "db", &c, &e), -ENOENT);
	T_HAS(e.text, "SYSnone: no such template");
	T_EQ(zconf_template(&p, "../x", "db", &c, &e), -EINVAL);
	save_zone(&p, "x", NULL, NULL);
	T_OK(mkdir(t_path("etc/zones/templates"), 0755));
	t_write_file(t_path("etc/zones/templates/SYSdefault.json"),
		     "{\"version\": 1, \"virtual-cpu\": {\"ncpus\": 3}}");
	T_OK(zconf_template(&p, "SYSdefault", "db", &c, &e));
	T_EQ(zres_number(c, zconf_next(c, RES_VIRTUAL_CPU, NULL), PROP_NCPUS), 3);
	zconf_free(c);
	paths_fini(&p);
}

static void verify_says(const struct paths *p, const char *zone, const char *error)
{
	struct errmsg e = { "" };
	struct zconf *c = NULL;

	T_OK(zconf_load(p, zone, &c, &e));
	T_EQ(zconf_verify(p, c, &e), error ? -EINVAL : 0);
	T_STREQ(e.text, error ? error : "");
	zconf_free(c);
}

TEST(verify, dependencies_lead_to_zones_and_not_in_circles)
{
	struct paths p = root_paths();

	save_zone(&p, "db", NULL, NULL);
	save_zone(&p, "web", "db", NULL);
	verify_says(&p, "web", NULL);
	save_zone(&p, "web", "dc", NULL);
	verify_says(
		&p, "web",
		"smf-dependency: fmri: \"svc:/system/zones/zone:dc\": No such zone configured");
	save_zone(&p, "web", "web", NULL);
	verify_says(
		&p, "web",
		"smf-dependency: fmri: \"svc:/system/zones/zone:web\": the zone depends on "
		"itself");
	save_zone(&p, "web", "mid", "db");
	save_zone(&p, "mid", "db", NULL);
	save_zone(&p, "db", "web", NULL);
	verify_says(&p, "db", "smf-dependency: fmri: dependency cycle: db -> web -> db");
	verify_says(&p, "mid",
		    "smf-dependency: fmri: dependency cycle: mid -> db -> web -> mid");
	save_zone(&p, "outside", "web", NULL); /* sees the cycle, is not in it */
	verify_says(&p, "outside", NULL);
	t_write_file(t_path("etc/zones/db.json"), "nonsense");
	verify_says(&p, "web", NULL); /* db's fault */
	paths_fini(&p);
}

TEST(verify, long_chains_are_followed)
{
	struct paths p = root_paths();
	char name[16], next[16];

	for (int i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "z%03d", i);
		snprintf(next, sizeof(next), "z%03d", (i + 1) % 200);
		save_zone(&p, name, next, NULL);
	}
	{
		struct errmsg e = { "" };
		struct zconf *c = NULL;

		T_OK(zconf_load(&p, "z000", &c, &e));
		T_EQ(zconf_verify(&p, c, &e), -EINVAL);
		T_HAS(e.text, "dependency cycle: z000 -> z001 -> z002 -> ");
		zconf_free(c);
	}
	paths_fini(&p);
}

TEST(verify, finds_what_is_missing_doubled_or_too_much)
{
	static const struct {
		const char *json, *error;
	} cases[] = {
		{ "\"direct-boot\": {}", "direct-boot: kernel is required" },
		{ "\"device\": [{}]", "device: id is required" },
		{ "\"device\": [{\"id\": 1}, {\"id\": 1}]",
		  "device: id: \"1\": another device has it already" },
		{ "\"device\": [{\"id\": 1, \"storage\": \"file:/x1\"},"
		  " {\"id\": 2, \"storage\": \"file:/x%{id}\"},"
		  " {\"id\": 3, \"storage\": \"file:/x%%\"},"
		  " {\"id\": 4, \"storage\": \"file:///x2\"}]",
		  "device: storage: \"file:/x2\": another device has it already" },
		{ "\"device\": [{\"id\": 1, \"match\": \"/x1\"},"
		  " {\"id\": 2, \"storage\": \"file:/x1\"}]",
		  "device 2: /x1: device 1 is the same disk" },
		{ "\"device\": [{\"id\": 1, \"match\": \"/x\", \"storage\": \"file:/y\"}]",
		  "device: match/storage: only one of them may be set" },
		{ "\"device\": [{\"id\": 1, \"match\": \"/dev/null\"}]",
		  "device 1: /dev/null: neither a block device nor a file" },
		{ "\"suspend\": {}", "suspend: path/storage: one of them is required" },
		{ "\"suspend\": {\"path\": \"/x\", \"storage\": \"dev:/x\"}",
		  "suspend: path/storage: only one of them may be set: clear the other" },
		{ "\"suspend\": {\"storage\": \"dev:/x\"},"
		  " \"device\": [{\"id\": 0, \"match\": \"/x\"}]",
		  "suspend: storage: \"dev:/x\": a device has it" },
		{ "\"dedicated-cpu\": {\"importance\": 2}",
		  "dedicated-cpu: ncpus/cpus/cores/sockets: one of them is required" },
		{ "\"dedicated-cpu\": {\"ncpus\": \"4-8\"}, \"virtual-cpu\": {\"ncpus\": 2}",
		  "virtual-cpu: ncpus: \"2\": fewer than the 4 CPUs that dedicated-cpu" },
		{ "\"dedicated-cpu\": {\"cpus\": \"1\"}, \"capped-cpu\": {\"ncpus\": \"1\"}",
		  "dedicated-cpu and capped-cpu exclude each other" },
		{ "\"dedicated-cpu\": {\"cpus\": \"1\"}, \"cpu-shares\": 5",
		  "dedicated-cpu and cpu-shares exclude each other" },
		{ "\"cpu-shares\": 5, \"rctl\": [{\"name\": \"zone.cpu-shares\","
		  " \"value\": \"(priv=privileged,limit=5,action=none)\"}]",
		  "it is cpu-shares, which is set" },
		{ "\"capped-cpu\": {\"ncpus\": \"2\"}, \"rctl\": [{\"name\": \"zone.cpu-cap\","
		  " \"value\": \"(priv=privileged,limit=5,action=none)\"}]",
		  "it is capped-cpu, which is there" },
		{ "\"attr\": [{\"name\": \"x\", \"type\": \"uint\", \"value\": \"-1\"}]",
		  "attr: value: \"-1\": not of type uint" },
		{ "\"attr\": [{\"name\": \"x\", \"type\": \"boolean\", \"value\": \"1\"}]",
		  "attr: value: \"1\": not of type boolean" },
		{ "\"attr\": [{\"name\": \"zoney\", \"type\": \"int\", \"value\": \"1\"}]",
		  "names that begin with zone are reserved" },
		{ "\"anet\": [{\"id\": 0, \"mac-address\": \"2:8:20:1:1:1\","
		  " \"mac\": [{\"mac-address\": \"2:8:20:1:1:1\"}]}]",
		  "mac: mac-address: \"02:08:20:01:01:01\": the zone has it already" },
		{ "\"anet\": [{\"id\": 0, \"auto-mac-address\": \"2:8:20:1:1:1\"},"
		  " {\"id\": 1, \"mac-address\": \"2:8:20:1:1:1\"}]",
		  "anet: mac-address: \"02:08:20:01:01:01\": the zone has it already" },
		{ "\"keysource\": {\"raw\": \"key:0123456789abcdef\"}",
		  "the key of zone z is missing; set it from an export" },
		{ "\"smf-dependency\": [{\"name\": \"a\", \"fmri\": \"svc:/a\"}, {\"fmri\": \"svc:/b\"},"
		  " {\"name\": \"a\", \"fmri\": \"svc:/c\", \"grouping\": \"require_any\"}]",
		  "smf-dependency: grouping: \"a\" is both require_all and require_any" },
		{ "\"capped-memory\": {}", "capped-memory: physical is required" },
		{ "\"capped-memory\": {\"physical\": \"2G\", \"pagesize\": \"2M\"}",
		  "capped-memory: pagesize: \"2M\": only with pagesize-policy fixed" },
		{ "\"capped-memory\": {\"physical\": \"2G\", \"pagesize-policy\": \"fixed\"}",
		  "capped-memory: pagesize is required with pagesize-policy fixed" },
		{ "\"dedicated-cpu\": {\"ncpus\": \"65-100\"}",
		  "dedicated-cpu: ncpus: \"65-100\": a zone has at most 64 vCPUs" },
	};
	struct paths p = root_paths();

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct errmsg e = { "" };
		struct zconf *c = NULL;
		char json[512];

		snprintf(json, sizeof(json), "{\"version\": 1, %s}", cases[i].json);
		T_OK(zconf_parse("z", json, strlen(json), "f", &c, &e));
		T_TRUE(zconf_verify(&p, c, &e) < 0);
		T_HAS(e.text, cases[i].error);
		zconf_free(c);
	}
	paths_fini(&p);
}

TEST(conf, vcpus_come_from_virtual_cpu_then_from_dedicated_cpu)
{
	static const struct {
		const char *json;
		unsigned n;
	} cases[] = {
		{ "\"autoboot\": true", 4 },
		{ "\"virtual-cpu\": {\"ncpus\": 3}", 3 },
		{ "\"dedicated-cpu\": {\"ncpus\": \"2-8\"}", 2 },
		{ "\"dedicated-cpu\": {\"ncpus\": \"7\"}", 7 },
		{ "\"dedicated-cpu\": {\"cpus\": \"0-1\"}", 4 },
		{ "\"dedicated-cpu\": {\"ncpus\": \"2\"}, \"virtual-cpu\": {\"ncpus\": 5}",
		  5 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct zconf *c = NULL;
		char json[128];

		snprintf(json, sizeof(json), "{\"version\": 1, %s}", cases[i].json);
		T_OK(zconf_parse("z", json, strlen(json), "f", &c, NULL));
		T_EQ(zconf_vcpus(c), cases[i].n);
		zconf_free(c);
	}
}

TEST(conf, as_many_vcpus_can_be_asked_for_as_a_machine_has)
{
	T_EQ(prop_def(PROP_NCPUS)->max, KZ_VCPUS_MAX);
}

TEST(verify, survives_every_oom)
{
	struct paths p = root_paths();
	struct zconf *c = NULL;
	int r = -ENOMEM;

	save_zone(&p, "db", NULL, NULL);
	save_zone(&p, "mid", "db", NULL);
	save_zone(&p, "web", "mid", "db");
	T_OK(zconf_load(&p, "web", &c, NULL));
	json_may_fail(false);
	for (long n = 0; r == -ENOMEM; n++) {
		fault_arm(n);
		r = zconf_verify(&p, c, NULL);
		T_EQ(r, fault.fired ? -ENOMEM : 0);
		T_EQ(fault.live, 0);
	}
	fault_disarm();
	json_may_fail(true);
	zconf_free(c);
	paths_fini(&p);
}
