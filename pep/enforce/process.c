/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/process/children.h"

#include <errno.h>
#include <ev.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/cops/pr.h"
#include "common/crypto/digest.h"
#include "common/service/control.h"
#include "common/service/refusals.h"
#include "common/trace/live.h"
#include "pep/enforce/connections.h"
#include "pep/enforce/enforcement.h"
#include "pep/enforce/explain.h"
#include "pep/kernel/probe.h"
#include "pib/framework/esp_needs.h"
#include "pep/enforce/in_sync.h"
#include "pep/enforce/pdps.h"
#include "pep/enforce/report.h"
#include "pep/ipc/channel.h"
#include "pep/ipc/contact.h"
#include "pep/process/confine.h"
#include "pep/process/privilege.h"
#include "pep/process/supervisor.h"

#define MODULE "enforce"

enum {
	NET_QUEUE = 2 * MESSAGE_TOTAL_MAX,
	SUPERVISOR_QUEUE = 4096,
	REQUEST_MAX = MESSAGE_TOTAL_MAX - 65536, /* the REQ's own objects come on top */
	PLAN_TEXT_MAX = CONTROL_REPLY_MAX / 2,
	REPAIR_MS = 5000,
	TICK_MS = 1000, /* how late something may end */
	DRIFT_MS = 200, /* between two repairs of what others change */
	SETTLE_MS = 100, /* interfaces rarely change one event at a time */
	LINKS_MS = 1000, /* at least between two looks at them */
	LINK_EVENTS_MAX = 1024, /* at once; the rest in the next turn of the loop */
};

struct process {
	const struct pep_settings *settings;
	struct log *log;
	bool early; /* alone, and only until the stored policy is in force */
	struct ev_loop *loop;
	struct kernel *kernel;
	struct enforcement *enforcement;
	struct connections *connections;
	struct trust *trust;
	struct key *report_key;
	struct directory_storage directory;
	char description[256];

	struct channel *supervisor, *net;
	struct control_server *control;
	struct transfer decision;
	struct refusals refused; /* decisions */
	struct decision_origin origin; /* of the decision that is under way */

	int links; /* rtnetlink socket */
	struct ev_io links_changed;
	struct ev_timer links_settled, settle, repair;
	double links_read; /* when, by the loop's clock */
	struct ev_timer tick; /* while something will end */
	struct ev_io kernel_changed[KERNEL_BUSES];

	struct pdps pdps;
	struct endpoint in_sync; /* as it is stored; of no family: none */
	uint64_t in_sync_serial;
	struct ev_timer confirm;
	bool failure_told; /* to the PDP: that it could not be repaired */
	struct trace_live *trace;
	size_t trace_left; /* octets that are still to come of a message */
	double repaired; /* when the last drift was, by the loop's clock */
	int status;
	struct capability_algorithms algorithms; /* of the kernel, if it could be asked */
	bool probed;
};

static uint64_t now_utc(void)
{
	time_t t = time(NULL);

	return t > 0 ? (uint64_t)t : 0;
}

/* The clock may be turned back, this one goes on, also while the machine sleeps. */
static uint64_t since_boot(void)
{
	struct timespec t = {0};

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec;
}

/* The privileged side stops; it does not recover. The supervisor starts it again, and the kernel
 * goes on meanwhile. */
static void stop(struct process *p, int status)
{
	p->status = status;
	ev_break(p->loop, EVBREAK_ALL);
}

/* What remains to be done after a change: at once, but after what is on its way to net. */
static void watch_repair(struct process *p)
{
	connections_judge(p->connections, enforcement_plan(p->enforcement));
	if (enforcement_is_timed(p->enforcement) && !ev_is_active(&p->tick)) {
		ev_timer_set(&p->tick, 0, TICK_MS / 1000.0);
		ev_timer_start(p->loop, &p->tick);
	}
	if (!enforcement_settled(p->enforcement) && !ev_is_active(&p->settle)) {
		ev_timer_set(&p->settle, 0, 0);
		ev_timer_start(p->loop, &p->settle);
	}
	if (!enforcement_needs_repair(p->enforcement) || ev_is_active(&p->repair))
		return;
	ev_timer_set(&p->repair, REPAIR_MS / 1000.0, 0);
	ev_timer_start(p->loop, &p->repair);
}

