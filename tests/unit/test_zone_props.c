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
		T_EQ(d->kind == KIND_ENUM, d->words != NULL);
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

		if (!prop_defs[i].def)
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
			T_EQ(res_find(rows[i].name, &type, &e), -ENOTSUP);
		} else {
			T_OK(res_find(rows[i].res, &type, &e));
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

	T_EQ(res_find("disk", &type, &e), -ENOENT);
	T_STREQ(e.text,
		"\"disk\": no such resource type; there are: direct-boot, device, "
		"capped-memory, virtual-cpu, smf-dependency");
	T_EQ(prop_find(RES_CAPPED_MEMORY, "size", &prop, &e), -ENOENT);
	T_STREQ(e.text, "capped-memory: \"size\": no such property; there are: physical");
	T_EQ(res_find("\033[2J", &type, &e), -ENOENT);
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
	  "unknown kind of storage; allowed: file:PATH or dev:PATH" },
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
	{ PROP_DEP_FMRI, "svc:/a//b", NULL, "not an FMRI" },
	{ PROP_DEP_FMRI, "svc:/a:b:c", NULL, "not an FMRI" },
	{ PROP_DEP_FMRI, "svc:/a:", NULL, "not an FMRI" },
	{ PROP_DEP_FMRI, "svc:/a b", NULL, "not an FMRI" },
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
