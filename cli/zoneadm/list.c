// SPDX-License-Identifier: BSD-2-Clause
/*
 * list.c - zoneadm list: names, the table of -v, the lines of -p, the states of -s,
 * --json
 */
#include "cli/columns.h"
#include "cli/zoneadm/zoneadm.h"
#include "common/base/json.h"

#include <string.h>

#define LIST_JSON_VERSION 1

struct row {
	json_int_t id; /* -1: not active */
	enum zone_state state;
	const char *name, *path, *uuid, *brand, *ip;
	const json_t *aux; /* array of names, or NULL */
};

struct list_flags {
	bool all, installed, no_global, parseable, states, verbose, json;
};

/* What stands for the host itself; svc.zones does not know it. */
static const struct row global_row = { 0,  ZONE_RUNNING, "global", "/",
				       "", "linux",      "shared", NULL };

static int read_row(json_t *j, struct row *ret)
{
	struct row w = { .id = -1 };
	const char *state;

	if (json_unpack(j, "{s:I, s:s, s:s, s:s, s:s, s:s, s:s}", "id", &w.id, "name",
			&w.name, "state", &state, "path", &w.path, "uuid", &w.uuid,
			"brand", &w.brand, "ip_type", &w.ip) < 0 ||
	    !zone_state_find(state, &w.state))
		return -EPROTO;
	w.aux = json_object_get(j, "auxiliary");
	*ret = w;
	return 0;
}

/* Active zones by id, then the others by name. */
static int compare(const void *x, const void *y)
{
	const struct row *a = x, *b = y;

	if ((a->id < 0) != (b->id < 0))
		return a->id < 0 ? 1 : -1;
	if (a->id != b->id)
		return a->id < b->id ? -1 : 1;
	return strcmp(a->name, b->name);
}

static bool wanted(const struct zoneadm *z, const struct list_flags *f,
		   const struct row *w)
{
	if (z->zone)
		return strcmp(z->zone, w->name) == 0;
	if (f->all)
		return true;
	return w->state >= (f->installed ? ZONE_INSTALLED : ZONE_READY);
}

static void add_aux(struct buf *out, const struct row *w, const char *separator)
{
	for (size_t i = 0; i < json_array_size(w->aux); i++)
		buf_addf(out, "%s%s", i ? separator : "",
			 json_string_value(json_array_get(w->aux, i)));
}

static const char *id_text(const struct row *w, char *room, size_t size)
{
	if (w->id < 0)
		return "-";
	snprintf(room, size, "%lld", (long long)w->id);
	return room;
}

/* A path with its colons escaped, as the lines of -p have them. */
static void add_escaped(struct buf *out, const char *path)
{
	for (; *path; path++)
		buf_addf(out, *path == ':' ? "\\:" : "%c", *path);
}

static void add_parseable(struct buf *out, const struct row *w)
{
	char id[24];

	buf_addf(out, "%s:%s:%s:", id_text(w, id, sizeof(id)), w->name,
		 zone_state_name(w->state));
	add_escaped(out, w->path);
	/* Then: uuid, brand, ip-type, r/w, file-mac-profile, auxiliary states. */
	buf_addf(out, ":%s:%s:%s:-:%s:", w->uuid, w->brand, w->ip,
		 w->id == 0 ? "none" : "");
	add_aux(out, w, ",");
	buf_adds(out, "\n");
}

static void add_cells(struct buf *out, const char *id, const char *name,
		      const char *status, const char *path, const char *brand,
		      const char *ip)
{
	static const int widths[] = { -4, 16, 11, 28, 10, 6 };
	const char *const cells[] = { id, name, status, path, brand, ip };

	for (unsigned i = 0; i < ARRAY_SIZE(cells); i++) {
		columns_cell(out, cells[i], widths[i]);
		buf_adds(out, i + 1 < ARRAY_SIZE(cells) ? " " : "\n");
	}
}

static void add_states(struct buf *out, const char *name, const char *status,
		       const char *aux)
{
	columns_cell(out, name, 16);
	buf_adds(out, " ");
	columns_cell(out, status, 16);
	buf_addf(out, " %s", aux);
	columns_trim(out);
	buf_adds(out, "\n");
}

static void add_row(struct buf *out, const struct list_flags *f, const struct row *w)
{
	cleanup(buf_fini) struct buf aux = { 0 };
	char id[24];

	if (f->parseable) {
		add_parseable(out, w);
	} else if (f->states) {
		add_aux(&aux, w, ",");
		add_states(out, w->name, zone_state_name(w->state), aux.len ? aux.p : "");
	} else if (f->verbose) {
		add_cells(out, id_text(w, id, sizeof(id)), w->name,
			  zone_state_name(w->state), w->path, w->brand, w->ip);
	} else {
		buf_addf(out, "%s\n", w->name);
	}
}

