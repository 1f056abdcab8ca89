/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ctl_server.h - the restarter's connection: one at a time, checked, answered in order
 */
#ifndef KZHOST_CTL_SERVER_H
#define KZHOST_CTL_SERVER_H

#include "common/proto/ctl.h"

#include <uv.h>

struct ctl_server;

/* One answer; the union's member goes with the request. */
struct ctl_answer {
	size_t len;
	union {
		struct ctl_hdr hdr;
		struct ctl_hello_reply hello;
		struct ctl_reply plain;
		struct ctl_status_reply status;
	};
};

/* What the server's user does; no call may close the server. */
struct ctl_server_ops {
	/*
	 * Carry out a checked request. fds are borrowed: what is kept is set to -1 in the
	 * array. The answer comes in zeroed, with its header and length already right.
	 */
	void (*request)(void *arg, enum ctl_id id, const void *msg, int *fds,
			unsigned n_fds, struct ctl_answer *answer);
	/* The answer is on its way, or nobody is there to hear it any more. */
	void (*answered)(void *arg);
	/* Somebody connected, or is gone. */
	void (*connection)(void *arg, bool up);
};

/**
 * ctl_server_new() - Serve a listening SEQPACKET socket
 * @listen_fd:	Borrowed for the life of the server; made non-blocking
 *
 * Return: 0, -ENOMEM, or what fcntl(2) or libuv gave
 */
int ctl_server_new(uv_loop_t *loop, int listen_fd, const struct ctl_server_ops *ops,
		   void *arg, struct ctl_server **ret_server);

/**
 * ctl_server_event() - Send an event to the restarter
 * @id:		enum ctl_id of the event
 * @msg:	The event's struct; its header is filled in
 *
 * Return: true when it was sent; false when nobody who said HELLO is connected, or when
 * the connection had to be ended
 */
bool ctl_server_event(struct ctl_server *server, enum ctl_id id, struct ctl_hdr *msg,
		      size_t len);

/* Closes everything; memory is released by the loop. NULL is fine. */
void ctl_server_close(struct ctl_server *server);

#endif
