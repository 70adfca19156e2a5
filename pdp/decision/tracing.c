/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "pdp/decision/internal.h"

/* Before TLS encrypts and behind where it decrypts. */
static void on_message(void *tapper, bool out, struct view message)
{
	const struct peer *p = tapper;
	struct trace_live *trace = p->server->trace;
	char address[ENDPOINT_TEXT_SIZE], name[TRACE_PEER_MAX + 1];

	if (!trace_live_is_wanted(trace))
		return;
	endpoint_format(&p->address, address);
	snprintf(name, sizeof name, "%s%s%s", address, p->node ? " " : "", p->node ? p->node : "");
	trace_live_put(trace, out, name, message, link_now());
	server_changed(p->server);
}

void peer_trace(struct peer *p)
{
	session_set_tap(p->session, on_message, p);
}

enum err server_trace(struct server *s, const json_t *request, json_t **ret_result,
	struct error *error)
{
	return trace_live_answer(s->trace, request, link_now(), ret_result, error);
}
