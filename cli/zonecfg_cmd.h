/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zonecfg_cmd.h - zonecfg's command language: a session that lines are fed to; no I/O
 *
 * DOC: A session
 *
 * The session holds the configuration that is being edited (conf) and the one that counts
 * as committed (saved). Everything outside goes through struct zcfg_ops, so that tests
 * and fuzzers run sessions on nothing.
 *
 * An interactive session saves at each commit. Any other run is one transaction: commit
 * and delete are only noted, and zcfg_finish() does the last of them; a run that fails
 * has changed nothing at all.
 *
 * The first command that changes something takes the zone's lock and reads the
 * configuration again; commands that only look never lock.
 */
#ifndef KZ_CLI_ZONECFG_CMD_H
#define KZ_CLI_ZONECFG_CMD_H

#include "common/base/buf.h"
#include "common/zone/conf.h"

/* What a session wants from the world. All give 0 or a negative errno with a text. */
struct zcfg_ops {
	/* The stored configuration. -ENOENT: there is none. */
	int (*load)(void *ctx, struct zconf **ret_conf, struct errmsg *e);
	/* A template (or another zone's configuration) as this zone's. */
	int (*template)(void *ctx, const char *name, struct zconf **ret_conf,
			struct errmsg *e);
	/* @old: what @c is going to replace; NULL: nothing, or look at everything. */
	int (*verify)(void *ctx, const struct zconf *c, const struct zconf *old,
		      struct errmsg *e);
	/* Excludes other sessions on the zone until the end. */
	int (*lock)(void *ctx, struct errmsg *e);
	/* May the configuration go away? -EBUSY: no, the text names the zone's state. */
	int (*may_remove)(void *ctx, struct errmsg *e);
	/* May the zone get that name? -EBUSY as may_remove(), -EEXIST: it is taken. */
	int (*may_rename)(void *ctx, const char *name, struct errmsg *e);
	int (*save)(void *ctx, const struct zconf *c, struct errmsg *e);
	int (*remove)(void *ctx, struct errmsg *e);
	/* Asks a person, after telling why (NULL: there is no reason). 1 yes, 0 no,
	 * -ENODATA the input ends, -ENOTTY nobody is there. */
	int (*ask)(void *ctx, const char *why, const char *question);
	/* @secret: only its owner may read the file. */
	int (*write_file)(void *ctx, const char *path, const char *text, bool secret,
			  struct errmsg *e);
	/* A configuration that lies anywhere, as this zone's. */
	int (*archive)(void *ctx, const char *path, struct zconf **ret_conf,
		       struct errmsg *e);
	/* The zone's key, for a file or (@shown) for standard output; the caller wipes
	 * it. */
	int (*load_key)(void *ctx, const struct zconf *c, bool shown,
			char ret_hex[static KEY_HEX_LEN + 1], struct errmsg *e);
	struct zconf_random random; /* .get NULL: the kernel's */
};

enum zcfg_pending { ZCFG_NOTHING, ZCFG_SAVE, ZCFG_REMOVE };

struct zcfg {
	const struct zcfg_ops *ops; /* borrowed */
	void *ctx;
	char zone[ZONE_NAME_MAX + 1]; /* the name that counts as committed */
	bool interactive;
	bool unnamed;    /* no -z: never stored; set it after zcfg_init() */
	bool check_only; /* -n: nothing is stored; set it after zcfg_init() */
	bool live;       /* -r: the zone runs; set it after zcfg_init() */
	bool locked;
	bool done;                 /* exit was said */
	bool unsaved;              /* and a person gave up what could not be saved */
	enum zcfg_pending pending; /* what zcfg_finish() has to do */
	struct zconf *conf;        /* owned; being edited; NULL: no such zone */
	struct zconf *saved;       /* owned; as committed; NULL: not there */
	struct errmsg broken;      /* why the stored one cannot be read; "" when it can */
	bool in_res;               /* inside add or select */
	struct zres res;           /* owned; the resource that is being edited */
	int res_at;                /* its place in conf->res; -1: new */
	bool in_inner;             /* inside add or select inside that resource */
	struct zres inner;         /* owned; the inner resource that is being edited */
	int inner_at;              /* its place in res.inner; -1: new */
	size_t column;             /* of the command that zcfg_line() did last, from 1 */
	struct buf out;            /* what the commands print; the caller empties it */
};

