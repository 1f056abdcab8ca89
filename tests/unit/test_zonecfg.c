// SPDX-License-Identifier: BSD-2-Clause
/*
 * test_zonecfg.c - zonecfg's command language on a world in memory
 */
#include "cli/zonecfg_cmd.h"
#include "cli/zonecfg_lex.h"
#include "common/zone/templates.h"
#include "tests/harness/harness.h"

#include <stdio.h>

/* What the session sees of the world; nothing outside memory. */
struct world {
	struct zconf *stored; /* owned */
	const char *state;    /* NULL: may be removed */
	const char *held_by;
	const char *verify_error;
	int answer; /* to questions */
	unsigned n_saved, n_removed, n_locked, n_asked;
	char written[4096]; /* by export -f */
};

static int w_load(void *ctx, struct zconf **ret_conf, struct errmsg *e)
{
	struct world *w = ctx;

	if (!w->stored)
		return errmsg_set(e, -ENOENT, "nothing stored");
	return zconf_copy(w->stored, w->stored->name, ret_conf, e);
}

static int w_template(void *ctx, const char *name, struct zconf **ret_conf,
		      struct errmsg *e)
{
	for (unsigned i = 0; i < zone_templates_n; i++)
		if (strcmp(zone_templates[i].name, name) == 0)
			return zconf_parse("db", zone_templates[i].json,
					   strlen(zone_templates[i].json), name, ret_conf,
					   e);
	return errmsg_set(e, -ENOENT, "%s: no such template", name);
}

static int w_verify(void *ctx, const struct zconf *c, struct errmsg *e)
{
	struct world *w = ctx;

	return w->verify_error ? errmsg_set(e, -EINVAL, "%s", w->verify_error) : 0;
}

static int w_lock(void *ctx, struct errmsg *e)
{
	struct world *w = ctx;

	w->n_locked++;
	return w->held_by ? errmsg_set(e, -EBUSY, "held by %s", w->held_by) : 0;
}

static int w_may_remove(void *ctx, struct errmsg *e)
{
	struct world *w = ctx;

	return w->state ? errmsg_set(e, -EBUSY, "the zone is %s", w->state) : 0;
}

static int w_save(void *ctx, const struct zconf *c, struct errmsg *e)
{
	struct world *w = ctx;
	struct zconf *copy = NULL;
	int r = zconf_copy(c, c->name, &copy, e);

	if (r < 0)
		return r;
	zconf_free(w->stored);
	w->stored = copy;
	w->n_saved++;
	return 0;
}

static int w_remove(void *ctx, struct errmsg *e)
{
	struct world *w = ctx;

	zconf_free(w->stored);
	w->stored = NULL;
	w->n_removed++;
	return 0;
}

static int w_ask(void *ctx, const char *question)
{
	struct world *w = ctx;

	w->n_asked++;
	return w->answer;
}

static int w_write_file(void *ctx, const char *path, const char *text, struct errmsg *e)
{
	struct world *w = ctx;

	snprintf(w->written, sizeof(w->written), "%s: %s", path, text);
	return 0;
}

static const struct zcfg_ops ops = { w_load,   w_template,   w_verify,
				     w_lock,   w_may_remove, w_save,
				     w_remove, w_ask,        w_write_file };

static void world_fini(struct world *w)
{
	zconf_free(w->stored);
	w->stored = NULL;
}

/* Runs a text as `zonecfg -f` would; 0 or the first error. */
static int run(struct world *w, const char *text, struct buf *out, unsigned *ret_line,
	       struct errmsg *e)
{
	char line[2048];
	unsigned n = 0;
	struct zcfg s;
	int r = zcfg_init(&s, &ops, w, "db", false, e);

	while (r == 0 && !s.done && *text) {
		size_t len = strcspn(text, "\n");

		ASSERT(len < sizeof(line));
		memcpy(line, text, len);
		line[len] = '\0';
		text += len + (text[len] == '\n');
		n++;
		r = zcfg_line(&s, line, e);
	}
	if (r == 0)
		r = zcfg_finish(&s, e);
	if (out && s.out.p)
		buf_adds(out, s.out.p);
	if (ret_line)
		*ret_line = n;
	zcfg_fini(&s);
	return r;
}

