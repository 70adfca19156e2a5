/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/enforce/process.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pep/enforce/in_sync.h"
#include "pep/ipc/contact.h"
#include "pep/process/supervisor.h"

enum {
	NET_QUEUE = 2 * MESSAGE_TOTAL_MAX,
	SUPERVISOR_QUEUE = 4096,
};

/* ---- Decisions ---- */

/* The PDP whose decisions are all in force, by what net says; NULL: there is none any more. */
static void note_in_sync(struct process *p, const struct endpoint *pdp)
{
	const struct storage storage = directory_storage(&p->directory);
	const uint64_t serial = enforcement_serial(p->enforcement);
	struct error e;

	if (pdp && (!enforcement_index(p->enforcement).len || !endpoint_family(pdp)))
		pdp = NULL;
	if (pdp ? endpoint_family(&p->in_sync) && endpoint_equal(pdp, &p->in_sync) &&
	                  serial == p->in_sync_serial
	        : !endpoint_family(&p->in_sync))
		return;
	if (in_sync_write(&storage, pdp, enforcement_index(p->enforcement), &e)) {
		log_notice(p->log, MODULE, "which PDP we are in sync with is not stored", log_err(&e));
		pdp = NULL;
	}
	p->in_sync = pdp ? *pdp : (struct endpoint){0};
	p->in_sync_serial = serial;
}

void read_in_sync(struct process *p)
{
	const struct storage storage = directory_storage(&p->directory);
	struct error e;

	if (in_sync_read(&storage, enforcement_index(p->enforcement), &p->in_sync, &e))
		log_info(p->log, MODULE, "in sync with no PDP", log_err(&e));
	p->in_sync_serial = enforcement_serial(p->enforcement);
}

static enum event_kind event_of(enum err err, bool changed)
{
	if (err)
		return EVENT_REFUSED;
	return changed ? EVENT_IN_FORCE : EVENT_UNCHANGED;
}

static void decide(struct process *p, uint32_t id)
{
	uint64_t before = enforcement_serial(p->enforcement);
	struct message m = {.type = MESSAGE_REPORT, .id = id};
	struct buffer report;
	struct error e = {0};
	enum err err;

	buffer_init(&report, 4 * MESSAGE_PIECE_MAX);
	err = enforcement_decide(p->enforcement, &p->origin, p->decision.pieces,
	                         p->decision.count, now_utc(), &report, &e);
	m.kind = err ? REPORT_FAILURE : REPORT_SUCCESS;
	note_in_sync(p, err ? NULL : &p->pdps.endpoint);
	refusals_count(&p->refused, err);
	process_event(p, event_of(err, enforcement_serial(p->enforcement) != before),
	              p->origin.number, err ? e.text : NULL);
	if (err)
		log_warning(p->log, MODULE, "decision refused, nothing has changed",
		            log_u64("decision", p->origin.number), log_err(&e),
		            log_u64("index", before));
	else if (enforcement_serial(p->enforcement) != before)
		log_notice(p->log, MODULE, "policy in force",
		           log_u64("index", enforcement_serial(p->enforcement)),
		           log_u64("before", before), log_u64("decision", p->origin.number));
	else
		log_info(p->log, MODULE, "decision changed nothing",
		         log_u64("decision", p->origin.number), log_u64("index", before));
	if (enforcement_pdp_error(p->enforcement)[0])
		log_warning(p->log, MODULE, "our request was not understood",
		            log_str("reason", enforcement_pdp_error(p->enforcement)));
	/* A report without its signature claims nothing, but answers. */
	if (report.error || report.len > MESSAGE_PIECE_MAX)
		log_error(p->log, MODULE, "the report is too long to be sent whole",
		          log_u64("octets", report.len));
	else
		m.data = buffer_view(&report);
	(void)tell_net(p, &m);
	buffer_fini(&report);
	transfer_reset(&p->decision);
	/* Behind the report (RFC 3318 section 2.2). */
	tell_changes(p);
	upkeep_confirm(p, false);
	upkeep_watch(p);
}

/* ---- Messages of the session, for pepctl trace ---- */

static void trace_took(struct process *p, size_t octets)
{
	p->trace_left -= octets < p->trace_left ? octets : p->trace_left;
	if (!p->trace_left)
		control_server_retry(p->control);
}

