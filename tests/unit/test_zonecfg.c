// SPDX-License-Identifier: BSD-2-Clause
/*
 * test_zonecfg.c - zonecfg's command language on a world in memory
 */
#include "cli/zonecfg_cmd.h"
#include "cli/zonecfg_lex.h"
#include "common/sys/file.h"
#include "common/sys/paths.h"
#include "common/zone/templates.h"
#include "tests/harness/harness.h"

#include <stdio.h>
#include <sys/stat.h>

/* What the session sees of the world; nothing outside memory. */
struct world {
	struct zconf *stored; /* owned */
	const char *state;    /* NULL: may be removed */
	const char *held_by;
	const char *verify_error;
	int answer; /* to questions */
	unsigned n_saved, n_removed, n_locked, n_asked, n_shown;
	char written[4096]; /* by export -f */
	char why[64];       /* the reason that came with the last question */
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

static int w_verify(void *ctx, const struct zconf *c, const struct zconf *old,
		    struct errmsg *e)
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

static int w_may_rename(void *ctx, const char *name, struct errmsg *e)
{
	struct world *w = ctx;

	if (strcmp(name, "taken") == 0)
		return errmsg_set(e, -EEXIST, "%s: zone already exists", name);
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

static int w_ask(void *ctx, const char *why, const char *question)
{
	struct world *w = ctx;

	w->n_asked++;
	snprintf(w->why, sizeof(w->why), "%s", why ? why : "");
	return w->answer;
}

static int w_write_file(void *ctx, const char *path, const char *text, bool secret,
			struct errmsg *e)
{
	struct world *w = ctx;

	snprintf(w->written, sizeof(w->written), "%s%s: %s", secret ? "secret " : "",
		 path, text);
	return 0;
}

static int w_archive(void *ctx, const char *path, struct zconf **ret_conf,
		     struct errmsg *e)
{
	if (strcmp(path, "/minimal") != 0)
		return errmsg_set(e, -ENOENT, "%s: no such file", path);
	return w_template(ctx, "SYSsolaris-kz-minimal", ret_conf, e);
}

static int w_load_key(void *ctx, const struct zconf *c, bool shown,
		      char ret_hex[static KEY_HEX_LEN + 1], struct errmsg *e)
{
	const char *raw = zres_text(zconf_next(c, RES_KEYSOURCE, NULL), PROP_KEY_RAW);
	struct world *w = ctx;

	if (key_is_ref(raw))
		return errmsg_set(e, -ENOENT, "the key is missing");
	w->n_shown += shown;
	memcpy(ret_hex, raw, KEY_HEX_LEN + 1);
	return 0;
}

/* Bytes that count up, so that texts can be compared. */
static unsigned next_byte;

static int w_random(void *ctx, void *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((unsigned char *)bytes)[i] = (unsigned char)(next_byte++ * 7 >> 2);
	return 0;
}

static const struct zcfg_ops ops = {
	.load = w_load,
	.template = w_template,
	.verify = w_verify,
	.lock = w_lock,
	.may_remove = w_may_remove,
	.may_rename = w_may_rename,
	.save = w_save,
	.remove = w_remove,
	.ask = w_ask,
	.write_file = w_write_file,
	.archive = w_archive,
	.load_key = w_load_key,
	.random = { w_random, NULL },
};

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
	/* The seed's examples, line by line. */
	{ "seed-device",
	  "create -b\n"
	  "add device\nset match=/dev/rdsk/c4t9d0\nset id=4\nset bootpri=1\n"
	  "end" },
	{ "seed-clear-bootpri",
	  "create -b; add device; set match=/dev/rdsk/c4t9d0; set id=4; set bootpri=1; end\n"
	  "select device id=4\nclear bootpri\nend" },
	{ "seed-suspend",
	  "create; add suspend\nset path=/export/%{zonename}.suspend\nend" },
	{ "seed-suspend-storage",
	  "create; add suspend\nset storage=dev:/dev/vg0/%{zonename}-suspend\nend" },
	{ "seed-macs", "create; add anet; set lower-link=net0; set id=2\n"
		       "add mac; set mac-address=2:8:20:c0:ff:ee; end\n"
		       "add mac; set mac-address=auto; end; end" },
	{ "seed-key", "create; add keysource\n"
		      "set raw=00112233445566778899AABBCCDDEEFF; end" },
	{ "nets", "create; add net; set physical=net%{id}; set id=7\n"
		  "set allowed-address=10.0.0.2/24; add defrouter 10.0.0.1\n"
		  "set configure-allowed-address=false; end\n"
		  "add anet; set link-protection=mac-nospoof,ip-nospoof; set vlan-id=12\n"
		  "set priority=high; set mtu=9000; set maxbw=100m\n"
		  "add allowed-address 10.0.0.3/24; add allowed-address fe80::0:3\n"
		  "remove allowed-address 10.0.0.3/24; end; add anet; end" },
	{ "cpus", "create; set cpu-arch=x86-64-v2; set cpu-shares=40\n"
		  "add capped-cpu; set ncpus=2.50; end\n"
		  "add rctl; set name=zone.cpu-cap\n"
		  "add value (priv=privileged,limit=250,action=deny)\n"
		  "remove value (priv=privileged,limit=250,action=deny)\n"
		  "add value (priv=privileged,limit=200,action=deny); end" },
	{ "dedicated",
	  "create; add dedicated-cpu; set cpus=8-9,0-2,3; set importance=2; end\n"
	  "select capped-memory; set pagesize-policy=fixed; set pagesize=2M; end" },
	{ "notes", "create -a /minimal; set tenant=acme; set goals='console:login: '\n"
		   "set goals-timeout=60; add attr; set name=owner; set type=string\n"
		   "set value=\"J. Doe; floor 3\"; end\n"
		   "add admin; set user=joe; add auths login; add auths manage; end" },
};

TEST(print, info_and_export_are_exact_and_export_makes_the_same_zone)
{
	for (size_t i = 0; i < ARRAY_SIZE(zones); i++) {
		struct world w = { 0 }, again = { 0 };
		struct buf out = { 0 }, text = { 0 };
		struct errmsg e = { "" };
		char name[64];

		next_byte = 0;
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

#define TWO_DISKS   "add device; end; add device; end; "
#define EIGHT_DISKS TWO_DISKS TWO_DISKS TWO_DISKS TWO_DISKS

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
	{ 1, "create -x",
	  "-x: no such option; syntax: create [-F] [-b | -t TEMPLATE | -a FILE]" },
	{ 1, "create -t", "-t: a value is expected" },
	{ 1, "create -t none", "none: no such template" },
	{ 1, "create -b -t SYSdefault", "exclude each other" },
	{ 1, "create b", "\"b\": unexpected; syntax: create" },
	{ 2, "create\nadd", "a resource type is expected" },
	{ 2, "create\nadd disk",
	  "\"disk\": no such resource type; there are: direct-boot, anet, net, device" },
	{ 2, "create\nadd npiv", "npiv: Linux has no virtual Fibre Channel" },
	{ 2, "create\nadd mac", "\"mac\": no such resource type" },
	{ 2, "create\nadd fs", "fs: a kernel zone mounts nothing from the host" },
	{ 2, "create\nadd global", "no such resource type" },
	{ 2, "create\nadd capped-memory",
	  "capped-memory: a zone has at most 1: use select" },
	{ 3, "create\nadd device\nadd device", "device: \"device\": no such property" },
	{ 3, "create\nadd device\ncommit", "commit: not inside a resource" },
	{ 2, "create\nend", "end: only inside a resource" },
	{ 2, "create\nset colour=red",
	  "global: \"colour\": no such property; there are: zonepath, brand" },
	{ 2, "create\nset pool=x", "global: pool: Linux has no resource pools" },
	{ 2, "create\nset zonename=taken", "taken: zone already exists" },
	{ 2, "create\nset zonename=a/b", "zonename: a/b: invalid zone name" },
	{ 2, "create\nset zonename=global", "zonename: global: invalid zone name" },
	{ 2, "create\nclear zonename", "zonename: a zone has to have a name" },
	{ 2, "create\nadd device; set zonename=x", "device: \"zonename\": no such" },
	{ 2, "create\nset autoboot=maybe",
	  "global: autoboot: \"maybe\": not a truth value; allowed: true or false" },
	{ 2, "create\nset autoboot", "PROPERTY=VALUE expected at autoboot" },
	{ 2, "create\nset", "PROPERTY=VALUE expected" },
	{ 2, "create\nset autoboot=true false", "\"false\": unexpected" },
	{ 2, "create\nset bootargs=\"x", "a quote (\") is not ended" },
	{ 2, "create\nclear", "a property is expected" },
	{ 2, "create\nclear physical", "global: \"physical\": no such property" },
	{ 3, "create -b\nadd direct-boot\nend", "direct-boot: kernel is required" },
	{ 3, "create -b\nadd device\nset id=16",
	  "device: id: \"16\": too large; allowed: 0 to 15" },
	{ 2, "create -b; " EIGHT_DISKS EIGHT_DISKS "\nadd device; end",
	  "device: no id is free: a zone has at most 16" },
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
	{ 2, "create; add anet; add mac\ncommit", "commit: not inside a resource" },
	{ 2, "create; add anet; add mac\nexit", "mac: the resource is not ended" },
	{ 2, "create; add anet; add mac\nadd mac", "mac: \"mac\": no such property" },
	{ 2, "create; add anet; add mac\nselect mac",
	  "no such resource type; there are: none" },
	{ 2, "create; add anet\nselect mac", "mac: no such resource" },
	{ 2, "create; add anet\nremove mac", "mac: no such resource" },
	{ 2, "create; add anet; add mac; end; add mac; end\nremove mac",
	  "-F not specified" },
	{ 2, "create; add anet; add mac; end; add mac; end\nselect mac",
	  "several match" },
	{ 2,
	  "create; add anet; set mac-address=2:8:20:1:2:3\n"
	  "add mac; set mac-address=2:8:20:1:2:3; end",
	  "mac: mac-address: \"02:08:20:01:02:03\": the zone has it already" },
	{ 3,
	  "create; add anet; set mac-address=2:8:20:1:2:3; end\n"
	  "add anet\nset mac-address=2:8:20:1:2:3; end",
	  "anet: mac-address: \"02:08:20:01:02:03\": the zone has it already" },
	{ 2, "create; add anet; set id=0; end\nadd anet; set id=0; end",
	  "anet: id: \"0\": another anet has it already" },
	{ 2, "create; add anet; set id=3; end\nadd net; set physical=x; set id=3; end",
	  "net: id: \"3\": the anet has it already" },
	{ 2, "create; add anet\nadd mtu 9", "mtu: it has one value: use set and clear" },
	{ 2, "create; add anet\nadd allowed-address", "a value is expected" },
	{ 2, "create; add anet\nadd allowed-address x", "not an IP address" },
	{ 2, "create; add anet\nremove allowed-address 10.0.0.1", "no such value" },
	{ 2, "create; add anet\nset iov=on", "anet: iov: the guest has no driver" },
	{ 2,
	  "create; add rctl; add value (priv=privileged,limit=1,action=none)\n"
	  "add value (priv=privileged,limit=2,action=none)",
	  "value: it has a value: remove it first" },
	{ 2, "create; add device; set match=/a\nset storage=dev:/b; end",
	  "device: match/storage: only one of them may be set: clear the other" },
	{ 2, "create; add device\nset storage=nfs://host/x",
	  "device: storage: \"nfs://host/x\": unknown kind of storage; allowed: file:PATH" },
	{ 2, "create; add suspend\nend",
	  "suspend: path/storage: one of them is required" },
	{ 2, "create; add suspend; set path=/x; set storage=dev:/dev/x\nend",
	  "suspend: path/storage: only one of them may be set" },
	{ 2, "create; add dedicated-cpu\nend", "one of them is required" },
	{ 2, "create; add net\nend", "net: physical is required" },
	{ 2, "create; add attr; set name=zonex; set type=int\nset value=1; end",
	  "attr: name: \"zonex\": names that begin with zone are reserved" },
	{ 2, "create; add attr; set name=x; set type=int\nset value=one; end",
	  "attr: value: \"one\": not of type int" },
	{ 2, "create\nset zonepath=/x", "global: zonepath: it cannot be set" },
	{ 2, "create\nclear zonepath", "zonepath: it cannot be cleared" },
	{ 2, "create\nset ip-type=shared", "allowed: exclusive" },
	{ 2, "create\nset max-lwps=9",
	  "global: max-lwps: a kernel zone has its own kernel" },
	{ 2, "create; add keysource\nset raw=secret00112233",
	  "keysource: raw: not a key; allowed: 32 hexadecimal digits" },
	{ 1, "create -t SYSdefault -a /x", "-t and -a exclude each other" },
	{ 1, "create -a /none", "/none: no such file" },
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

TEST(session, a_refused_key_is_not_repeated)
{
	struct world w = { 0 };
	struct errmsg e = { "" };

	T_TRUE(run(&w, "create; add keysource; set raw=00112233secret", NULL, NULL, &e) <
	       0);
	T_NULL(strstr(e.text, "secret"));
}

TEST(session, a_key_is_shown_by_export_only)
{
	static const char key[] = "00112233445566778899aabbccddeeff";
	struct buf out = { 0 }, text = { 0 };
	struct world w = { 0 };
	struct errmsg e = { "" };

	T_OK(run(&w,
		 "create; add keysource; set raw=00112233445566778899aabbccddeeff; end",
		 NULL, NULL, &e));
	T_OK(run(&w, "info; info keysource; help keysource", &out, NULL, &e));
	T_HAS(out.p, "keysource:\n        raw redacted\n");
	T_NULL(strstr(out.p, key));
	T_OK(run(&w, "export -f /x", NULL, NULL, &e));
	T_HAS(w.written, "secret /x: create -b\n");
	T_HAS(w.written, key);
	T_EQ(w.n_shown, 0);
	T_OK(run(&w, "export", &text, NULL, &e));
	T_HAS(text.p, key);
	T_EQ(w.n_shown, 1);
	T_OK(run(&w, "remove keysource; export -f /x", NULL, NULL, &e));
	T_HAS(w.written, "/x: create -b\n");
	T_EQ(w.written[0], '/');
	T_OK(run(&w, "add keysource; end", NULL, NULL, &e));
	T_NE(zres_text(zconf_next(w.stored, RES_KEYSOURCE, NULL), PROP_KEY_RAW), NULL);
	buf_fini(&out);
	buf_fini(&text);
	world_fini(&w);
}

TEST(session, what_is_given_once_is_kept)
{
	struct world w = { 0 };
	struct errmsg e = { "" };
	struct zconf *before;

	T_OK(run(&w, "create; add anet; add mac; end; end; add device; end", NULL, NULL,
		 &e));
	T_OK(zconf_copy(w.stored, "db", &before, &e));
	T_OK(run(&w,
		 "select anet; set mtu=1400; end; set autoboot=true; commit\n"
		 "select anet; clear mtu; end; clear autoboot",
		 NULL, NULL, &e));
	T_TRUE(zconf_equal(before, w.stored));
	T_OK(run(&w, "clear hostid; select anet; clear auto-mac-address; end", NULL, NULL,
		 &e)); /* others, at commit */
	T_FALSE(zconf_equal(before, w.stored));
	T_TRUE(zres_is_set(&w.stored->global, PROP_HOSTID));
	T_TRUE(zres_is_set(zconf_next(w.stored, RES_ANET, NULL), PROP_ANET_AUTO_MAC));
	zconf_free(before);
	world_fini(&w);
}

TEST(session, the_brand_cannot_change_after_install)
{
	struct world w = { 0 };
	struct errmsg e = { "" };

	T_OK(run(&w, "create; clear brand; set brand=solaris-kz", NULL, NULL, &e));
	w.state = "installed";
	T_OK(run(&w, "set brand=solaris-kz; clear brand", NULL, NULL, &e)); /* the same */
	world_fini(&w);
}

TEST(session, inner_resources_are_edited_removed_and_cancelled)
{
	struct buf out = { 0 };
	struct world w = { 0 };
	struct errmsg e = { "" };

	T_OK(run(
		&w,
		"create -b; add anet; add mac; set mac-address=2:8:20:0:0:1; end\n"
		"add mac; set mac-address=2:8:20:0:0:2; end; add mac; cancel\n"
		"select mac mac-address=2:8:20:0:0:2; set mac-address=2:8:20:0:0:3; info; end\n"
		"remove mac mac-address=2:8:20:0:0:1; add mac; end; remove -F mac\n"
		"add mac; set mac-address=2:8:20:0:0:4; end; end\n"
		"select anet; add mac; end; cancel; info anet",
		&out, NULL, &e));
	T_HAS(out.p, "        mac:\n                mac-address: 02:08:20:00:00:03\n");
	T_EQ(w.stored->n_res, 1);
	T_EQ(w.stored->res[0].n_inner, 1);
	T_STREQ(zres_text(&w.stored->res[0].inner[0], PROP_MAC_ADDRESS),
		"02:08:20:00:00:04");
	buf_fini(&out);
	world_fini(&w);
}

/* Lines in live mode; the last result. */
static int run_live(struct world *w, const char *line, struct buf *out, struct errmsg *e)
{
	struct zcfg s;
	int r = zcfg_init(&s, &ops, w, "db", false, e);

	s.live = true;
	if (r == 0)
		r = zcfg_line(&s, line, e);
	if (r == 0)
		r = zcfg_finish(&s, e);
	if (s.out.p)
		buf_adds(out, s.out.p);
	zcfg_fini(&s);
	return r;
}

TEST(live, looking_works_and_changing_names_what_is_live)
{
	static const struct {
		const char *line, *error;
	} cases[] = {
		{ "set bootargs=x",
		  "bootargs: it cannot be changed in a running zone; live are: "
		  "cpu-shares, capped-cpu, rctl" },
		{ "clear autoboot", "autoboot: it cannot be changed in a running zone" },
		{ "select virtual-cpu; set ncpus=2",
		  "virtual-cpu: ncpus: it cannot be changed in a running zone" },
		{ "add anet", "anet: it cannot be changed in a running zone" },
		{ "remove device", "device: it cannot be changed in a running zone" },
		{ "create -F", "create: not in a running zone" },
		{ "delete -F", "delete: not in a running zone" },
	};
	struct world w = { 0 };
	struct buf out = { 0 };
	struct errmsg e = { "" };

	T_OK(run(&w, "create; add capped-cpu; set ncpus=1.5; end", NULL, NULL, &e));
	T_OK(run_live(&w,
		      "info capped-cpu; verify; select device; info; end; commit; exit",
		      &out, &e));
	T_HAS(out.p, "capped-cpu:\n        ncpus: 1.5\n");
	T_EQ(w.n_saved, 2);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		T_EQ(run_live(&w, cases[i].line, &out, &e), -ENOTSUP);
		T_HAS(e.text, cases[i].error);
	}
	T_EQ(w.n_saved, 2);
	buf_fini(&out);
	world_fini(&w);
}

TEST(live, what_is_live_can_be_set_added_and_removed)
{
	struct world w = { 0 };
	struct buf out = { 0 };
	struct errmsg e = { "" };

	T_OK(run(&w, "create; add capped-cpu; set ncpus=1.5; end", NULL, NULL, &e));
	T_OK(run_live(&w, "set cpu-shares=4; select capped-cpu; set ncpus=2; end", &out,
		      &e));
	T_STREQ(zres_text(&w.stored->global, PROP_CPU_SHARES), "4");
	T_STREQ(zres_text(zconf_next(w.stored, RES_CAPPED_CPU, NULL), PROP_CAPPED_NCPUS),
		"2");
	T_OK(run_live(&w, "clear cpu-shares; remove -F capped-cpu", &out, &e));
	T_EQ(zres_is_set(&w.stored->global, PROP_CPU_SHARES), false);
	T_OK(run_live(&w,
		      "add rctl; set name=zone.cpu-shares; "
		      "set value=(priv=privileged,limit=7,action=none); end",
		      &out, &e));
	T_EQ(zconf_count(w.stored, RES_RCTL), 1);
	T_EQ(zconf_count(w.stored, RES_CAPPED_CPU), 0);
	T_EQ(w.n_saved, 4);
	buf_fini(&out);
	world_fini(&w);
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
		"device:\n        match not specified\n        storage not specified\n"
		"        id not specified\n"
		"        bootpri not specified\n"
		"device:\n        match not specified\n        storage not specified\n"
		"        id: 2\n"
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
	w.answer = 0;
	T_EQ(talk(&s, stay, &e), -EINVAL);
	T_HAS(e.text, "the resource is not ended: end or cancel it");
	T_FALSE(s.done);
	w.answer = 1;
	T_OK(talk(&s, leave, &e));
	T_EQ(w.n_removed, 1);
	T_OK(zcfg_finish(&s, &e));
	T_EQ(w.n_saved, 1);
	zcfg_fini(&s);
}

/* A value that every property of the kind takes; of an enumeration its first word. */
static void good_value(const struct prop_def *d, char *out, size_t size)
{
	switch (d->kind) {
	case KIND_NUMBER:
		snprintf(out, size, "%llu", (unsigned long long)d->min);
		break;
	case KIND_ENUM:
	case KIND_WORDS:
		snprintf(out, size, "%.*s", (int)strcspn(d->words, "|"), d->words);
		break;
	default:
		snprintf(out, size, "%s",
			 d->kind == KIND_PATH      ? "/x"
			 : d->kind == KIND_SIZE    ? "4G"
			 : d->kind == KIND_FMRI    ? "svc:/x"
			 : d->kind == KIND_DECIMAL ? "1"
			 : d->kind == KIND_RCTL ? "(priv=privileged,limit=5,action=none)"
						: "x");
	}
}

/* Commands that add a resource of the type with all that is required but one property. */
static void add_without(struct buf *out, enum res_type type, enum prop_id missing)
{
	const struct res_def *rd = &res_defs[type];
	char value[64];

	buf_addf(out, "create -b; add %s", rd->name);
	for (unsigned i = 0; i < rd->n_props; i++) {
		enum prop_id prop = (enum prop_id)(rd->first + i);

		if (prop == missing || !(prop_def(prop)->flags & PF_REQUIRED))
			continue;
		good_value(prop_def(prop), value, sizeof(value));
		buf_addf(out, "; set %s=%s", prop_def(prop)->name, value);
	}
	buf_adds(out, "; end");
}

TEST(session, what_is_required_is_missed_at_the_end_of_each_resource)
{
	unsigned n = 0;

	for (unsigned i = 0; i < PROP_N; i++) {
		const struct prop_def *d = prop_def((enum prop_id)i);
		cleanup(buf_fini) struct buf text = { 0 };
		struct errmsg e = { "" };
		struct world w = { 0 };
		char expected[80];
		unsigned line;

		if (!(d->flags & PF_REQUIRED))
			continue;
		snprintf(expected, sizeof(expected), "%s: %s is required (",
			 res_defs[d->res].name, d->name);
		add_without(&text, d->res, (enum prop_id)i);
		T_EQ(run(&w, text.p, NULL, &line, &e), -EINVAL);
		T_HAS(e.text, expected);
		text.len = 0;
		add_without(&text, d->res, PROP_N); /* and nothing else was wrong */
		T_OK(run(&w, text.p, NULL, &line, &e));
		world_fini(&w);
		n++;
	}
	T_TRUE(n > 10);
}

TEST(session, a_zone_gets_another_name)
{
	static const char text[] = "set zonename=web; info zonename; set autoboot=true\n"
				   "revert -F; info zonename; set zonename=x\n"
				   "set zonename=web; commit; add device; end\n";
	cleanup(buf_fini) struct buf out = { 0 };
	struct world w = { 0 };
	struct errmsg e = { "" };
	unsigned line;

	T_OK(run(&w, "create", NULL, &line, &e));
	T_OK(run(&w, text, &out, &line, &e));
	T_STREQ(out.p, "zonename: web\nzonename: db\n");
	T_EQ(w.n_saved, 2); /* one transaction */
	T_STREQ(w.stored->name, "web");
	T_STREQ(zconf_stored_name(w.stored), "db");
	T_EQ(zconf_count(w.stored, RES_DEVICE), 2);
	w.state = "installed";
	T_EQ(run(&w, "set zonename=new", NULL, &line, &e), -EBUSY);
	world_fini(&w);
}

TEST(interactive, the_prompt_has_the_new_name_and_the_commit_the_old)
{
	static const char *const lines[] = { "create", "commit", "set zonename=web",
					     NULL };
	static const char *const commit[] = { "commit", "add anet", NULL };
	char prompt[ZCFG_PROMPT_MAX];
	struct world w = { 0 };
	struct errmsg e = { "" };
	struct zcfg s;

	T_OK(zcfg_init(&s, &ops, &w, "db", true, &e));
	T_OK(talk(&s, lines, &e));
	zcfg_prompt(&s, prompt, sizeof(prompt));
	T_STREQ(prompt, ":web");
	T_STREQ(w.stored->name, "db");
	T_OK(talk(&s, commit, &e));
	zcfg_prompt(&s, prompt, sizeof(prompt));
	T_STREQ(prompt, ":web:anet");
	T_STREQ(s.zone, "web");
	T_STREQ(zconf_stored_name(w.stored), "db");
	T_STREQ(zconf_stored_name(s.conf), "web");
	zcfg_fini(&s);
	world_fini(&w);
}

TEST(interactive, who_leaves_is_asked_about_what_is_not_saved)
{
	static const char *const incomplete[] = { "create", "add anet", "exit", NULL };
	static const char *const again[] = { "exit", NULL };
	struct world w = { .verify_error = "no good" };
	struct errmsg e = { "" };
	struct zcfg s;

	T_OK(zcfg_init(&s, &ops, &w, "db", true, &e));
	T_EQ(talk(&s, incomplete, &e), -EINVAL);
	T_EQ(w.n_asked, 1);
	T_TRUE(s.in_res);
	T_FALSE(s.done);
	T_OK(zcfg_line(&s, "cancel", &e));
	T_EQ(talk(&s, again, &e), -ECANCELED);
	T_HAS(e.text, "exit -F leaves without saving");
	T_STREQ(w.why, "no good");
	T_FALSE(s.done);
	w.answer = 1;
	T_OK(talk(&s, again, &e));
	T_TRUE(s.done);
	T_TRUE(s.unsaved);
	T_OK(zcfg_finish(&s, &e));
	T_EQ(w.n_saved, 0);
	zcfg_fini(&s);
	world_fini(&w);
}

TEST(interactive, the_end_of_a_question_leaves_too)
{
	static const char *const lines[] = { "create", "add anet", "exit", NULL };
	struct world w = { .answer = -ENODATA };
	struct errmsg e = { "" };
	struct zcfg s;

	T_OK(zcfg_init(&s, &ops, &w, "db", true, &e));
	T_OK(talk(&s, lines, &e));
	T_TRUE(s.done && s.unsaved);
	T_OK(zcfg_finish(&s, &e));
	T_EQ(w.n_saved, 0);
	zcfg_fini(&s);
	world_fini(&w);
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
		"add anet; add allowed-address 10.0.0.1; add mac; end; select mac; end; end\n"
		"add keysource; end; add dedicated-cpu; set cpus=1,2; end\n"
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
	case KIND_NAME:
		snprintf(out, size, "n%u-_.%u", n % 50, n % 3);
		break;
	case KIND_DECIMAL:
		snprintf(out, size, "%u.%02u", 1 + n % 60, n % 100);
		break;
	case KIND_RANGE:
		snprintf(out, size, "%u-%u", 1 + n % 3, 3 + n % 9);
		break;
	case KIND_CPUS:
		snprintf(out, size, "%u,%u-%u,%u", n % 100, n % 7, 7 + n % 30, n % 64);
		break;
	case KIND_WORDS:
		snprintf(out, size, "%.*s", (int)strcspn(strrchr(w, '|') + 1, "|"),
			 strrchr(w, '|') + 1);
		if (n % 2)
			snprintf(out + strlen(out), size - strlen(out), ",%.*s",
				 (int)strcspn(w, "|"), w);
		break;
	case KIND_HEX:
		snprintf(out, size, "0X%x", 1 + n);
		break;
	case KIND_MAC:
		snprintf(out, size, "2:8:20:%X:%x:%x", n % 256, n / 256 % 256,
			 n / 65536 % 256);
		break;
	case KIND_ADDRS:
		snprintf(out, size, n % 2 ? "10.0.%u.%u/24,FE80::0:%u" : "::%x.%u.%u.%u",
			 n % 9, n % 256, n % 8, n % 7);
		if (n % 2 == 0)
			snprintf(out, size, "fe80:0:0::%x/64", n % 65536);
		break;
	case KIND_GOALS:
		snprintf(out, size, "%s", n % 2 ? "agent" : "console:a b; \"c\"");
		break;
	case KIND_KEY:
		snprintf(out, size, "%08X%08x%08X%08x", n, n / 3, ~n, n * 5);
		break;
	case KIND_RCTL:
		snprintf(out, size, "(priv=privileged,limit=%u,action=none)", 1 + n % 99);
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
		if (prop_def(prop)->flags & PF_READONLY)
			continue;
		random_value(prop, seed, value, sizeof(value));
		if (prop == PROP_ATTR_TYPE)
			strcpy(value, "string");
		T_OK(zres_set(r, prop, value, NULL));
	}
}

/* Of the properties that exclude each other only the first stays. */
static void one_choice(struct zres *r)
{
	static const enum prop_id later[] = { PROP_STORAGE, PROP_DEDICATED_CPUS,
					      PROP_DEDICATED_CORES,
					      PROP_DEDICATED_SOCKETS,
					      PROP_SUSPEND_STORAGE };
	bool first = r->type == RES_DEVICE ? zres_is_set(r, PROP_MATCH) : true;

	if (r->type == RES_DEDICATED_CPU)
		T_OK(zres_set(r, PROP_DEDICATED_NCPUS, "2-3", NULL));
	if (r->type == RES_SUSPEND)
		T_OK(zres_set(r, PROP_SUSPEND_PATH, "/x", NULL));
	for (size_t i = 0; first && i < ARRAY_SIZE(later); i++)
		if (prop_def(later[i])->res == r->type)
			zres_clear(r, later[i]);
}

static void random_inner(struct zres *r, unsigned *seed)
{
	for (unsigned n = (unsigned)rand_r(seed) % 3; r->type == RES_ANET && n; n--) {
		struct zres inner = { .type = RES_ANET_MAC };

		random_props(&inner, seed);
		T_OK(zres_add(r, &inner));
	}
}

static struct zconf *random_conf(unsigned *seed)
{
	struct zconf *c = NULL;

