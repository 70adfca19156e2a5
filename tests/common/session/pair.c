/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/common/session/pair.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/common/cops/octets.h"

enum { WIRE_MAX = 256 << 20 };

static uint32_t pair_random(void *user)
{
	struct pair *p = user;

	return chance(&p->seed);
}

void pair_init(struct pair *p)
{
	*p = (struct pair){.now = 3600 * 1000, .seed = 1};
	p->pep_config = session_config_default(SESSION_PEP);
	p->pep_config.pepid = "pep1.example";
	p->pep_config.random = pair_random;
	p->pep_config.user = p;
	p->pdp_config = session_config_default(SESSION_PDP);
	buffer_init(&p->to_pep, WIRE_MAX);
	buffer_init(&p->to_pdp, WIRE_MAX);
	buffer_init(&p->seen_of_pep, WIRE_MAX);
	buffer_init(&p->seen_of_pdp, WIRE_MAX);
	buffer_init(&p->trace, WIRE_MAX);
	buffer_init(&p->log, WIRE_MAX);
}

void pair_start(struct pair *p, enum pair_ends ends)
{
	if (ends & PAIR_PDP)
		p->pdp = session_new(SESSION_PDP, &p->pdp_config, p->now);
	if (ends & PAIR_PEP)
		p->pep = session_new(SESSION_PEP, &p->pep_config, p->now);
	ck_assert(!(ends & PAIR_PDP) || p->pdp);
	ck_assert(!(ends & PAIR_PEP) || p->pep);
	pair_run(p);
}

void pair_fini(struct pair *p)
{
	session_free(p->pep);
	session_free(p->pdp);
	buffer_fini(&p->to_pep);
	buffer_fini(&p->to_pdp);
	buffer_fini(&p->seen_of_pep);
	buffer_fini(&p->seen_of_pdp);
	buffer_fini(&p->trace);
	buffer_fini(&p->log);
}

/* --- Tracing --- */

static void trace_details(struct pair *p, const struct cops_message *m)
{
	const struct cops_object *o;
	struct cops_decision d;
	size_t at = 0;

	if (m->flags & COPS_FLAG_SOLICITED)
		buffer_put_text(&p->trace, " solicited");
	o = cops_find_type(m, COPS_INTEGRITY, COPS_INTEGRITY_TLS);
	if (o)
		buffer_put_text(&p->trace, " tls");
	o = cops_find_type(m, COPS_INTEGRITY, COPS_INTEGRITY_HMAC);
	if (o)
		buffer_put_text(&p->trace, " hmac");
	o = cops_find(m, COPS_REPORT_TYPE);
	if (o)
		buffer_put_text(&p->trace, " %s", cops_report_name(o->report.type));
	while (cops_next_decision(m, &at, &d))
		buffer_put_text(&p->trace, " %s%s",
			d.command == COPS_INSTALL  ? "install"
			: d.command == COPS_REMOVE ? "remove"
						   : "null",
			d.flags & COPS_REQUEST_STATE ? "-state" : "");
	o = cops_find(m, COPS_ERROR);
	if (!o)
		o = cops_find(m, COPS_REASON);
	if (o)
		buffer_put_text(&p->trace, " %u/%04x", (unsigned)o->error.code,
			(unsigned)o->error.sub_code);
}

static void trace_gperr(struct pair *p, const struct cops_message *m)
{
	struct view run;
	size_t at = 0;

	while (cops_next_named(m, &at, &run)) {
		struct cursor c = cursor_over(run);
		struct pr_object o;

		while (cursor_left(&c) && !pr_next(&c, &o))
			if (o.s_num == PR_GPERR || o.s_num == PR_CPERR)
				buffer_put_text(&p->trace, " %s %u/%04x", pr_s_num_name(o.s_num),
					(unsigned)o.code, (unsigned)o.sub_code);
	}
}

/* Everything that our ends send must decode and keep the grammar. */
static void trace(struct pair *p, struct buffer *seen, char arrow, struct view octets)
{
	size_t len;

	buffer_put_view(seen, octets);
	while (cops_frame(buffer_view(seen), WIRE_MAX, &len) == E_OK) {
		struct arena arena;
		struct cops_message m;
		struct cops_fault fault;

		arena_init(&arena, COPS_ARENA_LIMIT);
		ck_assert_msg(!cops_decode(VIEW(seen->data, len), &arena, &m, &fault) &&
				      !cops_check(&m, COPS_PR, &fault),
			"%c %s", arrow, fault.error.text);
		buffer_put_text(&p->trace, "%c %s", arrow, cops_op_name(m.op));
		if (m.client_type)
			buffer_put_text(&p->trace, " %04x", (unsigned)m.client_type);
		trace_details(p, &m);
		trace_gperr(p, &m);
		buffer_put_u8(&p->trace, '\n');
		arena_fini(&arena);
		buffer_put(&p->log, seen->data, len);
		buffer_consume(seen, len);
	}
}

