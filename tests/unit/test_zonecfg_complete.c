// SPDX-License-Identifier: BSD-2-Clause
/*
 * test_zonecfg_complete.c - what Tab offers at every place of a line
 */
#include "cli/zonecfg_complete.h"
#include "common/zone/templates.h"
#include "tests/harness/harness.h"

#include <stdio.h>

static int w_load(void *ctx, struct zconf **ret_conf, struct errmsg *e)
{
	return errmsg_set(e, -ENOENT, "nothing stored");
}

static int w_template(void *ctx, const char *name, struct zconf **ret_conf,
		      struct errmsg *e)
{
	return zconf_parse("db", zone_templates[0].json, strlen(zone_templates[0].json),
			   name, ret_conf, e);
}

static int w_lock(void *ctx, struct errmsg *e)
{
	return 0;
}

static const struct zcfg_ops ops = { .load = w_load,
				     .template = w_template,
				     .lock = w_lock };

/* A session that has seen these commands. */
static void begin(struct zcfg *s, const char *commands)
{
	struct errmsg e = { "" };

	T_OK(zcfg_init(s, &ops, NULL, "db", true, &e));
	T_OK(zcfg_line(s, commands, &e));
}

/* The candidates between '|'. */
static void list(const struct zcfg *s, const char *line, size_t cursor, struct buf *out)
{
	cleanup(zcfg_candidates_fini) struct zcfg_candidates c = { 0 };

	T_OK(zcfg_complete(s, line, cursor, &c));
	buf_adds(out, "");
	for (unsigned i = 0; i < c.n; i++) {
		T_TRUE(c.stem <= strlen(c.text[i]));
		T_MEMEQ(c.text[i], line + cursor - c.stem, c.stem);
		buf_addf(out, "%s%s", i ? "|" : "", c.text[i]);
	}
}

#define TWO_DISKS \
	"create -b; set boot-priority=high; add device; end; add device; set id=7;" \
	"set storage=file:/srv/a; end; add virtual-cpu; set ncpus=2; end"

static const struct {
	const char *before, *line, *offers;
} cases[] = {
	/* subcommands, by scope */
	{ "create", "cre", "create " },
	{ "create", "re", "remove |revert " },
	{ "create", "  c", "clear |commit |create " },
	{ "create; add device", "c", "cancel |clear " },
	{ "create", "xyz", "" },
	{ "create", "info; se", "select |set " },
	/* options and what they take */
	{ "create", "create -", "-F |-a |-b |-t " },
	{ "create", "create -F -", "-F |-a |-b |-t " },
	{ "create", "create -t SYSsolaris-kz-", "SYSsolaris-kz-minimal " },
	{ "create", "export -f /et", "" },
	{ "create", "verify -", "" },
	/* types: that can be added, that are there */
	{ TWO_DISKS, "add virtual", "" },
	{ TWO_DISKS, "add de", "dedicated-cpu |device " },
	{ TWO_DISKS, "select ", "device |virtual-cpu " },
	{ TWO_DISKS, "remove -F d", "device " },
	{ TWO_DISKS, "info device ", "bootpri=|id=|match=|storage=" },
	{ TWO_DISKS, "info boot", "boot-priority |bootargs " },
	/* properties of the scope */
	{ "create", "set boot", "boot-priority=|bootargs=" },
	{ "create", "clear auto", "autoboot |autoshutdown " },
	{ "create -b; add virtual-cpu", "set ", "ncpus=" },
	{ "create", "add device; set ", "bootpri=|id=|match=|storage=" },
	/* resources inside one, and lists */
	{ "create", "add mac", "" },
	{ "create; add anet", "add ",
	  "allowed-address |defrouter |link-protection |mac " },
	{ "create; add anet", "select ", "" },
	{ "create; add anet; add mac; end", "select m", "mac " },
	{ "create; add anet; add mac", "set ", "auto-mac-address=|mac-address=" },
	{ "create; add anet; add mac", "end; set m", "mac-address=|maxbw=|mtu=" },
	{ "create", "add anet; add mac; set mac-address=", "auto" },
	{ "create; add admin", "add auths l", "liveconfig|login" },
	{ "create; add device", "cancel; set boot", "boot-priority=|bootargs=" },
	{ "create", "set autoboot=true ", "" },
	/* values */
	{ "create", "set autoboot=", "false|true" },
	{ "create", "set autoboot = t", "true" },
	{ "create", "set boot-priority=", "high|low|normal" },
	{ "create", "set on-panic=h", "halt|hold" },
	{ "create", "set bootargs=", "" },
	{ "create; add smf-dependency", "set grouping=require_a",
	  "require_all|require_any" },
	/* of resources that are there */
	{ TWO_DISKS, "select device id=", "0|7" },
	{ TWO_DISKS, "remove device id=7 storage=", "file:/srv/a" },
	{ TWO_DISKS, "select virtual-cpu ncpus=", "2" },
	{ TWO_DISKS, "select device id", "id=" },
	/* help */
	{ "create", "help se", "select |set " },
	{ "create", "help nc", "ncpus " },
	{ "create", "help mac", "mac |mac-address " },
	{ "create", "help dev", "device " },
	/* nothing in comments and quotes */
	{ "create", "# set ", "" },
	{ "create", "set #", "" },
	{ "create", "set \"auto", "" },
	{ "create", "set \"autob\"", "" },
	{ "create", "set autoboot='", "" },
	{ "create", "nonsense ", "" },
	{ "create", "set \xff", "" },
	{ "create", "=", "" },
	{ "create", "select nonsense x=", "" },
	{ "create", "remove -F = ", "" },
};