TEST(lex, words_quotes_and_comments)
{
	static const struct {
		const char *line;
		const char *words; /* separated by '|', '=' shown as <=> */
	} cases[] = {
		{ "create", "create" },
		{ "  create\t-b \r\n", "create|-b" },
		{ "set a=b", "set|a|<=>|b" },
		{ "set a = b", "set|a|<=>|b" },
		{ "set a=b=c", "set|a|<=>|b=c" },
		{ "set a==c", "set|a|<=>|=c" },
		{ "set a=", "set|a|<=>" },
		{ "set a=\"\"", "set|a|<=>|" },
		{ "set a=\"b c\"d", "set|a|<=>|b cd" },
		{ "set a=\"b\\\"c\\\\d\\n\"", "set|a|<=>|b\"c\\d\\n" },
		{ "set a='b\\\"c;#'", "set|a|<=>|b\\\"c;#" },
		{ "set \"a=b\"", "set|a=b" },
		{ "# nothing", "" },
		{ "add x # rest; of it", "add|x" },
		{ "add x#y", "add|x#y" },
		{ "select d i=1 j=2", "select|d|i|<=>|1|j|<=>|2" },
		{ ";;", "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *p = cases[i].line;
		struct buf b = { 0 };
		struct errmsg e = { "" };
		struct zlex_cmd c;

		T_EQ(zlex_next(&p, &c, &e), 1);
		buf_adds(&b, "");
		for (unsigned k = 0; k < c.n; k++)
			buf_addf(&b, "%s%s", k ? "|" : "",
				 c.word[k].equals ? "<=>" : c.word[k].text);
		T_STREQ(b.p, cases[i].words);
		buf_fini(&b);
		zlex_cmd_fini(&c);
	}
}

TEST(lex, bad_lines_are_refused)
{
	static const struct {
		const char *line, *error;
	} cases[] = {
		{ "set a=\"b", "a quote (\") is not ended" },
		{ "set a='b", "a quote (') is not ended" },
		{ "set a=\x1b[2J", "control characters or invalid UTF-8" },
		{ "set a=\xff", "control characters or invalid UTF-8" },
	};
	struct buf b = { 0 };
	struct errmsg e = { "" };
	struct zlex_cmd c;
	const char *p;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		p = cases[i].line;
		T_EQ(zlex_next(&p, &c, &e), -EINVAL);
		T_STREQ(e.text, cases[i].error);
	}
	for (int i = 0; i < 65; i++)
		buf_adds(&b, "w ");
	p = b.p;
	T_EQ(zlex_next(&p, &c, &e), -EINVAL);
	T_STREQ(e.text, "more than 64 words");
	buf_fini(&b);
}

/* Scripts, and the exact text of info and export after each. */
static const struct {
	const char *name, *script;
} zones[] = {
	{ "default", "create" },
	{ "blank", "create -b" },
	{ "minimal", "create -t SYSsolaris-kz-minimal; set autoboot=true" },
	{ "dependent", "create; add smf-dependency; set name=db\n"
		       "set fmri=svc:/system/zones/zone:store; end\n"
		       "add smf-dependency; set fmri=svc:/network/ssh:default\n"
		       "set grouping=optional_all; end" },
	{ "direct",
	  "create -b; add direct-boot; set kernel=/boot/vmlinuz; set initrd=/boot/initrd\n"
	  "end; set bootargs=\"console=ttyS0 quiet\"" },
	{ "disks",
	  "create; add device; set storage=file:/srv/%{zonename}/%{id}.img; end\n"
	  "add device; set storage=dev:/dev/vg0/%{zonename}; set id=7; set bootpri=1\n"
	  "end; select device id=0; clear bootpri; end" },
	{ "policies",
	  "create; set boot-priority=high; set autoshutdown=halt; set on-panic=restart\n"
	  "set shutdown-timeout=120; clear autoboot" },
	{ "odd-text",
	  "create -b; set bootargs='\\ \"q\" #;=\xc3\xa9'; add capped-memory\n"
	  "set physical=2097153; end; add virtual-cpu; set ncpus=064; end" },
	{ "empty-text", "create -b; set bootargs=" },
};

