/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * http.h - a server for two documents: /metrics and /status, to be read only
 *
 * DOC: How little of HTTP
 *
 * One GET a connection, answered and closed. A request has HTTP_REQUEST_MAX bytes and
 * HTTP_TIME_MS for all of it and for reading the answer; of more than HTTP_CLIENTS_MAX
 * clients the newest is turned away. Bodies, other methods and what is no request are
 * refused. It listens on a socket of the host and, when config/metrics-listen says so, on
 * a loopback port; there a Host header must name the loopback too, so that no page in a
 * browser can read it under a name of its own.
 */
#ifndef KZ_RESTARTER_HTTP_H
#define KZ_RESTARTER_HTTP_H

#include "restarter/shell.h"

#define HTTP_REQUEST_MAX 8192
#define HTTP_TIME_MS     5000
#define HTTP_CLIENTS_MAX 32

struct http;

/* Listens on the socket below /run/zones. 0, -ENOMEM or what sock_listen() gave. */
int http_listen(struct shell *sh, struct http **ret_http);

/**
 * http_listen_tcp() - Listen on a loopback address too, or no more
 * @text:	As config/metrics-listen; "" for none
 *
 * Return: 0 (also when it listens there already) or what binding gave; then it listens
 * on no port
 */
int http_listen_tcp(struct http *h, const char *text);

/* Closes everything and removes the socket; frees when the loop has closed it. */
void http_free(struct http *h);

#endif