/* Type of the resource that is being edited, RES_GLOBAL outside of one. */
enum res_type zcfg_scope(const struct zcfg *s);
/* ":db", ":db:anet" or ":db:anet:mac": the prompt between "zonecfg" and "> ". */
void zcfg_prompt(const struct zcfg *s, char *out, size_t size);
#define ZCFG_PROMPT_MAX (ZONE_NAME_MAX + 64)

/* Subcommands: id, name, where it is allowed (G global, R resource, L live mode), syntax,
 * help. */
#define ZCFG_COMMANDS(X) \
	X(ADD, "add", "GRL", "add TYPE | PROPERTY VALUE", \
	  "begin a new resource, or add a value to a list") \
	X(CANCEL, "cancel", "RL", "cancel", "leave the resource as it was") \
	X(CLEAR, "clear", "GRL", "clear PROPERTY", "back to the default") \
	X(COMMIT, "commit", "GL", "commit", "verify and make permanent") \
	X(CREATE, "create", "G", "create [-F] [-b | -t TEMPLATE | -a FILE]", \
	  "begin a configuration: from a template (SYSdefault), blank or a file") \
	X(DELETE, "delete", "G", "delete [-F]", \
	  "remove the zone's configuration, at once") \
	X(END, "end", "RL", "end", "check the resource and keep it") \
	X(EXIT, "exit", "GRL", "exit [-F]", "commit if something changed, and leave") \
	X(EXPORT, "export", "GL", "export [-f FILE]", \
	  "print the commands that make this configuration") \
	X(HELP, "help", "GRL", "help [SUBCOMMAND | TYPE | PROPERTY]", \
	  "say what there is") \
	X(INFO, "info", "GRL", "info [TYPE [PROPERTY=VALUE...] | PROPERTY]", \
	  "show the configuration") \
	X(REMOVE, "remove", "GRL", \
	  "remove [-F] TYPE [PROPERTY=VALUE...] | PROPERTY VALUE", \
	  "remove resources, or a value from a list") \
	X(REVERT, "revert", "GL", "revert [-F]", "back to what was last committed") \
	X(SELECT, "select", "GRL", "select TYPE [PROPERTY=VALUE...]", \
	  "change the one resource that matches") \
	X(SET, "set", "GRL", "set PROPERTY=VALUE", "give a property its value") \
	X(VERIFY, "verify", "GL", "verify", "check the configuration")

/**
 * zcfg_init() - Begin a session on a zone
 * @zone:	Checked name, copied
 *
 * A zone that does not exist is fine here, and so is one whose file makes no sense: that
 * one can be deleted or created anew with -F, everything else gives the file's error.
 *
 * Return: 0, -ENOMEM, or what ops->load() gave
 */
int zcfg_init(struct zcfg *s, const struct zcfg_ops *ops, void *ctx, const char *zone,
	      bool interactive, struct errmsg *e);
void zcfg_fini(struct zcfg *s);

/**
 * zcfg_line() - Do the commands of one line, up to the first that fails
 *
 * Return: 0, -ENOMEM, -EINVAL, -ENOENT, … with a text for people
 */
int zcfg_line(struct zcfg *s, const char *line, struct errmsg *e);

/**
 * zcfg_finish() - The end of the input of a session in which nothing failed
 *
 * Commits what has changed and does what is pending. A resource that was not ended is an
 * error. On failure nothing has been changed.
 */
int zcfg_finish(struct zcfg *s, struct errmsg *e);

/* Appends the overview, or one topic. -ENOENT: no such topic. */
int zcfg_help(struct buf *out, const char *topic, struct errmsg *e);

#endif
