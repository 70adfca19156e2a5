/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From one PDP to another, accounting in its time, and what a session tells of itself. */
#include "common/session/status.h"
#include "tests/common/cops/octets.h"
#include "tests/common/session/play.h"
#include "tests/suite.h"

static struct endpoint endpoint_of(const char *text)
{
	struct endpoint to;
	struct error e;

	ck_assert_msg(!endpoint_parse(text, COPS_PORT, &to, &e), "%s", e.text);
	return to;
}

/* ---- PDPRedirAddr and LastPDPAddr ---- */

struct redirection {
	struct play play;
	struct endpoint to; /* what the PEP was told */
	unsigned told;
};

static void take_redirection(struct pair *p, const struct session_event *e)
{
	struct redirection *r = p->user;

	r->play.pep_seen[e->kind]++;
	if (e->kind == SESSION_CLIENT_CLOSED && e->redirect) {
		r->to = cops_server(e->redirect);
		r->told++;
		ck_assert_uint_eq(e->code, COPS_ERROR_REDIRECT);
	}
}

static const char *const addresses[] = {
	"192.0.2.9:3288", "[2001:db8::9]:3288", "198.51.100.255:1", "[2001:db8::]:65535"};

START_TEST(a_pdp_sends_its_peps_elsewhere)
{
	for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
		struct endpoint to = endpoint_of(addresses[i]);
		struct redirection r = {0};
		struct pair p;

		begin(&p, &r.play);
		p.on_pep = take_redirection;
		p.user = &r;
		ok(pdp_session_redirect(p.pdp, COPS_CLIENT_CONNECTION, &to));
		pair_run(&p);
		ck_assert_str_eq(pair_trace(&p), "< CC 4950 12/0000\n");
		ck_assert_uint_eq(r.told, 1);
		ck_assert(endpoint_equal(&r.to, &to));
		ck_assert(session_is_closed(p.pdp) && !session_is_closed(p.pep));
		ck_assert_int_eq(
			pdp_session_redirect(p.pdp, COPS_CLIENT_CONNECTION, &to), E_CLOSED);
		pair_fini(&p);
	}
}
END_TEST

static void redirect_who_opens(struct pair *p, const struct session_event *e)
{
	struct endpoint to = endpoint_of("192.0.2.9");

	if (e->kind == SESSION_OPENING)
		ok(pdp_session_redirect(p->pdp, e->client_type, &to));
}

START_TEST(a_client_open_may_be_answered_by_a_redirection)
{
	struct redirection r = {0};
	struct pair p;

	set_up(&p, &r.play);
	p.on_pep = take_redirection;
	p.on_pdp = redirect_who_opens;
	p.user = &r;
	pair_start(&p, PAIR_BOTH);
	ok(pep_session_open(p.pep, CT, NULL, p.now));
	pair_run(&p);
	ck_assert_str_eq(pair_trace(&p), "> OPN tls\n< CAT tls\n> OPN 4950\n< CC 4950 12/0000\n");
	ck_assert_uint_eq(r.told, 1);
	ck_assert_int_eq(pdp_session_redirect(p.pdp, CT, &r.to), E_NOT_FOUND);
	pair_fini(&p);
}
END_TEST

#define CC_REDIRECT(client_type)                                                                   \
	"1008" client_type "0000001c00080801000c0000000c0d01c000020900000cd8"

/* Whoever sits on the wire could send us anywhere: before TLS is up, and where there is none. */
START_TEST(a_redirection_in_clear_is_not_told)
{
	static const struct {
		enum session_security security;
		const char *hex;
	} cases[] = {
		{SESSION_TLS_REQUIRED, CC_REDIRECT("0000")},
		{SESSION_TLS_AWAITED, CC_REDIRECT("0000")},
		{SESSION_TLS_OPTIONAL, CC_REDIRECT("0000")},
		{SESSION_PLAIN, CC_REDIRECT("0000")},
		{SESSION_PLAIN, CC_REDIRECT("4950")},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct redirection r = {0};
		struct pair p;

		set_up(&p, &r.play);
		p.pep_config.security = cases[i].security;
		p.on_pep = take_redirection;
		p.user = &r;
		pair_start(&p, PAIR_PEP);
		ok(pep_session_open(p.pep, CT, NULL, p.now));
		pair_run(&p);
		pair_say_hex(&p, cases[i].hex);
		ck_assert_uint_eq(r.play.pep_seen[SESSION_CLIENT_CLOSED], 1);
		ck_assert_uint_eq(r.told, 0);
		ck_assert_uint_eq(r.play.pep_seen[SESSION_ODD], 1);
		ck_assert_uint_eq(
			session_counters(p.pep)->odd[SESSION_ODD_REDIRECTION], 1);
		pair_fini(&p);
	}
}
END_TEST

