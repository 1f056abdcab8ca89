// SPDX-License-Identifier: BSD-2-Clause
/*
 * test_zone_props.c - the property table is sound; every kind of value takes and refuses
 * what it should; names of states
 */
#include "common/zone/props.h"
#include "common/zone/states.h"
#include "tests/harness/harness.h"

#include <stdio.h>

TEST(table, every_row_is_whole)
{
	for (unsigned i = 0; i < PROP_N; i++) {
		const struct prop_def *d = prop_def((enum prop_id)i);

		T_NOT_NULL(d->name);
		T_TRUE(d->help && *d->help);
		T_TRUE(d->min <= d->max);
		T_TRUE((unsigned)d->kind < PROP_KIND_N);
		if (d->kind == KIND_ENUM || d->kind == KIND_WORDS)
			T_NOT_NULL(d->words);
		T_TRUE((unsigned)d->when < PROP_WHEN_N);
		T_TRUE(!(d->flags & PF_READONLY) || d->def);
		T_TRUE((d->kind != KIND_NUMBER && d->kind != KIND_SIZE) || d->max > 0);
		T_TRUE(prop_index((enum prop_id)i) < res_defs[d->res].n_props);
	}
}

TEST(table, properties_are_grouped_by_type_and_found_by_name)
{
	unsigned n = 0;

	for (unsigned t = 0; t < RES_TYPE_N; t++) {
		T_EQ(res_defs[t].first, n);
		for (unsigned i = 0; i < res_defs[t].n_props; i++, n++) {
			enum prop_id found = (enum prop_id)0;

			T_EQ(prop_defs[n].res, t);
			T_OK(prop_find((enum res_type)t, prop_defs[n].name, &found,
				       NULL));
			T_EQ(found, n);
		}
	}
	T_EQ(n, PROP_N);
}

TEST(table, a_default_is_a_good_value_in_its_canonical_form)
{
	for (unsigned i = 0; i < PROP_N; i++) {
		struct errmsg e = { "" };
		char *s = NULL;

		if (!prop_defs[i].def || (prop_defs[i].flags & PF_READONLY))
			continue;
		T_OK(prop_parse((enum prop_id)i, prop_defs[i].def, &s, &e));
		T_STREQ(s, prop_defs[i].def);
		free(s);
	}
}

TEST(table, what_is_unsupported_is_not_supported)
{
	static const struct {
		const char *res, *name;
	} rows[] = {
#define X(res, name, reason) { res, name },
		UNSUPPORTED(X)
#undef X
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		enum res_type type = RES_GLOBAL;
		enum prop_id prop;
		struct errmsg e = { "" };

		if (!rows[i].res) {
			T_EQ(res_find(RES_GLOBAL, rows[i].name, &type, &e), -ENOTSUP);
		} else {
			T_OK(res_find(RES_GLOBAL, rows[i].res, &type, &e));
			T_EQ(prop_find(type, rows[i].name, &prop, &e), -ENOTSUP);
		}
		T_HAS(e.text, rows[i].name);
	}
}

TEST(table, unknown_names_are_refused_with_what_there_is)
{
	struct errmsg e = { "" };
	enum res_type type;
	enum prop_id prop;

	T_EQ(res_find(RES_GLOBAL, "disk", &type, &e), -ENOENT);
	T_STREQ(e.text,
		"\"disk\": no such resource type; there are: direct-boot, anet, net, device, "
		"capped-memory, virtual-cpu, dedicated-cpu, capped-cpu, suspend, keysource, "
		"smf-dependency, attr, admin, rctl");
	T_EQ(res_find(RES_GLOBAL, "mac", &type, &e), -ENOENT);
	T_OK(res_find(RES_ANET, "mac", &type, &e));
	T_EQ(type, RES_ANET_MAC);
	T_EQ(res_find(RES_DEVICE, "mac", &type, &e), -ENOENT);
	T_STREQ(e.text, "\"mac\": no such resource type; there are: none");
	T_EQ(prop_find(RES_CAPPED_MEMORY, "size", &prop, &e), -ENOENT);
	T_STREQ(e.text, "capped-memory: \"size\": no such property; there are: "
			"physical, pagesize-policy, pagesize");
	T_EQ(res_find(RES_GLOBAL, "\033[2J", &type, &e), -ENOENT);
	T_HAS(e.text, "\"?[2J\": no such resource type");
}

