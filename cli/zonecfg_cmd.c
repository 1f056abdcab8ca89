// SPDX-License-Identifier: BSD-2-Clause
/*
 * zonecfg_cmd.c - the session: dispatch of subcommands, and those about the whole zone
 */
#include "cli/zonecfg_priv.h"

#include <string.h>

#define TEMPLATE_DEFAULT "SYSdefault"

enum zcfg_command {
#define X(id, name, where, syntax, help) CMD_##id,
	ZCFG_COMMANDS(X)
#undef X
		CMD_N
};

static int no_zone(const struct zcfg *s, struct errmsg *e)
{
	if (s->unnamed)
		return errmsg_set(e, -ENOENT,
				  "there is no configuration yet: create one");
	if (s->broken.text[0])
		return errmsg_set(e, -EINVAL, "%s", s->broken.text);
	return errmsg_set(e, -ENOENT, "%s: No such zone configured", s->zone);
}

/* conf and saved become what is stored now; @e is never NULL here. */
static int reload(struct zcfg *s, struct errmsg *e)
{
	cleanup(zconf_freep) struct zconf *stored = NULL;
	cleanup(zconf_freep) struct zconf *copy = NULL;
	int r = s->ops->load(s->ctx, &stored, e);

	if (r < 0 && r != -ENOENT && r != -EINVAL)
		return r;
	s->broken = r == -EINVAL ? *e : (struct errmsg){ "" };
	if (stored) {
		r = zconf_copy(stored, s->zone, &copy, e);
		if (r < 0)
			return r;
	}
	zconf_free(s->saved);
	zconf_free(s->conf);
	s->saved = take_ptr(&stored);
	s->conf = take_ptr(&copy);
	return 0;
}

static void leave_all(struct zcfg *s)
{
	while (s->in_res)
		zcfg_leave(s);
}

int zcfg_init(struct zcfg *s, const struct zcfg_ops *ops, void *ctx, const char *zone,
	      bool interactive, struct errmsg *e)
{
	*s = (struct zcfg){
		.ops = ops,
		.ctx = ctx,
		.interactive = interactive,
		.out.wipe = true, /* export prints the key */
	};
	strcpy(s->zone, zone); /* at most ZONE_NAME_MAX */
	return reload(s, e);
}

void zcfg_fini(struct zcfg *s)
{
	leave_all(s);
	zconf_free(s->conf);
	zconf_free(s->saved);
	buf_fini(&s->out);
}

int zcfg_want_change(struct zcfg *s, struct errmsg *e)
{
	bool existed = s->conf;
	int r;

	if (s->locked)
		return 0;
	r = s->ops->lock(s->ctx, e);
	if (r == 0)
		r = reload(s, e);
	if (r < 0)
		return r;
	s->locked = true;
	if (existed && !s->conf)
		return errmsg_set(e, -ENOENT, "%s: somebody has deleted the zone",
				  s->zone);
	return 0;
}

int zcfg_confirm(struct zcfg *s, const struct zcfg_args *a, const char *question,
		 struct errmsg *e)
{
	int r;

	if (a->force)
		return 0;
	r = s->interactive ? s->ops->ask(s->ctx, NULL, question) : -ENOTTY;
	if (r == -ENOTTY)
		return errmsg_set(e, -EINVAL,
				  "Input not from terminal and -F not specified");
	return r > 0 ? 0 : errmsg_set(e, -ECANCELED, "nothing changed");
}

static bool has_changed(const struct zcfg *s)
{
	return s->conf && !s->unnamed && (!s->saved || !zconf_equal(s->conf, s->saved));
}

/* Saves or removes what counts as committed, now or (a transaction) in the end. */
static int store(struct zcfg *s, enum zcfg_pending what, struct errmsg *e)
{
	s->pending = what;
	if (!s->interactive)
		return 0;
	s->pending = ZCFG_NOTHING;
	return what == ZCFG_SAVE ? s->ops->save(s->ctx, s->conf, e)
				 : s->ops->remove(s->ctx, e);
}

/* The new name of a zone is the one that is stored, from here on; unless it was only
 * checked. */
