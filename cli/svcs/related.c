// SPDX-License-Identifier: BSD-2-Clause
/*
 * related.c - the lines of the table: the chosen instances, or with -d and -D what they
 * depend on and what depends on them
 */
#include "cli/svcs/svcs.h"
#include "cli/fmri.h"

#include <string.h>

static bool listed(const struct svcs *s, const char *fmri)
{
	for (unsigned i = 0; i < s->n_rows; i++)
		if (strcmp(s->rows[i].fmri, fmri) == 0)
			return true;
	return false;
}

/* What a dependency names that is not an instance of the list. */
static struct instance foreign(const char *fmri)
{
	return (struct instance){
		.fmri = fmri,
		.zone = "",
		.state = strcmp(fmri, RESTARTER_FMRI) == 0 ? "online" : "-",
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

		if (of == RELATION_DEPENDENTS && asked_for(s, d) &&
		    !listed(s, d->who->fmri))
			s->rows[s->n_rows++] = *d->who;
		if (of == RELATION_DEPENDENCIES && !listed(s, d->fmri))
			s->rows[s->n_rows++] = d->on ? *d->on : foreign(d->fmri);
	}
	return 0;
}
