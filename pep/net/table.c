/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>
#include <time.h>

#include "pep/ipc/contact.h"
#include "pep/net/internal.h"

static const ev_tstamp gather_s = 1; /* changes gather for so long before enforce is told */

/* Between monotonic time and the one that people read; 0 stays. */
static uint32_t utc_of(uint64_t ms)
{
	uint64_t ago = (link_now() - ms) / 1000;

	return ms ? (uint32_t)((uint64_t)time(NULL) - ago) : 0;
}

/* What the live session of this server says of a client-type. */
static void put_live(struct contact_row *row, const struct session_status *status)
{
	for (uint32_t i = 0; i < status->client_count; i++) {
		const struct session_client_status *c = &status->clients[i];

		if (c->client_type != row->client_type)
			continue;
		row->progress = c->progress;
		row->ka_seconds = i ? c->ka_seconds : status->ka_seconds;
		row->acct_seconds = c->acct_seconds;
		row->states = c->states;
	}
}

static uint32_t auth_of(const struct process *p)
{
	if (session_is_sealed(p->session))
		return CONTACT_AUTH_INTEGRITY;
	return p->link && link_pin(p->link) ? CONTACT_AUTH_TLS : CONTACT_AUTH_NONE;
}

static void put_server(struct process *p, const struct server *server, struct buffer *out)
{
	bool live = p->session && endpoint_equal(&server->endpoint, &p->connected_to);
	struct session_counters counters = server->counters;
	struct session_status status = {0};

	if (live) {
		session_counters_add(&counters, session_counters(p->session));
		session_status(p->session, &status);
	}
	if (!counters.row_count)
		counters.row_count = 1;
	for (uint32_t i = 0; i < counters.row_count; i++) {
		const struct session_counts *counts = &counters.rows[i];
		struct contact_row row = {.server = server->endpoint,
			.origin = server->origin,
			.client_type = counts->client_type,
			.auth = live ? auth_of(p) : CONTACT_AUTH_NONE,
			.progress = SESSION_INVALID,
			.last_attempt = utc_of(server->last_attempt),
			.last_error = counts->last_error};

		if (!row.client_type) {
			row.connect_attempts = server->connect_attempts;
			row.connect_failures = server->connect_failures;
			memcpy(row.odd, counters.odd, sizeof row.odd);
			memcpy(row.limited, counters.limited, sizeof row.limited);
		}
		for (unsigned k = 0; k < SESSION_COUNT_KINDS; k++)
			row.of[k] = counts->of[k];
		put_live(&row, &status);
		/* What is beyond the limit is not shown. */
		if (out->len + CONTACT_ROW_SIZE <= CONTACT_ROWS_MAX * CONTACT_ROW_SIZE)
			contact_put_row(out, &row);
	}
}

static void on_tabling(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct message m = {.type = MESSAGE_PDP_TABLE};
	struct process *p = w->data;
	struct buffer table;

	(void)loop;
	(void)revents;
	buffer_init(&table, CONTACT_ROWS_MAX * CONTACT_ROW_SIZE);
	for (size_t i = 0; i < p->servers.count; i++)
		put_server(p, &p->servers.list[i], &table);
	m.data = buffer_view(&table);
	(void)tell(p, &m);
	buffer_fini(&table);
}

void table_init(struct process *p)
{
	ev_init(&p->tabling, on_tabling);
	p->tabling.data = p;
}

void table_fini(struct process *p)
{
	ev_timer_stop(p->loop, &p->tabling);
}

void table_changed(struct process *p)
{
	if (ev_is_active(&p->tabling))
		return;
	ev_timer_set(&p->tabling, gather_s, 0);
	ev_timer_start(p->loop, &p->tabling);
}