/* What has ended has no say any more. */
static void on_tick(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct process *p = w->data;
	bool changed;
	struct error e;

	(void)revents;
	if (enforcement_tick(p->enforcement, now_utc(), since_boot(), &changed, &e))
		log_error(p->log, MODULE, "what is in force is not what it should be by now",
		          log_err(&e));
	else if (changed)
		log_notice(p->log, MODULE, "time has changed what is in force",
		           log_u64("index", enforcement_serial(p->enforcement)));
	if (!enforcement_is_timed(p->enforcement))
		ev_timer_stop(loop, w);
	if (changed)
		watch_repair(p);
}

static void on_settle(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct process *p = w->data;
	struct error e;

	(void)loop;
	(void)revents;
	if (enforcement_settle(p->enforcement, &e))
		log_error(p->log, MODULE, "the policy before is not gone", log_err(&e));
	watch_repair(p);
}

static bool tell(struct process *p, const struct message *m)
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

/* What a success report claimed holds no more; RFC 3084 section 3.3. Once, until it is repaired. */
static void tell_failure(struct process *p, const struct error *why)
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
	(void)tell(p, &m);
	buffer_fini(&report);
}

/* By a request: its decision gets a report, which says what holds. */
static void tell_repair(struct process *p)
{
	if (!p->failure_told)
		return;
	p->failure_told = false;
	if (p->net)
		(void)tell(p, &(struct message){.type = MESSAGE_REQUEST_CHANGED});
}

/* ---- Policies on trial ---- */

static uint64_t now_boot(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void tell_trial_failed(struct process *p)
{
	struct error e;

	error_set(&e, E_CONFLICT, "this node could not hear its PDP under the new policy; the one before "
	          "is in force");
	tell_failure(p, &e);
	/* Not to be repaired by us: the next policy is. */
	p->failure_told = false;
	if (p->net)
		(void)tell(p, &(struct message){.type = MESSAGE_REQUEST_CHANGED});
}

static void confirm(struct process *p, bool heard)
{
	struct enforcement_trial trial;
	uint64_t now = now_boot();
	struct error e;

	if (enforcement_confirm(p->enforcement, heard, now, now_utc(), &trial, &e)) {
		log_error(p->log, MODULE, "the policy before cannot be put in force", log_err(&e));
		trial.deadline = trial.deadline ? now + REPAIR_MS : 0;
	}
	if (trial.ask && p->net)
		(void)tell(p, &(struct message){.type = MESSAGE_HEARING_WANTED});
	if (trial.changed)
		log_warning(p->log, MODULE, "the PDP is not heard, another policy is in force",
		            log_u64("index", enforcement_serial(p->enforcement)));
	if (trial.failed) {
		log_error(p->log, MODULE, "the PDP is heard again under the policy before, which stays",
		          log_u64("index", enforcement_serial(p->enforcement)));
		tell_trial_failed(p);
	}
	ev_timer_stop(p->loop, &p->confirm);
	if (trial.deadline) {
		/* The loop's clock stands still in suspend: look whether it is really over. */
		ev_timer_set(&p->confirm, (trial.deadline > now ? (double)(trial.deadline - now) : 0) / 1000.0,
		             0);
		ev_timer_start(p->loop, &p->confirm);
	}
	if (trial.changed)
		watch_repair(p);
}

static void on_confirm(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	(void)loop;
	(void)revents;
	confirm(w->data, false);
}

static void on_repair(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct process *p = w->data;
	struct error e;

	(void)revents;
	p->repaired = ev_now(loop);
	if (enforcement_repair(p->enforcement, now_utc(), &e)) {
		log_error(p->log, MODULE, "what is not in order could not be repaired", log_err(&e));
		tell_failure(p, &e);
	} else {
		tell_repair(p);
		log_notice(p->log, MODULE, "what was not in order is repaired",
		           log_u64("index", enforcement_serial(p->enforcement)));
	}
	watch_repair(p);
}

/* Put right at once; if somebody keeps at it, not all the time. */
static void on_kernel_changed(struct ev_loop *loop, struct ev_io *w, int revents)
{
	struct process *p = w->data;
	struct error e = {0};
	bool drift = false;
	double pause;

	(void)revents;
	if (enforcement_look(p->enforcement, &drift, &e))
		log_error(p->log, MODULE, "cannot see who changes the kernel's rules", log_err(&e));
	if (drift) {
		error_set(&e, E_CONFLICT, "somebody else changed the packet filter or the SPD");
		log_warning(p->log, MODULE, "what is in force is no more", log_err(&e),
		            log_u64("index", enforcement_serial(p->enforcement)));
		tell_failure(p, &e);
		pause = p->repaired + DRIFT_MS / 1000.0 - ev_now(loop);
		ev_timer_stop(loop, &p->repair);
		ev_timer_set(&p->repair, pause > 0 && pause < DRIFT_MS / 1000.0 ? pause : 0, 0);
		ev_timer_start(loop, &p->repair);
	}
	watch_repair(p);
}

static enum err watch_kernel(struct process *p, struct error *e)
{
	int fd[KERNEL_BUSES];
	enum err err = enforcement_listen(p->enforcement, fd, e);

	for (int bus = 0; bus < KERNEL_BUSES && !err; bus++) {
		ev_io_set(&p->kernel_changed[bus], fd[bus], EV_READ);
		ev_io_start(p->loop, &p->kernel_changed[bus]);
	}
	return err;
}

/* ---- To net ---- */

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

static void send_request(struct process *p, uint32_t id, uint32_t after)
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
	if (!tell(p, &m))
		goto out;
	for (rest = buffer_view(&b); rest.len;) {
		struct message piece = {.type = MESSAGE_REQUEST_PIECE, .id = id,
		                        .kind = PIECE_INSTALL, .data = take_piece(&rest)};

		if (!tell(p, &piece))
			goto out;
	}
	m = (struct message){.type = MESSAGE_REQUEST_COMMIT, .id = id};
	(void)tell(p, &m);
out:
	buffer_fini(&b);
}

