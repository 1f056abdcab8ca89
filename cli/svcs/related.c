// SPDX-License-Identifier: BSD-2-Clause
/*
 * related.c - the lines of the table: the chosen instances, or with -d and -D what they
 * depend on and what depends on them
 */
#include "cli/svcs/svcs.h"
#include "cli/fmri.h"

#include <string.h>

/* What a dependency names that is not an instance of the list. */
static struct instance foreign(const struct dep *d)
{
	return (struct instance){
		.fmri = d->fmri,
		.zone = "",
		.state = strcmp(d->fmri, RESTARTER_FMRI) == 0 ? "online"
			 : d->unit_state                      ? d->unit_state
							      : "-",
		.next_state = "none",
		.reason = "",
		.auxiliary = "none",
	};
}

static bool reads(const struct svcs *s, enum relation of, unsigned i)
{
	return of == RELATION_DEPENDENTS || (of == RELATION_DEPENDENCIES && s->chosen[i]);
}

static int read_deps(struct svcs *s, enum relation of)
{
	struct errmsg e = { "" };

	for (unsigned i = 0; i < s->list.n; i++)
		if (reads(s, of, i) && deps_read(&s->deps, &s->paths, &s->list,
						 &s->list.v[i], &e) == -ENOMEM)
			return -ENOMEM;
	return 0;
}

bool related_names(const struct svcs *s, const char *word)
{
	for (unsigned k = 0; k < s->deps.n; k++)
		if (!s->deps.v[k].on && fmri_matches(word, s->deps.v[k].fmri))
			return true;
	return false;
}

/* Is it a dependency on what was asked for? */
static bool asked_for(const struct svcs *s, const struct dep *d)
{
	if (d->on)
		return s->chosen[d->on - s->list.v];
	for (unsigned w = 0; w < s->n_words; w++)
		if (fmri_matches(s->words[w], d->fmri))
			return true;
	return false;
}

int related_prepare(struct svcs *s)
{
	return read_deps(s, RELATION_DEPENDENTS);
}

static int compare_fmri(const void *x, const void *y)
{
	const struct instance *a = x, *b = y;

	return strcmp(a->fmri, b->fmri);
}

/* One line for each, however many dependencies lead there. */
static void remove_doubles(struct svcs *s)
{
	unsigned kept = 0;

	qsort(s->rows, s->n_rows, sizeof(*s->rows), compare_fmri);
	for (unsigned i = 0; i < s->n_rows; i++)
		if (!kept || strcmp(s->rows[kept - 1].fmri, s->rows[i].fmri) != 0)
			s->rows[kept++] = s->rows[i];
	s->n_rows = kept;
}

int related_rows(struct svcs *s, enum relation of)
{
	if (of == RELATION_DEPENDENCIES && read_deps(s, of) < 0)
		return -ENOMEM;
	s->rows = calloc(s->list.n + s->deps.n + 1, sizeof(*s->rows));
	if (!s->rows)
		return -ENOMEM;
	for (unsigned i = 0; of == RELATION_NONE && i < s->list.n; i++)
		if (s->chosen[i])
			s->rows[s->n_rows++] = s->list.v[i];
	for (unsigned k = 0; of != RELATION_NONE && k < s->deps.n; k++) {
		const struct dep *d = &s->deps.v[k];

		if (of == RELATION_DEPENDENTS && asked_for(s, d))
			s->rows[s->n_rows++] = *d->who;
		if (of == RELATION_DEPENDENCIES)
			s->rows[s->n_rows++] = d->on ? *d->on : foreign(d);
	}
	if (of != RELATION_NONE)
		remove_doubles(s);
	return 0;
}
