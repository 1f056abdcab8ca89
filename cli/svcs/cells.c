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

/* One line of the table. */
struct row {
	const struct instance *i;
	bool star; /* a state that changes has one: no column says the next state */
};

static void add_starred(struct buf *out, const char *state, const struct row *r)
{
	buf_addf(out, "%s%s", state, r->star && instance_changes(r->i) ? "*" : "");
}

static void add_CTID(struct buf *out, const struct row *r)
{
	if (r->i->contract)
		buf_addf(out, "%ld", r->i->contract);
	else
		buf_adds(out, "-");
}

void add_description(struct buf *out, const struct instance *i)
{
	if (*i->zone)
		buf_addf(out, "kernel zone %s", i->zone);
	else if (strcmp(i->fmri, RESTARTER_FMRI) == 0)
		buf_adds(out, "restarter of kernel zones");
	else
		buf_adds(out, "-");
}

static void add_DESC(struct buf *out, const struct row *r)
{
	add_description(out, r->i);
}

static void add_FMRI(struct buf *out, const struct row *r)
{
	buf_adds(out, r->i->fmri);
}

static void add_INST(struct buf *out, const struct row *r)
{
	const char *colon = strrchr(r->i->fmri, ':');

	buf_adds(out, colon ? colon + 1 : "-");
}

static void add_N(struct buf *out, const struct row *r)
{
	buf_adds(out, letter(r->i->next_state));
}

static void add_NSTA(struct buf *out, const struct row *r)
{
	buf_adds(out, brief(r->i->next_state));
}

static void add_NSTATE(struct buf *out, const struct row *r)
{
	buf_adds(out, instance_changes(r->i) ? r->i->next_state : "-");
}

static void add_S(struct buf *out, const struct row *r)
{
	add_starred(out, letter(r->i->state), r);
}

static void add_SCOPE(struct buf *out, const struct row *r)
{
	buf_adds(out, "localhost");
}

static void add_SN(struct buf *out, const struct row *r)
{
	buf_addf(out, "%s%s", letter(r->i->state), letter(r->i->next_state));
}

/* svc:/system/zones/zone:web: what stands between the first slash and the colon. */
static void add_SVC(struct buf *out, const struct row *r)
{
	const char *slash = strchr(r->i->fmri, '/'), *colon = strrchr(r->i->fmri, ':');

	if (slash && colon > slash)
		buf_addf(out, "%.*s", (int)(colon - slash - 1), slash + 1);
}

static void add_STA(struct buf *out, const struct row *r)
{
	add_starred(out, brief(r->i->state), r);
}

static void add_STATE(struct buf *out, const struct row *r)
{
	add_starred(out, r->i->state, r);
}

static void add_STIME(struct buf *out, const struct row *r)
{
	if (r->i->state_time_ms)
		add_stime(out, r->i->state_time_ms);
	else
		buf_adds(out, "-");
}

static void add_ZONE(struct buf *out, const struct row *r)
{
	buf_adds(out, *r->i->zone ? r->i->zone : "-");
}

static void (*const adders[CELL_COUNT])(struct buf *out, const struct row *r) = {
#define X(id, name, width, help) add_##id,
	CELLS(X)
#undef X
};

void cells_row(struct buf *out, const enum cell *cells, unsigned n,
	       const struct instance *i)
{
	struct row row = { i, true };

	for (unsigned k = 0; k < n; k++)
		if (cells[k] == CELL_NSTATE || cells[k] == CELL_NSTA)
			row.star = false;
	for (unsigned k = 0; k < n; k++) {
		cleanup(buf_fini) struct buf text = { 0 };

		adders[cells[k]](&text, &row);
		columns_cell(out, text.p ? text.p : "", cell_defs[cells[k]].width);
		buf_adds(out, " ");
	}
	buf_adds(out, "\n");
}

/* Times and numbers by size, states in their order, the rest by text. */
static int compare_cell(enum cell c, const struct instance *a, const struct instance *b)
{
	cleanup(buf_fini) struct buf x = { 0 }, y = { 0 };
	const struct row left = { a, false }, right = { b, false };

	switch (c) {
	case CELL_STATE:
	case CELL_STA:
	case CELL_S:
		return (int)instance_rank(a->state) - (int)instance_rank(b->state);
	case CELL_NSTATE:
	case CELL_NSTA:
	case CELL_N:
		return (int)instance_rank(a->next_state) -
		       (int)instance_rank(b->next_state);
	case CELL_STIME:
		return (a->state_time_ms > b->state_time_ms) -
		       (a->state_time_ms < b->state_time_ms);
	case CELL_CTID:
		return (a->contract > b->contract) - (a->contract < b->contract);
	default:
		adders[c](&x, &left);
		adders[c](&y, &right);
		return strcmp(x.p ? x.p : "", y.p ? y.p : "");
	}
}

static int compare(const void *x, const void *y, void *arg)
{
	const struct sort_keys *keys = arg;
	const struct instance *a = x, *b = y;
	int r = 0;

	for (unsigned k = 0; r == 0 && k < keys->n; k++) {
		r = compare_cell(keys->v[k].cell, a, b);
		if (keys->v[k].descending)
			r = -r;
	}
	return r ? r : strcmp(a->fmri, b->fmri);
}

void cells_sort(struct instance *v, unsigned n, const struct sort_keys *keys)
{
	if (keys->n)
		qsort_r(v, n, sizeof(*v), compare, (void *)(uintptr_t)keys);
}
