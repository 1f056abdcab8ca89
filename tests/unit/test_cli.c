// SPDX-License-Identifier: BSD-2-Clause
/*
 * test_cli.c - what the operators' programs are made of: options, FMRIs, columns, sizes
 */
#include "cli/columns.h"
#include "cli/fmri.h"
#include "cli/opts.h"
#include "cli/zoneadm/disk.h"
#include "cli/zoneadm/verbs.h"
#include "tests/harness/harness.h"

struct parsed {
	bool a, b;
	const char *o;
	struct errmsg e;
	int first;
};

/* Parses up to six words after the program's name. */
static struct parsed parse(char *const *words)
{
	static char name[] = "prog";
	struct parsed p = { 0 };
	const struct opt opts[] = {
		{ 'a', OPT_FLAG, &p.a, NULL, "" },
		{ 'b', OPT_FLAG, &p.b, NULL, "" },
		{ 'o', OPT_TEXT, &p.o, "x", "" },
	};
	char *argv[8] = { name };
	int argc = 1;

	for (; words[argc - 1]; argc++)
		argv[argc] = words[argc - 1];
	p.first = opts_parse(opts, ARRAY_SIZE(opts), argc, argv, &p.e);
	return p;
}

#define PARSE(...) parse((char *const[]){ __VA_ARGS__ __VA_OPT__(, ) NULL })

TEST(opts, flags_and_arguments)
{
	static char ab[] = "-ab", o[] = "-o", ox[] = "-ox", aox[] = "-aox", val[] = "val",
		    minus[] = "-", b[] = "-b";
	struct parsed p = PARSE(ab, o, val, minus, b);

	T_TRUE(p.a && p.b);
	T_STREQ(p.o, "val");
	T_EQ(p.first, 4);
	T_STREQ(PARSE(ox).o, "x");
	p = PARSE(aox, val);
	T_TRUE(p.a && !p.b);
	T_STREQ(p.o, "x");
	T_EQ(p.first, 2);
	p = PARSE(val, ab);
	T_EQ(p.first, 1);
	T_FALSE(p.a);
}

TEST(opts, two_dashes_end_them)
{
	static char dashes[] = "--", a[] = "-a";
	struct parsed p = PARSE(dashes, a);

	T_EQ(p.first, 2);
	T_FALSE(p.a);
}

TEST(opts, mistakes_and_help)
{
	static char o[] = "-o", z[] = "-z", h[] = "-h", ah[] = "-ah", q[] = "-?",
		    help[] = "--help", long_[] = "--all";
	struct parsed p = PARSE(o);

	T_EQ(p.first, -EINVAL);
	T_HAS(p.e.text, "requires an argument -- o");
	p = PARSE(z);
	T_EQ(p.first, -EINVAL);
	T_HAS(p.e.text, "illegal option -- z");
	T_EQ(PARSE(long_).first, -EINVAL);
	T_EQ(PARSE(h).first, -ECANCELED);
	T_EQ(PARSE(ah).first, -ECANCELED);
	T_EQ(PARSE(q).first, -ECANCELED);
	T_EQ(PARSE(help).first, -ECANCELED);
	T_EQ(parse((char *const[]){ NULL }).first, 1);
}

TEST(fmri, words_that_mean_an_instance)
{
	static const char fmri[] = "svc:/system/zones/zone:web";
	static const char *const yes[] = { fmri,
					   "web",
					   "zone:web",
					   "zones/zone:web",
					   "zones/zone",
					   "zone",
					   "system/zones/zone",
					   "svc:/system/zones/zone",
					   "*",
					   "w?b",
					   "svc:*",
					   "*zone:w*",
					   "/system/zones/zone:web" };
	static const char *const no[] = { "",    "eb",    "we",   "one:web",  "zone:",
					  "svc", "zones", "webx", "zone:web2" };

	for (unsigned i = 0; i < ARRAY_SIZE(yes); i++)
		if (!fmri_matches(yes[i], fmri))
			T_FAIL("%s does not match", yes[i]);
	for (unsigned i = 0; i < ARRAY_SIZE(no); i++)
		if (fmri_matches(no[i], fmri))
			T_FAIL("%s matches", no[i]);
}

TEST(columns, are_padded_and_trimmed)
{
	struct buf b = { 0 };

	columns_cell(&b, "x", 4);
	columns_cell(&b, "7", -3);
	columns_cell(&b, "overlong", 4);
	columns_cell(&b, "y", 5);
	T_STREQ(b.p, "x     7overlongy    ");
	columns_trim(&b);
	T_STREQ(b.p, "x     7overlongy");
	buf_consume(&b, b.len);
	columns_trim(&b);
	T_EQ(b.len, 0);
	buf_fini(&b);
}

TEST(size, units_and_limits)
{
	static const char *const bad[] = { "",
					   "g",
					   "-1g",
					   " 1g",
					   "1gb",
					   "1x",
					   "1 g",
					   "1024",
					   "1k",
					   "1m",
					   "99999999999999999999",
					   "9223372036854775808",
					   "17000000t" };
	uint64_t bytes = 0;
	struct errmsg e;

	T_OK(size_parse("16g", &bytes, &e));
	T_EQ(bytes, 16 * GIB);
	T_OK(size_parse("2048K", &bytes, &e));
	T_EQ(bytes, 2 * MIB);
	T_OK(size_parse("2097153", &bytes, &e));
	T_EQ(bytes, 2 * MIB + 1);
	T_OK(size_parse("1T", &bytes, &e));
	T_EQ(bytes, 1024 * GIB);
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
		if (size_parse(bad[i], &bytes, &e) != -EINVAL)
			T_FAIL("\"%s\" is a size", bad[i]);
	T_EQ(bytes, 1024 * GIB);
}

TEST(verbs, every_pair_is_legal_or_has_words)
{
	for (unsigned v = 0; v < VERB_N; v++) {
		unsigned legal = 0;

		for (unsigned s = 0; s < ZONE_STATE_N; s++) {
			struct buf b = { 0 };

			verb_refusal((enum verb)v, (enum zone_state)s, &b);
			T_EQ(b.len == 0, verb_is_legal((enum verb)v, (enum zone_state)s));
			legal += b.len == 0;
			buf_fini(&b);
		}
		T_TRUE(legal > 0 && legal < ZONE_STATE_N);
		T_NOT_NULL(verb_name((enum verb)v));
	}
}
