// SPDX-License-Identifier: BSD-2-Clause
/*
 * zonecfg_complete.c - candidates of a line's place, from the tables
 */
#include "cli/zonecfg_complete.h"

#include "cli/zonecfg_lex.h"
#include "common/zone/templates.h"

#include <string.h>

/* Stands at the cursor while the line is taken apart: nobody types this character. */
#define MARK     "\xee\x80\x80"
#define MARK_LEN (sizeof(MARK) - 1)

static const struct {
	const char *name, *where, *syntax;
} commands[] = {
#define X(id, name, where, syntax, help) { name, where, syntax },
	ZCFG_COMMANDS(X)
#undef X
};

/* One call of zcfg_complete(). */
struct place {
	const struct zcfg *s;
	enum res_type scope; /* of the resource that is being edited, or RES_GLOBAL */
	struct zlex_cmd cmd; /* the command at the cursor; its last word is the stem */
	const char *stem;
	struct zcfg_candidates found;
	int err; /* 0 or -ENOMEM, sticky */
};

void zcfg_candidates_fini(struct zcfg_candidates *c)
{
	for (unsigned i = 0; i < c->n; i++)
		free(c->text[i]);
	free(c->text);
	*c = (struct zcfg_candidates){ 0 };
}

size_t zcfg_candidates_common(const struct zcfg_candidates *c)
{
	size_t len = c->n ? strlen(c->text[0]) : 0;

	for (unsigned i = 1; i < c->n; i++) {
		size_t k = 0;

		while (k < len && c->text[i][k] == c->text[0][k])
			k++;
		len = k;
	}
	return len;
}

/* A candidate of @len bytes and what follows it, if it begins with the stem. */
static void offer_part(struct place *p, const char *text, size_t len, const char *after)
{
	cleanup(buf_fini) struct buf b = { 0 };
	size_t stem_len = strlen(p->stem);
	char **more;

	if (p->err || len < stem_len || strncmp(text, p->stem, stem_len) != 0)
		return;
	more = realloc(p->found.text, (p->found.n + 1) * sizeof(*more));
	if (!more) {
		p->err = -ENOMEM;
		return;
	}
	p->found.text = more;
	buf_add(&b, text, len);
	buf_adds(&b, after);
	p->err = buf_take(&b, &more[p->found.n]);
	p->found.n += p->err == 0;
}

static void offer(struct place *p, const char *text, const char *after)
{
	offer_part(p, text, strlen(text), after);
}

static void offer_commands(struct place *p, const char *where)
{
	for (unsigned i = 0; i < ARRAY_SIZE(commands); i++)
		if (!where || strchr(commands[i].where, *where))
			offer(p, commands[i].name, " ");
}

/* How many of a type there are where the cursor is; of inner ones only what is known. */
static unsigned count(const struct place *p, enum res_type type)
{
	unsigned n = 0;

	if (res_defs[type].parent == RES_GLOBAL)
		return p->s->conf ? zconf_count(p->s->conf, type) : 0;
	for (unsigned i = 0; p->s->in_res && i < p->s->res.n_inner; i++)
		n += p->s->res.inner[i].type == type;
	return n;
}

/* Types that a zone can still have (add), has (select, …), or all (help). */
static void offer_types(struct place *p, const char *command)
{
	for (unsigned t = RES_GLOBAL + 1; t < RES_TYPE_N; t++) {
		unsigned n = count(p, (enum res_type)t);
		bool full = res_defs[t].max && n >= res_defs[t].max;
		bool inside = res_defs[t].parent == p->scope;

		if (strcmp(command, "help") == 0 ||
		    (inside && (strcmp(command, "add") == 0 ? !full : n > 0)))
			offer(p, res_defs[t].name, " ");
	}
}

static void offer_properties(struct place *p, enum res_type type, const char *after)
{
	const struct res_def *rd = &res_defs[type];

	for (unsigned i = 0; i < rd->n_props; i++)
		offer(p, prop_def((enum prop_id)(rd->first + i))->name, after);
	if (type == RES_GLOBAL)
		offer(p, "zonename", after);
}

/* Those of which `add` and `remove` take values. */
static void offer_lists(struct place *p)
{
	const struct res_def *rd = &res_defs[p->scope];

	for (unsigned i = 0; p->scope != RES_GLOBAL && i < rd->n_props; i++) {
		const struct prop_def *d = &prop_defs[rd->first + i];

		if ((d->flags & PF_LIST) || d->kind == KIND_RCTL)
			offer(p, d->name, " ");
	}
}