/* Also when nothing can be read: the PDP hears that there is nothing to say. */
static void send_accounting(struct process *p)
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
	(void)tell(p, &m);
	buffer_fini(&b);
}

/* A request follows if the PDP knows something else of this node. */
static void tell_changes(struct process *p)
{
	if (p->net && enforcement_request_due(p->enforcement))
		(void)tell(p, &(struct message){.type = MESSAGE_REQUEST_CHANGED});
}

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

/* With it net may begin. */
static void tell_last_pdp(struct process *p)
{
	struct message m = {.type = MESSAGE_LAST_PDP};
	struct buffer b;

	buffer_init(&b, CONTACT_ENDPOINT_SIZE);
	contact_put_endpoint(&b, endpoint_family(&p->in_sync) ? &p->in_sync : NULL);
	m.data = buffer_view(&b);
	(void)tell(p, &m);
	buffer_fini(&b);
}

static void read_in_sync(struct process *p)
{
	const struct storage storage = directory_storage(&p->directory);
	struct error e;

	if (in_sync_read(&storage, enforcement_index(p->enforcement), &p->in_sync, &e))
		log_info(p->log, MODULE, "in sync with no PDP", log_err(&e));
	p->in_sync_serial = enforcement_serial(p->enforcement);
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
	(void)tell(p, &m);
	buffer_fini(&report);
	transfer_reset(&p->decision);
	/* Behind the report (RFC 3318 section 2.2). */
	tell_changes(p);
	confirm(p, false);
	watch_repair(p);
}

/* ---- From net ---- */

/* ---- Messages of the session, for pepctl trace ---- */

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void tell_trace(struct process *p, bool wanted)
{
	struct message m = {.type = MESSAGE_TRACE_WANTED, .kind = wanted};

	if (p->net)
		(void)tell(p, &m);
}

static void on_trace_wanted(void *context, bool wanted)
{
	tell_trace(context, wanted);
}

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
			confirm(p, true);
		break;
	case MESSAGE_PDP_HEARD:
		confirm(p, true);
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
		send_request(p, m->id, m->number);
		break;
	case MESSAGE_ACCOUNTING_WANTED:
		send_accounting(p);
		break;
	case MESSAGE_DECISION_BEGIN:
		confirm(p, true);
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
		stop(p, EXIT_FAILURE);
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
	stop(p, EXIT_FAILURE);
}