static void renamed(struct zcfg *s)
{
	if (s->pending != ZCFG_NOTHING || s->check_only)
		return;
	memcpy(s->zone, s->conf->name, sizeof(s->zone));
	s->conf->stored_as[0] = s->saved->stored_as[0] = '\0';
}

static int cmd_commit(struct zcfg *s, const struct zcfg_args *a, struct errmsg *e)
{
	cleanup(zconf_freep) struct zconf *copy = NULL;
	int r;

	if (s->unnamed)
		return errmsg_set(e, -EINVAL,
				  "the zone has no name: zonecfg -z zonename, "
				  "or export it");
	r = zcfg_want_change(s, e);
	if (r == 0 && !s->live)
		r = zconf_fill_all(s->conf, zcfg_random(s), e);
	if (r == 0)
		r = s->ops->verify(s->ctx, s->conf, s->saved, e);
	if (r == 0)
		r = zconf_copy(s->conf, s->conf->name, &copy, e);
	if (r == 0)
		r = store(s, ZCFG_SAVE, e);
	if (r < 0)
		return r;
	zconf_free(s->saved);
	s->saved = take_ptr(&copy);
	s->broken.text[0] = '\0';
	renamed(s);
	return 0;
}

static int cmd_verify(struct zcfg *s, const struct zcfg_args *a, struct errmsg *e)
{
	return s->ops->verify(s->ctx, s->conf, NULL, e);
}

/* What create begins with, by its options. */
static int first_conf(struct zcfg *s, const struct zcfg_args *a, struct zconf **ret_conf,
		      struct errmsg *e)
{
	cleanup(zconf_freep) struct zconf *c = NULL;
	int r;

	if (a->option == 'a')
		return s->ops->archive(s->ctx, a->value, ret_conf, e);
	if (!a->blank)
		return s->ops->template(s->ctx, a->value ? a->value : TEMPLATE_DEFAULT,
					ret_conf, e);
	r = zconf_new(s->zone, &c, e);
	if (r == 0)
		r = zres_set(&c->global, PROP_BRAND, prop_def(PROP_BRAND)->def, e);
	if (r == 0)
		*ret_conf = take_ptr(&c);
	return r;
}

static int cmd_create(struct zcfg *s, const struct zcfg_args *a, struct errmsg *e)
{
	cleanup(zconf_freep) struct zconf *c = NULL;
	int r;

	if (a->blank && a->value)
		return errmsg_set(e, -EINVAL, "-b and -%c exclude each other", a->option);
	r = zcfg_want_change(s, e);
	if (r == 0 && s->conf && !a->force)
		r = errmsg_set(e, -EEXIST, "%s: zone already exists; -F starts over",
			       s->zone);
	if (r == 0 && s->broken.text[0] && !a->force)
		r = no_zone(s, e);
	if (r == 0 && s->saved)
		r = s->ops->may_remove(s->ctx, e);
	if (r == 0)
		r = first_conf(s, a, &c, e);
	if (r == 0)
		r = zconf_fill_all(c, zcfg_random(s), e);
	if (r < 0)
		return r;
	zconf_free(s->conf);
	s->conf = take_ptr(&c);
	return 0;
}

static int cmd_delete(struct zcfg *s, const struct zcfg_args *a, struct errmsg *e)
{
	bool exists;
	int r = zcfg_want_change(s, e);

	if (r == 0 && !s->conf && !s->broken.text[0])
		r = no_zone(s, e);
	if (r == 0)
		r = s->ops->may_remove(s->ctx, e);
	if (r == 0)
		r = zcfg_confirm(s, a, "Are you sure you want to delete the zone", e);
	exists = s->saved || s->broken.text[0];
	if (r == 0 && exists)
		r = store(s, ZCFG_REMOVE, e);
	if (r < 0)
		return r;
	zconf_free(s->conf);
	zconf_free(s->saved);
	s->conf = s->saved = NULL;
	s->broken.text[0] = '\0';
	return 0;
}

static int cmd_revert(struct zcfg *s, const struct zcfg_args *a, struct errmsg *e)
{
	cleanup(zconf_freep) struct zconf *copy = NULL;
	int r = zcfg_confirm(s, a, "Are you sure you want to revert", e);

	if (r == 0 && s->saved)
		r = zconf_copy(s->saved, s->saved->name, &copy, e);
	if (r < 0)
		return r;
	zconf_free(s->conf);
	s->conf = take_ptr(&copy);
	return 0;
}

