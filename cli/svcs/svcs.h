/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * svcs.h - what the views of svcs share
 */
#ifndef KZ_CLI_SVCS_SVCS_H
#define KZ_CLI_SVCS_SVCS_H

#include "cli/deps.h"
#include "cli/opts.h"
#include "common/zone/conf.h"

#include <stdio.h>

/* Whose instance svc.zones itself is: the host's service manager. */
#define HOST_RESTARTER_FMRI "svc:/system/svc/restarter:default"

struct svcs {
	struct paths paths;
	struct instances list;
	struct deps deps; /* of -d, -D and -x; their instances are those of the list */
	char **words;     /* operands; none: all */
	unsigned n_words;
	const char *zone;      /* -z; NULL: any */
	bool *chosen;          /* by index into list; owned */
	struct instance *rows; /* what the table shows; owned */
	unsigned n_rows;
};

/* The columns of -o, in a table (cells.c). */
#define CELLS(X) \
	X(CTID, "CTID", 6, "primary process of the zone (its kzhost)") \
	X(DESC, "DESC", 48, "what the service is") \
	X(FMRI, "FMRI", 50, "the instance's name in full") \
	X(INST, "INST", 16, "the instance's name") \
	X(N, "N", 1, "next state, one letter") \
	X(NSTA, "NSTA", 4, "next state, short") \
	X(NSTATE, "NSTATE", 13, "next state, - when there is none") \
	X(S, "S", 2, "state, one letter") \
	X(SCOPE, "SCOPE", 8, "always localhost") \
	X(SN, "SN", 2, "state and next state, one letter each") \
	X(SVC, "SVC", 24, "the service's name") \
	X(STA, "STA", 4, "state, short") \
	X(STATE, "STATE", 14, "state; * while it changes") \
	X(STIME, "STIME", 8, "when the state was entered") \
	X(ZONE, "ZONE", 16, "the zone's name")

enum cell {
#define X(id, name, width, help) CELL_##id,
	CELLS(X)
#undef X
		CELL_COUNT
};

#define CELLS_MAX 32 /* columns of one line */

/* Reads "state,stime,fmri"; the number of columns, or -EINVAL. */
int cells_parse(const char *text, enum cell *cells, struct errmsg *e);
void cells_header(struct buf *out, const enum cell *cells, unsigned n);
void cells_row(struct buf *out, const enum cell *cells, unsigned n,
	       const struct instance *i);
/* What the lines of a table are sorted by, the most important first. */
struct sort_keys {
	unsigned n; /* 0: they stay as they are */
	struct {
		enum cell cell;
		bool descending;
	} v[OPT_EACH_MAX];
};
void cells_sort(struct instance *v, unsigned n, const struct sort_keys *keys);
/* Lists the columns for the usage. */
void cells_print_help(FILE *to);
/* Appends HH:MM:SS, or Mon_DD when that was more than a day ago. */
void add_stime(struct buf *out, int64_t time_ms);
/* Appends "Sat Nov 21 18:24:43 2026". */
void add_date(struct buf *out, int64_t time_ms);

/* Where a log of the zone is, to be freed; NULL: it has none, or no memory. */
char *log_path(const struct svcs *s, enum path_id which, const struct instance *i);
/* Appends "kernel zone web". */
void add_description(struct buf *out, const struct instance *i);

/* The processes of an instance, one line each, as -p shows them. */
void add_processes(struct buf *out, const struct instance *i);

enum relation { RELATION_NONE, RELATION_DEPENDENCIES, RELATION_DEPENDENTS };

/* Before anything is chosen for RELATION_DEPENDENTS: reads who depends on what. 0 or
 * -ENOMEM. */
int related_prepare(struct svcs *s);
/* Does some dependency name, by this word, what is no instance of the list? */
bool related_names(const struct svcs *s, const char *word);
/* Makes the table's lines of the chosen instances. 0 or -ENOMEM. */
int related_rows(struct svcs *s, enum relation of);

/* svcs -l -p: the same in the form of the other lines. */
void add_process_lines(struct buf *out, const struct instance *i);

/* svcs -l: everything about one instance. */
void detail_add(struct buf *out, const struct svcs *s, const struct instance *i,
		bool processes);

/**
 * explain_add() - svcs -x: why an instance does not run, and what to do next
 * @verbose:	Names the instances that do not run because of it
 */
void explain_add(struct buf *out, const struct svcs *s, const struct instance *i,
		 bool verbose);
/* Reads the configurations that explanations need; one that cannot be read depends on
 * nothing. 0 or -ENOMEM. */
int explain_prepare(struct svcs *s);
/* Is there something to explain: wanted and not running, or in the way of one that is? */
bool explain_wanted(const struct svcs *s, const struct instance *i);

/* What is printed of a state: "online", or "offline*" while it changes. */
bool instance_changes(const struct instance *i);

#endif