/* Prints the rows that are wanted; their number, or -ENOMEM. */
static int print_rows(const struct zoneadm *z, const struct list_flags *f,
		      const struct row *rows, size_t n)
{
	cleanup(buf_fini) struct buf out = { 0 };
	int printed = 0;

	if (f->verbose)
		add_cells(&out, "ID", "NAME", "STATUS", "PATH", "BRAND", "IP");
	if (f->states)
		add_states(&out, "NAME", "STATUS", "AUXILIARY STATE");
	for (size_t i = 0; i < n; i++) {
		if (!wanted(z, f, &rows[i]))
			continue;
		add_row(&out, f, &rows[i]);
		printed++;
	}
	if (buf_error(&out))
		return -ENOMEM;
	if (printed || !z->zone)
		fwrite(out.p ? out.p : "", 1, out.len, stdout);
	return printed;
}

/* The rows that are wanted as one object; their number, or -ENOMEM. */
static int print_json(const struct zoneadm *z, const struct list_flags *f,
		      const struct row *rows, size_t n)
{
	json_t *zones = json_array();
	int printed = 0, r = zones ? 0 : -ENOMEM;
	cleanup(buf_fini) struct buf text = { 0 };
	json_t *doc;

	for (size_t i = 0; r == 0 && i < n; i++) {
		const struct row *w = &rows[i];

		if (!wanted(z, f, w))
			continue;
		r = json_array_append_new(
			zones, json_pack("{s:I, s:s, s:s, s:o, s:s, s:s, s:s, s:s}", "id",
					 w->id, "name", w->name, "state",
					 zone_state_name(w->state), "auxiliary",
					 w->aux ? json_deep_copy(w->aux) : json_array(),
					 "uuid", w->uuid, "brand", w->brand, "ip_type",
					 w->ip, "path", w->path));
		printed++;
	}
	doc = json_pack("{s:i, s:o}", "version", LIST_JSON_VERSION, "zones", zones);
	if (r == 0 && doc && (printed || !z->zone)) {
		buf_add_json(&text, doc, JSON_INDENT(2));
		r = buf_error(&text);
		if (r == 0)
			puts(text.p);
	}
	json_decref(doc);
	return r < 0 || !doc ? -ENOMEM : printed;
}

/* The zones of the answer and, first, the global one; rows is freed by the caller. */
static int collect(const json_t *reply, const struct list_flags *f, struct row **ret_rows,
		   size_t *ret_n)
{
	const json_t *zones = json_object_get(reply, "zones");
	size_t n = 0, n_zones = json_array_size(zones);
	struct row *rows = calloc(n_zones + 1, sizeof(*rows));

	*ret_rows = rows;
	if (!rows)
		return -ENOMEM;
	if (!f->no_global)
		rows[n++] = global_row;
	for (size_t i = 0; i < n_zones; i++)
		if (read_row(json_array_get(zones, i), &rows[n++]) < 0)
			return -EPROTO;
	qsort(rows, n, sizeof(*rows), compare);
	*ret_n = n;
	return 0;
}

static int list(struct zoneadm *z, const struct list_flags *f)
{
	cleanup(freep) struct row *rows = NULL;
	struct client_error e;
	json_t *reply = NULL;
	size_t n = 0;
	int r;

	if (zoneadm_connect(z) != EXIT_DONE)
		return EXIT_FAILED;
	r = client_call(&z->client, KZ_ZONES, json_object(), &reply, &e);
	if (r < 0)
		return zoneadm_failed(z, VERB_N, r, &e);
	r = collect(reply, f, &rows, &n);
	if (r == 0)
		r = f->json ? print_json(z, f, rows, n) : print_rows(z, f, rows, n);
	json_decref(reply);
	if (r < 0)
		errmsg_set(&e.msg, r, "%s",
			   r == -ENOMEM ? "out of memory"
					: "svc.zones: a zone lacks something");
	else if (r == 0 && z->zone)
		r = -ENOENT;
	return r < 0 ? zoneadm_failed(z, VERB_N, r, &e) : EXIT_DONE;
}

/**
 * zoneadm_list() - list [-cinpsv] [--json]
 */
int zoneadm_list(struct zoneadm *z, int argc, char **argv)
{
	struct list_flags f = { 0 };
	const struct opt opts[] = {
		{ 'c', OPT_FLAG, &f.all, NULL, "all zones that are configured" },
		{ 'i', OPT_FLAG, &f.installed, NULL, "all zones that are installed" },
		{ 'n', OPT_FLAG, &f.no_global, NULL, "without the global zone" },
		{ 'p', OPT_FLAG, &f.parseable, NULL,
		  "lines for programs, fields between colons" },
		{ 's', OPT_FLAG, &f.states, NULL, "states, auxiliary ones too" },
		{ 'v', OPT_FLAG, &f.verbose, NULL, "a table" },
		{ 0, OPT_FLAG, &f.json, NULL, "one JSON object", "json" },
	};
	int status;

	if (zoneadm_options(opts, ARRAY_SIZE(opts), 0, argc, argv, &status) < 0)
		return status;
	if (f.parseable + f.states + f.verbose + f.json > 1) {
		fprintf(stderr,
			"zoneadm: list: -p, -s, -v and --json exclude each other\n");
		return EXIT_USAGE;
	}
	if (z->zone && (f.all || f.installed)) {
		fprintf(stderr, "zoneadm: list: -c and -i are not for one zone\n");
		return EXIT_USAGE;
	}
	return list(z, &f);
}