TEST(complete, offers_what_can_stand_at_the_cursor)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct buf out = { 0 };
		struct zcfg s;

		begin(&s, cases[i].before);
		list(&s, cases[i].line, strlen(cases[i].line), &out);
		if (strcmp(out.p, cases[i].offers) != 0)
			T_FAIL("\"%s\" offers \"%s\", not \"%s\"", cases[i].line, out.p,
			       cases[i].offers);
		buf_fini(&out);
		zcfg_fini(&s);
	}
}

TEST(complete, looks_at_nothing_behind_the_cursor)
{
	struct buf out = { 0 };
	struct zcfg s;

	begin(&s, "create");
	list(&s, "set autob=x; add", 9, &out);
	T_STREQ(out.p, "autoboot=");
	buf_fini(&out);
	zcfg_fini(&s);
}

/* Every subcommand, every property of every scope, every word of every enumeration. */
TEST(complete, knows_all_that_the_tables_know)
{
	static const char *const commands[] = {
#define X(id, name, where, syntax, help) name,
		ZCFG_COMMANDS(X)
#undef X
	};
	char line[200], offered[200];
	struct zcfg s;

	begin(&s, "create -b");
	for (unsigned i = 0; i < ARRAY_SIZE(commands); i++) {
		struct buf out = { 0 };

		snprintf(line, sizeof(line), "help %s", commands[i]);
		list(&s, line, strlen(line), &out);
		T_HAS(out.p, commands[i]);
		buf_fini(&out);
	}
	for (unsigned i = 0; i < PROP_N; i++) {
		const struct prop_def *d = prop_def((enum prop_id)i);
		struct buf out = { 0 };

		snprintf(line, sizeof(line), "help %s", d->name);
		snprintf(offered, sizeof(offered), "%s ", d->name);
		list(&s, line, strlen(line), &out);
		T_HAS(out.p, offered);
		buf_fini(&out);
	}
	zcfg_fini(&s);
}

TEST(complete, survives_any_line_and_any_cursor)
{
	static const char *const words[] = { "set ",  "add ",  "select ", "device ",
					     "id",    "=",     " ",       "autoboot",
					     "-F ",   "-t ",   ";",       "\"",
					     "help ", "end; ", "#",       "create " };
	unsigned seed = 4711;
	struct zcfg s;

	begin(&s, TWO_DISKS);
	for (int n = 0; n < 3000; n++) {
		struct zcfg_candidates c = { 0 };
		char line[256] = "";

		for (int k = 0; k < 8; k++)
			strcat(line, words[rand_r(&seed) % ARRAY_SIZE(words)]);
		T_OK(zcfg_complete(&s, line, (size_t)rand_r(&seed) % (strlen(line) + 1),
				   &c));
		zcfg_candidates_fini(&c);
	}
	zcfg_fini(&s);
}

TEST(complete, survives_every_oom)
{
	int r = -ENOMEM;
	struct zcfg s;

	begin(&s, TWO_DISKS);
	for (long n = 0; r == -ENOMEM; n++) {
		struct zcfg_candidates c = { 0 };

		fault_arm(n);
		r = zcfg_complete(&s, "add device; set bootpri=1; set s", 32, &c);
		T_EQ(r, fault.fired ? -ENOMEM : 0);
		T_EQ(fault.live == 0, r != 0);
		zcfg_candidates_fini(&c);
		fault_disarm();
	}
	zcfg_fini(&s);
}

TEST(complete, what_all_have_in_common)
{
	char a[] = "autoboot=", b[] = "autoshutdown=";
	char *two[] = { a, b };
	struct zcfg_candidates c = { .text = two, .n = 2 };

	T_EQ(zcfg_candidates_common(&c), 4);
	c.n = 1;
	T_EQ(zcfg_candidates_common(&c), 9);
	c.n = 0;
	T_EQ(zcfg_candidates_common(&c), 0);
}
