// SPDX-License-Identifier: BSD-2-Clause
/*
 * fuzz_zonecfg.c - any text as zonecfg's commands, on a world that keeps one
 * configuration
 *
 * Beside not crashing: what a run leaves behind can be exported and read back the same.
 */
#include "cli/zonecfg_cmd.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static int f_load(void *ctx, struct zconf **ret_conf, struct errmsg *e)
{
	struct zconf *const *stored = ctx;

	return *stored ? zconf_copy(*stored, "db", ret_conf, e) : -ENOENT;
}

static int f_template(void *ctx, const char *name, struct zconf **ret_conf,
		      struct errmsg *e)
{
	return zconf_new("db", ret_conf, e);
}

static int f_verify(void *ctx, const struct zconf *c, const struct zconf *old,
		    struct errmsg *e)
{
	return 0;
}

static int f_fine(void *ctx, struct errmsg *e)
{
	return 0;
}

static int f_may_rename(void *ctx, const char *name, struct errmsg *e)
{
	return 0;
}

static int f_save(void *ctx, const struct zconf *c, struct errmsg *e)
{
	struct zconf **stored = ctx;

	zconf_free(*stored);
	*stored = NULL;
	return zconf_copy(c, "db", stored, e);
}

static int f_remove(void *ctx, struct errmsg *e)
{
	struct zconf **stored = ctx;

	zconf_free(*stored);
	*stored = NULL;
	return 0;
}

static int f_ask(void *ctx, const char *why, const char *question)
{
	return 1;
}

static int f_write_file(void *ctx, const char *path, const char *text, bool secret,
			struct errmsg *e)
{
	return 0;
}

static int f_archive(void *ctx, const char *path, struct zconf **ret_conf,
		     struct errmsg *e)
{
	return errmsg_set(e, -ENOENT, "no file");
}

/* The key as it was set; references lead nowhere here. */
static int f_load_key(void *ctx, const struct zconf *c, bool shown,
		      char ret_hex[static KEY_HEX_LEN + 1], struct errmsg *e)
{
	const char *raw = zres_text(zconf_next(c, RES_KEYSOURCE, NULL), PROP_KEY_RAW);

	if (key_is_ref(raw))
		return errmsg_set(e, -ENOENT, "no key");
	memcpy(ret_hex, raw, KEY_HEX_LEN + 1);
	return 0;
}

static int f_random(void *ctx, void *bytes, size_t n)
{
	static unsigned seed;

	for (size_t i = 0; i < n; i++)
		((unsigned char *)bytes)[i] = (unsigned char)rand_r(&seed);
	return 0;
}

static const struct zcfg_ops ops = {
	.load = f_load,
	.template = f_template,
	.verify = f_verify,
	.lock = f_fine,
	.may_remove = f_fine,
	.may_rename = f_may_rename,
	.save = f_save,
	.remove = f_remove,
	.ask = f_ask,
	.write_file = f_write_file,
	.archive = f_archive,
	.load_key = f_load_key,
	.random = { f_random, NULL },
};

/* Runs the lines of a text; what failed does not matter when errors are for people. */
static int run(struct zconf **stored, const char *text, bool interactive, struct buf *out)
{
	struct errmsg e = { "" };
	struct zcfg s;
	int r = zcfg_init(&s, &ops, stored, "db", interactive, &e);

	while ((r == 0 || interactive) && !s.done && *text) {
		size_t len = strcspn(text, "\n");
		char *line = strndup(text, len);

		ASSERT(line);
		r = zcfg_line(&s, line, &e);
		ASSERT((r == 0) == (e.text[0] == '\0'));
		e.text[0] = '\0';
		free(line);
		text += len + (text[len] == '\n');
	}
	if (r == 0)
		r = zcfg_finish(&s, &e);
	if (out && s.out.p)
		buf_adds(out, s.out.p);
	zcfg_fini(&s);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct zconf *stored = NULL, *again = NULL;
	struct buf text = { 0 };
	char *script;

	if (!size)
		return 0;
	script = strndup((const char *)data + 1, size - 1);
	ASSERT(script);
	run(&stored, script, data[0] == 'i', NULL);
	if (stored) {
		/* A new zone begins with `create -b`, which sets the brand. */
		ASSERT(zres_set(&stored->global, PROP_BRAND, "solaris-kz", NULL) == 0);
		if (run(&stored, "export", false, &text) == 0) {
			ASSERT(run(&again, text.p, false, NULL) == 0);
			ASSERT(again && zconf_equal(stored, again));
		}
	}
	buf_fini(&text);
	zconf_free(stored);
	zconf_free(again);
	free(script);
	return 0;
}
