// SPDX-License-Identifier: BSD-2-Clause
/*
 * zonecfg.c - zonecfg(8): options, files, terminal around the session of zonecfg_cmd.c
 */
#include "cli/client.h"
#include "cli/opts.h"
#include "cli/zonecfg_cmd.h"
#include "cli/zonecfg_complete.h"
#include "cli/zonecfg_live.h"
#include "cli/zonecfg_term.h"

#include "common/sys/file.h"
#include "common/zone/keys.h"
#include "common/zone/states.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define FILE_MAX_BYTES (16 * MIB) /* of a command file */
#define UNNAMED        "unnamed"  /* what is a zone's name in a session without -z */

struct app {
	struct paths paths;
	const char *zone;             /* borrowed from the arguments, or `name` */
	char name[ZONE_NAME_MAX + 1]; /* that it has got since */
	bool unnamed;                 /* no -z: nothing is stored */
	const char *command_file;     /* the same; NULL */
	bool check_only;
	bool verbose;
	bool complete;
	bool live;
	struct zconf *booted; /* owned; live mode: what the zone has now */
	int lock_fd;
	char *line; /* owned: getline's */
	size_t line_size;
	struct term *term; /* owned; NULL: standard input is read plainly */
	char buffer_in[4096],
		buffer_out[4096]; /* of stdio; wiped: a key passes through */
};

/* In live mode also the one that a commit will be compared with. */
static int load_live(struct app *a, struct zconf **ret_conf, struct errmsg *e)
{
	cleanup(zconf_freep) struct zconf *c = NULL;
	cleanup(zconf_freep) struct zconf *copy = NULL;
	int r = live_load(&a->paths, a->zone, &c, e);

	if (r == 0)
		r = zconf_copy(c, a->zone, &copy, e);
	if (r < 0)
		return r;
	zconf_free(a->booted);
	a->booted = take_ptr(&copy);
	*ret_conf = take_ptr(&c);
	return 0;
}

static int op_load(void *ctx, struct zconf **ret_conf, struct errmsg *e)
{
	struct app *a = ctx;

	if (a->unnamed)
		return errmsg_set(e, -ENOENT, "no zone");
	if (a->live)
		return load_live(a, ret_conf, e);
	return zconf_load(&a->paths, a->zone, ret_conf, e);
}

/* A template, else (as on Solaris) any other zone's configuration. */
static int op_template(void *ctx, const char *name, struct zconf **ret_conf,
		       struct errmsg *e)
{
	cleanup(zconf_freep) struct zconf *other = NULL;
	struct app *a = ctx;
	int r = zconf_template(&a->paths, name, a->zone, ret_conf, e);

	if (r != -ENOENT || zone_name_check(name, NULL) < 0)
		return r;
	r = zconf_load(&a->paths, name, &other, e);
	if (r == -ENOENT)
		return errmsg_set(e, r, "%s: no such template and no such zone", name);
	if (r < 0)
		return r;
	zconf_forget_own(other);
	return zconf_copy(other, a->zone, ret_conf, e);
}

/* Its key, if it names one, was left behind with its zone. */
static int op_archive(void *ctx, const char *path, struct zconf **ret_conf,
		      struct errmsg *e)
{
	struct app *a = ctx;

	return zconf_load_file(path, a->zone, ret_conf, e);
}

static int op_load_key(void *ctx, const struct zconf *c, bool shown,
		       char ret_hex[static KEY_HEX_LEN + 1], struct errmsg *e)
{
	struct app *a = ctx;
	int r = zone_key_load(&a->paths, c, ret_hex, e);

	if (r == 0 && shown && isatty(STDOUT_FILENO))
		fprintf(stderr, "zonecfg: warning: what is printed contains the zone's "
				"encryption key\n");
	return r;
}

static int op_verify(void *ctx, const struct zconf *c, const struct zconf *old,
		     struct errmsg *e)
{
	struct app *a = ctx;

	/* What a running zone has need not be there any more. */
	return a->live ? zconf_verify_alone(c, e)
		       : zconf_verify_change(&a->paths, c, old, e);
}

static int op_lock(void *ctx, struct errmsg *e)
{
	struct app *a = ctx;

	/* svc.zones alone changes running zones, one after the other. */
	if (a->lock_fd >= 0 || a->check_only || a->unnamed || a->live)
		return 0;
	return zone_lock(&a->paths, a->zone, &a->lock_fd, e);
}