static const struct channel_events net_events = {on_net_message, on_net_closed, NULL};

/* ---- From the supervisor ---- */

static void on_supervisor_message(void *context, struct channel *c, const struct message *m, int fd)
{
	struct process *p = context;
	struct error e;

	(void)c;
	if (m->type == MESSAGE_SHUTDOWN) {
		stop(p, EXIT_SUCCESS);
		return;
	}
	/* PEER: a new net process takes the place of the old one. */
	p->net = channel_free(p->net);
	transfer_reset(&p->decision);
	if (channel_new(p->loop, fd, IPC_ENFORCE, IPC_NET, NET_QUEUE, &net_events, p, &p->net, &e)) {
		close(fd);
		log_error(p->log, MODULE, "cannot listen to net", log_err(&e));
		stop(p, EXIT_FAILURE);
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
	stop(p, EXIT_FAILURE);
}

static const struct channel_events supervisor_events = {on_supervisor_message,
                                                        on_supervisor_closed, NULL};

/* ---- Interfaces ---- */

static void read_interfaces(struct process *p)
{
	struct node_interfaces *list = malloc(sizeof *list);
	struct error e;

	if (!list || interfaces_read(list, &e)) {
		if (list)
			log_warning(p->log, MODULE, "interfaces are not known", log_err(&e));
	} else if (enforcement_set_interfaces(p->enforcement, list)) {
		log_info(p->log, MODULE, "interfaces", log_u64("count", list->count));
		tell_changes(p);
	}
	free(list);
}

static void on_links_settled(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct process *p = w->data;

	(void)revents;
	p->links_read = ev_now(loop);
	read_interfaces(p);
}

static void on_links_changed(struct ev_loop *loop, struct ev_io *w, int revents)
{
	struct process *p = w->data;
	double wait = p->links_read + LINKS_MS / 1000.0 - ev_now(loop);
	uint8_t message[8192];
	ssize_t got;
	int events = 0;

	(void)revents;
	/* Only that something happened matters, so a full buffer (ENOBUFS) says enough too. */
	do
		got = recv(p->links, message, sizeof message, MSG_DONTWAIT);
	while (++events < LINK_EVENTS_MAX &&
	       (got > 0 || (got < 0 && (errno == EINTR || errno == ENOBUFS))));
	if (!ev_is_active(&p->links_settled)) {
		/* One that changes is told at once; those that keep changing, now and then. */
		ev_timer_set(&p->links_settled,
		             wait > SETTLE_MS / 1000.0 ? wait : SETTLE_MS / 1000.0, 0);
		ev_timer_start(loop, &p->links_settled);
	}
}

static enum err watch_links(struct process *p, struct error *e)
{
	struct sockaddr_nl all = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};

	p->links = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	if (p->links < 0 || bind(p->links, (struct sockaddr *)&all, sizeof all))
		return error_set_sys(e, errno, "cannot watch the interfaces");
	ev_io_set(&p->links_changed, p->links, EV_READ);
	ev_io_start(p->loop, &p->links_changed);
	return E_OK;
}

/* ---- Control ---- */

static enum err control_status(void *context, const json_t *request, json_t **ret, struct error *e)
{
	struct process *p = context;
	json_t *status = enforcement_status(p->enforcement, now_utc());

	(void)request;
	if (!status)
		return error_set(e, E_MEMORY, "no memory for the status");
	json_object_set_new(status, "pdp", pdps_describe(&p->pdps, p->net != NULL));
	json_object_set_new(status, "servers", pdps_describe_table(&p->pdps));
	json_object_set_new(status, "connections", connections_describe(p->connections));
	if (connections_disorder(p->connections)) {
		char text[ERROR_TEXT_SIZE + 64];

		snprintf(text, sizeof text, "connections of before may go on: %s",
		         connections_disorder(p->connections));
		json_array_append_new(json_object_get(status, "disorder"),
		                      control_text(view_of_string(text)));
	}
	if (p->pdps.state != CONTACT_OPEN) {
		char text[MESSAGE_TEXT_MAX + 32];

		snprintf(text, sizeof text, "no session with a PDP%s%s",
		         p->pdps.reason[0] ? ": " : "", p->pdps.reason);
		json_array_append_new(json_object_get(status, "disorder"),
		                      control_text(view_of_string(text)));
	}
	*ret = status;
	return E_OK;
}