/* A value and its canonical form, or NULL and a part of the text that refuses it. */
static const struct {
	enum prop_id prop;
	const char *text, *canonical, *error;
} values[] = {
	{ PROP_AUTOBOOT, "true", "true", NULL },
	{ PROP_AUTOBOOT, "false", "false", NULL },
	{ PROP_AUTOBOOT, "yes", NULL,
	  "global: autoboot: \"yes\": not a truth value; allowed: true or false" },
	{ PROP_AUTOBOOT, "", NULL, "allowed: true or false" },
	{ PROP_BOOT_PRIORITY, "low", "low", NULL },
	{ PROP_BOOT_PRIORITY, "lo", NULL, "allowed: high, normal or low" },
	{ PROP_BOOT_PRIORITY, "high|normal", NULL, "not one of the words" },
	{ PROP_BRAND, "lx", NULL, "allowed: solaris-kz" },
	{ PROP_NCPUS, "1", "1", NULL },
	{ PROP_NCPUS, "0064", "64", NULL },
	{ PROP_NCPUS, "0", NULL, "too small; allowed: 1 to 64" },
	{ PROP_NCPUS, "65", NULL,
	  "virtual-cpu: ncpus: \"65\": too large; allowed: 1 to 64" },
	{ PROP_NCPUS, "18446744073709551616", NULL, "too large" },
	{ PROP_NCPUS, "2x", NULL, "not a number" },
	{ PROP_NCPUS, "-1", NULL, "not a number" },
	{ PROP_NCPUS, " 2", NULL, "not a number" },
	{ PROP_NCPUS, "2K", NULL, "not a number" },
	{ PROP_PHYSICAL, "4096m", "4G", NULL },
	{ PROP_PHYSICAL, "1000M", "1000M", NULL },
	{ PROP_PHYSICAL, "2097152", "2M", NULL },
	{ PROP_PHYSICAL, "2097153", "4M", NULL },
	{ PROP_PHYSICAL, "1t", "1T", NULL },
	{ PROP_PHYSICAL, "1M", NULL, "too small; allowed: 2M to 1T" },
	{ PROP_PHYSICAL, "2T", NULL, "too large" },
	{ PROP_PHYSICAL, "99999999999T", NULL, "too large" },
	{ PROP_PHYSICAL, "4GB", NULL, "not a size" },
	{ PROP_PHYSICAL, "G", NULL, "not a size" },
	{ PROP_PHYSICAL, "4 G", NULL, "not a size" },
	{ PROP_PHYSICAL, "1.5G", NULL, "not a size" },
	{ PROP_KERNEL, "/boot/vmlinuz", "/boot/vmlinuz", NULL },
	{ PROP_KERNEL, "/x/%{zonename}/%%", "/x/%{zonename}/%%", NULL },
	{ PROP_KERNEL, "boot/vmlinuz", NULL, "not an absolute path" },
	{ PROP_KERNEL, "", NULL, "not an absolute path" },
	{ PROP_KERNEL, "/%{id}", NULL,
	  "unknown token at \"%{id}\"; allowed: %{zonename}, %%" },
	{ PROP_KERNEL, "/100%", NULL, "unknown token" },
	{ PROP_STORAGE, "file:/a", "file:/a", NULL },
	{ PROP_STORAGE, "file:///a//b", "file:/a//b", NULL },
	{ PROP_STORAGE, "dev:/dev/vg/%{zonename}%{id}", "dev:/dev/vg/%{zonename}%{id}",
	  NULL },
	{ PROP_STORAGE, "/a", NULL,
	  "the kind of storage is missing; allowed: file:PATH or dev:PATH" },
	{ PROP_STORAGE, "nfs://h/a", NULL, "unknown kind of storage" },
	{ PROP_STORAGE, "file:a", NULL, "not an absolute path" },
	{ PROP_BOOTARGS, "", "", NULL },
	{ PROP_BOOTARGS, "a %{x} =b", "a %{x} =b", NULL },
	{ PROP_BOOTARGS, "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f", NULL },
	{ PROP_BOOTARGS, "a\nb", NULL, "control characters" },
	{ PROP_BOOTARGS, "\xff", NULL, "\"?\": control characters or invalid UTF-8" },
	{ PROP_DEP_NAME, "", NULL, "too short" },
	{ PROP_DEP_FMRI, "svc:/system/zones/zone:db-1.x", "svc:/system/zones/zone:db-1.x",
	  NULL },
	{ PROP_DEP_FMRI, "svc:/network/ssh", "svc:/network/ssh", NULL },
	{ PROP_DEP_FMRI, "network/ssh", NULL, "not an FMRI; allowed: a service's FMRI" },
	{ PROP_DEP_FMRI, "svc:/", NULL, "not an FMRI" },
	{ PROP_DEP_FMRI, UNIT_FMRI_PREFIX "ssh.service", UNIT_FMRI_PREFIX "ssh.service",
	  NULL },
	{ PROP_DEP_FMRI, UNIT_FMRI_PREFIX "dev-disk-by\\x2dpath-pci\\x2d0000:00.device",
	  UNIT_FMRI_PREFIX "dev-disk-by\\x2dpath-pci\\x2d0000:00.device", NULL },
	{ PROP_DEP_FMRI, UNIT_FMRI_PREFIX "-.mount", UNIT_FMRI_PREFIX "-.mount", NULL },
	{ PROP_DEP_FMRI, UNIT_FMRI_PREFIX "pg@15-a.service",
	  UNIT_FMRI_PREFIX "pg@15-a.service", NULL },
	{ PROP_DEP_FMRI, UNIT_FMRI_PREFIX "ssh", NULL, "not a unit of systemd" },
	{ PROP_DEP_FMRI, UNIT_FMRI_PREFIX ".service", NULL, "not a unit of systemd" },
	{ PROP_DEP_FMRI, UNIT_FMRI_PREFIX, NULL, "not a unit of systemd" },
	{ PROP_DEP_FMRI, UNIT_FMRI_PREFIX "a b.service", NULL, "escaped" },
	{ PROP_DEP_FMRI, UNIT_FMRI_PREFIX "a/b.service", NULL, "escaped" },
	{ PROP_DEP_FMRI, UNIT_FMRI_PREFIX "pg@.service", NULL, "a template" },
	{ PROP_DEP_FMRI, "svc:/a//b", NULL, "not an FMRI" },
	{ PROP_DEP_FMRI, "svc:/a:b:c", NULL, "not an FMRI" },
	{ PROP_DEP_FMRI, "svc:/a:", NULL, "not an FMRI" },
	{ PROP_DEP_FMRI, "svc:/a b", NULL, "not an FMRI" },
	{ PROP_ZONEPATH, "/x", NULL, "global: zonepath: it cannot be set" },
	{ PROP_IP_TYPE, "shared", NULL, "not one of the words; allowed: exclusive" },
	{ PROP_HOSTID, "0x2E7d21", "0x002e7d21", NULL },
	{ PROP_HOSTID, "0x0", NULL, "not such a number" },
	{ PROP_HOSTID, "0x123456789", NULL, "too large" },
	{ PROP_HOSTID, "12345678", NULL, "allowed: 0x and 8 hexadecimal digits" },
	{ PROP_CPU_SHARES, "65536", NULL, "too large; allowed: 1 to 65535" },
	{ PROP_TENANT, "acme-1", "acme-1", NULL },
	{ PROP_TENANT, "-x", NULL, "it has to begin with a letter or digit" },
	{ PROP_TENANT, "a b", NULL, "a character that is not allowed" },
	{ PROP_GOALS, "agent", "agent", NULL },
	{ PROP_GOALS, "console:login: ", "console:login: ", NULL },
	{ PROP_GOALS, "console:", NULL, "too short" },
	{ PROP_GOALS, "later", NULL, "allowed: agent, port, console:PATTERN or none" },
	{ PROP_LOWER_LINK, "net%{id}", "net%{id}", NULL },
	{ PROP_LOWER_LINK, "net/0", NULL, "not allowed; allowed: 1 to 15 letters" },
	{ PROP_LOWER_LINK, "abcdefghijklmnop", NULL, "too long" },
	{ PROP_ANET_ADDRESS, "10.0.0.1/24,FE80:0::1", "10.0.0.1/24,fe80::1", NULL },
	{ PROP_ANET_ADDRESS, "10.0.0.1,10.0.0.1", NULL, "an address is doubled" },
	{ PROP_ANET_ADDRESS, "10.0.0.1/33", NULL, "not the length of a prefix" },
	{ PROP_ANET_ADDRESS, "10.0.0.1/", NULL, "not the length of a prefix" },
	{ PROP_ANET_ADDRESS, "10.0.0", NULL, "not an IP address" },
	{ PROP_ANET_ADDRESS, "", NULL, "not an IP address" },
	{ PROP_ANET_ADDRESS, "10.0.0.1,", NULL, "not an IP address" },
	{ PROP_LINK_PROTECTION, "restricted,ip-nospoof", "restricted,ip-nospoof", NULL },
	{ PROP_LINK_PROTECTION, "none,none", NULL, "a word is doubled" },
	{ PROP_LINK_PROTECTION, "none,", NULL, "a word is missing" },
	{ PROP_LINK_PROTECTION, "nospoof", NULL, "allowed: a list of mac-nospoof, " },
	{ PROP_ANET_MAC_ADDRESS, "auto", "auto", NULL },
	{ PROP_ANET_MAC_ADDRESS, "2:8:20:A:bC:0", "02:08:20:0a:bc:00", NULL },
	{ PROP_ANET_MAC_ADDRESS, "random", NULL, "allowed: auto, or the MAC address" },
	{ PROP_ANET_MAC_ADDRESS, "3:8:20:a:b:c", NULL,
	  "not the MAC address of a station" },
	{ PROP_ANET_MAC_ADDRESS, "0:0:0:0:0:0", NULL,
	  "not the MAC address of a station" },
	{ PROP_ANET_MAC_ADDRESS, "2:8:20:a:b", NULL, "not the MAC address of a station" },
	{ PROP_ANET_MAC_ADDRESS, "2:8:20:a:b:c:d", NULL, "not the MAC address" },
	{ PROP_ANET_MAC_ADDRESS, "2:8:20:a:b:100", NULL, "not the MAC address" },
	{ PROP_ANET_AUTO_MAC, "auto", NULL, "not the MAC address of a station" },
	{ PROP_VLAN_ID, "4095", NULL, "too large; allowed: 1 to 4094" },
	{ PROP_MTU, "67", NULL, "too small; allowed: 68 to 65535" },
	{ PROP_MAXBW, "1000", NULL, "too small; allowed: 1K to 1T" },
	{ PROP_MATCH, "/dev/disk/by-id/x%{id}", "/dev/disk/by-id/x%{id}", NULL },
	{ PROP_MATCH, "dev:/dev/x", NULL, "not an absolute path" },
	{ PROP_DEDICATED_NCPUS, "2-4", "2-4", NULL },
	{ PROP_DEDICATED_NCPUS, "4-4", "4", NULL },
	{ PROP_DEDICATED_NCPUS, "4-2", NULL, "the range ends before it begins" },
	{ PROP_DEDICATED_NCPUS, "0", NULL, "too small" },
	{ PROP_DEDICATED_NCPUS, "2-", NULL, "not a number or range" },
	{ PROP_DEDICATED_CPUS, "8,0-2,3,1", "0-3,8", NULL },
	{ PROP_DEDICATED_CPUS, "0-4095", "0-4095", NULL },
	{ PROP_DEDICATED_CPUS, "4096", NULL, "too large" },
	{ PROP_DEDICATED_CPUS, "1,", NULL, "not a list of numbers and ranges" },
	{ PROP_DEDICATED_CPUS, "1;2", NULL, "not a list" },
	{ PROP_CAPPED_NCPUS, "1.50", "1.5", NULL },
	{ PROP_CAPPED_NCPUS, "0.05", "0.05", NULL },
	{ PROP_CAPPED_NCPUS, "2", "2", NULL },
	{ PROP_CAPPED_NCPUS, "0", NULL, "too small; allowed: 0.01 to 1024" },
	{ PROP_CAPPED_NCPUS, "1.", NULL, "not such a number" },
	{ PROP_CAPPED_NCPUS, "1.505", NULL, "not such a number" },
	{ PROP_KEY_RAW, "00112233445566778899AABBCCDDEEFF",
	  "00112233445566778899aabbccddeeff", NULL },
	{ PROP_KEY_RAW, "00112233445566778899aabbccddeef", NULL,
	  "keysource: raw: not a key; allowed: 32 hexadecimal digits" },
	{ PROP_ADMIN_USER, "root", "root", NULL },
	{ PROP_ADMIN_AUTHS, "login,fly", NULL, "allowed: a list of login, manage" },
	{ PROP_ATTR_TYPE, "list", NULL, "allowed: string, int, uint or boolean" },
	{ PROP_RCTL_NAME, "zone.max-lwps", NULL, "zone.cpu-cap or zone.cpu-shares" },
	{ PROP_RCTL_VALUE, "(priv=privileged,limit=20,action=none)",
	  "(priv=privileged,limit=20,action=none)", NULL },
	{ PROP_RCTL_VALUE, "(priv=privileged,limit=0,action=none)", NULL, "too small" },
	{ PROP_RCTL_VALUE, "(priv=basic,limit=2,action=none)", NULL, "not such a value" },
	{ PROP_RCTL_VALUE, "20", NULL, "allowed: (priv=privileged,limit=NUMBER,action" },
};