/* The zone's state as svc.zones has written it down; configured when it has not. */
static int stored_state(struct app *a, const char *name, enum zone_state *ret,
			struct errmsg *e)
{
	cleanup(freep) char *path = paths_get(&a->paths, PATH_STATE, NULL);
	cleanup(json_decrefp) json_t *doc = NULL;
	cleanup(freep) char *data = NULL;
	const char *state = NULL;
	json_error_t je;
	size_t len = 0;
	json_t *zone;
	int r;

	if (!path)
		return errmsg_no_memory(e);
	*ret = ZONE_CONFIGURED;
	r = file_read(path, 64 * MIB, &data, &len);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return errmsg_set(e, r, "%s: %s", path, strerror(-r));
	doc = json_loadb(data, len, 0, &je);
	if (!doc)
		return errmsg_set(e, -EINVAL, "%s: line %d: not a state file", path,
				  je.line);
	zone = json_object_get(json_object_get(doc, "zones"), name);
	state = json_string_value(json_object_get(zone, "state"));
	if (zone && (!state || !zone_state_find(state, ret)))
		return errmsg_set(e, -EINVAL, "%s: zones.%s.state: not a state", path,
				  name);
	return 0;
}

static int check_configured(struct app *a, const char *name, struct errmsg *e)
{
	enum zone_state state = ZONE_CONFIGURED;
	int r = stored_state(a, name, &state, e);

	if (r == 0 && state != ZONE_CONFIGURED)
		return errmsg_set(e, -EBUSY, "%s: the zone is %s: uninstall it first",
				  name, zone_state_name(state));
	return r;
}

static int op_may_remove(void *ctx, struct errmsg *e)
{
	struct app *a = ctx;

	return check_configured(a, a->zone, e);
}

static int op_may_rename(void *ctx, const char *name, struct errmsg *e)
{
	cleanup(zconf_freep) struct zconf *other = NULL;
	struct app *a = ctx;
	int r = check_configured(a, a->zone, e);

	if (strcmp(name, a->zone) == 0)
		return 0;
	if (r == 0)
		r = check_configured(a, name, e);
	if (r < 0)
		return errmsg_prefix(e, r, "zonename");
	r = zconf_load(&a->paths, name, &other, NULL);
	if (r != -ENOENT)
		return errmsg_set(e, -EEXIST, "zonename: \"%s\": zone already exists",
				  name);
	return 0;
}

/* svc.zones looks at the configuration again, if it runs; without it nothing is lost. */
static void tell_restarter(struct app *a, const char *name)
{
	struct client_error e = { .msg.text = "" };
	struct client c;
	int r = client_open(&c, &a->paths, &e);

	if (r == -ENOTCONN)
		return;
	if (r == 0) {
		r = client_call(&c, KZ_REFRESH, json_pack("{s:s}", "zone", name), NULL,
				&e);
		client_close(&c);
	}
	if (r < 0)
		fprintf(stderr, "zonecfg: svc.zones has not taken the change: %s\n",
			e.msg.text);
}

/* The commit; a zone that gets another name is locked under both until it has it. */
static int commit(struct app *a, const struct zconf *c, struct errmsg *e)
{
	cleanup(closep) int new_fd = -1;
	char old[ZONE_NAME_MAX + 1];
	int r = 0;

	snprintf(old, sizeof(old), "%s", a->zone);
	if (strcmp(c->name, old) != 0)
		r = zone_lock(&a->paths, c->name, &new_fd, e);
	if (r == 0)
		r = zconf_commit(&a->paths, c, e);
	if (r < 0)
		return r;
	if (new_fd >= 0) {
		tell_restarter(a, old);
		closep(&a->lock_fd);
		a->lock_fd = take_fd(&new_fd);
		snprintf(a->name, sizeof(a->name), "%s", c->name);
		a->zone = a->name;
	}
	tell_restarter(a, a->zone);
	return 0;
}

/* What the running zone gets, in words, and then all of it. */
static int save_live(struct app *a, const struct zconf *c, struct errmsg *e)
{
	cleanup(buf_fini) struct buf text = { 0 };
	struct zconf *copy = NULL;
	int r = zconf_copy(c, a->zone, &copy, e);

	if (r < 0)
		return r;
	live_describe(&text, a->booted, c);
	if (!text.len)
		goto done;
	fputs(text.p, stdout);
	r = zconf_check_live(a->booted, c, e);
	if (r == 0 && !a->check_only) {
		puts("Applying the changes");
		fflush(stdout);
		r = live_apply(&a->paths, a->booted, c, e);
	}
done:
	zconf_free(r < 0 ? copy : a->booted);
	a->booted = r < 0 ? a->booted : copy;
	return r;
}