static enum err control_plan(void *context, const json_t *request, json_t **ret, struct error *e)
{
	struct process *p = context;
	struct buffer b;

	(void)request;
	buffer_init(&b, PLAN_TEXT_MAX);
	enforcement_print_plan(p->enforcement, &b);
	*ret = b.error ? NULL : json_stringn((const char *)b.data, b.len);
	buffer_fini(&b);
	return *ret ? E_OK : error_set(e, E_LIMIT, "the plan is too long to be shown");
}

static enum err control_explain(void *context, const json_t *request, json_t **ret,
                                struct error *e)
{
	struct process *p = context;

	return explain_answer(enforcement_plan(p->enforcement),
	                      enforcement_interfaces(p->enforcement), request, ret, e);
}

static enum err control_rules(void *context, const json_t *request, json_t **ret, struct error *e)
{
	struct process *p = context;

	(void)request;
	return enforcement_rules(p->enforcement, ret, e);
}

static enum err control_log(void *context, const json_t *request, json_t **ret, struct error *e)
{
	struct process *p = context;
	const char *levels = json_string_value(json_object_get(request, "levels"));
	struct buffer b;
	enum err err = levels ? log_configure(p->log, levels, e) : E_OK;

	if (err)
		return err;
	buffer_init(&b, 4096);
	log_levels(p->log, &b);
	*ret = json_string(buffer_string(&b));
	buffer_fini(&b);
	return E_OK;
}

static enum err control_trace(void *context, const json_t *request, json_t **ret, struct error *e)
{
	struct process *p = context;

	return trace_live_answer(p->trace, request, now_ms(), ret, e);
}

static enum err control_refusals(void *context, const json_t *request, json_t **ret,
                                 struct error *e)
{
	struct process *p = context;

	(void)request;
	*ret = json_array();
	refusals_add_json(&p->refused, "decisions", *ret);
	refusals_add_json(control_server_refusals(p->control), "control", *ret);
	return *ret ? E_OK : error_set(e, E_MEMORY, "no memory for the counters");
}

static const struct control_command commands[] = {
	{"status", control_status, "what is in force, since when, and what is not in order"},
	{"explain", control_explain, "what becomes of a flow: \"direction\", \"from\", \"to\" and more"},
	{"plan", control_plan, "what the kernel is to hold, as text"},
	{"rules", control_rules, "rules and reasons of drops, with their counters"},
	{"refusals", control_refusals, "what was refused, counted by reason"},
	{"trace", control_trace, "the messages of the session as they pass"},
	{"log", control_log, "levels of the log; \"levels\" sets them"},
	{0},
};

/* ---- Start ---- */

/* Where the settings say where it lies, it is root's; otherwise it is in the state directory, ours. */
static enum err load_report_key(struct process *p, bool as_root, struct error *e)
{
	struct buffer path;
	enum err err;

	if (as_root != (p->settings->report_key[0] != '\0'))
		return E_OK;
	buffer_init(&path, 8192);
	pep_settings_report_key(p->settings, &path);
	err = path.error;
	if (err)
		error_set(e, err, "no memory for a path");
	else if (!access(buffer_string(&path), F_OK) || errno != ENOENT)
		err = key_load(buffer_string(&path), NULL, &p->report_key, e);
	else if (!(err = key_generate(p->settings->name, &p->report_key, e)) &&
	         !(err = key_save(p->report_key, buffer_string(&path), NULL, e)))
		log_notice(p->log, MODULE, "report key made", log_str("file", buffer_string(&path)));
	buffer_fini(&path);
	return err;
}

static enum err node_key_pin(const struct process *p, struct pin *ret, struct error *e)
{
	struct key *key;
	enum err err = key_load(p->settings->key, NULL, &key, e);

	if (err)
		return err;
	/* Only the digest is wanted here: the key is net's. */
	*ret = key_pin(key);
	key_free(key);
	return E_OK;
}