struct opening {
	struct endpoint last;
	bool has_last;
};

static void see_opening(struct pair *p, const struct session_event *e)
{
	struct opening *o = p->user;

	if (e->kind != SESSION_OPENING)
		return;
	o->has_last = e->last_pdp != NULL;
	if (e->last_pdp)
		o->last = cops_server(e->last_pdp);
	ok(pdp_session_accept(p->pdp, e->client_type));
}

START_TEST(a_client_open_names_the_last_pdp)
{
	for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
		struct endpoint last = endpoint_of(addresses[i]);
		struct opening o = {0};
		struct play play;
		struct pair p;

		set_up(&p, &play);
		p.on_pdp = see_opening;
		p.on_pep = NULL;
		p.user = &o;
		pair_start(&p, PAIR_BOTH);
		/* Before the connection is secure and after it. */
		ok(pep_session_open(p.pep, CT, &last, p.now));
		pair_run(&p);
		ck_assert(o.has_last && endpoint_equal(&o.last, &last));
		ok(pep_session_open(p.pep, COPS_CLIENT_VISITED, NULL, p.now));
		pair_run(&p);
		ck_assert(!o.has_last);
		pair_fini(&p);
	}
}
END_TEST

/* ---- AcctTimer ---- */

static enum err account(struct pair *p, const struct play *play)
{
	return pep_session_tell(p->pep, play->handle, COPS_ACCOUNTING, NULL, 0, p->now);
}

static void begin_accounting(struct pair *p, struct play *play, uint32_t seconds)
{
	set_up(p, play);
	p->pdp_config.acct_seconds = seconds;
	pair_start(p, PAIR_BOTH);
	ok(pep_session_open(p->pep, CT, NULL, p->now));
	pair_run(p);
	ck_assert_uint_eq(play->pep_seen[SESSION_OPENED], 1);
}

START_TEST(accounting_reports_keep_the_timer)
{
	struct play play;
	struct pair p;

	begin_accounting(&p, &play, 60);
	ok(account(&p, &play));
	ck_assert_uint_eq(pep_session_accounting_due(p.pep, CT), p.now + 60000);
	pair_run(&p);
	pair_pass(&p, 59999);
	ck_assert_int_eq(account(&p, &play), E_AGAIN);
	/* A failure does not wait. */
	ok(pep_session_tell(p.pep, play.handle, COPS_FAILURE, NULL, 0, p.now));
	pair_pass(&p, 1);
	ok(account(&p, &play));
	ck_assert_int_eq(account(&p, &play), E_AGAIN);
	ck_assert_uint_eq(pep_session_accounting_due(p.pep, COPS_CLIENT_VISITED), SESSION_NEVER);
	pair_fini(&p);
}
END_TEST

START_TEST(without_a_timer_there_is_no_limit_and_zero_is_none)
{
	struct play play;
	struct pair p;

	begin_accounting(&p, &play, SESSION_ACCOUNTING_ANY);
	ok(account(&p, &play));
	ok(account(&p, &play));
	pair_fini(&p);

	begin_accounting(&p, &play, 0);
	ck_assert_int_eq(account(&p, &play), E_DENIED);
	ck_assert_uint_eq(pep_session_accounting_due(p.pep, CT), SESSION_NEVER);
	pair_fini(&p);
}
END_TEST

/* ---- What is counted ---- */

