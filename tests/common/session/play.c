/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/common/session/play.h"

#include <check.h>

void ok(enum err code)
{
	ck_assert_msg(code == E_OK, "%s", err_text(code));
}

static void play_pep(struct pair *p, const struct session_event *e)
{
	struct play *play = p->user;

	play->pep = *e;
	play->pep_seen[e->kind]++;
	if (e->kind == SESSION_OPENED) {
		play->opened++;
		ok(pep_session_request(p->pep, e->client_type, NULL, 0, p->now, &play->handle));
	} else if (e->kind == SESSION_DECISION) {
		play->decisions++;
		play->decision = e->decision;
		if (!play->owe)
			ok(pep_session_report(p->pep, e->decision, COPS_SUCCESS, NULL, 0));
	} else if (e->kind == SESSION_SYNCHRONIZE) {
		enum err code = pep_session_update(p->pep, play->handle, NULL, 0, p->now);

		/* One that is under way says the same; one that was denied is gone. */
		if (code != E_AGAIN && code != E_NOT_FOUND)
			ok(code);
		ok(pep_session_synchronized(p->pep, e->client_type, e->state));
	}
}

static void play_pdp(struct pair *p, const struct session_event *e)
{
	struct play *play = p->user;
	uint32_t number;

	play->pdp = *e;
	play->pdp_seen[e->kind]++;
	if (e->kind == SESSION_OPENING && play->refuse) {
		ok(pdp_session_refuse(
			p->pdp, e->client_type, COPS_ERROR_UNSUPPORTED_CLIENT_TYPE, 0));
	} else if (e->kind == SESSION_OPENING) {
		ck_assert(view_equal(e->pepid, view_of_string("pep1.example")));
		ok(pdp_session_accept(p->pdp, e->client_type));
	} else if (e->kind == SESSION_REQUEST) {
		play->requests++;
		play->state = e->state;
		if (!play->keep_quiet)
			ok(pdp_session_decide_null(p->pdp, e->state, &number));
	} else if (e->kind == SESSION_REPORT) {
		play->reports++;
	}
}

void set_up(struct pair *p, struct play *play)
{
	*play = (struct play){0};
	pair_init(p);
	p->on_pep = play_pep;
	p->on_pdp = play_pdp;
	p->user = play;
}

void begin(struct pair *p, struct play *play)
{
	set_up(p, play);
	pair_start(p, PAIR_BOTH);
	ok(pep_session_open(p->pep, CT, NULL, p->now));
	pair_run(p);
	ck_assert_str_eq(pair_trace(p), LIFE);
}

void begin_pep(struct pair *p, struct play *play)
{
	set_up(p, play);
	p->pep_config.security = SESSION_PLAIN;
	pair_start(p, PAIR_PEP);
	ok(pep_session_open(p->pep, CT, NULL, p->now));
	pair_run(p);
	pair_say_hex(p, CAT_30);
	ck_assert_str_eq(pair_trace(p), "> OPN 4950\n> REQ 4950\n");
}

void begin_pdp(struct pair *p, struct play *play)
{
	set_up(p, play);
	p->pdp_config.security = SESSION_PLAIN;
	pair_start(p, PAIR_PDP);
	pair_say_hex(p, OPN);
	ck_assert_str_eq(pair_trace(p), "< CAT 4950\n");
}
