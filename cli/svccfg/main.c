// SPDX-License-Identifier: BSD-2-Clause
/*
 * main.c - svccfg: the properties of the restarter itself
 *
 * Only svc:/system/zones:default has properties to be set here; a zone's are zonecfg's.
 */
#include "cli/columns.h"
#include "cli/fmri.h"
#include "cli/instances.h"
#include "cli/opts.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

struct svccfg {
	struct client client;
	json_t *reply;    /* owned; of GetProperties */
	const json_t *of; /* borrowed: its array */
};

static int failed(const char *text)
{
	fprintf(stderr, "svccfg: %s\n", text);
	return EXIT_FAILED;
}

static const char *text_of(const json_t *property, const char *key)
{
	const char *s = json_string_value(json_object_get(property, key));

	return s ? s : "?";
}

/* An exit status. */
static int call(struct svccfg *s, enum kz_method m, json_t *take_params)
{
	struct client_error e;

	return client_call(&s->client, m, take_params, NULL, &e) < 0 ? failed(e.msg.text)
								     : EXIT_DONE;
}

static const json_t *find(const struct svccfg *s, const char *name)
{
	for (size_t i = 0; i < json_array_size(s->of); i++)
		if (strcmp(text_of(json_array_get(s->of, i), "name"), name) == 0)
			return json_array_get(s->of, i);
	return NULL;
}

/* "config" is the group; without a word everything is listed. */
static bool listed(const char *word, const char *name)
{
	return !word || fnmatch(word, name, 0) == 0;
}

static void add_line(struct buf *out, const char *name, int width, const char *type,
		     const char *value)
{
	columns_cell(out, name, width);
	buf_adds(out, "  ");
	columns_cell(out, type, strlen(value) ? 12 : 0);
	buf_addf(out, "%s\n", value);
}

static int list_prop(struct svccfg *s, char **words, int n)
{
	const char *word = n ? words[0] : NULL;
	cleanup(buf_fini) struct buf out = { 0 };
	int width = 0;

	for (size_t i = 0; i < json_array_size(s->of); i++)
		width = MAX(width,
			    (int)strlen(text_of(json_array_get(s->of, i), "name")));
	if (listed(word, "config"))
		add_line(&out, "config", width, "application", "");
	for (size_t i = 0; i < json_array_size(s->of); i++) {
		const json_t *p = json_array_get(s->of, i);
		const char *value = text_of(p, "value");

		if (listed(word, text_of(p, "name")))
			add_line(&out, text_of(p, "name"), width, text_of(p, "type"),
				 *value ? value : "\"\"");
	}
	if (buf_error(&out))
		return failed("out of memory");
	fwrite(out.p ? out.p : "", 1, out.len, stdout);
	return fflush(stdout) ? failed(strerror(errno)) : EXIT_DONE;
}

static int del_prop(struct svccfg *s, char **words, int n)
{
	return call(s, KZ_DEL_PROPERTY, json_pack("{s:s}", "name", words[0]));
}

/* Cuts blanks off at both ends, in place. */
static char *trim(char *s)
{
	char *end;

	s += strspn(s, " \t\n");
	end = s + strlen(s);
	while (end > s && strchr(" \t\n", end[-1]))
		*--end = '\0';
	return s;
}

/* "count: 4" or "4": cuts the type off. NULL: it is another type than the property's. */
static char *cut_type(char *value, const char *type)
{
	size_t n = strspn(value, "abcdefghijklmnopqrstuvwxyz_");

	if (!n || value[n] != ':')
		return value;
	if (strlen(type) != n || strncmp(value, type, n) != 0)
		return NULL;
	return trim(value + n + 1);
}

static char *unquote(char *value)
{
	size_t len = strlen(value);

	if (len < 2 || value[0] != '"' || value[len - 1] != '"')
		return value;
	value[len - 1] = '\0';
	return value + 1;
}

/* One text of all the words, as the shell may have split it anywhere. */
static int join(char **words, int n, char **ret)
{
	cleanup(buf_fini) struct buf b = { 0 };

	for (int i = 0; i < n; i++)
		buf_addf(&b, "%s%s", i ? " " : "", words[i]);
	return buf_take(&b, ret);
}