TEST(values, are_taken_in_canonical_form_or_refused_with_what_is_allowed)
{
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		struct errmsg e = { "" };
		char *s = NULL;
		int r = prop_parse(values[i].prop, values[i].text, &s, &e);

		T_EQ(r, values[i].canonical ? 0 : -EINVAL);
		if (r == 0)
			T_STREQ(s, values[i].canonical);
		else
			T_HAS(e.text, values[i].error);
		free(s);
	}
}

TEST(values, every_kind_is_tried)
{
	for (unsigned k = 0; k < PROP_KIND_N; k++) {
		unsigned good = 0, bad = 0;

		for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
			if (prop_def(values[i].prop)->kind != k)
				continue;
			good += values[i].canonical != NULL;
			bad += values[i].error != NULL;
		}
		T_TRUE(good && bad);
	}
}

/* Two values for each kind that no property of the kind takes; NULL: see out_of_range().
 */
static const char *const never[PROP_KIND_N][2] = {
	[KIND_TEXT] = { "\x01", "\xff" },
	[KIND_NAME] = { "a/b", "-a" },
	[KIND_BOOL] = { "maybe", "1" },
	[KIND_NUMBER] = { "many", "1.5" },
	[KIND_DECIMAL] = { "few", "1.234" },
	[KIND_RANGE] = { "4-2", "1-2-3" },
	[KIND_CPUS] = { "3-1", "a" },
	[KIND_SIZE] = { "lots", "1.5G" },
	[KIND_ENUM] = { "nonsense", "0" },
	[KIND_WORDS] = { "nonsense", "a,b" },
	[KIND_PATH] = { "relative", "~/x" },
	[KIND_STORAGE] = { "lvm:vg/lv", "/no/scheme" },
	[KIND_FMRI] = { "db", "svc:" },
	[KIND_HEX] = { "0x00000000", "12345678901" },
	[KIND_MAC] = { "ff:ff:ff:ff:ff:ff", "1:2:3" },
	[KIND_ADDRS] = { "10.0.0", "10.0.0.1/33" },
	[KIND_GOALS] = { "soon", "console:" },
	[KIND_KEY] = { "0123", "0123456789abcdef0123456789abcdeg" },
	[KIND_RCTL] = { "5", "(priv=basic,limit=5,action=none)" },
};