TEST(print, info_and_export_are_exact_and_export_makes_the_same_zone)
{
	for (size_t i = 0; i < ARRAY_SIZE(zones); i++) {
		struct world w = { 0 }, again = { 0 };
		struct buf out = { 0 }, text = { 0 };
		struct errmsg e = { "" };
		char name[64];

		T_OK(run(&w, zones[i].script, NULL, NULL, &e));
		T_EQ(w.n_saved, 1);
		T_OK(run(&w, "info", &out, NULL, &e));
		T_OK(run(&w, "export", &text, NULL, &e));
		T_OK(run(&again, text.p, NULL, NULL, &e));
		T_TRUE(zconf_equal(w.stored, again.stored));
		buf_addf(&out, "--- export\n%s", text.p);
		snprintf(name, sizeof(name), "zonecfg/%s.txt", zones[i].name);
		T_GOLDEN(name, out.p);
		buf_fini(&out);
		buf_fini(&text);
		world_fini(&w);
		world_fini(&again);
	}
}

/* A script that fails in this line with this text. */
static const struct {
	unsigned line;
	const char *script, *error;
} bad[] = {
	{ 2, "create\nfoo",
	  "\"foo\": no such subcommand; there are: add, cancel, clear" },
	{ 1, "info", "db: No such zone configured" },
	{ 1, "set autoboot=true", "db: No such zone configured" },
	{ 1, "delete -F", "db: No such zone configured" },
	{ 2, "create\ncreate", "db: zone already exists" },
	{ 1, "create -x", "-x: no such option; syntax: create [-F] [-b | -t TEMPLATE]" },
	{ 1, "create -t", "-t: a value is expected" },
	{ 1, "create -t none", "none: no such template" },
	{ 1, "create -b -t SYSdefault", "exclude each other" },
	{ 1, "create b", "\"b\": unexpected; syntax: create" },
	{ 2, "create\nadd", "a resource type is expected" },
	{ 2, "create\nadd disk",
	  "\"disk\": no such resource type; there are: direct-boot, device" },
	{ 2, "create\nadd anet", "anet: not supported yet" },
	{ 2, "create\nadd fs", "fs: a kernel zone mounts nothing from the host" },
	{ 2, "create\nadd global", "no such resource type" },
	{ 2, "create\nadd capped-memory",
	  "capped-memory: a zone has at most 1: use select" },
	{ 3, "create\nadd device\nadd device", "add: not inside a resource" },
	{ 3, "create\nadd device\ncommit", "commit: not inside a resource" },
	{ 2, "create\nend", "end: only inside a resource" },
	{ 2, "create\nset colour=red",
	  "global: \"colour\": no such property; there are: brand" },
	{ 2, "create\nset hostid=1", "global: hostid: not supported yet" },
	{ 2, "create\nset zonename=x", "global: zonename: a zone cannot be renamed yet" },
	{ 2, "create\nset autoboot=maybe",
	  "global: autoboot: \"maybe\": not a truth value; allowed: true or false" },
	{ 2, "create\nset autoboot", "PROPERTY=VALUE expected at autoboot" },
	{ 2, "create\nset", "PROPERTY=VALUE expected" },
	{ 2, "create\nset autoboot=true false", "\"false\": unexpected" },
	{ 2, "create\nset bootargs=\"x", "a quote (\") is not ended" },
	{ 2, "create\nclear", "a property is expected" },
	{ 2, "create\nclear physical", "global: \"physical\": no such property" },
	{ 3, "create -b\nadd direct-boot\nend", "direct-boot: kernel is required" },
	{ 3, "create -b\nadd device\nset id=256",
	  "device: id: \"256\": too large; allowed: 0 to 255" },
	{ 3, "create\nadd device; set id=0\nend",
	  "device: id: \"0\": another device has it already" },
	{ 2, "create\nselect device id=9", "device: no such resource" },
	{ 2, "create; add device; end\nselect device", "device: several match" },
	{ 2, "create\nselect device id=x", "not a number" },
	{ 2, "create -b\nremove device", "device: no such resource" },
	{ 2, "create; add device; end\nremove device", "-F not specified" },
	{ 2, "create\nremove device id", "PROPERTY=VALUE expected at id" },
	{ 2, "create\ninfo device id=5", "No such device resource." },
	{ 2, "create\ninfo nonsense", "\"nonsense\": no such resource type" },
	{ 2, "create\nrevert", "-F not specified" },
	{ 2, "create\nhelp nonsense", "no such help topic" },
	{ 2, "create\nadd device", "device: the resource is not ended" },
	{ 2, "create; add device\nexit", "device: the resource is not ended" },
};

