/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How a connection becomes as secure as both ends demand, or ends (RFC 2748 section 4.1, RFC 4261
 * section 5). What went over the wire, a message a line, is compared: ">" from the PEP, "tls" and
 * "hmac" are the Integrity objects.
 */
#include "common/integrity/integrity.h"
#include "common/session/status.h"
#include "tests/common/cops/octets.h"
#include "tests/common/session/pair.h"
#include "tests/suite.h"

enum { CT = COPS_CLIENT_PROVISIONING };

static struct integrity_key key;
static struct integrity_keys keys = {&key, 1};

struct play {
	enum session_event_kind pep, pdp; /* last event */
	struct error pep_why, pdp_why;    /* of CLOSED */
	unsigned opened, secure, proven, redirected;
};

static uint64_t utc(void *user)
{
	(void)user;
	return 1700000000;
}

static void on_pep(struct pair *p, const struct session_event *e)
{
	struct play *play = p->user;

	play->pep = e->kind;
	play->secure += e->kind == SESSION_SECURE;
	play->opened += e->kind == SESSION_OPENED;
	if (e->kind == SESSION_CLOSED)
		play->pep_why = e->error;
}

static void on_pdp(struct pair *p, const struct session_event *e)
{
	struct play *play = p->user;

	play->pdp = e->kind;
	if (e->kind == SESSION_CLOSED)
		play->pdp_why = e->error;
	if (e->kind != SESSION_OPENING)
		return;
	play->proven += e->proven;
	ck_assert_int_eq(pdp_session_accept(p->pdp, e->client_type), E_OK);
}

static uint32_t random_of_pair(void *user)
{
	(void)user;
	return 7;
}

static void set_up(struct pair *p, struct play *play)
{
	static char peer[] = "any";

	key = (struct integrity_key){.id = 3, .peer = peer, .until = UINT64_MAX, .secret_len = 16};
	*play = (struct play){0};
	pair_init(p);
	p->on_pep = on_pep;
	p->on_pdp = on_pdp;
	p->user = play;
	p->pep_config.random = random_of_pair;
	p->pep_config.utc = p->pdp_config.utc = utc;
	p->pep_config.pdp = "192.0.2.7";
}

#define LIFE "> OPN 4950\n< CAT 4950\n"
#define SEALED_LIFE "> OPN 4950 hmac\n< CAT 4950 hmac\n"

enum sealing { NONE, OFFERED, REQUIRED };

static const struct meeting {
	enum session_security pep, pdp;
	enum sealing pep_seals, pdp_seals;
	const char *trace;
	bool opened;
} meetings[] = {
	/* TLS, whoever begins. */
	{SESSION_TLS_REQUIRED, SESSION_TLS_REQUIRED, NONE, NONE, "> OPN tls\n< CAT tls\n" LIFE,
		true},
	{SESSION_TLS_AWAITED, SESSION_TLS_REQUIRED, NONE, NONE, "> OPN\n< CAT tls\n" LIFE, true},
	{SESSION_TLS_OPTIONAL, SESSION_TLS_REQUIRED, NONE, NONE, "> OPN\n< CAT tls\n" LIFE, true},
	{SESSION_TLS_REQUIRED, SESSION_TLS_OPTIONAL, NONE, NONE, "> OPN tls\n< CAT tls\n" LIFE,
		true},
	{SESSION_TLS_AWAITED, SESSION_TLS_OPTIONAL, NONE, NONE, "> OPN\n< CAT tls\n" LIFE, true},
	{SESSION_TLS_DIRECT, SESSION_TLS_DIRECT, NONE, NONE, LIFE, true},
	/* None. */
	{SESSION_PLAIN, SESSION_PLAIN, NONE, NONE, LIFE, true},
	{SESSION_PLAIN, SESSION_TLS_OPTIONAL, NONE, NONE, LIFE, true},
	/* Who needs TLS does not go without. */
	{SESSION_PLAIN, SESSION_TLS_REQUIRED, NONE, NONE, "> OPN 4950\n< CC 15/1002\n", false},
	{SESSION_TLS_REQUIRED, SESSION_PLAIN, NONE, NONE, "> OPN tls\n< CC 15/1000\n", false},
	{SESSION_TLS_AWAITED, SESSION_PLAIN, NONE, NONE, "> OPN\n< CC 15/1000\n", false},
	/* The Integrity object without TLS. */
	{SESSION_PLAIN, SESSION_PLAIN, OFFERED, OFFERED, "> OPN hmac\n< CAT hmac\n" SEALED_LIFE,
		true},
	{SESSION_PLAIN, SESSION_PLAIN, OFFERED, REQUIRED, "> OPN hmac\n< CAT hmac\n" SEALED_LIFE,
		true},
	{SESSION_PLAIN, SESSION_TLS_OPTIONAL, OFFERED, REQUIRED,
		"> OPN hmac\n< CAT hmac\n" SEALED_LIFE, true},
	{SESSION_PLAIN, SESSION_PLAIN, NONE, OFFERED, LIFE, true},
	{SESSION_PLAIN, SESSION_PLAIN, NONE, REQUIRED, "> OPN 4950\n< CC 15/1001\n", false},
	{SESSION_PLAIN, SESSION_PLAIN, OFFERED, NONE, "> OPN hmac\n< CC 15/1000\n", false},
	{SESSION_PLAIN, SESSION_TLS_REQUIRED, OFFERED, REQUIRED, "> OPN hmac\n< CC 15/1002\n",
		false},
	{SESSION_TLS_REQUIRED, SESSION_PLAIN, NONE, REQUIRED, "> OPN tls\n< CC 15/1001\n", false},
	/* Within TLS. */
	{SESSION_TLS_REQUIRED, SESSION_TLS_REQUIRED, OFFERED, OFFERED,
		"> OPN tls\n< CAT tls\n> OPN hmac\n< CAT hmac\n" SEALED_LIFE, true},
	{SESSION_TLS_REQUIRED, SESSION_TLS_REQUIRED, OFFERED, REQUIRED,
		"> OPN tls\n< CAT tls\n> OPN hmac\n< CAT hmac\n" SEALED_LIFE, true},
	{SESSION_TLS_DIRECT, SESSION_TLS_DIRECT, OFFERED, REQUIRED,
		"> OPN hmac\n< CAT hmac\n" SEALED_LIFE, true},
	{SESSION_TLS_AWAITED, SESSION_TLS_REQUIRED, OFFERED, REQUIRED,
		"> OPN\n< CAT tls\n> OPN hmac\n< CAT hmac\n" SEALED_LIFE, true},
	{SESSION_TLS_REQUIRED, SESSION_TLS_REQUIRED, NONE, REQUIRED,
		"> OPN tls\n< CAT tls\n> OPN 4950\n< CC 15/1001\n", false},
	{SESSION_TLS_REQUIRED, SESSION_TLS_REQUIRED, OFFERED, NONE,
		"> OPN tls\n< CAT tls\n> OPN hmac\n< CC 3/0000\n", false},
};

