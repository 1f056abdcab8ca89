/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * slow.h - work that may hang, each on a thread of its own
 *
 * DOC: Why a thread each
 *
 * A stat(2), open(2) or ioctl(2) of what an operator has named may take for ever: the
 * server of a network file system is away, a disk does not answer. No such call takes a
 * deadline, and none can be taken back. So they are no business of the event loop; nor of
 * a pool of threads, which a few dead servers would fill. A thread is short to make beside
 * what a boot costs. There is one for each boot that is under way, which the throttle
 * bounds, and for each zone one boot at most that was given up and has not come back, and
 * one look (look.h).
 *
 * DOC: What the thread may touch
 *
 * Its struct slow and what that owns: nobody else touches those from slow_start() until
 * done() is called. Of the restarter nothing; what it needs is copied before.
 *
 * DOC: What is given up
 *
 * Nobody waits for it any more, but it is known until its thread has come back. The thread
 * itself lets go of what it has got then: closing may hang as opening did. Between two
 * calls that can hang slow_at() tells it, so that it takes no lock that nobody wants.
 */
#ifndef KZ_RESTARTER_SLOW_H
#define KZ_RESTARTER_SLOW_H

#include "common/sys/paths.h"

#include <uv.h>

#define SLOW_PATH_SIZE (PATH_SAID + 4)

struct slow_box;

/* One such work; the first member of what describes it. */
struct slow {
	void (*work)(struct slow *s);    /* on the thread */
	void (*release)(struct slow *s); /* when given up, after work(), on the thread */
	void (*done)(struct slow *s);    /* in the loop, once; may free it */
	void (*free)(struct slow *s);    /* instead of done(), when the box has gone */
	char zone[ZONE_NAME_MAX + 1];
	/* slow.c's own */
	struct slow_box *box;
	bool given_up;
	char at[SLOW_PATH_SIZE];
	struct slow *next, **pprev; /* all of the box; the loop's */
	struct slow *next_finished;
};

/* 0 or -ENOMEM. */
int slow_box_new(uv_loop_t *loop, struct slow_box **ret_box);
/* The loop hears of no work any more; what is under way ends by itself. */
void slow_box_free(struct slow_box *box);

/**
 * slow_start() - Let work() begin
 * @s:		work, release, done, free and zone are set. Until one of done() and free()
 *		it belongs to the box
 *
 * Return: 0 or what pthread_create(3) gave; then nothing was called and @s is the
 * caller's
 */
int slow_start(struct slow_box *box, struct slow *s);
/* Nobody wants it: done() comes when its thread has let go of everything. */
void slow_give_up(struct slow *s);
/* The work for a zone that was given up and has not come back; NULL: none. */
struct slow *slow_left(const struct slow_box *box, const char *zone);
/* Where it is now: the path as path_said() has it, "" when it waits for none. */
void slow_where(struct slow *s, char ret_path[static SLOW_PATH_SIZE]);

/**
 * slow_at() - On the thread: the next call is about this path and may hang
 * @s:		NULL: there is no thread, and nobody to ask
 *
 * Return: 0, or -ECANCELED: nobody wants it any more
 */
int slow_at(struct slow *s, const char *path);

#endif