/* The words of an enumeration, between '|'. */
static void offer_words(struct place *p, const char *words)
{
	while (words && *words) {
		size_t len = strcspn(words, "|");

		offer_part(p, words, len, "");
		words += len + (words[len] == '|');
	}
}

/* What a property can be set to; with @filter, what the zone's resources have. */
static void offer_values(struct place *p, enum res_type type, const char *name,
			 bool filter)
{
	enum prop_id prop = PROP_BRAND;
	const struct zres *r = NULL;
	const struct prop_def *d;

	if (prop_find(type, name, &prop, NULL) < 0)
		return;
	d = prop_def(prop);
	while (filter && p->s->conf && (r = zconf_next(p->s->conf, type, r))) {
		const char *text = zres_text(r, prop);

		if (text && !strpbrk(text, " \t;\"'#"))
			offer(p, text, "");
	}
	if (!filter && d->kind == KIND_BOOL)
		offer_words(p, "false|true");
	else if (!filter) /* those that stand for something else too */
		offer_words(p, d->words);
}

static void offer_templates(struct place *p)
{
	for (unsigned i = 0; i < zone_templates_n; i++)
		offer(p, zone_templates[i].name, " ");
}

/* The options of a syntax: each "-x" of it. */
static void offer_options(struct place *p, const char *syntax)
{
	for (const char *o = strchr(syntax, '-'); o; o = strchr(o + 1, '-'))
		if (o[-1] == '[' || o[-1] == ' ')
			offer_part(p, o, 2, " ");
}

/* Does the option take a value? "-t TEMPLATE" is told apart from "-F]" and "-b |". */
static const char *option_value(const char *syntax, const char *option)
{
	const char *o = strlen(option) == 2 ? strstr(syntax, option) : NULL;

	return o && o[2] == ' ' && o[3] >= 'A' && o[3] <= 'Z' ? o + 3 : NULL;
}

static bool is(const char *token, size_t len, const char *word)
{
	return strlen(word) == len && strncmp(token, word, len) == 0;
}

/* One token of a syntax, where it is the cursor's turn. @first: the word before it. */
static void offer_token(struct place *p, const char *token, size_t len, const char *first)
{
	enum res_type type = p->scope;

	if (first && res_find(p->scope, first, &type, NULL) < 0)
		type = p->scope;
	if (is(token, len, "TYPE"))
		offer_types(p, p->cmd.word[0].text);
	else if (is(token, len, "SUBCOMMAND"))
		offer_commands(p, NULL);
	else if (is(token, len, "PROPERTY") && strcmp(p->cmd.word[0].text, "help") == 0)
		for (unsigned t = 0; t < RES_TYPE_N; t++)
			offer_properties(p, (enum res_type)t, " ");
	else if (is(token, len, "PROPERTY") &&
		 (strcmp(p->cmd.word[0].text, "add") == 0 ||
		  strcmp(p->cmd.word[0].text, "remove") == 0))
		offer_lists(p);
	else if (is(token, len, "PROPERTY"))
		offer_properties(p, type, " ");
	else if (len >= 14 && strncmp(token, "PROPERTY=VALUE", 14) == 0)
		offer_properties(p, type, "=");
	else if (is(token, len, "VALUE") && first)
		offer_values(p, p->scope, first, false);
}

/*
 * Walks a syntax. Alternatives begin at its head and after each '|'; what begins one is
 * for the first operand, what follows in it for the later ones.
 */
static void offer_operand(struct place *p, const char *syntax, const char *first)
{
	const char *t = syntax + strcspn(syntax, " ");
	bool head = true, of_option = false;

	while (*(t += strspn(t, " []"))) {
		size_t len = strcspn(t, " []");

		if (*t == '|') {
			head = true;
		} else if (*t == '-') {
			of_option = option_value(t, (char[]){ t[0], t[1], '\0' });
		} else if (of_option) {
			of_option = false;
		} else {
			if (head == !first)
				offer_token(p, t, len, first);
			head = false;
		}
		t += len;
	}
}