START_TEST(every_error_has_its_counter)
{
	static const struct {
		const char *why, *hex;
		uint16_t client_type;
		enum session_count kind;
	} cases[] = {
		{"version", "2009000000000008", 0, SESSION_COUNT_UNSUPPORTED_VERSION},
		{"op-code", "100c000000000008", 0, SESSION_COUNT_UNKNOWN_OP_CODE},
		{"length", "1009000000000006", 0, SESSION_COUNT_LENGTH_MISMATCH},
		{"object that overruns",
			"1005495000000010"
			"000c010100000001",
			CT, SESSION_COUNT_LENGTH_MISMATCH},
		{"wrong end", REQ, CT, SESSION_COUNT_WRONG_OP_CODE},
		{"C-Num",
			"1005495000000010"
			"0008140100000001",
			CT, SESSION_COUNT_UNKNOWN_C_NUM},
		{"C-Num 0",
			"1005495000000010"
			"0008000100000001",
			CT, SESSION_COUNT_UNKNOWN_C_NUM},
		{"C-Num of a decision", "1002495000000018" HANDLE "0008140100000001", CT,
			SESSION_COUNT_UNKNOWN_C_NUM},
		{"C-Type",
			"1005495000000010"
			"0008010200000001",
			CT, SESSION_COUNT_BAD_C_TYPE},
		{"missing object", "1008495000000008", CT, SESSION_COUNT_WRONG_OBJECTS},
		{"misplaced object", "1009000000000010" HANDLE, 0, SESSION_COUNT_WRONG_OBJECTS},
		{"another client-type", "1005495100000008", 0,
			SESSION_COUNT_UNSUPPORTED_CLIENT_TYPE},
		{"keep-alive time-out",
			"1008495000000010"
			"0008080100090000",
			CT, SESSION_COUNT_KEEP_ALIVE_TIMEOUTS},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct session_counters *c;
		struct play play;
		struct pair p;

		begin_pep(&p, &play);
		pair_say_hex(&p, cases[i].hex);
		c = session_counters(p.pep);
		for (unsigned k = SESSION_COUNT_UNSUPPORTED_CLIENT_TYPE; k < SESSION_COUNT_KINDS;
			k++)
			ck_assert_msg(session_counters_total(c, k) == (k == cases[i].kind),
				"%s: %s", cases[i].why, session_count_name(k));
		for (uint32_t r = 0; r < c->row_count; r++)
			ck_assert_msg(c->rows[r].client_type == cases[i].client_type ||
					      !c->rows[r].of[cases[i].kind],
				"%s: client-type %04x", cases[i].why, c->rows[r].client_type);
		pair_fini(&p);
	}
}
END_TEST

START_TEST(an_error_of_no_kind_is_an_error_all_the_same)
{
	static const char *const cases[] = {
		"1009495000000008",                 /* KA with a client-type */
		"1205495000000008",                 /* unknown flags */
		"1005495000000010" "0003010100000001", /* an object shorter than its header */
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct session_counters *c;
		struct play play;
		struct pair p;

		begin_pep(&p, &play);
		pair_say_hex(&p, cases[i]);
		c = session_counters(p.pep);
		ck_assert_uint_eq(session_counters_total(c, SESSION_COUNT_ERRORS_IN), 1);
		ck_assert_uint_eq(session_counters_total(c, SESSION_COUNT_WRONG_OBJECTS), 0);
		ck_assert_uint_eq(session_counters_total(c, SESSION_COUNT_LENGTH_MISMATCH), i == 2);
		pair_fini(&p);
	}
}
END_TEST

START_TEST(what_cannot_be_sent_is_counted)
{
	static const uint8_t octets[2048];
	struct view named = VIEW(octets, sizeof octets);
	const struct session_counters *c;
	struct play play;
	uint32_t handle;
	struct pair p;

	set_up(&p, &play);
	p.pep_config.security = SESSION_PLAIN;
	p.pep_config.limits.message = 1000;
	pair_start(&p, PAIR_PEP);
	ok(pep_session_open(p.pep, CT, NULL, p.now));
	pair_run(&p);
	pair_say_hex(&p, CAT_30);
	ck_assert_int_eq(
		pep_session_request(p.pep, CT, &named, 1, p.now, &handle), E_LIMIT);
	c = session_counters(p.pep);
	ck_assert_uint_eq(session_counters_total(c, SESSION_COUNT_BAD_SENDS), 1);
	/* OPN, and the REQ of its own that the play makes. */
	ck_assert_uint_eq(session_counters_total(c, SESSION_COUNT_MESSAGES_OUT), 2);
	pair_fini(&p);
}
END_TEST

static const struct session_counts *row_of(const struct session *s, uint16_t client_type)
{
	const struct session_counters *c = session_counters(s);

	for (uint32_t i = 0; i < c->row_count; i++)
		if (c->rows[i].client_type == client_type)
			return &c->rows[i];
	ck_abort_msg("no row for client-type %04x", client_type);
}