START_TEST(what_two_ends_agree_on)
{
	const struct meeting *m = &meetings[_i];
	const char *trace;
	struct play play;
	struct pair p;

	set_up(&p, &play);
	p.pep_config.security = m->pep;
	p.pdp_config.security = m->pdp;
	p.pep_config.integrity_keys = m->pep_seals ? &keys : NULL;
	p.pdp_config.integrity_keys = m->pdp_seals ? &keys : NULL;
	p.pdp_config.integrity_required = m->pdp_seals == REQUIRED;
	p.cut = _i % 2 ? 1 : 0;
	pair_start(&p, PAIR_BOTH);
	ck_assert_int_eq(pep_session_open(p.pep, CT, NULL, p.now),
		session_is_closed(p.pep) ? E_CLOSED : E_OK);
	pair_run(&p);
	trace = pair_trace(&p);
	ck_assert_msg(!strcmp(trace, m->trace), "meeting %d: %s", _i, trace);
	ck_assert_uint_eq(play.opened, m->opened);
	ck_assert_uint_eq(play.proven, m->opened && m->pep_seals);
	ck_assert_int_eq(session_is_closed(p.pep), !m->opened);
	ck_assert_int_eq(session_is_closed(p.pdp), !m->opened);
	ck_assert_int_eq(session_is_sealed(p.pep), m->opened && m->pep_seals);
	ck_assert_int_eq(session_is_sealed(p.pdp), m->opened && m->pep_seals);
	if (m->opened) {
		/* Keep-alives and the end go the same way. */
		pair_pass(&p, 60 * 1000);
		ck_assert(!session_is_closed(p.pep) && !session_is_closed(p.pdp));
		trace = pair_trace(&p);
		ck_assert_ptr_nonnull(
			strstr(trace, m->pep_seals ? "> KA hmac\n< KA hmac" : "> KA\n< KA"));
		session_close(p.pep, COPS_CLIENT_CONNECTION, COPS_ERROR_SHUTTING_DOWN);
		pair_run(&p);
		ck_assert_str_eq(pair_trace(&p),
			m->pep_seals ? "> CC 4950 hmac 11/0000\n" : "> CC 4950 11/0000\n");
	}
	pair_fini(&p);
}
END_TEST

/* ---- After that ---- */

