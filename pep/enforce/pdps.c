/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/enforce/pdps.h"

#include <stdio.h>
#include <string.h>

#include "common/service/control.h"
#include "pep/net/servers.h"

static const char *const state_names[CONTACT_END] = {
	[CONTACT_WAITING] = "waiting",
	[CONTACT_CONNECTING] = "connecting",
	[CONTACT_OPENING] = "opening",
	[CONTACT_OPEN] = "open",
};

void pdps_init(struct pdps *p, const struct endpoint *first, uint64_t now_utc)
{
	*p = (struct pdps){.state = CONTACT_WAITING, .since = now_utc};
	if (first)
		p->endpoint = *first;
	buffer_init(&p->table, CONTACT_ROWS_MAX * CONTACT_ROW_SIZE);
}

void pdps_fini(struct pdps *p)
{
	buffer_fini(&p->table);
}

enum err pdps_state(struct pdps *p, const struct message *m, uint64_t now_utc, struct error *e)
{
	struct cursor c = cursor_over(m->data);
	struct endpoint endpoint = contact_get_endpoint(&c);
	struct view reason = cursor_take(&c, cursor_left(&c));

	if (c.error || reason.len > MESSAGE_TEXT_MAX)
		return error_set(e, E_RANGE, "the state of a PDP is none");
	if (m->kind == CONTACT_WAITING)
		snprintf(p->reason, sizeof p->reason, "%.*s", (int)reason.len,
			reason.len ? (const char *)reason.data : "");
	else if (m->kind == CONTACT_OPEN)
		p->reason[0] = '\0';
	/* Attempts and waits take turns; what counts is since when there is no session. */
	if ((m->kind == CONTACT_OPEN) != (p->state == CONTACT_OPEN))
		p->since = now_utc;
	p->state = (enum pdp_contact)m->kind;
	p->endpoint = endpoint;
	return E_OK;
}

enum err pdps_table(struct pdps *p, const struct message *m, struct error *e)
{
	struct cursor c = cursor_over(m->data);
	struct contact_row row;

	while (cursor_left(&c))
		if (contact_get_row(&c, &row))
			return error_set(e, E_RANGE, "a row of the table of PDPs is none");
	buffer_reset(&p->table);
	buffer_put_view(&p->table, m->data);
	return p->table.error ? error_set(e, p->table.error, "no room for the table of PDPs")
			      : E_OK;
}

void pdps_lost(struct pdps *p)
{
	p->state = CONTACT_WAITING;
}

json_t *pdps_describe(const struct pdps *p, bool has_net)
{
	char address[ENDPOINT_TEXT_SIZE] = "";

	if (endpoint_family(&p->endpoint))
		endpoint_format(&p->endpoint, address);
	return json_pack("{s:s, s:s, s:I, s:o}", "address", address, "state",
		has_net ? state_names[p->state] : "no net process", "since", (json_int_t)p->since,
		"reason", control_text(view_of_string(p->reason)));
}

static json_t *describe_row(const struct contact_row *row)
{
	json_t *client =
		json_pack("{s:i, s:s, s:I, s:I, s:I}", "client-type", (int)row->client_type,
			"state", session_progress_name((enum session_progress)row->progress),
			"keep-alive", (json_int_t)row->ka_seconds, "request-states",
			(json_int_t)row->states, "last-error", (json_int_t)row->last_error);

	if (!client)
		return NULL;
	if (row->client_type && row->progress == SESSION_ACCEPTED &&
		row->acct_seconds != SESSION_ACCOUNTING_ANY)
		json_object_set_new(client, "accounting", json_integer(row->acct_seconds));
	for (unsigned i = 0; i < SESSION_COUNT_KINDS; i++)
		json_object_set_new(client, session_count_name((enum session_count)i),
			json_integer(row->of[i]));
	return client;
}

static const char *auth_name(uint32_t auth)
{
	return auth == CONTACT_AUTH_TLS         ? "tls"
	       : auth == CONTACT_AUTH_INTEGRITY ? "integrity"
						: "none";
}

static json_t *describe_oddities(const struct contact_row *row)
{
	json_t *object = json_object();

	for (unsigned i = 0; object && i < SESSION_ODDITIES; i++)
		json_object_set_new(object, session_oddity_name((enum session_oddity)i),
			json_integer(row->odd[i]));
	return object;
}

static json_t *describe_limits(const struct contact_row *row)
{
	json_t *object = json_object();

	for (unsigned i = 0; object && i < SESSION_LIMITS; i++)
		json_object_set_new(object, session_limit_name((enum session_limit)i),
			json_integer(row->limited[i]));
	return object;
}

static json_t *describe_server(const struct contact_row *row)
{
	char address[ENDPOINT_TEXT_SIZE];

	endpoint_format(&row->server, address);
	return json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:o, s:o, s:[]}", "address", address,
		"from", server_origin_name((enum server_origin)row->origin), "security",
		auth_name(row->auth), "last-attempt", (json_int_t)row->last_attempt,
		"connect-attempts", (json_int_t)row->connect_attempts, "connect-failures",
		(json_int_t)row->connect_failures, "tolerated", describe_oddities(row), "limits",
		describe_limits(row), "client-types");
}

json_t *pdps_describe_table(const struct pdps *p)
{
	struct cursor c = cursor_over(buffer_view(&p->table));
	json_t *servers = json_array(), *server = NULL;
	struct contact_row row;

	while (cursor_left(&c) && !contact_get_row(&c, &row)) {
		if (!row.client_type) {
			server = describe_server(&row);
			json_array_append_new(servers, server);
		}
		json_array_append_new(json_object_get(server, "client-types"), describe_row(&row));
	}
	return servers;
}
