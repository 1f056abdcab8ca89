// SPDX-License-Identifier: BSD-2-Clause
/*
 * cells.c - the columns of svcs, and its ways to print a time
 */
#include "cli/columns.h"
#include "cli/svcs/svcs.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

static const struct {
	const char *name;
	int width;
	const char *help;
} cell_defs[CELL_COUNT] = {
#define X(id, name, width, help) { name, width, help },
	CELLS(X)
#undef X
};

static const struct {
	const char *name, *brief, *letter;
} states[] = {
	{ "degraded", "DGD", "D" },    { "disabled", "DIS", "d" },
	{ "maintenance", "MNT", "m" }, { "offline", "OFF", "0" },
	{ "online", "ON", "1" },       { "uninitialized", "UN", "u" },
};

bool instance_changes(const struct instance *i)
{
	return strcmp(i->next_state, "none") != 0;
}

static const char *brief(const char *state)
{
	for (unsigned i = 0; i < ARRAY_SIZE(states); i++)
		if (strcmp(states[i].name, state) == 0)
			return states[i].brief;
	return strcmp(state, "none") == 0 ? "-" : "?";
}

static const char *letter(const char *state)
{
	for (unsigned i = 0; i < ARRAY_SIZE(states); i++)
		if (strcmp(states[i].name, state) == 0)
			return states[i].letter;
	return strcmp(state, "none") == 0 ? "-" : "?";
}

int cells_parse(const char *text, enum cell *cells, struct errmsg *e)
{
	int n = 0;

	for (;;) {
		size_t len = strcspn(text, ",");
		unsigned c;

		for (c = 0; c < CELL_COUNT; c++)
			if (strlen(cell_defs[c].name) == len &&
			    strncasecmp(cell_defs[c].name, text, len) == 0)
				break;
		if (c == CELL_COUNT)
			return errmsg_set(e, -EINVAL, "unknown column '%.*s'", (int)len,
					  text);
		if (n == CELLS_MAX)
			return errmsg_set(e, -EINVAL, "more than %d columns", CELLS_MAX);
		cells[n++] = (enum cell)c;
		if (!text[len])
			return n;
		text += len + 1;
	}
}

void cells_print_help(FILE *to)
{
	for (unsigned c = 0; c < CELL_COUNT; c++)
		fprintf(to, "\t%-18s %s\n", cell_defs[c].name, cell_defs[c].help);
}

void cells_header(struct buf *out, const enum cell *cells, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		columns_cell(out, cell_defs[cells[i]].name, cell_defs[cells[i]].width);
		buf_adds(out, " ");
	}
	columns_trim(out);
	buf_adds(out, "\n");
}

void add_stime(struct buf *out, int64_t time_ms)
{
	time_t at = (time_t)(time_ms / 1000), now = time(NULL);
	char text[16] = "?";
	struct tm tm;

	if (localtime_r(&at, &tm))
		strftime(text, sizeof(text), now - at < 24 * 3600 ? "%H:%M:%S" : "%b_%d",
			 &tm);
	buf_adds(out, text);
}

void add_date(struct buf *out, int64_t time_ms)
{
	time_t at = (time_t)(time_ms / 1000);
	char text[64] = "?";
	struct tm tm;

	if (localtime_r(&at, &tm))
		strftime(text, sizeof(text), "%a %b %e %H:%M:%S %Y", &tm);
	buf_adds(out, text);
}

/* The state, with its star unless the line has a column for the next one. */
static void add_state(struct buf *out, const enum cell *cells, unsigned n,
		      const char *state, const struct instance *i)
{
	bool star = instance_changes(i);

	for (unsigned k = 0; k < n; k++)
		if (cells[k] == CELL_NSTATE || cells[k] == CELL_NSTA)
			star = false;
	buf_addf(out, "%s%s", state, star ? "*" : "");
}

/* svc:/system/zones/zone:web: what stands between the first slash and the colon. */
static void add_service(struct buf *out, const char *fmri)
{
	const char *slash = strchr(fmri, '/'), *colon = strrchr(fmri, ':');

	if (slash && colon > slash)
		buf_addf(out, "%.*s", (int)(colon - slash - 1), slash + 1);
}

static void add_text(struct buf *out, const enum cell *cells, unsigned n, enum cell c,
		     const struct instance *i)
{
	switch (c) {
	case CELL_CTID:
		if (i->contract)
			buf_addf(out, "%ld", i->contract);
		else
			buf_adds(out, "-");
		break;
	case CELL_DESC:
		buf_addf(out, "kernel zone %s", i->zone);
		break;
	case CELL_FMRI:
		buf_adds(out, i->fmri);
		break;
	case CELL_INST:
	case CELL_ZONE:
		buf_adds(out, i->zone);
		break;
	case CELL_N:
		buf_adds(out, letter(i->next_state));
		break;
	case CELL_NSTA:
		buf_adds(out, brief(i->next_state));
		break;
	case CELL_NSTATE:
		buf_adds(out, instance_changes(i) ? i->next_state : "-");
		break;
	case CELL_S:
		add_state(out, cells, n, letter(i->state), i);
		break;
	case CELL_SCOPE:
		buf_adds(out, "localhost");
		break;
	case CELL_SN:
		buf_addf(out, "%s%s", letter(i->state), letter(i->next_state));
		break;
	case CELL_SVC:
		add_service(out, i->fmri);
		break;
	case CELL_STA:
		add_state(out, cells, n, brief(i->state), i);
		break;
	case CELL_STATE:
		add_state(out, cells, n, i->state, i);
		break;
	case CELL_STIME:
		add_stime(out, i->state_time_ms);
		break;
	case CELL_COUNT:
		break;
	}
}

void cells_row(struct buf *out, const enum cell *cells, unsigned n,
	       const struct instance *i)
{
	for (unsigned k = 0; k < n; k++) {
		cleanup(buf_fini) struct buf text = { 0 };

		add_text(&text, cells, n, cells[k], i);
		columns_cell(out, text.p ? text.p : "", cell_defs[cells[k]].width);
		buf_adds(out, " ");
	}
	buf_adds(out, "\n");
}
