/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * client.h - a connection to svc.zones, for programs that ask and wait
 */
#ifndef KZ_CLI_CLIENT_H
#define KZ_CLI_CLIENT_H

#include "common/proto/varlink.h"
#include "common/sys/paths.h"

struct client {
	int fd;          /* -1: not connected */
	struct buf in;   /* received and not yet taken */
	size_t searched; /* bytes of it in which no message ends */
};

/* Why a call failed. */
struct client_error {
	struct errmsg msg; /* for people */
	char state[24];    /* of the zone, with -EBUSY; "" when not told */
};

/* What an operation waits for; text is borrowed. */
typedef void client_progress(void *arg, const char *text);

/**
 * client_open() - Connect to this root's svc.zones
 *
 * Return: 0, -ENOTCONN (it is not running; the text names the socket), -ENOMEM, or what
 * connecting gave
 */
int client_open(struct client *c, const struct paths *p, struct client_error *e);
void client_close(struct client *c);

/**
 * client_call() - Call and wait for the one answer
 * @take_params:	Parameters, freed here; NULL is a failed allocation of the
 * caller's
 * @ret_reply:		Parameters of the answer, owned by the caller; may be NULL
 *
 * Return: 0, -ENOENT (no such zone), -EBUSY (illegal in this state), -EACCES (denied),
 * -EINTR (another request took its place, or ^C in client_wait()), -EIO (it failed),
 * -EPROTO (svc.zones answers nonsense), -ECONNRESET (it went away), -ENOMEM
 */
int client_call(struct client *c, enum kz_method m, json_t *take_params,
		json_t **ret_reply, struct client_error *e);

/**
 * client_wait() - Call something that takes its time, and wait until it is done
 * @progress:	Called, once a moment has passed, with each thing that is waited for
 *
 * SIGINT ends the waiting, not the operation. Return: as client_call()
 */
int client_wait(struct client *c, enum kz_method m, json_t *take_params,
		client_progress *progress, void *arg, struct client_error *e);

/**
 * client_begin() - Call something that answers more than once
 *
 * client_next() gives the answers. Nothing else may be called until the last one.
 *
 * Return: as client_call()
 */
int client_begin(struct client *c, enum kz_method m, json_t *take_params,
		 struct client_error *e);

/**
 * client_next() - Wait for the next answer
 * @ret_reply:	Its parameters, owned by the caller
 *
 * Return: as client_call()
 */
int client_next(struct client *c, json_t **ret_reply, struct client_error *e);

#endif