TEST(session, every_error_names_what_is_wrong_and_changes_nothing)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct world w = { 0 };
		struct errmsg e = { "" };
		unsigned line = 0;

		T_TRUE(run(&w, bad[i].script, NULL, &line, &e) < 0);
		T_HAS(e.text, bad[i].error);
		T_EQ(line, bad[i].line);
		T_NULL(w.stored);
		T_EQ(w.n_saved, 0);
		world_fini(&w);
	}
}

TEST(session, a_run_is_one_transaction)
{
	struct world w = { 0 };
	struct errmsg e = { "" };

	T_TRUE(run(&w, "create; commit\nset autoboot=true; commit\nnonsense", NULL, NULL,
		   &e) < 0);
	T_EQ(w.n_saved, 0);
	T_OK(run(&w, "create; commit\nset autoboot=true; commit; set bootargs=x", NULL,
		 NULL, &e));
	T_EQ(w.n_saved, 1);
	T_STREQ(zres_text(&w.stored->global, PROP_BOOTARGS), "x");
	T_TRUE(run(&w, "delete -F; create -b; nonsense", NULL, NULL, &e) < 0);
	T_EQ(w.n_removed, 0);
	T_OK(run(&w, "delete -F; create -b", NULL, NULL, &e));
	T_EQ(w.n_removed, 0); /* replaced */
	T_EQ(w.n_saved, 2);
	T_EQ(w.stored->n_res, 0);
	T_OK(run(&w, "create -F; exit -F; nonsense", NULL, NULL, &e));
	T_EQ(w.n_saved, 2);
	T_OK(run(&w, "delete -F", NULL, NULL, &e));
	T_EQ(w.n_removed, 1);
	T_NULL(w.stored);
}

TEST(session, looking_takes_no_lock_and_saves_nothing)
{
	struct world w = { 0 };
	struct errmsg e = { "" };

	T_OK(run(&w, "create", NULL, NULL, &e));
	w.n_locked = 0;
	w.held_by = "4711";
	T_OK(run(&w, "info; info device; export; verify; help", NULL, NULL, &e));
	T_EQ(w.n_locked, 0);
	T_EQ(run(&w, "set autoboot=true", NULL, NULL, &e), -EBUSY);
	T_STREQ(e.text, "held by 4711");
	w.held_by = NULL;
	T_OK(run(&w, "set autoboot=true; set autoboot=false; clear autoboot", NULL, NULL,
		 &e));
	T_EQ(w.n_locked, 2);
	T_EQ(w.n_saved, 1); /* in the end nothing was different */
	world_fini(&w);
}

TEST(session, verify_comes_before_saving)
{
	struct world w = { .verify_error = "it makes no sense" };
	struct errmsg e = { "" };

	T_EQ(run(&w, "create", NULL, NULL, &e), -EINVAL);
	T_STREQ(e.text, "it makes no sense");
	T_NULL(w.stored);
}

TEST(session, an_installed_zone_is_not_deleted)
{
	struct world w = { 0 };
	struct errmsg e = { "" };

	T_OK(run(&w, "create", NULL, NULL, &e));
	w.state = "installed";
	T_EQ(run(&w, "delete -F", NULL, NULL, &e), -EBUSY);
	T_STREQ(e.text, "the zone is installed");
	T_EQ(run(&w, "create -F", NULL, NULL, &e), -EBUSY);
	T_NOT_NULL(w.stored);
	T_OK(run(&w, "set autoboot=true", NULL, NULL, &e));
	world_fini(&w);
}