static int set_prop(struct svccfg *s, char **words, int n)
{
	cleanup(freep) char *text = NULL;
	char *value, *name;
	const json_t *p;

	if (join(words, n, &text) < 0)
		return failed("out of memory");
	value = strchr(text, '=');
	if (!value) {
		failed("setprop: usage: setprop name = [type:] value");
		return EXIT_USAGE;
	}
	*value++ = '\0';
	name = trim(text);
	p = find(s, name);
	value = p ? cut_type(trim(value), text_of(p, "type")) : trim(value);
	if (!value) {
		fprintf(stderr, "svccfg: %s is of type %s\n", name, text_of(p, "type"));
		return EXIT_FAILED;
	}
	return call(s, KZ_SET_PROPERTY,
		    json_pack("{s:s, s:s}", "name", name, "value", unquote(value)));
}

static const struct verb {
	const char *name;
	int min, max;
	int (*run)(struct svccfg *s, char **words, int n);
	const char *help;
} verbs[] = {
	{ "delprop", 1, 1, del_prop, "back to the default" },
	{ "listprop", 0, 1, list_prop, "properties, all or those of a name or pattern" },
	{ "setprop", 1, 16, set_prop, "name = [type:] value" },
};

static int usage(const struct opt *opts, unsigned n, FILE *to, int status)
{
	fprintf(to, "usage: svccfg [-R root] -s fmri subcommand [argument ...]\n");
	opts_print(opts, n, to);
	fprintf(to, "subcommands:\n");
	for (unsigned i = 0; i < ARRAY_SIZE(verbs); i++)
		fprintf(to, "\t%-18s %s\n", verbs[i].name, verbs[i].help);
	return status;
}

static int run(const struct verb *v, const char *root, char **words, int n)
{
	struct svccfg s = { .client.fd = -1 };
	struct paths paths = { 0 };
	struct client_error e;
	int status, r;

	if (paths_init(&paths, root, &e.msg) < 0)
		return failed(e.msg.text);
	r = client_open(&s.client, &paths, &e);
	if (r == 0)
		r = client_call(&s.client, KZ_GET_PROPERTIES, json_object(), &s.reply,
				&e);
	s.of = json_object_get(s.reply, "properties");
	status = r < 0 ? failed(e.msg.text) : v->run(&s, words, n);
	json_decref(s.reply);
	client_close(&s.client);
	paths_fini(&paths);
	return status;
}

/* Is it the restarter that has been selected? */
static int check_selection(const char *fmri)
{
	if (fmri_matches(fmri, RESTARTER_FMRI))
		return EXIT_DONE;
	if (strstr(fmri, "zones/zone"))
		fprintf(stderr, "svccfg: %s: a zone's properties are set by zonecfg\n",
			fmri);
	else
		fprintf(stderr, "svccfg: Pattern '%s' doesn't match any instances\n",
			fmri);
	return EXIT_FAILED;
}

int main(int argc, char **argv)
{
	const char *root = NULL, *fmri = NULL;
	const struct opt opts[] = {
		{ 'R', OPT_TEXT, &root, "root", "all paths are below this directory" },
		{ 's', OPT_TEXT, &fmri, "fmri",
		  "whose properties: " RESTARTER_FMRI " or an abbreviation" },
	};
	struct errmsg e = { "" };
	const struct verb *v = NULL;
	int at = opts_parse(opts, ARRAY_SIZE(opts), argc, argv, &e), n;

	if (at == -ECANCELED)
		return usage(opts, ARRAY_SIZE(opts), stdout, EXIT_DONE);
	n = argc - at - 1;
	for (unsigned i = 0; at >= 0 && n >= 0 && i < ARRAY_SIZE(verbs); i++)
		if (strcmp(verbs[i].name, argv[at]) == 0)
			v = &verbs[i];
	if (!v && at >= 0 && at < argc)
		errmsg_set(&e, -EINVAL, "%.64s: unknown subcommand", argv[at]);
	else if (v && !fmri)
		errmsg_set(&e, -EINVAL, "whose properties? -s " RESTARTER_FMRI);
	if (!v || !fmri || n < v->min || n > v->max) {
		if (*e.text)
			failed(e.text);
		return usage(opts, ARRAY_SIZE(opts), stderr, EXIT_USAGE);
	}
	if (check_selection(fmri) != EXIT_DONE)
		return EXIT_FAILED;
	return run(v, root, argv + at + 1, n);
}
