// SPDX-License-Identifier: BSD-2-Clause
/*
 * test_limits.c - control groups: finding the delegated one, what properties become, what
 * of a running zone may change
 */
#include "common/sys/cgroup.h"
#include "restarter/limits.h"
#include "tests/harness/harness.h"

#include <fcntl.h>
#include <sys/stat.h>

TEST(cgroup, the_own_group_is_found_without_the_leaf)
{
	static const struct {
		const char *text, *path;
		int r;
	} cases[] = {
		{ "0::/system.slice/svc.zones.service\n",
		  "/system.slice/svc.zones.service", 0 },
		{ "8:pids:/x\n1:cpu:/y\n0::/a/supervisor\n", "/a", 0 },
		{ "0::/a/.control", "/a", 0 },
		{ "0::/a/b-supervisor\n", "/a/b-supervisor", 0 },
		{ "0::/\n", NULL, -EPERM },
		{ "0::/supervisor\n", NULL, -EPERM },
		{ "1:cpu:/y\n10::/z\n", NULL, -ENOTSUP },
		{ "", NULL, -ENOTSUP },
		{ "\n\n0::", NULL, -ENOTSUP },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct errmsg e = { "" };
		char *path = NULL;

		T_EQ(cgroup_parse_self(cases[i].text, &path, &e), cases[i].r);
		if (cases[i].path)
			T_STREQ(path, cases[i].path);
		else
			T_TRUE(!path && *e.text);
		free(path);
	}
}

#define V1 "33 31 0:30 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
#define V2 \
	"41 31 0:38 / /sys/fs/cgroup/unified rw,relatime shared:9 - cgroup2 cgroup2 rw\n"
#define PART "42 31 0:38 /a /mnt/with\\040blank rw - cgroup2 none rw\n"