/* What keeps a session from ending, and the commit that ends it. */
static int leave(struct zcfg *s, struct errmsg *e)
{
	static const struct zcfg_args none = { .n = 0 };

	if (s->in_res)
		return errmsg_set(e, -EINVAL,
				  "%s: the resource is not ended: end or cancel it",
				  res_defs[zcfg_scope(s)].name);
	return has_changed(s) ? cmd_commit(s, &none, e) : 0;
}

/* Leaves without what is not committed. */
static void give_up(struct zcfg *s)
{
	leave_all(s);
	zconf_free(s->conf);
	s->conf = NULL;
}

/*
 * A person has said exit, or the input has ended: what keeps the session from ending is
 * asked about, as on Solaris. Who cannot be asked any more has left, unsaved.
 */
static int leave_asking(struct zcfg *s, struct errmsg *e)
{
	int r, answer = 1;

	if (s->in_res)
		answer = s->ops->ask(s->ctx, NULL, "Resource incomplete; really quit");
	if (answer == -ENODATA) {
		s->unsaved = true;
		give_up(s);
		return 0;
	}
	if (answer > 0)
		leave_all(s);
	r = leave(s, e);
	if (r == 0 || s->in_res)
		return r;
	answer = s->ops->ask(s->ctx, e ? e->text : "",
			     "Configuration not saved; really quit");
	if (answer <= 0 && answer != -ENODATA)
		return errmsg_set(e, -ECANCELED, "exit -F leaves without saving");
	if (e)
		e->text[0] = '\0';
	s->unsaved = true;
	give_up(s);
	return 0;
}

static int cmd_exit(struct zcfg *s, const struct zcfg_args *a, struct errmsg *e)
{
	int r = 0;

	if (a->force)
		give_up(s);
	else
		r = s->interactive ? leave_asking(s, e) : leave(s, e);
	s->done = r == 0;
	return r;
}

/* Prints, or writes to a file, with the key or (NULL) without one. */
static int export(struct zcfg *s, const char *file, const char *key, struct errmsg *e)
{
	cleanup(buf_fini) struct buf b = { .wipe = true };

	if (!file) {
		zcfg_print_export(&s->out, s->conf, key);
		return 0;
	}
	zcfg_print_export(&b, s->conf, key);
	if (buf_error(&b))
		return errmsg_no_memory(e);
	return s->ops->write_file(s->ctx, file, b.p, key, e);
}

static int cmd_export(struct zcfg *s, const struct zcfg_args *a, struct errmsg *e)
{
	const struct zres *source = zconf_next(s->conf, RES_KEYSOURCE, NULL);
	char key[KEY_HEX_LEN + 1] = "";
	int r = 0;

	if (source && zres_is_set(source, PROP_KEY_RAW))
		r = s->ops->load_key(s->ctx, s->conf, !a->value, key, e);
	if (r == 0)
		r = export(s, a->value, *key ? key : NULL, e);
	explicit_bzero(key, sizeof(key));
	return r;
}

static int cmd_help(struct zcfg *s, const struct zcfg_args *a, struct errmsg *e)
{
	return zcfg_help(&s->out, a->n ? a->word[0].text : NULL, e);
}

