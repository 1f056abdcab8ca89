// SPDX-License-Identifier: BSD-2-Clause
/*
 * zonecfg_lex.c - the words of zonecfg's command language
 */
#include "cli/zonecfg_lex.h"

#include "common/base/buf.h"
#include "common/base/utf8.h"

#include <string.h>

void zlex_cmd_fini(struct zlex_cmd *c)
{
	for (unsigned i = 0; i < c->n; i++) {
		explicit_bzero(c->word[i].text, strlen(c->word[i].text)); /* a key? */
		free(c->word[i].text);
	}
	c->n = 0;
}

static bool is_blank(char ch)
{
	return ch == ' ' || ch == '\t' || ch == '\r' || ch == '\n';
}

static bool ends_command(char ch)
{
	return ch == '\0' || ch == ';';
}

/* The quoted part at *pos into b. 0 or -EINVAL. */
static int lex_quoted(const char **pos, struct buf *b, struct errmsg *e)
{
	const char *p = *pos;
	char quote = *p++;

	for (; *p && *p != quote; p++) {
		if (quote == '"' && *p == '\\' && (p[1] == '"' || p[1] == '\\'))
			p++;
		buf_add(b, p, 1);
	}
	if (!*p)
		return errmsg_set(e, -EINVAL, "a quote (%c) is not ended", quote);
	*pos = p + 1;
	return 0;
}

/* The word at *pos; a value may contain '='. 0, -EINVAL, -ENOMEM. */
static int lex_word(const char **pos, bool value, char **ret_text, struct errmsg *e)
{
	cleanup(buf_fini) struct buf b = { .wipe = true };
	const char *p = *pos;
	int r = 0;

	value |= *p == '(';
	while (r == 0 && !ends_command(*p) && !is_blank(*p) && (value || *p != '=')) {
		if (*p == '"' || *p == '\'')
			r = lex_quoted(&p, &b, e);
		else
			buf_add(&b, p++, 1);
	}
	if (r < 0)
		return r;
	if (b.p && !utf8_is_plain(b.p))
		return errmsg_set(e, -EINVAL, "control characters or invalid UTF-8");
	if (buf_take(&b, ret_text) < 0)
		return errmsg_no_memory(e);
	*pos = p;
	return 0;
}

int zlex_next(const char **pos, struct zlex_cmd *ret_cmd, struct errmsg *e)
{
	struct zlex_cmd c = { .n = 0 };
	const char *p = *pos;
	bool value = false; /* the last word was '=' */
	bool seen =
		false; /* an '=' that no value has followed yet ends the next word too */
	int r = 0;

	if (!*p)
		return 0;
	while (r == 0) {
		struct zlex_word *w = &c.word[c.n];

		while (is_blank(*p))
			p++;
		if (*p == '#')
			p += strlen(p);
		if (ends_command(*p))
			break;
		if (c.n == ZLEX_WORDS_MAX) {
			r = errmsg_set(e, -EINVAL, "more than %d words", ZLEX_WORDS_MAX);
			break;
		}
		seen = *p == '=' && !value;
		if (seen) {
			p++;
			w->text = strdup("=");
			r = w->text ? 0 : errmsg_no_memory(e);
		} else {
			r = lex_word(&p, value, &w->text, e);
		}
		w->equals = value = seen;
		c.n += r == 0;
	}
	if (r < 0) {
		zlex_cmd_fini(&c);
		return r;
	}
	*pos = *p ? p + 1 : p;
	*ret_cmd = c;
	return 1;
}
