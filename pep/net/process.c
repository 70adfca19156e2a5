/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/process/children.h"

#include <stdlib.h>

#include "pep/net/internal.h"
#include "pep/process/confine.h"
#include "pep/process/privilege.h"

enum {
	/* A decision of the largest size and the next one behind it. */
	ENFORCE_QUEUE = 2 * MESSAGE_TOTAL_MAX + 1024 * 1024,
	SUPERVISOR_QUEUE = 4096,
};

void stop(struct process *p, int status)
{
	p->ending = true;
	p->status = status;
	ev_break(p->loop, EVBREAK_ALL);
}

bool tell(struct process *p, const struct message *m)
{
	struct error e;

	if (!channel_send(p->enforce, m, -1, &e))
		return true;
	log_error(p->log, MODULE, "cannot speak to enforce",
		log_str("message", message_name(m->type)), log_err(&e));
	return false;
}

/* ---- The other processes ---- */

static void on_enforce_message(void *context, struct channel *c, const struct message *m, int fd)
{
	struct process *p = context;
	struct error e;
	enum err err = E_OK;

	(void)c;
	(void)fd;
	switch ((int)m->type) {
	case MESSAGE_REQUEST_BEGIN:
		err = transfer_begin(&p->request, m, &e);
		break;
	case MESSAGE_REQUEST_PIECE:
		err = transfer_piece(&p->request, m, &e);
		break;
	case MESSAGE_REQUEST_COMMIT:
		err = transfer_commit(&p->request, m, &e);
		if (!err)
			on_request(p, m->id);
		break;
	case MESSAGE_REQUEST_CHANGED:
		if (p->handle)
			want_request(p);
		break;
	case MESSAGE_REPORT:
		on_report(p, m);
		break;
	case MESSAGE_FAILURE:
		on_failure(p, m);
		break;
	case MESSAGE_LAST_PDP:
		err = contact_greet(p, m, &e);
		break;
	case MESSAGE_ACCOUNTING:
		on_accounting(p, m);
		break;
	case MESSAGE_HEARING_WANTED:
		on_hearing_wanted(p);
		break;
	case MESSAGE_TRACE_WANTED:
		tracing_want(p, m->kind);
		break;
	default:
		err = error_set(&e, E_UNEXPECTED, "%s", message_name(m->type));
		break;
	}
	if (err) {
		log_error(p->log, MODULE, "enforce is not to be understood", log_err(&e));
		stop(p, EXIT_FAILURE);
	}
}

static void on_supervisor_message(void *context, struct channel *c, const struct message *m, int fd)
{
	struct process *p = context;

	(void)c;
	(void)m;
	(void)fd;
	/* Only SHUTDOWN comes this way. */
	contact_end(p);
}

static void on_channel_closed(void *context, struct channel *c, const struct error *e)
{
	struct process *p = context;

	log_error(p->log, MODULE, "another process of pepd is gone",
		log_str("role", c == p->supervisor ? "supervisor" : "enforce"), log_err(e));
	stop(p, EXIT_FAILURE);
}

static const struct channel_events enforce_events = {on_enforce_message, on_channel_closed, NULL};
static const struct channel_events supervisor_events = {
	on_supervisor_message, on_channel_closed, NULL};

static enum err prepare(struct process *p, struct error *e)
{
	enum err err = key_load(p->settings->key, NULL, &p->key, e);

	if (!err)
		err = net_new(p->loop, p->key, &p->net, e);
	if (!err)
		err = security_load(p, e);
	if (!err)
		err = channel_new(p->loop, CHILD_SUPERVISOR_FD, IPC_NET, IPC_SUPERVISOR,
			SUPERVISOR_QUEUE, &supervisor_events, p, &p->supervisor, e);
	if (!err)
		err = channel_new(p->loop, CHILD_ENFORCE_FD, IPC_NET, IPC_ENFORCE, ENFORCE_QUEUE,
			&enforce_events, p, &p->enforce, e);
	if (!err)
		err = privilege_drop(IPC_NET, privilege_user(IPC_NET, p->settings->net_user), e);
	if (!err)
		err = confine(IPC_NET, p->settings, p->log, e);
	if (!err)
		err = channel_send(p->supervisor, &(struct message){.type = MESSAGE_READY}, -1, e);
	return err;
}

int net_process(const struct pep_settings *settings, struct log *log)
{
	struct process p = {.settings = settings, .log = log, .status = EXIT_FAILURE};
	struct error e = {0};

	p.loop = ev_loop_new(EVFLAG_AUTO);
	if (!p.loop)
		return EXIT_FAILURE;
	transfer_init(&p.request);
	contact_init(&p);
	discovery_init(&p);
	account_init(&p);
	table_init(&p);
	if (prepare(&p, &e)) {
		log_error(log, MODULE, "cannot start", log_err(&e));
	} else {
		ev_run(p.loop, 0);
	}
	p.ending = true;
	table_fini(&p);
	discovery_fini(&p);
	contact_fini(&p);
	net_free(p.net);
	channel_free(p.enforce);
	channel_free(p.supervisor);
	transfer_fini(&p.request);
	key_free(p.key);
	integrity_keys_free(p.integrity_keys);
	ev_loop_destroy(p.loop);
	return p.status;
}
