/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sock.h - Unix sockets: any path length, messages that carry descriptors, peer identity
 */
#ifndef KZ_SYS_SOCK_H
#define KZ_SYS_SOCK_H

#include "common/base/base.h"

#include <sys/socket.h>
#include <sys/types.h>

#define SOCK_FDS_MAX 16 /* descriptors that one message may carry */

/**
 * sock_listen() - Bind and listen, replacing a stale socket file
 * @path:	Of any length (its directory is opened and bound through /proc/self/fd)
 * @type:	SOCK_STREAM or SOCK_SEQPACKET; the result is close-on-exec and
 * non-blocking
 * @mode:	Permissions of the socket file, set before anyone can connect
 *
 * Return: 0 or what the system gave
 */
int sock_listen(const char *path, int type, mode_t mode, int *ret_fd);

/* Connects (blocking descriptor, close-on-exec). 0, -ENOENT, -ECONNREFUSED, -EACCES, … */
int sock_connect(const char *path, int type, int *ret_fd);

/* Sends one message with n_fds descriptors (borrowed). 0, -EAGAIN, -EPIPE, … */
int sock_send(int fd, const void *data, size_t len, const int *fds, unsigned n_fds);

/**
 * sock_recv() - Receive one message with its descriptors
 * @size:	Room at @data; a longer message gives -EMSGSIZE and is gone
 * @fds:	Room for SOCK_FDS_MAX; owned by the caller on success, close-on-exec
 *
 * On any failure the descriptors that came along are closed.
 *
 * Return: length (0 = end of file), -EAGAIN, -EMSGSIZE, -EPROTO (too many descriptors),
 * or what recvmsg(2) gave
 */
ssize_t sock_recv(int fd, void *data, size_t size, int fds[SOCK_FDS_MAX],
		  unsigned *ret_n_fds);

/* Credentials of the peer (SO_PEERCRED). 0 or what getsockopt(2) gave. */
int sock_peer(int fd, struct ucred *ret_cred);

#endif