/* A value just beyond a property's limit. false: its kind has no such limit. */
static bool out_of_range(const struct prop_def *d, bool low, char *out, size_t size)
{
	unsigned long long min = d->min, max = d->max;

	switch (d->kind) {
	case KIND_NUMBER:
	case KIND_RANGE:
		if (low && min)
			snprintf(out, size, "%llu", min - 1);
		else
			snprintf(out, size, low ? "-1" : "%llu", max + 1);
		return true;
	case KIND_CPUS:
		snprintf(out, size, low ? "-1" : "0-%llu", max + 1);
		return true;
	case KIND_DECIMAL:
		snprintf(out, size, low ? "0" : "%llu.01", max / 100);
		return true;
	case KIND_SIZE:
		snprintf(out, size, low ? "0" : "%llu", max + 1);
		return true;
	case KIND_RCTL:
		snprintf(out, size, "(priv=privileged,limit=%llu,action=none)",
			 low ? 0 : max + 1);
		return true;
	case KIND_TEXT:
	case KIND_NAME:
		if (low && !min)
			return false;
		ASSERT(max + 1 < size);
		memset(out, 'x', max + 1);
		out[low ? min - 1 : max + 1] = '\0';
		return true;
	default:
		return false;
	}
}

/* The text names resource, property, value (not a key's, and not all of a long one) and
 * what is allowed. */