static void describe(struct process *p)
{
	struct utsname u;

	if (uname(&u))
		snprintf(p->description, sizeof p->description, "copsec pepd %s", COPSEC_VERSION);
	else
		snprintf(p->description, sizeof p->description, "copsec pepd %s, %s %.64s %.32s",
		         COPSEC_VERSION, u.sysname, u.release, u.machine);
}

/* A kernel that cannot be asked is not taken for one that can do nothing. */
static void probe(struct process *p)
{
	struct kernel_transport transport;
	struct buffer names;
	struct error e;

	if (kernel_sockets(&transport, &e) || kernel_probe(&transport, &p->algorithms, &e)) {
		log_warning(p->log, MODULE, "not known which algorithms the kernel has",
		            log_err(&e));
		return;
	}
	p->probed = true;
	buffer_init(&names, 1024);
	esp_needs_names(&p->algorithms, copsecAlgorithmUse_esp, copsecAlgorithmType_encryption,
	                &names);
	log_notice(p->log, MODULE, "algorithms of the kernel for ESP",
	           log_str("encryption", buffer_string(&names)));
	buffer_fini(&names);
}

/* A stored policy that is not in force is no reason to end for pepd, which waits for another. */
static enum err restore(struct process *p, struct error *e)
{
	enum err err = enforcement_restore(p->enforcement, now_utc(), e);

	if (!err)
		log_notice(p->log, MODULE, "last good policy in force",
		           log_u64("index", enforcement_serial(p->enforcement)));
	else if (err == E_NOT_FOUND)
		log_notice(p->log, MODULE, "no policy yet, the node is closed");
	else
		log_error(p->log, MODULE, "the stored policy is not in force, the node is closed",
		          log_err(e));
	if (p->early && err && err != E_NOT_FOUND)
		return err;
	return E_OK;
}

/* Those of the settings, and where others may be found. */
static struct network_list ways_to_pdps(
	const struct pep_settings *settings, struct network ways[PLAN_ENDPOINTS_MAX])
{
	struct network_list list = {ways, 0};

	for (size_t i = 0; i < settings->pdps.count; i++)
		ways[list.count++] = network_of(&settings->pdps.items[i]);
	for (size_t i = 0; i < settings->pdp_networks.count; i++)
		ways[list.count++] = settings->pdp_networks.items[i];
	return list;
}

/* Which boot of the kernel this is; if nobody says, one that never was. */
static void read_boot(uint8_t ret[TRIAL_BOOT])
{
	struct buffer text;
	struct error e;
	uint8_t digest[SHA256_SIZE];

	buffer_init(&text, 256);
	if (file_read("/proc/sys/kernel/random/boot_id", &text, NULL, &e) ||
	    sha256_of(buffer_view(&text), digest))
		arc4random_buf(ret, TRIAL_BOOT);
	else
		memcpy(ret, digest, TRIAL_BOOT);
	buffer_fini(&text);
}

static enum err prepare(struct process *p, struct error *e)
{
	struct enforcement_identity identity = {
		.pepid = p->settings->name,
		.tenant = p->settings->tenant,
		.description = p->description,
	};
	struct network ways[PLAN_ENDPOINTS_MAX];
	struct network_list pdps = ways_to_pdps(p->settings, ways);
	enum err err = kernel_open(&p->kernel, e);
	uint8_t boot[TRIAL_BOOT];