START_TEST(what_a_session_tells_of_itself)
{
	const struct session_counts *row;
	struct session_counters sum = {0};
	struct session_status status;
	struct play play;
	struct pair p;

	begin(&p, &play);
	session_status(p.pep, &status);
	ck_assert_uint_eq(status.client_count, 2);
	ck_assert_int_eq(status.clients[0].progress, SESSION_SECURED);
	ck_assert_int_eq(status.clients[1].progress, SESSION_ACCEPTED);
	ck_assert_uint_eq(status.clients[1].client_type, CT);
	ck_assert_uint_eq(status.clients[1].ka_seconds, 30);
	ck_assert_uint_eq(status.clients[1].acct_seconds, SESSION_ACCOUNTING_ANY);
	ck_assert_uint_eq(status.clients[1].states, 1);
	ck_assert_uint_eq(status.ka_seconds, 30);
	/* OPN, REQ, RPT against CAT, DEC. */
	row = row_of(p.pep, CT);
	ck_assert_uint_eq(row->of[SESSION_COUNT_MESSAGES_OUT], 3);
	ck_assert_uint_eq(row->of[SESSION_COUNT_MESSAGES_IN], 2);
	ck_assert_uint_eq(row->of[SESSION_COUNT_OPEN_ATTEMPTS], 1);
	ck_assert_uint_eq(row_of(p.pep, 0)->of[SESSION_COUNT_MESSAGES_OUT], 1);
	ck_assert_uint_eq(row_of(p.pdp, CT)->of[SESSION_COUNT_MESSAGES_IN], 3);

	/* Silence: first it shows, then it is the end; the tally outlives the session. */
	p.deaf = true;
	pair_pass(&p, 22501);
	session_tick(p.pep, p.now);
	session_status(p.pep, &status);
	ck_assert_int_eq(status.clients[0].progress, SESSION_TIMING_OUT);
	pair_pass(&p, 10000);
	session_status(p.pep, &status);
	ck_assert_int_eq(status.clients[0].progress, SESSION_INVALID);
	session_counters_add(&sum, session_counters(p.pep));
	session_counters_add(&sum, session_counters(p.pep));
	ck_assert_uint_eq(sum.rows[1].client_type, CT);
	ck_assert_uint_eq(sum.rows[1].of[SESSION_COUNT_MESSAGES_IN], 4);
	ck_assert_uint_eq(sum.octets_in, 2 * session_counters(p.pep)->octets_in);
	pair_fini(&p);
}
END_TEST

/* A peer cannot make the rows grow by naming client-types. */
START_TEST(rows_are_for_client_types_that_were_opened)
{
	char ssq[] = "1005495000000008";
	struct play play;
	struct pair p;

	begin_pep(&p, &play);
	for (unsigned i = 0; i < 9; i++) {
		ssq[6] = (char)('1' + i);
		pair_say_hex(&p, ssq);
	}
	ck_assert_uint_eq(session_counters(p.pep)->row_count, 2);
	ck_assert_uint_eq(row_of(p.pep, 0)->of[SESSION_COUNT_UNSUPPORTED_CLIENT_TYPE], 8);
	pair_fini(&p);
}
END_TEST

START_TEST(a_failed_opening_is_counted)
{
	const struct session_counts *row;
	struct play play;
	struct pair p;

	set_up(&p, &play);
	play.refuse = true;
	pair_start(&p, PAIR_BOTH);
	ok(pep_session_open(p.pep, CT, NULL, p.now));
	pair_run(&p);
	row = row_of(p.pep, CT);
	ck_assert_uint_eq(row->of[SESSION_COUNT_OPEN_ATTEMPTS], 1);
	ck_assert_uint_eq(row->of[SESSION_COUNT_OPEN_FAILURES], 1);
	ck_assert_uint_eq(row->last_error, COPS_ERROR_UNSUPPORTED_CLIENT_TYPE);
	ck_assert_uint_eq(row_of(p.pdp, CT)->of[SESSION_COUNT_OPEN_FAILURES], 1);
	pair_fini(&p);

	set_up(&p, &play);
	pair_start(&p, PAIR_PDP);
	pair_say_hex(&p, OPN);
	ck_assert_uint_eq(row_of(p.pdp, 0)->of[SESSION_COUNT_AUTH_MISSING], 1);
	pair_fini(&p);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("session moves");
	TCase *c = tcase_create("moves");

	tcase_add_test(c, a_pdp_sends_its_peps_elsewhere);
	tcase_add_test(c, a_client_open_may_be_answered_by_a_redirection);
	tcase_add_test(c, a_redirection_in_clear_is_not_told);
	tcase_add_test(c, a_client_open_names_the_last_pdp);
	tcase_add_test(c, accounting_reports_keep_the_timer);
	tcase_add_test(c, without_a_timer_there_is_no_limit_and_zero_is_none);
	tcase_add_test(c, every_error_has_its_counter);
	tcase_add_test(c, an_error_of_no_kind_is_an_error_all_the_same);
	tcase_add_test(c, what_cannot_be_sent_is_counted);
	tcase_add_test(c, what_a_session_tells_of_itself);
	tcase_add_test(c, rows_are_for_client_types_that_were_opened);
	tcase_add_test(c, a_failed_opening_is_counted);
	suite_add_tcase(s, c);
	return suite_main(s);
}