/* The table: what ZCFG_COMMANDS says, and how each is done. */
static const struct command {
	const char *name, *where, *syntax, *help;
	const char *options; /* letters; ':' takes a value */
	unsigned max_words;
	bool without_zone; /* allowed when the zone does not exist */
	int (*run)(struct zcfg *s, const struct zcfg_args *a, struct errmsg *e);
} commands[CMD_N] = {
#define X(id, name, where, syntax, help) \
	[CMD_##id] = { name, where, syntax, help, CMD_RUN_##id },
#define CMD_RUN_ADD    "", 2, false, zcfg_add
#define CMD_RUN_CANCEL "", 0, false, zcfg_cancel
#define CMD_RUN_CLEAR  "", 1, false, zcfg_clear
#define CMD_RUN_COMMIT "", 0, false, cmd_commit
#define CMD_RUN_CREATE "Fa:bt:", 0, true, cmd_create
#define CMD_RUN_DELETE "F", 0, true, cmd_delete
#define CMD_RUN_END    "", 0, false, zcfg_end
#define CMD_RUN_EXIT   "F", 0, true, cmd_exit
#define CMD_RUN_EXPORT "f:", 0, false, cmd_export
#define CMD_RUN_HELP   "", 1, true, cmd_help
#define CMD_RUN_INFO   "", ZLEX_WORDS_MAX, false, zcfg_info
#define CMD_RUN_REMOVE "F", ZLEX_WORDS_MAX, false, zcfg_remove
#define CMD_RUN_REVERT "F", 0, false, cmd_revert
#define CMD_RUN_SELECT "", ZLEX_WORDS_MAX, false, zcfg_select
#define CMD_RUN_SET    "", ZLEX_WORDS_MAX, false, zcfg_set
#define CMD_RUN_VERIFY "", 0, false, cmd_verify
	ZCFG_COMMANDS(X)
#undef X
};

static int command_find(const char *name, const struct command **ret, struct errmsg *e)
{
	static const char known[] =
#define X(id, cmd, where, syntax, help) ", " cmd
		ZCFG_COMMANDS(X);
#undef X

	for (unsigned i = 0; i < CMD_N; i++) {
		if (strcmp(commands[i].name, name) == 0) {
			*ret = &commands[i];
			return 0;
		}
	}
	return errmsg_set(e, -ENOENT, "\"%.64s\": no such subcommand; there are: %s",
			  name, known + 2);
}

/* One word of options, "-Fb"; its value may be the next word. Gives the words it took. */
static int take_option_word(const struct command *c, const struct zlex_word *w,
			    unsigned left, struct zcfg_args *a, struct errmsg *e)
{
	for (const char *p = w->text + 1; *p; p++) {
		const char *o = *p == ':' ? NULL : strchr(c->options, *p);

		if (!o)
			return errmsg_set(e, -EINVAL, "-%c: no such option; syntax: %s",
					  *p, c->syntax);
		a->force |= *p == 'F';
		a->blank |= *p == 'b';
		if (o[1] != ':')
			continue;
		if (!p[1] && left < 2)
			return errmsg_set(e, -EINVAL,
					  "-%c: a value is expected; syntax: %s", *p,
					  c->syntax);
		if (a->value)
			return errmsg_set(e, -EINVAL, "-%c and -%c exclude each other",
					  a->option, *p);
		a->option = *p;
		a->value = p[1] ? p + 1 : w[1].text;
		return p[1] ? 1 : 2;
	}
	return 1;
}

static int take_options(const struct command *c, const struct zlex_cmd *cmd,
			struct zcfg_args *ret, struct errmsg *e)
{
	struct zcfg_args a = { .n = 0 };
	unsigned at = 1;

	while (at < cmd->n && cmd->word[at].text[0] == '-' && cmd->word[at].text[1]) {
		int r = take_option_word(c, &cmd->word[at], cmd->n - at, &a, e);

		if (r < 0)
			return r;
		at += (unsigned)r;
	}
	a.word = cmd->word + at;
	a.n = cmd->n - at;
	if (a.n > c->max_words)
		return errmsg_set(e, -EINVAL, "\"%.64s\": unexpected; syntax: %s",
				  a.word[c->max_words].text, c->syntax);
	*ret = a;
	return 0;
}

static int run_command(struct zcfg *s, const struct zlex_cmd *cmd, struct errmsg *e)
{
	const struct command *c = NULL;
	struct zcfg_args a;
	int r = command_find(cmd->word[0].text, &c, e);

	if (r == 0)
		r = take_options(c, cmd, &a, e);
	if (r < 0)
		return r;
	if (!strchr(c->where, s->in_res ? 'R' : 'G'))
		return errmsg_set(
			e, -EINVAL,
			s->in_res ? "%s: not inside a resource: end or cancel it"
				  : "%s: only inside a resource: add or select one",
			c->name);
	if (s->live && !strchr(c->where, 'L'))
		return errmsg_set(e, -ENOTSUP, "%s: not in a running zone", c->name);
	if (!s->conf && !c->without_zone)
		return no_zone(s, e);
	r = c->run(s, &a, e);
	if (r == 0 && buf_error(&s->out))
		r = errmsg_no_memory(e);
	return r;
}

int zcfg_line(struct zcfg *s, const char *line, struct errmsg *e)
{
	const char *begin = line;
	int r = 0;

	while (r == 0 && !s->done) {
		struct zlex_cmd cmd;
		int more;

		s->column = (size_t)(line - begin) + strspn(line, " \t") + 1;
		more = zlex_next(&line, &cmd, e);
		if (more <= 0)
			return more;
		if (cmd.n)
			r = run_command(s, &cmd, e);
		zlex_cmd_fini(&cmd);
	}
	return r;
}

int zcfg_finish(struct zcfg *s, struct errmsg *e)
{
	int r = leave(s, e);

	if (r < 0 || s->pending == ZCFG_NOTHING)
		return r;
	r = s->pending == ZCFG_SAVE ? s->ops->save(s->ctx, s->saved, e)
				    : s->ops->remove(s->ctx, e);
	s->pending = ZCFG_NOTHING;
	return r;
}

static void help_prop(struct buf *out, enum prop_id prop)
{
	const struct prop_def *d = prop_def(prop);
	char allowed[200];

	prop_allowed(prop, allowed, sizeof(allowed));
	buf_addf(out, "\t%-26s%s\n\t\t(%s%s%s%s; takes effect %s%s)\n", d->name, d->help,
		 allowed, d->flags & PF_REQUIRED ? "; required" : "",
		 d->def ? "; default " : "", d->def ? d->def : "",
		 prop_when_help[d->when],
		 d->flags & PF_INERT ? "; stored, but not applied yet" : "");
}

/* Not one of the table's: it is the name of the file. */
static const char zonename_help[] =
	"\tzonename                  name of the zone\n"
	"\t\t(a zone name; takes effect at commit; not once the zone is installed)\n";

static void help_type(struct buf *out, enum res_type type)
{
	const struct res_def *rd = &res_defs[type];

	buf_addf(out, "%s: %s%s%s\n", rd->name, rd->help,
		 rd->parent != RES_GLOBAL ? "; lies inside " : "",
		 rd->parent != RES_GLOBAL ? res_defs[rd->parent].name : "");
	if (type == RES_GLOBAL)
		buf_adds(out, zonename_help);
	for (unsigned i = 0; i < rd->n_props; i++)
		help_prop(out, (enum prop_id)(rd->first + i));
}

/* Of any parent. */
static bool find_type(const char *name, enum res_type *ret)
{
	for (unsigned i = 0; i < RES_TYPE_N; i++) {
		if (strcmp(res_defs[i].name, name) == 0) {
			*ret = (enum res_type)i;
			return true;
		}
	}
	return false;
}

static void help_overview(struct buf *out)
{
	buf_adds(out, "Subcommands:\n");
	for (unsigned i = 0; i < CMD_N; i++)
		buf_addf(out, "\t%-52s%s\n", commands[i].syntax, commands[i].help);
	buf_adds(out, "Resource types (help TYPE lists the properties):\n");
	for (unsigned i = 0; i < RES_TYPE_N; i++)
		buf_addf(out, "\t%-18s%s\n", res_defs[i].name, res_defs[i].help);
}

int zcfg_help(struct buf *out, const char *topic, struct errmsg *e)
{
	const struct command *c = NULL;
	bool found = false;
	enum prop_id prop;
	enum res_type type;

	if (!topic) {
		help_overview(out);
		return 0;
	}
	if (command_find(topic, &c, NULL) == 0) {
		buf_addf(out, "%s: %s\n\t%s\n", c->name, c->help, c->syntax);
		return 0;
	}
	if (find_type(topic, &type)) {
		help_type(out, type);
		return 0;
	}
	if (strcmp(topic, "zonename") == 0) {
		buf_addf(out, "%s:\n%s", res_defs[RES_GLOBAL].name, zonename_help);
		return 0;
	}
	for (unsigned t = 0; t < RES_TYPE_N; t++) {
		if (prop_find((enum res_type)t, topic, &prop, NULL) < 0)
			continue;
		buf_addf(out, "%s:\n", res_defs[t].name);
		help_prop(out, prop);
		found = true;
	}
	return found ? 0 : errmsg_set(e, -ENOENT, "\"%.64s\": no such help topic", topic);
}