static int op_save(void *ctx, const struct zconf *c, struct errmsg *e)
{
	struct app *a = ctx;
	int r;

	if (a->live)
		return save_live(a, c, e);
	r = a->check_only ? 0 : commit(a, c, e);

	if (r == 0 && a->verbose)
		fprintf(stderr, "%s: configuration %s\n", a->zone,
			a->check_only ? "is good" : "committed");
	return r;
}

static int op_remove(void *ctx, struct errmsg *e)
{
	struct app *a = ctx;
	int r = a->check_only ? 0 : zconf_delete(&a->paths, a->zone, e);

	if (r == 0 && !a->check_only)
		tell_restarter(a, a->zone);
	if (r == 0 && a->verbose)
		fprintf(stderr, "%s: configuration %s\n", a->zone,
			a->check_only ? "could be deleted" : "deleted");
	return r;
}

static int op_ask(void *ctx, const char *why, const char *question)
{
	cleanup(freep) char *answer = NULL;
	char prompt[200];
	struct app *a = ctx;
	int r;

	if (!a->term)
		return -ENOTTY;
	if (why)
		fprintf(stderr, "%s\n", why);
	snprintf(prompt, sizeof(prompt), "%s (y/[n])? ", question);
	r = term_read(a->term, prompt, false, &answer);
	if (r == 0)
		printf("\n");
	if (r == 0 || r == -EIO)
		return -ENODATA;
	return r > 0 && (answer[0] == 'y' || answer[0] == 'Y');
}

static int op_write_file(void *ctx, const char *path, const char *text, bool secret,
			 struct errmsg *e)
{
	int r = file_replace(path, text, strlen(text), secret ? 0600 : 0644, false);

	return r < 0 ? errmsg_set(e, r, "%s: cannot be written: %s", path, strerror(-r))
		     : 0;
}

static const struct zcfg_ops ops = {
	.load = op_load,
	.template = op_template,
	.verify = op_verify,
	.lock = op_lock,
	.may_remove = op_may_remove,
	.may_rename = op_may_rename,
	.save = op_save,
	.remove = op_remove,
	.ask = op_ask,
	.write_file = op_write_file,
	.archive = op_archive,
	.load_key = op_load_key,
};

/* What the commands printed goes to standard output, and leaves no trace: it may be a
 * key. 0 or -EIO. */
static int flush_output(struct zcfg *s, struct errmsg *e)
{
	struct app *a = s->ctx;
	bool ok = !s->out.len || fwrite(s->out.p, s->out.len, 1, stdout) == 1;

	if (s->out.len)
		explicit_bzero(s->out.p, s->out.len);
	s->out.len = 0;
	ok = fflush(stdout) == 0 && ok;
	explicit_bzero(a->buffer_out, sizeof(a->buffer_out));
	return ok ? 0 : errmsg_set(e, -EIO, "standard output: %s", strerror(errno));
}

/* @line: of the input; 0 when it has no lines worth counting. @column: of the command; 0
 * when it is not one of the line's. */
static int complain_at(unsigned long line, size_t column, const struct errmsg *e)
{
	if (line)
		fprintf(stderr, "On line %lu:\n", line);
	if (line && column > 1)
		fprintf(stderr, "column %zu: ", column);
	fprintf(stderr, "%s\n", e->text);
	return EXIT_FAILED;
}

static int complain(unsigned long line, const struct errmsg *e)
{
	return complain_at(line, 0, e);
}

static int run_line(struct zcfg *s, const char *line, struct errmsg *e)
{
	int r = zcfg_line(s, line, e);
	struct errmsg flush_error = { "" };
	int f = flush_output(s, &flush_error);

	if (r == 0 && f < 0)
		*e = flush_error;
	return r < 0 ? r : f;
}

static int finish(struct zcfg *s, unsigned long line)
{
	struct errmsg e = { "" };

	return zcfg_finish(s, &e) < 0 ? complain(line, &e) : EXIT_DONE;
}