static void check_refused(enum prop_id prop, const char *text)
{
	const struct prop_def *d = prop_def(prop);
	char head[64], allowed[240], value[80];
	struct errmsg e = { "" };
	char *s = NULL;

	snprintf(head, sizeof(head), "%s: %s: ", res_defs[d->res].name, d->name);
	if (prop_parse(prop, text, &s, &e) != -EINVAL)
		T_FAIL("%s\"%s\" is taken", head, text);
	if (strncmp(e.text, head, strlen(head)) != 0)
		T_FAIL("%s%s", head, e.text);
	if (d->kind == KIND_KEY)
		T_TRUE(strstr(e.text, text) == NULL);
	snprintf(value, sizeof(value), "\"%.64s", text);
	if (d->kind != KIND_KEY && text[0] > ' ')
		T_HAS(e.text, value);
	prop_allowed(prop, allowed, sizeof(allowed));
	T_HAS(e.text, "allowed: ");
	T_HAS(e.text, allowed);
}

TEST(values, every_property_refuses_what_is_out_of_range_or_of_another_type)
{
	char text[2048];

	for (unsigned i = 0; i < PROP_N; i++) {
		const struct prop_def *d = prop_def((enum prop_id)i);

		if (d->flags & PF_READONLY)
			continue;
		for (unsigned n = 0; n < 2; n++) {
			T_TRUE(never[d->kind][n]);
			check_refused((enum prop_id)i, never[d->kind][n]);
			if (out_of_range(d, n == 0, text, sizeof(text)))
				check_refused((enum prop_id)i, text);
		}
	}
}

