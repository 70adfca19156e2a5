/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/net/internal.h"

/* From now on: the time between two reports is never less than AcctTimer says. */
static void plan(struct process *p)
{
	ev_timer_stop(p->loop, &p->account);
	if (!p->account_seconds)
		return;
	ev_now_update(p->loop);
	ev_timer_set(&p->account, p->account_seconds, 0);
	ev_timer_start(p->loop, &p->account);
}

/* The PDP says how often; without AcctTimer nobody has asked, and 0 means never (RFC 2748 section
 * 2.2.15). The first report comes when the time is over for the first time. */
void account_begin(struct process *p, uint32_t seconds)
{
	p->account_seconds = seconds == SESSION_ACCOUNTING_ANY ? 0 : seconds;
	plan(p);
}

void account_end(struct process *p)
{
	ev_timer_stop(p->loop, &p->account);
}

static void on_account(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct process *p = w->data;

	(void)loop;
	(void)revents;
	plan(p);
	/* Without a request state there is none to report of; the next time comes. */
	if (p->session && p->handle)
		(void)tell(p, &(struct message){.type = MESSAGE_ACCOUNTING_WANTED});
}

void account_init(struct process *p)
{
	ev_init(&p->account, on_account);
	p->account.data = p;
}

void on_accounting(struct process *p, const struct message *m)
{
	enum err err;

	if (!p->session || !p->handle)
		return;
	err = pep_session_tell(p->session, p->handle, COPS_ACCOUNTING, &m->data, m->data.len != 0,
		link_now());
	if (err && err != E_CLOSED)
		log_info(p->log, MODULE, "no accounting report this time",
			log_str("code", err_text(err)));
	plan(p);
	link_pump(p->link);
}