static void begin_sealed(struct pair *p, struct play *play)
{
	set_up(p, play);
	p->pep_config.security = p->pdp_config.security = SESSION_PLAIN;
	p->pep_config.integrity_keys = p->pdp_config.integrity_keys = &keys;
	p->pdp_config.integrity_required = true;
	pair_start(p, PAIR_BOTH);
	ck_assert_int_eq(pep_session_open(p->pep, CT, NULL, p->now), E_OK);
	pair_run(p);
	ck_assert_str_eq(pair_trace(p), "> OPN hmac\n< CAT hmac\n" SEALED_LIFE);
}

static void see_redirection(struct pair *p, const struct session_event *e)
{
	struct play *play = p->user;

	play->redirected += e->kind == SESSION_CLIENT_CLOSED && e->redirect;
}

/* The Integrity object proves who says it, as TLS does. */
START_TEST(a_sealed_redirection_is_told)
{
	struct endpoint to;
	struct error e;
	struct play play;
	struct pair p;

	ck_assert_int_eq(endpoint_parse("192.0.2.9", COPS_PORT, &to, &e), E_OK);
	begin_sealed(&p, &play);
	p.on_pep = see_redirection;
	ck_assert_int_eq(pdp_session_redirect(p.pdp, COPS_CLIENT_CONNECTION, &to), E_OK);
	pair_run(&p);
	ck_assert_uint_eq(play.redirected, 1);
	ck_assert_uint_eq(session_counters(p.pep)->odd[SESSION_ODD_REDIRECTION], 0);
	pair_fini(&p);
}
END_TEST

/* RFC 2748 section 4.1: CC for client-type 0 with a valid Integrity object, then the end. */
START_TEST(what_is_not_sealed_ends_a_sealed_session)
{
	static const struct {
		const char *why, *hex, *answer;
		bool missing;
	} cases[] = {
		{"no object", "1009000000000008", "CC hmac 15/1001\n", true},
		{"no object in what would be refused", "1003000000000008", "CC hmac 15/1001\n",
			true},
		{"a digest that is wrong",
			"100900000000002000181001000000030000002a20a2b966f1f54932365471c4",
			"CC hmac 14/0000\n", false},
		{"a key that is not there",
			"100900000000002000181001000000040000002a20a2b966f1f54932365471c4",
			"CC hmac 14/0000\n", false},
		{"of another kind", "10060000000000100008100200000001", "CC hmac 13/1002\n", false},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		for (int to_pdp = 0; to_pdp < 2; to_pdp++) {
			struct play play;
			struct pair p;
			struct session *other;
			const struct session_counters *counters;
			const char *trace;

			begin_sealed(&p, &play);
			other = to_pdp ? p.pep : p.pdp;
			if (to_pdp)
				p.pep = NULL;
			else
				p.pdp = NULL;
			pair_say_hex(&p, cases[i].hex);
			trace = pair_trace(&p);
			ck_assert_msg(trace[0] == (to_pdp ? '<' : '>') &&
					      !strcmp(trace + 2, cases[i].answer),
				"%s: %s", cases[i].why, trace);
			ck_assert_int_eq(to_pdp ? play.pdp : play.pep, SESSION_CLOSED);
			counters = session_counters(to_pdp ? p.pdp : p.pep);
			ck_assert_uint_eq(
				session_counters_total(counters, SESSION_COUNT_AUTH_MISSING),
				cases[i].missing);
			ck_assert_uint_eq(
				session_counters_total(counters, SESSION_COUNT_AUTH_FAILURES),
				!cases[i].missing);
			session_free(other);
			pair_fini(&p);
		}
	}
}
END_TEST

/* Its digest would come too late. */
START_TEST(a_message_above_the_limit_ends_a_sealed_session)
{
	struct session *pep;
	struct play play;
	struct buffer b;
	struct pair p;

	begin_sealed(&p, &play);
	buffer_init(&b, 1000);
	buffer_put_u32(&b, 0x10014950);
	buffer_put_u32(&b, COPS_MESSAGE_LIMIT + 4);
	buffer_put_zeros(&b, 400);
	pep = p.pep;
	p.pep = NULL;
	pair_say(&p, &b);
	ck_assert_str_eq(pair_trace(&p), "< CC hmac 15/1001\n");
	session_free(pep);
	pair_fini(&p);
}
END_TEST

START_TEST(a_message_said_twice_ends_a_sealed_session)
{
	struct play play;
	struct pair p;
	struct buffer again;
	struct session *pep;

	begin_sealed(&p, &play);
	pair_pass(&p, 8 * 1000);
	ck_assert_str_eq(pair_trace(&p), "> KA hmac\n< KA hmac\n");
	/* The last two messages of the log are the KA and its echo. */
	buffer_init(&again, 1000);
	buffer_put(&again, p.log.data + p.log.len - 64, 32);
	pep = p.pep;
	p.pep = NULL;
	pair_say(&p, &again);
	ck_assert_str_eq(pair_trace(&p), "< CC hmac 14/0000\n");
	ck_assert_int_eq(play.pdp_why.code, E_STALE);
	session_free(pep);
	pair_fini(&p);
}
END_TEST