TEST(cgroup, the_folder_is_found_in_mountinfo)
{
	static const struct {
		const char *text, *path, *dir;
	} cases[] = {
		{ V1 V2, "/a/b", "/sys/fs/cgroup/unified/a/b" },
		{ V1 PART, "/a/b", "/mnt/with blank/b" },
		{ PART V2, "/a", "/mnt/with blank" },
		{ PART V2, "/ab", "/sys/fs/cgroup/unified/ab" },
		{ V1, "/a", NULL },
		{ PART, "/b", NULL },
		{ "1 2 3 - cgroup2 x y\n", "/a", NULL },
		{ " - cgroup2 ", "/a", NULL },
		{ "", "/a", NULL },
		{ "1 2 0:1 / /x rw\n - cgroup2 x", "/a", NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct errmsg e = { "" };
		char *dir = NULL;
		int r = cgroup_parse_mounts(cases[i].text, cases[i].path, &dir, &e);

		T_EQ(r, cases[i].dir ? 0 : -ENOTSUP);
		if (cases[i].dir)
			T_STREQ(dir, cases[i].dir);
		free(dir);
	}
}

TEST(cgroup, words_are_whole)
{
	T_TRUE(cgroup_has_word("cpuset cpu io\n", "cpu"));
	T_TRUE(!cgroup_has_word("cpuset io\n", "cpu"));
	T_TRUE(cgroup_has_word("12\n3\n", "3"));
	T_TRUE(!cgroup_has_word("12\n13\n", "3"));
	T_TRUE(!cgroup_has_word("", "cpu"));
}

TEST(limits, weights_keep_the_ratio_of_shares)
{
	T_EQ(limits_weight(0, 0), 100u);
	T_EQ(limits_weight(0, 1), 100u);
	T_EQ(limits_weight(10, 20), 1000u);
	T_EQ(limits_weight(20, 20), 2000u);
	T_EQ(limits_weight(100, 100), 10000u);
	T_EQ(limits_weight(200, 200), 10000u);
	T_EQ(limits_weight(100, 200), 5000u);
	T_EQ(limits_weight(0, 200), 50u);
	T_EQ(limits_weight(1, 65535), 1u);
	T_EQ(limits_weight(65535, 65535), 10000u);
	T_EQ(limits_weight(300, 200), 10000u);
}

TEST(limits, weights_are_legal_and_never_fall_with_shares)
{
	for (unsigned most = 1; most <= 65535; most = most * 2 + 1) {
		unsigned before = 0;

		for (unsigned shares = 1; shares <= most; shares++) {
			unsigned weight = limits_weight(shares, most);

			T_TRUE(weight >= 1 && weight <= 10000 && weight >= before);
			before = weight;
		}
	}
}

TEST(limits, a_cap_is_a_quota_of_a_tenth_of_a_second)
{
	char text[LIMITS_MAX_SIZE];

	limits_max_text(0, text);
	T_STREQ(text, "max 100000");
	limits_max_text(150, text);
	T_STREQ(text, "150000 100000");
	limits_max_text(1, text);
	T_STREQ(text, "1000 100000"); /* the least that the kernel takes */
	limits_max_text(102400, text);
	T_STREQ(text, "102400000 100000");
}

static struct zconf *conf_of(const char *json)
{
	struct errmsg e = { "" };
	struct zconf *c = NULL;

	T_OK(zconf_parse("db", json, strlen(json), "test", &c, &e));
	return c;
}

TEST(limits, properties_and_rctls_say_the_same)
{
	static const struct {
		const char *json;
		unsigned shares, cap;
	} cases[] = {
		{ "{\"version\":1}", 0, 0 },
		{ "{\"version\":1,\"cpu-shares\":7}", 7, 0 },
		{ "{\"version\":1,\"capped-cpu\":{\"ncpus\":\"1.5\"}}", 0, 150 },
		{ "{\"version\":1,\"rctl\":[{\"name\":\"zone.cpu-cap\",\"value\":"
		  "\"(priv=privileged,limit=250,action=deny)\"},"
		  "{\"name\":\"zone.cpu-shares\",\"value\":"
		  "\"(priv=privileged,limit=9,action=none)\"}]}",
		  9, 250 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup(zconf_freep) struct zconf *c = conf_of(cases[i].json);
		struct zone_limits l = limits_of(c);

		T_EQ(l.shares, cases[i].shares);
		T_EQ(l.cap, cases[i].cap);
	}
}

TEST(live, only_what_is_live_may_differ)
{
	static const char base[] = "{\"version\":1,\"cpu-shares\":7,\"bootargs\":\"x\","
				   "\"virtual-cpu\":{\"ncpus\":2}}";
	static const struct {
		const char *json, *error; /* NULL: fine */
	} cases[] = {
		{ base, NULL },
		{ "{\"version\":1,\"bootargs\":\"x\",\"virtual-cpu\":{\"ncpus\":2}}",
		  NULL },
		{ "{\"version\":1,\"bootargs\":\"x\",\"virtual-cpu\":{\"ncpus\":2},"
		  "\"capped-cpu\":{\"ncpus\":\"1\"}}",
		  NULL },
		{ "{\"version\":1,\"bootargs\":\"y\",\"virtual-cpu\":{\"ncpus\":2}}",
		  "bootargs: it cannot be changed in a running zone" },
		{ "{\"version\":1,\"virtual-cpu\":{\"ncpus\":2}}", "bootargs: " },
		{ "{\"version\":1,\"bootargs\":\"x\",\"virtual-cpu\":{\"ncpus\":3}}",
		  "virtual-cpu: ncpus: it cannot" },
		{ "{\"version\":1,\"bootargs\":\"x\"}", "virtual-cpu: it cannot" },
		{ "{\"version\":1,\"bootargs\":\"x\",\"virtual-cpu\":{\"ncpus\":2},"
		  "\"admin\":[{\"user\":\"joe\",\"auths\":\"login\"}]}",
		  "admin: it cannot" },
	};
	cleanup(zconf_freep) struct zconf *from = conf_of(base);

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup(zconf_freep) struct zconf *to = conf_of(cases[i].json);
		struct errmsg e = { "" };

		T_EQ(zconf_check_live(from, to, &e), cases[i].error ? -ENOTSUP : 0);
		T_HAS(e.text, cases[i].error ? cases[i].error : "");
	}
}

TEST(live, a_booted_configuration_has_no_tokens_left)
{
	cleanup(zconf_freep) struct zconf *c = conf_of(
		"{\"version\":1,\"direct-boot\":{\"kernel\":\"/k/%{zonename}/100%%\"}}");
	const struct zres *boot = zconf_next(c, RES_DIRECT_BOOT, NULL);
	struct errmsg e = { "" };
	char *path;

	for (int i = 0; i < 2; i++) { /* also when it is done twice */
		T_OK(zconf_expand(c, &e));
		T_STREQ(zres_text(boot, PROP_KERNEL), "/k/db/100%%");
		path = zres_get(c, boot, PROP_KERNEL);
		T_STREQ(path, "/k/db/100%");
		free(path);
	}
}

TEST(cgroup, finding_survives_every_oom)
{
	int r = -ENOMEM;

	for (long n = 0; r == -ENOMEM; n++) {
		cleanup(freep) char *path = NULL;
		cleanup(freep) char *dir = NULL;

		fault_arm(n);
		r = cgroup_parse_self("0::/a/b/supervisor\n", &path, NULL);
		if (r == 0)
			r = cgroup_parse_mounts(V1 PART V2, path, &dir, NULL);
		fault_disarm();
		T_EQ(r, fault.fired ? -ENOMEM : 0);
		if (r == 0)
			T_STREQ(dir, "/mnt/with blank/b");
	}
}

TEST(live, expanding_survives_every_oom)
{
	int r = -ENOMEM;

	for (long n = 0; r == -ENOMEM; n++) {
		cleanup(zconf_freep) struct zconf *c =
			conf_of("{\"version\":1,\"direct-boot\":{\"kernel\":"
				"\"/k/%{zonename}\"},\"bootargs\":\"100%\"}");
		struct errmsg e = { "" };

		fault_arm(n);
		r = zconf_expand(c, &e);
		fault_disarm();
		T_EQ(r, fault.fired ? -ENOMEM : 0);
	}
}
