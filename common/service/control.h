/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The control socket of a daemon: a UNIX stream socket, one JSON object a line each way.
 *
 *	{"command": "nodes", ...}      ->      {"result": ...}
 *	                                       {"error": {"code": "not found", "text": "..."}}
 *
 * The socket has mode 0600; only its owner, root and the daemon's own user are served (checked by
 * the kernel's word on the peer). Clients, the length of a line and of a reply are limited; who
 * breaks a limit is answered with an error and cut off. A client's next request is read when it
 * has taken the reply to the one before.
 *
 * The server is driven by the loop it was given and owned by who made it; it may be freed from
 * inside a handler. The client, control_call(), blocks and is for the command line tools.
 */
#ifndef COPSEC_COMMON_SERVICE_CONTROL_H
#define COPSEC_COMMON_SERVICE_CONTROL_H

#include <jansson.h>
#include <sys/types.h>

#include "common/base/bytes.h"

struct ev_loop;

enum {
	CONTROL_LINE_MAX = 64 * 1024,         /* octets of a request */
	CONTROL_REPLY_MAX = 16 * 1024 * 1024, /* octets of a reply */
	CONTROL_CLIENTS_MAX = 16,
};

/*
 * Handles one request. On success *ret_result gets a new reference to any JSON value (NULL stands
 * for `true`); on failure the error is what the client reads. E_AGAIN keeps the client waiting: the
 * same request is handled again after control_server_retry(), until it has another answer.
 */
typedef enum err control_handler(void *context, const json_t *request, json_t **ret_result,
				 struct error *e);

/* A table ends with a row of zeros. */
struct control_command {
	const char *name;
	control_handler *handle;
	const char *line; /* for the answer to an unknown command, and for `help` */
};

struct control_server;

/*
 * Takes the place of a dead daemon's socket, but E_CONFLICT if another one answers there. `owner`
 * gets the socket file ((uid_t)-1: stays ours). The table and `context` must outlive the server.
 */
enum err control_server_new(struct ev_loop *loop, const char *path, uid_t owner,
			    const struct control_command *commands, void *context,
			    struct control_server **ret_server, struct error *e) MUST_USE;
/* Something has changed: requests that were answered E_AGAIN are handled again, from the loop. */
void control_server_retry(struct control_server *s);
struct refusals;
/* Lines that were no request, and clients that were turned away. */
const struct refusals *control_server_refusals(const struct control_server *s);
/* Removes the socket file too. */
void control_server_free(struct control_server *s);

/* JSON is UTF-8, and a text may quote what a peer sent: of any other, what is not ASCII becomes '?'.
 * NULL when memory is out. */
json_t *control_text(struct view text) MUST_USE;

/*
 * One request, one reply, then the connection is closed. *ret_result is a new reference; an error
 * that the daemon answered comes back with its text and code. E_TIMEOUT after `timeout_ms`.
 */
enum err control_call(const char *path, const json_t *request, uint64_t timeout_ms,
		      json_t **ret_result, struct error *e) MUST_USE;

#endif