/* Lines until the end of the stream or the first error; they are one transaction. */
static int run_stream(struct app *a, struct zcfg *s, FILE *f)
{
	struct errmsg e = { "" };
	size_t bytes = 0, column = 0;
	unsigned long n = 0;
	ssize_t len;
	int r;

	while (!s->done && (len = getline(&a->line, &a->line_size, f)) >= 0) {
		n++;
		bytes += (size_t)len;
		r = 0;
		if (bytes > FILE_MAX_BYTES)
			r = errmsg_set(&e, -EFBIG, "more than %llu bytes of commands",
				       FILE_MAX_BYTES);
		else if (strlen(a->line) != (size_t)len)
			r = errmsg_set(&e, -EINVAL, "a NUL byte");
		else if ((r = run_line(s, a->line, &e)) < 0)
			column = s->column;
		explicit_bzero(a->line, (size_t)len); /* a key? */
		if (r < 0)
			return complain_at(n, column, &e);
	}
	if (ferror(f)) {
		errmsg_set(&e, -errno, "%s: %s",
			   a->command_file ? a->command_file : "input", strerror(errno));
		return complain(0, &e);
	}
	return finish(s, n);
}

static int run_file(struct app *a, struct zcfg *s)
{
	FILE *f = fopen(a->command_file, "re");
	struct errmsg e = { "" };
	int rc;

	if (!f) {
		errmsg_set(&e, -errno, "%s: %s", a->command_file, strerror(errno));
		return complain(0, &e);
	}
	setvbuf(f, a->buffer_in, _IOFBF, sizeof(a->buffer_in));
	rc = run_stream(a, s, f);
	fclose(f);
	return rc;
}

/* The arguments are one line, joined by blanks. */
static int run_arguments(struct zcfg *s, int argc, char **argv)
{
	cleanup(buf_fini) struct buf b = { .wipe = true };
	struct errmsg e = { "" };
	int r;

	for (int i = 0; i < argc; i++)
		buf_addf(&b, "%s%s", i ? " " : "", argv[i]);
	r = buf_error(&b) ? errmsg_no_memory(&e) : run_line(s, b.p, &e);
	return r < 0 ? complain(0, &e) : finish(s, 0);
}

/* What a person is told at first. */
static void greet(const struct app *a, const struct zcfg *s)
{
	if (s->broken.text[0])
		printf("%s\n", s->broken.text);
	else if (s->unnamed)
		printf("No zone is named: what is made here can be exported only.\n"
		       "Use 'create' to begin configuring a new zone.\n");
	else if (!s->conf)
		printf("%s: No such zone configured\n"
		       "Use 'create' to begin configuring a new zone.\n",
		       a->zone);
}

/* Prompts for a line and does it. The end of the input is `exit`. */
static void run_prompted(struct app *a, struct zcfg *s)
{
	cleanup(freep) char *line = NULL;
	struct errmsg e = { "" };
	char scope[ZCFG_PROMPT_MAX], prompt[ZCFG_PROMPT_MAX + 16];
	int r;

	zcfg_prompt(s, scope, sizeof(scope));
	snprintf(prompt, sizeof(prompt), "zonecfg%s> ", scope);
	fflush(stdout);
	r = term_read(a->term, prompt, true, &line);
	if (r == -ECANCELED)
		return;
	if (r <= 0)
		printf("\n");
	if (run_line(s, r > 0 ? line : "exit", &e) < 0)
		complain(0, &e);
	if (r > 0)
		explicit_bzero(line, strlen(line)); /* a key? */
}

static int run_terminal(struct app *a, struct zcfg *s)
{
	struct errmsg e = { "" };
	int status;

	if (term_open(s, &a->term) < 0) {
		errmsg_no_memory(&e);
		return complain(0, &e);
	}
	greet(a, s);
	while (!s->done)
		run_prompted(a, s);
	status = s->unsaved ? EXIT_FAILED : finish(s, 0);
	term_close(a->term);
	a->term = NULL;
	return status;
}

/* For shells: what the line of the arguments can become, one line each. */
static int run_complete(const struct zcfg *s, int argc, char **argv)
{
	cleanup(zcfg_candidates_fini) struct zcfg_candidates c = { 0 };
	cleanup(buf_fini) struct buf line = { 0 };

	buf_adds(&line, "");
	for (int i = 0; i < argc; i++)
		buf_addf(&line, "%s%s", i ? " " : "", argv[i]);
	if (buf_error(&line) || zcfg_complete(s, line.p, line.len, &c) < 0)
		return EXIT_FAILED;
	for (unsigned i = 0; i < c.n; i++)
		printf("%.*s%s\n", (int)(line.len - c.stem), line.p, c.text[i]);
	return fflush(stdout) == 0 ? EXIT_DONE : EXIT_FAILED;
}

static int run_help(const char *topic)
{
	cleanup(buf_fini) struct buf b = { 0 };
	struct errmsg e = { "" };
	int r = zcfg_help(&b, topic, &e);

	if (r == 0 && buf_error(&b))
		r = errmsg_no_memory(&e);
	if (r < 0)
		return complain(0, &e);
	fputs(b.p, stdout);
	return fflush(stdout) == 0 ? EXIT_DONE : EXIT_FAILED;
}