START_TEST(another_pepid_than_that_of_the_key_is_refused)
{
	struct integrity *pep;
	struct play play;
	struct buffer b;
	struct pair p;
	struct integrity_fault fault;

	set_up(&p, &play);
	p.pdp_config.security = SESSION_PLAIN;
	p.pdp_config.integrity_keys = &keys;
	p.pdp_config.integrity_required = true;
	pair_start(&p, PAIR_PDP);
	pep = integrity_new(&keys, view_of_string("192.0.2.7"));
	for (int i = 0; i < 2; i++) {
		size_t begun;

		buffer_init(&b, 1000);
		begun = cops_begin(&b, COPS_OPN, 0, i ? CT : 0);
		cops_put_pepid(&b, view_of_string(i ? "bob" : "alice"));
		cops_end(&b, begun);
		ck_assert_int_eq(integrity_seal(pep, 1700000000, &b), E_OK);
		pair_say(&p, &b);
		if (!i)
			ck_assert_int_eq(
				integrity_verify(pep, 1700000000, buffer_view(&p.log), &fault),
				E_OK);
	}
	ck_assert_str_eq(pair_trace(&p), "< CAT hmac\n< CC 4950 hmac 14/0000\n");
	integrity_free(pep);
	pair_fini(&p);
}
END_TEST

/* A key that only one end has: it is said before anything is believed. */
START_TEST(keys_that_differ_end_the_negotiation)
{
	struct integrity_key other = {.id = 3,
		.peer = (char[]){"any"},
		.until = UINT64_MAX,
		.secret = {1},
		.secret_len = 16};
	struct integrity_keys others = {&other, 1};
	struct play play;
	struct pair p;

	set_up(&p, &play);
	p.pep_config.security = p.pdp_config.security = SESSION_PLAIN;
	p.pep_config.integrity_keys = &keys;
	p.pdp_config.integrity_keys = &others;
	pair_start(&p, PAIR_BOTH);
	ck_assert_str_eq(pair_trace(&p), "> OPN hmac\n< CC 14/0000\n");
	ck_assert_int_eq(play.pep, SESSION_CLOSED);
	ck_assert_int_eq(play.pdp_why.code, E_SIGNATURE);
	pair_fini(&p);
}
END_TEST

START_TEST(a_pdp_that_is_silent_about_security_is_left)
{
	struct play play;
	struct pair p;

	set_up(&p, &play);
	p.pep_config.security = SESSION_PLAIN;
	p.pep_config.integrity_keys = &keys;
	pair_start(&p, PAIR_PEP);
	pair_say_hex(&p, "100700000000001000080a010000001e");
	ck_assert_str_eq(pair_trace(&p), "> OPN hmac\n> CC 15/1001\n");
	pair_fini(&p);
	/* No answer at all. */
	set_up(&p, &play);
	p.pep_config.security = SESSION_PLAIN;
	p.pep_config.integrity_keys = &keys;
	pair_start(&p, PAIR_PEP);
	pair_pass(&p, 31 * 1000);
	ck_assert_str_eq(pair_trace(&p), "> OPN hmac\n> CC 9/0000\n");
	pair_fini(&p);
}
END_TEST

/* Both ends in one go: a PEP that may do without TLS takes what it is given. */
START_TEST(a_pep_that_may_do_without_goes_on_in_clear)
{
	struct play play;
	struct pair p;

	set_up(&p, &play);
	p.pep_config.security = SESSION_TLS_OPTIONAL;
	pair_start(&p, PAIR_PEP);
	ck_assert_int_eq(pep_session_open(p.pep, CT, NULL, p.now), E_OK);
	pair_say_hex(&p, "100700000000001000080a010000001e");
	ck_assert_str_eq(pair_trace(&p), "> OPN\n> OPN 4950\n");
	pair_fini(&p);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("common/session security");
	TCase *tc = tcase_create("security");

	tcase_add_loop_test(
		tc, what_two_ends_agree_on, 0, (int)(sizeof meetings / sizeof meetings[0]));
	tcase_add_test(tc, a_sealed_redirection_is_told);
	tcase_add_test(tc, what_is_not_sealed_ends_a_sealed_session);
	tcase_add_test(tc, a_message_above_the_limit_ends_a_sealed_session);
	tcase_add_test(tc, a_message_said_twice_ends_a_sealed_session);
	tcase_add_test(tc, another_pepid_than_that_of_the_key_is_refused);
	tcase_add_test(tc, keys_that_differ_end_the_negotiation);
	tcase_add_test(tc, a_pdp_that_is_silent_about_security_is_left);
	tcase_add_test(tc, a_pep_that_may_do_without_goes_on_in_clear);
	suite_add_tcase(suite, tc);
	return suite_main(suite);
}