/* The arguments of a command whose name is complete. */
static void offer_arguments(struct place *p, const char *syntax)
{
	const struct zlex_word *w = p->cmd.word;
	unsigned last = p->cmd.n - 1, i = 1;
	const char *value = last > 1 ? option_value(syntax, w[last - 1].text) : NULL;
	enum res_type type = p->scope;
	const char *first = NULL;

	for (i = 1; i < last && !first; i++) {
		if (w[i].text[0] != '-')
			first = w[i].text;
		else if (option_value(syntax, w[i].text))
			i++;
	}
	if (value && w[last - 1].text[0] == '-') {
		if (strncmp(value, "TEMPLATE", 8) == 0)
			offer_templates(p);
	} else if (last > 2 && w[last - 1].equals) {
		bool filter = strstr(syntax, "TYPE") && first &&
			      first != w[last - 2].text &&
			      res_find(p->scope, first, &type, NULL) == 0;

		offer_values(p, type, w[last - 2].text, filter);
	} else if (p->stem[0] == '-') {
		offer_options(p, syntax);
	} else {
		offer_operand(p, syntax, first);
	}
}

/* Resources that earlier commands of the line begin and end. */
static void follow_scope(struct place *p, const struct zlex_cmd *c)
{
	const char *name = c->n ? c->word[0].text : "";
	enum res_type type = RES_GLOBAL;

	if (strcmp(name, "end") == 0 || strcmp(name, "cancel") == 0)
		p->scope = res_defs[p->scope].parent;
	else if ((strcmp(name, "add") == 0 || strcmp(name, "select") == 0) && c->n > 1 &&
		 res_find(p->scope, c->word[1].text, &type, NULL) == 0)
		p->scope = type;
}

/* The word at the cursor: true with its mark removed, false when there is none. */
static bool take_stem(struct place *p)
{
	size_t len;
	char *text;

	if (!p->cmd.n || p->cmd.word[p->cmd.n - 1].equals)
		return false;
	text = p->cmd.word[p->cmd.n - 1].text;
	len = strlen(text);
	if (len < MARK_LEN || strcmp(text + len - MARK_LEN, MARK) != 0)
		return false;
	text[len - MARK_LEN] = '\0';
	p->stem = text;
	p->found.stem = len - MARK_LEN;
	return true;
}

/* Takes the line apart up to the command at the cursor. False: nothing is completed. */
static bool find_place(struct place *p, const char *line, size_t cursor)
{
	cleanup(buf_fini) struct buf b = { 0 };
	struct errmsg e;
	const char *pos;
	int more;

	buf_add(&b, line, cursor);
	buf_adds(&b, MARK);
	p->err = buf_error(&b);
	if (p->err)
		return false;
	pos = b.p;
	while ((more = zlex_next(&pos, &p->cmd, &e)) > 0 && *pos) {
		follow_scope(p, &p->cmd);
		zlex_cmd_fini(&p->cmd);
	}
	p->err = more == -ENOMEM ? more : 0;
	/* A quoted word is not what stands before the cursor. */
	return more > 0 && take_stem(p) && p->found.stem <= cursor &&
	       memcmp(line + cursor - p->found.stem, p->stem, p->found.stem) == 0;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort_and_unite(struct zcfg_candidates *c)
{
	unsigned n = 0;

	if (c->n)
		qsort(c->text, c->n, sizeof(*c->text), compare);
	for (unsigned i = 0; i < c->n; i++) {
		if (n && strcmp(c->text[i], c->text[n - 1]) == 0)
			free(c->text[i]);
		else
			c->text[n++] = c->text[i];
	}
	c->n = n;
}

int zcfg_complete(const struct zcfg *s, const char *line, size_t cursor,
		  struct zcfg_candidates *ret)
{
	struct place p = { .s = s, .scope = zcfg_scope(s) };

	if (find_place(&p, line, cursor)) {
		if (p.cmd.n == 1)
			offer_commands(&p, p.scope == RES_GLOBAL ? "G" : "R");
		for (unsigned i = 0; p.cmd.n > 1 && i < ARRAY_SIZE(commands); i++)
			if (strcmp(commands[i].name, p.cmd.word[0].text) == 0)
				offer_arguments(&p, commands[i].syntax);
	}
	zlex_cmd_fini(&p.cmd);
	if (p.err) {
		zcfg_candidates_fini(&p.found);
		return p.err;
	}
	sort_and_unite(&p.found);
	*ret = p.found;
	return 0;
}
