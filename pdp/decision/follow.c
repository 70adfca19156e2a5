/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Publishers that follow: each is told of all nodes, and then of those that changed. There is one
 * decision under way at a time, so one who reads slowly skips what is outdated, as nodes do.
 */
#include "pdp/decision/internal.h"

#include <stdlib.h>
#include <string.h>

#define MODULE "publish"

enum { ROWS_PER_DECISION = 2048 };
static const ev_tstamp gather_s = 0.1; /* changes gather for so long before they are told */

/* What it was told of a node. */
struct told {
	bool known;
	struct node_standing standing; /* without what is borrowed */
	uint64_t reports;              /* how many there were, for the reason */
};

struct follower {
	uint32_t state;   /* request state */
	uint32_t awaited; /* the decision that it has not reported, 0 if none */
	bool begun;
	uint64_t serial, tried; /* what it knows to be there */
	struct told *nodes;
	size_t count;
};

void follow_end(struct peer *p)
{
	if (!p->follower)
		return;
	free(p->follower->nodes);
	free(p->follower);
	p->follower = NULL;
	p->server->follower_count--;
}

static enum err start_over(const struct server *s, struct follower *f)
{
	size_t count = server_node_count(s);
	struct told *nodes = calloc(count + 1, sizeof *nodes);

	if (!nodes)
		return E_MEMORY;
	free(f->nodes);
	f->nodes = nodes;
	f->count = count;
	f->serial = server_serial(s);
	f->tried = server_tried_serial(s);
	f->begun = true;
	return E_OK;
}

static enum err put_state(
	const struct server *s, const struct follower *f, struct buffer *out, struct error *error)
{
	const struct edition *newest = s->trial ? &s->tried : &s->force;
	const struct store_trial *terms = s->trial ? trial_terms(s->trial) : NULL;
	const struct publishing_state state = {
		.tenant = view_of_string(s->parts.settings->tenant),
		.serial = f->serial,
		.tried = f->tried,
		.share = terms ? terms->share : 0,
		.roles = terms ? view_of_string(terms->roles) : VIEW_NONE,
		.has_publisher = f->serial != 0,
		.publisher = newest->publisher,
		.published = newest->published,
		.nodes = (uint32_t)f->count,
	};

	return publishing_state_put(&state, out, error);
}

/* Those that it does not know so; up to the limit, for the next decision takes the rest. */
static enum err put_nodes(const struct server *s, struct follower *f, struct buffer *out,
	size_t *ret_rows, struct error *error)
{
	enum err result = E_OK;
	size_t rows = 0;

	for (size_t i = 0; !result && i < f->count && rows < ROWS_PER_DECISION; i++) {
		const struct publication_node *node = server_node(s, i);
		struct told now = {true, server_standing(s, node),
			compliance_count(s->compliance, node->name)};
		struct node_standing whole = now.standing;

		now.standing.node = now.standing.reason = VIEW_NONE;
		if (f->nodes[i].known && f->nodes[i].reports == now.reports &&
			node_standing_equal(&f->nodes[i].standing, &now.standing))
			continue;
		result = node_standing_put(&whole, (uint32_t)i + 1, out, error);
		f->nodes[i] = now;
		rows++;
	}
	*ret_rows = rows;
	return result;
}

static enum err tell(struct peer *p, bool asked)
{
	struct pdp_transaction transaction = {.install_count = 1};
	struct follower *f = p->follower;
	struct server *s = p->server;
	bool anew = !f->begun || f->serial != server_serial(s) ||
		    f->tried != server_tried_serial(s) || f->count != server_node_count(s);
	struct view installs;
	struct error error;
	struct buffer out;
	enum err result;
	size_t rows;

	buffer_init(&out, COPS_MESSAGE_LIMIT);
	result = anew ? start_over(s, f) : E_OK;
	if (!result)
		result = put_state(s, f, &out, &error);
	if (!result)
		result = put_nodes(s, f, &out, &rows, &error);
	if (!result && out.error)
		result = out.error;
	if (!result && (anew || asked || rows)) {
		installs = buffer_view(&out);
		transaction.installs = &installs;
		result = pdp_session_decide(p->session, f->state, &transaction, &f->awaited);
	}
	buffer_fini(&out);
	return result;
}

static void on_following(struct ev_loop *loop, struct ev_timer *timer, int revents)
{
	struct server *s = timer->data;
	struct peer *next;

	(void)loop;
	(void)revents;
	for (struct peer *p = s->peers; p; p = next) {
		next = p->next;
		if (!p->follower || p->follower->awaited || session_is_closed(p->session) ||
			session_congested(p->session))
			continue;
		if (tell(p, false))
			session_close(p->session, COPS_CLIENT_CONNECTION, COPS_ERROR_UNABLE);
		/* Ends no other peer than this one. */
		link_pump(p->link);
	}
}

void follow_prepare(struct server *s)
{
	ev_timer_init(&s->following, on_following, gather_s, 0);
	s->following.data = s;
}

void follow_soon(struct server *s)
{
	if (!s->follower_count || ev_is_active(&s->following))
		return;
	ev_timer_set(&s->following, gather_s, 0);
	ev_timer_start(s->parts.loop, &s->following);
}

enum err follow_begin(struct peer *p, uint32_t state, struct error *error)
{
	enum err result;

	if (p->follower && p->follower->state != state)
		return error_set(error, E_LIMIT, "this connection follows already");
	follow_end(p);
	p->follower = calloc(1, sizeof *p->follower);
	if (!p->follower)
		return error_set(error, E_MEMORY, "follow: out of memory");
	p->server->follower_count++;
	p->follower->state = state;
	result = tell(p, true);
	if (result) {
		follow_end(p);
		return error_set(error, result, "follow: %s", err_text(result));
	}
	return E_OK;
}

void follow_report(struct peer *p, const struct session_event *event)
{
	if (!p->follower || event->state != p->follower->state)
		return;
	p->follower->awaited = 0;
	/* What changed meanwhile, and what did not fit. */
	follow_soon(p->server);
}

void follow_deleted(struct peer *p, uint32_t state)
{
	if (p->follower && p->follower->state == state)
		follow_end(p);
}