static int run_session(struct app *a, int argc, char **argv)
{
	bool interactive = !argc && !a->command_file && isatty(STDIN_FILENO) &&
			   isatty(STDOUT_FILENO);
	struct errmsg e = { "" };
	struct zcfg s;
	int rc;

	if (zone_name_check(a->zone, &e) < 0)
		return complain(0, &e);
	if (zcfg_init(&s, &ops, a, a->zone, interactive, &e) < 0) {
		zcfg_fini(&s);
		return complain(0, &e);
	}
	s.live = a->live;
	s.unnamed = a->unnamed;
	s.check_only = a->check_only;
	if (a->complete)
		rc = run_complete(&s, argc, argv);
	else if (a->command_file)
		rc = run_file(a, &s);
	else if (argc)
		rc = run_arguments(&s, argc, argv);
	else
		rc = interactive ? run_terminal(a, &s) : run_stream(a, &s, stdin);
	zcfg_fini(&s);
	return rc;
}

/* A session between opening and closing all that it uses. An exit status. */
static int run(struct app *a, const char *root, int argc, char **argv)
{
	struct errmsg e = { "" };
	int rc;

	a->unnamed = !a->zone;
	a->zone = a->zone ? a->zone : UNNAMED;
	if (paths_init(&a->paths, root, &e) < 0)
		return complain(0, &e);
	setvbuf(stdin, a->buffer_in, _IOFBF, sizeof(a->buffer_in));
	setvbuf(stdout, a->buffer_out, _IOFBF, sizeof(a->buffer_out));
	rc = run_session(a, argc, argv);
	fclose(stdin);
	if (fclose(stdout) != 0 && rc == EXIT_DONE)
		rc = EXIT_FAILED;
	explicit_bzero(a->buffer_in, sizeof(a->buffer_in));
	explicit_bzero(a->buffer_out, sizeof(a->buffer_out));
	closep(&a->lock_fd);
	paths_fini(&a->paths);
	zconf_free(a->booted);
	free(a->line);
	return rc;
}

static int usage(const struct opt *opts, unsigned n, FILE *to, int status)
{
	fprintf(to,
		"usage: zonecfg [options] [-z zonename]\n"
		"       zonecfg [options] [-z zonename] subcommand [argument...] [; ...]\n"
		"       zonecfg [options] [-z zonename] -f command_file\n"
		"       zonecfg help [subcommand | type | property]\n");
	opts_print(opts, n, to);
	return status;
}

int main(int argc, char **argv)
{
	struct app a = { .lock_fd = -1 };
	const char *root = NULL;
	const struct opt opts[] = {
		{ 'f', OPT_TEXT, &a.command_file, "file",
		  "take the subcommands from a file" },
		{ 'n', OPT_FLAG, &a.check_only, NULL, "check only: change nothing" },
		{ 'R', OPT_TEXT, &root, "root", "everything is below this directory" },
		{ 'r', OPT_FLAG, &a.live, NULL,
		  "look at the running zone, and change it until it boots again" },
		{ 'v', OPT_FLAG, &a.verbose, NULL, "say what has been done" },
		{ 0, OPT_FLAG, &a.complete, NULL, NULL, "complete" },
		{ 'z', OPT_TEXT, &a.zone, "zonename", "the zone" },
	};
	struct errmsg e = { "" };
	int first = opts_parse(opts, ARRAY_SIZE(opts), argc, argv, &e);

	if (first == -ECANCELED)
		return usage(opts, ARRAY_SIZE(opts), stdout, EXIT_DONE);
	if (first >= 0 && a.live && !a.zone)
		first = errmsg_set(&e, -EINVAL, "-r goes with -z: which zone?");
	if (first >= 0 && a.command_file && first < argc)
		first = errmsg_set(&e, -EINVAL, "-f goes without a subcommand: %.64s",
				   argv[first]);
	if (first < 0) {
		fprintf(stderr, "zonecfg: %s\n", e.text);
		return usage(opts, ARRAY_SIZE(opts), stderr, EXIT_USAGE);
	}
	argc -= first;
	argv += first;
	if (!a.zone && a.complete)
		return run_complete(&(struct zcfg){ .zone = "" }, argc, argv);
	if (!a.zone && argc && argc <= 2 && strcmp(argv[0], "help") == 0)
		return run_help(argc > 1 ? argv[1] : NULL);
	return run(&a, root, argc, argv);
}