TEST(session, resources_are_edited_and_cancelled)
{
	struct world w = { 0 };
	struct buf out = { 0 };
	struct errmsg e = { "" };

	T_OK(run(
		&w,
		"create; add device; set bootpri=3; cancel\n"
		"select capped-memory; set physical=8G; cancel; select virtual-cpu; set ncpus=2; end\n"
		"add device; end; add device; end; remove device id=1; add device; info; end\n"
		"remove -F smf-dependency; info device id=2; info autoboot; info zonename\n"
		"export -f /x; revert -F",
		&out, NULL, &e));
	T_STREQ(out.p,
		"device:\n        storage not specified\n        id not specified\n"
		"        bootpri not specified\n"
		"device:\n        storage not specified\n        id: 2\n"
		"        bootpri not specified\n"
		"autoboot: false\nzonename: db\n");
	T_HAS(w.written, "/x: create -b\n");
	T_HAS(w.written, "set physical=4G\n");
	T_HAS(w.written, "set ncpus=2\n");
	T_EQ(w.n_saved, 0); /* reverted */
	buf_fini(&out);
}

/* Lines of an interactive session; the last result. */
static int talk(struct zcfg *s, const char *const *lines, struct errmsg *e)
{
	int r = 0;

	for (; *lines; lines++) {
		e->text[0] = '\0';
		r = zcfg_line(s, *lines, e);
	}
	return r;
}

TEST(interactive, commits_at_once_asks_and_goes_on_after_errors)
{
	static const char *const begin[] = {
		"nonsense",          "create", "set autoboot=maybe",
		"set autoboot=true", "commit", NULL
	};
	static const char *const remove[] = { "add device", "end", "remove device",
					      NULL };
	static const char *const stay[] = { "add device", "exit", NULL };
	static const char *const leave[] = { "cancel", "delete", NULL };
	struct world w = { 0 };
	struct errmsg e = { "" };
	struct zcfg s;

	T_OK(zcfg_init(&s, &ops, &w, "db", true, &e));
	T_OK(talk(&s, begin, &e));
	T_EQ(w.n_saved, 1);
	T_TRUE(zres_bool(w.stored, &w.stored->global, PROP_AUTOBOOT));
	T_EQ(talk(&s, remove, &e), -ECANCELED);
	T_EQ(w.n_asked, 1);
	T_EQ(zconf_count(s.conf, RES_DEVICE), 2);
	w.answer = 1;
	T_OK(talk(&s, remove, &e));
	T_EQ(zconf_count(s.conf, RES_DEVICE), 0);
	T_EQ(talk(&s, stay, &e), -EINVAL);
	T_HAS(e.text, "exit -F leaves without saving");
	T_FALSE(s.done);
	T_OK(talk(&s, leave, &e));
	T_EQ(w.n_removed, 1);
	T_OK(zcfg_finish(&s, &e));
	T_EQ(w.n_saved, 1);
	zcfg_fini(&s);
}

TEST(interactive, the_end_of_input_commits)
{
	static const char *const lines[] = { "create", "set bootargs=x", NULL };
	struct world w = { 0 };
	struct errmsg e = { "" };
	struct zcfg s;

	T_OK(zcfg_init(&s, &ops, &w, "db", true, &e));
	T_OK(talk(&s, lines, &e));
	T_EQ(w.n_saved, 0);
	T_OK(zcfg_finish(&s, &e));
	T_EQ(w.n_saved, 1);
	zcfg_fini(&s);
	world_fini(&w);
}

TEST(session, survives_every_oom)
{
	static const char script[] =
		"create -b; set bootargs=\"a b\"\n"
		"add device; set storage=file:/%{zonename}; end\n"
		"add device; end; select device id=1; set bootpri=1; end\n"
		"add smf-dependency; set fmri=svc:/a:b; end; info; export\n"
		"remove device id=0; commit; info; export -f x; help";
	int r = -ENOMEM;

	for (long n = 0; r == -ENOMEM; n++) {
		struct world w = { 0 };
		struct buf out = { 0 };
		struct errmsg e = { "" };

		fault_arm(n);
		r = run(&w, script, &out, NULL, &e);
		T_TRUE(r == 0 || (fault.fired && r == -ENOMEM));
		T_EQ(w.stored != NULL, r == 0);
		buf_fini(&out);
		world_fini(&w);
		T_EQ(fault.live, 0);
		if (r == 0 && fault.fired) /* only the copy of the output was lost */
			r = -ENOMEM;
	}
}

