/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/enforce/process.h"

#include "common/cops/pr.h"
#include "pep/enforce/report.h"
#include "pep/ipc/contact.h"

enum { REQUEST_MAX = MESSAGE_TOTAL_MAX - 65536 }; /* the REQ's own objects come on top */

bool tell_net(struct process *p, const struct message *m)
{
	struct error e;

	if (p->net && !channel_send(p->net, m, -1, &e))
		return true;
	/* Whoever does not read what it asked for is started again by its supervisor. */
	if (p->net)
		log_error(p->log, MODULE, "cannot speak to net",
		          log_str("message", message_name(m->type)), log_err(&e));
	p->net = channel_free(p->net);
	return false;
}

void tell_failure(struct process *p, const struct error *why)
{
	struct message m = {.type = MESSAGE_FAILURE};
	struct verdict v;
	struct buffer report;

	if (p->failure_told || !p->net)
		return;
	p->failure_told = true;
	verdict_init(&v);
	verdict_whole(&v, why);
	buffer_init(&report, MESSAGE_PIECE_MAX);
	report_failure(&v, &report);
	m.data = buffer_view(&report);
	(void)tell_net(p, &m);
	buffer_fini(&report);
}

void tell_repair(struct process *p)
{
	if (!p->failure_told)
		return;
	p->failure_told = false;
	if (p->net)
		(void)tell_net(p, &(struct message){.type = MESSAGE_REQUEST_CHANGED});
}

void tell_trial_failed(struct process *p)
{
	struct error e;

	error_set(&e, E_CONFLICT, "this node could not hear its PDP under the new policy; the one before "
	          "is in force");
	tell_failure(p, &e);
	/* Not to be repaired by us: the next policy is. */
	p->failure_told = false;
	if (p->net)
		(void)tell_net(p, &(struct message){.type = MESSAGE_REQUEST_CHANGED});
}

/* The next piece of a run of our own, cut between pairs; none of them is longer than a piece. */
static struct view take_piece(struct view *rest)
{
	struct view piece = {rest->data, pr_cut(*rest, MESSAGE_PIECE_MAX)};

	if (!piece.len)
		piece.len = rest->len;
	rest->data += piece.len;
	rest->len -= piece.len;
	return piece;
}

void tell_request(struct process *p, uint32_t id, uint32_t after)
{
	struct message m = {.type = MESSAGE_REQUEST_BEGIN, .id = id};
	struct buffer b;
	struct view rest;
	struct error e;

	buffer_init(&b, REQUEST_MAX);
	if (enforcement_request(p->enforcement, id, after, &b, &e)) {
		log_error(p->log, MODULE, "cannot say what this node is", log_err(&e));
		goto out;
	}
	m.total = (uint32_t)b.len;
	for (rest = buffer_view(&b); rest.len; m.pieces++)
		(void)take_piece(&rest);
	if (!tell_net(p, &m))
		goto out;
	for (rest = buffer_view(&b); rest.len;) {
		struct message piece = {.type = MESSAGE_REQUEST_PIECE, .id = id,
		                        .kind = PIECE_INSTALL, .data = take_piece(&rest)};

		if (!tell_net(p, &piece))
			goto out;
	}
	m = (struct message){.type = MESSAGE_REQUEST_COMMIT, .id = id};
	(void)tell_net(p, &m);
out:
	buffer_fini(&b);
}

void tell_accounting(struct process *p)
{
	struct message m = {.type = MESSAGE_ACCOUNTING};
	struct buffer b;
	struct error e;

	buffer_init(&b, MESSAGE_PIECE_MAX);
	if (enforcement_traffic(p->enforcement, &b, &e)) {
		log_warning(p->log, MODULE, "cannot say what rules have counted", log_err(&e));
		buffer_fini(&b);
		buffer_init(&b, MESSAGE_PIECE_MAX);
	}
	m.data = buffer_view(&b);
	(void)tell_net(p, &m);
	buffer_fini(&b);
}

void tell_changes(struct process *p)
{
	if (p->net && enforcement_request_due(p->enforcement))
		(void)tell_net(p, &(struct message){.type = MESSAGE_REQUEST_CHANGED});
}

void tell_last_pdp(struct process *p)
{
	struct message m = {.type = MESSAGE_LAST_PDP};
	struct buffer b;

	buffer_init(&b, CONTACT_ENDPOINT_SIZE);
	contact_put_endpoint(&b, endpoint_family(&p->in_sync) ? &p->in_sync : NULL);
	m.data = buffer_view(&b);
	(void)tell_net(p, &m);
	buffer_fini(&b);
}

void tell_trace(struct process *p, bool wanted)
{
	struct message m = {.type = MESSAGE_TRACE_WANTED, .kind = wanted};

	if (p->net)
		(void)tell_net(p, &m);
}
