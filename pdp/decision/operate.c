/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pdp/decision/internal.h"

#define MODULE "server"

/* ---- Sending nodes elsewhere ---- */

void server_redirect(struct server *s, const struct endpoint *to)
{
	struct peer *next;

	s->redirecting = to != NULL;
	if (!to) {
		log_notice(s->parts.log, MODULE, "nodes are served here again");
		return;
	}
	s->redirect = *to;
	log_notice(s->parts.log, MODULE, "nodes are sent to another PDP", log_endpoint("to", to));
	for (struct peer *p = s->peers; p; p = next) {
		next = p->next;
		if (!p->node || session_is_closed(p->session))
			continue;
		if (pdp_session_redirect(p->session, COPS_CLIENT_CONNECTION, to))
			session_close(p->session, COPS_CLIENT_CONNECTION, COPS_ERROR_SHUTTING_DOWN);
		/* Ends no other peer than this one. */
		link_pump(p->link);
	}
	server_changed(s);
}

/* ---- Asking for requests ---- */

enum err server_synchronize(struct server *s, const char *node, bool newest, struct error *error)
{
	const struct publication_node *known = server_find_name(s, node);
	struct peer *p = known ? server_seat(s, known)->peer : NULL;
	enum err result;

	if (!known)
		return error_set(error, E_NOT_FOUND, "the policy has no node %s", node);
	if (!p)
		return error_set(error, E_NOT_FOUND, "node %s is not connected", node);
	if (newest && !p->state)
		return error_set(error, E_NOT_FOUND, "node %s has no request state", node);
	result = pdp_session_synchronize(
		p->session, COPS_CLIENT_PROVISIONING, newest ? p->state : 0);
	if (result)
		return error_set(
			error, result, "node %s cannot be asked: %s", node, err_text(result));
	link_pump(p->link);
	return E_OK;
}

/* ---- What was counted ---- */

static json_t *describe_counts(const struct session_counts *row)
{
	json_t *counts = json_pack("{s:i, s:i}", "client-type", (int)row->client_type, "last-error",
		(int)row->last_error);

	for (unsigned i = 0; counts && i < SESSION_COUNT_KINDS; i++)
		json_object_set_new(counts, session_count_name((enum session_count)i),
			json_integer(row->of[i]));
	return counts;
}

static json_t *describe_kinds(
	const uint32_t *of, unsigned kinds, const char *(*name)(unsigned kind))
{
	json_t *object = json_object();

	for (unsigned i = 0; object && i < kinds; i++)
		json_object_set_new(object, name(i), json_integer(of[i]));
	return object;
}

static const char *limit_name(unsigned kind)
{
	return session_limit_name((enum session_limit)kind);
}

static const char *oddity_name(unsigned kind)
{
	return session_oddity_name((enum session_oddity)kind);
}

json_t *server_describe_oddities(const struct session_counters *c)
{
	return describe_kinds(c->odd, SESSION_ODDITIES, oddity_name);
}

/* What the limits of connections have done. */
static json_t *describe_refusals(const struct net_counters *c)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "accepted",
		(json_int_t)c->accepted, "max-connections", (json_int_t)c->refused_connections,
		"max-unsecured", (json_int_t)c->refused_unsecured, "max-per-address",
		(json_int_t)c->refused_per_address, "secure-timeout", (json_int_t)c->late, "stalled",
		(json_int_t)c->stalled, "too-long", (json_int_t)c->too_long, "held",
		(json_int_t)c->held);
}

json_t *server_describe_status(const struct server *s)
{
	struct session_counters sum = s->counters;
	char to[ENDPOINT_TEXT_SIZE] = "";
	json_int_t connections = 0, nodes = 0;
	json_t *rows = json_array();

	for (const struct peer *p = s->peers; p; p = p->next) {
		session_counters_add(&sum, session_counters(p->session));
		connections++;
		nodes += p->node != NULL;
	}
	for (uint32_t i = 0; rows && i < sum.row_count; i++)
		json_array_append_new(rows, describe_counts(&sum.rows[i]));
	if (s->redirecting)
		endpoint_format(&s->redirect, to);
	return json_pack("{s:s, s:I, s:I, s:I, s:s, s:I, s:I, s:o, s:o, s:o, s:o}", "name",
		s->parts.settings->name, "serial", (json_int_t)server_serial(s), "connections",
		connections, "nodes", nodes, "redirect", to, "octets-in", (json_int_t)sum.octets_in,
		"octets-out", (json_int_t)sum.octets_out, "client-types", rows, "tolerated",
		server_describe_oddities(&sum), "limits",
		describe_kinds(sum.limited, SESSION_LIMITS, limit_name), "connection-limits",
		describe_refusals(net_counters(s->net)));
}