TEST(values, a_long_text_is_refused)
{
	char text[1026];
	struct errmsg e = { "" };
	char *s = NULL;

	memset(text, 'x', sizeof(text));
	text[1025] = '\0';
	T_EQ(prop_parse(PROP_BOOTARGS, text, &s, &e), -EINVAL);
	T_HAS(e.text, "too long; allowed: 0 to 1024 bytes");
	text[1024] = '\0';
	T_OK(prop_parse(PROP_BOOTARGS, text, &s, &e));
	free(s);
}

TEST(values, survive_every_oom)
{
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		int r = -ENOMEM;
		char *s = NULL;

		for (long n = 0; r == -ENOMEM; n++) {
			fault_arm(n);
			r = prop_parse(values[i].prop, values[i].text, &s, NULL);
			/* of a bad value either may be said */
			T_TRUE(r != -ENOMEM || fault.fired);
			T_TRUE(r != 0 || !fault.fired);
			T_EQ(fault.live, r == 0 ? 1 : 0);
		}
		fault_disarm();
		free(s);
	}
}

TEST(states, names_go_both_ways)
{
	for (unsigned i = 0; i < ZONE_STATE_N; i++) {
		enum zone_state s = ZONE_STATE_N;

		T_TRUE(zone_state_find(zone_state_name((enum zone_state)i), &s));
		T_EQ(s, i);
	}
	for (unsigned i = 0; i < AUX_N; i++) {
		enum zone_aux a = AUX_N;

		T_TRUE(zone_aux_find(zone_aux_name((enum zone_aux)i), &a));
		T_EQ(a, i);
	}
	T_FALSE(zone_state_find("mounted", &(enum zone_state){ ZONE_DOWN }));
	T_FALSE(zone_aux_find("", &(enum zone_aux){ AUX_PANICKED }));
}