	T_OK(zconf_new("db", &c, NULL));
	random_props(&c->global, seed);
	/* What create and commit always set. */
	T_OK(zres_set(&c->global, PROP_BRAND, "solaris-kz", NULL));
	T_OK(zconf_fill_auto(c, &c->global, NULL, &ops.random, NULL));
	for (unsigned n = (unsigned)rand_r(seed) % 12; n; n--) {
		struct zres r = { .type = (enum res_type)(1 + rand_r(seed) %
								      (RES_TYPE_N - 1)) };

		if (res_defs[r.type].parent != RES_GLOBAL)
			continue;
		random_props(&r, seed);
		one_choice(&r);
		random_inner(&r, seed);
		if (zconf_fill_auto(c, &r, NULL, &ops.random, NULL) < 0 ||
		    zconf_check_res(c, &r, NULL, NULL) < 0 || zconf_add(c, &r) < 0)
			zres_fini(&r);
	}
	return c;
}

/* The one thing that is not in the file. */
static void drop_key(struct zconf *c)
{
	for (unsigned i = 0; i < c->n_res; i++)
		if (c->res[i].type == RES_KEYSOURCE)
			zres_clear(&c->res[i], PROP_KEY_RAW);
}

TEST(random, export_and_json_make_the_same_zone_again)
{
	for (unsigned i = 0; i < 10000; i++) {
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
		drop_key(w.stored);
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

/* Two roots in memory, where durable costs nothing, or in the test's own directory. */
static void make_roots(struct paths roots[2])
{
	char shm[] = "/dev/shm/kz-test.XXXXXX";
	const char *base = mkdtemp(shm);
	char path[96];

	if (!base)
		base = t_root();
	for (unsigned i = 0; i < 2; i++) {
		cleanup(freep) char *etc = NULL;

		snprintf(path, sizeof(path), "%s/%u", base, i);
		T_OK(mkdir(path, 0700));
		T_OK(paths_init(&roots[i], path, NULL));
		etc = paths_get(&roots[i], PATH_ETC, NULL);
		T_OK(dir_make(etc, 0755));
	}
}

static void remove_roots(struct paths roots[2])
{
	char command[160];

	snprintf(command, sizeof(command), "rm -rf '%s' '%s'; rmdir \"$(dirname '%s')\"",
		 roots[0].root, roots[1].root, roots[0].root);
	if (strncmp(roots[0].root, "/dev/shm/", 9) == 0)
		T_EQ(system(command), 0);
	paths_fini(&roots[0]);
	paths_fini(&roots[1]);
}

/* Commits a zone on one root and reads it again. */
static struct zconf *committed(const struct paths *root, struct zconf *c, unsigned seed)
{
	struct errmsg e = { "" };
	struct zconf *read = NULL;

	if (zconf_save(root, c, &e) < 0 || zconf_load(root, "db", &read, &e) < 0)
		T_FAIL("seed %u: %s", seed, e.text);
	return read;
}

TEST(random, a_committed_zone_is_the_same_on_another_root_by_its_export)
{
	struct paths roots[2];

	make_roots(roots);
	for (unsigned i = 0; i < 10000; i++) {
		unsigned seed = i;
		struct world again = { 0 };
		cleanup(zconf_freep) struct zconf *made = random_conf(&seed);
		cleanup(zconf_freep) struct zconf *there = NULL;
		struct world w = { .stored = committed(&roots[0], made, i) };
		struct buf text = { 0 };
		struct errmsg e = { "" };

		T_OK(run(&w, "export", &text, NULL, &e));
		if (run(&again, text.p, NULL, NULL, &e) < 0 || !again.stored)
			T_FAIL("seed %u: %s\n%s", i, e.text, text.p);
		there = committed(&roots[1], again.stored, i);
		drop_key(made); /* it is in a file of its own */
		if (!zconf_equal(made, there))
			T_FAIL("seed %u\n%s", i, text.p);
		buf_fini(&text);
		world_fini(&w);
		world_fini(&again);
	}
	remove_roots(roots);
}