const char *pair_trace(struct pair *p)
{
	static char text[1 << 16];

	snprintf(text, sizeof text, "%s", buffer_string(&p->trace));
	buffer_reset(&p->trace);
	return text;
}

/* --- Running --- */

static void drain_pep(struct pair *p)
{
	struct session_event e;

	while (p->pep && session_next_event(p->pep, &e)) {
		if (e.kind == SESSION_START_TLS)
			p->pep_wants_tls = true;
		if (p->on_pep)
			p->on_pep(p, &e);
	}
}

static void drain_pdp(struct pair *p)
{
	struct session_event e;

	while (p->pdp && session_next_event(p->pdp, &e)) {
		if (e.kind == SESSION_START_TLS)
			p->pdp_wants_tls = true;
		if (p->on_pdp)
			p->on_pdp(p, &e);
	}
}

/* Output goes out in cuts of its own, so that every boundary is met. */
static bool send_pep(struct pair *p)
{
	struct view out = p->pep ? session_output(p->pep) : VIEW_NONE;

	if (p->cut && out.len > p->cut)
		out.len = p->cut;
	if (!out.len)
		return false;
	trace(p, &p->seen_of_pep, '>', out);
	if (!p->deaf)
		buffer_put_view(&p->to_pdp, out);
	session_sent(p->pep, out.len);
	return true;
}

static bool send_pdp(struct pair *p)
{
	struct view out = p->pdp ? session_output(p->pdp) : VIEW_NONE;

	if (p->cut && out.len > p->cut)
		out.len = p->cut;
	if (!out.len)
		return false;
	trace(p, &p->seen_of_pdp, '<', out);
	if (!p->deaf)
		buffer_put_view(&p->to_pep, out);
	session_sent(p->pdp, out.len);
	return true;
}

static bool deliver_pdp(struct pair *p)
{
	struct view in = buffer_view(&p->to_pdp);
	size_t used;

	if (!p->pdp) {
		buffer_reset(&p->to_pdp);
		return false;
	}
	if (p->cut && in.len > p->cut)
		in.len = p->cut;
	in = octets_copy(in);
	used = session_receive(p->pdp, in, p->now);
	drain_pdp(p);
	octets_free(in);
	buffer_consume(&p->to_pdp, used);
	return used > 0;
}

static bool deliver_pep(struct pair *p)
{
	struct view in = buffer_view(&p->to_pep);
	size_t used;

	if (!p->pep) {
		buffer_reset(&p->to_pep);
		return false;
	}
	if (p->cut && in.len > p->cut)
		in.len = p->cut;
	in = octets_copy(in);
	used = session_receive(p->pep, in, p->now);
	drain_pep(p);
	octets_free(in);
	buffer_consume(&p->to_pep, used);
	return used > 0;
}

static bool shake_hands(struct pair *p)
{
	if (p->hold_tls || (p->pep && !p->pep_wants_tls) || (p->pdp && !p->pdp_wants_tls) ||
		(!p->pep_wants_tls && !p->pdp_wants_tls) || p->to_pep.len || p->to_pdp.len)
		return false;
	p->pep_wants_tls = p->pdp_wants_tls = false;
	if (p->pep)
		session_tls_done(p->pep, p->now);
	if (p->pdp)
		session_tls_done(p->pdp, p->now);
	return true;
}

void pair_run(struct pair *p)
{
	bool again;

	do {
		drain_pep(p);
		drain_pdp(p);
		again = send_pep(p);
		again |= send_pdp(p);
		again |= deliver_pdp(p);
		again |= deliver_pep(p);
		again = again || shake_hands(p);
	} while (again);
}

void pair_pass(struct pair *p, uint64_t ms)
{
	uint64_t until = p->now + ms;

	for (;;) {
		uint64_t pep = p->pep ? session_deadline(p->pep) : SESSION_NEVER;
		uint64_t pdp = p->pdp ? session_deadline(p->pdp) : SESSION_NEVER;
		uint64_t next = pep < pdp ? pep : pdp;

		if (next > until)
			break;
		p->now = next > p->now ? next : p->now;
		if (p->pep)
			session_tick(p->pep, p->now);
		if (p->pdp)
			session_tick(p->pdp, p->now);
		pair_run(p);
	}
	p->now = until;
}

void pair_say(struct pair *p, struct buffer *octets)
{
	ck_assert_int_eq(octets->error, E_OK);
	if (p->pep)
		buffer_put_view(&p->to_pep, buffer_view(octets));
	else
		buffer_put_view(&p->to_pdp, buffer_view(octets));
	buffer_fini(octets);
	pair_run(p);
}

void pair_say_hex(struct pair *p, const char *hex)
{
	struct view octets = octets_of_hex(hex);
	struct buffer b;

	buffer_init(&b, WIRE_MAX);
	buffer_put_view(&b, octets);
	octets_free(octets);
	pair_say(p, &b);
}