/* A random value of a property: canonical or not, always allowed. */
static void random_value(enum prop_id prop, unsigned *seed, char *out, size_t size)
{
	static const char *const texts[] = { "x",  "a b", "q\"q", "\\",
					     "#;", "'",   "a=b",  "\xc3\xa9" };
	const struct prop_def *d = prop_def(prop);
	unsigned n = (unsigned)rand_r(seed);
	const char *w = d->words;

	switch (d->kind) {
	case KIND_BOOL:
		snprintf(out, size, "%s", n % 2 ? "true" : "false");
		break;
	case KIND_NUMBER:
		snprintf(out, size, "%llu",
			 (unsigned long long)(d->min + n % (d->max - d->min + 1)));
		break;
	case KIND_SIZE:
		snprintf(out, size, "%u%c", 2 + n % 1000, "MGmg"[n / 1000 % 4]);
		break;
	case KIND_ENUM:
		for (n %= 4; n && strchr(w, '|'); n--)
			w = strchr(w, '|') + 1;
		snprintf(out, size, "%.*s", (int)strcspn(w, "|"), w);
		break;
	case KIND_PATH:
		snprintf(out, size, "/%s/%%{zonename}%u", texts[n % ARRAY_SIZE(texts)],
			 n % 5);
		break;
	case KIND_STORAGE:
		snprintf(out, size, "%s:///%s%u%%%%", n % 2 ? "file" : "dev",
			 texts[n % ARRAY_SIZE(texts)], n % 100);
		break;
	case KIND_FMRI:
		snprintf(out, size, "svc:/x/y:z%u", n % 100);
		break;
	default:
		snprintf(out, size, "%s%u", texts[n % ARRAY_SIZE(texts)], n % 3);
	}
}

static void random_props(struct zres *r, unsigned *seed)
{
	char value[256];

	for (unsigned i = 0; i < res_defs[r->type].n_props; i++) {
		enum prop_id prop = (enum prop_id)(res_defs[r->type].first + i);

		if (!(prop_def(prop)->flags & PF_REQUIRED) && rand_r(seed) % 2)
			continue;
		random_value(prop, seed, value, sizeof(value));
		T_OK(zres_set(r, prop, value, NULL));
	}
}

static struct zconf *random_conf(unsigned *seed)
{
	struct zconf *c = NULL;

	T_OK(zconf_new("db", &c, NULL));
	random_props(&c->global, seed);
	T_OK(zres_set(&c->global, PROP_BRAND, "solaris-kz",
		      NULL)); /* create -b sets it */
	for (unsigned n = (unsigned)rand_r(seed) % 12; n; n--) {
		struct zres r = { .type = (enum res_type)(1 + rand_r(seed) %
								      (RES_TYPE_N - 1)) };

		random_props(&r, seed);
		if (zconf_fill_auto(c, &r, NULL, NULL) < 0 ||
		    zconf_check_res(c, &r, NULL, NULL) < 0 || zconf_add(c, &r) < 0)
			zres_fini(&r);
	}
	return c;
}

TEST(random, export_and_json_make_the_same_zone_again)
{
	for (unsigned i = 0; i < 3000; i++) {
		unsigned seed = i;
		struct world w = { .stored = random_conf(&seed) }, again = { 0 };
		struct buf text = { 0 };
		struct errmsg e = { "" };
		struct zconf *c = NULL;
		char *json = NULL;

		T_OK(run(&w, "export", &text, NULL, &e));
		if (run(&again, text.p, NULL, NULL, &e) < 0 || !again.stored ||
		    !zconf_equal(w.stored, again.stored))
			T_FAIL("seed %u: %s\n%s", i, e.text, text.p);
		T_OK(zconf_format(w.stored, &json));
		if (zconf_parse("db", json, strlen(json), "x", &c, &e) < 0 ||
		    !zconf_equal(w.stored, c))
			T_FAIL("seed %u: %s\n%s", i, e.text, json);
		free(json);
		zconf_free(c);
		buf_fini(&text);
		world_fini(&w);
		world_fini(&again);
	}
}
