/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The decision point: listens, knows its peers by their keys, serves the policy in force to nodes
 * under client-type 0x4950, and takes new policy from publishers under 0x4953.
 *
 * A node is whoever holds the key that a signed assignment names; its PEPID must be that of the
 * assignment, and of two connections of one node the newer counts. Every REQ is answered by the
 * full state, by a NULL decision if the node says that it holds what is in force, or by a delta if
 * it holds one of the last publications. Every publication goes to all connected nodes at once, but
 * for those which have not reported the decision before: they get it, or what is newer by then,
 * when they have. It goes as a delta where a signed report says what the node holds; a node that
 * refuses a delta gets the full state, once.
 *
 * A publication may be tried first: some nodes (trial.h) are served it, the others the one before,
 * until it is promoted or another one comes.
 */
#ifndef COPSEC_PDP_DECISION_SERVER_H
#define COPSEC_PDP_DECISION_SERVER_H

#include <jansson.h>

#include "common/integrity/keys.h"
#include "common/service/log.h"
#include "pdp/decision/compliance.h"
#include "pdp/settings.h"

struct server;

struct server_parts {
	struct ev_loop *loop;
	struct log *log;
	const struct pdp_settings *settings;
	const struct key *key;
	const struct trust *trust;
	struct integrity_keys *integrity_keys; /* NULL: no Integrity object */
	struct store *store;
	/* Called when a node came, went or reported, or policy changed. May be NULL. */
	void (*changed)(void *context);
	void *context;
};

/* All parts are borrowed and outlive the server. It listens when this returns. */
enum err server_new(const struct server_parts *parts, struct server **ret_server,
	struct error *error) MUST_USE;
/* Stops listening and says good-bye to all peers (Client-Close, shutting down). The loop has
 * nothing more to do for the server once they are gone; only then may it be freed. */
void server_stop(struct server *s);
struct server *server_free(struct server *s);

/* Where it listens, with the real ports. */
size_t server_endpoint_count(const struct server *s);
const struct endpoint *server_endpoint(const struct server *s, size_t which);

/* In force; 0 if nothing is published. */
uint64_t server_serial(const struct server *s);
/* 0 if nothing is tried. */
uint64_t server_tried_serial(const struct server *s);
/* Full state again, to one node; E_NOT_FOUND if it is not connected, E_AGAIN while it has not
 * answered what it was sent before. *ret_reports is the number of its reports so far: the next one
 * is the answer. */
enum err server_resend(struct server *s, const char *node, uint64_t *ret_reports,
	struct error *error) MUST_USE;
/* What a node last reported; E_AGAIN while that is not more than `reports` reports. */
enum err server_outcome(const struct server *s, const char *node, uint64_t reports,
	json_t **ret_node, struct error *error) MUST_USE;

/* Sends every node to another PDP (RFC 2748, PDPRedirAddr), those that are connected and those that
 * come; NULL: no longer. Publishers are served all the same. */
void server_redirect(struct server *s, const struct endpoint *to);
/* Asks a node for its requests again (SSQ), for all of them or for the newest alone, by its handle;
 * E_NOT_FOUND if it is not connected, or has none. */
enum err server_synchronize(struct server *s, const char *node, bool newest,
	struct error *error) MUST_USE;

/* The command "trace" (common/trace/live.h): the messages of all sessions as they pass. */
enum err server_trace(struct server *s, const json_t *request, json_t **ret_result,
	struct error *error) MUST_USE;

/* New references; NULL when memory is out. Seconds since 1970 for all times. */
json_t *server_describe_nodes(const struct server *s);
/* One of them, with what it said of itself, as long as it is connected. E_NOT_FOUND. */
enum err server_describe_node(const struct server *s, const char *name, json_t **ret_node,
	struct error *error) MUST_USE;
json_t *server_describe_policy(const struct server *s);
/* What was refused, by reason: an array of rows (common/service/refusals.h). */
json_t *server_describe_refusals(const struct server *s);
/* Connections, and all that sessions counted since the server was made. */
json_t *server_describe_status(const struct server *s);

/* Whether every node of the policy is connected and has what it is to have, by signed report. */
bool server_converged(const struct server *s);

#endif
