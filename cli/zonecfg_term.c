// SPDX-License-Identifier: BSD-2-Clause
/*
 * zonecfg_term.c - lines from a person at a terminal, by libedit
 */
#include "cli/zonecfg_term.h"

#include "cli/zonecfg_complete.h"

#include <histedit.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define HISTORY_LINES 500

struct term {
	const struct zcfg *s; /* borrowed */
	EditLine *el;
	History *history;
	struct sigaction old_int;
	const char *prompt; /* borrowed, during term_read() */
	bool command;
	bool cancelled;
};

static struct term *term_of(EditLine *el)
{
	void *t = NULL;

	el_get(el, EL_CLIENTDATA, &t);
	return t;
}

static char *get_prompt(EditLine *el)
{
	return (char *)term_of(el)->prompt;
}

/* All candidates in columns, below the line; it is drawn again afterwards. */
static void show(const struct zcfg_candidates *c)
{
	size_t width = 0;
	unsigned columns;

	for (unsigned i = 0; i < c->n; i++)
		width = MAX(width, strlen(c->text[i]) + 2);
	columns = MAX(80 / (unsigned)width, 1u);
	for (unsigned i = 0; i < c->n; i++)
		printf("%s%-*s", i % columns ? "" : "\n", (int)width, c->text[i]);
	printf("\n");
	fflush(stdout);
}

/* The Tab key: what is certain is typed, what is not is shown. */
static unsigned char on_tab(EditLine *el, int ch)
{
	cleanup(zcfg_candidates_fini) struct zcfg_candidates c = { 0 };
	const struct term *t = term_of(el);
	const LineInfo *li = el_line(el);
	unsigned char result = CC_REFRESH;
	size_t common;

	if (!t->command ||
	    zcfg_complete(t->s, li->buffer, (size_t)(li->cursor - li->buffer), &c) < 0 ||
	    !c.n)
		return CC_REFRESH_BEEP;
	common = zcfg_candidates_common(&c);
	if (common > c.stem) {
		c.text[0][common] = '\0';
		if (el_insertstr(el, c.text[0] + c.stem) < 0)
			result = CC_REFRESH_BEEP;
	} else if (c.n > 1) {
		show(&c);
		result = CC_REDISPLAY;
	}
	return result;
}

static unsigned char on_cancel(EditLine *el, int ch)
{
	term_of(el)->cancelled = true;
	puts("^C");
	return CC_NEWLINE;
}

/* The keys that the terminal turns into signals outside of the editor. */
static unsigned char on_signal_key(EditLine *el, int ch)
{
	el_set(el, EL_PREP_TERM, 0);
	raise(ch == ('Z' & 0x1f) ? SIGTSTP : SIGQUIT);
	el_set(el, EL_PREP_TERM, 1);
	return CC_REDISPLAY;
}

/* Multibyte text needs a locale that knows it; names and values are UTF-8 in any case. */
static void set_locale(void)
{
	if (!setlocale(LC_CTYPE, "") || MB_CUR_MAX == 1)
		(void)setlocale(LC_CTYPE, "C.UTF-8");
}

static void set_keys(EditLine *el)
{
	el_set(el, EL_EDITOR, "emacs");
	/* Wide: el_set() would leak its copies of the names. */
	el_wset(el, EL_ADDFN, L"zonecfg-complete", L"Complete the word", on_tab);
	el_wset(el, EL_ADDFN, L"zonecfg-cancel", L"Give the line up", on_cancel);
	el_wset(el, EL_ADDFN, L"zonecfg-signal", L"Suspend or quit", on_signal_key);
	el_set(el, EL_BIND, "^I", "zonecfg-complete", NULL);
	el_source(el, NULL);
	/* Not to be changed by ~/.editrc: ^C is a key, and so are ^Z and ^\. */
	el_set(el, EL_SETTY, "-d", "-isig", NULL);
	el_set(el, EL_BIND, "^C", "zonecfg-cancel", NULL);
	el_set(el, EL_BIND, "^Z", "zonecfg-signal", NULL);
	el_set(el, EL_BIND, "^\\", "zonecfg-signal", NULL);
}

int term_open(const struct zcfg *s, struct term **ret_term)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct term *t = calloc(1, sizeof(*t));
	HistEvent ev;

	if (!t)
		return -ENOMEM;
	set_locale();
	*t = (struct term){ .s = s, .prompt = "" };
	sigaction(SIGINT, &ignore, &t->old_int);
	t->el = el_init("zonecfg", stdin, stdout, stderr);
	t->history = history_init();
	if (!t->el || !t->history) {
		term_close(t);
		return -ENOMEM;
	}
	el_set(t->el, EL_CLIENTDATA, t);
	el_set(t->el, EL_PROMPT, get_prompt);
	history(t->history, &ev, H_SETSIZE, HISTORY_LINES);
	history(t->history, &ev, H_SETUNIQUE, 1);
	el_set(t->el, EL_HIST, history, t->history);
	set_keys(t->el);
	*ret_term = t;
	return 0;
}

void term_close(struct term *t)
{
	if (!t)
		return;
	if (t->el)
		el_end(t->el);
	if (t->history)
		history_end(t->history);
	sigaction(SIGINT, &t->old_int, NULL);
	free(t);
}

/* The editor's own copies of a line, which may have a key in it. */
static void wipe_line(struct term *t, const char *line, size_t len)
{
	const LineInfoW *li = el_wline(t->el);

	explicit_bzero((char *)line, len);
	explicit_bzero((wchar_t *)li->buffer,
		       (size_t)(li->lastchar - li->buffer) * sizeof(*li->buffer));
}

int term_read(struct term *t, const char *prompt, bool command, char **ret_line)
{
	const char *line;
	HistEvent ev;
	int len = 0;
	char *copy;

	t->prompt = prompt;
	t->command = command;
	t->cancelled = false;
	/* Before the prompt: keys pressed at it are the editor's, ^D and ^C among them.
	 */
	el_set(t->el, EL_PREP_TERM, 1);
	line = el_gets(t->el, &len);
	t->prompt = "";
	if (t->cancelled)
		return -ECANCELED;
	if (!line || len <= 0)
		return len < 0 && errno != EINTR ? -EIO : 0;
	copy = strndup(line, strcspn(line, "\r\n"));
	wipe_line(t, line, (size_t)len);
	if (!copy)
		return -ENOMEM;
	/* A key is not remembered. */
	if (command && copy[strspn(copy, " \t")] &&
	    !strstr(copy, prop_def(PROP_KEY_RAW)->name))
		history(t->history, &ev, H_ENTER, copy);
	*ret_line = copy;
	return 1;
}