	read_boot(boot);
	if (!err)
		err = enforcement_new(p->kernel, p->settings->mark_mask, &pdps, &p->enforcement,
		                      e);
	/* Before anything is read that could be missing or wrong. */
	if (!err)
		err = watch_kernel(p, e);
	if (!err)
		err = enforcement_close(p->enforcement, e);
	if (!err && !p->early)
		err = channel_new(p->loop, CHILD_SUPERVISOR_FD, IPC_ENFORCE, IPC_SUPERVISOR,
		                  SUPERVISOR_QUEUE, &supervisor_events, p, &p->supervisor, e);
	if (!err)
		err = trust_load(p->settings->trust, p->settings->trust_threshold, &p->trust, e);
	if (!err)
		err = node_key_pin(p, &identity.node_key, e);
	if (!err && !p->early)
		err = control_server_new(p->loop, p->settings->control, (uid_t)-1, commands, p,
		                         &p->control, e);
	if (!err)
		err = load_report_key(p, true, e);
	if (!err)
		err = privilege_drop(IPC_ENFORCE,
		                     privilege_user(IPC_ENFORCE, p->settings->enforce_user), e);
	if (!err)
		err = directory_storage_init(&p->directory, p->settings->state_directory, e);
	if (!err)
		err = load_report_key(p, false, e);
	if (!err)
		err = confine(IPC_ENFORCE, p->settings, p->log, e);
	if (err)
		return err;
	describe(p);
	probe(p);
	identity.algorithms = p->probed ? &p->algorithms : NULL;
	identity.accept_lacking = p->settings->accept_lacking;
	identity.confirm_window = p->settings->confirm_time;
	identity.started = now_boot();
	memcpy(identity.boot, boot, sizeof boot);
	identity.trust = p->trust;
	identity.report_key = p->report_key;
	identity.storage = directory_storage(&p->directory);
	enforcement_identify(p->enforcement, &identity);
	err = watch_links(p, e);
	if (err)
		return err;
	read_interfaces(p);
	err = restore(p, e);
	read_in_sync(p);
	confirm(p, false);
	watch_repair(p);
	if (!err && !p->early)
		err = channel_send(p->supervisor, &(struct message){.type = MESSAGE_READY}, -1, e);
	return err;
}

static int run(const struct pep_settings *settings, struct log *log, bool early)
{
	struct process p = {
		.settings = settings,
		.log = log,
		.early = early,
		.directory = {-1},
		.links = -1,
		.status = EXIT_FAILURE,
	};
	struct error e = {0};

	p.loop = ev_loop_new(EVFLAG_AUTO);
	if (!p.loop)
		return EXIT_FAILURE;
	transfer_init(&p.decision);
	pdps_init(&p.pdps, settings->pdps.count ? &settings->pdps.items[0] : NULL, now_utc());
	ev_init(&p.links_changed, on_links_changed);
	ev_init(&p.links_settled, on_links_settled);
	for (int bus = 0; bus < KERNEL_BUSES; bus++) {
		ev_init(&p.kernel_changed[bus], on_kernel_changed);
		p.kernel_changed[bus].data = &p;
	}
	ev_init(&p.settle, on_settle);
	ev_init(&p.tick, on_tick);
	ev_init(&p.repair, on_repair);
	ev_init(&p.confirm, on_confirm);
	p.links_changed.data = &p;
	p.links_settled.data = &p;
	p.settle.data = &p;
	p.tick.data = &p;
	p.repair.data = &p;
	p.confirm.data = &p;
	p.trace = trace_live_new(on_trace_wanted, &p);
	p.connections = connections_new(p.loop, log);
	if (!p.trace || !p.connections)
		log_error(log, MODULE, "cannot start: out of memory");
	else if (prepare(&p, &e))
		log_error(log, MODULE, "cannot start", log_err(&e));
	else if (early)
		p.status = EXIT_SUCCESS;
	else
		ev_run(p.loop, 0);
	channel_free(p.net);
	channel_free(p.supervisor);
	control_server_free(p.control);
	pdps_fini(&p.pdps);
	trace_live_free(p.trace);
	connections_free(p.connections);
	ev_io_stop(p.loop, &p.links_changed);
	ev_timer_stop(p.loop, &p.links_settled);
	for (int bus = 0; bus < KERNEL_BUSES; bus++)
		ev_io_stop(p.loop, &p.kernel_changed[bus]);
	ev_timer_stop(p.loop, &p.settle);
	ev_timer_stop(p.loop, &p.tick);
	ev_timer_stop(p.loop, &p.repair);
	ev_timer_stop(p.loop, &p.confirm);
	if (p.links >= 0)
		close(p.links);
	transfer_fini(&p.decision);
	/* Leaves the kernel as it is. */
	enforcement_free(p.enforcement);
	kernel_free(p.kernel);
	directory_storage_fini(&p.directory);
	key_free(p.report_key);
	trust_free(p.trust);
	ev_loop_destroy(p.loop);
	return p.status;
}

int enforce_process(const struct pep_settings *settings, struct log *log)
{
	return run(settings, log, false);
}

int enforce_early(const struct pep_settings *settings, struct log *log)
{
	return run(settings, log, true);
}