static void trace_begin(struct process *p, const struct message *m)
{
	struct cursor c = cursor_over(m->data);
	struct endpoint pdp = contact_get_endpoint(&c);
	char text[ENDPOINT_TEXT_SIZE] = "?";

	if (!c.error)
		endpoint_format(&pdp, text);
	trace_live_lost(p->trace, m->number);
	trace_live_begin(p->trace, m->kind == TRACE_SENT, text, m->total, now_ms());
	p->trace_left = m->total < TRACE_MESSAGE_MAX ? m->total : TRACE_MESSAGE_MAX;
	trace_took(p, 0);
}

static void trace_piece(struct process *p, const struct message *m)
{
	trace_live_more(p->trace, m->data);
	trace_took(p, m->data.len);
}

/* ---- From net ---- */

static void on_net_message(void *context, struct channel *c, const struct message *m, int fd)
{
	struct process *p = context;
	struct error e = {0};
	enum err err = E_OK;

	(void)c;
	(void)fd;
	switch ((int)m->type) {
	case MESSAGE_PDP_STATE:
		err = pdps_state(&p->pdps, m, now_utc(), &e);
		if (!err && p->pdps.state == CONTACT_OPEN)
			upkeep_confirm(p, true);
		break;
	case MESSAGE_PDP_HEARD:
		upkeep_confirm(p, true);
		break;
	case MESSAGE_TRACE_BEGIN:
		trace_begin(p, m);
		break;
	case MESSAGE_TRACE_PIECE:
		trace_piece(p, m);
		break;
	case MESSAGE_PDP_TABLE:
		err = pdps_table(&p->pdps, m, &e);
		break;
	case MESSAGE_REQUEST_WANTED:
		tell_request(p, m->id, m->number);
		break;
	case MESSAGE_ACCOUNTING_WANTED:
		tell_accounting(p);
		break;
	case MESSAGE_DECISION_BEGIN:
		upkeep_confirm(p, true);
		err = transfer_begin(&p->decision, m, &e);
		p->origin.number = m->number;
		/* Its length is what the table of messages says. */
		memcpy(p->origin.session.octets, m->data.data, BINDING_SIZE);
		break;
	case MESSAGE_DECISION_PIECE:
		err = transfer_piece(&p->decision, m, &e);
		break;
	case MESSAGE_DECISION_COMMIT:
		err = transfer_commit(&p->decision, m, &e);
		if (!err)
			decide(p, m->id);
		break;
	default:
		err = error_set(&e, E_UNEXPECTED, "%s", message_name(m->type));
		break;
	}
	if (err) {
		log_error(p->log, MODULE, "net sent what it may not", log_err(&e));
		process_stop(p, EXIT_FAILURE);
	}
}

static void on_net_closed(void *context, struct channel *c, const struct error *e)
{
	struct process *p = context;

	p->net = channel_free(c);
	transfer_reset(&p->decision);
	pdps_lost(&p->pdps);
	if (e->code == E_CLOSED) {
		log_notice(p->log, MODULE, "net has gone, what is in force stays");
		return;
	}
	log_error(p->log, MODULE, "net sent what it may not", log_err(e));
	process_stop(p, EXIT_FAILURE);
}

static const struct channel_events net_events = {on_net_message, on_net_closed, NULL};

/* ---- From the supervisor ---- */

static void on_supervisor_message(void *context, struct channel *c, const struct message *m, int fd)
{
	struct process *p = context;
	struct error e;

	(void)c;
	if (m->type == MESSAGE_SHUTDOWN) {
		process_stop(p, EXIT_SUCCESS);
		return;
	}
	/* PEER: a new net process takes the place of the old one. */
	p->net = channel_free(p->net);
	transfer_reset(&p->decision);
	if (channel_new(p->loop, fd, IPC_ENFORCE, IPC_NET, NET_QUEUE, &net_events, p, &p->net, &e)) {
		close(fd);
		log_error(p->log, MODULE, "cannot listen to net", log_err(&e));
		process_stop(p, EXIT_FAILURE);
		return;
	}
	tell_last_pdp(p);
	if (trace_live_is_wanted(p->trace))
		tell_trace(p, true);
}

static void on_supervisor_closed(void *context, struct channel *c, const struct error *e)
{
	struct process *p = context;

	(void)c;
	log_error(p->log, MODULE, "the supervisor has gone, the kernel keeps the policy",
	          log_err(e));
	process_stop(p, EXIT_FAILURE);
}

static const struct channel_events supervisor_events = {on_supervisor_message,
                                                        on_supervisor_closed, NULL};

enum err messages_listen(struct process *p, struct error *e)
{
	return channel_new(p->loop, CHILD_SUPERVISOR_FD, IPC_ENFORCE, IPC_SUPERVISOR,
	                   SUPERVISOR_QUEUE, &supervisor_events, p, &p->supervisor, e);
}
